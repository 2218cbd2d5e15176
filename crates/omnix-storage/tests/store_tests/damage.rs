//! Damage and failing disks: the store says so, serves nothing wrong, and goes on to be of no use.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use omnix_storage::conformance::store::all_rows;
use omnix_storage::{CommitError, StateStore, StoreReport, inspect_store};

use crate::bench::{AMPLE, at, commit, commit_of, copy, get, open, put, try_open, wait_until};

/// The files in `dir`, without those in directories below.
fn files(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).collect()
}

#[test]
fn a_flush_that_fails_poisons_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let (here, away) = (dir.path().join("tables"), dir.path().join("away"));
    let mut store = open(dir.path(), AMPLE);
    commit(&mut store, 1, vec![put("k", "1")]);
    store.persist().unwrap();
    commit(&mut store, 2, vec![put("k", "2")]);
    fs::rename(&here, &away).unwrap();
    assert!(matches!(store.persist(), Err(CommitError::Failed(_))));
    fs::rename(&away, &here).unwrap();
    let refused = store.commit(&commit_of(3, vec![put("k", "3")]));
    assert!(matches!(refused, Err(CommitError::Failed(_))), "poisoned for good: {refused:?}");
    assert!(matches!(store.persist(), Err(CommitError::Failed(_))));
    assert_eq!(store.persisted(), Some(at(1)));
    assert_eq!(get(&store, "k"), Some(b"2".to_vec()), "what is in memory can still be read");
    drop(store);
    let store = open(dir.path(), AMPLE);
    assert_eq!((store.checkpoint(), get(&store, "k")), (Some(at(1)), Some(b"1".to_vec())));
}

#[test]
fn a_compaction_that_fails_poisons_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), AMPLE);
    let row =
        |n: u32| put(n.to_be_bytes(), (0..200_u32).map(|i| (n * i * i).to_le_bytes()[1]).collect::<Vec<_>>());
    commit(&mut store, 1, (0..500).map(row).collect());
    store.persist().unwrap();
    drop(store);
    // Damaged among its first rows, where opening does not look.
    let [table] = files(&dir.path().join("tables")).try_into().unwrap();
    let mut bytes = fs::read(&table).unwrap();
    bytes[200] ^= 1;
    fs::write(&table, bytes).unwrap();
    let mut store = open(dir.path(), AMPLE);
    let mut frame = 1;
    wait_until("compaction meets the damage", || {
        frame += 1;
        let commit = commit_of(frame, vec![put([0], "first"), put([0xff], "last")]);
        [store.commit(&commit), store.persist()].into_iter().any(|done| match done {
            Ok(()) | Err(CommitError::Behind) => false,
            Err(CommitError::Overtaken | CommitError::Failed(_)) => true,
        })
    });
    assert!(matches!(store.commit(&commit_of(frame + 1, vec![])), Err(CommitError::Failed(_))));
}

#[test]
fn a_flipped_bit_is_found_and_nothing_wrong_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), AMPLE);
    let row = |n: u32| put(n.to_be_bytes(), format!("value {n} {}", "x".repeat(50)));
    commit(&mut store, 1, (0..300).map(row).collect());
    store.persist().unwrap();
    drop(store);
    let all_files = || ["", "tables"].map(|below| files(&dir.path().join(below))).concat();
    let mut sound = BTreeMap::new();
    // Opening it anew clears away what is no longer used, and may compact once more: damage there harms nobody.
    wait_until("manifest, what points to it, one table", || {
        sound = all_rows(&*open(dir.path(), AMPLE).reader());
        all_files().len() == 3
    });
    for file in all_files() {
        let name = file.strip_prefix(dir.path()).unwrap();
        let bytes = fs::read(&file).unwrap();
        for place in (0..bytes.len()).step_by(bytes.len().div_ceil(64)) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << (place % 8);
            let copied = tempfile::tempdir().unwrap();
            copy(dir.path(), copied.path());
            fs::write(copied.path().join(name), damaged).unwrap();
            assert!(is_found(copied.path(), &sound), "byte {place} of {}", name.display());
        }
    }
}

/// Whether opening or reading fails. What is served instead has to be right.
fn is_found(dir: &Path, sound: &BTreeMap<Vec<u8>, Vec<u8>>) -> bool {
    let Ok(store) = try_open(dir, AMPLE) else { return true };
    let reader = store.reader();
    let mut failures = 0;
    for (key, value) in sound {
        match reader.get(key) {
            Ok(read) => assert_eq!(read.as_ref(), Some(value), "something wrong is served"),
            Err(_) => failures += 1,
        }
    }
    failures > 0
}

#[test]
fn a_lost_manifest_is_not_taken_for_a_new_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), AMPLE);
    commit(&mut store, 1, vec![put("k", "v")]);
    store.persist().unwrap();
    drop(store);
    fs::remove_file(dir.path().join("current")).unwrap();
    assert!(try_open(dir.path(), AMPLE).is_err());
    assert_eq!(files(&dir.path().join("tables")).len(), 1, "and its table is left alone");
}

#[test]
fn an_inspection_changes_nothing_and_goes_on_beside_the_store() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(inspect_store(dir.path()), Ok(StoreReport::default()));
    let mut store = open(dir.path(), AMPLE);
    for frame in 1..=20 {
        commit(&mut store, frame, vec![put("k", frame.to_be_bytes())]);
        store.persist().unwrap();
        let report = inspect_store(dir.path()).unwrap();
        assert!(report.tables > 0 && report.bytes > 0);
    }
    drop(store);
    let before = files(dir.path());
    let manifest = before.iter().find(|path| path.file_name().unwrap() == "current").unwrap();
    let sound = fs::read(manifest).unwrap();
    fs::write(manifest, [sound.as_slice(), b"x"].concat()).unwrap();
    assert!(inspect_store(dir.path()).is_err());
    fs::write(manifest, sound).unwrap();
    assert!(inspect_store(dir.path()).is_ok());
    assert_eq!(files(dir.path()), before);
}
