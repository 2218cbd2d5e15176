//! Folds a made-up shop's year, or one from a file, as a lane would: to profile, and to read what is said.
//!
//! `cargo run --release -p omnix-engine --example fold [EVENTS | FILE]`, alone or under `perf stat` or
//! `valgrind --tool=callgrind`: counts of instructions can be compared where times cannot. Every day of the
//! events' time a model is learnt, and the next day is scored with it. A file holds one purchase a line, in
//! the order of time: customer, product, name, thousandths, price, amount (both in millionths), milliseconds
//! since 1970 and order, separated by tabs.
//!
//! Deliberately not here: a comparison with anything (`omnix bench`).

#![expect(clippy::print_stdout, reason = "a tool for whoever works on the engine")]
#![expect(clippy::disallowed_methods, reason = "times are what is printed")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use omnix_engine::{Cause, Context, Customer, Model, Moment, Settings, Tally, apply, learn};
use omnix_model::{
    CustomerId, Event, EventId, EventRecord, InsightKind, Lane, Money, OrderId, Origin, ProductId, Purchase,
    Quantity, Suppressed, Suppression, Timestamp,
};
use smol_str::SmolStr;

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_else(|| "200000".to_owned());
    let records = match wanted.parse() {
        Ok(count) => shop(count),
        Err(_) => std::fs::read_to_string(&wanted)
            .expect("what the example makes is well-formed")
            .lines()
            .map(from_line)
            .collect(),
    };
    let is_told = std::env::args().nth(2).is_some();
    let mut run = Run::default();
    let started = Instant::now();
    for record in &records {
        run.take(record, is_told);
    }
    let all = started.elapsed();
    let count = records.len() as f64;
    println!(
        "{} customers; {:.0} events/s while applying, {} models in {:.2} s",
        run.customers.len(),
        count / (all - run.learning - run.writing).as_secs_f64(),
        run.model.number(),
        run.learning.as_secs_f64()
    );
    println!("written an event: head {:.0} B, pages {:.0} B", run.head / count, run.pages / count);
    println!(
        "model {:016x}; states and insights {:016x}; insights by case {:?}",
        run.model.hash(),
        run.hash,
        run.said
    );
    let kinds =
        InsightKind::ALL.map(|kind| (kind.name(), run.kinds.get(&kind.number()).copied().unwrap_or(0)));
    println!(
        "{kinds:?}, held back {:?}",
        Suppression::ALL.map(|reason| (reason.name(), run.held_back.of(reason)))
    );
}

#[derive(Default)]
struct Run {
    customers: BTreeMap<CustomerId, Option<Customer>>,
    model: Seeded,
    settings: Settings,
    tally: Tally,
    day: i64,
    learning: Duration,
    writing: Duration,
    head: f64,
    pages: f64,
    hash: u64,
    said: BTreeMap<SmolStr, u32>,
    kinds: BTreeMap<u8, u32>,
    held_back: Suppressed,
}

/// The model in force; the seed at first.
struct Seeded(Model);

impl Default for Seeded {
    fn default() -> Self {
        Self(Model::seed())
    }
}

impl std::ops::Deref for Seeded {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.0
    }
}

impl Run {
    fn take(&mut self, record: &EventRecord, is_told: bool) {
        let now = record.event.timestamp();
        if now.utc_day() != self.day {
            self.learn(now);
        }
        let Some(customer_id) = record.event.customer() else { return };
        let context = Context { model: &self.model.0, settings: &self.settings, customer_id };
        let moment = Moment { now, is_history: true };
        let mut newcomer = None;
        let customer = self.customers.get_mut(customer_id).unwrap_or(&mut newcomer);
        let effects = apply(customer, Cause::Event(record), moment, &context)
            .expect("what the example makes is well-formed");
        let started = Instant::now();
        self.tally.absorb(&effects.observations);
        self.held_back.merge(&effects.facts.suppressed);
        for insight in &effects.insights {
            *self.said.entry(insight.message_id.clone()).or_default() += 1;
            *self.kinds.entry(insight.kind.number()).or_default() += 1;
            if is_told {
                println!(
                    "{} {} {}: {}",
                    insight.timestamp,
                    insight.message_id,
                    insight.priority.name(),
                    insight.sentence
                );
            }
            self.hash ^= xxhash_rust::xxh3::xxh3_64(format!("{insight:?}").as_bytes()).rotate_left(1);
        }
        if let Some(customer) = customer {
            for part in customer.touched() {
                *if part.number == 0 { &mut self.head } else { &mut self.pages } += part.bytes.len() as f64;
                self.hash = self.hash.rotate_left(5) ^ xxhash_rust::xxh3::xxh3_64(&part.bytes);
            }
            customer.mark_clean();
        }
        self.writing += started.elapsed();
        if newcomer.is_some() {
            self.customers.insert(customer_id.clone(), newcomer);
        }
    }

    fn learn(&mut self, now: Timestamp) {
        let started = Instant::now();
        self.day = now.utc_day();
        self.model = Seeded(learn(&self.model.0, &[(Lane::FIRST, std::mem::take(&mut self.tally))], now));
        self.learning += started.elapsed();
    }
}

/// A year of a shop: 4,300 customers with 90 favourites among 3,700 products each, 1 to 11 lines an order.
fn shop(count: u64) -> Vec<EventRecord> {
    let mut seed = 1_u64;
    let mut below = |limit: u64| {
        // `SplitMix64`.
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    };
    let step_ms = 365 * 86_400_000 / count;
    let (mut records, mut order) = (Vec::new(), 0);
    while (records.len() as u64) < count {
        order += 1;
        let (customer, lines) = (below(4_300), 1 + below(11));
        let at = 1_735_689_600_000 + records.len() as u64 * step_ms;
        for _ in 0..lines {
            let product = (customer * 7_919 + below(90) * 104_729) % 3_700;
            let (quantity, cents) = (1 + below(5), 100 + product % 1_900);
            let price = cents * 10_000;
            records.push(from_line(&format!(
                "customer-{customer:07}\tsku-{product:05}\tProduct number {product}\t{}\t{price}\t{}\t{at}\to{order}",
                quantity * 1_000,
                quantity * price
            )));
        }
    }
    records
}

fn from_line(line: &str) -> EventRecord {
    let mut fields = line.split('\t');
    let mut field = || fields.next().expect("what the example makes is well-formed");
    let (customer, product, name) = (field(), field(), field());
    let mut figure = || field().parse::<i64>().expect("what the example makes is well-formed");
    let (quantity, price, amount, at) = (figure(), figure(), figure(), figure());
    let purchase = Purchase {
        customer_id: Some(CustomerId::new(customer).expect("what the example makes is well-formed")),
        product_id: ProductId::new(product).expect("what the example makes is well-formed"),
        product_category: SmolStr::new_static("all"),
        product_name: SmolStr::new(name),
        quantity: Quantity::from_thousandths(quantity),
        price: Money::from_millionths(price),
        total_amount: Money::from_millionths(amount),
        timestamp: Timestamp::from_ms_clamped(at),
        location: None,
        payment_method: None,
        device_type: None,
        order_id: Some(OrderId::new(field()).expect("what the example makes is well-formed")),
        order_lines: None,
        metadata: SmolStr::default(),
        extra: SmolStr::default(),
    };
    EventRecord {
        event_id: EventId::new("e").expect("what the example makes is well-formed"),
        origin: Origin::Import,
        fingerprint: 0,
        anonymous: false,
        event: Event::Purchase(purchase),
    }
}
