//! An event counts once: what a repeat is answered, wherever the first one stands.

use omnix_model::{Origin, Timestamp};
use omnix_storage::{AppendError, Atomicity};

use crate::testing::{Driven, Ground, at_s, customer, purchase, receipts};
use crate::{Receipt, Refusal, state_row};

fn duplicate_of(receipt: &Receipt) -> Option<bool> {
    match receipt {
        Receipt::Stored(stored) => stored.duplicate,
        other => panic!("not stored: {other:?}"),
    }
}

fn spent(driven: &Driven, name: &str) -> i128 {
    let id = customer(name);
    let lane = omnix_model::Lane::of(&id);
    let stored = state_row::load(driven.shard.reader(), lane, &id).unwrap();
    stored.and_then(|stored| stored.customer).map_or(0, |customer| customer.total_spent() / 1_000_000)
}

#[test]
fn a_repeat_counts_once_and_says_so() {
    let mut shard = Ground::new(Atomicity::Commit).open();
    let first = shard.store(purchase("ann", "e1", at_s(0), 10));
    assert_eq!(first.duplicate, Some(false));
    let again = shard.store(purchase("ann", "e1", at_s(0), 10));
    assert_eq!(again.duplicate, Some(true));
    assert_eq!(again.position, first.position, "the customer's last is the first one");
    assert_eq!(spent(&shard, "ann"), 10);
    assert_eq!(
        duplicate_of(&shard.publish(vec![purchase("bob", "e1", at_s(0), 10)]).unwrap()[0]),
        Some(false)
    );
}

#[test]
fn another_body_under_the_same_id_is_a_conflict_and_the_first_stays() {
    let mut shard = Ground::new(Atomicity::Commit).open();
    shard.store(purchase("ann", "e1", at_s(0), 10));
    let receipts = shard.publish(vec![purchase("ann", "e1", at_s(0), 11)]).unwrap();
    assert!(matches!(&receipts[..], [Receipt::Conflict { event_id }] if event_id.as_str() == "e1"));
    assert_eq!(spent(&shard, "ann"), 10);
    assert_eq!(shard.counters.conflicts.get(), 1);
}

#[test]
fn repeats_within_one_batch_stand_where_the_first_stands() {
    let mut shard = Ground::new(Atomicity::Commit).open();
    let batch = vec![
        purchase("ann", "e1", at_s(0), 10),
        purchase("ann", "e1", at_s(0), 10),
        purchase("ann", "e1", at_s(0), 12),
    ];
    let receipts = shard.publish(batch).unwrap();
    assert_eq!(duplicate_of(&receipts[0]), Some(false));
    assert_eq!(duplicate_of(&receipts[1]), Some(true));
    let positions: Vec<_> = receipts
        .iter()
        .filter_map(|receipt| match receipt {
            Receipt::Stored(stored) => Some(stored.position),
            _ => None,
        })
        .collect();
    assert_eq!(positions[0], positions[1]);
    assert!(matches!(receipts[2], Receipt::Conflict { .. }));
    assert_eq!(spent(&shard, "ann"), 10);
}

/// Brings the shard to where e1 is in flight and a repeat and a conflict of it wait in the next group.
fn in_flight(shard: &mut Driven) -> [tokio::sync::oneshot::Receiver<Vec<crate::group::Answer>>; 3] {
    shard.settle().unwrap();
    let first = shard.ask(vec![purchase("ann", "e1", at_s(0), 10)]);
    shard.shard.fill().unwrap();
    shard.shard.seal().unwrap();
    let repeat = shard.ask(vec![purchase("ann", "e1", at_s(0), 10)]);
    let conflict = shard.ask(vec![purchase("ann", "e1", at_s(0), 11)]);
    shard.shard.fill().unwrap();
    assert!(!shard.shard.has_hand(), "neither is appended");
    [first, repeat, conflict]
}

#[test]
fn a_repeat_of_an_event_in_flight_waits_for_its_sync() {
    let mut shard = Ground::new(Atomicity::Commit).open();
    let [mut first, mut repeat, conflict] = in_flight(&mut shard);
    assert!(first.try_recv().is_err() && repeat.try_recv().is_err(), "nobody is answered before the sync");
    let position = omnix_model::Position { log: omnix_model::LogId(1), frame: 9, slot: 0 };
    shard.shard.synced(Ok(position)).unwrap();
    assert!(first.try_recv().is_err(), "nor before the commit");
    shard.shard.apply_synced(&mut |_| Ok(())).unwrap();
    assert_eq!(duplicate_of(&receipts(first)[0]), Some(false));
    assert_eq!(duplicate_of(&receipts(repeat)[0]), Some(true));
    assert!(matches!(receipts(conflict)[0], Receipt::Conflict { .. }));
}

