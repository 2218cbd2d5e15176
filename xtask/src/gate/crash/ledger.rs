//! What was sent and what was acknowledged: the truth that the server is held to.
//!
//! A pure data structure: no network, no clock, no process. One ledger a publisher; a publisher owns its
//! customers and sends a customer's next event only when the one before is acknowledged, so that of each
//! customer a *prefix* of the events is acknowledged, and the order in which they have to be applied is known.
//!
//! Two kinds of customers: *buyers* buy, and are held to exact counts and sums; *movers* are moved from
//! segment to segment by published updates, each of which is exactly one insight that names its number, and
//! are held to their order.

use std::fmt::Write as _;
use std::ops::Range;

use super::super::random::Random;

/// Buyers that a publisher has at a time.
const BUYERS: usize = 6;

/// Movers that a publisher has at a time.
const MOVERS: usize = 2;

/// Lines of an order.
const LINES: usize = 3;

/// Violations that are kept; the first say it all.
const VIOLATIONS_MAX: usize = 100;

/// The customer whose insights give the feed's follower a first place to stand on; it is held to nothing.
pub(crate) const STARTER: &str = "gate-start";

/// How far a buyer's own times lie behind the clock: one for each event, they must not get ahead of it.
const BEHIND_MS: i64 = 10 * 60 * 1000;

/// How far a mover's own times lie ahead of the clock. The server takes such events as of now; that must not
/// make another event of one that is sent again later.
const AHEAD_MS: i64 = 2_000;

/// What a customer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Buys.
    Buyer,
    /// Is moved from segment to segment.
    Mover,
}

/// One event, in as few bytes as its text can be made from again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its own time, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// Pieces bought.
    pub(crate) quantity: u32,
    /// The price of a piece in cents.
    pub(crate) cents: u32,
}

/// A customer and all its events.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    /// Its id.
    pub(crate) id: String,
    /// What it does.
    pub(crate) kind: Kind,
    entries: Vec<Entry>,
    /// How many of the entries, from the first, are acknowledged.
    acknowledged: usize,
    /// How many were when the server was last held to them.
    audited: usize,
    /// The `sequenceNumber` of the last event that got one.
    position: String,
}

/// What the server has to say of a buyer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Purchase events.
    pub(crate) purchases: u64,
    /// Their sum in millionths.
    pub(crate) spent_millionths: i128,
    /// The own time of the last.
    pub(crate) last_at_ms: i64,
}

impl Customer {
    fn new(id: String, kind: Kind) -> Self {
        let position = String::new();
        Self { id, kind, entries: Vec::new(), acknowledged: 0, audited: 0, position }
    }

    /// The customer [`STARTER`] with `count` moves.
    pub(crate) fn starter(count: i64) -> Self {
        let entries = (0..count).map(|at_ms| Entry { at_ms, quantity: 1, cents: 1 }).collect();
        Self { entries, ..Self::new(STARTER.to_owned(), Kind::Mover) }
    }

    /// Events that were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    /// The numbers of the events that were acknowledged since the last [`Self::audited`].
    pub(crate) fn news(&self) -> Range<usize> {
        self.audited..self.acknowledged
    }

    /// Remembers that the server was held to all that is acknowledged.
    pub(crate) fn audited(&mut self) {
        self.audited = self.acknowledged;
    }

    /// What the acknowledged events add up to; `None` when there is none.
    pub(crate) fn expected(&self) -> Option<Expected> {
        let entries = self.entries.get(..self.acknowledged).unwrap_or_default();
        let last_at_ms = entries.iter().map(|entry| entry.at_ms).max()?;
        let cents: i128 =
            entries.iter().map(|entry| i128::from(entry.cents) * i128::from(entry.quantity)).sum();
        Some(Expected { purchases: entries.len() as u64, spent_millionths: cents * 10_000, last_at_ms })
    }

