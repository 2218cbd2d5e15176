//! What is applied again after a start is what was applied live.

use omnix_storage::Atomicity;

use crate::testing::{Fleet, Ground, at_s, comparable, purchase};

#[test]
fn a_replay_of_the_whole_log_gives_the_same_rows() {
    let grounds = Fleet::grounds(Atomicity::Commit, 1, false);
    let mut fleet = Fleet::open(&grounds).unwrap();
    for day in 0..30_i64 {
        grounds[0].clock.set(at_s(day * 86_400));
        for line in 0..4 {
            let name = format!("c{}", (day + line) % 9);
            let _answer = fleet.shards[0].ask(vec![purchase(
                &name,
                &format!("{day}-{line}"),
                at_s(day * 86_400),
                10 + line,
            )]);
        }
        fleet.settle().unwrap();
        grounds[0].clock.set(at_s(day * 86_400 + 8));
        fleet.settle().unwrap();
        fleet.shards[0].shard.begin_end_of_epoch(day.unsigned_abs());
        fleet.settle().unwrap();
    }
    let live = comparable(fleet.rows());
    let applied = fleet.shards[0].counters.applied.get();
    assert!(applied > 120, "the engine's own events stand in the log too");
    // Nothing was persisted: the store is empty again, and the log brings it forward.
    let again = Fleet::open(&grounds).unwrap();
    assert!(again.shards[0].replay.records > 120);
    assert_eq!(comparable(again.rows()), live);
    assert_eq!(again.shards[0].counters.applied.get(), 0);
    assert_eq!(again.shards[0].counters.replayed.get(), applied);
}

/// Learns from one long epoch, with a restart after every `restart_every` groups; gives the model's bytes.
fn model_of_a_long_epoch(atomicity: Atomicity, restart_every: i64) -> Vec<u8> {
    use crate::models::ModelStore as _;
    let grounds = Fleet::grounds(atomicity, 1, false);
    let mut fleet = Fleet::open(&grounds).unwrap();
    for group in 0..150_i64 {
        grounds[0].clock.set(at_s(group * 86_400));
        let _answer = fleet.shards[0].ask(vec![purchase(
            "ann",
            &format!("{group}"),
            at_s(group * 86_400),
            10 + group % 5,
        )]);
        fleet.settle().unwrap();
        if group % restart_every == restart_every - 1 {
            fleet.shards[0].shard.persist().unwrap();
            fleet = Fleet::open(&grounds).unwrap();
        }
    }
    let rows = fleet.rows().keys().filter(|key| key.first() == Some(&b'o')).count();
    assert!(rows <= 64 + 1, "many rows become one: {rows}");
    fleet.shards[0].shard.begin_end_of_epoch(0);
    fleet.settle().unwrap();
    assert!(!fleet.rows().keys().any(|key| key.first() == Some(&b'o')), "what is learnt is gone");
    grounds[0].models.read(1).unwrap().unwrap()
}

#[test]
fn a_tally_survives_restarts_to_the_last_bit() {
    let whole = model_of_a_long_epoch(Atomicity::Commit, 1_000);
    assert_eq!(model_of_a_long_epoch(Atomicity::Commit, 7), whole);
    assert_eq!(model_of_a_long_epoch(Atomicity::Row, 11), whole);
}

#[test]
fn a_clean_end_leaves_nothing_to_apply_again() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    shard.store(purchase("ann", "e1", at_s(0), 10));
    shard.shard.close().unwrap();
    assert_eq!(ground.open().replay.blocks, 0);
}

#[test]
fn a_replay_reaches_no_live_subscriber() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    let mut heard = 0;
    for week in 0..8_i64 {
        ground.clock.set(at_s(week * 604_800));
        shard.store(purchase(
            "ann",
            &format!("w{week}"),
            at_s(week * 604_800),
            if week == 7 { 5_000 } else { 10 },
        ));
        ground.clock.set(at_s(week * 604_800 + 8));
        shard.settle().unwrap();
    }
    while shard.heard.try_recv().is_ok() {
        heard += 1;
    }
    let rows = ground.disk.rows().keys().filter(|key| key.first() == Some(&b'f')).count();
    assert!(heard > 0, "the customer's history raises something");
    assert_eq!(heard, rows, "what is live is what the durable feed holds");
    let mut again = ground.open();
    assert!(again.heard.try_recv().is_err());
}
