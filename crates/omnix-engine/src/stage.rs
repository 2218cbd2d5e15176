//! Where one record is applied: the state as it becomes, the effects as they gather, and the time that
//! counts.
//!
//! Also here: how time is worked off, in the order in which things fall due; and what holds an insight back that was
//! found: another one of the same cause, and the customer's budget of the day. Deliberately not here: what an
//! event adds to the sums (`fold`), and what anything means (`detect`).

use omnix_model::{Event, EventId, Insight, InsightId, InsightKind, Priority, Suppression, Timestamp};

use crate::basket::{Basket, Raised};
use crate::calendar;
use crate::customer::Draft;
use crate::detect::{self, Rule};
use crate::look;
use crate::say::{self, Said};
use crate::watch::{Watch, Work, watched};
use crate::{Context, Customer, Derived, Effects, Moment};

/// How long after it fell due something is still raised live, in milliseconds.
const FRESH_MS: i64 = 7 * Timestamp::DAY_MS;

/// The state as it becomes, and what follows.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub customer: Draft<'a>,
    pub effects: Effects,
    pub moment: Moment,
    pub context: &'a Context<'a>,
    /// The time at which what is decided now is raised: the lane's, on history's clock that of the cause.
    pub clock: Timestamp,
    /// The insight last raised of the customer's silence, and when.
    of_silence: Option<(Timestamp, InsightId)>,
    /// Who wants to know what its parts cost.
    pub watch: &'a dyn Watch,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(
        customer: &'a mut Customer,
        moment: Moment,
        context: &'a Context<'a>,
        watch: &'a dyn Watch,
    ) -> Self {
        Self {
            customer: Draft::of(customer),
            effects: Effects::default(),
            moment,
            context,
            clock: moment.now,
            of_silence: None,
            watch,
        }
    }

    /// Ends it well: the changes stay. A stage that is let go otherwise leaves the customer as they were.
    pub(crate) fn keep(self) -> Effects {
        self.customer.keep();
        self.effects
    }

    /// Works off what has fallen due by the lane's time.
    pub(crate) fn pass_time(&mut self) {
        let now = self.moment.now;
        if self
            .customer
            .head
            .basket
            .as_ref()
            .is_some_and(|basket| basket.is_pending() && basket.ends_at <= now)
        {
            self.end_basket(now);
        }
        let closes_at = self.customer.head.basket.as_ref().and_then(|basket| basket.closes_at);
        if closes_at.is_some_and(|closes_at| closes_at <= now) {
            self.close_basket();
        }
        self.fall_due(now);
    }

    /// Works off what fell due before an event at `at` that belongs to no basket.
    pub(crate) fn catch_up(&mut self, at: Timestamp) {
        let basket = self.customer.head.basket.as_ref();
        if self.moment.is_history && basket.is_some_and(|basket| basket.ends_at <= at) {
            self.end_basket(at);
        }
        self.fall_due(at);
        self.clock = if self.moment.is_history { at } else { self.moment.now };
    }

    /// Ends the latest basket because of something at `at`: what it means is said, once for each set of lines.
    /// On history's clock what fell due before its end comes first, whoever looks when.
    pub(crate) fn end_basket(&mut self, at: Timestamp) {
        let basket = self.customer.head.basket.as_ref().filter(|basket| basket.is_pending());
        if let Some(ends_at) = basket.map(|basket| basket.ends_at).filter(|_| self.moment.is_history) {
            self.fall_due(if ends_at <= at { ends_at.plus_ms(-1) } else { at });
        }
        let Some(mut basket) = self.customer.head_mut().basket.take() else { return };
        if basket.is_pending() {
            self.clock = if self.moment.is_history { at.min(basket.ends_at) } else { self.moment.now };
            detect::at_basket_end(self, &mut basket);
        }
        self.customer.head_mut().basket = Some(basket);
    }

    /// Says of the latest basket what waited for its close.
    pub(crate) fn close_basket(&mut self) {
        let basket = &mut self.customer.head_mut().basket;
        let Some(mut basket) = basket.take_if(|basket| basket.closes_at.is_some()) else { return };
        self.clock = self.moment.now;
        watched(self, Work::Detect(InsightKind::BehaviorAnomaly), |stage| {
            detect::behavior_anomaly::at_basket_close(stage, &mut basket);
        });
        self.customer.head_mut().basket = Some(basket);
    }

    /// Works off, in their order, the dates that have come by `until`.
    pub(crate) fn fall_due(&mut self, until: Timestamp) {
        loop {
            let head = &self.customer.head;
            let due = [head.look_at, head.silence_at, head.overdue_at].into_iter().flatten().min();
            let Some(due) = due.filter(|&due| due <= until) else { return };
            self.clock = if self.moment.is_history { due } else { self.moment.now };
            if head.look_at == Some(due) {
                watched(self, Work::Teach, |stage| look::weekly(stage, due));
            } else if head.silence_at == Some(due) {
                watched(self, Work::Detect(InsightKind::SegmentMigration), |stage| {
                    detect::segment_migration::fallen_silent(stage, due);
                });
            } else {
                watched(self, Work::Detect(InsightKind::ConsumptionPrediction), |stage| {
                    detect::consumption_prediction::overdue(stage, due);
                });
            }
        }
    }

    /// Whether something that fell due at `due` is still worth raising: on history's clock always, live for a
    /// week. After a long pause (an old history that goes live, a shop that was closed) it is noted, and no more.
    pub(crate) fn is_fresh(&self, due: Timestamp) -> bool {
        self.moment.is_history || self.moment.now.ms_since(due) <= FRESH_MS
    }

    /// Counts insights that are held back.
    pub(crate) fn suppress(&mut self, reason: Suppression, count: u64) {
        self.effects.facts.suppressed.add(reason, count);
    }

    /// Passes on what an outside model has published: somebody asked for it, so that nothing holds it back.
    pub(crate) fn pass_on(&mut self, said: Said, cause: &[u8]) {
        let id = InsightId::derive(self.context.customer_id, said.rule, cause);
        self.push(said, id);
    }

    /// Raises an insight because of `cause`, what fell due at `due`, for the first and only time; unless the budget
    /// of that day is used up.
    pub(crate) fn raise(&mut self, said: Said, cause: &[u8], due: Timestamp) -> InsightId {
        let id = InsightId::derive(self.context.customer_id, said.rule, cause);
        if self.takes_from_budget(&said, due) {
            self.push(said, id);
        }
        id
    }

    /// Raises an insight of the customer's silence, unless something as urgent has been said of that silence. Of
    /// what is found at one moment the most urgent speaks for all.
    pub(crate) fn raise_of_silence(&mut self, mut said: Said, cause: &[u8], due: Timestamp) -> InsightId {
        let id = InsightId::derive(self.context.customer_id, said.rule, cause);
        let together = self.of_silence.filter(|(at, _)| *at == self.clock).map(|(_, id)| id);
        let mut others = self.effects.insights.iter_mut();
        let together = together.and_then(|id| others.find(|other| other.id == id));
        if self.customer.head.silence.told.is_some_and(|told| told >= said.priority()) {
            if let Some(other) = together {
                say::cover(&mut other.figures, said.message_id(), said.sentence);
            }
            self.suppress(Suppression::Cause, 1);
            return id;
        }
        if let Some(other) = together {
            // It has taken from the budget for both.
            let less = other.id;
            said.cover(&other.message_id, std::mem::take(&mut other.sentence));
            self.effects.insights.retain(|other| other.id != less);
            self.suppress(Suppression::Cause, 1);
        } else if !self.takes_from_budget(&said, due) {
            return id;
        }
        self.customer.head_mut().silence.told = Some(said.priority());
        self.of_silence = Some((self.clock, id));
        self.push(said, id);
        id
    }

    /// Whether the budget of the day of `due` has room for it, which it then takes.
    fn takes_from_budget(&mut self, said: &Said, due: Timestamp) -> bool {
        let settings = self.context.settings;
        let day = calendar::day_of(&settings.time_zone, due);
        let left = self.customer.head.attention.left(day, settings.customer_insights_per_day);
        let has_room = left > 0 || said.priority() == Priority::Critical;
        if has_room {
            self.customer.head_mut().attention.note(day);
        } else {
            self.suppress(Suppression::Budget, 1);
        }
        has_room
    }

    fn push(&mut self, said: Said, id: InsightId) {
        let first = Raised { at: self.clock, revision: 0, lines: 0 };
        let insight = self.insight(said, id, first);
        self.effects.insights.push(insight);
    }

    /// Holds back what `rule` would say of `basket`: of the day's budget nothing is left for it.
    pub(crate) fn hold_back(&mut self, basket: &mut Basket, rule: Rule) {
        let Some(place @ None) = basket.raised.get_mut(rule.index()) else { return };
        *place = Some(Raised { at: self.clock, revision: 0, lines: basket.lines });
        self.suppress(Suppression::Budget, 1);
    }

    /// Raises an insight about `basket`, or revises the one that was raised; holds it back when nothing is left for
    /// it of the day's budget.
    pub(crate) fn raise_for(&mut self, basket: &mut Basket, rule: Rule, said: Said) -> InsightId {
        let id = InsightId::derive(self.context.customer_id, said.rule, &basket.cause());
        if !basket.lets_speak(rule) && said.priority() != Priority::Critical {
            self.hold_back(basket, rule);
            return id;
        }
        if basket.raised(rule).is_none() {
            let day = calendar::day_of(&self.context.settings.time_zone, basket.first_at);
            self.customer.head_mut().attention.note(day);
        }
        // What one record says twice counts as said once, and its last word counts.
        let is_said = self.effects.insights.iter().any(|other| other.id == id);
        self.effects.insights.retain(|other| other.id != id);
        let raised = match basket.raised(rule) {
            Some(before) => Raised {
                at: before.at,
                revision: before.revision.saturating_add(u32::from(!is_said)),
                lines: basket.lines,
            },
            None => Raised { at: self.clock, revision: 0, lines: basket.lines },
        };
        if let Some(place) = basket.raised.get_mut(rule.index()) {
            *place = Some(raised);
        }
        let insight = self.insight(said, id, raised);
        self.effects.insights.push(insight);
        id
    }

    /// Publishes an event of our own, under an id that names the insight it comes with.
    pub(crate) fn derive(&mut self, id: InsightId, event: Event) {
        // The id is 38 bytes of ASCII, so it is well-formed.
        if let Ok(event_id) = EventId::new(&format!("omnix:{id}")) {
            self.effects.derived.push(Derived { event_id, event });
        }
    }

    fn insight(&self, said: Said, id: InsightId, raised: Raised) -> Insight {
        let row = said.case.row();
        Insight {
            id,
            customer_id: self.context.customer_id.clone(),
            kind: row.kind,
            priority: row.priority,
            action_required: row.action_required,
            timestamp: raised.at,
            event_timestamp: said.event_timestamp,
            revision: raised.revision,
            model_version: self.context.model.number(),
            settings_version: self.context.settings.hash(),
            message_id: smol_str::SmolStr::new_static(row.message_id),
            sentence: said.sentence,
            params: said.params,
            figures: said.figures,
        }
    }
}

#[cfg(test)]
mod tests;
