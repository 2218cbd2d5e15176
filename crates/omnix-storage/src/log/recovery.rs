//! Opening a log: what is there, what is sound, and what the last stop left behind.
//!
//! Only the last segment is read through; sealed ones answer by their footers, and damage inside of them is
//! found when they are read or inspected. A last segment without a footer was not ended cleanly: its sound
//! frames are copied into a new file, because a page that a failed sync left in memory may not be on the disk.
//!
//! Deliberately not here: what to do about missing frames. The report names them; whether they matter depends
//! on what the store has persisted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omnix_model::{LogId, Position, ShardId};

use crate::log::disk::{Disk, DiskFile, is_full, write_all_at};
use crate::log::scan::{DamagedRun, Scan, read_footer, read_header, scan};
use crate::log::segment::{FORMAT, Footer, SegmentHeader};
use crate::log::shared::{Segment, segment_first, segment_path};

/// Bytes copied at once.
const COPY_BYTES: usize = 1 << 20;

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file system failed.
    #[error("`{path}`: {source}")]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A segment was written by a later version.
    #[error("`{path}` has format {found}, this version reads format {FORMAT}")]
    Format {
        /// The segment.
        path: PathBuf,
        /// Its format.
        found: u16,
    },
    /// A segment belongs to another shard.
    #[error("`{path}` belongs to {found}, not to {expected}")]
    Shard {
        /// The segment.
        path: PathBuf,
        /// Whose it is.
        found: ShardId,
        /// Whose it should be.
        expected: ShardId,
    },
}

/// What a log was like when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// The position of the last block, or the start of the log.
    pub end: Position,
    /// The bytes behind the last sound frame that were cut off: a write that never was acknowledged, unless
    /// the disk damaged the very last block.
    pub torn_tail: Option<TornTail>,
    /// Frames known to be missing: those damaged in the last segment, and those between segments. Damage
    /// inside of sealed segments shows when they are read, or in [`inspect_log`](crate::inspect_log).
    pub damaged: Vec<DamagedRun>,
    /// Headers and footers that were damaged; no frame is lost by that.
    pub blemishes: Vec<Blemish>,
    /// Whether the log had been ended cleanly (or is new), so that its last block is beyond doubt.
    pub clean: bool,
}

/// Bytes behind the last sound frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornTail {
    /// The last frame before them; 0 when there is none.
    pub after: u64,
    /// How many bytes, up to the last that is not zero.
    pub bytes: u64,
}

/// A damaged part of a segment that holds no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blemish {
    /// The header of the segment that begins with this frame.
    Header(u64),
    /// The footer of the segment that begins with this frame; it had to be read through instead.
    Footer(u64),
}

/// A log as it was found, put in order.
pub(crate) struct Recovered {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) report: OpenReport,
}

/// Where a log lies and whose it is.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) dir: &'a Path,
    pub(crate) id: LogId,
    pub(crate) shard: ShardId,
}

/// Reads what is in the directory and ends cleanly what was not.
pub(crate) fn recover(place: Place<'_>) -> Result<Recovered, OpenError> {
    let firsts = tidy(place).map_err(|source| OpenError::Io { path: place.dir.to_path_buf(), source })?;
    let mut recovered = Recovered {
        segments: Vec::with_capacity(firsts.len()),
        report: OpenReport {
            end: Position::start(place.id),
            torn_tail: None,
            damaged: Vec::new(),
            blemishes: Vec::new(),
            clean: true,
        },
    };
    let last = firsts.last().copied();
    for first in firsts {
        let next = recovered.segments.last().map(|segment| segment.extent().next);
        if let Some(next) = next.filter(|next| *next < first) {
            recovered.report.damaged.push(DamagedRun { first: next, last: first - 1 });
        }
        let segment = recovered.take(place, first, last == Some(first))?;
        recovered.segments.push(Arc::new(segment));
    }
    if let Some(segment) = recovered.segments.last() {
        recovered.report.end.frame = segment.extent().next.saturating_sub(1);
    }
    Ok(recovered)
}

/// Removes what a crash left half made; answers with the segments there are, in order.
fn tidy(place: Place<'_>) -> io::Result<Vec<u64>> {
    place.disk.create_dir(place.dir)?;
    let names = place.disk.list(place.dir)?;
    let leftovers: Vec<_> = names.iter().filter(|name| name.ends_with(".new")).collect();
    for name in &leftovers {
        place.disk.remove(&place.dir.join(name))?;
    }
    if !leftovers.is_empty() {
        place.disk.sync_dir(place.dir)?;
    }
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| segment_first(name)).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

