//! The vocabulary of Omnix Streaming: the types in which every other crate speaks.
//!
//! What is here has been *parsed*: a [`CustomerId`] is well-formed, a [`Money`] is exact, an [`Event`] is
//! within its limits; nothing later has to validate again. Also here: the stable binary records of log and
//! store, one file a record, with numbered kinds and golden bytes.
//!
//! Invariants: no IO, no clock, no random number, no async; every value that can be built is valid; what
//! was ever written by a released version can be read.
//!
//! Deliberately not here: JSON (`omnix-wire`), what an event means (`omnix-engine`), how bytes reach a disk
//! (`omnix-storage`).

pub mod limits;

mod time;
mod id;
mod money;
mod lane;
mod position;
mod segment;
mod event;
mod fingerprint;
mod insight;
mod error_code;
mod rejected;
mod record;
mod block;
mod codec;

pub use block::{BlockFull, RecordBlock, RecordBlockWriter};
pub use codec::{DecodeError, Reader, Writer};
pub use error_code::{ErrorCode, Fault};
pub use event::{
    ConsumptionPrediction, DeviceType, Event, EventKind, PredictionType, Purchase, SegmentUpdate,
};
pub use fingerprint::fingerprint;
pub use id::{CustomerId, EventId, IdError, OrderId, ProductId};
pub use insight::{
    Figure, Figures, Insight, InsightId, InsightKind, Outcome, Priority, Suppressed, Suppression,
};
pub use lane::{Lane, LaneRange, ShardId};
pub use money::{Money, NumberError, Quantity, Rounded};
pub use position::{LogId, Position};
pub use record::{EventRecord, Judgement, Origin, Record, RecordKind};
pub use rejected::RejectedEvent;
pub use segment::{Segment, SegmentName, Tier};
pub use time::{Clock, TimeError, Timestamp};
