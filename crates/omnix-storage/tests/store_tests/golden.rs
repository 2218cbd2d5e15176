//! A store that a released version wrote can be opened by this one.
//!
//! The stored directories are never written anew: a version that changes what is written adds one of its own.

use std::path::Path;

use omnix_storage::conformance::store::all_rows;
use omnix_storage::{LsmStore, StateStore};

use crate::bench::{AMPLE, at, commit, copy, delete, get, open, put};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/store-0.1.0");

/// What the stored directory holds: several tables, compressed blocks, removed and overwritten rows.
fn fill(store: &mut LsmStore) {
    let rows = |value: &str| (0..40_u8).map(|n| put([b's', n], value.repeat(20))).collect();
    commit(store, 1, rows("one "));
    store.persist().unwrap();
    commit(store, 2, rows("two "));
    commit(store, 3, vec![delete([b's', 7]), put([0xff; 300], ""), put([0], [0; 2_000])]);
    store.persist().unwrap();
}

#[test]
#[ignore = "writes the stored directory of a new version"]
fn write_golden() {
    assert!(!Path::new(GOLDEN).exists(), "what was stored is never written anew");
    fill(&mut open(Path::new(GOLDEN), AMPLE));
}

#[test]
fn the_store_of_version_0_1_0_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    copy(Path::new(GOLDEN), dir.path());
    let mut golden = open(dir.path(), AMPLE);
    assert_eq!((golden.checkpoint(), golden.persisted()), (Some(at(3)), Some(at(3))));
    let fresh = tempfile::tempdir().unwrap();
    let mut expected = open(fresh.path(), AMPLE);
    fill(&mut expected);
    let rows = all_rows(&*golden.reader());
    assert_eq!(rows, all_rows(&*expected.reader()));
    assert_eq!(rows.len(), 41);
    commit(&mut golden, 4, vec![put([b's', 7], "again")]);
    golden.persist().unwrap();
    drop(golden);
    assert_eq!(get(&open(dir.path(), AMPLE), "s\u{7}"), Some(b"again".to_vec()), "it goes on");
}
