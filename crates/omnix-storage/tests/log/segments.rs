//! A log of segment files on the real disk: what is appended is read again, across segments and restarts.

use std::path::Path;
use std::time::Duration;

use omnix_model::{Position, ShardId, Timestamp};
use omnix_storage::{Block, EventLog, LogSettings, OpenReport, ReadError, SegmentLog};

use crate::support::{LOG, SHARD, SMALL, append, assert_holds, block, position};

fn open(dir: &Path) -> (SegmentLog, OpenReport) {
    SegmentLog::open(dir, LOG, SHARD, SMALL).unwrap()
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_log_is_empty_and_makes_its_directories() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("shard-0003").join("log");
    let (log, report) = open(&dir);
    assert_eq!(report.end, Position::start(LOG));
    assert!(report.clean && report.damaged.is_empty() && report.torn_tail.is_none());
    assert_eq!(log.end(), Position::start(LOG));
    assert!(log.read_after(log.end()).unwrap().next(Duration::ZERO).unwrap().is_none());
    Box::new(log).close().unwrap();
    assert!(files(&dir).is_empty());
}

#[test]
fn blocks_are_there_after_a_clean_stop_and_after_none() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, _) = open(root.path());
    append(&mut log, 1..=100);
    assert_holds(&log, 1..=100);
    Box::new(log).close().unwrap();

    let (mut log, report) = open(root.path());
    assert!(report.clean);
    assert_eq!(report.end.frame, 100);
    assert_holds(&log, 1..=100);
    append(&mut log, 101..=150);
    drop(log);

    let (mut log, report) = open(root.path());
    assert!(!report.clean);
    assert!(report.torn_tail.is_none() && report.damaged.is_empty());
    assert_holds(&log, 1..=150);
    append(&mut log, 151..=152);
    assert_holds(&log, 1..=152);
    assert!(files(root.path()).len() > 3, "small segments roll: {:?}", files(root.path()));
}

#[test]
fn another_shards_log_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, _) = open(root.path());
    append(&mut log, 1..=1);
    drop(log);
    let other = SegmentLog::open(root.path(), LOG, ShardId(4), SMALL);
    assert!(matches!(other, Err(omnix_storage::OpenError::Shard { found: ShardId(3), .. })));
}

#[test]
fn retention_takes_whole_segments_that_are_old_and_below() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, _) = open(root.path());
    append(&mut log, 1..=200);
    let before = files(root.path());
    let all_old = Timestamp::MAX;
    let none = log.trim(position(200), Timestamp::MIN).unwrap();
    assert_eq!(none.segments, 0, "nothing is older than 1970");
    let none = log.trim(position(1), all_old).unwrap();
    assert_eq!(none.segments, 0, "nothing lies below the first frame");

    let mut early = log.read_after(Position::start(LOG)).unwrap();
    early.next(Duration::ZERO).unwrap().unwrap();
    let keep_from = position(100);
    let report = log.trim(keep_from, all_old).unwrap();
    assert!(report.segments > 0 && report.bytes > 0);
    assert_eq!(files(root.path()).len() as u64, before.len() as u64 - report.segments);
    let start = log.source().start();
    assert!(start.frame < 100);
    assert_holds(&log, start.frame + 1..=200);

    assert_eq!(early.next(Duration::ZERO).unwrap().unwrap().position.frame, 2, "its descriptor is kept");
    assert!(matches!(log.read_after(Position::start(LOG)), Err(ReadError::Trimmed(_))));
    assert!(early.block_at(position(1)).unwrap().is_none());
    assert!(log.trim(position(u64::MAX), all_old).unwrap().segments > 0);
    drop(log);
    let (mut log, report) = open(root.path());
    assert_eq!(report.end.frame, 200, "numbers go on, however much was trimmed");
    append(&mut log, 201..=201);
}

#[test]
fn an_old_segment_is_sealed_at_the_next_append() {
    let root = tempfile::tempdir().unwrap();
    let hasty = LogSettings { segment_age_ms: 1, ..SMALL };
    let (mut log, _) = SegmentLog::open(root.path(), LOG, SHARD, hasty).unwrap();
    append(&mut log, 1..=1);
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_millis(5) {
        std::thread::yield_now();
    }
    append(&mut log, 2..=2);
    assert_eq!(files(root.path()), ["00000000000000000001.seg", "00000000000000000002.seg"]);
    assert_holds(&log, 1..=2);
}

#[test]
fn a_reserve_that_the_disk_does_not_have_is_full() {
    let root = tempfile::tempdir().unwrap();
    let greedy = LogSettings { reserve_bytes: u64::MAX, ..SMALL };
    let (mut log, _) = SegmentLog::open(root.path(), LOG, SHARD, greedy).unwrap();
    let answers = log.append(&[block(1), block(2)]);
    assert!(answers.iter().all(|answer| matches!(answer, Err(omnix_storage::AppendError::Full))));
    assert!(files(root.path()).is_empty());
}

#[test]
fn a_block_that_is_too_large_is_refused_and_the_log_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, _) = open(root.path());
    let huge = Block { payload: vec![0; omnix_storage::RAW_BYTES_MAX + 1], ..block(1) };
    assert!(matches!(log.append(&[huge])[0], Err(omnix_storage::AppendError::Refused(_))));
    let largest = Block { payload: vec![7; omnix_storage::RAW_BYTES_MAX], ..block(1) };
    log.append(std::slice::from_ref(&largest))[0].as_ref().unwrap();
    append(&mut log, 2..=3);
    let mut reader = log.read_after(Position::start(LOG)).unwrap();
    assert_eq!(reader.next(Duration::ZERO).unwrap().unwrap().payload, largest.payload);
    assert_eq!(reader.next(Duration::ZERO).unwrap().unwrap().payload, block(2).payload);
}

#[test]
fn a_reader_follows_the_tail_while_the_log_grows_and_rolls() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, _) = open(root.path());
    let source = log.source();
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let source = source.clone();
            std::thread::spawn(move || {
                let mut reader = source.read_after(source.start()).unwrap();
                for number in 1..=400 {
                    let stored = reader.next(Duration::from_secs(20)).unwrap().expect("it comes in time");
                    assert_eq!(stored.position.frame, number);
                    assert_eq!(stored.payload, block(number).payload);
                    let back = position(number / 2 + 1);
                    assert_eq!(
                        reader.block_at(back).unwrap().unwrap().payload,
                        block(number / 2 + 1).payload
                    );
                    assert!(source.end().frame >= number);
                }
                assert!(reader.next(Duration::from_millis(5)).unwrap().is_none());
            })
        })
        .collect();
    append(&mut log, 1..=400);
    for reader in readers {
        reader.join().unwrap();
    }
}
