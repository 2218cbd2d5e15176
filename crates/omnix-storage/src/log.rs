//! The contract of an event log: blocks of records in, positions out.
//!
//! Written to the weakest backend: an append answers block by block, an outcome may be *unknown*, positions
//! grow within a log but have gaps and are opaque, reading at the tail waits.
//!
//! # Positions
//! A position is the backend's own number of a block and a slot within it. It goes unchanged from whoever
//! appends to whoever reads, also in another process, and back to the backend to read there: nothing may be
//! left out of it. An embedded log counts frames in 64 bits. A sequence number of Kinesis has 186 bits, is
//! promised to grow and nothing else, and the service refuses a number that no record has: it cannot be
//! shortened. So logs with an id of [`WIDE_LOG_IDS`] are reserved for positions of 192 bits.

mod active;
mod disk;
mod encoder;
mod inspect;
mod memory;
mod reader;
mod recovery;
mod scan;
mod segment;
mod shared;
mod sim_disk;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use omnix_model::limits::{BLOCK_BYTES_MAX, EVENT_BYTES_MAX};
use omnix_model::{Lane, LogId, Position, Timestamp};

pub use disk::{Disk, DiskFile, RealDisk};
pub use inspect::{LogReport, SegmentReport, inspect_log, inspect_log_on};
pub use memory::{MemoryBlocks, MemoryFault, MemoryLog, MemoryLogSettings};
pub use recovery::{Blemish, OpenError, OpenReport, TornTail};
pub use scan::DamagedRun;
pub use sim_disk::{Dice, SimCall, SimDisk, SimFault};
pub use writer::{LogSettings, SegmentLog};

/// Bytes of a block's payload at the most; a larger one is refused.
pub const RAW_BYTES_MAX: usize = 1 << 20;

/// Ids of logs whose positions are wider than a frame number of 64 bits; an embedded log never has one.
///
/// The id stands first in a stored position and so says how long it is: those of other logs stay 12 bytes.
pub const WIDE_LOG_IDS: std::ops::RangeInclusive<u16> = 0x8000..=u16::MAX;

const _: () = assert!(BLOCK_BYTES_MAX + EVENT_BYTES_MAX <= RAW_BYTES_MAX, "a full block fits into a frame");

/// How records are grouped into the blocks of one append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// One block for all lanes of the shard (embedded).
    Shard,
    /// A block holds records of one lane only (Kinesis).
    Lane,
}

/// A block to append: encoded records, opaque to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The lane of its records; with [`Grain::Shard`] that of the first one.
    pub lane: Lane,
    /// How many records it holds: slots 0..count.
    pub count: u16,
    /// The lane's time (`now`) with which it is stamped.
    pub now: Timestamp,
    /// The encoded records, uncompressed; compression is the log's affair.
    pub payload: Vec<u8>,
}

/// A block as it stands in the log. Slot `s` of it is the record at `{ slot: s, ..position }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlock {
    /// The position of its first record (slot 0).
    pub position: Position,
    /// How many slots it has, erased ones included.
    pub count: u16,
    /// The time with which it was stamped.
    pub now: Timestamp,
    /// The encoded records, decompressed.
    pub payload: Vec<u8>,
}

/// Why a block was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// No room; nothing was stored. It may be tried again later.
    #[error("the log has no room")]
    Full,
    /// The log takes nothing at the moment; nothing was stored. It may be tried again later.
    #[error("the log takes nothing: {0}")]
    Refused(String),
    /// The block may or may not be stored. Embedded: a sync failed; the log is poisoned for good and must be
    /// opened anew. Kinesis: no answer in time, and the request may still arrive, behind blocks that are
    /// appended after it; whoever appends the block again may find it twice.
    #[error("it is not known whether the block is stored: {0}")]
    Unknown(String),
}

/// Why a block could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Damaged frames: skipped, and what follows can still be read.
    #[error("frames {first}..={last} of log {log:?} are damaged")]
    Damaged {
        /// The log.
        log: LogId,
        /// The first frame that cannot be read.
        first: u64,
        /// The last frame that cannot be read.
        last: u64,
    },
    /// The position lies below what is kept.
    #[error("position {0} is no longer kept")]
    Trimmed(Position),
    /// The backend failed; it may be tried again.
    #[error("the log cannot be read: {0}")]
    Failed(String),
}

/// What trimming did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrimReport {
    /// Segments removed.
    pub segments: u64,
    /// Bytes removed.
    pub bytes: u64,
}

