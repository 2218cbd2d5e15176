//! What every [`StateStore`] must do, as checks that run over any implementation.
//!
//! A check panics with what was violated. A backend in another crate implements [`Bench`] and calls [`run`]
//! in a test of its own.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use omnix_model::{LogId, Position};

use crate::{
    Atomicity, Commit, CommitError, KEY_BYTES_MAX, KeyRange, Order, RESERVED_PREFIX, StateReader, StateStore,
    Write,
};

/// A place on which stores are opened, one after the other.
pub trait Bench {
    /// Opens the store on what survived. The one that was open before was dropped without another word, as
    /// when its process is killed.
    fn open(&mut self) -> Box<dyn StateStore>;

    /// What it writes as a whole.
    fn atomicity(&self) -> Atomicity;
}

/// A check, by name.
pub type Check = (&'static str, fn(&mut dyn Bench));

/// All checks; each wants a bench of its own, on which nothing was ever opened.
pub const CHECKS: &[Check] = &[
    ("a_new_store_is_empty", a_new_store_is_empty),
    ("a_commit_shows_at_once", a_commit_shows_at_once),
    ("the_last_write_to_a_row_wins", the_last_write_to_a_row_wins),
    ("rows_that_are_not_allowed_are_refused", rows_that_are_not_allowed_are_refused),
    ("any_other_key_is_allowed", any_other_key_is_allowed),
    ("scans_keep_to_range_and_order", scans_keep_to_range_and_order),
    ("a_scan_is_of_one_commit", a_scan_is_of_one_commit),
    ("what_was_persisted_is_there_again", what_was_persisted_is_there_again),
    ("removed_rows_stay_removed", removed_rows_stay_removed),
    ("a_kill_leaves_a_whole_commit", a_kill_leaves_a_whole_commit),
    ("a_bulk_load_is_complete", a_bulk_load_is_complete),
    ("readers_see_whole_commits", readers_see_whole_commits),
];

/// Runs every check, each on a bench that `make` makes.
pub fn run<B: Bench>(mut make: impl FnMut() -> B) {
    for (_name, check) in CHECKS {
        check(&mut make());
    }
}

/// Commits, and tries again for as long as the store is behind.
///
/// # Errors
/// [`CommitError`], never [`CommitError::Behind`].
pub fn commit_patiently(store: &mut dyn StateStore, commit: &Commit) -> Result<(), CommitError> {
    loop {
        match store.commit(commit) {
            Err(CommitError::Behind) => thread::park_timeout(Duration::from_millis(1)),
            done => return done,
        }
    }
}

/// All rows that a reader sees.
///
/// # Panics
/// When the store cannot be read.
#[must_use]
pub fn all_rows(reader: &dyn StateReader) -> BTreeMap<Vec<u8>, Vec<u8>> {
    scan(reader, &KeyRange::prefix(&[]), Order::Ascending).into_iter().collect()
}

fn scan(reader: &dyn StateReader, range: &KeyRange, order: Order) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    reader
        .scan(range, order, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .expect("a sound store can be scanned");
    rows
}

fn get(store: &dyn StateStore, key: &[u8]) -> Option<Vec<u8>> {
    store.reader().get(key).expect("a sound store can be read")
}

fn at(frame: u64) -> Position {
    Position { log: LogId(3), frame, slot: 7 }
}

fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Write {
    Write::Put { key: key.into(), value: value.into() }
}

fn delete(key: impl Into<Vec<u8>>) -> Write {
    Write::Delete { key: key.into() }
}

fn commit(store: &mut dyn StateStore, frame: u64, effects: Vec<Write>, states: Vec<Vec<Write>>) {
    let commit = Commit { effects, states, last: vec![], checkpoint: at(frame) };
    commit_patiently(store, &commit).expect("a sound store commits");
}

fn a_new_store_is_empty(bench: &mut dyn Bench) {
    let store = bench.open();
    assert_eq!(store.checkpoint(), None);
    assert_eq!(store.persisted(), None);
    assert_eq!(get(&*store, b"s"), None);
    assert!(all_rows(&*store.reader()).is_empty());
}

fn a_commit_shows_at_once(bench: &mut dyn Bench) {
    let mut store = bench.open();
    let earlier_reader = store.reader();
    commit(&mut *store, 1, vec![put("i1", "insight")], vec![vec![put("s1", "page"), put("s0", "head")]]);
    assert_eq!(store.checkpoint(), Some(at(1)));
    assert_eq!(earlier_reader.get(b"i1").expect("readable"), Some(b"insight".to_vec()));
    assert_eq!(get(&*store, b"s0"), Some(b"head".to_vec()));
    commit(&mut *store, 2, vec![delete("i1"), delete("never there")], vec![vec![put("s0", "")]]);
    assert_eq!(store.checkpoint(), Some(at(2)));
    assert_eq!(get(&*store, b"i1"), None);
    assert_eq!(get(&*store, b"s0"), Some(Vec::new()), "an empty value is a value");
    assert_eq!(get(&*store, b"s1"), Some(b"page".to_vec()), "a row that is not written stays");
    let commit = Commit { last: vec![put("l0", "1"), delete("s1")], checkpoint: at(3), ..Commit::default() };
    commit_patiently(&mut *store, &commit).expect("a sound store commits");
    assert_eq!((get(&*store, b"l0"), get(&*store, b"s1")), (Some(b"1".to_vec()), None));
    commit_patiently(&mut *store, &Commit { checkpoint: at(4), ..Commit::default() }).expect("commits");
    assert_eq!(store.checkpoint(), Some(at(4)), "a commit without rows moves the checkpoint");
}

fn the_last_write_to_a_row_wins(bench: &mut dyn Bench) {
    let mut store = bench.open();
    let effects = vec![put("a", "1"), put("a", "2"), put("b", "1"), delete("b"), delete("c"), put("c", "1")];
    commit(&mut *store, 1, effects, vec![vec![put("d", "1")], vec![put("d", "2"), put("a", "3")]]);
    let expected = [("a", "3"), ("c", "1"), ("d", "2")].map(|(k, v)| (k.into(), v.into()));
    assert_eq!(all_rows(&*store.reader()), BTreeMap::from(expected));
}

fn rows_that_are_not_allowed_are_refused(bench: &mut dyn Bench) {
    let too_long = vec![b'k'; KEY_BYTES_MAX + 1];
    for key in [Vec::new(), too_long, vec![RESERVED_PREFIX], b"m/position".to_vec()] {
        let mut store = bench.open();
        for write in [put(key.clone(), "v"), delete(key.clone())] {
            let (effects, states) = (vec![put("e", "v")], vec![vec![write]]);
            let commit = Commit { effects, states, last: vec![], checkpoint: at(1) };
            let refused = store.commit(&commit);
            assert!(matches!(refused, Err(CommitError::Failed(_))), "got {refused:?}");
        }
        assert_eq!(get(&*store, b"e"), None, "nothing of a refused commit is written");
        assert_eq!(store.checkpoint(), None);
    }
}

fn any_other_key_is_allowed(bench: &mut dyn Bench) {
    let mut store = bench.open();
    let longest = vec![0xff; KEY_BYTES_MAX];
    let keys = [vec![0], vec![0, 0], vec![0xff], vec![0xff, 0], longest, b"l\xff".to_vec(), b"n".to_vec()];
    let effects = keys.iter().map(|key| put(key.clone(), "v")).collect();
    commit(&mut *store, 1, effects, vec![]);
    store.persist().expect("persists");
    let rows = all_rows(&*store.reader());
    assert_eq!(rows.len(), keys.len());
    assert!(keys.iter().all(|key| rows.contains_key(key)));
}

fn scans_keep_to_range_and_order(bench: &mut dyn Bench) {
    let mut store = bench.open();
    let keys = ["a", "b", "b1", "b2", "c", "l", "n"];
    for (frame, half) in [(1, 0), (2, 1)] {
        let half = keys.iter().enumerate().filter(|(i, _)| i % 2 == half);
        commit(&mut *store, frame, half.map(|(_, key)| put(*key, *key)).collect(), vec![]);
        store.persist().expect("persists");
    }
    let reader = store.reader();
    let keys_of = |range: &KeyRange, order| -> Vec<Vec<u8>> {
        scan(&*reader, range, order).into_iter().map(|(key, _)| key).collect()
    };
    let range = |from: &str, to: &str| KeyRange { from: from.into(), to: to.into() };
    let expected = |keys: &[&str]| -> Vec<Vec<u8>> { keys.iter().map(|&key| key.into()).collect() };
    assert_eq!(keys_of(&range("", ""), Order::Ascending), expected(&keys), "the store's own rows are hidden");
    assert_eq!(keys_of(&range("b", "c"), Order::Ascending), expected(&["b", "b1", "b2"]));
    assert_eq!(keys_of(&range("b", "c"), Order::Descending), expected(&["b2", "b1", "b"]));
    assert_eq!(keys_of(&range("b1", ""), Order::Descending), expected(&["n", "l", "c", "b2", "b1"]));
    assert_eq!(keys_of(&KeyRange::prefix(b"b"), Order::Ascending), expected(&["b", "b1", "b2"]));
    assert!(keys_of(&range("b", "b"), Order::Ascending).is_empty());
    assert!(keys_of(&range("c", "b"), Order::Descending).is_empty());
    let mut seen = 0;
    let first_two = &mut |_: &[u8], _: &[u8]| {
        seen += 1;
        if seen < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    reader.scan(&range("", ""), Order::Ascending, first_two).expect("readable");
    assert_eq!(seen, 2, "a scan ends when it is told to");
}

fn a_scan_is_of_one_commit(bench: &mut dyn Bench) {
    if bench.atomicity() == Atomicity::Row {
        return;
    }
    let mut store = bench.open();
    let rows = |value: &str| (0..50_u8).map(|n| put([b's', n], value)).collect::<Vec<_>>();
    commit(&mut *store, 1, rows("old"), vec![]);
    let (reader, mut seen, mut frame) = (store.reader(), 0, 1);
    reader
        .scan(&KeyRange::prefix(b"s"), Order::Ascending, &mut |_, value| {
            assert_eq!(value, b"old", "a commit made during a scan does not show in it");
            (seen, frame) = (seen + 1, frame + 1);
            commit(&mut *store, frame, rows("new"), vec![]);
            store.persist().expect("persists");
            ControlFlow::Continue(())
        })
        .expect("readable");
    assert_eq!(seen, 50);
    assert!(all_rows(&*store.reader()).values().all(|value| value == b"new"));
}

fn what_was_persisted_is_there_again(bench: &mut dyn Bench) {
    let mut expected = BTreeMap::new();
    for frame in 1..=5 {
        let mut store = bench.open();
        assert_eq!(all_rows(&*store.reader()), expected);
        assert_eq!(store.checkpoint(), (frame > 1).then(|| at(frame - 1)));
        assert_eq!(store.persisted(), store.checkpoint(), "what was opened is what survives");
        let (key, value) = (format!("s{frame}").into_bytes(), frame.to_be_bytes().to_vec());
        commit(&mut *store, frame, vec![], vec![vec![put(key.clone(), value.clone())]]);
        store.persist().expect("persists");
        assert_eq!(store.persisted(), Some(at(frame)));
        store.persist().expect("persists again, with nothing to do");
        expected.insert(key, value);
    }
}

fn removed_rows_stay_removed(bench: &mut dyn Bench) {
    let mut store = bench.open();
    for frame in 1..=20_u64 {
        let effects = (0..frame).map(|n| put(format!("k{n:02}"), frame.to_be_bytes())).collect();
        commit(&mut *store, 2 * frame, effects, vec![vec![delete(format!("k{:02}", frame - 1))]]);
        store.persist().expect("persists");
        let last = format!("k{:02}", frame - 1);
        assert_eq!(get(&*store, last.as_bytes()), None);
    }
    let removals = (0..20).map(|n| delete(format!("k{n:02}"))).collect();
    commit(&mut *store, 41, removals, vec![vec![put("left", "1")]]);
    store.persist().expect("persists");
    drop(store);
    let store = bench.open();
    assert_eq!(all_rows(&*store.reader()).into_keys().collect::<Vec<_>>(), [b"left".to_vec()]);
    assert_eq!(store.checkpoint(), Some(at(41)));
}

/// How many rows a numbered commit has between its first and its last.
const BETWEEN: u64 = 60;

/// Writes commit `frame`: each of its rows says so. Between the first and the last there are many, so that a
/// reader that sees half of it is likely to be caught.
fn numbered(frame: u64) -> Commit {
    let value = frame.to_be_bytes();
    let between = (0..BETWEEN).map(|n| put(format!("c{n}"), value));
    Commit {
        effects: std::iter::once(put("a", value)).chain(between).collect(),
        states: vec![vec![put(format!("n{frame:04}"), value)], vec![put("b", value)]],
        last: vec![],
        checkpoint: at(frame),
    }
}

fn a_kill_leaves_a_whole_commit(bench: &mut dyn Bench) {
    let mut store = bench.open();
    let (mut frame, mut persisted) = (0, 0);
    for round in 0..6 {
        for _ in 0..30 {
            frame += 1;
            commit_patiently(&mut *store, &numbered(frame)).expect("commits");
        }
        if round % 2 == 0 {
            store.persist().expect("persists");
            persisted = frame;
        }
        drop(store);
        store = bench.open();
        let stands = store.checkpoint().map_or(0, |position| position.frame);
        assert!((persisted..=frame).contains(&stands), "stands at {stands} of {persisted}..={frame}");
        assert!(bench.atomicity() == Atomicity::Commit || stands == frame, "each row is durable at once");
        let rows = all_rows(&*store.reader());
        assert_eq!(
            rows.len() as u64,
            2 + BETWEEN + stands,
            "one row for each commit up to the checkpoint, none behind"
        );
        let newest = [rows.get(b"a".as_slice()), rows.get(b"b".as_slice())];
        assert_eq!(newest, [Some(&stands.to_be_bytes().to_vec()); 2]);
        (frame, persisted) = (stands, stands);
    }
}

fn a_bulk_load_is_complete(bench: &mut dyn Bench) {
    const COMMITS: u64 = 10;
    const ROWS: u64 = 2_000;
    let mut store = bench.open();
    for frame in 1..=COMMITS {
        let row = |n: u64| put((n * COMMITS + frame).to_be_bytes(), format!("value {n} of {frame}"));
        commit(&mut *store, frame, (0..ROWS).map(row).collect(), vec![]);
    }
    store.persist().expect("persists");
    drop(store);
    let rows = all_rows(&*bench.open().reader());
    assert_eq!(rows.len() as u64, COMMITS * ROWS);
    for (key, value) in rows {
        let number = u64::from_be_bytes(key.try_into().expect("keys of 8 bytes"));
        let (frame, n) = ((number - 1) % COMMITS + 1, (number - 1) / COMMITS);
        assert_eq!(value, format!("value {n} of {frame}").into_bytes());
    }
}

fn readers_see_whole_commits(bench: &mut dyn Bench) {
    const COMMITS: u64 = 400;
    let atomicity = bench.atomicity();
    let mut store = bench.open();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _done = SetWhenDropped(&done);
        for order in [Order::Ascending, Order::Descending] {
            let (reader, done) = (store.reader(), &done);
            scope.spawn(move || {
                let mut last = 0;
                while !done.load(Ordering::Acquire) {
                    last = check_numbered(&*reader, order, atomicity, last);
                }
            });
        }
        for frame in 1..=COMMITS {
            commit_patiently(&mut *store, &numbered(frame)).expect("commits");
            if frame % 40 == 0 {
                store.persist().expect("persists");
            }
        }
    });
    let last = check_numbered(&*store.reader(), Order::Ascending, atomicity, COMMITS);
    assert_eq!(last, COMMITS);
}

/// Ends the readers of a check, also of one that fails.
struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Checks that a scan shows one whole commit, not before `last`; answers which.
fn check_numbered(reader: &dyn StateReader, order: Order, atomicity: Atomicity, last: u64) -> u64 {
    let rows = scan(reader, &KeyRange::prefix(&[]), order);
    let number = |value: &[u8]| u64::from_be_bytes(value.try_into().expect("values of 8 bytes"));
    let of = |name: &[u8]| rows.iter().find(|(key, _)| key == name).map_or(0, |(_, value)| number(value));
    let (a, b) = (of(b"a"), of(b"b"));
    assert!(b >= last, "commits do not disappear");
    if atomicity == Atomicity::Commit {
        assert_eq!(a, b, "half a commit shows");
        let numbered = rows.iter().filter(|(key, _)| key.first() == Some(&b'n')).count() as u64;
        assert_eq!(numbered, b, "a row of an earlier commit is missing");
    }
    b
}
