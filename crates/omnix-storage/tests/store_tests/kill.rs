//! The process is killed for real, again and again: the store stands at a whole commit every time.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use omnix_storage::conformance::store::all_rows;
use omnix_storage::{CommitError, StateStore};

use crate::bench::{commit_of, open, put};

const MEMTABLE_BYTES: u64 = 32 << 10;
const DIR: &str = "state";
/// Fewer commits than these would prove little.
const COMMITS_MIN: u64 = 1_000;
const PERSISTED: &str = "persisted ";

/// Run by the test below in a process of its own, in the directory of the store: commits until it is killed.
#[test]
#[ignore = "only as the process that is killed"]
fn commits_until_it_is_killed() {
    if !Path::new(DIR).exists() {
        return;
    }
    let mut store = open(Path::new(DIR), MEMTABLE_BYTES);
    let mut frame = store.checkpoint().map_or(0, |position| position.frame);
    let mut persisted = store.persisted();
    loop {
        let value = (frame + 1).to_be_bytes();
        let numbered = put(format!("n{:08}", frame + 1), [value.as_slice(), &[7; 200]].concat());
        match store.commit(&commit_of(frame + 1, vec![put("first", value), numbered, put("last", value)])) {
            Ok(()) => frame += 1,
            Err(CommitError::Behind) => std::thread::yield_now(),
            Err(failed) => panic!("{failed}"),
        }
        if frame.is_multiple_of(497) {
            store.persist().unwrap();
        }
        // Whatever it says to be persisted has to be there afterwards: the log is trimmed up to it.
        if store.persisted() != persisted {
            persisted = store.persisted();
            println!("{PERSISTED}{}", persisted.unwrap().frame);
        }
    }
}

#[test]
fn after_kill_9_it_stands_at_a_whole_commit() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(DIR)).unwrap();
    let mut earlier = 0;
    let mut rounds = 0;
    while rounds < 12 || earlier <= COMMITS_MIN {
        assert!(rounds < 100, "only {earlier} commits in all rounds");
        let persisted = run_and_kill(dir.path(), Duration::from_millis(30 + 23 * (rounds % 12)));
        rounds += 1;
        let store = open(&dir.path().join(DIR), MEMTABLE_BYTES);
        let stands = store.checkpoint().map_or(0, |position| position.frame);
        assert!(stands >= persisted.max(earlier), "{stands}, but {persisted} and {earlier} were persisted");
        let rows = all_rows(&*store.reader());
        let newest = |key: &str| rows.get(key.as_bytes()).map(|value| value.as_slice());
        let expected = (stands > 0).then(|| stands.to_be_bytes());
        assert_eq!(newest("first"), expected.as_ref().map(<[u8; 8]>::as_slice));
        assert_eq!(newest("last"), newest("first"), "half a commit");
        let numbered = rows.keys().filter(|key| key.first() == Some(&b'n')).count() as u64;
        assert_eq!(numbered, stands, "one row for each commit, none behind the checkpoint");
        earlier = stands;
    }
}

/// Lets a process commit for `time`, kills it, and answers what it last said to be persisted.
fn run_and_kill(dir: &Path, time: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::commits_until_it_is_killed", "--ignored", "--nocapture"])
        .current_dir(dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    let heard = std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        lines.filter_map(|line| line.strip_prefix(PERSISTED)?.parse().ok()).last()
    });
    std::thread::park_timeout(time);
    child.kill().unwrap();
    child.wait().unwrap();
    heard.join().unwrap().unwrap_or(0)
}
