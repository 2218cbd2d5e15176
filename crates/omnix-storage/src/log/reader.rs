//! Reading a log of segments: in a row, at the tail, or one block out of the middle.
//!
//! A reader has descriptors and buffers of its own; it looks only at what was acknowledged. A segment that
//! retention removes stays readable for who has it open.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use omnix_model::{Position, Timestamp};

use crate::log::disk::DiskFile;
use crate::log::scan::{Located, STREAM_BYTES, Window, locate, read_footer};
use crate::log::segment::{
    CODEC_ZSTD, FRAME_HEADER_BYTES, HEADER_BYTES, INDEX_STEP_BYTES, IndexEntry, SegmentIndex,
};
use crate::log::shared::{Segment, Shared, failed};
use crate::log::{LogReader, RAW_BYTES_MAX, ReadError, StoredBlock};

/// A reader of one log.
pub(crate) struct SegmentReader {
    shared: Arc<Shared>,
    /// The next frame to hand out.
    next: u64,
    row: Cursor,
    random: Cursor,
    decoder: Decoder,
}

/// A file that is being read, and how far.
struct Cursor {
    at: Option<Opened>,
    window: Window,
}

struct Opened {
    segment: Arc<Segment>,
    file: Box<dyn DiskFile>,
    /// Where the next frame, `expected`, should stand.
    offset: u64,
    expected: u64,
    /// The footer's index, once it was needed.
    index: Option<SegmentIndex>,
}

impl SegmentReader {
    /// A reader whose first block is frame `next`.
    pub(crate) fn new(shared: Arc<Shared>, next: u64) -> Self {
        Self {
            shared,
            next,
            row: Cursor { at: None, window: Window::new(STREAM_BYTES) },
            random: Cursor { at: None, window: Window::new(usize::try_from(INDEX_STEP_BYTES).unwrap_or(0)) },
            decoder: Decoder::default(),
        }
    }

    fn damaged(&self, first: u64, last: u64) -> ReadError {
        ReadError::Damaged { log: self.shared.id, first, last }
    }

    fn block(&mut self, at: &Located, payload: Option<Vec<u8>>) -> Result<StoredBlock, ReadError> {
        let frame = at.header.frame;
        let Some(payload) = payload else { return Err(self.damaged(frame, frame)) };
        Ok(StoredBlock {
            position: self.shared.position(frame),
            count: u16::try_from(at.header.count).unwrap_or(u16::MAX),
            now: Timestamp::from_ms_clamped(i64::try_from(at.header.last_ms).unwrap_or(i64::MAX)),
            payload,
        })
    }
}

impl LogReader for SegmentReader {
    fn next(&mut self, wait: Duration) -> Result<Option<StoredBlock>, ReadError> {
        if !self.shared.wait_for(self.next, wait) {
            return Ok(None);
        }
        if !self.row.holds(self.next) {
            if self.next < self.shared.first_kept() {
                return Err(ReadError::Trimmed(self.shared.position(self.next)));
            }
            let Some(segment) = self.shared.segment_of(self.next) else { return Ok(None) };
            if segment.first > self.next {
                let missing = self.damaged(self.next, segment.first - 1);
                self.next = segment.first;
                return Err(missing);
            }
            let trimmed = ReadError::Trimmed(self.shared.position(self.next));
            self.row.open(&self.shared, segment, self.next).map_err(|e| gone(e, trimmed))?;
        }
        let (found, next) = self.row.locate(self.next).map_err(failed)?;
        let Some(at) = found else {
            let missing = self.damaged(self.next, next - 1);
            self.next = next;
            return Err(missing);
        };
        if at.header.frame > self.next {
            let missing = self.damaged(self.next, at.header.frame - 1);
            self.next = at.header.frame;
            return Err(missing);
        }
        let payload = self.row.payload(&at, &mut self.decoder).map_err(failed)?;
        self.next += 1;
        self.row.pass(&at);
        self.block(&at, payload).map(Some)
    }

    fn block_at(&mut self, position: Position) -> Result<Option<StoredBlock>, ReadError> {
        let frame = position.frame;
        let kept = self.shared.first_kept()..=self.shared.durable();
        if position.log != self.shared.id || !kept.contains(&frame) {
            return Ok(None);
        }
        if !self.random.holds(frame) {
            let Some(segment) = self.shared.segment_of(frame) else { return Ok(None) };
            if segment.first > frame {
                return Err(self.damaged(frame, segment.first - 1));
            }
            match self.random.open(&self.shared, segment, frame) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                opened => opened.map_err(failed)?,
            }
        }
        let (found, next) = self.random.seek(frame).map_err(failed)?;
        let Some(at) = found.filter(|at| at.header.frame == frame) else {
            let behind = found.map_or(next, |at| at.header.frame);
            return Err(self.damaged(frame, behind - 1));
        };
        let payload = self.random.payload(&at, &mut self.decoder).map_err(failed)?;
        self.block(&at, payload).map(Some)
    }
}

