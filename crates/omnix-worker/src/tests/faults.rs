//! Bad input never stops a shard; failing infrastructure does, and says so.

use omnix_model::{ErrorCode, RejectedEvent};
use omnix_storage::{AppendError, Atomicity, Block, EventLog};

use crate::shard::ShardError;
use crate::testing::{Ground, at_s, purchase, receipts};
use crate::{Receipt, Refusal};

#[test]
fn a_block_that_cannot_be_decoded_is_set_aside_and_the_shard_goes_on() {
    let ground = Ground::new(Atomicity::Commit);
    ground.open().store(purchase("ann", "e1", at_s(0), 10));
    let mut log = ground.log.clone();
    let broken = Block { lane: omnix_model::Lane::FIRST, count: 3, now: at_s(1), payload: vec![9; 40] };
    assert!(log.append(&[broken])[0].is_ok());
    let mut shard = ground.open();
    assert_eq!(shard.counters.not_applied.get(), 3);
    assert_eq!(shard.store(purchase("ann", "e2", at_s(2), 10)).duplicate, Some(false));
    let rejected = ground.disk.rows().into_iter().find(|(key, _)| key.first() == Some(&b'q')).unwrap().1;
    let rejected = RejectedEvent::decode(&rejected).unwrap();
    assert_eq!(rejected.code(), ErrorCode::NotApplied);
    assert_eq!(rejected.body, vec![9; 40]);
}

#[test]
fn a_record_at_which_the_process_died_twice_is_set_aside_and_others_of_its_block_count() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    shard.settle().unwrap();
    let events: Vec<_> = (0..3).map(|i| purchase("ann", &format!("e{i}"), at_s(i), 10)).collect();
    shard.publish(events).unwrap();
    let poison = omnix_model::Position { slot: 1, ..ground.log.blocks().last().unwrap().position };
    for (deaths, applied) in [(0, 3), (1, 2)] {
        // As if the process had died while it applied this record.
        *ground.marker.0.lock().unwrap() = crate::attempts::marker_of(poison, deaths);
        let shard = ground.open();
        assert_eq!(shard.counters.replayed.get(), applied, "after {deaths} deaths and one");
        assert_eq!(shard.counters.not_applied.get(), 3 - applied);
    }
    let rejected = ground.disk.rows().into_iter().find(|(key, _)| key.first() == Some(&b'q')).unwrap().1;
    assert_eq!(RejectedEvent::decode(&rejected).unwrap().event_id.unwrap().as_str(), "e1");
}

#[test]
fn an_event_that_cannot_be_applied_is_acknowledged_and_stands_in_the_rejected_events() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    // Sums are 128 bits wide: what overflows them has to be provoked by the largest amounts there are.
    let huge = i64::MAX / 1_000_000;
    let events: Vec<_> = (0..4).map(|i| purchase("ann", &format!("e{i}"), at_s(i), huge)).collect();
    let receipts = shard.publish(events).unwrap();
    assert!(receipts.iter().all(|receipt| matches!(receipt, Receipt::Stored(_))));
    let not_applied = shard.counters.not_applied.get();
    let rejected = ground.disk.rows().keys().filter(|key| key.first() == Some(&b'q')).count() as u64;
    assert_eq!(rejected, not_applied, "what was not applied is kept");
    assert_eq!(shard.counters.applied.get() + not_applied, 4);
}

#[test]
fn a_full_disk_stores_nothing_and_ends_by_itself() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    shard.settle().unwrap();
    ground.log.fail_next(AppendError::Full);
    let refused = shard.publish(vec![purchase("ann", "e1", at_s(0), 10), purchase("bob", "e2", at_s(0), 1)]);
    let refused = refused.unwrap();
    assert!(refused.iter().all(|r| matches!(r, Receipt::Refused { refusal: Refusal::DiskFull, .. })));
    let blocks = ground.log.blocks().len();
    assert_eq!(shard.store(purchase("ann", "e1", at_s(0), 10)).duplicate, Some(false));
    assert_eq!(ground.log.blocks().len(), blocks + 1);
}

