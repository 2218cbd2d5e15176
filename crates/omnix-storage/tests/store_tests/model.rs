//! Against a model: whatever is committed, persisted and killed, a store holds what a map would.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use omnix_storage::conformance::store::{Bench, all_rows, commit_patiently};
use omnix_storage::{Atomicity, Commit, KeyRange, MemoryDisk, Order, StateReader, Write};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::bench::{AMPLE, LsmBench, MemoryBench, TINY, at};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Clone)]
enum Step {
    Commit { effects: Vec<Write>, states: Vec<Vec<Write>>, last: Vec<Write> },
    Persist,
    Kill,
    Scan { from: Vec<u8>, to: Vec<u8> },
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    // Few short keys, so that they meet again; none of the store's own.
    vec(prop_oneof![Just(0_u8), Just(b'l'), Just(b'n'), Just(0xff)], 1..4)
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        3 => (key(), vec(any::<u8>(), 0..40)).prop_map(|(key, value)| Write::Put { key, value }),
        1 => key().prop_map(|key| Write::Delete { key }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (vec(write(), 0..6), vec(vec(write(), 0..3), 0..3), vec(write(), 0..3))
            .prop_map(|(effects, states, last)| Step::Commit { effects, states, last }),
        2 => Just(Step::Persist),
        1 => Just(Step::Kill),
        3 => (key(), prop_oneof![key(), Just(Vec::new())]).prop_map(|(from, to)| Step::Scan { from, to }),
    ]
}

/// What the rows are at each commit; a kill goes back to one of them.
struct Model {
    history: Vec<Rows>,
    persisted: usize,
}

impl Model {
    fn now(&self) -> &Rows {
        self.history.last().unwrap()
    }

    fn commit(&mut self, commit: &Commit) {
        let mut rows = self.now().clone();
        for write in commit.writes() {
            match write {
                Write::Put { key, value } => drop(rows.insert(key.clone(), value.clone())),
                Write::Delete { key } => drop(rows.remove(key)),
            }
        }
        self.history.push(rows);
    }
}

fn check(bench: &mut dyn Bench, steps: Vec<Step>) {
    let mut store = bench.open();
    let mut model = Model { history: vec![Rows::new()], persisted: 0 };
    for step in steps {
        match step {
            Step::Commit { effects, states, last } => {
                let commit = Commit { effects, states, last, checkpoint: at(model.history.len() as u64) };
                commit_patiently(&mut *store, &commit).unwrap();
                model.commit(&commit);
            }
            Step::Persist => {
                store.persist().unwrap();
                model.persisted = model.history.len() - 1;
            }
            Step::Kill => {
                drop(store);
                store = bench.open();
                let stands =
                    store.checkpoint().map_or(0, |position| usize::try_from(position.frame).unwrap());
                assert!((model.persisted..model.history.len()).contains(&stands));
                model.history.truncate(stands + 1);
                model.persisted = stands;
            }
            Step::Scan { from, to } => check_scan(&*store.reader(), model.now(), &KeyRange { from, to }),
        }
        assert_eq!(&all_rows(&*store.reader()), model.now());
    }
}

fn check_scan(reader: &dyn StateReader, model: &Rows, range: &KeyRange) {
    let mut expected: Vec<_> = if !range.to.is_empty() && range.to <= range.from {
        Vec::new()
    } else {
        let to = if range.to.is_empty() { Bound::Unbounded } else { Bound::Excluded(range.to.clone()) };
        model.range((Bound::Included(range.from.clone()), to)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    for order in [Order::Ascending, Order::Descending] {
        let mut rows = Vec::new();
        let visit = &mut |key: &[u8], value: &[u8]| {
            rows.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        };
        reader.scan(range, order, visit).unwrap();
        assert_eq!(rows, expected);
        expected.reverse();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_embedded_store_is_a_map(steps in vec(step(), 1..60)) {
        check(&mut LsmBench::new(AMPLE), steps);
    }

    #[test]
    fn the_embedded_store_is_a_map_while_it_flushes_all_the_time(steps in vec(step(), 1..60)) {
        check(&mut LsmBench::new(TINY), steps);
    }

    #[test]
    fn the_store_in_memory_is_a_map(steps in vec(step(), 1..60), by_row in any::<bool>()) {
        let atomicity = if by_row { Atomicity::Row } else { Atomicity::Commit };
        check(&mut MemoryBench(MemoryDisk::new(atomicity)), steps);
    }
}
