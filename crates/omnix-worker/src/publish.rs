//! What is said when an event is handed in, and what is answered.

use omnix_model::{ErrorCode, Event, EventId, Insight, Origin, Position, ShardId};

/// A parsed event on its way in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The event.
    pub event: Event,
    /// Its id: the client's own, or one that the server made.
    pub event_id: EventId,
    /// Who made the id.
    pub origin: Origin,
    /// Of the event as it was sent, before a time a little ahead was moved to now: a retry has the same.
    pub fingerprint: u32,
    /// Whether its customer is an anonymous one.
    pub anonymous: bool,
}

/// The answer to one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Receipt {
    /// It is durable, now or since before.
    Stored(Box<Stored>),
    /// The customer has another event under this id; the first one stays.
    Conflict {
        /// The id.
        event_id: EventId,
    },
    /// It may or may not be stored: it is to be sent again under the same id.
    Unknown {
        /// The id.
        event_id: EventId,
    },
    /// It is not stored, though others of the same request are: the disk became full in between.
    Refused {
        /// The id.
        event_id: EventId,
        /// Why.
        refusal: Refusal,
    },
}

/// A durable event.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its id.
    pub event_id: EventId,
    /// The shard that took it.
    pub shard: ShardId,
    /// Where it stands; for a duplicate the position is that of the first one where it is still known, else
    /// that of the customer's last.
    pub position: Position,
    /// Whether it was there already; none where the log cannot know at acknowledgement.
    pub duplicate: Option<bool>,
    /// What this very event caused.
    pub insights: Vec<Insight>,
}

/// Why nothing of a request was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The queues are full.
    #[error("more arrives than can be taken")]
    Full,
    /// The disk is below its reserve.
    #[error("the disk is full")]
    DiskFull,
    /// The log is damaged above the last checkpoint.
    #[error("the log is damaged above the last checkpoint")]
    LogDamaged,
    /// The stream is starting, stopping or has failed.
    #[error("the stream takes nothing at the moment")]
    Unavailable,
}

impl Refusal {
    /// The code under which clients know it.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Full => ErrorCode::Overloaded,
            Self::DiskFull => ErrorCode::DiskFull,
            Self::LogDamaged => ErrorCode::LogDamaged,
            Self::Unavailable => ErrorCode::Unavailable,
        }
    }
}

/// Nothing was stored; the events come back.
#[derive(Debug, thiserror::Error)]
#[error("{refusal}")]
pub struct PublishError {
    /// Why.
    pub refusal: Refusal,
    /// What was handed in.
    pub events: Vec<NewEvent>,
}

/// Why nobody can say that what came of an insight is noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// It was not stored.
    #[error("{0}")]
    Refused(Refusal),
    /// It may or may not be stored; to say it again does no harm.
    #[error("it is not known whether it is stored")]
    Unknown,
}

/// About the bytes that an event takes in memory.
#[must_use]
pub fn weight(event: &Event) -> usize {
    let texts: usize = match event {
        Event::Purchase(purchase) => {
            let optional = [&purchase.location, &purchase.payment_method].into_iter().flatten();
            purchase.product_id.as_str().len()
                + purchase.product_category.len()
                + purchase.product_name.len()
                + purchase.metadata.len()
                + purchase.extra.len()
                + optional.map(|text| text.len()).sum::<usize>()
        }
        Event::SegmentUpdate(update) => {
            update.reason_codes.iter().map(|text| text.len()).sum::<usize>()
                + update.model_version.len()
                + update.extra.len()
        }
        Event::ConsumptionPrediction(prediction) => {
            prediction.factors.iter().map(|text| text.len()).sum::<usize>() + prediction.extra.len()
        }
    };
    size_of::<NewEvent>() + event.customer().map_or(0, |id| id.as_str().len()) + texts
}
