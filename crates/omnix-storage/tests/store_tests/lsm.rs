//! What is particular to the embedded store: shared caches, expiry, falling behind, falling back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use omnix_storage::conformance::store::all_rows;
use omnix_storage::{CommitError, LsmStore, SharedCaches, StateStore, StoreSettings, Write};

use crate::bench::{AMPLE, TINY, at, commit, commit_of, delete, get, open, put, settings, wait_until};

#[test]
fn stores_of_one_process_share_caches_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    // A cache of 64 KiB and three open files for four stores: every one pushes the others out.
    let caches = SharedCaches::new(64 << 10, 3);
    let open = |shard: u64| {
        let settings = StoreSettings { memtable_bytes: 8 << 10, caches: caches.clone(), expire: None };
        LsmStore::open(&dir.path().join(shard.to_string()), settings).unwrap()
    };
    let row = |shard: u64, frame: u64, n: u64| put(format!("k{n:03}"), format!("{shard} {frame} {n}"));
    std::thread::scope(|scope| {
        for shard in 0..4 {
            scope.spawn(move || {
                let mut store = open(shard);
                for frame in 1..=60 {
                    commit(&mut store, frame, (0..100).map(|n| row(shard, frame, n)).collect());
                    let value = get(&store, &format!("k{:03}", frame % 100)).unwrap();
                    assert_eq!(value, format!("{shard} {frame} {}", frame % 100).into_bytes());
                }
                store.persist().unwrap();
            });
        }
    });
    let stores: Vec<_> = (0..4).map(|shard| (shard, open(shard))).collect();
    for (shard, store) in &stores {
        let expected = (0..100).map(|n| match row(*shard, 60, n) {
            Write::Put { key, value } => (key, value),
            Write::Delete { .. } => unreachable!(),
        });
        assert_eq!(all_rows(&*store.reader()), expected.collect());
    }
}

#[test]
fn expired_rows_are_taken_away_by_compaction_and_do_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&now);
    // Keys `e` carry the hour at which they expire in their second byte.
    let expire = Arc::new(
        move |key: &[u8]| matches!(key, [b'e', hour, ..] if u64::from(*hour) <= clock.load(Ordering::Relaxed)),
    );
    let settings = StoreSettings { expire: Some(expire), ..settings(AMPLE) };
    let mut store = LsmStore::open(dir.path(), settings.clone()).unwrap();
    let mut frame = 0;
    let mut write_all = |store: &mut LsmStore, value: &str| {
        for _ in 0..8 {
            frame += 1;
            let effects = vec![put([b'e', 10], value), put([b'e', 20], value), put("k", value)];
            commit(store, frame, effects);
            store.persist().unwrap();
        }
    };
    write_all(&mut store, "old");
    write_all(&mut store, "new");
    let value = |store: &LsmStore, key: &[u8]| store.reader().get(key).unwrap();
    assert!(value(&store, &[b'e', 10]).is_some(), "what has not expired stays");
    now.store(15, Ordering::Relaxed);
    let mut filler = 1_000;
    wait_until("the expired row is gone", || {
        filler += 1;
        // Rows on both sides of the expired one, so that compaction has to merge across it.
        commit(&mut store, filler, vec![put("a", "filler"), put("z", "filler")]);
        store.persist().unwrap();
        value(&store, &[b'e', 10]).is_none()
    });
    drop(store);
    let store = LsmStore::open(dir.path(), settings).unwrap();
    assert_eq!(value(&store, &[b'e', 10]), None, "no older version comes back");
    assert_eq!(value(&store, &[b'e', 20]).as_deref(), Some(b"new".as_slice()));
    assert_eq!(value(&store, b"k").as_deref(), Some(b"new".as_slice()));
    assert_eq!(store.checkpoint(), Some(at(filler)));
}

#[test]
fn a_predicate_that_expires_everything_leaves_the_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let settings = StoreSettings { expire: Some(Arc::new(|_: &[u8]| true)), ..settings(AMPLE) };
    for frame in 1..=12 {
        let mut store = LsmStore::open(dir.path(), settings.clone()).unwrap();
        assert_eq!(store.checkpoint(), (frame > 1).then(|| at(frame - 1)));
        commit(&mut store, frame, vec![put("k", "v"), put("n", "v")]);
        store.persist().unwrap();
        // From four runs on all are compacted, the one with the newest checkpoint among them.
        wait_until("compaction is done", || store.stats().l0_runs < 4);
    }
    let store = LsmStore::open(dir.path(), settings).unwrap();
    assert_eq!(store.checkpoint(), Some(at(12)));
}

#[test]
fn dropped_without_persist_it_stands_where_it_was_persisted() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), AMPLE);
    commit(&mut store, 1, vec![put("a", "1"), put("b", "1")]);
    commit(&mut store, 2, vec![put("a", "2"), delete("b")]);
    store.persist().unwrap();
    commit(&mut store, 3, vec![put("a", "3"), put("b", "3")]);
    assert_eq!((store.checkpoint(), store.persisted()), (Some(at(3)), Some(at(2))));
    drop(store);
    let store = open(dir.path(), AMPLE);
    assert_eq!((store.checkpoint(), store.persisted()), (Some(at(2)), Some(at(2))));
    assert_eq!((get(&store, "a"), get(&store, "b")), (Some(b"2".to_vec()), None));
}

#[test]
fn a_full_memtable_is_persisted_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), 4 << 10);
    for frame in 1..=40 {
        commit(&mut store, frame, vec![put(format!("k{frame}"), vec![0; 1 << 10])]);
    }
    let mut persisted = None;
    wait_until("a memtable is persisted", || {
        persisted = store.persisted();
        persisted.is_some()
    });
    drop(store);
    let store = open(dir.path(), 4 << 10);
    assert!(store.checkpoint() >= persisted);
    assert_eq!(all_rows(&*store.reader()).len() as u64, store.checkpoint().unwrap().frame);
}

#[test]
fn it_says_when_it_is_behind_and_comes_forward_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), TINY);
    let meter = store.lsm_reader();
    let (mut frame, mut held) = (0, 0);
    while held < 20 {
        match store.commit(&commit_of(frame + 1, vec![put(format!("k{frame:06}"), vec![1; 300])])) {
            Ok(()) => frame += 1,
            Err(CommitError::Behind) => {
                held += 1;
                assert_eq!(store.checkpoint().map_or(0, |position| position.frame), frame);
                std::thread::yield_now();
            }
            Err(failed) => panic!("{failed}"),
        }
    }
    assert_eq!(meter.stats().held_commits, held);
    commit(&mut store, frame + 1, vec![]);
    store.persist().unwrap();
    let stats = store.stats();
    assert_eq!((stats.sealed_memtables, stats.memtable_bytes), (0, 0));
    assert!(stats.disk_bytes > 0 && stats.l0_runs <= 24, "{stats:?}");
    assert_eq!(all_rows(&*meter).len() as u64, frame, "a held commit leaves nothing");
}

#[test]
fn compaction_keeps_up_with_many_flushes() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), AMPLE);
    for frame in 1..=100 {
        commit(&mut store, frame, vec![put(format!("k{:02}", frame % 10), frame.to_be_bytes())]);
        store.persist().unwrap();
    }
    wait_until("few runs are left", || store.stats().l0_runs < 8);
    assert_eq!(all_rows(&*store.reader()).len(), 10);
}

#[test]
fn a_reader_outlives_its_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), AMPLE);
    commit(&mut store, 1, vec![put("k", "v")]);
    let reader = store.reader();
    drop(store);
    assert_eq!(reader.get(b"k").unwrap(), Some(b"v".to_vec()));
}
