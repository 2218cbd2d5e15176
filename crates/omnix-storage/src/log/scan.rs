//! Finding sound frames in a file that may hold anything: the one place that decides what is read and what is
//! passed over.
//!
//! Deliberately without an opinion on what a gap means: the reader, the recovery and the inspection each say
//! what they make of it.

use std::io;
use std::ops::Range;

use crate::log::disk::{DiskFile, read_full_at};
use crate::log::segment::{
    FRAME_HEADER_BYTES, Footer, FrameHeader, HEADER_BYTES, IndexEntry, SegmentHeader, SegmentIndex,
    TRAILER_BYTES, u64_at,
};

/// Bytes read at once when frames are read in a row.
pub(crate) const STREAM_BYTES: usize = 256 << 10;
/// A zero page, to pass over what was allocated and never written.
const ZEROS: [u8; 4096] = [0; 4096];

/// A stretch of a file in memory that moves along as it is asked.
#[derive(Debug)]
pub(crate) struct Window {
    buffer: Vec<u8>,
    at: u64,
    filled: usize,
    step: usize,
}

impl Window {
    /// A window that reads `step` bytes at once, more when a frame is longer.
    pub(crate) fn new(step: usize) -> Self {
        Self { buffer: Vec::new(), at: 0, filled: 0, step }
    }

    /// Forgets what it holds: the next question is about another file.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
    }

    /// Up to `len` bytes from `span.start` on, fewer only where `span` or the file ends.
    pub(crate) fn bytes(&mut self, file: &dyn DiskFile, span: &Range<u64>, len: usize) -> io::Result<&[u8]> {
        let within = usize::try_from(span.end.saturating_sub(span.start)).unwrap_or(usize::MAX);
        let len = len.min(within);
        if self.held(span.start, len).is_none() {
            let wanted = self.step.max(len).min(within);
            if self.buffer.len() < wanted {
                self.buffer.resize(wanted, 0);
            }
            self.filled = 0;
            let place = self.buffer.get_mut(..wanted).unwrap_or_default();
            self.filled = read_full_at(file, place, span.start)?;
            self.at = span.start;
        }
        let len = len.min(self.filled.saturating_sub(self.skipped(span.start)));
        Ok(self.held(span.start, len).unwrap_or_default())
    }

    fn skipped(&self, offset: u64) -> usize {
        offset.checked_sub(self.at).and_then(|skip| usize::try_from(skip).ok()).unwrap_or(usize::MAX)
    }

    fn held(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let from = self.skipped(offset);
        self.buffer.get(..self.filled)?.get(from..from.checked_add(len)?)
    }
}

/// A sound frame and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) offset: u64,
    pub(crate) header: FrameHeader,
}

impl Located {
    /// The offset right behind the frame.
    pub(crate) fn end(&self) -> u64 {
        self.offset + u64::from(self.header.len)
    }
}

/// The first sound frame in `span` whose number is at least `floor`, or the footer behind such a number.
/// Normally it stands at the span's start; else the bytes in between are damaged, or belong to frames below
/// `floor`. A frame whose number could not have been reached by then stands in the wrong place and is passed
/// over like damage.
pub(crate) fn locate(
    window: &mut Window,
    file: &dyn DiskFile,
    span: Range<u64>,
    floor: u64,
) -> io::Result<Option<Located>> {
    let expected = Expected { start: span.start, floor };
    let mut span = span;
    while let Some(header) = sound(window, file, &span)? {
        if expected.allows(&header, span.start) {
            return Ok(Some(Located { offset: span.start, header }));
        }
        if header.frame >= floor {
            break;
        }
        span.start += u64::from(header.len);
    }
    // Try behind the damaged frame first: its payload may contain what looks like a frame. Only its very next
    // neighbour will do, since the length may be what is damaged.
    let head = window.bytes(file, &span, FRAME_HEADER_BYTES)?;
    if let Some(damaged) = FrameHeader::plausible(head) {
        let behind = span.start + u64::from(damaged.len)..span.end;
        if let Some(header) = sound(window, file, &behind)?
            && header.frame == floor + 1
        {
            return Ok(Some(Located { offset: behind.start, header }));
        }
    }
    search(window, file, span, expected)
}

/// Which frame is looked for, and from where on.
#[derive(Clone, Copy)]
struct Expected {
    start: u64,
    floor: u64,
}

impl Expected {
    /// Whether a frame at `offset` may bear its number: those it skips have taken room.
    fn allows(self, header: &FrameHeader, offset: u64) -> bool {
        let skipped_max = offset.saturating_sub(self.start) / FRAME_HEADER_BYTES as u64;
        header.frame.checked_sub(self.floor).is_some_and(|skipped| skipped <= skipped_max)
    }
}

/// The sound frame at the start of `span`, if there is one.
fn sound(window: &mut Window, file: &dyn DiskFile, span: &Range<u64>) -> io::Result<Option<FrameHeader>> {
    let head = window.bytes(file, span, FRAME_HEADER_BYTES)?;
    let Some(header) = FrameHeader::plausible(head) else { return Ok(None) };
    Ok(FrameHeader::verified(window.bytes(file, span, header.bytes())?))
}