/// The log of one shard, from the side of its single writer.
///
/// # Contract
/// - `append` returns one answer a block, in order. `Ok(position)` follows the block's arrival on stable
///   storage, never before.
/// - Blocks of one lane are stored in the order in which they were given, across calls too. After an answer
///   other than `Ok`, later blocks of the same lane in the same call are not stored.
/// - Positions of a log grow with the order of appending; nothing else may be inferred from them. Those of
///   blocks in different lanes of one call may stand in any order.
/// - What `append` acknowledged, every reader opened later finds, byte for byte, until it is trimmed.
/// - [`AppendError::Full`] and [`AppendError::Refused`] mean: not stored, now or later.
/// - After [`AppendError::Unknown`] an embedded log refuses everything; readers may or may not find the block.
///   With [`Grain::Lane`] the log goes on. To keep a lane's order its next block waits until the doubtful
///   one is stored for certain; a copy that comes later yet is a duplicate, which who applies recognises.
/// - With [`Grain::Lane`] others append to the same log: what lies between two positions of this writer need
///   not be its own.
/// - A backend that takes a whole call in no certain order (Kinesis) gets one block of a lane a request.
pub trait EventLog: Send {
    /// How the caller must group records.
    fn grain(&self) -> Grain;

    /// The log that blocks are appended to at present. It changes when the backend divides or joins shards.
    fn id(&self) -> LogId;

    /// Appends `blocks` durably. Blocks until all are answered.
    fn append(&mut self, blocks: &[Block]) -> Vec<Result<Position, AppendError>>;

    /// A handle that opens readers on any thread, also while this writer appends elsewhere.
    fn source(&self) -> Arc<dyn LogSource>;

    /// A reader that stands right after the block of `after`; see [`LogSource::read_after`].
    ///
    /// # Errors
    /// [`ReadError::Trimmed`] when what follows is no longer kept.
    fn read_after(&self, after: Position) -> Result<Box<dyn LogReader>, ReadError> {
        self.source().read_after(after)
    }

    /// The position of the last acknowledged block (its slot 0), or the start of the log.
    fn end(&self) -> Position {
        self.source().end()
    }

    /// Removes what lies below `keep_from` *and* is older than `older_than`, in units of the backend's own. A
    /// backend that removes by age alone does nothing here.
    ///
    /// # Errors
    /// [`ReadError::Failed`] when the backend fails; what is gone by then stays gone.
    fn trim(&mut self, keep_from: Position, older_than: Timestamp) -> Result<TrimReport, ReadError>;

    /// Ends the log cleanly, so that the next open need not doubt its last block.
    ///
    /// # Errors
    /// [`AppendError::Unknown`] when the last bytes could not be synced.
    fn close(self: Box<Self>) -> Result<(), AppendError>;
}

/// The log of one shard, from the side of those who read it. Outlives its writer.
pub trait LogSource: Send + Sync {
    /// The log that is read.
    fn id(&self) -> LogId;

    /// A position before the first block kept and at or behind all that was removed: [`Self::read_after`] it
    /// reads all there is.
    fn start(&self) -> Position;

    /// The position of the last acknowledged block (its slot 0), or the start of the log: as far as this
    /// process has appended or read it. Kinesis has no call that tells it: a reader finds it by reading on
    /// until [`LogReader::next`] answers `None`.
    fn end(&self) -> Position;

    /// A reader that stands right after `after`. It reads whole blocks, and the first is the one behind the
    /// block that holds `after`, whatever its slot; the rest of that block is had by [`LogReader::block_at`].
    ///
    /// # Errors
    /// [`ReadError::Trimmed`] when what follows is no longer kept. A backend that removes by age notices it
    /// when the block of `after` itself is gone: a reader that is so far behind may have missed something.
    fn read_after(&self, after: Position) -> Result<Box<dyn LogReader>, ReadError>;
}

/// Reads blocks in order, also while the log grows.
pub trait LogReader: Send {
    /// The next block; waits up to `wait` at the tail, then answers `None`. An empty answer of the backend
    /// is not the tail unless the backend says that nothing is behind it.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] once for each damaged run: the next call goes on behind it.
    fn next(&mut self, wait: Duration) -> Result<Option<StoredBlock>, ReadError>;

    /// The block that holds `position`, wherever the reader stands; `None` when it is not kept. On Kinesis two
    /// requests, of the few a second that a shard allows all its readers together.
    ///
    /// # Errors
    /// [`ReadError`]
    fn block_at(&mut self, position: Position) -> Result<Option<StoredBlock>, ReadError>;

    /// Whether the log takes nothing more and [`Self::next`] has given all of it: a shard that was divided or
    /// joined. Only then may the logs that follow it be read, so that each lane keeps its order.
    fn has_ended(&self) -> bool {
        false
    }
}
