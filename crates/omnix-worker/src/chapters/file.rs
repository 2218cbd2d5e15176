//! The bytes of a finished chapter.
//!
//! # Format, version 1
//! ```text
//! "OMNXCHP1" · log 4 bytes · the frame it follows 8 · its last frame 8 · fingerprint of the last block 8
//! 64 times, a lane each: where its lines end 4, their checksum 4
//! checksum of all before 8
//! the lines of each lane ([`super::line`])
//! ```
//! Numbers are little-endian, checksums xxh3, places counted from behind the head. The fingerprint binds a chapter to
//! its log: where another log is put in the place of the one it was made of, an older copy for one, their last
//! blocks differ, and the chapter is taken for none.

use omnix_model::limits::LANES;
use omnix_model::{Lane, LogId, Reader, Writer};
use omnix_storage::StoredBlock;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const MAGIC: &[u8; 8] = b"OMNXCHP1";
/// Bytes of a chapter's head.
pub(crate) const HEAD_BYTES: usize = 8 + 4 + 3 * 8 + LANES * 8 + 8;
const CHECKSUM_BYTES: usize = 8;

/// Which blocks a chapter tells of: those behind frame `after` up to frame `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) after: u64,
    pub(crate) last: u64,
    /// Of the block at `last`.
    pub(crate) fingerprint: u64,
}

/// Tells a block from any other that may stand under the same number.
pub(crate) fn fingerprint(stored: &StoredBlock) -> u64 {
    xxh3_64_with_seed(&stored.payload, stored.position.frame)
}

/// What a chapter's head says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) bounds: Bounds,
    /// Of each lane where its lines end, and their checksum.
    sections: Vec<(u32, u32)>,
}

/// The lines of a lane in a chapter's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) offset: u64,
    pub(crate) len: usize,
    checksum: u32,
}

impl Section {
    /// Whether `lines` are what was written.
    pub(crate) fn is_sound(&self, lines: &[u8]) -> bool {
        lines.len() == self.len && checksum(lines) == self.checksum
    }
}

/// The file of a chapter.
pub(crate) fn encode<'a>(log: LogId, bounds: Bounds, lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut head = Writer::new();
    head.raw(MAGIC);
    head.fixed32(u32::from(log.0));
    for number in [bounds.after, bounds.last, bounds.fingerprint] {
        head.fixed64(number);
    }
    let mut body = Vec::new();
    for lines in lines {
        body.extend_from_slice(lines);
        head.fixed32(u32::try_from(body.len()).unwrap_or(u32::MAX));
        head.fixed32(checksum(lines));
    }
    head.fixed64(xxh3_64(head.as_bytes()));
    let mut bytes = head.into_bytes();
    bytes.append(&mut body);
    bytes
}

impl Head {
    /// The head in `bytes`, if it is that of a chapter of `log`.
    pub(crate) fn decode(bytes: &[u8], log: LogId) -> Option<Self> {
        let covered = bytes.get(..HEAD_BYTES - CHECKSUM_BYTES)?;
        let mut reader = Reader::new(bytes);
        let is_ours = reader.raw(MAGIC.len()).ok()? == MAGIC && reader.fixed32().ok()? == u32::from(log.0);
        let (after, last) = (reader.fixed64().ok()?, reader.fixed64().ok()?);
        let bounds = Bounds { after, last, fingerprint: reader.fixed64().ok()? };
        let mut sections = Vec::with_capacity(LANES);
        for _ in 0..LANES {
            sections.push((reader.fixed32().ok()?, reader.fixed32().ok()?));
        }
        let is_sound = reader.fixed64().ok()? == xxh3_64(covered) && after < last;
        (is_ours && is_sound).then_some(Self { bounds, sections })
    }

    /// Where the lines of `lane` stand.
    pub(crate) fn section(&self, lane: Lane) -> Option<Section> {
        let before = lane.index().checked_sub(1).and_then(|before| self.sections.get(before));
        let start = before.map_or(0, |(end, _)| *end);
        let (end, checksum) = *self.sections.get(lane.index())?;
        let len = usize::try_from(end.checked_sub(start)?).ok()?;
        Some(Section { offset: u64::from(start) + HEAD_BYTES as u64, len, checksum })
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    // The upper half; the hash has no worse one.
    u32::try_from(xxh3_64(bytes) >> 32).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_where_the_lines_of_each_lane_stand_and_one_flipped_bit_is_found() {
        let lines: Vec<Vec<u8>> = (0..LANES).map(|lane| vec![7; lane % 5]).collect();
        let bounds = Bounds { after: 3, last: 90, fingerprint: 5 };
        let bytes = encode(LogId(9), bounds, lines.iter().map(Vec::as_slice));
        let head = Head::decode(&bytes, LogId(9)).unwrap();
        assert_eq!(head.bounds, bounds);
        for lane in Lane::all() {
            let section = head.section(lane).unwrap();
            let offset = usize::try_from(section.offset).unwrap();
            let found = &bytes[offset..offset + section.len];
            assert_eq!(found, lines[lane.index()]);
            assert!(section.is_sound(found) && !section.is_sound(&[1]));
        }
        assert_eq!(Head::decode(&bytes, LogId(8)), None, "another log's");
        assert_eq!(Head::decode(&bytes[..HEAD_BYTES - 1], LogId(9)), None, "cut off");
        for bit in 0..HEAD_BYTES * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::decode(&flipped, LogId(9)), None, "bit {bit}");
        }
    }
}