/// Looks for a sound frame at every offset of `span`.
fn search(
    window: &mut Window,
    file: &dyn DiskFile,
    mut span: Range<u64>,
    expected: Expected,
) -> io::Result<Option<Located>> {
    loop {
        let stretch = window.bytes(file, &span, STREAM_BYTES)?;
        if stretch.len() < FRAME_HEADER_BYTES {
            return Ok(None);
        }
        let last_start = stretch.len() - FRAME_HEADER_BYTES;
        let mut at = 0;
        let mut candidate = None;
        while at <= last_start {
            let rest = stretch.get(at..).unwrap_or_default();
            match rest.first_chunk::<4>() {
                // A frame's length is not zero, so it begins at most three bytes before one that is not.
                Some([0, 0, 0, 0]) => at += zeros(rest).saturating_sub(3).max(1),
                _ if FrameHeader::plausible(rest)
                    .is_some_and(|header| expected.allows(&header, span.start + at as u64)) =>
                {
                    candidate = Some(at);
                    break;
                }
                _ => at += 1,
            }
        }
        let Some(at) = candidate else {
            span.start += (last_start + 1) as u64;
            continue;
        };
        span.start += at as u64;
        if let Some(header) = sound(window, file, &span)? {
            return Ok(Some(Located { offset: span.start, header }));
        }
        span.start += 1;
    }
}

/// How many of the first bytes are zero.
fn zeros(bytes: &[u8]) -> usize {
    let pages = bytes.chunks_exact(ZEROS.len()).take_while(|page| **page == ZEROS).count();
    let skipped = pages * ZEROS.len();
    let rest = bytes.get(skipped..).unwrap_or_default();
    skipped + rest.iter().take_while(|byte| **byte == 0).count()
}

/// The offset behind the last byte of `span` that is not zero; the span's start when all are.
pub(crate) fn written_end(window: &mut Window, file: &dyn DiskFile, span: Range<u64>) -> io::Result<u64> {
    let mut rest = span.clone();
    let mut end = span.start;
    loop {
        let bytes = window.bytes(file, &rest, STREAM_BYTES)?;
        if bytes.is_empty() {
            return Ok(end);
        }
        if zeros(bytes) < bytes.len() {
            let trailing = bytes.iter().rev().take_while(|byte| **byte == 0).count();
            end = rest.start + (bytes.len() - trailing) as u64;
        }
        rest.start += bytes.len() as u64;
    }
}

/// The header of a segment file; `None` when it is damaged.
pub(crate) fn read_header(file: &dyn DiskFile) -> io::Result<Option<SegmentHeader>> {
    let mut bytes = vec![0; HEADER_BYTES];
    let filled = read_full_at(file, &mut bytes, 0)?;
    Ok(bytes.get(..filled).and_then(SegmentHeader::decode))
}

/// The footer of a segment file and where it begins; `None` when it has none or it is damaged.
pub(crate) fn read_footer(file: &dyn DiskFile) -> io::Result<Option<(Footer, u64)>> {
    let file_bytes = file.bytes()?;
    let mut trailer = [0; TRAILER_BYTES];
    let Some(at) = file_bytes.checked_sub(TRAILER_BYTES as u64) else { return Ok(None) };
    read_full_at(file, &mut trailer, at)?;
    let Some(offset) = u64_at(&trailer, 0).filter(|offset| (HEADER_BYTES as u64..at).contains(offset)) else {
        return Ok(None);
    };
    let mut head = [0; FRAME_HEADER_BYTES];
    read_full_at(file, &mut head, offset)?;
    let Some(header) = FrameHeader::plausible(&head).filter(FrameHeader::is_footer) else { return Ok(None) };
    if offset + u64::from(header.len) != file_bytes {
        return Ok(None);
    }
    let mut frame = vec![0; header.bytes()];
    let filled = read_full_at(file, &mut frame, offset)?;
    Ok(frame.get(..filled).and_then(|frame| Footer::decode(frame, offset)).map(|footer| (footer, offset)))
}

/// Frames that cannot be read, in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DamagedRun {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

/// What a pass over the frames of one file found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The frame behind the last sound one.
    pub(crate) next: u64,
    /// The offset behind the last sound frame.
    pub(crate) end: u64,
    /// Bytes behind it up to the last that is not zero, a footer not counted.
    pub(crate) tail_bytes: u64,
    pub(crate) damaged: Vec<DamagedRun>,
    pub(crate) index: SegmentIndex,
    pub(crate) first_ms: u64,
    pub(crate) last_ms: u64,
}

/// Passes over all frames of a file from `first` on and hands each sound one to `visit`.
pub(crate) fn scan(
    file: &dyn DiskFile,
    end: u64,
    first: u64,
    visit: &mut dyn FnMut(&Located, &[u8]) -> io::Result<()>,
) -> io::Result<Scan> {
    let mut window = Window::new(STREAM_BYTES);
    let mut found = Scan {
        next: first,
        end: HEADER_BYTES as u64,
        tail_bytes: 0,
        damaged: Vec::new(),
        index: SegmentIndex::default(),
        first_ms: u64::MAX,
        last_ms: 0,
    };
    // How far there is anything at all: known once something other than the next frame was met.
    let mut written = None;
    loop {
        let mut span = found.end..written.unwrap_or(end);
        if written.is_none() && sound(&mut window, file, &span)?.is_none() {
            span.end = written_end(&mut window, file, span.clone())?;
            written = Some(span.end);
        }
        let Some(at) = locate(&mut window, file, span.clone(), found.next)? else {
            found.tail_bytes = span.end.saturating_sub(found.end);
            return Ok(found);
        };
        if at.header.is_footer() {
            return Ok(found);
        }
        let frame = at.header.frame;
        if frame > found.next {
            found.damaged.push(DamagedRun { first: found.next, last: frame - 1 });
        }
        found.index.note(IndexEntry { frame, ms: at.header.first_ms, offset: at.offset });
        found.first_ms = found.first_ms.min(at.header.first_ms);
        found.last_ms = found.last_ms.max(at.header.last_ms);
        found.next = frame + 1;
        found.end = at.end();
        visit(&at, window.bytes(file, &(at.offset..at.end()), at.header.bytes())?)?;
    }
}
