//! Bytes to model and back: events in JSON, batches, histories, and the types of the HTTP contract.
//!
//! What comes out of a parser here is a value of `omnix-model`, or every fault at once, each with its JSON
//! pointer and code. Nothing later validates again.
//!
//! Invariants: no IO but the reader handed in, no clock (`now` is an argument), no web framework; no input,
//! however hostile, panics or takes more memory than a small multiple of its size; money never passes through
//! a float.
//!
//! Deliberately not here: who may send what (`omnix-server`), what an event means (`omnix-engine`).

pub mod api;
pub mod json;

mod event;
mod event_json;
mod anonymous;
mod aliases;
mod batch;
mod ndjson;
mod ndjson_history;
mod online_retail;

pub use aliases::{AliasError, SegmentAliases};
pub use anonymous::AnonymousRule;
pub use batch::{BatchError, BatchItem, parse_batch};
pub use event::{Faults, ParseSettings, Parsed, Refused, parse_event};
pub use event_json::{event_to_json, write_event};
pub use ndjson::{Line, NdjsonSplitter, parse_line};
pub use ndjson_history::{HistoryLine, NdjsonHistory};
pub use online_retail::{OnlineRetail, RetailError, RetailRow, RowOutcome, SkipReason};
