//! The contracts of log and store, and the implementations that need nothing but a disk.
//!
//! [`EventLog`] takes blocks and says when they are on stable storage; [`StateStore`] takes whole commits
//! and can be put forward again from the log after a crash. Both contracts are written to the weakest
//! backend that will stand behind them (Kinesis, DynamoDB), and each has one conformance suite that every
//! implementation runs.
//!
//! Invariants: an append that was answered is durable; a store stands at a whole commit whenever it is
//! opened; the log is never trimmed above what the store has persisted; damaged bytes are detected, never
//! served, and never hide what is sound.
//!
//! Deliberately not here: what the bytes mean (`omnix-model`, `omnix-engine`), and when to append or commit
//! (`omnix-worker`).

mod log;
mod store;

mod directory;

pub mod conformance;
pub mod testing;

pub use directory::{
    ChapterFiles, DataDirectory, DirectoryError, Format, FormatError, LogEntry, ModelFiles, Space,
};
pub use log::{
    AppendError, Block, EventLog, Grain, LogReader, LogSource, ReadError, StoredBlock, TrimReport,
};
pub use log::{Blemish, DamagedRun, LogSettings, OpenError, OpenReport, RAW_BYTES_MAX, SegmentLog, TornTail};
pub use log::{Disk, DiskFile, RealDisk};
pub use log::{LogReport, SegmentReport, WIDE_LOG_IDS, inspect_log, inspect_log_on};
pub use store::{
    Atomicity, Expired, KEY_BYTES_MAX, LsmReader, LsmStore, MemoryDisk, MemoryStore, RESERVED_PREFIX,
    SharedCaches, StoreReport, StoreSettings, StoreStats, inspect_store,
};
pub use store::{Commit, CommitError, KeyRange, Order, StateReader, StateStore, StoreError, Visit, Write};
