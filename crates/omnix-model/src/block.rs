//! What is inside a block of the log: the records of one group commit, compactly.
//!
//! # Format, version 1
//! ```text
//! version        1 byte
//! clock          1 byte: 0 live, 1 history
//! now            varint, ms since 1970
//! count          varint: records, erased ones included; record i is slot i
//! strings        four tables: customers, products, orders, texts
//! columns        four: heads, refs, numbers, ids; each a varint length and its bytes
//! ```
//! A table is a varint count, that many varint lengths, then the texts without anything in between. A text
//! stands in its table once, in the order of first use. The `refs` column points into the tables: 0 is the
//! next text not used before, `k` the one used first `k` places before that. Columns keep like with like, so
//! that a fast compressor finds the repetitions. Every record begins with its kind in `heads`; the rest is
//! said in its own file under `record/`.
//!
//! Deliberately not here: compression, checksums and framing (the log's affair), what a record means.

mod sink;
mod source;
mod strings;

use crate::limits::{BLOCK_BYTES_MAX, BLOCK_EVENTS_MAX};
use crate::{Clock, DecodeError, Lane, Reader, Record, Timestamp, Writer};

pub(crate) use sink::Sink;
pub(crate) use source::Source;

/// The version that is written.
const VERSION: u8 = 1;

/// The records of one block, in the order in which they were appended: the index is the slot.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordBlock {
    /// The time with which the block is stamped.
    pub now: Timestamp,
    /// Whose time that is.
    pub clock: Clock,
    /// Lane and record of each slot.
    pub entries: Vec<(Lane, Record)>,
}

impl RecordBlock {
    /// The block as bytes: the inverse of [`Self::decode`].
    ///
    /// Entries beyond what a block may hold ([`RecordBlockWriter::push`]) are a mistake of the caller and
    /// left out; whoever groups records uses the writer, which says so.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = RecordBlockWriter::new(self.clock);
        for (lane, record) in &self.entries {
            let pushed = writer.push(*lane, record);
            debug_assert!(pushed.is_ok(), "a block holds what the limits allow");
        }
        writer.finish(self.now)
    }

    /// The block that `bytes` hold.
    ///
    /// # Errors
    /// [`DecodeError`] when they are not what an encoder of a known version wrote. Memory used is bounded by
    /// a multiple of their length.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Unknown(u64::from(version)));
        }
        let clock = Clock::from_number(reader.u8()?).ok_or(DecodeError::Invalid("clock"))?;
        let now = reader.time()?;
        let count = reader.count()?;
        if count > BLOCK_EVENTS_MAX {
            return Err(DecodeError::Invalid("count of records"));
        }
        let mut source = Source::read(&mut reader)?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            entries.push(Record::read(&mut source)?);
        }
        if reader.is_empty() && source.is_empty() {
            Ok(Self { now, clock, entries })
        } else {
            Err(DecodeError::Invalid("end of block"))
        }
    }

    /// The time at which `record` of this block takes effect in a lane that stands at `lane_now`.
    ///
    /// On the live clock that is the block's. On history's an event takes effect at its own time and a tick
    /// at the block's; other records take none. It is never before `lane_now`.
    #[must_use]
    pub fn time_of(&self, record: &Record, lane_now: Timestamp) -> Timestamp {
        let own = match (self.clock, record) {
            (Clock::Live, _) | (Clock::History, Record::Tick) => self.now,
            (Clock::History, Record::Event(event)) => event.event.timestamp(),
            (
                Clock::History,
                Record::EpochEnd { .. }
                | Record::Model { .. }
                | Record::Settings { .. }
                | Record::EngineVersion { .. }
                | Record::LossAccepted { .. }
                | Record::Imported { .. }
                | Record::Judgement(_)
                | Record::Erased,
            ) => lane_now,
        };
        own.max(lane_now)
    }
}

/// The block has reached its limit: finish it, and begin another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the block is full")]
pub struct BlockFull;

/// Collects records for one block and knows at any time how large it has become.
#[derive(Debug)]
pub struct RecordBlockWriter {
    clock: Clock,
    count: u16,
    sink: Sink,
}

impl RecordBlockWriter {
    /// A block without records, on `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, count: 0, sink: Sink::default() }
    }

    /// Puts a writer without records on `clock`.
    pub fn restart(&mut self, clock: Clock) {
        debug_assert!(self.is_empty(), "a block has one clock");
        self.clock = clock;
    }

    /// Adds `record` of `lane` and answers its slot.
    ///
    /// # Errors
    /// [`BlockFull`] when the block holds `BLOCK_EVENTS_MAX` records, or `BLOCK_BYTES_MAX` bytes or more:
    /// nothing was added.
    pub fn push(&mut self, lane: Lane, record: &Record) -> Result<u16, BlockFull> {
        if self.is_full() {
            return Err(BlockFull);
        }
        let slot = self.count;
        record.write(lane, &mut self.sink);
        self.count += 1;
        Ok(slot)
    }

    /// How many records it holds.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many bytes it has come to, give or take the few of its head.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.sink.len_bytes()
    }

    /// Whether it takes no further record.
    #[must_use]
    pub fn is_full(&self) -> bool {
        usize::from(self.count) >= BLOCK_EVENTS_MAX || self.len_bytes() >= BLOCK_BYTES_MAX
    }

    /// The block, stamped with `now`.
    #[must_use]
    pub fn finish(mut self, now: Timestamp) -> Vec<u8> {
        self.take(now)
    }

    /// The block, stamped with `now`; the writer is empty again and keeps its memory.
    #[must_use]
    pub fn take(&mut self, now: Timestamp) -> Vec<u8> {
        let mut writer = Writer::append_to(Vec::with_capacity(self.len_bytes() + 64));
        writer.u8(VERSION);
        writer.u8(self.clock.number());
        writer.time(now);
        writer.uint(u64::from(self.count));
        self.sink.write(&mut writer);
        self.sink.clear();
        self.count = 0;
        writer.into_bytes()
    }
}