impl Recovered {
    fn take(&mut self, place: Place<'_>, first: u64, is_last: bool) -> Result<Segment, OpenError> {
        let path = segment_path(place.dir, first);
        let io_error = |source| OpenError::Io { path: path.clone(), source };
        let file = place.disk.open(&path).map_err(io_error)?;
        let header = read_header(file.as_ref()).map_err(io_error)?;
        check_header(header, &path, place.shard)?;
        if header.is_none_or(|header| header.first != first) {
            self.report.blemishes.push(Blemish::Header(first));
        }
        if let Some((footer, end)) = read_footer(file.as_ref()).map_err(io_error)? {
            if is_last {
                affirm(place.disk, &path, &footer, end).map_err(io_error)?;
            }
            return Ok(Segment::sealed(place.dir, first, &footer, end, None));
        }
        if is_last {
            self.report.clean = false;
            let created_ms = header.map_or_else(|| place.disk.now_ms(), |header| header.created_ms);
            let header = SegmentHeader { format: FORMAT, shard: place.shard.0, first, created_ms };
            let found = copy(place, file.as_ref(), &header).map_err(io_error)?;
            self.note(&found);
            if found.tail_bytes > 0 {
                let tail = TornTail { after: found.next.saturating_sub(1), bytes: found.tail_bytes };
                self.report.torn_tail = Some(tail);
            }
            return Ok(Segment::sealed(place.dir, first, &footer_of(&found), found.end, None));
        }
        self.report.blemishes.push(Blemish::Footer(first));
        let end = file.bytes().map_err(io_error)?;
        let found = scan(file.as_ref(), end, first, &mut |_, _| Ok(())).map_err(io_error)?;
        self.note(&found);
        let footer = footer_of(&found);
        Ok(Segment::sealed(place.dir, first, &footer, found.end, Some(footer.index.clone())))
    }

    fn note(&mut self, found: &Scan) {
        self.report.damaged.extend(&found.damaged);
    }
}

fn check_header(header: Option<SegmentHeader>, path: &Path, expected: ShardId) -> Result<(), OpenError> {
    let Some(header) = header else { return Ok(()) };
    let path = path.to_path_buf();
    if header.format != FORMAT {
        return Err(OpenError::Format { path, found: header.format });
    }
    if header.shard != expected.0 {
        return Err(OpenError::Shard { path, found: ShardId(header.shard), expected });
    }
    Ok(())
}

fn footer_of(found: &Scan) -> Footer {
    Footer {
        next: found.next,
        first_ms: found.first_ms.min(found.last_ms),
        last_ms: found.last_ms,
        index: found.index.clone(),
    }
}

/// Writes the footer that is there once more and syncs it: the sync of the one that wrote it may have failed,
/// and its pages then only look as if they were on the disk.
fn affirm(disk: &dyn Disk, path: &Path, footer: &Footer, offset: u64) -> io::Result<()> {
    let file = disk.open_to_write(path)?;
    let bytes = footer.encode(offset);
    write_all_at(file.as_ref(), &bytes, offset)?;
    file.set_bytes(offset + bytes.len() as u64)?;
    file.sync_all()
}

/// Puts a sealed copy of the sound frames of `from` in its place, each where it stood, and answers with what
/// was found. Where there is no room for a copy every frame is written over itself: that too brings to the disk
/// what may only have been in memory.
fn copy(place: Place<'_>, from: &dyn DiskFile, header: &SegmentHeader) -> io::Result<Scan> {
    let path = segment_path(place.dir, header.first);
    let new_path = path.with_extension("seg.new");
    let copied = place.disk.create(&new_path).and_then(|to| reseal(from, to.as_ref(), header));
    match copied {
        Ok(found) => {
            place.disk.rename(&new_path, &path)?;
            place.disk.sync_dir(place.dir)?;
            Ok(found)
        }
        Err(e) if is_full(&e) => {
            // Should it not be there, or not go away, the next open removes it.
            drop(place.disk.remove(&new_path));
            reseal(from, place.disk.open_to_write(&path)?.as_ref(), header)
        }
        Err(e) => Err(e),
    }
}

/// Writes header, sound frames and footer of `from` to `to`, and syncs it.
fn reseal(from: &dyn DiskFile, to: &dyn DiskFile, header: &SegmentHeader) -> io::Result<Scan> {
    let mut pending = header.encode();
    let mut pending_at = 0;
    let found = scan(from, from.bytes()?, header.first, &mut |frame, bytes| {
        let is_apart = frame.offset != pending_at + pending.len() as u64;
        if is_apart || pending.len() >= COPY_BYTES {
            write_all_at(to, &pending, pending_at)?;
            pending.clear();
            pending_at = frame.offset;
        }
        pending.extend_from_slice(bytes);
        Ok(())
    })?;
    write_all_at(to, &pending, pending_at)?;
    to.set_bytes(found.end)?;
    write_all_at(to, &footer_of(&found).encode(found.end), found.end)?;
    to.sync_all()?;
    Ok(found)
}
