//! What is predicted when: at an order's first line, when it is complete, and on dates.

use std::io::Write;

use omnix_engine::predict::{self, BasketContents, BasketMoment};
use omnix_engine::{Cause, Context, Customer, Facts};
use omnix_model::{Event, EventRecord, OrderId, ProductId, Purchase, Segment, SegmentName, Timestamp};
use smol_str::{SmolStr, format_smolstr};

use super::Replay;
use super::assortment::Assortment;
use super::ledger::Ledger;
use super::line::{Bought, ClosedOrder, Lines};
use super::people::{Due, Person};
use crate::failure::Failure;

/// Products of a list.
const LISTED: usize = 10;
/// Places that are looked at where some of the first hold products which the engine had no room to remember.
const LISTED_DEEP: usize = 100;
/// History's time from its first line in which an order takes further lines, in milliseconds.
const OPEN_MS: i64 = 10 * 60 * 1_000;
/// Purchase days from which on a product may be due.
const DUE_PURCHASE_DAYS_MIN: u32 = 3;
/// Days after its last purchase in which a product may be due.
const DUE_ELAPSED_DAYS: std::ops::RangeInclusive<i64> = 1..=180;

/// An order whose lines are coming in.
#[derive(Debug)]
pub(super) struct OpenOrder {
    /// As the lines call it.
    id: SmolStr,
    /// As the file calls it.
    order_id: Option<OrderId>,
    /// The time of its first line.
    at: Timestamp,
    burst: (f64, bool),
    hour: (Option<f64>, bool),
    /// Its products of which it holds the first line of a second or later purchase day.
    bought: Vec<Bought>,
}

impl OpenOrder {
    /// When it takes no further line.
    const fn closes_at(&self) -> Timestamp {
        self.at.plus_ms(OPEN_MS)
    }

    /// Whether a purchase that begins no order is one of its lines, and no straggler of an earlier one.
    fn holds(&self, purchase: &Purchase) -> bool {
        match (&self.order_id, &purchase.order_id) {
            (Some(own), Some(other)) => own == other,
            (None, _) | (_, None) => true,
        }
    }
}

impl<W: Write> Replay<W> {
    /// Applies an event of a customer.
    pub(super) fn customer_event(&mut self, place: usize, record: &EventRecord) -> Result<(), Failure> {
        // What an order will be is predicted from the state before its first line.
        let before = self.people.get(place).and_then(|person| person.state.clone());
        let Some(facts) = self.apply(place, Cause::Event(record)) else { return Ok(()) };
        let Event::Purchase(purchase) = &record.event else { return self.write_migration(place, &facts) };
        if purchase.is_return() {
            return self.write_migration(place, &facts);
        }
        if facts.is_new_order && !facts.is_late {
            self.begin_order(place, before.as_ref(), purchase, &facts)?;
        } else {
            self.write_migration(place, &facts)?;
        }
        self.assortment.sold(&purchase.product_id);
        self.note_purchase(place, purchase, facts.is_late)
    }

    /// The first line of an order: the order before it is complete, and the state `before` says what will be in
    /// this one.
    fn begin_order(
        &mut self,
        place: usize,
        before: Option<&Customer>,
        purchase: &Purchase,
        facts: &Facts,
    ) -> Result<(), Failure> {
        let open = self.people.get_mut(place).and_then(|person| person.open.take());
        if let (Some(open), Some(state)) = (open, before) {
            if let Some(person) = self.people.get(place) {
                self.due.remove(&closing(&open, person, place));
            }
            self.write_order(place, &open, Some(state))?;
        }
        self.write_migration(place, facts)?;
        let Some(person) = self.people.get_mut(place) else { return Ok(()) };
        let order_days = person.ledger.order_days();
        if !person.ledger.ordered(purchase.order_id.as_ref(), purchase.timestamp.utc_day()) {
            // A line so late that the engine has forgotten its order: no order of its own.
            return Ok(());
        }
        let context =
            Context { model: self.learning.model(), settings: &self.settings, customer_id: &person.id };
        let id = match &purchase.order_id {
            Some(id) => SmolStr::new(id.as_str()),
            None => format_smolstr!("basket-{}", person.ledger.orders()),
        };
        let contents = contents(before, purchase, &person.ledger, &self.assortment, &context);
        self.lines.recommendation(&person.id, (&id, purchase.timestamp), order_days, &contents)?;
        let open = OpenOrder {
            id,
            order_id: purchase.order_id.clone(),
            at: purchase.timestamp,
            burst: predict::burst(before, purchase.timestamp),
            hour: predict::hour(before, purchase.timestamp, &context),
            bought: Vec::new(),
        };
        self.due.insert(closing(&open, person, place));
        person.open = Some(open);
        Ok(())
    }

