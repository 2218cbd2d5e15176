//! What follows from a record, as writes of the commit: insights, feed, derived events, counts, ids.

use std::sync::Arc;

use omnix_engine::{Customer, Derived, Effects, Facts, Observation};
use omnix_model::{
    Event, EventRecord, Insight, Origin, Position, Purchase, Record, SegmentName, fingerprint,
};
use omnix_storage::Write;

use super::apply::Step;
use super::{Phase, Shard, ShardError};
use crate::book::Book;
use crate::dedup::{Mark, Spilled};
use crate::hot::Place;
use crate::keys;
use crate::publish::weight;
use crate::queries::{FeedMessage, minute_of};
use crate::rollup::{Activity, Census, Sales, add_label};
use crate::rows::{FeedEntry, IndexEntry};

/// The rows that add up. What went on counts in the shard's first lane, whatever lane it went on in: whoever
/// asks wants the sum, and a row an hour is one write where one an hour and lane were thirty. How many
/// customers are in a segment belongs to them, and goes with their lane to another shard.
#[derive(Debug)]
pub(crate) struct Books {
    pub(super) sales: Book<Sales>,
    pub(super) hours: Book<Activity>,
    pub(super) minutes: Book<Activity>,
    pub(super) census: Book<Census>,
}

impl Books {
    /// How many rows are held.
    pub(super) fn len(&self) -> usize {
        self.sales.len() + self.hours.len() + self.minutes.len() + self.census.len()
    }
}

impl Default for Books {
    fn default() -> Self {
        Self {
            sales: Book::new(keys::sales, 64),
            hours: Book::new(keys::activity_of_hour, 16),
            minutes: Book::new(keys::activity_of_minute, 16),
            census: Book::new(|_, lane| keys::census(lane), 64),
        }
    }
}

/// What the census counts of a customer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    segment: Option<SegmentName>,
    /// In millionths.
    spent: i128,
}

impl Standing {
    pub(super) fn of(customer: &Customer) -> Self {
        Self { segment: customer.segment().cloned(), spent: customer.total_spent() }
    }
}

/// Which row of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Hour,
    Minute,
}

impl Shard {
    /// Sets a row with this commit, unless its effects were written before the process died.
    pub(super) fn put_effect(&mut self, key: Vec<u8>, value: Vec<u8>) {
        if !self.skips_effects {
            self.gathered.effect_bytes += key.len() + value.len();
            self.effects.push(Write::Put { key, value });
        }
    }

    /// Removes a row with this commit.
    pub(super) fn delete_effect(&mut self, key: Vec<u8>) {
        if !self.skips_effects {
            self.effects.push(Write::Delete { key });
        }
    }

    /// Sets a row with this commit that [`Self::early_row`] shows before, or [`Self::delete_early`] removes.
    pub(super) fn put_early(&mut self, key: Vec<u8>, value: Vec<u8>) {
        if !self.skips_effects {
            self.gathered.effect_bytes += key.len() + value.len();
            self.gathered.early.insert(key, value);
        }
    }

    /// Removes a row that is set once in its life; one that is not committed yet is never written.
    pub(super) fn delete_early(&mut self, key: Vec<u8>) {
        if self.gathered.early.remove(&key).is_none() {
            self.delete_effect(key);
        }
    }

