//! Reads the log for one customer: their records and what decides what these mean, nothing else.
//!
//! Time passes here as in the shard (`shard/due.rs`): every record of the lane brings it, whoever's it is, and what
//! falls due on the way is applied before the record.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use omnix_engine::explain::{Decision, steps};
use omnix_engine::{
    Cause, Context, Customer, ENGINE_VERSION, Effects, Model, Moment, Settings, apply, profile,
};
use omnix_model::{Clock, CustomerId, Insight, Lane, Outcome, Position, Record, RecordBlock, Timestamp};
use omnix_storage::{LogSource, ReadError, StoredBlock};

use super::sources::Sources;
use super::{CauseKind, ExplainError, Explanation, Found, Gap, Under};
use crate::models::{ModelError, Models};

/// How long after an insight that was never revised the log is still read for it.
const BEYOND_MS: i64 = Timestamp::DAY_MS;

/// A customer on the way to an insight.
pub(super) struct Replay<'a> {
    lane: Lane,
    customer_id: &'a CustomerId,
    wanted: &'a Insight,
    models: Models,
    /// The model in force, by number and hash, and the one applied with, once it was needed.
    in_force: (u64, u64),
    model: Option<Applicable>,
    settings: Arc<Settings>,
    engine: u32,
    now: Timestamp,
    customer: Option<Customer>,
    /// A date that had come and moved nothing on: it waits for the customer's next event.
    stuck: Option<Timestamp>,
    sources: Sources,
    found: Option<Found>,
    gaps: Vec<Gap>,
}

/// A model to apply with.
#[derive(Clone)]
struct Applicable {
    model: Arc<Model>,
    /// Whether it is the one that the log names.
    is_named: bool,
}

/// A record on its way.
#[derive(Clone, Copy)]
struct At {
    position: Position,
    moment: Moment,
}

impl<'a> Replay<'a> {
    pub(super) fn new(lane: Lane, wanted: &'a Insight, models: Models) -> Self {
        Self {
            lane,
            customer_id: &wanted.customer_id,
            wanted,
            models,
            in_force: (0, 0),
            model: None,
            settings: Arc::new(Settings::default()),
            engine: 0,
            now: Timestamp::MIN,
            customer: None,
            stuck: None,
            sources: Sources::of(wanted),
            found: None,
            gaps: Vec::new(),
        }
    }

