//! What is held back is counted, by reason, and once.

use omnix_model::{Suppressed, Suppression, Timestamp};
use omnix_storage::Atomicity;

use crate::rollup::{Activity, decode_row};
use crate::testing::{Fleet, at_s, purchase};

const DAY_S: i64 = 86_400;

/// What all hours have counted.
fn counted(fleet: &Fleet) -> Suppressed {
    let mut sum = Suppressed::default();
    for (_, row) in fleet.rows().iter().filter(|(key, _)| key.first() == Some(&b'a')) {
        sum.merge(&decode_row::<Activity>(row).unwrap().0.suppressed);
    }
    sum
}

#[test]
fn a_silence_that_was_told_is_counted_and_not_told_again() {
    let grounds = Fleet::grounds(Atomicity::Commit, 1, false);
    let mut fleet = Fleet::open(&grounds).unwrap();
    for day in 0..400_i64 {
        grounds[0].clock.set(at_s(day * DAY_S));
        if day < 26 * 7 && day % 7 == 0 {
            let _answer =
                fleet.shards[0].ask(vec![purchase("ann", &format!("e{day}"), at_s(day * DAY_S), 60)]);
        }
        fleet.settle().unwrap();
    }
    let silent = |timestamp: Timestamp| timestamp > at_s(26 * 7 * DAY_S);
    let said: Vec<_> = fleet.insights().into_iter().filter(|insight| silent(insight.timestamp)).collect();
    assert!(said.iter().any(|insight| insight.message_id == "segment.core_lost"), "{said:?}");
    let priorities: Vec<_> = said.iter().map(|insight| insight.priority).collect();
    assert!(priorities.is_sorted_by(|a, b| a < b), "each more urgent than the last: {priorities:?}");
    let before = counted(&fleet);
    assert!(before.of(Suppression::Cause) >= 2, "{before:?}");
    let counters = &fleet.shards[0].counters;
    assert_eq!(Suppression::ALL.map(|reason| counters.suppressed_of(reason)), before.0);
    drop(fleet);
    assert_eq!(counted(&Fleet::open(&grounds).unwrap()), before, "applied again, it is counted once");
}