    /// Notes a purchase in the customer's ledger. When the product will be bought next is said when the order is
    /// complete; of a line that belongs to none that is open, at once.
    fn note_purchase(&mut self, place: usize, purchase: &Purchase, is_late: bool) -> Result<(), Failure> {
        let Some(person) = self.people.get_mut(place) else { return Ok(()) };
        let day = purchase.timestamp.utc_day();
        self.last_purchase_day = self.last_purchase_day.max(day);
        if is_late {
            person.ledger.bought_late(&purchase.product_id, day);
            return Ok(());
        }
        let Some(days) = person.ledger.bought(&purchase.product_id, day).filter(|&days| days >= 2) else {
            return Ok(());
        };
        let bought = Bought { product: purchase.product_id.clone(), at: purchase.timestamp, days };
        if let Some(open) = person.open.as_mut().filter(|open| open.holds(purchase)) {
            open.bought.push(bought);
            return Ok(());
        }
        let context =
            Context { model: self.learning.model(), settings: &self.settings, customer_id: &person.id };
        let Some(state) = &person.state else { return Ok(()) };
        write_consumption(&mut self.lines, &bought, state, &context)
    }

    /// The customer's open order takes no further line.
    pub(super) fn close_order(&mut self, place: usize) -> Result<(), Failure> {
        let open = self.people.get_mut(place).and_then(|person| person.open.take());
        match open {
            Some(open) => self.write_order(place, &open, None),
            None => Ok(()),
        }
    }

    /// Writes what is said of a complete order, from the state `before` the event that completed it, or from the
    /// customer's own where time did.
    fn write_order(
        &mut self,
        place: usize,
        open: &OpenOrder,
        before: Option<&Customer>,
    ) -> Result<(), Failure> {
        let Some(person) = self.people.get(place) else { return Ok(()) };
        let Some(state) = before.or(person.state.as_ref()) else { return Ok(()) };
        let context =
            Context { model: self.learning.model(), settings: &self.settings, customer_id: &person.id };
        let Some(verdict) = predict::verdict(state, &context) else { return Ok(()) };
        let order = ClosedOrder { id: &open.id, at: open.at, verdict, burst: open.burst, hour: open.hour };
        self.lines.order(&person.id, &order)?;
        for bought in &open.bought {
            write_consumption(&mut self.lines, bought, state, &context)?;
        }
        Ok(())
    }

    /// Writes the change of segment that an event or time caused, if there was one.
    pub(super) fn write_migration(&mut self, place: usize, facts: &Facts) -> Result<(), Failure> {
        let Some((from, to)) = &facts.segment_move else { return Ok(()) };
        if from.as_ref() == Some(to) {
            return Ok(());
        }
        let Some(person) = self.people.get_mut(place) else { return Ok(()) };
        let since = person.state.as_ref().and_then(Customer::segment_since).unwrap_or(self.now);
        // An order's change may be known after an outside model's word that was later than its first line.
        let at = moved_at(since, self.now, from.is_none()).max(person.moved_at);
        person.moved_at = at;
        self.lines.migration(&person.id, at, from.as_ref().map(SegmentName::label), to.label())
    }

