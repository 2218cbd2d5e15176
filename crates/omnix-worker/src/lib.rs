//! The shard loop and what stands around it: duplicates, append, apply, commit, timers, trainer, feed; and
//! the queries that read what was committed.
//!
//! Invariants: a receipt follows the record's arrival on stable storage; an event counts once within the
//! duplicate window; a customer's events are applied in the order of their acknowledgement; position, window
//! and state of a customer are written together; bad input never stops a shard.
//!
//! Deliberately not here: HTTP, tokens, JSON of the API (`omnix-server`, `omnix-wire`); what an event means
//! (`omnix-engine`). A test, a simulation or a Lambda can run all of it without a socket.

// What is handed in and answered, and the time.
mod clock;
mod publish;
mod stream;

// The loop: the core of a shard and what its steps rest on.
mod shard;
mod group;
pub mod dedup;
mod lane;
mod timers;
mod id_hash;
mod hot;
mod shell;
mod attempts;
mod shard_thread;
mod log_thread;

// What is common to all customers, history, and the end of things.
mod trainer;
mod models;
pub mod observed;
mod history;
mod retention;
pub mod rebuild;
pub mod reshard;

// What is kept, counted and asked.
pub mod keys;
pub mod rows;
pub mod state_row;
pub mod rollup;
pub mod book;
pub mod counters;
mod progress;
mod on_demand;
mod cursor;
mod ranking;
mod queries;
mod chapters;
pub mod explain;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use attempts::{MarkerFile, MarkerStore, NoMarker};
pub use chapters::{ChapterStore, MemoryChapters};
pub use clock::{Clock, ManualClock, WallClock};
pub use counters::{Counter, Counters, DURATION_BUCKETS, Durations};
pub use cursor::{FeedCursor, InvalidCursor};
pub use dedup::{IdSecret, Window};
pub use lane::LaneRow;
pub use models::{MemoryModels, ModelError, ModelStore, Models};
pub use on_demand::CommitOnDemand;
pub use progress::Progress;
pub use publish::{JudgeError, NewEvent, PublishError, Receipt, Refusal, Stored, weight};
pub use queries::{
    CustomerRow, CustomerSort, FeedMessage, FeedPage, InsightFilter, InsightPage, InsightTally, Interval,
    JudgementTally, KnownInsight, LatencySummary, Learner, Learning, Overview, PageRequest, Queries,
    QueryError, RejectedFilter, RejectedRow, SegmentFlow, SegmentOfPeriod, SegmentPeriod, SegmentRow,
    SegmentsReport, ShardStatus, ShardView, StreamCounts, TimeRange, minute_of,
};
pub use retention::Retention;
pub use shard::{Replay, ShardError};
pub use shell::Shell;
pub use stream::{
    EarlierLog, Health, ImportError, ImportReport, Importer, Purpose, ShardParts, StartError, StopError,
    Stream, StreamHandle, StreamParts, StreamSettings,
};
