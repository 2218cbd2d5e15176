//! Every store of this crate keeps the contract.

use omnix_storage::conformance::store::{Bench, CHECKS, run};
use omnix_storage::{Atomicity, MemoryDisk, StateStore};

use crate::bench::{AMPLE, LsmBench, MemoryBench, TINY};

#[test]
fn the_embedded_store_conforms() {
    run(|| LsmBench::new(AMPLE));
}

#[test]
fn the_embedded_store_conforms_while_it_flushes_all_the_time() {
    run(|| LsmBench::new(TINY));
}

#[test]
fn the_store_in_memory_conforms() {
    run(|| MemoryBench(MemoryDisk::new(Atomicity::Commit)));
}

#[test]
fn the_store_in_memory_without_transactions_conforms() {
    run(|| MemoryBench(MemoryDisk::new(Atomicity::Row)));
}

/// The suite can fail: a store that forgets its rows when it is opened anew is found out.
#[test]
fn a_store_that_forgets_is_found_out() {
    struct Forgetful;
    impl Bench for Forgetful {
        fn open(&mut self) -> Box<dyn StateStore> {
            Box::new(MemoryDisk::new(Atomicity::Commit).open())
        }
        fn atomicity(&self) -> Atomicity {
            Atomicity::Commit
        }
    }
    let found =
        CHECKS.iter().filter(|(_, check)| std::panic::catch_unwind(|| check(&mut Forgetful)).is_err());
    let found: Vec<_> = found.map(|(name, _)| *name).collect();
    assert!(found.contains(&"what_was_persisted_is_there_again"), "found only {found:?}");
}
