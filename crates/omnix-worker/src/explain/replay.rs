//! One customer applied again: their records and what decides what these mean, nothing else.
//!
//! Time passes here as in the shard (`shard/due.rs`): every record of the lane brings it, whoever's it is, and what
//! falls due on the way is applied before the record.
//!
//! Deliberately not here: which blocks have to be read for that ([`super::reading`]).

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use omnix_engine::explain::{Decision, steps};
use omnix_engine::{
    Cause, Context, Customer, ENGINE_VERSION, Effects, Model, Moment, Settings, apply, profile,
};
use omnix_model::{Clock, CustomerId, Insight, Lane, Outcome, Position, Record, RecordBlock, Timestamp};
use omnix_storage::StoredBlock;

use super::sources::Sources;
use super::{CauseKind, ExplainError, Explanation, Found, Gap, Under};
use crate::chapters::{Line, Mention, Step};
use crate::models::{ModelError, Models};

/// How long after an insight that was never revised the log is still read for it.
const BEYOND_MS: i64 = Timestamp::DAY_MS;

/// A customer on the way to an insight.
pub(super) struct Replay<'a> {
    lane: Lane,
    customer_id: &'a CustomerId,
    mention: Mention,
    wanted: &'a Insight,
    models: Models,
    sources: Sources,
    way: Way,
}

