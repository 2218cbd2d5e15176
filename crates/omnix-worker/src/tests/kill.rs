//! Killed between any two writes of a commit, the result is the same: on a store with transactions, which
//! falls back to an earlier commit, and on one without, which stands wherever it was.

use std::collections::BTreeMap;

use omnix_model::{Event, Origin, Outcome, SegmentName, SegmentUpdate, Timestamp};
use omnix_storage::Atomicity;

use crate::NewEvent;
use crate::shard::ShardError;
use crate::testing::{Fleet, at_s, comparable, customer, new_event, purchase};

const DAY_S: i64 = 86_400;

fn segment_update(name: &str, id: &str, at: Timestamp, segment: &str) -> NewEvent {
    new_event(
        Event::SegmentUpdate(SegmentUpdate {
            customer_id: customer(name),
            previous_segment: None,
            new_segment: SegmentName::parse(segment),
            segmentation_score: 0.5,
            reason_codes: vec![],
            timestamp: at,
            confidence: 0.9,
            model_version: "m".into(),
            extra: "".into(),
        }),
        id,
    )
}

/// What happens, step by step: the seconds to wait, and the events that arrive then.
fn script() -> Vec<(i64, Vec<NewEvent>)> {
    let mut steps = Vec::new();
    let mut second = 0;
    for week in 0..3_i64 {
        let at = at_s(second);
        let mut events = Vec::new();
        for name in ["ann", "bob"] {
            // Several products, so that a customer has pages.
            for line in 0..2 {
                let amount = if week == 2 && name == "bob" { 900 } else { 10 + line };
                events.push(purchase(name, &format!("{name}-{week}-{line}"), at, amount));
            }
        }
        let mut till = purchase("guest", &format!("till-{week}"), at, 3);
        till.anonymous = true;
        events.push(till);
        let mut served = purchase("ann", &format!("served-{week}"), at, 4);
        served.origin = Origin::Server;
        events.push(served);
        steps.push((second, events));
        // Nothing but time: baskets end.
        steps.push((second + 7, Vec::new()));
        second += 7 * DAY_S;
    }
    steps.push((second, vec![segment_update("ann", "s1", at_s(second), "At Risk")]));
    // More ids than a state holds.
    let many = (0..33).map(|i| purchase("dee", &format!("dee-{i}"), at_s(second), 2)).collect();
    steps.push((second + 1, many));
    steps.push((second + 40 * DAY_S, vec![purchase("ann", "late", at_s(second - DAY_S), 5)]));
    steps
}

/// Runs the script, killed after `kill_after` single writes of the store; says how many were done.
///
/// Some groups are committed together with the next, and now and then what is committed is persisted.
fn run(atomicity: Atomicity, kill_after: Option<u64>) -> (BTreeMap<Vec<u8>, Vec<u8>>, u64) {
    let grounds = Fleet::grounds(atomicity, 1, false);
    let disk = grounds[0].disk.clone();
    let mut fleet = Fleet::open(&grounds).unwrap();
    if let Some(writes) = kill_after {
        disk.kill_after(writes);
    }
    // A process that dies is started again, and does what it finds to do.
    let survive = |fleet: &mut Fleet, result: Result<(), ShardError>| {
        let mut result = result;
        while let Err(error) = result {
            assert!(matches!(error, ShardError::Commit(_)), "{error}");
            *fleet = Fleet::open(&grounds).unwrap();
            result = fleet.settle();
        }
    };
    let result = fleet.settle();
    survive(&mut fleet, result);
    for (step, (second, events)) in script().into_iter().enumerate() {
        grounds[0].clock.set(at_s(second));
        if !events.is_empty() {
            let _answer = fleet.shards[0].ask(events);
        }
        let result = match step % 5 {
            0 | 2 => fleet.settle_uncommitted(),
            4 => fleet.settle().and_then(|()| fleet.shards[0].shard.persist()),
            _ => fleet.settle(),
        };
        survive(&mut fleet, result);
        if step % 2 == 0 {
            let result = fleet.settle();
            survive(&mut fleet, result);
            if let Some(insight) = fleet.insights().last() {
                let outcome = [Some(Outcome::Useful), Some(Outcome::Wrong), None][step / 2 % 3];
                let _answer = fleet.shards[0].judge(insight, outcome);
            }
            let result = fleet.settle_uncommitted();
            survive(&mut fleet, result);
        }
        if step % 4 == 1 {
            let epoch = fleet.shards[0].shard.epoch();
            fleet.shards[0].shard.begin_end_of_epoch(epoch);
            let result = fleet.settle();
            survive(&mut fleet, result);
        }
    }
    let result = fleet.settle();
    survive(&mut fleet, result);
    (comparable(fleet.rows()), disk.writes_done())
}

fn difference(a: &BTreeMap<Vec<u8>, Vec<u8>>, b: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<String> {
    let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
    keys.into_iter()
        .filter(|key| a.get(*key) != b.get(*key))
        .map(|key| format!("{:?}: {:?} and {:?}", String::from_utf8_lossy(key), a.get(key), b.get(key)))
        .collect()
}

fn killed_anywhere_the_rows_are_the_same(atomicity: Atomicity, every: usize) {
    let (expected, writes) = run(atomicity, None);
    let kinds: std::collections::BTreeSet<u8> =
        expected.keys().filter_map(|key| key.first().copied()).collect();
    for kind in b"sijvtrabcfdl" {
        assert!(kinds.contains(kind), "the script writes rows of kind {}", char::from(*kind));
    }
    assert!(writes > 300, "the script writes something: {writes}");
    for kill_after in (0..writes).step_by(every) {
        let (rows, _) = run(atomicity, Some(kill_after));
        let difference = difference(&expected, &rows);
        assert!(difference.is_empty(), "killed after {kill_after} of {writes} writes: {difference:#?}");
    }
}

#[test]
fn with_transactions() {
    // A commit that is killed is as if it had not begun: every few writes meet every commit.
    killed_anywhere_the_rows_are_the_same(Atomicity::Commit, 5);
}

#[test]
fn without_transactions() {
    killed_anywhere_the_rows_are_the_same(Atomicity::Row, 1);
}
