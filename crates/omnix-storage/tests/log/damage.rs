//! Bytes that are wrong: found every time, never served, and what is sound around them is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use omnix_storage::testing::{Dice, SimDisk};
use omnix_storage::{
    Blemish, DamagedRun, EventLog, LogSettings, OpenReport, ReadError, SegmentLog, inspect_log_on,
};

use crate::support::{LOG, SHARD, append_on, assert_is, position, sized_block};

const SETTINGS: LogSettings =
    LogSettings { reserve_bytes: 0, segment_bytes: 8 << 10, segment_age_ms: u64::MAX, compress: true };
const HEADER_BYTES: usize = 4096;

fn open(disk: &SimDisk) -> (SegmentLog, OpenReport) {
    SegmentLog::open_on(Arc::new(disk.clone()), Path::new("/log"), LOG, SHARD, SETTINGS).unwrap()
}

/// A log of `frames` blocks of about `bytes` bytes each, dropped without being closed.
fn log_of(frames: u64, bytes: u64) -> SimDisk {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    append_on(&mut log, 1..=frames, bytes);
    disk.kill();
    disk
}

/// The frames of a segment file by number and place, from their own lengths.
fn frames_of(file: &[u8]) -> Vec<(u64, std::ops::Range<usize>)> {
    let mut frames = Vec::new();
    let mut at = HEADER_BYTES;
    while at + 40 <= file.len() {
        let len = u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        let flags = u16::from_le_bytes(file[at + 22..at + 24].try_into().unwrap());
        if len == 0 || flags != 0 {
            break;
        }
        let number = u64::from_le_bytes(file[at + 8..at + 16].try_into().unwrap());
        frames.push((number, at..at + len));
        at += len;
    }
    frames
}

/// Reads everything; answers with the frames that were damaged. Whatever is served must be right.
fn read_checked(log: &SegmentLog, bytes: u64) -> Vec<u64> {
    let mut reader = log.read_after(log.source().start()).unwrap();
    let mut damaged = Vec::new();
    let mut next = 1;
    loop {
        match reader.next(Duration::ZERO) {
            Ok(Some(stored)) => {
                assert_eq!(stored.position.frame, next, "nothing is left out in silence");
                assert_is(&stored, &sized_block(next, bytes), next);
                next += 1;
            }
            Ok(None) => break,
            Err(ReadError::Damaged { first, last, log: LOG }) => {
                assert_eq!(first, next, "a run begins where the sound frames end");
                damaged.extend(first..=last);
                next = last + 1;
            }
            Err(e) => panic!("{e}"),
        }
    }
    assert_eq!(next, log.end().frame + 1);
    let near = damaged.iter().flat_map(|frame| frame.saturating_sub(1)..=frame + 1);
    for frame in (1..next).step_by(13).chain(near).filter(|frame| (1..next).contains(frame)) {
        match reader.block_at(position(frame)) {
            Ok(Some(stored)) => {
                assert!(!damaged.contains(&frame));
                assert_is(&stored, &sized_block(frame, bytes), frame);
            }
            Err(ReadError::Damaged { first, .. }) => {
                assert!(first == frame && damaged.contains(&frame), "{frame} is not damaged");
            }
            other => panic!("{other:?}"),
        }
    }
    damaged
}

