//! Calls that fail: a full disk is told in time and passes by itself, a failed sync ends the log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use omnix_storage::testing::{SimCall, SimDisk, SimFault};
use omnix_storage::{AppendError, EventLog, LogSettings, OpenReport, SegmentLog, inspect_log_on};

use crate::support::{LOG, SHARD, SMALL, append_on, assert_is, position, sized_block};

const BYTES: u64 = 900;

fn open_with(disk: &SimDisk, settings: LogSettings) -> (SegmentLog, OpenReport) {
    SegmentLog::open_on(Arc::new(disk.clone()), Path::new("/log"), LOG, SHARD, settings).unwrap()
}

fn open(disk: &SimDisk) -> (SegmentLog, OpenReport) {
    open_with(disk, SMALL)
}

fn assert_holds(log: &SegmentLog, frames: u64) {
    let mut reader = log.read_after(log.source().start()).unwrap();
    for frame in 1..=frames {
        assert_is(&reader.next(Duration::ZERO).unwrap().unwrap(), &sized_block(frame, BYTES), frame);
    }
    assert!(reader.next(Duration::ZERO).unwrap().is_none());
}

/// How the log answered while a fault was waiting for it.
#[derive(Debug, Default)]
struct Outcome {
    full: u32,
    refused: u32,
    unknown: u32,
}

/// Appends 40 blocks over several segments and closes; blocks that are not stored are tried again, and after
/// an unknown outcome the log is opened anew. At last everything must be there, also after the power failed.
fn run_with(call: SimCall, nth: u64, fault: SimFault) -> Outcome {
    let disk = SimDisk::new(nth);
    let (mut log, _) = open(&disk);
    disk.fail(call, nth, fault);
    // Where less space may do, less is asked for: only when that fails too is there none.
    let faults = if (call, fault) == (SimCall::Allocate, SimFault::NoSpace) { 2 } else { 1 };
    (1..faults).for_each(|behind| disk.fail(call, nth + u64::from(behind), fault));
    let mut outcome = Outcome::default();
    let mut frame = 1;
    while frame <= 40 {
        match log.append(&[sized_block(frame, BYTES)]).pop().unwrap() {
            Ok(at) => {
                assert_eq!(at, position(frame));
                frame += 1;
            }
            Err(AppendError::Full) => outcome.full += 1,
            Err(AppendError::Refused(_)) => outcome.refused += 1,
            Err(AppendError::Unknown(_)) => {
                outcome.unknown += 1;
                assert_eq!(log.end(), position(frame - 1), "nothing is seen that was not acknowledged");
                let calls = disk.calls();
                let after = log.append(&[sized_block(frame, BYTES)]).pop().unwrap();
                assert!(matches!(after, Err(AppendError::Refused(_))));
                assert_eq!(disk.calls(), calls, "nothing is tried again");
                assert!(matches!(Box::new(log).close(), Err(AppendError::Unknown(_))));
                assert_eq!(disk.calls(), calls, "least of all the sync");
                disk.kill();
                let (opened, report) = open(&disk);
                assert!(report.damaged.is_empty() && report.blemishes.is_empty());
                let end = report.end.frame;
                assert!(end == frame - 1 || end == frame, "{end} of {frame}");
                frame = end + 1;
                log = opened;
            }
        }
        assert!(
            outcome.full + outcome.refused + outcome.unknown <= faults,
            "a failure needs a fault: {outcome:?}"
        );
    }
    assert_holds(&log, 40);
    // What was read may never be lost again, whatever the page cache made of it.
    disk.forget_faults();
    disk.power_cycle();
    let (log, report) = open(&disk);
    assert!(report.damaged.is_empty() && report.blemishes.is_empty(), "{report:?}");
    assert_holds(&log, 40);
    outcome
}

fn run_each(call: SimCall, fault: SimFault) -> Vec<Outcome> {
    (1..=60).map(|nth| run_with(call, nth, fault)).collect()
}

#[test]
fn a_full_disk_stores_nothing_and_passes() {
    for call in [SimCall::Create, SimCall::Allocate, SimCall::Write] {
        let outcomes = run_each(call, SimFault::NoSpace);
        assert!(outcomes.iter().any(|outcome| outcome.full > 0), "{call:?} was hit");
        assert!(
            outcomes.iter().all(|outcome| outcome.refused + outcome.unknown == 0),
            "{call:?}: {outcomes:?}"
        );
    }
}

#[test]
fn what_did_not_fit_is_cut_off_for_good() {
    for nth in 1..=60 {
        let disk = SimDisk::new(nth);
        let (mut log, _) = open(&disk);
        disk.fail(SimCall::Write, nth, SimFault::NoSpace);
        let mut frame = 1;
        while let Some(Ok(_)) = log.append(&[sized_block(frame, BYTES)]).pop() {
            frame += 1;
        }
        let torn_tail = |disk: &SimDisk| {
            let report = inspect_log_on(disk, Path::new("/log")).unwrap();
            report.segments.last().and_then(|segment| segment.torn_tail)
        };
        assert_eq!(torn_tail(&disk), None, "right away");
        disk.power_cycle();
        assert_eq!(torn_tail(&disk), None, "and when the power fails");
        let (log, report) = open(&disk);
        assert_eq!(report.end, position(frame - 1));
        assert_holds(&log, frame - 1);
    }
}

#[test]
fn any_call_may_find_the_disk_full() {
    run_each(SimCall::Any, SimFault::NoSpace);
}

#[test]
fn any_call_may_fail() {
    run_each(SimCall::Any, SimFault::Io);
}

