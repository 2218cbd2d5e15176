//! What stands in the log: events, and everything else that decides what an event comes to mean.
//!
//! `apply` depends on state, record, model and settings; the log names all of them, so that reading it again
//! gives the same result. Kinds have stable numbers; a number is never used again. The bytes of each kind are
//! described in its own file; those without a body worth a file in `control`.

mod consumption_prediction;
mod control;
mod event;
mod judgement;
mod purchase;
mod segment_update;

pub use judgement::Judgement;

use crate::block::{Sink, Source};
use crate::{DecodeError, Event, EventId, Lane, Timestamp};

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

impl Origin {
    const ALL: [Self; 4] = [Self::Client, Self::Server, Self::Import, Self::Derived];

    /// The stable number under which it is stored, 0..4.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Client => 0,
            Self::Server => 1,
            Self::Import => 2,
            Self::Derived => 3,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.number() == number)
    }
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
        /// Its name: the hash of all that it learnt from.
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
    /// So far an import has come in this log: written in the block of the last event that it names.
    Imported {
        /// The hash of the file.
        file: u128,
        /// Up to which of the file's events and ends of days everything of this shard's is in the log.
        taken: u64,
    },
    /// Somebody said what came of an insight.
    Judgement(Box<Judgement>),
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
    /// [`Record::Imported`]
    Imported = 10,
    /// [`Record::Judgement`]
    Judgement = 11,
}

impl RecordKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Erased,
        Self::Purchase,
        Self::SegmentUpdate,
        Self::ConsumptionPrediction,
        Self::Tick,
        Self::EpochEnd,
        Self::Model,
        Self::Settings,
        Self::EngineVersion,
        Self::LossAccepted,
        Self::Imported,
        Self::Judgement,
    ];

    /// The stable number under which it is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind stored under `number`.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

impl Record {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::Event(record) => match record.event {
                Event::Purchase(_) => RecordKind::Purchase,
                Event::SegmentUpdate(_) => RecordKind::SegmentUpdate,
                Event::ConsumptionPrediction(_) => RecordKind::ConsumptionPrediction,
            },
            Self::Tick => RecordKind::Tick,
            Self::EpochEnd { .. } => RecordKind::EpochEnd,
            Self::Model { .. } => RecordKind::Model,
            Self::Settings { .. } => RecordKind::Settings,
            Self::EngineVersion { .. } => RecordKind::EngineVersion,
            Self::LossAccepted { .. } => RecordKind::LossAccepted,
            Self::Imported { .. } => RecordKind::Imported,
            Self::Judgement(_) => RecordKind::Judgement,
            Self::Erased => RecordKind::Erased,
        }
    }

    pub(crate) fn write(&self, lane: Lane, sink: &mut Sink) {
        match self {
            Self::Event(record) => event::write(lane, record, sink),
            Self::Judgement(judgement) => judgement::write(lane, judgement, sink),
            Self::Tick
            | Self::EpochEnd { .. }
            | Self::Model { .. }
            | Self::Settings { .. }
            | Self::EngineVersion { .. }
            | Self::LossAccepted { .. }
            | Self::Imported { .. }
            | Self::Erased => control::write(lane, self, sink),
        }
    }

    pub(crate) fn read(source: &mut Source<'_>) -> Result<(Lane, Self), DecodeError> {
        let number = source.heads.u8()?;
        let kind = RecordKind::from_number(number).ok_or(DecodeError::Unknown(u64::from(number)))?;
        match kind {
            RecordKind::Purchase | RecordKind::SegmentUpdate | RecordKind::ConsumptionPrediction => {
                let (lane, record) = event::read(kind, source)?;
                Ok((lane, Self::Event(Box::new(record))))
            }
            RecordKind::Judgement => {
                let (lane, judgement) = judgement::read(source)?;
                Ok((lane, Self::Judgement(Box::new(judgement))))
            }
            RecordKind::Erased
            | RecordKind::Tick
            | RecordKind::EpochEnd
            | RecordKind::Model
            | RecordKind::Settings
            | RecordKind::EngineVersion
            | RecordKind::LossAccepted
            | RecordKind::Imported => {
                let lane = read_lane(source)?;
                control::read(kind, source).map(|record| (lane, record))
            }
        }
    }
}

fn read_lane(source: &mut Source<'_>) -> Result<Lane, DecodeError> {
    Lane::new(source.heads.u8()?).ok_or(DecodeError::Invalid("lane"))
}