    /// Reads a log; breaks off once the insight was found, or time has run out.
    pub(super) fn read(
        &mut self,
        source: &dyn LogSource,
        goes_on: &mut dyn FnMut() -> Result<bool, ExplainError>,
    ) -> Result<ControlFlow<()>, ExplainError> {
        let start = source.start();
        if start != Position::start(source.id()) {
            self.gaps.push(Gap::LogTrimmed { position: start });
        }
        let mut reader = source.read_after(start)?;
        loop {
            if !goes_on()? {
                self.gaps.push(Gap::TimeRanOut);
                return Ok(ControlFlow::Break(()));
            }
            match reader.next(Duration::ZERO) {
                Ok(None) => return Ok(ControlFlow::Continue(())),
                Ok(Some(stored)) => {
                    if self.take_block(&stored)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Err(ReadError::Damaged { first, last, .. }) => {
                    self.gaps.push(Gap::LogDamaged { first, last });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn take_block(&mut self, stored: &StoredBlock) -> Result<ControlFlow<()>, ExplainError> {
        let frame = stored.position.frame;
        let Ok(block) = RecordBlock::decode(&stored.payload) else {
            self.gaps.push(Gap::LogDamaged { first: frame, last: frame });
            return Ok(ControlFlow::Continue(()));
        };
        let is_history = block.clock == Clock::History;
        for (slot, (lane, record)) in (0_u16..).zip(&block.entries) {
            if *lane != self.lane {
                continue;
            }
            let position = Position { slot, ..stored.position };
            let now = block.time_of(record, self.now);
            self.advance(now, is_history, position)?;
            self.take_record(record, At { position, moment: Moment { now, is_history } })?;
            if self.is_over() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether nothing further can change the answer.
    fn is_over(&self) -> bool {
        let is_found =
            self.found.as_ref().is_some_and(|found| found.insight.revision >= self.wanted.revision);
        let is_beyond = self.wanted.revision == 0 && self.now > self.wanted.timestamp.plus_ms(BEYOND_MS);
        is_found || is_beyond
    }

    /// Moves the lane to `until`: what falls due for the customer on the way fires.
    fn advance(
        &mut self,
        until: Timestamp,
        is_history: bool,
        position: Position,
    ) -> Result<(), ExplainError> {
        while let Some(due) = self.customer.as_ref().and_then(Customer::due) {
            if due > until || self.stuck == Some(due) || self.is_over() {
                break;
            }
            let now = if is_history { due.max(self.now) } else { until };
            self.now = self.now.max(now);
            self.apply(Cause::Timer, At { position, moment: Moment { now, is_history } })?;
            if self.customer.as_ref().and_then(Customer::due) == Some(due) {
                self.stuck = Some(due);
            }
        }
        self.now = self.now.max(until);
        Ok(())
    }

    fn take_record(&mut self, record: &Record, at: At) -> Result<(), ExplainError> {
        match record {
            Record::Event(event) if !event.anonymous && event.event.customer() == Some(self.customer_id) => {
                if self.is_over() {
                    return Ok(());
                }
                self.sources.note(at.position, at.moment.now, event);
                self.stuck = None;
                self.apply(Cause::Event(event), at)?;
            }
            Record::Model { number, hash } if *number > self.in_force.0 => {
                self.in_force = (*number, *hash);
                self.model = None;
            }
            Record::Settings { body, .. } => {
                // The shard could read them.
                self.settings = Arc::new(Settings::from_text(body).unwrap_or_default());
            }
            Record::EngineVersion { version } => self.engine = *version,
            Record::Event(_)
            | Record::Model { .. }
            | Record::Tick
            | Record::EpochEnd { .. }
            | Record::LossAccepted { .. }
            | Record::Imported { .. }
            | Record::Judgement(_)
            | Record::Erased => {}
        }
        Ok(())
    }

    fn apply(&mut self, cause: Cause<'_>, at: At) -> Result<(), ExplainError> {
        let applicable = self.applicable()?;
        let settings = Arc::clone(&self.settings);
        let context =
            Context { model: &applicable.model, settings: &settings, customer_id: self.customer_id };
        let before = self.customer.clone();
        let applied =
            catch_unwind(AssertUnwindSafe(|| apply(&mut self.customer, cause, at.moment, &context)));
        // What could not be applied then cannot be now, and left the state as it was.
        let Ok(Ok(effects)) = applied else { return Ok(()) };
        self.note_effects(&effects, before.as_ref(), (cause, at), &applicable);
        Ok(())
    }

    /// Takes the insight, if it is among what follows.
    fn note_effects(
        &mut self,
        effects: &Effects,
        before: Option<&Customer>,
        (cause, at): (Cause<'_>, At),
        applicable: &Applicable,
    ) {
        let raised = effects.insights.iter().find(|insight| insight.id == self.wanted.id);
        let (Some(insight), Some(after)) = (raised, self.customer.as_ref()) else { return };
        let (model, settings) = (&applicable.model, &self.settings);
        let context = Context { model, settings, customer_id: self.customer_id };
        let now = at.moment.now;
        let decision = Decision { insight, cause, before, after, now, context };
        let (number, hash) = self.in_force;
        if !applicable.is_named {
            self.gaps.push(Gap::DecidingModelGone { number });
        }
        if self.engine != 0 && self.engine != ENGINE_VERSION {
            self.gaps.push(Gap::EngineChanged { then: self.engine });
        }
        self.found = Some(Found {
            position: at.position,
            at: now,
            cause: match cause {
                Cause::Event(_) => CauseKind::Event,
                Cause::Timer => CauseKind::Time,
            },
            insight: insight.clone(),
            before: before.map(|before| Box::new(profile(before, model, settings, now))),
            // Under another model it would be the arithmetic of another decision.
            steps: if applicable.is_named { steps(&decision) } else { Vec::new() },
            under: Under {
                model: number,
                model_hash: hash,
                settings: settings.hash(),
                settings_text: settings.to_text(),
                engine: self.engine,
            },
        });
    }

    /// The model in force, or the nearest that is kept.
    fn applicable(&mut self) -> Result<Applicable, ExplainError> {
        if let Some(model) = &self.model {
            return Ok(model.clone());
        }
        let (number, hash) = self.in_force;
        let named = if number == 0 { Ok(Arc::new(Model::seed())) } else { self.models.named(number, hash) };
        let applicable = match named {
            Ok(model) => Applicable { model, is_named: true },
            Err(ModelError::Missing(_) | ModelError::Different(_)) => {
                self.note_gone(number);
                Applicable { model: self.models.nearest(number)?, is_named: false }
            }
            Err(error @ ModelError::Files(_)) => return Err(error.into()),
        };
        self.model = Some(applicable.clone());
        Ok(applicable)
    }

    fn note_gone(&mut self, number: u64) {
        let known = self.gaps.iter_mut().find_map(|gap| match gap {
            Gap::ModelsGone { first, last } => Some((first, last)),
            _ => None,
        });
        match known {
            Some((first, last)) => {
                *first = number.min(*first);
                *last = number.max(*last);
            }
            None => self.gaps.push(Gap::ModelsGone { first: number, last: number }),
        }
    }

    /// What came out.
    pub(super) fn explanation(mut self, outcome: Option<Outcome>) -> Explanation {
        let has_ended = !self.gaps.contains(&Gap::TimeRanOut);
        if self.found.is_none() && has_ended {
            self.gaps.push(Gap::NotRaised);
        }
        Explanation {
            stored: self.wanted.clone(),
            outcome,
            found: self.found,
            events_read: self.sources.read,
            sources: self.sources.into_events(),
            gaps: self.gaps,
        }
    }
}