#[test]
fn a_sync_that_fails_once_ends_the_log() {
    for call in [SimCall::Sync, SimCall::SyncDir] {
        let outcomes = run_each(call, SimFault::Io);
        assert!(outcomes.iter().any(|outcome| outcome.unknown == 1), "{call:?} was hit");
        assert!(outcomes.iter().all(|outcome| outcome.full + outcome.refused == 0), "{call:?}: {outcomes:?}");
    }
}

#[test]
fn an_interruption_is_nothing() {
    for call in [SimCall::Allocate, SimCall::Write] {
        let outcomes = run_each(call, SimFault::Interrupted);
        assert!(outcomes.iter().all(|outcome| outcome.full + outcome.refused + outcome.unknown == 0));
    }
}

#[test]
fn a_disk_that_fills_up_takes_what_fits_and_goes_on_when_there_is_room() {
    for capacity in (0..60_000).step_by(1_777) {
        let disk = SimDisk::new(capacity);
        disk.set_capacity(Some(capacity));
        let (mut log, _) = open(&disk);
        let mut frame = 1;
        while let Some(Ok(_)) = log.append(&[sized_block(frame, BYTES)]).pop() {
            frame += 1;
        }
        assert!(frame > 1 || capacity < 8_000);
        for _ in 0..3 {
            let answers = log.append(&[sized_block(frame, BYTES), sized_block(frame + 1, BYTES)]);
            assert!(matches!(answers.as_slice(), [Err(AppendError::Full), Err(AppendError::Full)]));
            assert!(disk.used_bytes() <= capacity);
        }
        assert_holds(&log, frame - 1);
        disk.set_capacity(None);
        append_on(&mut log, frame..=frame + 30, BYTES);
        assert_holds(&log, frame + 30);
        disk.power_cycle();
        assert_holds(&open(&disk).0, frame + 30);
    }
}

#[test]
fn a_log_is_opened_without_room_for_a_copy_also_when_the_power_fails_meanwhile() {
    let mut lost_power = 0;
    for seed in 0..200 {
        let disk = SimDisk::new(seed);
        let (mut log, _) = open(&disk);
        append_on(&mut log, 1..=10, BYTES);
        if seed % 2 == 0 {
            disk.fail(SimCall::Sync, 1, SimFault::Io);
            assert!(matches!(
                log.append(&[sized_block(11, BYTES)]).pop(),
                Some(Err(AppendError::Unknown(_)))
            ));
        }
        disk.kill();
        disk.set_capacity(Some(disk.used_bytes()));
        disk.fail(SimCall::Any, 1 + seed / 2 % 9, SimFault::PowerLoss);
        let opened = SegmentLog::open_on(Arc::new(disk.clone()), Path::new("/log"), LOG, SHARD, SMALL);
        lost_power += u64::from(opened.is_err());
        let end = opened.map_or(10, |(_, report)| report.end.frame);
        disk.power_cycle();
        let (log, report) = open(&disk);
        assert!(report.damaged.is_empty() && report.blemishes.is_empty(), "seed {seed}: {report:?}");
        assert!((end..=11).contains(&report.end.frame), "seed {seed}: what was read once stays");
        assert_holds(&log, report.end.frame);
    }
    assert!(lost_power > 50);
}

#[test]
fn below_the_reserve_nothing_is_appended() {
    let disk = SimDisk::new(1);
    let reserving = LogSettings { reserve_bytes: 50_000, ..SMALL };
    disk.set_capacity(Some(100_000));
    let (mut log, _) = open_with(&disk, reserving);
    let mut frame = 1;
    while let Some(Ok(_)) = log.append(&[sized_block(frame, BYTES)]).pop() {
        frame += 1;
    }
    let used = disk.used_bytes();
    assert!((40_000..60_000).contains(&used), "{used} bytes are used");
    disk.set_capacity(Some(200_000));
    append_on(&mut log, frame..=frame + 5, BYTES);
}

#[test]
fn space_is_taken_in_steps_and_never_much_of_what_is_left() {
    let large = LogSettings { segment_bytes: 64 << 20, compress: false, ..SMALL };
    let disk = SimDisk::new(1);
    let (mut log, _) = open_with(&disk, large);
    append_on(&mut log, 1..=1, BYTES);
    assert_eq!(disk.used_bytes(), 1 << 20, "the first step is one mebibyte");
    append_on(&mut log, 2..=1_700, BYTES);
    assert_eq!(disk.used_bytes(), 3 << 20, "the next one is twice as large");

    let disk = SimDisk::new(1);
    disk.set_capacity(Some(800_000));
    let (mut log, _) = open_with(&disk, large);
    append_on(&mut log, 1..=1, BYTES);
    assert!(disk.used_bytes() <= 100_000, "an eighth of what is free: {}", disk.used_bytes());
    append_on(&mut log, 2..=400, BYTES);
}

#[test]
fn where_less_space_will_do_less_is_taken() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    // For the segment's header, and for the first frame: each is tried again with less.
    disk.fail(SimCall::Allocate, 1, SimFault::NoSpace);
    disk.fail(SimCall::Allocate, 3, SimFault::NoSpace);
    append_on(&mut log, 1..=1, BYTES);
    let used = disk.used_bytes();
    assert!(used < 8_000, "no more than what is needed: {used}");
    append_on(&mut log, 2..=2, BYTES);
    assert!(disk.used_bytes() > used, "and more again later");
}

#[test]
fn one_block_costs_one_write_and_one_sync() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open_with(&disk, LogSettings { segment_bytes: 64 << 20, ..SMALL });
    append_on(&mut log, 1..=1, BYTES);
    let before = disk.calls();
    append_on(&mut log, 2..=101, BYTES);
    assert_eq!(disk.calls() - before, 200);
}