#[test]
fn when_the_disk_is_full_repeats_are_refused_with_the_first() {
    let mut shard = Ground::new(Atomicity::Commit).open();
    let asked = in_flight(&mut shard);
    shard.shard.synced(Err(AppendError::Full)).unwrap();
    for asked in asked {
        assert!(matches!(receipts(asked)[0], Receipt::Refused { refusal: Refusal::DiskFull, .. }));
    }
    // Nothing of it is remembered.
    assert_eq!(shard.store(purchase("ann", "e1", at_s(0), 11)).duplicate, Some(false));
}

#[test]
fn when_nobody_knows_whether_the_first_is_stored_nobody_knows_of_its_repeats() {
    let mut shard = Ground::new(Atomicity::Commit).open();
    let asked = in_flight(&mut shard);
    shard.shard.synced(Err(AppendError::Unknown("lost".to_owned()))).unwrap_err();
    for asked in asked {
        assert!(matches!(&receipts(asked)[0], Receipt::Unknown { event_id } if event_id.as_str() == "e1"));
    }
}

#[test]
fn ids_are_known_after_a_restart_and_beyond_what_the_state_holds() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    let events: Vec<_> = (0..200).map(|i| purchase("ann", &format!("e{i}"), at_s(i), 1)).collect();
    shard.publish(events.clone()).unwrap();
    for restart in 0..2 {
        if restart == 1 {
            shard = ground.open();
        }
        let receipts = shard.publish(events.clone()).unwrap();
        assert!(receipts.iter().all(|receipt| duplicate_of(receipt) == Some(true)), "restart {restart}");
        assert_eq!(spent(&shard, "ann"), 200);
    }
}

#[test]
fn the_window_ends() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    let event = || purchase("ann", "e1", at_s(0), 10);
    shard.store(event());
    ground.clock.set(at_s(0).plus_ms(168 * Timestamp::HOUR_MS));
    assert_eq!(shard.store(event()).duplicate, Some(true), "a week later to the hour");
    ground.clock.set(at_s(0).plus_ms(169 * Timestamp::HOUR_MS));
    assert_eq!(shard.store(event()).duplicate, Some(false), "after the window it is another event");
}

#[test]
fn ids_of_the_servers_own_making_are_kept_a_quarter_of_an_hour() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    let mut made = purchase("ann", "s1", at_s(0), 10);
    made.origin = Origin::Server;
    shard.store(made);
    ground.clock.set(at_s(14 * 60));
    assert_eq!(shard.store(purchase("ann", "s1", at_s(0), 10)).duplicate, Some(true));
    ground.clock.set(at_s(16 * 60));
    assert_eq!(shard.store(purchase("ann", "s1", at_s(0), 10)).duplicate, Some(false));
}

#[test]
fn anonymous_customers_have_an_exact_window_and_no_state() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    let till = |id: &str, amount| {
        let mut event = purchase("guest", id, at_s(0), amount);
        event.anonymous = true;
        event
    };
    assert_eq!(shard.store(till("t1", 5)).duplicate, Some(false));
    let mut shard = ground.open();
    assert_eq!(shard.store(till("t1", 5)).duplicate, Some(true));
    assert!(matches!(shard.publish(vec![till("t1", 6)]).unwrap()[0], Receipt::Conflict { .. }));
    assert_eq!(spent(&shard, "guest"), 0);
}

#[test]
fn ids_that_moved_out_of_a_state_are_known_before_they_are_committed() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    let mut guest = purchase("guest", "till", at_s(0), 3);
    guest.anonymous = true;
    // More than a state keeps, and one that has no state at all.
    let mut events: Vec<_> = (0..40).map(|i| purchase("ann", &format!("e{i}"), at_s(i), 2)).collect();
    events.push(guest);
    let first = shard.ask(events.clone());
    shard.settle_uncommitted().unwrap();
    let spilled =
        |ground: &Ground| ground.disk.rows().keys().filter(|key| key.first() == Some(&b'd')).count();
    assert_eq!(spilled(&ground), 0, "nothing of it is committed");
    let again = shard.ask(events);
    shard.settle_uncommitted().unwrap();
    assert!(receipts(first).iter().all(|receipt| duplicate_of(receipt) == Some(false)));
    assert!(receipts(again).iter().all(|receipt| duplicate_of(receipt) == Some(true)));
    shard.settle().unwrap();
    assert_eq!(spilled(&ground), 16 + 1);
}
