//! The writer of a log of segment files: one block, one frame, one write, one sync, one answer.
//!
//! Deliberately without a thread or a queue: `append` blocks, and whoever wants to gather blocks while a sync
//! runs does so before it calls. Deliberately without the lock on the data directory: that is the caller's.

use std::io;
use std::path::Path;
use std::sync::Arc;

use omnix_model::{LogId, Position, ShardId, Timestamp};

use crate::log::active::Active;
use crate::log::disk::{Disk, RealDisk, is_full};
use crate::log::encoder::FrameEncoder;
use crate::log::recovery::{OpenError, OpenReport, Place, recover};
use crate::log::shared::{SegmentSource, Shared, failed};
use crate::log::{AppendError, Block, EventLog, Grain, LogSource, ReadError, TrimReport};

/// What may be chosen for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// Free bytes of the file system below which nothing is appended.
    pub reserve_bytes: u64,
    /// Bytes after which a segment is sealed; from 8 KiB to 1 GiB, others are taken as the nearest of these.
    pub segment_bytes: u64,
    /// Milliseconds after which a segment is sealed at the next append.
    pub segment_age_ms: u64,
    /// Whether payloads are compressed (zstd, level 1).
    pub compress: bool,
}

impl LogSettings {
    /// Bytes of a segment at the least.
    pub const SEGMENT_BYTES_MIN: u64 = 8 << 10;
    /// Bytes of a segment at the most.
    pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

    fn clamped(self) -> Self {
        let segment_bytes = self.segment_bytes.clamp(Self::SEGMENT_BYTES_MIN, Self::SEGMENT_BYTES_MAX);
        Self { segment_bytes, ..self }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { reserve_bytes: 0, segment_bytes: 64 << 20, segment_age_ms: 3_600_000, compress: true }
    }
}

/// The log of one shard in segment files of one directory.
pub struct SegmentLog {
    shared: Arc<Shared>,
    shard: ShardId,
    settings: LogSettings,
    encoder: FrameEncoder,
    /// None until the first append, and between the end of a segment and the start of the next.
    active: Option<Active>,
    /// Why nothing is taken any more.
    poisoned: Option<String>,
}

impl SegmentLog {
    /// Opens the log in `dir`, which is made if it is missing, and puts in order what the last stop left.
    /// The caller sees to it that no other process has it open.
    ///
    /// # Errors
    /// [`OpenError`]; damaged frames are none, they are in the report.
    pub fn open(
        dir: &Path,
        id: LogId,
        shard: ShardId,
        settings: LogSettings,
    ) -> Result<(Self, OpenReport), OpenError> {
        Self::open_on(Arc::new(RealDisk), dir, id, shard, settings)
    }

    /// Opens a log on `disk`; see [`Self::open`].
    ///
    /// # Errors
    /// As with [`Self::open`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        id: LogId,
        shard: ShardId,
        settings: LogSettings,
    ) -> Result<(Self, OpenReport), OpenError> {
        let settings = settings.clamped();
        let recovered = recover(Place { disk: disk.as_ref(), dir, id, shard })?;
        let encoder = FrameEncoder::new(settings.compress)
            .map_err(|source| OpenError::Io { path: dir.to_path_buf(), source })?;
        let durable = recovered.report.end.frame;
        let shared = Arc::new(Shared::new(disk, dir, id, recovered.segments, durable));
        let log = Self { shared, shard, settings, encoder, active: None, poisoned: None };
        Ok((log, recovered.report))
    }

    fn append_block(&mut self, block: &Block) -> Result<Position, AppendError> {
        if let Some(why) = &self.poisoned {
            return Err(AppendError::Refused(format!("an earlier append failed for good: {why}")));
        }
        self.check_reserve()?;
        let frame = self.shared.durable() + 1;
        let bytes = self.encoder.encode(block, frame)?.len() as u64;
        let now_ms = self.shared.disk.now_ms();
        if self.active.as_ref().is_some_and(|active| active.is_over(&self.settings, bytes, now_ms)) {
            self.seal()?;
        }
        if self.active.is_none() {
            self.active = Some(Active::create(&self.shared, self.shard, self.settings.segment_bytes)?);
        }
        let Some(active) = &mut self.active else { return Err(AppendError::Full) };
        active.write(&self.shared, self.encoder.frame(), frame, block.now)?;
        Ok(self.shared.position(frame))
    }

    fn check_reserve(&self) -> Result<(), AppendError> {
        if self.settings.reserve_bytes == 0 {
            return Ok(());
        }
        let Ok(free) = self.shared.disk.free_bytes(&self.shared.dir) else { return Ok(()) };
        if free < self.settings.reserve_bytes { Err(AppendError::Full) } else { Ok(()) }
    }

    fn seal(&mut self) -> Result<(), AppendError> {
        if let Some(active) = &mut self.active {
            active.seal()?;
        }
        self.active = None;
        Ok(())
    }
}

impl EventLog for SegmentLog {
    fn grain(&self) -> Grain {
        Grain::Shard
    }

    fn id(&self) -> LogId {
        self.shared.id
    }

    fn append(&mut self, blocks: &[Block]) -> Vec<Result<Position, AppendError>> {
        let mut answers: Vec<Result<Position, AppendError>> = Vec::with_capacity(blocks.len());
        for block in blocks {
            let answer = match answers.last() {
                Some(Err(AppendError::Full)) => Err(AppendError::Full),
                Some(Err(_)) => Err(AppendError::Refused("the block before it was not stored".to_owned())),
                _ => self.append_block(block),
            };
            if let Err(AppendError::Unknown(why)) = &answer {
                self.poisoned = Some(why.clone());
            }
            answers.push(answer);
        }
        answers
    }

    fn source(&self) -> Arc<dyn LogSource> {
        Arc::new(SegmentSource(Arc::clone(&self.shared)))
    }

    fn trim(&mut self, keep_from: Position, older_than: Timestamp) -> Result<TrimReport, ReadError> {
        let mut report = TrimReport::default();
        let segments = self.shared.segments();
        // The last segment stays: its number says where the log goes on.
        for segment in segments.iter().take(segments.len().saturating_sub(1)) {
            let below = keep_from.log == self.shared.id && segment.extent().next <= keep_from.frame;
            let old = segment.last_ms() < older_than.ms().unsigned_abs();
            if !(segment.is_sealed() && below && old) {
                break;
            }
            let bytes = self.shared.disk.open(&segment.path).and_then(|file| file.bytes());
            match self.shared.disk.remove(&segment.path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
                _ => self.shared.pop_oldest(),
            }
            // One by one, so that a crash never leaves a hole in the middle.
            self.shared.disk.sync_dir(&self.shared.dir).map_err(failed)?;
            report.segments += 1;
            report.bytes += bytes.unwrap_or_default();
        }
        Ok(report)
    }

    fn close(mut self: Box<Self>) -> Result<(), AppendError> {
        if let Some(why) = self.poisoned.take() {
            return Err(AppendError::Unknown(why));
        }
        self.seal()
    }
}

/// What a failed call means when nothing of the block can be on the disk.
#[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
pub(crate) fn not_stored(error: io::Error) -> AppendError {
    if is_full(&error) { AppendError::Full } else { AppendError::Refused(error.to_string()) }
}

/// What a failed call means when it cannot be told what is on the disk.
#[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
pub(crate) fn unknown(error: io::Error) -> AppendError {
    AppendError::Unknown(error.to_string())
}
