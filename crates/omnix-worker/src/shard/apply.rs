//! Step 4: fold each record of a block into the state of its customer.
//!
//! The same for records that were appended just now and for those that are read again after a start.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use omnix_engine::{Cause, Context, Customer, Effects, Moment, apply, observe_anonymous};
use omnix_model::{
    Clock, CustomerId, ErrorCode, EventRecord, Fault, Lane, Position, Record, RecordBlock, RejectedEvent,
};

use super::effects::Standing;
use super::{Shard, ShardError};
use crate::attempts::Attempt;
use crate::group::Outcome;
use crate::hot::{Held, Place};
use crate::shell::Shell;
use crate::{keys, state_row};

/// Records that are applied before somebody else has a turn.
const RECORDS_BETWEEN: u16 = 64;

/// What is done between two records of a block. It may put the next block in hand and seal it; it commits nothing.
pub(crate) type Between<'a> = dyn FnMut(&mut Shard) -> Result<(), ShardError> + 'a;

/// A record on its way through the shard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Where it stands.
    pub(super) at: Position,
    /// Index of its lane among the shard's.
    pub(super) lane: usize,
    /// The moment at which it is applied.
    pub(super) moment: Moment,
}

impl Shard {
    /// Applies the records of the block at `at` and says what each caused; does `between` now and then.
    pub(super) fn apply_block(
        &mut self,
        at: Position,
        block: &RecordBlock,
        between: &mut Between<'_>,
    ) -> Result<Vec<Outcome>, ShardError> {
        self.attempts.begin_block(at);
        self.begin_effects(at);
        let mut outcomes = Vec::with_capacity(block.entries.len());
        for (slot, (lane, record)) in (0_u16..).zip(&block.entries) {
            if slot.is_multiple_of(RECORDS_BETWEEN) && slot > 0 {
                between(self)?;
            }
            let at = Position { slot, ..at };
            outcomes.push(self.apply_record(at, *lane, record, block)?);
        }
        self.attempts.end_block(at);
        self.context.counters.add(&std::mem::take(&mut self.counted));
        Ok(outcomes)
    }

    fn apply_record(
        &mut self,
        at: Position,
        lane: Lane,
        record: &Record,
        block: &RecordBlock,
    ) -> Result<Outcome, ShardError> {
        let index = self.lane_index(lane)?;
        let state = self.lane_mut(index)?;
        if at <= state.row.position && at.log == state.row.position.log {
            return Ok(Outcome::default());
        }
        let now = block.time_of(record, state.row.now);
        let is_history = block.clock == Clock::History;
        self.begin_record(at);
        self.advance(index, now, is_history, at)?;
        let state = self.lane_mut(index)?;
        state.row.position = at;
        state.is_dirty = true;
        let step = Step { at, lane: index, moment: Moment { now, is_history } };
        if self.attempts.begin_record(at) == Attempt::SetAside {
            self.set_aside(step, record, "the process died at this record again and again")?;
            return Ok(Outcome::default());
        }
        match record {
            Record::Event(event) => {
                self.lane_mut(index)?.row.epoch_began.get_or_insert(now);
                self.apply_event(step, event)
            }
            other => self.apply_control(step, other).map(|()| Outcome::default()),
        }
    }

    fn apply_event(&mut self, step: Step, event: &EventRecord) -> Result<Outcome, ShardError> {
        self.note_in_log(step, event)?;
        let Some(customer) = event.event.customer().filter(|_| !event.anonymous) else {
            return self.apply_anonymous(step, event);
        };
        let lane = self.lane_mut(step.lane)?.lane;
        let place = self.customer(lane, customer)?;
        let is_applied = self
            .hot
            .get(place)
            .is_some_and(|held| step.at <= held.shell.position && step.at.log == held.shell.position.log);
        if is_applied {
            return Ok(Outcome::default());
        }
        self.note_applied(step, place, event);
        match self.apply_to(step, place, Cause::Event(event))? {
            Ok(insights) => {
                self.count_event(step, event)?;
                Ok(Outcome { insights })
            }
            Err(why) => {
                self.set_aside(step, &Record::Event(Box::new(event.clone())), &why)?;
                Ok(Outcome::default())
            }
        }
    }

    fn apply_anonymous(&mut self, step: Step, event: &EventRecord) -> Result<Outcome, ShardError> {
        self.spill_anonymous(step, event);
        let settings = Arc::clone(&self.lane_mut(step.lane)?.settings);
        match catch_unwind(AssertUnwindSafe(|| observe_anonymous(event, &settings))) {
            Ok(observations) => {
                self.note_observations(step, observations)?;
                self.count_event(step, event)?;
                self.count_sale(step, event, &omnix_engine::Facts::default(), None)?;
            }
            Err(panic) => {
                let why = panic_text(panic.as_ref());
                self.set_aside(step, &Record::Event(Box::new(event.clone())), &why)?;
            }
        }
        Ok(Outcome::default())
    }