/// How far a customer has come.
#[derive(Clone)]
struct Way {
    /// The model in force, by number and hash, and the one applied with, once it was needed.
    in_force: (u64, u64),
    model: Option<Applicable>,
    settings: Arc<Settings>,
    engine: u32,
    now: Timestamp,
    customer: Option<Customer>,
    /// A date that had come and moved nothing on: it waits for the customer's next event.
    stuck: Option<Timestamp>,
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
        let way = Way {
            in_force: (0, 0),
            model: None,
            settings: Arc::new(Settings::default()),
            engine: 0,
            now: Timestamp::MIN,
            customer: None,
            stuck: None,
            found: None,
            gaps: Vec::new(),
        };
        let customer_id = &wanted.customer_id;
        let (mention, sources) = (Mention::of(customer_id), Sources::of(wanted));
        Self { lane, customer_id, mention, wanted, models, sources, way }
    }

    /// The lane that is read.
    pub(super) const fn lane(&self) -> Lane {
        self.lane
    }

    /// Takes note of something that is missing.
    pub(super) fn note_gap(&mut self, gap: Gap) {
        self.way.gaps.push(gap);
    }

    /// Takes a block of the log.
    pub(super) fn take_block(&mut self, stored: &StoredBlock) -> Result<ControlFlow<()>, ExplainError> {
        let frame = stored.position.frame;
        let Ok(block) = RecordBlock::decode(&stored.payload) else {
            self.note_gap(Gap::LogDamaged { first: frame, last: frame });
            return Ok(ControlFlow::Continue(()));
        };
        let is_history = block.clock == Clock::History;
        for (slot, (lane, record)) in (0_u16..).zip(&block.entries) {
            if *lane != self.lane {
                continue;
            }
            let position = Position { slot, ..stored.position };
            let now = block.time_of(record, self.way.now);
            self.advance(now, is_history, position)?;
            self.take_record(record, At { position, moment: Moment { now, is_history } })?;
            if self.is_over() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Passes over a block that holds nothing of the customer: what `line` says of it is all that matters, unless
    /// it turns out that the insight was raised in it, or that the answer ends in it. Then nothing has changed, and
    /// the block has to be taken; says so by breaking off.
    pub(super) fn pass(
        &mut self,
        line: &Line<'_>,
        position: Position,
    ) -> Result<ControlFlow<()>, ExplainError> {
        if line.mentions(self.mention) || self.is_beyond(line.latest()) {
            return Ok(ControlFlow::Break(()));
        }
        let may_fire = self.due().is_some_and(|due| due <= line.latest().max(self.way.now));
        let before = may_fire.then(|| self.way.clone());
        let found = self.way.found.take();
        let (is_history, mut steps) = (line.is_history, line.steps.iter());
        loop {
            let step = steps.next();
            let until = match step {
                Some(Step::Time(time)) => self.way.now.max(*time),
                Some(Step::Model { .. } | Step::Settings(_) | Step::Engine(_)) | None => self.way.now,
            };
            self.advance(until, is_history, position)?;
            let Some(step) = step else { break };
            self.take_mark(*step);
        }
        if let (Some(_), Some(before)) = (&self.way.found, before) {
            self.way = before;
            return Ok(ControlFlow::Break(()));
        }
        self.way.found = found;
        Ok(ControlFlow::Continue(()))
    }

    /// Whether nothing further can change the answer.
    pub(super) fn is_over(&self) -> bool {
        let found = self.way.found.as_ref();
        found.is_some_and(|found| found.insight.revision >= self.wanted.revision)
            || self.is_beyond(self.way.now)
    }

    /// Whether the insight is not looked for any more at this time.
    fn is_beyond(&self, now: Timestamp) -> bool {
        self.wanted.revision == 0 && now > self.wanted.timestamp.plus_ms(BEYOND_MS)
    }

    /// When something falls due for the customer; none where that has fired already and moved nothing on.
    fn due(&self) -> Option<Timestamp> {
        let due = self.way.customer.as_ref().and_then(Customer::due);
        due.filter(|due| self.way.stuck != Some(*due))
    }

    /// Moves the lane to `until`: what falls due for the customer on the way fires.
    fn advance(
        &mut self,
        until: Timestamp,
        is_history: bool,
        position: Position,
    ) -> Result<(), ExplainError> {
        while let Some(due) = self.due() {
            if due > until || self.is_over() {
                break;
            }
            let now = if is_history { due.max(self.way.now) } else { until };
            self.way.now = self.way.now.max(now);
            self.apply(Cause::Timer, At { position, moment: Moment { now, is_history } })?;
            if self.way.customer.as_ref().and_then(Customer::due) == Some(due) {
                self.way.stuck = Some(due);
            }
        }
        self.way.now = self.way.now.max(until);
        Ok(())
    }

    fn take_record(&mut self, record: &Record, at: At) -> Result<(), ExplainError> {
        if let Some(mark) = Step::of_mark(record) {
            self.take_mark(mark);
        } else if let Record::Event(event) = record
            && !event.anonymous
            && event.event.customer() == Some(self.customer_id)
            && !self.is_over()
        {
            self.sources.note(at.position, at.moment.now, event);
            self.way.stuck = None;
            self.apply(Cause::Event(event), at)?;
        }
        Ok(())
    }

    /// Takes what decides the meaning of what follows.
    fn take_mark(&mut self, mark: Step<'_>) {
        match mark {
            Step::Model { number, hash } if number > self.way.in_force.0 => {
                self.way.in_force = (number, hash);
                self.way.model = None;
            }
            // The shard could read them.
            Step::Settings(body) => {
                self.way.settings = Arc::new(Settings::from_text(body).unwrap_or_default());
            }
            Step::Engine(version) => self.way.engine = version,
            Step::Model { .. } | Step::Time(_) => {}
        }
    }

    fn apply(&mut self, cause: Cause<'_>, at: At) -> Result<(), ExplainError> {
        let applicable = self.applicable()?;
        let settings = Arc::clone(&self.way.settings);
        let context =
            Context { model: &applicable.model, settings: &settings, customer_id: self.customer_id };
        let before = self.way.customer.clone();
        let applied =
            catch_unwind(AssertUnwindSafe(|| apply(&mut self.way.customer, cause, at.moment, &context)));
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
        let (Some(insight), Some(after)) = (raised, self.way.customer.as_ref()) else { return };
        let (model, settings) = (&applicable.model, &self.way.settings);
        let context = Context { model, settings, customer_id: self.customer_id };
        let now = at.moment.now;
        let decision = Decision { insight, cause, before, after, now, context };
        let (number, hash) = self.way.in_force;
        if !applicable.is_named {
            self.way.gaps.push(Gap::DecidingModelGone { number });
        }
        if self.way.engine != 0 && self.way.engine != ENGINE_VERSION {
            self.way.gaps.push(Gap::EngineChanged { then: self.way.engine });
        }
        self.way.found = Some(Found {
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
                engine: self.way.engine,
            },
        });
    }

    /// The model in force, or the nearest that is kept.
    fn applicable(&mut self) -> Result<Applicable, ExplainError> {
        if let Some(model) = &self.way.model {
            return Ok(model.clone());
        }
        let (number, hash) = self.way.in_force;
        let named = if number == 0 { Ok(Arc::new(Model::seed())) } else { self.models.named(number, hash) };
        let applicable = match named {
            Ok(model) => Applicable { model, is_named: true },
            Err(ModelError::Missing(_) | ModelError::Different(_)) => {
                self.note_gone(number);
                Applicable { model: self.models.nearest(number)?, is_named: false }
            }
            Err(error @ ModelError::Files(_)) => return Err(error.into()),
        };
        self.way.model = Some(applicable.clone());
        Ok(applicable)
    }

    fn note_gone(&mut self, number: u64) {
        let known = self.way.gaps.iter_mut().find_map(|gap| match gap {
            Gap::ModelsGone { first, last } => Some((first, last)),
            _ => None,
        });
        match known {
            Some((first, last)) => {
                *first = number.min(*first);
                *last = number.max(*last);
            }
            None => self.way.gaps.push(Gap::ModelsGone { first: number, last: number }),
        }
    }

    /// What came out.
    pub(super) fn explanation(mut self, outcome: Option<Outcome>) -> Explanation {
        let has_ended = !self.way.gaps.contains(&Gap::TimeRanOut);
        if self.way.found.is_none() && has_ended {
            self.way.gaps.push(Gap::NotRaised);
        }
        Explanation {
            stored: self.wanted.clone(),
            outcome,
            found: self.way.found,
            events_read: self.sources.read,
            sources: self.sources.into_events(),
            gaps: self.way.gaps,
        }
    }
}
