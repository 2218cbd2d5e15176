//! The store in memory dies where it is told to, and what survives is what the contract allows.

use std::collections::BTreeMap;

use omnix_storage::{Atomicity, Commit, CommitError, MemoryDisk, StateStore};

use crate::bench::{at, commit, delete, put};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Seven rows and a checkpoint; the first write to `e` is overwritten and never done.
fn group() -> Commit {
    Commit {
        effects: vec![put("i", "insight"), delete("t"), put("e", "all")],
        states: vec![vec![put("s1.page", "1"), put("s1.head", "1")], vec![put("s2.head", "1")]],
        last: vec![put("l", "lane"), put("e", "none")],
        checkpoint: at(2),
    }
}

fn before() -> MemoryDisk {
    let disk = MemoryDisk::new(Atomicity::Row);
    commit(&mut disk.open(), 1, vec![put("t", "timer"), put("s1.head", "0")]);
    disk
}

fn rows<const N: usize>(rows: [(&str, &str); N]) -> Rows {
    rows.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

#[test]
fn without_transactions_exactly_so_many_writes_are_done_stage_by_stage() {
    let stages = [
        rows([("s1.head", "0"), ("t", "timer")]),
        rows([("s1.head", "0")]),
        rows([("i", "insight"), ("s1.head", "0")]),
        rows([("i", "insight"), ("s1.head", "0"), ("s2.head", "1")]),
        rows([("i", "insight"), ("s1.head", "0"), ("s1.page", "1"), ("s2.head", "1")]),
        rows([("i", "insight"), ("s1.head", "1"), ("s1.page", "1"), ("s2.head", "1")]),
        rows([("i", "insight"), ("l", "lane"), ("s1.head", "1"), ("s1.page", "1"), ("s2.head", "1")]),
        rows([
            ("e", "none"),
            ("i", "insight"),
            ("l", "lane"),
            ("s1.head", "1"),
            ("s1.page", "1"),
            ("s2.head", "1"),
        ]),
    ];
    let whole = stages.last().unwrap().clone();
    for (writes, stage) in stages.into_iter().enumerate() {
        let disk = before();
        let mut store = disk.open();
        disk.kill_after(writes as u64);
        let earlier = disk.writes_done();
        assert!(matches!(store.commit(&group()), Err(CommitError::Failed(_))));
        assert_eq!(disk.writes_done() - earlier, writes as u64);
        assert!(matches!(store.commit(&group()), Err(CommitError::Failed(_))), "the dead stay dead");
        let mut store = disk.open();
        assert_eq!(disk.rows(), stage, "after {writes} writes");
        assert_eq!(store.checkpoint(), Some(at(1)), "the checkpoint comes last");
        store.commit(&group()).unwrap();
        assert_eq!((disk.rows(), store.checkpoint()), (whole.clone(), Some(at(2))), "doing it again heals");
    }
}

#[test]
fn a_kill_behind_the_last_write_leaves_all_of_it() {
    let disk = before();
    let mut store = disk.open();
    disk.kill_after(8);
    store.commit(&group()).unwrap();
    assert!(matches!(store.commit(&group()), Err(CommitError::Failed(_))));
    assert!(matches!(store.persist(), Err(CommitError::Failed(_))));
    assert_eq!(disk.open().checkpoint(), Some(at(2)));
}

#[test]
fn with_transactions_a_killed_commit_leaves_nothing() {
    for writes in 0..8 {
        let disk = MemoryDisk::new(Atomicity::Commit);
        let mut store = disk.open();
        disk.kill_after(writes);
        assert!(matches!(store.commit(&group()), Err(CommitError::Failed(_))));
        assert!(disk.rows().is_empty());
        assert_eq!(disk.open().checkpoint(), None);
    }
}

#[test]
fn with_transactions_a_crash_falls_back_to_what_was_persisted() {
    let disk = MemoryDisk::new(Atomicity::Commit);
    let mut store = disk.open();
    commit(&mut store, 1, vec![put("k", "1")]);
    store.persist().unwrap();
    commit(&mut store, 2, vec![put("k", "2")]);
    assert_eq!((store.checkpoint(), store.persisted()), (Some(at(2)), Some(at(1))));
    let store = disk.open();
    assert_eq!((store.checkpoint(), disk.rows()), (Some(at(1)), rows([("k", "1")])));
}

#[test]
fn a_store_ends_when_another_is_opened_on_its_disk() {
    let disk = MemoryDisk::new(Atomicity::Row);
    let (mut old, mut new) = (disk.open(), disk.open());
    assert!(matches!(old.commit(&group()), Err(CommitError::Overtaken)));
    assert!(matches!(old.persist(), Err(CommitError::Overtaken)));
    new.commit(&group()).unwrap();
}

#[test]
fn commits_are_held_as_often_as_asked() {
    let disk = before();
    let mut store = disk.open();
    disk.hold_commits(2);
    for _ in 0..2 {
        assert!(matches!(store.commit(&group()), Err(CommitError::Behind)));
        assert_eq!(store.checkpoint(), Some(at(1)), "a held commit writes nothing");
    }
    store.commit(&group()).unwrap();
}
