//! The table of texts of a block: each stands there once, in the order of first use.
//!
//! Open addressing over hashes, all texts in one buffer: adding a text allocates nothing of its own.

use xxhash_rust::xxh3::xxh3_64;

use crate::{DecodeError, Reader, Writer};

/// Collects texts and answers where each stands.
#[derive(Debug, Default)]
pub(super) struct Interner {
    /// Texts, without anything in between.
    bytes: Vec<u8>,
    /// Where each text ends, and its hash.
    entries: Vec<(usize, u64)>,
    /// Index + 1 of a text; 0 is free. Its length is 0 or a power of two, at most half of it is used.
    slots: Vec<u32>,
}

impl Interner {
    /// The reference to `text`: 0 for one not used before, else how many places before the next new one.
    pub(super) fn reference(&mut self, text: &str) -> u64 {
        if self.entries.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = xxh3_64(text.as_bytes());
        let mask = self.slots.len() - 1;
        let mut at = usize::try_from(hash & 0xffff_ffff).unwrap_or(0) & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            let Some(index) = slot.checked_sub(1) else {
                *slot = u32::try_from(self.entries.len() + 1).unwrap_or(u32::MAX);
                self.bytes.extend_from_slice(text.as_bytes());
                self.entries.push((self.bytes.len(), hash));
                break;
            };
            if self.holds(index as usize, hash, text) {
                return (self.entries.len() - index as usize) as u64;
            }
            at = (at + 1) & mask;
        }
        0
    }

    fn holds(&self, index: usize, hash: u64, text: &str) -> bool {
        let Some(&(end, stored_hash)) = self.entries.get(index) else { return false };
        let start = index.checked_sub(1).and_then(|i| self.entries.get(i)).map_or(0, |entry| entry.0);
        stored_hash == hash && self.bytes.get(start..end) == Some(text.as_bytes())
    }

    fn grow(&mut self) {
        let len = (self.slots.len() * 2).max(64);
        self.slots.clear();
        self.slots.resize(len, 0);
        for (index, (_, hash)) in (1_u32..).zip(&self.entries) {
            let mut at = usize::try_from(hash & 0xffff_ffff).unwrap_or(0) & (len - 1);
            while self.slots.get(at).is_some_and(|slot| *slot != 0) {
                at = (at + 1) & (len - 1);
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = index;
            }
        }
    }

    pub(super) fn len_bytes(&self) -> usize {
        self.bytes.len() + self.entries.len() * 2
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.slots.fill(0);
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.uint(self.entries.len() as u64);
        let mut start = 0;
        for &(end, _) in &self.entries {
            writer.uint((end - start) as u64);
            start = end;
        }
        writer.raw(&self.bytes);
    }
}

/// The texts of a table that was read, each parsed once.
#[derive(Debug)]
pub(super) struct Table<T> {
    texts: Vec<T>,
    used: usize,
}

impl<T> Table<T> {
    pub(super) fn read(
        reader: &mut Reader<'_>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Self, DecodeError> {
        let count = reader.count()?;
        let mut lengths = Vec::with_capacity(count);
        for _ in 0..count {
            lengths.push(reader.count()?);
        }
        let mut texts = Vec::with_capacity(count);
        for len in lengths {
            let text = std::str::from_utf8(reader.raw(len)?).or(Err(DecodeError::Invalid("text")))?;
            texts.push(parse(text).ok_or(DecodeError::Invalid("text"))?);
        }
        Ok(Self { texts, used: 0 })
    }

    /// The text that `reference` points to.
    pub(super) fn get(&mut self, reference: u64) -> Result<&T, DecodeError> {
        let back = usize::try_from(reference).or(Err(DecodeError::Invalid("reference")))?;
        let index = self.used.checked_sub(back).ok_or(DecodeError::Invalid("reference"))?;
        if back == 0 {
            self.used += 1;
        }
        self.texts.get(index).ok_or(DecodeError::Invalid("reference"))
    }

    /// Whether each text has been used.
    pub(super) fn is_used_up(&self) -> bool {
        self.used == self.texts.len()
    }
}
