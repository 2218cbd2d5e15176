//! Where the stores of these tests stand, and short ways to say what they are told.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use omnix_model::{LogId, Position};
use omnix_storage::conformance::store::{Bench, commit_patiently};
use omnix_storage::{
    Atomicity, Commit, LsmStore, MemoryDisk, SharedCaches, StateStore, StoreError, StoreSettings, Write,
};

/// A memtable that no test fills: it is sealed only when it is persisted.
pub(crate) const AMPLE: u64 = 64 << 20;
/// A memtable that nearly every commit fills.
pub(crate) const TINY: u64 = 256;

pub(crate) fn settings(memtable_bytes: u64) -> StoreSettings {
    StoreSettings { memtable_bytes, caches: SharedCaches::new(1 << 20, 16), expire: None }
}

pub(crate) fn open(dir: &Path, memtable_bytes: u64) -> LsmStore {
    try_open(dir, memtable_bytes).unwrap()
}

pub(crate) fn try_open(dir: &Path, memtable_bytes: u64) -> Result<LsmStore, StoreError> {
    LsmStore::open(dir, settings(memtable_bytes))
}

pub(crate) fn at(frame: u64) -> Position {
    Position { log: LogId(1), frame, slot: 0 }
}

pub(crate) fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Write {
    Write::Put { key: key.into(), value: value.into() }
}

pub(crate) fn delete(key: impl Into<Vec<u8>>) -> Write {
    Write::Delete { key: key.into() }
}

pub(crate) fn commit_of(frame: u64, effects: Vec<Write>) -> Commit {
    Commit { effects, states: vec![], last: vec![], checkpoint: at(frame) }
}

pub(crate) fn commit(store: &mut dyn StateStore, frame: u64, effects: Vec<Write>) {
    commit_patiently(store, &commit_of(frame, effects)).unwrap();
}

pub(crate) fn get(store: &dyn StateStore, key: &str) -> Option<Vec<u8>> {
    store.reader().get(key.as_bytes()).unwrap()
}

/// Copies a directory with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Waits for what the background brings about; fails when it does not come.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

pub(crate) struct MemoryBench(pub(crate) MemoryDisk);

impl Bench for MemoryBench {
    fn open(&mut self) -> Box<dyn StateStore> {
        Box::new(self.0.open())
    }

    fn atomicity(&self) -> Atomicity {
        self.0.atomicity()
    }
}

pub(crate) struct LsmBench {
    dir: tempfile::TempDir,
    memtable_bytes: u64,
}

impl LsmBench {
    pub(crate) fn new(memtable_bytes: u64) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), memtable_bytes }
    }
}

impl Bench for LsmBench {
    fn open(&mut self) -> Box<dyn StateStore> {
        Box::new(open(self.dir.path(), self.memtable_bytes))
    }

    fn atomicity(&self) -> Atomicity {
        Atomicity::Commit
    }
}
