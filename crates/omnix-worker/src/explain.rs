//! Why an insight was raised: the customer's own records read from the log again, applied under the models and
//! settings that the log names, up to the record or the date that raised it.
//!
//! Where the log has chapters, what is not the customer's is passed over.
//! Nothing of the answer was stored beside the insight: what comes out is held against what is stored. Where
//! the log or a model is not kept any more, the answer says so and leaves out what it would have to guess.
//! Takes time and memory of its own, never a shard's: a few at a time, each with a time budget, and whoever
//! asked may go away.
//!
//! Deliberately not here: the arithmetic ([`omnix_engine::explain`]), and how it is written on the wire.

mod reading;
mod replay;
mod sources;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use omnix_engine::Profile;
use omnix_engine::explain::Step;
use omnix_model::{
    CustomerId, EventRecord, Insight, InsightId, Lane, LaneRange, Outcome, Position, Timestamp,
};
use omnix_storage::{LogSource, ReadError};

use crate::Clock;
use crate::chapters::Chapters;
use crate::models::{ModelError, ModelStore, Models};
use crate::queries::{KnownInsight, Queries, QueryError};

use reading::Reading;
use replay::Replay;

/// Explanations worked out at the same time.
const RUNNING_MAX: usize = 2;
/// How long one may take.
const PATIENCE_US: u64 = 20_000_000;

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Others are being worked out.
    #[error("too many explanations are asked for at the same time")]
    Busy,
    /// Whoever asked has gone.
    #[error("nobody waits for the explanation")]
    Abandoned,
    /// The store failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The log failed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The files of models failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// An insight and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The insight as it is stored.
    pub stored: Insight,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// What came out when it was raised again; none where it was not.
    pub found: Option<Found>,
    /// What it rests on, in the order of the log.
    pub sources: Vec<SourceEvent>,
    /// How many events of the customer were read up to there, those that are not listed included.
    pub events_read: u64,
    /// Why the answer is not the whole truth; empty when it is.
    pub gaps: Vec<Gap>,
}

/// The moment at which an insight was raised, found again.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The record at which it was raised.
    pub position: Position,
    /// The lane's time.
    pub at: Timestamp,
    /// What raised it.
    pub cause: CauseKind,
    /// The insight as it came out.
    pub insight: Insight,
    /// The customer before it, seen under the same model; none for one who was not known.
    pub before: Option<Box<Profile>>,
    /// The arithmetic.
    pub steps: Vec<Step>,
    /// Under what it was decided.
    pub under: Under,
}

/// What raised an insight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CauseKind {
    /// The event at that position.
    Event,
    /// Time: the date had come when the lane reached that position.
    Time,
}

/// Model, settings and engine in force at a position.
#[derive(Debug, Clone, PartialEq)]
pub struct Under {
    /// The model's number.
    pub model: u64,
    /// The model's name: the hash of what it learnt from.
    pub model_hash: u64,
    /// The hash of the settings.
    pub settings: u64,
    /// The settings, one `name = value` a line.
    pub settings_text: String,
    /// The engine's version; 0 where the log names none.
    pub engine: u32,
}

/// An event that an insight rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceEvent {
    /// Where it stands.
    pub position: Position,
    /// The lane's time at which it was applied.
    pub at: Timestamp,
    /// The event.
    pub record: EventRecord,
}

/// Why an explanation is not the whole truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// The log does not reach back to its beginning: what came before `position` is not known.
    LogTrimmed {
        /// Before it.
        position: Position,
    },
    /// Frames of the log are damaged.
    LogDamaged {
        /// The first of them.
        first: u64,
        /// The last.
        last: u64,
    },
    /// These models are not kept any more: what the customer did while they were in force was applied under the
    /// nearest that is.
    ModelsGone {
        /// The lowest number.
        first: u64,
        /// The highest.
        last: u64,
    },
    /// The model of the decision itself is not kept any more: its arithmetic is left out.
    DecidingModelGone {
        /// Its number.
        number: u64,
    },
    /// Another version of the engine decided then.
    EngineChanged {
        /// Which.
        then: u32,
    },
    /// The time budget was used up before the moment was found.
    TimeRanOut,
    /// Applied again, the records raised no such insight.
    NotRaised,
}