#[test]
fn our_own_records_are_tried_again_after_a_full_disk() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    // The first block names the settings in every lane.
    ground.log.fail_next(AppendError::Full);
    shard.settle().unwrap();
    shard.store(purchase("ann", "e1", at_s(0), 10));
    assert!(shard.shard.lane_rows().iter().all(|(_, row)| row.settings != 0 && row.engine != 0));
}

#[test]
fn after_a_sync_that_failed_nobody_is_told_that_it_is_stored() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    shard.settle().unwrap();
    let asked = shard.ask(vec![purchase("ann", "e1", at_s(0), 10)]);
    ground.log.fail_next(AppendError::Unknown("sync".to_owned()));
    assert!(matches!(shard.settle(), Err(ShardError::Sync(_))));
    assert!(matches!(&receipts(asked)[0], Receipt::Unknown { event_id } if event_id.as_str() == "e1"));
}

#[test]
fn old_messages_and_old_rejected_events_go_and_the_feed_says_from_where() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    for week in 0..8_i64 {
        ground.clock.set(at_s(week * 604_800));
        let amount = if week == 7 { 5_000 } else { 10 };
        shard.store(purchase("ann", &format!("w{week}"), at_s(week * 604_800), amount));
        ground.clock.set(at_s(week * 604_800 + 8));
        shard.settle().unwrap();
    }
    shard.shard.accept_rejected(RejectedEvent {
        received_at: at_s(0),
        faults: vec![],
        customer_id: None,
        event_id: None,
        body: b"{".to_vec(),
    });
    shard.shard.commit_waiting().unwrap();
    let count = |kind: u8| ground.disk.rows().keys().filter(|key| key.first() == Some(&kind)).count();
    let messages = count(b'f');
    assert!(messages > 1 && count(b'q') == 1 && count(b'g') == 0);
    // A day and an hour after the last week but one: its messages are out of the promised 24 hours.
    let now = at_s(7 * 604_800 + 60);
    shard.shard.retain(&crate::Retention::default(), now).unwrap();
    shard.shard.commit_waiting().unwrap();
    assert!(count(b'f') < messages, "{messages}");
    assert_eq!((count(b'q'), count(b'g')), (0, 1));
}

#[test]
fn a_log_that_is_damaged_above_the_checkpoint_takes_nothing_until_the_loss_is_accepted() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    shard.settle().unwrap();
    for i in 0..3 {
        shard.store(purchase("ann", &format!("e{i}"), at_s(i), 10));
    }
    let lost = ground.log.blocks()[2].position.frame;
    ground.log.damage(lost);
    let mut shard = ground.open();
    assert_eq!(shard.replay.damaged, [(lost, lost)]);
    let refused = shard.publish(vec![purchase("ann", "e9", at_s(9), 10)]).unwrap();
    assert!(matches!(refused[0], Receipt::Refused { refusal: Refusal::LogDamaged, .. }));
    // An orderly end is no acceptance: by then the store stands behind the damage.
    shard.shard.close().unwrap();
    let mut shard = ground.open();
    assert_eq!(shard.replay.damaged, [(lost, lost)]);
    // What is sound is applied, before and behind the damage.
    assert_eq!(shard.store_after_loss(lost, purchase("ann", "e2", at_s(2), 10)).duplicate, Some(true));
    assert_eq!(shard.store(purchase("ann", "e1", at_s(1), 10)).duplicate, Some(false), "this one was lost");
    // The acceptance is in the log: the next start does not ask again.
    let mut shard = ground.open();
    assert_eq!(shard.replay.damaged, []);
    assert_eq!(shard.store(purchase("ann", "e3", at_s(3), 10)).duplicate, Some(false));
}

#[test]
fn a_rejected_event_is_kept_without_any_other_traffic() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    shard.settle().unwrap();
    shard.shard.accept_rejected(RejectedEvent {
        received_at: at_s(0),
        faults: vec![],
        customer_id: None,
        event_id: None,
        body: b"{".to_vec(),
    });
    shard.shard.commit_waiting().unwrap();
    assert_eq!(ground.disk.rows().keys().filter(|key| key.first() == Some(&b'q')).count(), 1);
}
