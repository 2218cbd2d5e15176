//! An inspection says what is there, changes nothing, and does not mind a running writer.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use omnix_model::Timestamp;
use omnix_storage::testing::SimDisk;
use omnix_storage::{SegmentLog, inspect_log, inspect_log_on};

use crate::support::{LOG, SHARD, SMALL, append_on, sized_block};

#[test]
fn it_says_what_is_there_and_changes_nothing() {
    let disk = SimDisk::new(1);
    let (mut log, _) =
        SegmentLog::open_on(Arc::new(disk.clone()), Path::new("/log"), LOG, SHARD, SMALL).unwrap();
    append_on(&mut log, 1..=100, 700);
    let contents =
        |disk: &SimDisk| -> Vec<_> { disk.files().iter().map(|path| disk.contents(path)).collect() };
    let before = contents(&disk);
    let report = inspect_log_on(&disk, Path::new("/log")).unwrap();
    assert!(report.is_sound() && report.leftovers.is_empty());
    assert_eq!(report.segments.iter().map(|segment| segment.sound_frames).sum::<u64>(), 100);
    let records: u64 = (1..=100).map(|number| u64::from(sized_block(number, 0).count)).sum();
    assert_eq!(report.segments.iter().map(|segment| segment.records).sum::<u64>(), records);
    let (open, sealed) = report.segments.split_last().unwrap();
    assert!(!open.is_sealed && open.last == 100 && sealed.iter().all(|segment| segment.is_sealed));
    assert!(report.segments.windows(2).all(|pair| pair[0].last + 1 == pair[1].first));
    let stamped = |number: i64| Timestamp::from_ms_clamped(1_700_000_000_000 + number);
    assert_eq!(report.segments[0].times.unwrap().0, stamped(1));
    assert_eq!(open.times.unwrap().1, stamped(100));
    let bytes: u64 = report.segments.iter().map(|segment| segment.bytes).sum();
    assert_eq!(bytes, disk.used_bytes());
    assert_eq!(contents(&disk), before);
}

#[test]
fn beside_a_running_writer_it_raises_no_alarm() {
    let root = tempfile::tempdir().unwrap();
    let (mut log, _) = SegmentLog::open(root.path(), LOG, SHARD, SMALL).unwrap();
    append_on(&mut log, 1..=1, 700);
    let is_done = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_done);
    let dir = root.path().to_path_buf();
    let inspector = std::thread::spawn(move || {
        let mut last = 0;
        loop {
            let is_last = seen.load(Ordering::Acquire);
            let report = inspect_log(&dir).unwrap();
            assert!(report.is_sound(), "{report:?}");
            let end = report.segments.last().unwrap().last;
            assert!(end >= last, "a log only grows");
            last = end;
            if is_last {
                return last;
            }
        }
    });
    append_on(&mut log, 2..=1_500, 700);
    is_done.store(true, Ordering::Release);
    assert_eq!(inspector.join().unwrap(), 1_500);
}

#[test]
fn a_directory_without_a_log_is_sound_and_one_that_is_not_there_an_error() {
    let root = tempfile::tempdir().unwrap();
    assert!(inspect_log(root.path()).unwrap().segments.is_empty());
    assert!(inspect_log(&root.path().join("nowhere")).is_err());
}
