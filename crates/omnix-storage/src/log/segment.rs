//! The bytes of a segment file: header, frames, footer. Format version 1; golden bytes in `tests/log_format.rs`.
//!
//! ```text
//! header, 4096 B: "OMNXSEG1" · format u16 · shard u16 · first frame u64 · created ms u64 · zeros · crc32c u32
//! frame:          len u32 · crc32c u32 · frame no u64 · count u32 · codec u16 · flags u16
//!                 · first ms u64 · last ms u64 · payload
//! footer:         a frame with the flag FOOTER: frame no = that behind the last one, count = index entries,
//!                 payload = (frame u64, ms u64, offset u64) for a frame each 64 KiB · offset of the footer u64
//! ```
//! Numbers are little-endian. `len` counts the whole frame, itself included; a frame's crc covers `len` and
//! all that follows the crc; the header's covers all before it. The last eight bytes of a sealed segment say
//! where its footer begins.
//!
//! Deliberately without IO, and without an opinion on what a bad frame means.

use crate::log::RAW_BYTES_MAX;

/// The first bytes of every segment.
pub(crate) const MAGIC: [u8; 8] = *b"OMNXSEG1";
/// The format that is written, and the only one that can be read.
pub(crate) const FORMAT: u16 = 1;
/// Bytes of a segment's header.
pub(crate) const HEADER_BYTES: usize = 4096;
/// Bytes of a frame before its payload.
pub(crate) const FRAME_HEADER_BYTES: usize = 40;
/// Bytes of a frame at the most: the greatest payload, not compressed.
pub(crate) const FRAME_BYTES_MAX: usize = FRAME_HEADER_BYTES + RAW_BYTES_MAX;
/// The index has an entry for the first frame and for the first one behind each such stretch.
pub(crate) const INDEX_STEP_BYTES: u64 = 64 << 10;
/// The payload stands as it is.
pub(crate) const CODEC_RAW: u16 = 0;
/// The payload is one zstd frame that states its content's size.
pub(crate) const CODEC_ZSTD: u16 = 1;
/// The frame is a footer.
pub(crate) const FLAG_FOOTER: u16 = 1;

const INDEX_ENTRY_BYTES: usize = 24;
/// Bytes at the very end of a sealed segment that say where the footer begins.
pub(crate) const TRAILER_BYTES: usize = 8;

const _: () = assert!(FRAME_BYTES_MAX <= u32::MAX as usize, "a frame's length is four bytes");

/// What a segment says of itself at its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) format: u16,
    pub(crate) shard: u16,
    pub(crate) first: u64,
    pub(crate) created_ms: u64,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.format.to_le_bytes());
        bytes.extend_from_slice(&self.shard.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.created_ms.to_le_bytes());
        bytes.resize(HEADER_BYTES - 4, 0);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header in `bytes`; `None` when they are damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let covered = bytes.get(..HEADER_BYTES - 4)?;
        if bytes.get(..8)? != MAGIC || crc32c::crc32c(covered) != u32_at(bytes, HEADER_BYTES - 4)? {
            return None;
        }
        Some(Self {
            format: u16_at(bytes, 8)?,
            shard: u16_at(bytes, 10)?,
            first: u64_at(bytes, 12)?,
            created_ms: u64_at(bytes, 20)?,
        })
    }
}

/// What a frame says of itself at its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// Bytes of the whole frame; [`Self::seal`] sets it.
    pub(crate) len: u32,
    pub(crate) frame: u64,
    pub(crate) count: u32,
    pub(crate) codec: u16,
    pub(crate) flags: u16,
    pub(crate) first_ms: u64,
    pub(crate) last_ms: u64,
}

impl FrameHeader {
    /// Writes this header in front of the payload that `frame` holds behind [`FRAME_HEADER_BYTES`].
    pub(crate) fn seal(&self, frame: &mut [u8]) {
        let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let mut head = [0; FRAME_HEADER_BYTES];
        put(&mut head, 0, &len.to_le_bytes());
        put(&mut head, 8, &self.frame.to_le_bytes());
        put(&mut head, 16, &self.count.to_le_bytes());
        put(&mut head, 20, &self.codec.to_le_bytes());
        put(&mut head, 22, &self.flags.to_le_bytes());
        put(&mut head, 24, &self.first_ms.to_le_bytes());
        put(&mut head, 32, &self.last_ms.to_le_bytes());
        put(frame, 0, &head);
        let crc = frame_crc(frame).unwrap_or_default();
        put(frame, 4, &crc.to_le_bytes());
    }

