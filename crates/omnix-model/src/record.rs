//! What stands in the log: events, and everything else that decides what an event comes to mean.
//!
//! `apply` depends on state, record, model and settings; the log names all of them, so that reading it again
//! gives the same result. Kinds have stable numbers; a number is never used again.

use crate::{Event, EventId, Timestamp};

/// Who made an event's id, and so for how long it is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The client: remembered for the whole duplicate window.
    Client,
    /// The server, for want of a client's: remembered for 15 minutes.
    Server,
    /// An import, which is named by its file and resumes where it was: not remembered.
    Import,
    /// The engine itself (`producer: omnix`): recorded, and never derives again.
    Derived,
}

/// An accepted event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
    /// Its identity within the customer.
    pub event_id: EventId,
    /// Who made the id.
    pub origin: Origin,
    /// Of the canonical body without the id; tells a retry from another event under the same id.
    pub fingerprint: u32,
    /// Whether the customer is one of the anonymous ones: counted, but without state.
    pub anonymous: bool,
    /// The event.
    pub event: Event,
}

/// One record of one lane.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An accepted event.
    Event(Box<EventRecord>),
    /// Time passed in an idle lane.
    Tick,
    /// The lane's tally of this epoch is complete; what follows belongs to the next.
    EpochEnd {
        /// The epoch that ends.
        epoch: u64,
    },
    /// From here on the lane works with this model.
    Model {
        /// The model's number.
        number: u64,
        /// The hash of its file.
        hash: u64,
    },
    /// From here on the lane works with these settings.
    Settings {
        /// The hash of `body`.
        hash: u64,
        /// The settings that the engine depends on, as canonical text.
        body: String,
    },
    /// From here on the lane is applied by this version of the engine.
    EngineVersion {
        /// The version.
        version: u32,
    },
    /// An operator accepted that frames of the log are lost.
    LossAccepted {
        /// The first frame lost.
        first_frame: u64,
        /// The last frame lost.
        last_frame: u64,
        /// When it was accepted.
        at: Timestamp,
    },
    /// The record that stood here was erased.
    Erased,
}

/// The stable numbers of the kinds of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RecordKind {
    /// [`Record::Erased`]
    Erased = 0,
    /// [`Record::Event`] of a purchase
    Purchase = 1,
    /// [`Record::Event`] of a segment update
    SegmentUpdate = 2,
    /// [`Record::Event`] of a consumption prediction
    ConsumptionPrediction = 3,
    /// [`Record::Tick`]
    Tick = 4,
    /// [`Record::EpochEnd`]
    EpochEnd = 5,
    /// [`Record::Model`]
    Model = 6,
    /// [`Record::Settings`]
    Settings = 7,
    /// [`Record::EngineVersion`]
    EngineVersion = 8,
    /// [`Record::LossAccepted`]
    LossAccepted = 9,
}