    /// Event `number` as JSON, the same text each time.
    pub(crate) fn json(&self, number: usize) -> String {
        let Some(entry) = self.entries.get(number) else { return String::new() };
        let time = jiff::Timestamp::from_millisecond(entry.at_ms).unwrap_or_default();
        let id = &self.id;
        let mut json = format!(r#"{{"customerId":"{id}","eventId":"{id}-{number}","timestamp":"{time:.3}","#);
        let written = match self.kind {
            Kind::Buyer => {
                let Entry { quantity, cents, .. } = *entry;
                let total = money(u64::from(cents) * u64::from(quantity));
                let (price, product, order) = (money(cents.into()), cents % 40, number / LINES);
                write!(
                    json,
                    r#""eventType":"purchase","productId":"p-{product}","productCategory":"gate","productName":"Product {product}","quantity":{quantity},"price":{price},"totalAmount":{total},"metadata":{{"orderId":"{id}-o{order}"}}}}"#
                )
            }
            Kind::Mover => {
                let previous =
                    number.checked_sub(1).map_or("null".to_owned(), |last| format!("\"{}\"", segment(last)));
                let new = segment(number);
                write!(
                    json,
                    r#""eventType":"segment_update","previousSegment":{previous},"newSegment":"{new}","segmentationScore":0.5,"reasonCodes":["gate"],"confidence":0.8,"modelVersion":"gate"}}"#
                )
            }
        };
        written.map(|()| json).unwrap_or_default()
    }
}

/// The name of the segment that a mover's event `number` moves it to: one that no event before named.
fn segment(number: usize) -> String {
    format!("Gate {number:07}")
}

/// The number of the event that an insight about a mover names; of two (from, to) the larger.
pub(crate) fn segment_number(insight: &str) -> Option<usize> {
    insight
        .split("Gate ")
        .skip(1)
        .filter_map(|rest| rest.get(..7).and_then(|digits| digits.parse::<usize>().ok()))
        .max()
}

/// Cents as a decimal number.
fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// What one request carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Customer and number of each event, in the order of the request.
    pub(crate) items: Vec<(usize, usize)>,
    /// Whether it was sent before, and may have been stored.
    in_doubt: bool,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of its events are in.
    Acknowledged {
        /// How many of them had been in before.
        duplicates: u64,
        /// The `sequenceNumber`, of a single event that is no duplicate.
        position: Option<String>,
    },
    /// The server, or the lack of one, says that nothing was stored.
    NotStored,
    /// It may have been stored, or not.
    Unknown,
    /// It was refused, though nothing is wrong with it.
    Refused(String),
}

/// What a publisher sent, and how it ended.
#[derive(Debug)]
pub(crate) struct Ledger {
    publisher: u64,
    customers: Vec<Customer>,
    /// The index of the first customer of the generation that is now in use.
    current: usize,
    generation: u64,
    last_ms: i64,
    /// What the server may not do.
    pub(crate) violations: Vec<String>,
    /// Requests that had to be sent again because their outcome was unknown.
    pub(crate) doubts: u64,
}

impl Ledger {
    /// The ledger of publisher number `publisher`, with a first generation of customers.
    pub(crate) fn new(publisher: u64) -> Self {
        let mut ledger = Self {
            publisher,
            customers: Vec::new(),
            current: 0,
            generation: 0,
            last_ms: 0,
            violations: Vec::new(),
            doubts: 0,
        };
        ledger.renew();
        ledger
    }

    /// Goes on with new customers; the old ones get no more events, but are held to the end.
    pub(crate) fn renew(&mut self) {
        self.current = self.customers.len();
        let (publisher, generation) = (self.publisher, self.generation);
        let buyers = (0..BUYERS).map(|number| (format!("b{publisher}-{generation}-{number}"), Kind::Buyer));
        let movers = (0..MOVERS).map(|number| (format!("m{publisher}-{generation}-{number}"), Kind::Mover));
        self.customers.extend(buyers.chain(movers).map(|(id, kind)| Customer::new(id, kind)));
        self.generation += 1;
    }

    /// All customers, of all generations.
    pub(crate) fn customers(&self) -> &[Customer] {
        &self.customers
    }

    /// All customers, to mark them as audited.
    pub(crate) fn customers_mut(&mut self) -> &mut [Customer] {
        &mut self.customers
    }

