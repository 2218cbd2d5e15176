//! Every store of this crate keeps the contract.

#![expect(clippy::unwrap_used, reason = "tests")]

use omnix_storage::conformance::store::{Bench, CHECKS, run};
use omnix_storage::{Atomicity, LsmStore, MemoryDisk, SharedCaches, StateStore, StoreSettings};

struct MemoryBench(MemoryDisk);

impl Bench for MemoryBench {
    fn open(&mut self) -> Box<dyn StateStore> {
        Box::new(self.0.open())
    }

    fn atomicity(&self) -> Atomicity {
        self.0.atomicity()
    }
}

struct LsmBench {
    dir: tempfile::TempDir,
    memtable_bytes: u64,
}

impl Bench for LsmBench {
    fn open(&mut self) -> Box<dyn StateStore> {
        let settings = StoreSettings {
            memtable_bytes: self.memtable_bytes,
            caches: SharedCaches::new(1 << 20, 16),
            expire: None,
        };
        Box::new(LsmStore::open(self.dir.path(), settings).unwrap())
    }

    fn atomicity(&self) -> Atomicity {
        Atomicity::Commit
    }
}

#[test]
fn the_embedded_store_conforms() {
    run(|| LsmBench { dir: tempfile::tempdir().unwrap(), memtable_bytes: 16 << 20 });
}

/// With memtables so small that nearly every commit seals one, flush and compaction are always at work.
#[test]
fn the_embedded_store_conforms_while_it_flushes_all_the_time() {
    run(|| LsmBench { dir: tempfile::tempdir().unwrap(), memtable_bytes: 256 });
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