    /// The header at the beginning of `bytes` if it could be one; its crc is not looked at.
    pub(crate) fn plausible(bytes: &[u8]) -> Option<Self> {
        let len = u32_at(bytes, 0)?;
        if !(FRAME_HEADER_BYTES..=FRAME_BYTES_MAX).contains(&usize::try_from(len).ok()?) {
            return None;
        }
        let header = Self {
            len,
            frame: u64_at(bytes, 8)?,
            count: u32_at(bytes, 16)?,
            codec: u16_at(bytes, 20)?,
            flags: u16_at(bytes, 22)?,
            first_ms: u64_at(bytes, 24)?,
            last_ms: u64_at(bytes, 32)?,
        };
        let slots = header.is_footer() || u16::try_from(header.count).is_ok();
        (slots && header.codec <= CODEC_ZSTD && header.flags <= FLAG_FOOTER).then_some(header)
    }

    /// The header of the sound frame at the beginning of `bytes`; `None` when there is none.
    pub(crate) fn verified(bytes: &[u8]) -> Option<Self> {
        let header = Self::plausible(bytes)?;
        let frame = bytes.get(..header.bytes())?;
        (frame_crc(frame)? == u32_at(frame, 4)?).then_some(header)
    }

    /// Bytes of the whole frame.
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.len).unwrap_or(usize::MAX)
    }

    pub(crate) fn is_footer(&self) -> bool {
        self.flags & FLAG_FOOTER != 0
    }
}

fn frame_crc(frame: &[u8]) -> Option<u32> {
    let len = crc32c::crc32c(frame.get(..4)?);
    Some(crc32c::crc32c_append(len, frame.get(8..)?))
}

/// Where a frame stands in its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) frame: u64,
    pub(crate) ms: u64,
    pub(crate) offset: u64,
}

/// Every so often a frame, its time and its place, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SegmentIndex(Vec<IndexEntry>);

impl SegmentIndex {
    /// Takes note of the frame at `offset` if it is the first of its stretch.
    pub(crate) fn note(&mut self, entry: IndexEntry) {
        if self.0.last().is_none_or(|last| entry.offset >= last.offset + INDEX_STEP_BYTES) {
            self.0.push(entry);
        }
    }

    /// The last frame at or before `frame` whose place is known, and its place.
    pub(crate) fn before(&self, frame: u64) -> Option<IndexEntry> {
        let behind = self.0.partition_point(|entry| entry.frame <= frame);
        behind.checked_sub(1).and_then(|at| self.0.get(at)).copied()
    }
}

/// What a sealed segment says of itself at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footer {
    /// The frame behind the last one.
    pub(crate) next: u64,
    pub(crate) first_ms: u64,
    pub(crate) last_ms: u64,
    pub(crate) index: SegmentIndex,
}

impl Footer {
    /// The footer frame to stand at `offset`.
    pub(crate) fn encode(&self, offset: u64) -> Vec<u8> {
        let entries = &self.index.0;
        let mut frame = Vec::with_capacity(Self::bytes(&self.index));
        frame.resize(FRAME_HEADER_BYTES, 0);
        for entry in entries {
            frame.extend_from_slice(&entry.frame.to_le_bytes());
            frame.extend_from_slice(&entry.ms.to_le_bytes());
            frame.extend_from_slice(&entry.offset.to_le_bytes());
        }
        frame.extend_from_slice(&offset.to_le_bytes());
        let header = FrameHeader {
            len: 0,
            frame: self.next,
            count: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            codec: CODEC_RAW,
            flags: FLAG_FOOTER,
            first_ms: self.first_ms,
            last_ms: self.last_ms,
        };
        header.seal(&mut frame);
        frame
    }

    /// Bytes of the footer frame of a segment with `index`.
    pub(crate) fn bytes(index: &SegmentIndex) -> usize {
        FRAME_HEADER_BYTES + index.0.len() * INDEX_ENTRY_BYTES + TRAILER_BYTES
    }

    /// The footer that `frame` is, all of it, when it stands at `offset`; `None` when it is damaged or none.
    pub(crate) fn decode(frame: &[u8], offset: u64) -> Option<Self> {
        let header = FrameHeader::verified(frame).filter(FrameHeader::is_footer)?;
        let payload = frame.get(FRAME_HEADER_BYTES..)?;
        let entries = payload.get(..payload.len().checked_sub(TRAILER_BYTES)?)?;
        let counted = usize::try_from(header.count).ok()?.checked_mul(INDEX_ENTRY_BYTES)?;
        let placed = u64_at(payload, entries.len())? == offset;
        if header.bytes() != frame.len() || entries.len() != counted || !placed {
            return None;
        }
        let index = entries.chunks_exact(INDEX_ENTRY_BYTES).map(|entry| {
            Some(IndexEntry { frame: u64_at(entry, 0)?, ms: u64_at(entry, 8)?, offset: u64_at(entry, 16)? })
        });
        Some(Self {
            next: header.frame,
            first_ms: header.first_ms,
            last_ms: header.last_ms,
            index: SegmentIndex(index.collect::<Option<_>>()?),
        })
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The number of eight bytes at `at`.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