#[test]
fn a_log_cut_at_any_byte_of_its_last_frames_keeps_all_whole_ones() {
    let disk = log_of(40, 300);
    let path = disk.files().pop().unwrap();
    let whole = disk.contents(&path).unwrap();
    let frames = frames_of(&whole);
    let from = frames[frames.len() - 3].1.start;
    let to = frames.last().unwrap().1.end;
    for cut in from..=to {
        let is_at_edge = frames.iter().any(|(_, place)| place.start == cut || place.end == cut);
        for zeros_behind in [false, true] {
            let mut bytes = whole[..cut].to_vec();
            if zeros_behind {
                bytes.resize(whole.len(), 0);
            }
            let mut kept =
                frames.iter().filter(|(_, place)| bytes.get(place.clone()) == whole.get(place.clone()));
            let last = kept.next_back().unwrap().0;
            disk.set_contents(&path, &bytes);
            let (mut log, report) = open(&disk);
            assert!(!report.clean && report.damaged.is_empty() && report.blemishes.is_empty());
            assert_eq!(report.end, position(last), "cut at {cut}");
            // Zeros may be just what the rest of a frame was.
            let is_whole_again = frames.iter().any(|(number, place)| *number == last && place.end > cut);
            let is_torn = !(is_at_edge || is_whole_again);
            assert_eq!(report.torn_tail.map(|tail| tail.after), is_torn.then_some(last), "cut at {cut}");
            assert!(read_checked(&log, 300).is_empty());
            append_on(&mut log, last + 1..=last + 2, 300);
            assert!(read_checked(&log, 300).is_empty());
            disk.kill();
            for made in disk.files().into_iter().filter(|made| *made > path) {
                omnix_storage::Disk::remove(&disk, &made).unwrap();
            }
        }
    }
}

#[test]
fn a_log_cut_within_its_header_goes_on() {
    let disk = log_of(3, 100);
    let path = disk.files().pop().unwrap();
    let whole = disk.contents(&path).unwrap();
    for cut in [0, 1, 8, 28, 4095, 4096] {
        disk.set_contents(&path, &whole[..cut]);
        let (log, report) = open(&disk);
        assert_eq!(report.end, position(0));
        assert_eq!(report.blemishes.is_empty(), cut == 4096);
        assert!(read_checked(&log, 100).is_empty());
        disk.kill();
    }
}

/// Flips one bit at a time and checks what opening, reading and inspecting say.
struct Flips {
    disk: SimDisk,
    path: PathBuf,
    whole: Vec<u8>,
    bytes: u64,
}

impl Flips {
    fn open_with(&self, bit: usize) -> (SegmentLog, OpenReport) {
        let mut bytes = self.whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        self.disk.set_contents(&self.path, &bytes);
        assert!(!bit.is_multiple_of(3) || !self.is_sound(), "an inspection finds bit {bit}");
        open(&self.disk)
    }

    fn is_sound(&self) -> bool {
        let report = inspect_log_on(&self.disk, Path::new("/log")).unwrap();
        report.is_sound() && report.segments.iter().all(|segment| segment.torn_tail.is_none())
    }

    /// Opening makes another file of the last segment, and a new one; takes both back.
    fn restore(&self) {
        self.disk.kill();
        self.disk.set_contents(&self.path, &self.whole);
    }
}

#[test]
fn any_flipped_bit_of_a_sealed_segment_is_found_and_costs_one_frame() {
    let bytes = 60;
    let disk = log_of(120, bytes);
    let path = disk.files().remove(1);
    let whole = disk.contents(&path).unwrap();
    let frames = frames_of(&whole);
    assert!(frames.len() > 20 && disk.files().len() >= 3, "{:?}", disk.files());
    open(&disk); // so that the last segment is sealed too
    let flips = Flips { disk, path, whole, bytes };
    assert!(flips.is_sound());
    let data_end = frames.last().unwrap().1.end;
    let header = (0..32).chain((32..4092).step_by(97)).chain(4092..4096);
    let some_frames = (frames[5].1.start..frames[8].1.end).chain(frames.last().unwrap().1.clone());
    for byte in header.chain(some_frames).chain(data_end..flips.whole.len()) {
        for bit in byte * 8..byte * 8 + 8 {
            let (log, report) = flips.open_with(bit);
            let damaged = read_checked(&log, flips.bytes);
            let hit: Vec<u64> =
                frames.iter().filter(|(_, place)| place.contains(&byte)).map(|(number, _)| *number).collect();
            assert_eq!(damaged, hit, "bit {bit}");
            let first = frames[0].0;
            let expected = match byte {
                _ if byte < HEADER_BYTES => vec![Blemish::Header(first)],
                _ if byte >= data_end => vec![Blemish::Footer(first)],
                _ => Vec::new(),
            };
            assert_eq!(report.blemishes, expected, "bit {bit}");
            assert!(report.clean && report.end == position(120));
            flips.restore();
        }
    }
}

