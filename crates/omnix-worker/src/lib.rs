//! The shard loop and what stands around it: duplicates, append, apply, commit, timers, trainer, feed; and
//! the queries that read what was committed.
//!
//! Invariants: a receipt follows the record's arrival on stable storage; an event counts once within the
//! duplicate window; a customer's events are applied in the order of their acknowledgement; position, window
//! and state of a customer are written together; bad input never stops a shard.
//!
//! Deliberately not here: HTTP, tokens, JSON of the API (`omnix-server`, `omnix-wire`); what an event means
//! (`omnix-engine`). A test, a simulation or a Lambda can run all of it without a socket.

pub mod keys;

mod clock;
mod publish;
mod progress;
pub mod state_row;
pub mod rollup;
pub mod rows;
pub mod book;
mod cursor;
mod ranking;
mod queries;

pub use clock::{Clock, ManualClock, WallClock};
pub use cursor::{FeedCursor, InvalidCursor};
pub use progress::Progress;
pub use publish::{NewEvent, PublishError, Receipt, Refusal, Stored};
pub use queries::{
    CustomerRow, CustomerSort, FeedMessage, FeedPage, InsightFilter, InsightPage, InsightTally,
    LatencySummary, Overview, PageRequest, Queries, QueryError, RejectedFilter, RejectedRow, SegmentFlow,
    SegmentRow, SegmentsReport, ShardStatus, ShardView, StreamCounts, TimeRange, minute_of,
};
