//! A history sent through the engine in memory, event after event on the history's own clock, and every
//! prediction that the engine makes on the way.
//!
//! Works as an import does, without log, store and shards: states belong to customers, tallies to lanes, models
//! are learnt from days of event time and come into force a day later. Whatever a line says of the future comes
//! from the engine's state and model (`omnix_engine::predict`); here is only known what the file itself says: which
//! orders and purchase days there were, and what is therefore to be predicted when.
//!
//! Invariants: a line depends on the events before its moment and on nothing later; the same events in the same
//! order give the same lines.
//!
//! Deliberately not here: how a file is read (`input_file`), how a line is written (`line`), and whether a prediction
//! came true.

mod assortment;
mod dates;
mod known;
mod learning;
mod ledger;
mod line;
mod orders;
mod people;

use std::collections::BTreeSet;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::tz::TimeZone;
use omnix_engine::{Cause, Context, Customer, Facts, Moment, Settings, apply, observe_anonymous};
use omnix_model::{Event, EventId, EventRecord, Lane, Origin, Timestamp};

use crate::assemble;
use crate::failure::Failure;
use crate::input_file::HistoryEvent;
use assortment::Assortment;
pub(crate) use dates::{Dates, date};
use known::KnownIds;
use learning::Learning;
pub(crate) use line::{Kind, Lines};
use people::{Due, People};

/// Minutes, in milliseconds, for which time goes on after the last event, so that what waits for it falls due.
const TAIL_MS: i64 = 10 * 60 * 1_000;

/// What became of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Events, returns among them.
    pub(crate) events: u64,
    pub(crate) returns: u64,
    /// Events under an id that the customer has used within the duplicate window: they count once.
    pub(crate) duplicates: u64,
    /// Events that the engine could not apply.
    pub(crate) not_applied: u64,
}

/// What a replay is asked for.
pub(crate) struct ReplaySettings {
    /// What the engine is told.
    pub(crate) engine: Settings,
    /// How long an event's id is remembered, in milliseconds.
    pub(crate) dedup_window_ms: i64,
    /// On which dates something is predicted that no event asks for.
    pub(crate) dates: Dates,
}

impl ReplaySettings {
    /// A user's settings. A day of the file is a UTC date, whatever days the shop's own are.
    ///
    /// # Errors
    /// When the settings name no time zone that there is.
    pub(crate) fn of(settings: &omnix_server::settings::Settings, dates: Dates) -> Result<Self, Failure> {
        Ok(Self {
            engine: Settings { time_zone: TimeZone::UTC, ..assemble::engine_settings(settings)? },
            dedup_window_ms: i64::from(settings.stream.dedup_window_hours) * Timestamp::HOUR_MS,
            dates,
        })
    }
}

/// A history on its way through the engine.
pub(crate) struct Replay<W> {
    settings: Settings,
    people: People,
    /// What falls due and when: baskets, silence, overdue products, and orders that take no further line.
    due: BTreeSet<Due>,
    learning: Learning,
    known: KnownIds,
    assortment: Assortment,
    dates: Dates,
    /// The history's time.
    now: Timestamp,
    /// The UTC date that time has come to; none before the first event.
    day: Option<i64>,
    /// The UTC date of the latest purchase.
    last_purchase_day: i64,
    tally: Tally,
    lines: Lines<W>,
}

impl<W: Write> Replay<W> {
    /// An empty shop whose predictions go to `lines`.
    pub(crate) fn new(settings: ReplaySettings, lines: Lines<W>) -> Self {
        Self {
            settings: settings.engine,
            people: People::default(),
            due: BTreeSet::new(),
            learning: Learning::new(),
            known: KnownIds::new(settings.dedup_window_ms),
            assortment: Assortment::default(),
            dates: settings.dates,
            now: Timestamp::MIN,
            day: None,
            last_purchase_day: 0,
            tally: Tally::default(),
            lines,
        }
    }

    /// What became of the events so far.
    pub(crate) const fn tally(&self) -> Tally {
        self.tally
    }

    /// Takes the next event of the history.
    ///
    /// # Errors
    /// When a line cannot be written, or a model cannot be learnt.
    pub(crate) fn event(&mut self, new: HistoryEvent) -> Result<(), Failure> {
        self.tally.events += 1;
        if matches!(&new.event, Event::Purchase(purchase) if purchase.is_return()) {
            self.tally.returns += 1;
        }
        let at = new.event.timestamp();
        self.turn_days(at.utc_day())?;
        self.pass(at)?;
        self.now = self.now.max(at);
        if self.known.is_known(&new, self.now) {
            self.tally.duplicates += 1;
            return Ok(());
        }
        self.learning.note_event(self.now);
        let record = record(new);
        match record.event.customer().filter(|_| !record.anonymous) {
            Some(customer) => {
                let place = self.people.place(customer);
                self.customer_event(place, &record)
            }
            None => {
                self.anonymous_event(&record);
                Ok(())
            }
        }
    }