    /// Writes which products are due on the day that begins at `midnight`.
    pub(super) fn write_due(&mut self, midnight: Timestamp) -> Result<(), Failure> {
        // A file with a gap of years has no product to look at for most of its dates.
        if midnight.utc_day() - self.last_purchase_day > *DUE_ELAPSED_DAYS.end() {
            return Ok(());
        }
        for person in self.people.by_id() {
            let Some(state) = &person.state else { continue };
            let context =
                Context { model: self.learning.model(), settings: &self.settings, customer_id: &person.id };
            for (product, days) in person.ledger.bought_on(DUE_PURCHASE_DAYS_MIN) {
                let elapsed = midnight.utc_day() - days.last;
                if !DUE_ELAPSED_DAYS.contains(&elapsed) {
                    continue;
                }
                let Ok(elapsed) = u16::try_from(elapsed) else { continue };
                let p = predict::due(state, product, elapsed, &context);
                self.lines.due(&person.id, midnight, (product, days.count, elapsed), p)?;
            }
        }
        Ok(())
    }

    /// Writes where each customer stands on the day that begins at `midnight`.
    pub(super) fn write_segments(&mut self, midnight: Timestamp) -> Result<(), Failure> {
        for person in self.people.by_id() {
            let Some(state) = person.state.as_ref().filter(|_| person.ledger.product_count() > 0) else {
                continue;
            };
            let context =
                Context { model: self.learning.model(), settings: &self.settings, customer_id: &person.id };
            // One whose first order is still open is new.
            let segment = state.segment().map_or(Segment::New.label(), SegmentName::label);
            self.lines.segment(&person.id, midnight, segment, predict::visit(state, midnight, &context))?;
        }
        Ok(())
    }
}

fn closing(open: &OpenOrder, person: &Person, place: usize) -> Due {
    Due { at: open.closes_at(), id: person.id.clone(), is_closing: true, place }
}

/// The moment of a change of segment. An order's change is that of its first line, also where it was complete only
/// ten minutes later; but a customer who is known does not move in a day that is over.
fn moved_at(since: Timestamp, now: Timestamp, is_first: bool) -> Timestamp {
    let is_of_order = now.ms_since(since) <= OPEN_MS;
    if is_of_order && (is_first || since.utc_day() == now.utc_day()) { since } else { now }
}

fn write_consumption<W: Write>(
    lines: &mut Lines<W>,
    bought: &Bought,
    state: &Customer,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let consumption = predict::consumption(state, &bought.product, context);
    lines.consumption(context.customer_id, bought, &consumption)
}

/// What the order that `purchase` begins will hold, from what was known before it. Where the model knows too few
/// products, what the shop has sold so far fills the lists.
fn contents(
    before: Option<&Customer>,
    purchase: &Purchase,
    ledger: &Ledger,
    assortment: &Assortment,
    context: &Context<'_>,
) -> BasketContents {
    let moment = BasketMoment {
        at: purchase.timestamp,
        location: purchase.location.as_deref(),
        device_type: purchase.device_type,
    };
    let is_new = |product: &ProductId| !ledger.has(product);
    let mut contents = predict::contents(before, moment, LISTED, context);
    let listed = contents.new_items.len();
    contents.new_items.retain(is_new);
    if contents.new_items.len() < listed {
        // The engine has no room to remember all that this customer has bought.
        contents.new_items = predict::contents(before, moment, LISTED_DEEP, context).new_items;
        contents.new_items.retain(is_new);
    }
    contents.new_items.truncate(LISTED);
    assortment.fill(&mut contents.items, LISTED, |_| true);
    if ledger.product_count() < assortment.len() {
        assortment.fill(&mut contents.new_items, LISTED, is_new);
    }
    contents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_segment_is_of_its_order_unless_the_day_is_over() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let (line, later) = (at("2026-01-01T10:00:00Z"), at("2026-01-01T10:10:00Z"));
        assert_eq!(moved_at(line, later, false), line);
        let (evening, night) = (at("2026-01-01T23:55:00Z"), at("2026-01-02T00:05:00Z"));
        assert_eq!(moved_at(evening, night, false), night);
        assert_eq!(moved_at(evening, night, true), evening);
        assert_eq!(moved_at(line, night, false), night, "silence");
    }
}
