//! The engine alone: `apply` without log, store or network, against the update of job J on the same events.

use std::collections::HashMap;
use std::time::Instant;

use omnix_engine::{Cause, Context, Customer, Model, Moment, Settings, apply};
use omnix_model::{CustomerId, Event, EventId, EventRecord, Origin, Timestamp};
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
    for _ in 0..windows {
        let started = Instant::now();
        std::hint::black_box(job_j::run_parsed(&parsed));
        let bare = parsed.len() as f64 / started.elapsed().as_secs_f64();
        let started = Instant::now();
        std::hint::black_box(fold(&records));
        let full = records.len() as f64 / started.elapsed().as_secs_f64();
        ratios.push(full / bare);
        ours.push(full);
        theirs.push(bare);
    }
    Ok(Row {
        name: "engine alone",
        values: ratios,
        unit: "of job J",
        target: Target::at_least(1.0 / 12.0, 1.0 / 6.0, 1.0 / 3.0),
        sides: format!(
            "{:.0} events/s, job J's update {:.0} events/s, one thread",
            median(&ours),
            median(&theirs)
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

/// Applies all records; answers how many insights they raised.
fn fold(records: &[EventRecord]) -> usize {
    let (model, settings) = (Model::seed(), Settings::default());
    let mut customers: HashMap<CustomerId, Customer> = HashMap::new();
    let mut insights = 0;
    for record in records {
        let Some(customer_id) = record.event.customer() else { continue };
        let context = Context { model: &model, settings: &settings, customer_id };
        let moment = Moment { now: record.event.timestamp(), is_history: true };
        let Ok(mut applied) = apply(customers.get(customer_id), Cause::Event(record), moment, &context)
        else {
            continue;
        };
        insights += applied.effects.insights.len();
        applied.customer.mark_clean();
        match customers.get_mut(customer_id) {
            Some(customer) => *customer = applied.customer,
            None => {
                customers.insert(customer_id.clone(), applied.customer);
            }
        }
    }
    insights
}