    /// Applies `cause` to a customer; the effects are written down. What cannot be applied leaves the state as it
    /// was and says why.
    pub(super) fn apply_to(
        &mut self,
        step: Step,
        place: Place,
        cause: Cause<'_>,
    ) -> Result<Result<Vec<omnix_model::Insight>, String>, ShardError> {
        let lane = self.lanes.get(step.lane);
        let (Some(lane), Some(held)) = (lane, self.hot.get_mut(place)) else {
            return Err(ShardError::Unfit("a customer in use was let go".to_owned()));
        };
        let Held { id, customer, .. } = held;
        let context = Context { model: &lane.model, settings: &lane.settings, customer_id: id };
        let before = customer.as_ref().map(Standing::of);
        let result = catch_unwind(AssertUnwindSafe(|| apply(customer, cause, step.moment, &context)));
        match result {
            Ok(Ok(effects)) => self.note_change(step, place, cause, (before, effects)).map(Ok),
            Ok(Err(error)) => Ok(Err(error.to_string())),
            Err(panic) => Ok(Err(panic_text(panic.as_ref()))),
        }
    }

    /// Notes that `cause` has changed a customer, who stood at `before`, and what follows from it.
    fn note_change(
        &mut self,
        step: Step,
        place: Place,
        cause: Cause<'_>,
        (before, effects): (Option<Standing>, Effects),
    ) -> Result<Vec<omnix_model::Insight>, ShardError> {
        let Some(held) = self.hot.get_mut(place) else { return Ok(Vec::new()) };
        let due = held.customer.as_ref().and_then(Customer::due);
        let old_due = std::mem::replace(&mut held.shell.timer, due);
        if effects.facts.is_new_order {
            held.shell.note_basket(step.at);
        }
        if let Some(lane) = self.lanes.get_mut(step.lane) {
            lane.timers.reschedule(&held.id, old_due, due);
        }
        self.touch(place);
        self.note_census(step, before.as_ref(), place)?;
        if let Cause::Event(event) = cause {
            self.count_sale(step, event, &effects.facts, before.as_ref())?;
        }
        self.note_effects(step, place, effects)
    }

    /// Notes that a customer's state has to be written with the next commit.
    pub(super) fn touch(&mut self, place: Place) {
        let Some(held) = self.hot.get_mut(place) else { return };
        if !std::mem::replace(&mut held.is_dirty, true) {
            self.dirty.push(place);
        }
    }

    /// Where a customer is held; read from the store if need be.
    pub(super) fn customer(&mut self, lane: Lane, id: &CustomerId) -> Result<Place, ShardError> {
        let now = self.present;
        if let Some(place) = self.hot.find(id, now) {
            self.counted.hot_hits += 1;
            return Ok(place);
        }
        self.counted.hot_misses += 1;
        let stored = state_row::load(self.reader.as_ref(), lane, id)?;
        let (customer, shell) = match stored {
            Some(stored) => (stored.customer, stored.shell),
            None => (None, Shell::default()),
        };
        let held = Held { id: id.clone(), lane, customer, shell, is_dirty: false };
        Ok(self.hot.insert(held, now))
    }

    /// Puts a record that cannot be applied among the rejected events.
    pub(super) fn set_aside(&mut self, step: Step, record: &Record, why: &str) -> Result<(), ShardError> {
        let lane = self.lane_mut(step.lane)?.lane;
        let (customer_id, event_id, body) = match record {
            Record::Event(event) => {
                let block = RecordBlock {
                    now: step.moment.now,
                    clock: Clock::Live,
                    entries: vec![(lane, record.clone())],
                };
                (event.event.customer().cloned(), Some(event.event_id.clone()), block.encode())
            }
            _ => (None, None, Vec::new()),
        };
        tracing::error!(lane = lane.number(), position = %step.at, why, "a record could not be applied");
        self.context.counters.not_applied.add(1);
        self.count_not_applied(step)?;
        let rejected = RejectedEvent {
            received_at: step.moment.now,
            faults: vec![Fault::new("", ErrorCode::NotApplied, why.to_owned())],
            customer_id,
            event_id,
            body,
        };
        let number = step.at.frame << 16 | u64::from(step.at.slot);
        self.put_effect(keys::rejected(step.moment.now, lane, number), rejected.encode());
        Ok(())
    }
}

/// What a panic said, bounded.
fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words");
    format!("panicked: {}", text.chars().take(200).collect::<String>())
}