impl Gap {
    /// The stable name of the reason.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LogTrimmed { .. } => "log_trimmed",
            Self::LogDamaged { .. } => "log_damaged",
            Self::ModelsGone { .. } => "models_gone",
            Self::DecidingModelGone { .. } => "deciding_model_gone",
            Self::EngineChanged { .. } => "engine_changed",
            Self::TimeRanOut => "time_ran_out",
            Self::NotRaised => "not_raised",
        }
    }

    /// All names.
    pub const NAMES: [&'static str; 7] = [
        "log_trimmed",
        "log_damaged",
        "models_gone",
        "deciding_model_gone",
        "engine_changed",
        "time_ran_out",
        "not_raised",
    ];
}

impl Explanation {
    /// Whether what came out is what is stored, to the last figure.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.insight == self.stored)
    }
}

/// A log that is read for explanations.
pub(crate) struct KeptLog {
    /// The lanes that stand in it.
    pub(crate) lanes: LaneRange,
    /// Reads it.
    pub(crate) source: Arc<dyn LogSource>,
    /// Its chapters; without them it is read whole.
    pub(crate) chapters: Option<Arc<Chapters>>,
}

/// Works out explanations. Cheap to clone.
#[derive(Clone)]
pub struct Explainer {
    parts: Arc<Parts>,
}

struct Parts {
    queries: Queries,
    /// The oldest first.
    logs: Vec<KeptLog>,
    models: Arc<dyn ModelStore>,
    clock: Arc<dyn Clock>,
    running: AtomicUsize,
}

impl Explainer {
    pub(crate) fn new(
        queries: Queries,
        logs: Vec<KeptLog>,
        models: Arc<dyn ModelStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { parts: Arc::new(Parts { queries, logs, models, clock, running: AtomicUsize::new(0) }) }
    }

    /// Explains one insight of `customer`; none when there is no such. Blocks; `is_abandoned` is asked now and
    /// then whether anybody still waits.
    ///
    /// # Errors
    /// [`ExplainError`]
    pub fn explain(
        &self,
        customer: &CustomerId,
        id: InsightId,
        is_abandoned: &dyn Fn() -> bool,
    ) -> Result<Option<Explanation>, ExplainError> {
        let parts = &self.parts;
        let _turn = Turn::take(parts).ok_or(ExplainError::Busy)?;
        let Some(KnownInsight { insight, outcome }) = parts.queries.insight(customer, id)? else {
            return Ok(None);
        };
        let lane = Lane::of(customer);
        let models = Models::new(Box::new(Arc::clone(&parts.models)));
        let mut replay = Replay::new(lane, &insight, models);
        let deadline_us = parts.clock.ticks_us().saturating_add(PATIENCE_US);
        for log in parts.logs.iter().filter(|log| log.lanes.contains(lane)) {
            let mut goes_on = || {
                if is_abandoned() {
                    return Err(ExplainError::Abandoned);
                }
                Ok(parts.clock.ticks_us() < deadline_us)
            };
            if Reading::run(log, &mut replay, &mut goes_on)?.is_break() {
                break;
            }
        }
        Ok(Some(replay.explanation(outcome)))
    }
}

/// One of the explanations that may be worked out at the same time.
struct Turn<'a>(&'a Parts);

impl<'a> Turn<'a> {
    fn take(parts: &'a Parts) -> Option<Self> {
        // Taken first and given back at once when there was none: `drop` counts it back.
        let turn = Self(parts);
        (parts.running.fetch_add(1, Ordering::AcqRel) < RUNNING_MAX).then_some(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}
