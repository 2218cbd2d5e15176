//! The window against a naive one that remembers everything for ever.

use std::collections::BTreeMap;

use omnix_model::{CustomerId, Origin, Reader, Timestamp, Writer};
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    Publish { id: u64, fingerprint: u32, origin: Origin },
    Wait { minutes: i64 },
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let origin = prop_oneof![3 => Just(Origin::Client), 1 => Just(Origin::Server)];
    prop_oneof![
        12 => (0..60_u64, 0..2_u32, origin)
            .prop_map(|(id, fingerprint, origin)| Op::Publish { id, fingerprint, origin }),
        1 => prop_oneof![0..40_i64, Just(60), Just(8 * 60), Just(9 * 60)].prop_map(|minutes| Op::Wait { minutes }),
        1 => Just(Op::Restart),
    ]
}

/// The window, its rows of moved ids, and the way a shard asks both.
#[derive(Default)]
struct Whole {
    seen: Seen,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Whole {
    fn find(&self, customer: &CustomerId, mark: Mark, now: Timestamp, window: Window) -> Option<Known> {
        self.seen.find(mark, now, window).or_else(|| {
            if !self.seen.has_spilled(now, window) {
                return None;
            }
            spilled_keys(Some(customer), mark.hash, now, window)
                .filter_map(|key| self.rows.get(&key))
                .find_map(|row| read_spilled(row, mark.fingerprint, now, window).unwrap())
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn it_knows_what_a_naive_window_knows(ops in proptest::collection::vec(op(), 1..400)) {
        let window = Window::hours(8);
        let customer = CustomerId::new("ann").unwrap();
        let mut now = Timestamp::from_ms_clamped(1_767_225_600_000 + 59 * 60_000);
        let mut whole = Whole::default();
        let mut naive: BTreeMap<u64, (u32, Origin, Timestamp)> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Wait { minutes } => now = now.plus_ms(minutes * 60_000),
                Op::Restart => {
                    let mut out = Writer::new();
                    whole.seen.encode(&mut out);
                    let bytes = out.into_bytes();
                    whole.seen = Seen::decode(&mut Reader::new(&bytes)).unwrap();
                    // Buckets that are out of the window are dropped whole.
                    let first = spilled_keys(Some(&customer), 0, now, window).last().unwrap();
                    whole.rows.retain(|key, _| key[..5] >= first[..5]);
                }
                Op::Publish { id, fingerprint, origin } => {
                    let expected = naive.get(&id).filter(|(_, origin, at)| match origin {
                        Origin::Server => now.ms() / 60_000 - at.ms() / 60_000 <= 15,
                        _ => now.hour() - at.hour() <= 8,
                    });
                    let expected = expected.map(|(first, _, _)| Known::of(*first, fingerprint));
                    let mark = Mark { hash: id, fingerprint };
                    let found = whole.find(&customer, mark, now, window);
                    prop_assert_eq!(found, expected, "id {} at {}", id, now);
                    if found.is_none() {
                        naive.insert(id, (fingerprint, origin, now));
                        for spilled in whole.seen.remember(origin, mark, now, window) {
                            whole.rows.insert(spilled.key(Some(&customer)), spilled.value());
                        }
                        prop_assert!(whole.seen.len() <= 2 * SEEN_MAX);
                    }
                }
            }
        }
    }
}

#[test]
fn an_entry_takes_fourteen_bytes() {
    let now = Timestamp::from_ms_clamped(1_767_225_600_000);
    let mut seen = Seen::default();
    let encoded = |seen: &Seen| {
        let mut out = Writer::new();
        seen.encode(&mut out);
        out.len()
    };
    let _none = seen.remember(Origin::Client, Mark { hash: 1, fingerprint: 2 }, now, Window::default());
    let one = encoded(&seen);
    let _none = seen.remember(Origin::Client, Mark { hash: 3, fingerprint: 4 }, now, Window::default());
    assert_eq!(encoded(&seen), one + 14);
}

#[test]
fn imports_and_derived_events_are_not_remembered() {
    let now = Timestamp::from_ms_clamped(1_767_225_600_000);
    let mut seen = Seen::default();
    for origin in [Origin::Import, Origin::Derived] {
        assert!(seen.remember(origin, Mark { hash: 1, fingerprint: 2 }, now, Window::default()).is_empty());
    }
    assert!(seen.is_empty());
}

#[test]
fn a_secret_is_not_shown() {
    assert_eq!(format!("{:?}", IdSecret::new([9; 16])), "IdSecret(..)");
}
