//! The segment that is being written: from its creation to its footer.
//!
//! What a failed call means is decided here. Before the first byte of a frame is written, nothing is stored;
//! a frame that did not fit is cut off again, durably; after a sync that failed nobody knows.

use std::io;
use std::sync::Arc;

use omnix_model::{ShardId, Timestamp};

use crate::log::disk::{DiskFile, is_full, write_all_at};
use crate::log::segment::{FORMAT, HEADER_BYTES, IndexEntry, SegmentHeader};
use crate::log::shared::{Extent, Segment, Shared, segment_path};
use crate::log::writer::{not_stored, unknown};
use crate::log::{AppendError, LogSettings};

/// Bytes taken beforehand at first; each time twice as many.
const STEP_BYTES_MIN: u64 = 1 << 20;
/// Bytes taken beforehand at the most.
const STEP_BYTES_MAX: u64 = 64 << 20;
/// The part of the free space that is taken beforehand at the most.
const FREE_PART: u64 = 8;

/// The segment that frames are appended to.
pub(crate) struct Active {
    segment: Arc<Segment>,
    file: Box<dyn DiskFile>,
    /// The offset behind the last durable frame.
    end: u64,
    allocated: u64,
    /// How much to take beforehand next time; 0 when the file system cannot.
    step: u64,
    /// Beyond this nothing is taken beforehand.
    limit: u64,
    created_ms: u64,
}

impl Active {
    /// Begins the segment behind the last durable frame and adds it to the log's.
    pub(crate) fn create(shared: &Shared, shard: ShardId, limit: u64) -> Result<Self, AppendError> {
        let first = shared.durable() + 1;
        let disk = shared.disk.as_ref();
        let path = segment_path(&shared.dir, first);
        let new_path = path.with_extension("seg.new");
        let created_ms = disk.now_ms();
        let file = disk.create(&new_path).map_err(not_stored)?;
        let end = HEADER_BYTES as u64;
        let extent = Extent { next: first, end };
        let segment = Arc::new(Segment::open(&shared.dir, first, extent));
        let mut active = Self { segment, file, end, allocated: 0, step: STEP_BYTES_MIN, limit, created_ms };
        let header = SegmentHeader { format: FORMAT, shard: shard.0, first, created_ms };
        let written = active
            .reserve(shared, end)
            .and_then(|()| write_all_at(active.file.as_ref(), &header.encode(), 0).map_err(not_stored));
        if let Err(error) = written {
            // Should this fail too, the next open removes it.
            drop(disk.remove(&new_path));
            return Err(error);
        }
        active.file.sync_all().map_err(unknown)?;
        disk.rename(&new_path, &path).map_err(unknown)?;
        disk.sync_dir(&shared.dir).map_err(unknown)?;
        shared.push(Arc::clone(&active.segment));
        Ok(active)
    }

    /// Whether a frame of `bytes` belongs into the next segment.
    pub(crate) fn is_over(&self, settings: &LogSettings, bytes: u64, now_ms: u64) -> bool {
        let is_empty = self.end == HEADER_BYTES as u64;
        let is_large = self.end + bytes > settings.segment_bytes;
        let is_old = now_ms.saturating_sub(self.created_ms) >= settings.segment_age_ms;
        !is_empty && (is_large || is_old)
    }

    /// Appends a frame, syncs it and lets readers see it.
    pub(crate) fn write(
        &mut self,
        shared: &Shared,
        bytes: &[u8],
        frame: u64,
        now: Timestamp,
    ) -> Result<(), AppendError> {
        let end = self.end + bytes.len() as u64;
        self.reserve(shared, end)?;
        self.put(bytes)?;
        self.file.sync_data().map_err(unknown)?;
        let entry = IndexEntry { frame, ms: now.ms().unsigned_abs(), offset: self.end };
        self.end = end;
        self.segment.publish(entry, end);
        shared.advance(frame);
        Ok(())
    }

    /// Ends the segment by its footer. When there is no room for it the segment stays as it was.
    pub(crate) fn seal(&mut self) -> Result<(), AppendError> {
        let footer = self.segment.footer().encode(self.end);
        self.put(&footer)?;
        self.file.set_bytes(self.end + footer.len() as u64).map_err(unknown)?;
        self.file.sync_all().map_err(unknown)?;
        self.segment.seal();
        Ok(())
    }

    /// Writes behind the last frame, all or nothing.
    fn put(&mut self, bytes: &[u8]) -> Result<(), AppendError> {
        match write_all_at(self.file.as_ref(), bytes, self.end) {
            Ok(()) => Ok(()),
            Err(e) if is_full(&e) => {
                self.cut_back()?;
                Err(AppendError::Full)
            }
            Err(e) => Err(unknown(e)),
        }
    }

    /// Cuts off what a write that did not fit has left, so that it can never be taken for a frame.
    fn cut_back(&mut self) -> Result<(), AppendError> {
        self.file.set_bytes(self.end).map_err(unknown)?;
        self.file.sync_all().map_err(unknown)?;
        self.allocated = self.end;
        Ok(())
    }

    /// Takes space up to `end`, and some beyond, so that a full disk shows before anything is written.
    fn reserve(&mut self, shared: &Shared, end: u64) -> Result<(), AppendError> {
        if end <= self.allocated || self.step == 0 {
            return Ok(());
        }
        let free = shared.disk.free_bytes(&shared.dir).unwrap_or_default();
        let ahead = self.allocated + self.step.min(free / FREE_PART);
        let target = ahead.min(self.limit).max(end);
        let taken = match allocate(self.file.as_ref(), self.allocated, target) {
            Err(e) if is_full(&e) && target > end => {
                allocate(self.file.as_ref(), self.allocated, end).map(|()| end)
            }
            taken => taken.map(|()| target),
        };
        match taken {
            Ok(target) => {
                self.allocated = target;
                self.step = self.step.saturating_mul(2).min(STEP_BYTES_MAX);
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::Unsupported => {
                self.step = 0;
                Ok(())
            }
            Err(e) => Err(not_stored(e)),
        }
    }
}

/// Takes space, over interruptions.
fn allocate(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    loop {
        match file.allocate(from, to) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