#[test]
fn any_flipped_bit_of_the_open_segment_is_found_and_costs_one_frame() {
    let bytes = 60;
    let disk = log_of(20, bytes);
    let path = disk.files().pop().unwrap();
    let whole = disk.contents(&path).unwrap();
    let frames = frames_of(&whole);
    let flips = Flips { disk, path, whole, bytes };
    let window = frames[3].1.start..frames[5].1.end;
    for byte in window.chain(frames.last().unwrap().1.clone()) {
        let hit = frames.iter().find(|(_, place)| place.contains(&byte)).unwrap().0;
        for bit in byte * 8..byte * 8 + 8 {
            let (log, report) = flips.open_with(bit);
            let damaged = read_checked(&log, flips.bytes);
            if hit == 20 {
                assert_eq!((report.torn_tail.unwrap().after, report.end), (19, position(19)), "bit {bit}");
                assert!(report.damaged.is_empty() && damaged.is_empty());
            } else {
                assert_eq!(report.damaged, [DamagedRun { first: hit, last: hit }], "bit {bit}");
                assert_eq!(damaged, [hit]);
                let (log, again) = open(&flips.disk);
                assert!(again.clean, "the second open finds a sealed segment");
                assert_eq!(read_checked(&log, flips.bytes), [hit], "the gap stays known");
            }
            flips.restore();
        }
    }
}

#[test]
fn whatever_happens_to_a_page_nothing_wrong_is_served_and_the_rest_is_read() {
    let bytes = 200;
    let disk = log_of(400, bytes);
    drop(open(&disk));
    let paths = disk.files();
    let mut dice = Dice::new(3);
    for round in 0..600 {
        let path = &paths[dice.below(paths.len() as u64 - 1) as usize];
        let whole = disk.contents(path).unwrap();
        let mut damaged = whole.clone();
        let page = if dice.once_in(2) { 512 } else { 4096 };
        let start = (dice.below(whole.len() as u64) as usize / page) * page;
        let end = (start + page).min(whole.len());
        match dice.below(3) {
            0 => damaged[start..end].fill(0),
            1 => damaged[start..end].iter_mut().for_each(|byte| *byte = dice.roll() as u8),
            _ => {
                let from = (dice.below(whole.len() as u64 - page as u64) as usize / 512) * 512;
                damaged.copy_within(from..from + (end - start), start);
            }
        }
        disk.set_contents(path, &damaged);
        let (log, _) = open(&disk);
        let missing = read_checked(&log, bytes);
        for (number, place) in frames_of(&whole) {
            let is_touched = damaged[place.clone()] != whole[place];
            // A stray copy of neighbouring frames may hide some in between, but never more than a page of them.
            let is_near = missing.contains(&number) && begins_near(&frames_of(&whole), number, start, end);
            assert!(
                !missing.contains(&number) || is_touched || is_near,
                "round {round}: {number} of {missing:?}"
            );
        }
        disk.kill();
        disk.set_contents(path, &whole);
    }
}

/// Whether the frame begins within a page behind the damaged one.
fn begins_near(frames: &[(u64, std::ops::Range<usize>)], number: u64, start: usize, end: usize) -> bool {
    frames.iter().any(|(n, place)| *n == number && place.start >= start && place.start < end + (end - start))
}

#[test]
fn a_segment_that_is_gone_is_reported_and_passed_over() {
    let disk = log_of(200, 200);
    drop(open(&disk));
    let paths = disk.files();
    let gone = frames_of(&disk.contents(&paths[1]).unwrap());
    omnix_storage::Disk::remove(&disk, &paths[1]).unwrap();
    let (log, report) = open(&disk);
    let (first, last) = (gone[0].0, gone.last().unwrap().0);
    assert_eq!(report.damaged, [DamagedRun { first, last }]);
    assert_eq!(read_checked(&log, 200), (first..=last).collect::<Vec<_>>());
    let inspected = inspect_log_on(&disk, Path::new("/log")).unwrap();
    assert_eq!(inspected.missing, [DamagedRun { first, last }]);
    assert!(!inspected.is_sound());
}
