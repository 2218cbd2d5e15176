//! The engine alone: `apply` without log, store or network, against the update of job J on the same events.
//!
//! Under a model that has learnt, as in a shop: of every day of the events' time the next model is made. That is
//! the trainer's work and not on the path of an event, so it is not in the ratio, but told beside it.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use omnix_engine::{
    Cause, Context, Customer, Model, Moment, Observation, Settings, Tally, Watch, Work, apply, apply_watched,
    learn,
};
use omnix_model::{CustomerId, Event, EventId, EventRecord, Lane, Origin, Timestamp};
use omnix_wire::{ParseSettings, parse_event};
use smol_str::SmolStr;

use super::events::Population;
use super::http::median;
use super::job_j::{self, Parsed};
use super::table::{Row, Target};
use crate::failure::Failure;

/// Events a second on one thread, against job J's update.
#[expect(clippy::cast_precision_loss, reason = "a few hundred thousand events")]
pub(crate) fn speed(population: Population, windows: u32) -> Result<Row, Failure> {
    let (records, parsed) = events(population)?;
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut learning, mut models) = (Vec::new(), 0);
    for _ in 0..windows {
        let started = Instant::now();
        std::hint::black_box(job_j::run_parsed(&parsed));
        let bare = parsed.len() as f64 / started.elapsed().as_secs_f64();
        let started = Instant::now();
        let folded = fold(&records, None);
        std::hint::black_box(folded.insights);
        let full = records.len() as f64 / (started.elapsed() - folded.learning).as_secs_f64();
        learning.push(folded.learning.as_secs_f64());
        models = folded.models;
        ratios.push(full / bare);
        ours.push(full);
        theirs.push(bare);
    }
    let parts = parts(&records);
    Ok(Row {
        name: "engine alone",
        values: ratios,
        unit: "of job J",
        target: Target::at_least(1.0 / 12.0, 1.0 / 6.0, 1.0 / 3.0),
        sides: format!(
            "{:.0} events/s, job J's update {:.0} events/s, one thread; {parts}; beside it {models} models in {:.2} s",
            median(&ours),
            median(&theirs),
            median(&learning)
        ),
    })
}

fn events(population: Population) -> Result<(Vec<EventRecord>, Vec<Parsed>), Failure> {
    let settings = ParseSettings {
        now: Timestamp::MAX,
        currency: SmolStr::new_static("EUR"),
        anonymous_empty_allowed: false,
        expected: None,
    };
    let (mut records, mut parsed) = (Vec::new(), Vec::new());
    population.write(&mut |line| {
        let Ok(Ok(event)) = parse_event(line.as_bytes(), &settings) else {
            return Err(Failure::usage("an event of the bench's own does not parse"));
        };
        if let Event::Purchase(purchase) = &event.event {
            parsed.push(Parsed {
                customer: purchase.customer_id.as_ref().map_or_else(String::new, ToString::to_string),
                product: purchase.product_id.to_string(),
                amount: purchase.total_amount.as_f64(),
                at_s: purchase.timestamp.ms() / 1_000,
            });
        }
        let event_id = EventId::new(&records.len().to_string())?;
        let origin = Origin::Import;
        records.push(EventRecord { event_id, origin, fingerprint: 0, anonymous: false, event: event.event });
        Ok(())
    })?;
    Ok((records, parsed))
}

/// What part of the engine's time its detectors take: of one run that is not in the ratio, for looking at the clock
/// takes time too.
fn parts(records: &[EventRecord]) -> String {
    let stopwatch = Stopwatch::default();
    let started = Instant::now();
    let folded = fold(records, Some(&stopwatch));
    let whole = (started.elapsed() - folded.learning).as_secs_f64();
    let percent = |spent: Duration| 100.0 * spent.as_secs_f64() / whole;
    let name = |work: Work| match work {
        Work::Detect(kind) => kind.name(),
        Work::Teach => "teaching the learners",
    };
    let parts = Work::ALL.into_iter().zip(&stopwatch.spent);
    let parts = parts.map(|(work, spent)| format!("{} {:.0} %", name(work), percent(spent.get())));
    let parts: Vec<String> = parts.collect();
    format!("of its time {}, the rest folds", parts.join(", "))
}

/// Reads the clock when a part of the engine begins and when it ends.
#[derive(Debug, Default)]
struct Stopwatch {
    began: Cell<Option<Instant>>,
    spent: [Cell<Duration>; Work::ALL.len()],
}

impl Watch for Stopwatch {
    fn begins(&self, _: Work) {
        self.began.set(Some(Instant::now()));
    }

    fn ends(&self, work: Work) {
        let spent = self.began.take().map_or(Duration::ZERO, |began| began.elapsed());
        let mut parts = Work::ALL.iter().zip(&self.spent);
        if let Some((_, sum)) = parts.find(|(other, _)| **other == work) {
            sum.set(sum.get() + spent);
        }
    }
}

/// What came of applying all records.
#[derive(Debug, Default)]
struct Folded {
    /// Insights raised; counted, so that nothing can be left out.
    insights: usize,
    /// Models learnt on the way, and what that took, observing included.
    models: u64,
    learning: Duration,
}

/// Applies all records, each day's under what the days before it taught; `watch` is told of the engine's parts.
fn fold(records: &[EventRecord], watch: Option<&dyn Watch>) -> Folded {
    let (mut model, settings) = (Model::seed(), Settings::default());
    let mut customers: HashMap<CustomerId, Option<Customer>> = HashMap::new();
    let mut folded = Folded::default();
    let mut observed: Vec<Vec<Observation>> = Vec::new();
    let mut day = records.first().map_or(0, |record| record.event.timestamp().utc_day());
    for record in records {
        let Some(customer_id) = record.event.customer() else { continue };
        let now = record.event.timestamp();
        if now.utc_day() != day {
            day = now.utc_day();
            let started = Instant::now();
            model = next_model(&model, &mut observed, now);
            folded.models = model.number();
            folded.learning += started.elapsed();
        }
        let context = Context { model: &model, settings: &settings, customer_id };
        let moment = Moment { now, is_history: true };
        let mut newcomer = None;
        let customer = customers.get_mut(customer_id).unwrap_or(&mut newcomer);
        let cause = Cause::Event(record);
        let applied = match watch {
            Some(watch) => apply_watched(customer, cause, moment, &context, watch),
            None => apply(customer, cause, moment, &context),
        };
        let Ok(mut effects) = applied else { continue };
        folded.insights += effects.insights.len();
        observed.push(std::mem::take(&mut effects.observations));
        if let Some(customer) = customer {
            customer.mark_clean();
        }
        if newcomer.is_some() {
            customers.insert(customer_id.clone(), newcomer);
        }
    }
    folded
}

/// The model after what was `observed` on the day that has ended.
fn next_model(model: &Model, observed: &mut Vec<Vec<Observation>>, now: Timestamp) -> Model {
    let mut tally = Tally::default();
    observed.drain(..).for_each(|observations| tally.absorb(&observations));
    learn(model, &[(Lane::FIRST, tally)], now)
}