    /// The history is over: time goes on for ten minutes, and to the last date that was asked for.
    ///
    /// # Errors
    /// As [`Self::event`].
    pub(crate) fn finish(mut self) -> Result<(Tally, Lines<W>), Failure> {
        let Some(day) = self.day else { return Ok((self.tally, self.lines)) };
        self.dates.end_grid(day);
        let tail = self.now.plus_ms(TAIL_MS);
        let last_day = self.dates.last_snapshot().map_or(tail.utc_day(), |last| last.max(tail.utc_day()));
        self.turn_days(last_day)?;
        self.pass(tail)?;
        Ok((self.tally, self.lines))
    }

    /// Passes every midnight up to the one at which `day` begins.
    fn turn_days(&mut self, day: i64) -> Result<(), Failure> {
        let Some(current) = self.day else {
            self.day = Some(day);
            return Ok(());
        };
        for day in current + 1..=day {
            self.midnight(day)?;
            self.day = Some(day);
        }
        Ok(())
    }

    /// The midnight at which `day` begins: what became complete or due before it, the model of the day before the
    /// one that ended, what falls due at this very instant, and the predictions for the date.
    fn midnight(&mut self, day: i64) -> Result<(), Failure> {
        let midnight = Timestamp::from_ms_clamped(day.saturating_mul(Timestamp::DAY_MS));
        self.pass(midnight.plus_ms(-1))?;
        self.learning.turn_day()?;
        self.known.forget(midnight);
        self.pass(midnight)?;
        if self.dates.is_grid(day) {
            self.write_due(midnight)?;
        }
        if self.dates.is_snapshot(day) {
            self.write_segments(midnight)?;
        }
        Ok(())
    }

    /// Lets time pass up to `until`: what falls due does so in its order, each at its own time.
    fn pass(&mut self, until: Timestamp) -> Result<(), Failure> {
        while self.due.first().is_some_and(|due| due.at <= until) {
            let Some(due) = self.due.pop_first() else { break };
            self.now = self.now.max(due.at);
            if due.is_closing {
                self.close_order(due.place)?;
            } else {
                self.fire(due.place, due.at)?;
            }
        }
        self.now = self.now.max(until);
        Ok(())
    }

    fn fire(&mut self, place: usize, due: Timestamp) -> Result<(), Failure> {
        let Some(facts) = self.apply(place, Cause::Timer) else { return Ok(()) };
        if let Some(person) = self.people.get_mut(place)
            && person.due == Some(due)
        {
            // It did not move on: the customer's next event sets it anew.
            person.due = None;
        }
        self.write_migration(place, &facts)
    }

    fn anonymous_event(&mut self, record: &EventRecord) {
        if let Event::Purchase(purchase) = &record.event
            && !purchase.is_return()
        {
            self.assortment.sold(&purchase.product_id);
        }
        match catch_unwind(AssertUnwindSafe(|| observe_anonymous(record, &self.settings))) {
            Ok(observations) => {
                self.learning.absorb(Lane::of_anonymous(&record.event_id), &observations);
            }
            Err(_panic) => self.tally.not_applied += 1,
        }
    }

    /// Applies `cause` to a customer: answers what is counted of it. What cannot be applied leaves the state as it
    /// was.
    fn apply(&mut self, place: usize, cause: Cause<'_>) -> Option<Facts> {
        let moment = Moment { now: self.now, is_history: true };
        let person = self.people.get_mut(place)?;
        let context =
            Context { model: self.learning.model(), settings: &self.settings, customer_id: &person.id };
        let applied = catch_unwind(AssertUnwindSafe(|| apply(&mut person.state, cause, moment, &context)));
        let Ok(Ok(effects)) = applied else {
            self.tally.not_applied += 1;
            return None;
        };
        let due = person.state.as_ref().and_then(Customer::due);
        let old_due = std::mem::replace(&mut person.due, due);
        if old_due != due {
            if let Some(old) = old_due {
                self.due.remove(&Due { at: old, id: person.id.clone(), is_closing: false, place });
            }
            if let Some(at) = due {
                self.due.insert(Due { at, id: person.id.clone(), is_closing: false, place });
            }
        }
        self.learning.absorb(person.lane, &effects.observations);
        Some(effects.facts)
    }
}

fn record(new: HistoryEvent) -> EventRecord {
    // An event without an id of its own is named by its line: only the lane of an anonymous one depends on it.
    let event_id = new.event_id.unwrap_or_else(|| {
        EventId::new(&format!("line:{}", new.number)).expect("a number makes a well-formed id")
    });
    EventRecord {
        event_id,
        origin: Origin::Import,
        fingerprint: 0,
        anonymous: new.is_anonymous,
        event: new.event,
    }
}

#[cfg(test)]
mod tests;