/// A segment that cannot be opened because it is gone was trimmed in this moment.
fn gone(error: io::Error, trimmed: ReadError) -> ReadError {
    if error.kind() == io::ErrorKind::NotFound { trimmed } else { failed(error) }
}

impl Opened {
    /// The last frame at or before `frame` whose place is known.
    fn indexed_before(&mut self, frame: u64) -> io::Result<Option<IndexEntry>> {
        if let Some(entry) = self.segment.indexed_before(frame) {
            return Ok(entry);
        }
        if self.index.is_none() {
            let footer = read_footer(self.file.as_ref())?;
            self.index = Some(footer.map(|(footer, _)| footer.index).unwrap_or_default());
        }
        Ok(self.index.as_ref().and_then(|index| index.before(frame)))
    }
}

impl Cursor {
    /// Whether the open file is that of `frame`, as far as it has been written.
    fn holds(&self, frame: u64) -> bool {
        self.at.as_ref().is_some_and(|at| (at.segment.first..at.segment.extent().next).contains(&frame))
    }

    fn open(&mut self, shared: &Shared, segment: Arc<Segment>, frame: u64) -> io::Result<()> {
        let file = shared.disk.open(&segment.path)?;
        self.window.clear();
        let expected = segment.first;
        self.at = Some(Opened { segment, file, offset: HEADER_BYTES as u64, expected, index: None });
        self.seek(frame)?;
        Ok(())
    }

    /// Goes to `frame`; answers as [`Self::locate`].
    fn seek(&mut self, frame: u64) -> io::Result<(Option<Located>, u64)> {
        if let Some(at) = &mut self.at {
            let entry = at.indexed_before(frame)?;
            (at.expected, at.offset) =
                entry.map_or((at.segment.first, HEADER_BYTES as u64), |entry| (entry.frame, entry.offset));
        }
        self.locate(frame)
    }

    /// The next sound frame from `frame` on, and the frame behind all that this file holds.
    fn locate(&mut self, frame: u64) -> io::Result<(Option<Located>, u64)> {
        let Some(at) = &mut self.at else { return Ok((None, frame + 1)) };
        let extent = at.segment.extent();
        loop {
            let span = at.offset..extent.end;
            let found = locate(&mut self.window, at.file.as_ref(), span, at.expected)?;
            let Some(found) = found.filter(|found| !found.header.is_footer()) else {
                return Ok((None, extent.next));
            };
            (at.expected, at.offset) = (found.header.frame, found.offset);
            if found.header.frame >= frame {
                return Ok(((found.header.frame < extent.next).then_some(found), extent.next));
            }
            (at.expected, at.offset) = (found.header.frame + 1, found.end());
        }
    }

    fn pass(&mut self, frame: &Located) {
        if let Some(at) = &mut self.at {
            (at.expected, at.offset) = (frame.header.frame + 1, frame.end());
        }
    }

    /// What the frame holds, decompressed; `None` when that cannot be done.
    fn payload(&mut self, at: &Located, decoder: &mut Decoder) -> io::Result<Option<Vec<u8>>> {
        let Some(opened) = &self.at else { return Ok(None) };
        let frame = self.window.bytes(opened.file.as_ref(), &(at.offset..at.end()), at.header.bytes())?;
        let Some(stored) = frame.get(FRAME_HEADER_BYTES..) else { return Ok(None) };
        Ok(if at.header.codec == CODEC_ZSTD { decoder.decompress(stored) } else { Some(stored.to_vec()) })
    }
}

/// Decompresses what a writer of this log compressed, and nothing larger.
#[derive(Default)]
pub(crate) struct Decoder {
    context: zstd::bulk::Decompressor<'static>,
}

impl Decoder {
    /// The decompressed bytes; `None` when these are not a payload that a writer made.
    pub(crate) fn decompress(&mut self, stored: &[u8]) -> Option<Vec<u8>> {
        let content = zstd::zstd_safe::get_frame_content_size(stored).ok().flatten()?;
        let content = usize::try_from(content).ok().filter(|bytes| *bytes <= RAW_BYTES_MAX)?;
        let mut payload = Vec::with_capacity(content);
        let written = self.context.decompress_to_buffer(stored, &mut payload).ok()?;
        (written == content).then_some(payload)
    }
}