    /// A row as the next commit leaves it, of those that [`Self::put_early`] sets.
    pub(super) fn early_row(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShardError> {
        match self.gathered.early.get(key) {
            Some(value) => Ok(Some(value.clone())),
            None => Ok(self.reader.get(key)?),
        }
    }

    /// Begins the effects of the block at `at`.
    pub(super) fn begin_effects(&mut self, at: Position) {
        self.present = self.now();
        self.keep_rejected();
        self.effects.append(&mut self.later);
        self.feed.clear();
        self.skips_effects = self.half_done.as_ref().is_some_and(|half| half.is_block(at));
    }

    /// Lets rejected events that wait go with the next commit.
    pub(super) fn keep_rejected(&mut self) {
        let lane = self.home_lane();
        while let Some(rejected) = self.intake.rejected.pop_front() {
            self.context.rejected_waiting.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            self.context.counters.rejected_kept.add(1);
            self.refused += 1;
            let value = rejected.encode();
            // The same event refused twice within a millisecond is kept once.
            let number = xxhash_rust::xxh3::xxh3_64(&value);
            self.later.push(Write::Put { key: keys::rejected(rejected.received_at, lane, number), value });
        }
    }

    /// Begins the effects of the record at a position: its messages are counted from 0.
    pub(super) fn begin_record(&mut self, _at: Position) {
        self.feed_index = 0;
    }

    /// Writes down what follows from a record or a timer, and gives the insights it raised.
    pub(super) fn note_effects(
        &mut self,
        step: Step,
        place: Place,
        effects: Effects,
    ) -> Result<Vec<Insight>, ShardError> {
        let Effects { insights, derived, observations, facts } = effects;
        for insight in &insights {
            self.note_insight(step, place, insight)?;
        }
        for event in derived {
            self.note_derived(step, event)?;
        }
        self.note_observations(step, observations)?;
        self.note_facts(step, &facts)?;
        Ok(insights)
    }

    fn note_insight(&mut self, step: Step, place: Place, insight: &Insight) -> Result<(), ShardError> {
        let lane = self.lane_mut(step.lane)?.lane;
        let Some(held) = self.hot.get(place) else { return Ok(()) };
        let (customer_id, segment) =
            (held.id.clone(), held.customer.as_ref().and_then(Customer::segment).cloned());
        let (raised_at, id) = (insight.timestamp, insight.id);
        self.put_effect(keys::insight(lane, &customer_id, raised_at, id), insight.encode());
        self.put_effect(keys::insight_by_time(raised_at, lane, id), IndexEntry::of(insight).encode());
        // What an import raises goes to no live channel.
        if !step.moment.is_history {
            self.note_message(step, insight, segment, customer_id)?;
        }
        if insight.revision == 0 {
            self.activity(step, &|row| row.add_insight(insight.kind, insight.priority))?;
        }
        if self.phase == Phase::Live {
            self.context.counters.note_insight(insight);
        }
        Ok(())
    }

    fn note_message(
        &mut self,
        step: Step,
        insight: &Insight,
        segment: Option<SegmentName>,
        customer_id: omnix_model::CustomerId,
    ) -> Result<(), ShardError> {
        let lane = self.lane_mut(step.lane)?.lane;
        let index = self.feed_index;
        self.feed_index = self.feed_index.saturating_add(1);
        let entry = FeedEntry {
            lane,
            customer_id,
            raised_at: insight.timestamp,
            id: insight.id,
            segment: segment.clone(),
        };
        self.put_effect(keys::feed(step.at, index), entry.encode());
        if self.phase == Phase::Live {
            self.feed.push(FeedMessage { position: step.at, index, insight: insight.clone(), segment });
        }
        Ok(())
    }

    /// An event of the engine's own: kept until it is read back from the log.
    fn note_derived(&mut self, step: Step, derived: Derived) -> Result<(), ShardError> {
        let lane = self.lane_mut(step.lane)?.lane;
        let Some(customer) = derived.event.customer().cloned() else { return Ok(()) };
        let key = keys::derived(lane, &customer, &derived.event_id);
        let record = Record::Event(Box::new(EventRecord {
            event_id: derived.event_id,
            origin: Origin::Derived,
            fingerprint: fingerprint(&derived.event),
            anonymous: false,
            event: derived.event,
        }));
        let pushed = self.derived.push(lane, &record);
        debug_assert!(pushed.is_ok(), "a block takes one record");
        let block = self.derived.take(step.moment.now);
        self.put_early(key, block);
        // After a start what is still kept is appended once everything has been applied again.
        if self.phase == Phase::Live {
            self.control.push_back((lane, record));
        }
        Ok(())
    }

    /// What the record says of rows that waited for it.
    pub(super) fn note_in_log(&mut self, step: Step, event: &EventRecord) -> Result<(), ShardError> {
        if event.origin == Origin::Derived
            && let Some(customer) = event.event.customer()
        {
            let lane = self.lane_mut(step.lane)?.lane;
            self.delete_early(keys::derived(lane, customer, &event.event_id));
        }
        Ok(())
    }

    pub(super) fn note_observations(
        &mut self,
        step: Step,
        observations: Vec<Observation>,
    ) -> Result<(), ShardError> {
        // The rows of a group whose effects are written were read at the start.
        if observations.is_empty() || self.skips_effects {
            return Ok(());
        }
        self.has_observed_in_group = true;
        let lane = self.lane_mut(step.lane)?;
        lane.tally.absorb(&observations);
        // Not record by record: a history holds those of two days, and each vector has taken room for four.
        lane.observed.extend(observations);
        Ok(())
    }

    fn note_facts(&mut self, step: Step, facts: &Facts) -> Result<(), ShardError> {
        self.counted.late += u64::from(facts.is_late);
        self.counted.suppressed.merge(&facts.suppressed);
        if facts.is_late || facts.suppressed.total() > 0 || facts.segment_move.is_some() {
            self.activity(step, &|row| {
                row.late += u64::from(facts.is_late);
                row.suppressed.merge(&facts.suppressed);
                if let Some((from, to)) = &facts.segment_move {
                    row.add_move(from.as_ref(), to);
                }
            })?;
        }
        Ok(())
    }

    /// Counts an applied event.
    pub(super) fn count_event(&mut self, step: Step, event: &EventRecord) -> Result<(), ShardError> {
        let counted = &mut self.counted;
        *(if self.phase == Phase::Live { &mut counted.applied } else { &mut counted.replayed }) += 1;
        let bytes = weight(&event.event) as u64;
        self.activity(step, &|row| {
            row.applied += 1;
            row.bytes += bytes;
        })
    }

    pub(super) fn count_not_applied(&mut self, step: Step) -> Result<(), ShardError> {
        self.activity(step, &|row| row.not_applied += 1)
    }

    /// Changes the rows of activity of the moment's hour and, live, of its minute.
    fn activity(&mut self, step: Step, change: &dyn Fn(&mut Activity)) -> Result<(), ShardError> {
        let lane = self.home_lane();
        let spans: &[Span] = if step.moment.is_history { &[Span::Hour] } else { &[Span::Hour, Span::Minute] };
        for span in spans {
            let (book, count) = match span {
                Span::Hour => (&mut self.books.hours, step.moment.now.hour()),
                Span::Minute => (&mut self.books.minutes, minute_of(step.moment.now)),
            };
            if let Some(row) = book.row(count, lane, step.at, self.reader.as_ref())? {
                change(row);
            }
        }
        Ok(())
    }

    /// Counts the latencies of the group answered last, and what was refused since, in the rows at `step`.
    pub(super) fn count_latencies(&mut self, step: Step) -> Result<(), ShardError> {
        let latencies = std::mem::take(&mut self.latencies_us);
        let refused = std::mem::take(&mut self.refused);
        if latencies.is_empty() && refused == 0 {
            return Ok(());
        }
        self.activity(step, &|row| {
            row.refused += refused;
            for &us in &latencies {
                #[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^52 us")]
                row.latency.add(us as f64);
                row.latency_us += us;
            }
        })
    }

    /// Counts a purchase or return in the sales of its own hour; of a customer who stood at `before` (none: nowhere
    /// yet), also in those of their segment.
    pub(super) fn count_sale(
        &mut self,
        step: Step,
        event: &EventRecord,
        facts: &Facts,
        before: Option<&Standing>,
    ) -> Result<(), ShardError> {
        let Event::Purchase(purchase) = &event.event else { return Ok(()) };
        let (lane, hour) = (self.home_lane(), purchase.timestamp.hour());
        if let Some(row) = self.books.sales.row(hour, lane, step.at, self.reader.as_ref())? {
            add_sale(row, purchase, facts);
            if !event.anonymous {
                let segment = before.and_then(|standing| standing.segment.as_ref());
                row.add_to_segment(segment, facts.is_new_order, purchase.total_amount);
            }
        }
        Ok(())
    }

    /// Notes in the census where a customer stands who stood at `before`; none: nowhere yet.
    pub(super) fn note_census(
        &mut self,
        step: Step,
        before: Option<&Standing>,
        place: Place,
    ) -> Result<(), ShardError> {
        let lane = self.lane_mut(step.lane)?.lane;
        let Some(after) = self.hot.get(place).and_then(|held| held.customer.as_ref()) else { return Ok(()) };
        let after = (after.segment(), after.total_spent());
        let before = before.map(|before| (before.segment.as_ref(), before.spent));
        if before == Some(after) {
            return Ok(());
        }
        if let Some(census) = self.books.census.row(0, lane, step.at, self.reader.as_ref())? {
            census.note(before, after);
        }
        Ok(())
    }

    /// Notes that a customer's event is applied: its position, and its id for the duplicate window.
    pub(super) fn note_applied(&mut self, step: Step, place: Place, event: &EventRecord) {
        let (secret, window) = (self.context.secret, self.context.window);
        let Some(held) = self.hot.get_mut(place) else { return };
        held.shell.position = step.at;
        let moved = match event.origin {
            Origin::Client | Origin::Server => {
                let mark = Mark { hash: secret.hash(&event.event_id), fingerprint: event.fingerprint };
                held.shell.seen.remember(event.origin, mark, step.moment.now, window)
            }
            Origin::Import | Origin::Derived => Vec::new(),
        };
        self.touch(place);
        for spilled in moved {
            self.put_early(spilled.key(event.event.customer()), spilled.value());
        }
    }

    /// Notes the id of an event that has no customer's state to stay in.
    pub(super) fn spill_anonymous(&mut self, step: Step, event: &EventRecord) {
        let hash = self.context.secret.hash(&event.event_id);
        let (now, window) = (step.moment.now, self.context.window);
        let mark = Mark { hash, fingerprint: event.fingerprint };
        let spilled = Spilled::of_anonymous(event.origin, mark, now, window);
        if let Some(spilled) = spilled {
            self.put_early(spilled.key(event.event.customer()), spilled.value());
        }
    }

    /// Sends what the group raised to live subscribers.
    pub(super) fn broadcast(&mut self) {
        for message in self.feed.drain(..) {
            if self.context.live.send(Arc::new(message)).is_err() {
                self.context.counters.feed_unheard.add(1);
            }
        }
    }
}

fn add_sale(row: &mut Sales, purchase: &Purchase, facts: &Facts) {
    let revenue = i128::from(purchase.total_amount.millionths());
    if purchase.is_return() {
        row.returns += 1;
    } else {
        row.purchases += 1;
        // In cents.
        #[expect(clippy::cast_precision_loss, reason = "a histogram's bucket needs no more")]
        row.amounts.add(purchase.total_amount.millionths() as f64 / 10_000.0);
    }
    row.orders += u64::from(facts.is_new_order);
    row.new_customers += u64::from(facts.is_new_customer);
    row.units += i128::from(purchase.quantity.thousandths());
    row.revenue += revenue;
    add_label(&mut row.categories, &purchase.product_category, 1, revenue);
    if let Some(location) = &purchase.location {
        add_label(&mut row.locations, location, 1, revenue);
    }
}
