//! What state a log's directory is in, told without changing a byte, also beside a running writer.
//!
//! Every frame of every segment is read and its checksum computed. Of a segment that is being written it is
//! read as far as it was written when it was opened; its last frame may look torn while it is on its way.
//!
//! Deliberately without repairs: opening the log makes them.

use std::io;
use std::path::Path;

use omnix_model::Timestamp;

use crate::log::disk::{Disk, DiskFile, RealDisk};
use crate::log::recovery::{Blemish, TornTail};
use crate::log::scan::{DamagedRun, Scan, read_footer, read_header, scan};
use crate::log::segment::FORMAT;
use crate::log::shared::{segment_first, segment_path};

/// How often a segment that is being written is read again to tell damage from a frame on its way.
const RETRIES_MAX: u32 = 5;

/// What an inspection of a log found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogReport {
    /// The segments, in order.
    pub segments: Vec<SegmentReport>,
    /// Frames between segments that are in none.
    pub missing: Vec<DamagedRun>,
    /// Files that a crash has left half made; the next open removes them.
    pub leftovers: Vec<String>,
}

/// What an inspection of a segment found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    /// The frame after which it is named.
    pub first: u64,
    /// Its last frame, damaged or not; one less than `first` when it has none.
    pub last: u64,
    /// Frames that can be read.
    pub sound_frames: u64,
    /// Records in them, erased ones included.
    pub records: u64,
    /// When the first and the last of its blocks were stamped; `None` when it has none.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Bytes of the file, those taken beforehand included.
    pub bytes: u64,
    /// Whether it ends with a footer. The last segment of a running log does not.
    pub is_sealed: bool,
    /// Frames that cannot be read.
    pub damaged: Vec<DamagedRun>,
    /// Bytes behind its last sound frame that are no frame, when it is not sealed.
    pub torn_tail: Option<TornTail>,
    /// Damage to what holds no frame.
    pub blemishes: Vec<Blemish>,
}

impl LogReport {
    /// Whether anything is damaged or missing. A torn tail of the last segment is not damage.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let segments = self.segments.iter();
        self.missing.is_empty()
            && segments.clone().all(|segment| segment.damaged.is_empty() && segment.blemishes.is_empty())
            && segments.rev().skip(1).all(|segment| segment.is_sealed)
    }
}

/// Inspects the log in `dir`.
///
/// # Errors
/// As the file system says.
pub fn inspect_log(dir: &Path) -> io::Result<LogReport> {
    inspect_log_on(&RealDisk, dir)
}

/// Inspects the log in `dir` of `disk`.
///
/// # Errors
/// As the disk says.
pub fn inspect_log_on(disk: &dyn Disk, dir: &Path) -> io::Result<LogReport> {
    let names = disk.list(dir)?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| segment_first(name)).collect();
    firsts.sort_unstable();
    let mut report = LogReport {
        leftovers: names.into_iter().filter(|name| name.ends_with(".new")).collect(),
        ..LogReport::default()
    };
    for first in firsts {
        match inspect_segment(disk, dir, first) {
            Ok(segment) => report.segments.push(segment),
            // Retention was faster.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    let neighbours = report.segments.iter().zip(report.segments.iter().skip(1));
    let gaps = neighbours.filter(|(before, after)| before.last + 1 < after.first);
    report.missing =
        gaps.map(|(before, after)| DamagedRun { first: before.last + 1, last: after.first - 1 }).collect();
    Ok(report)
}

/// The frames of a segment, counted.
struct Tally {
    found: Scan,
    sound_frames: u64,
    records: u64,
}

fn count(file: &dyn DiskFile, end: u64, first: u64) -> io::Result<Tally> {
    let (mut sound_frames, mut records) = (0, 0);
    let found = scan(file, end, first, &mut |frame, _| {
        sound_frames += 1;
        records += u64::from(frame.header.count);
        Ok(())
    })?;
    Ok(Tally { found, sound_frames, records })
}

fn inspect_segment(disk: &dyn Disk, dir: &Path, first: u64) -> io::Result<SegmentReport> {
    let file = disk.open(&segment_path(dir, first))?;
    let header = read_header(file.as_ref())?;
    let bytes = file.bytes()?;
    let footer = read_footer(file.as_ref())?;
    let end = footer.as_ref().map_or(bytes, |(_, offset)| *offset);
    let mut tally = count(file.as_ref(), end, first)?;
    for _ in 0..RETRIES_MAX {
        if footer.is_some() || tally.found.damaged.is_empty() {
            break;
        }
        // A frame that was on its way when it was read looks damaged once later ones have followed it.
        let again = count(file.as_ref(), end, first)?;
        let is_settled = again.found.damaged == tally.found.damaged;
        tally = again;
        if is_settled {
            break;
        }
    }
    let Tally { mut found, sound_frames, records } = tally;
    let mut blemishes = Vec::new();
    if header.is_none_or(|header| header.first != first || header.format != FORMAT) {
        blemishes.push(Blemish::Header(first));
    }
    let mut torn_tail = None;
    if let Some((footer, _)) = &footer {
        if found.next < footer.next {
            found.damaged.push(DamagedRun { first: found.next, last: footer.next - 1 });
            found.next = footer.next;
        }
    } else if found.tail_bytes > 0 {
        torn_tail = Some(TornTail { after: found.next.saturating_sub(1), bytes: found.tail_bytes });
    }
    let at = |ms: u64| Timestamp::from_ms_clamped(i64::try_from(ms).unwrap_or(i64::MAX));
    Ok(SegmentReport {
        first,
        last: found.next.saturating_sub(1),
        sound_frames,
        records,
        times: (sound_frames > 0).then(|| (at(found.first_ms), at(found.last_ms))),
        bytes,
        is_sealed: footer.is_some(),
        damaged: found.damaged,
        torn_tail,
        blemishes,
    })
}