    /// Acknowledged events.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.customers.iter().map(|customer| customer.acknowledged as u64).sum()
    }

    /// `count` new events, one request. The unit has to be settled before the next is issued.
    pub(crate) fn issue(&mut self, count: u64, now_ms: i64, random: &mut Random) -> Unit {
        let mut items = Vec::new();
        for _ in 0..count {
            let chosen =
                self.current + usize::try_from(random.between(0, (BUYERS + MOVERS) as u64 - 1)).unwrap_or(0);
            let Some(customer) = self.customers.get_mut(chosen) else { continue };
            // Own times differ, so that the last is one event and no other.
            self.last_ms = now_ms.max(self.last_ms + 1);
            let at_ms = match customer.kind {
                Kind::Buyer => self.last_ms - BEHIND_MS,
                Kind::Mover => self.last_ms + AHEAD_MS,
            };
            let quantity = u32::try_from(random.between(1, 9)).unwrap_or(1);
            let cents = u32::try_from(random.between(1, 99_999)).unwrap_or(1);
            items.push((chosen, customer.entries.len()));
            customer.entries.push(Entry { at_ms, quantity, cents });
        }
        Unit { items, in_doubt: false }
    }

    /// The unit as a request's body: one event as an object, several as an array.
    pub(crate) fn body(&self, unit: &Unit) -> String {
        let events: Vec<String> =
            unit.items.iter().filter_map(|(c, n)| Some(self.customers.get(*c)?.json(*n))).collect();
        match events.as_slice() {
            [event] => event.clone(),
            events => format!("[{}]", events.join(",")),
        }
    }

    /// The kind of the unit's first event.
    pub(crate) fn kind(&self, unit: &Unit) -> Option<Kind> {
        let (customer, _) = unit.items.first()?;
        Some(self.customers.get(*customer)?.kind)
    }

    /// Takes down how a request ended; says whether the unit is done. One that is not is sent again.
    pub(crate) fn settle(&mut self, unit: &mut Unit, outcome: Outcome) -> bool {
        match outcome {
            Outcome::NotStored => false,
            Outcome::Unknown => {
                unit.in_doubt = true;
                self.doubts += 1;
                false
            }
            Outcome::Refused(why) => {
                // Sent again until the run notices and ends: a customer's later events must not overtake it.
                let violation = format!("sound events were refused: {why}");
                if self.violations.len() < VIOLATIONS_MAX && self.violations.last() != Some(&violation) {
                    self.violations.push(violation);
                }
                false
            }
            Outcome::Acknowledged { duplicates, position } => {
                self.acknowledge(unit, duplicates, position);
                true
            }
        }
    }

    fn acknowledge(&mut self, unit: &Unit, duplicates: u64, position: Option<String>) {
        if duplicates > 0 && !unit.in_doubt {
            self.violations.push(format!(
                "{duplicates} of {} events were called duplicates when nothing had been stored of them: {:?}",
                unit.items.len(),
                self.first_id(unit)
            ));
        }
        for (chosen, number) in &unit.items {
            let Some(customer) = self.customers.get_mut(*chosen) else { continue };
            assert_eq!(customer.acknowledged, *number, "a customer's events are settled in their order");
            customer.acknowledged += 1;
        }
        let (Some(position), [(chosen, _)]) = (position, unit.items.as_slice()) else { return };
        let Some(customer) = self.customers.get_mut(*chosen) else { return };
        if position <= customer.position {
            let Customer { id, position: last, .. } = customer;
            self.violations.push(format!("`{id}`: position `{position}` was acknowledged after `{last}`"));
        } else {
            customer.position = position;
        }
    }

    fn first_id(&self, unit: &Unit) -> Option<String> {
        let (customer, number) = unit.items.first()?;
        Some(format!("{}-{number}", self.customers.get(*customer)?.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: Outcome = Outcome::Acknowledged { duplicates: 0, position: None };

    fn at(position: &str) -> Outcome {
        Outcome::Acknowledged { duplicates: 0, position: Some(position.to_owned()) }
    }

    #[test]
    fn only_what_was_acknowledged_is_expected() {
        let (mut ledger, mut random) = (Ledger::new(1), Random::new(1));
        let mut unit = ledger.issue(50, 1000, &mut random);
        assert!(ledger.customers().iter().all(|customer| customer.expected().is_none()));
        assert!(!ledger.settle(&mut unit, Outcome::Unknown));
        assert!(!ledger.settle(&mut unit, Outcome::NotStored));
        assert!(ledger.customers().iter().all(|customer| customer.expected().is_none()));
        assert!(ledger.settle(&mut unit, DONE));
        let purchases: u64 =
            ledger.customers().iter().filter_map(Customer::expected).map(|e| e.purchases).sum();
        assert_eq!((purchases, ledger.acknowledged(), ledger.doubts), (50, 50, 1));
        assert!(ledger.violations.is_empty());
    }

    #[test]
    fn sums_are_those_of_the_texts_that_were_sent() {
        let (mut ledger, mut random) = (Ledger::new(1), Random::new(2));
        let mut unit = ledger.issue(200, 1000, &mut random);
        let body: Vec<serde_json::Value> = serde_json::from_str(&ledger.body(&unit)).unwrap();
        ledger.settle(&mut unit, DONE);
        let customer = ledger.customers().first().unwrap();
        let theirs = || body.iter().filter(|event| event["customerId"] == customer.id.as_str());
        let digits = |text: &str| text.replace('.', "").parse::<i128>().unwrap();
        let cents: i128 =
            theirs().map(|event| digits(&format!("{:.2}", event["totalAmount"].as_f64().unwrap()))).sum();
        let expected = customer.expected().unwrap();
        assert_eq!(expected.spent_millionths, cents * 10_000);
        assert_eq!(expected.purchases, theirs().count() as u64);
    }

    #[test]
    fn a_duplicate_is_a_fault_unless_the_event_may_have_been_stored() {
        let (mut ledger, mut random) = (Ledger::new(1), Random::new(3));
        let duplicate = Outcome::Acknowledged { duplicates: 1, position: None };
        let mut doubtful = ledger.issue(1, 1, &mut random);
        ledger.settle(&mut doubtful, Outcome::Unknown);
        ledger.settle(&mut doubtful, duplicate.clone());
        assert!(ledger.violations.is_empty());
        let mut fresh = ledger.issue(1, 1, &mut random);
        ledger.settle(&mut fresh, Outcome::NotStored);
        ledger.settle(&mut fresh, duplicate);
        assert_eq!(ledger.violations.len(), 1);
    }

    #[test]
    fn what_is_refused_is_a_fault_and_holds_up_what_comes_after() {
        let (mut ledger, mut random) = (Ledger::new(1), Random::new(3));
        let mut unit = ledger.issue(1, 1, &mut random);
        assert!(!ledger.settle(&mut unit, Outcome::Refused("422".to_owned())));
        assert_eq!((ledger.violations.len(), ledger.acknowledged()), (1, 0));
    }

    #[test]
    fn positions_of_a_customer_grow() {
        let (mut ledger, mut random) = (Ledger::new(1), Random::new(4));
        let mut of_one = |ledger: &mut Ledger, position: &str| {
            loop {
                let mut unit = ledger.issue(1, 1, &mut random);
                if unit.items[0].0 == 0 {
                    ledger.settle(&mut unit, at(position));
                    return;
                }
                ledger.settle(&mut unit, DONE);
            }
        };
        of_one(&mut ledger, "00000-1");
        of_one(&mut ledger, "00000-2");
        assert!(ledger.violations.is_empty());
        of_one(&mut ledger, "00000-2");
        assert_eq!(ledger.violations.len(), 1);
    }

    #[test]
    fn own_times_differ_and_a_text_is_the_same_each_time() {
        let (mut ledger, mut random) = (Ledger::new(1), Random::new(5));
        let unit = ledger.issue(100, 7, &mut random);
        let times: std::collections::BTreeSet<i64> = ledger
            .customers()
            .iter()
            .flat_map(|customer| &customer.entries)
            .map(|entry| entry.at_ms)
            .collect();
        assert_eq!(times.len(), 100);
        assert_eq!(ledger.body(&unit), ledger.body(&unit));
        assert!(ledger.body(&unit).contains(r#""timestamp":"1969-12-31T23:50:00.007Z""#));
    }

    #[test]
    fn a_new_generation_leaves_the_old_one_as_it_was() {
        let (mut ledger, mut random) = (Ledger::new(1), Random::new(6));
        let mut unit = ledger.issue(100, 1, &mut random);
        ledger.settle(&mut unit, DONE);
        ledger.renew();
        let mut unit = ledger.issue(100, 1, &mut random);
        assert!(unit.items.iter().all(|(customer, _)| *customer >= BUYERS + MOVERS));
        ledger.settle(&mut unit, DONE);
        assert_eq!(ledger.acknowledged(), 200);
        let ids: std::collections::BTreeSet<&str> =
            ledger.customers().iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids.len(), 2 * (BUYERS + MOVERS));
    }

    #[test]
    fn an_insight_names_the_event_that_caused_it() {
        assert_eq!(segment_number("moved from Gate 0000011 to Gate 0000012"), Some(12));
        assert_eq!(segment_number("moved from null to Gate 0000000"), Some(0));
        assert_eq!(segment_number("bought much"), None);
    }
}
