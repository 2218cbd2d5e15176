//! Publishing over HTTP: batches against the same server that only parses, single events against a route that
//! does nothing, and one event at a time against the disk's own sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use omnix_model::Timestamp;
use omnix_worker::{Clock as _, WallClock};

use super::child::Server;
use super::disk::sync_ms;
use super::events::purchase;
use super::load::{self, Connection, request};
use super::table::{Row, Target, quantile};
use crate::failure::Failure;

const PURCHASE: &str = "/v1/streaming/events/purchase";
const BATCH: &str = "/v1/streaming/events/batch";
const BATCH_EVENTS: u64 = 100;

/// Lines of an order; a real shop's have some 20.
const ORDER_LINES: u64 = 8;

/// The n-th event of a load: 4,300 customers, 3,700 products, now.
fn event(n: u64, now: Timestamp) -> String {
    let order = n / ORDER_LINES;
    let customer = order.wrapping_mul(2_654_435_761) % 4_300;
    purchase(
        &format!("b{order}"),
        customer,
        (customer * 31 + n % 90) % 3_700,
        1 + n % 5,
        100 + n % 1_900,
        now,
    )
}

fn with_id(event: &str, run: u64, n: u64) -> String {
    let body = event.strip_prefix('{').unwrap_or(event);
    format!(r#"{{"eventId":"{run}-{n}",{body}"#)
}

/// Makes bodies of `events` events each under ids that were never used before.
fn bodies(token: &str, path: &'static str, events: u64) -> Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync> {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let (token, run, now) = (token.to_owned(), RUNS.fetch_add(1, Ordering::Relaxed), WallClock.now());
    Arc::new(move |n| {
        let line = |i: u64| with_id(&event(n * events + i, now), run, n * events + i);
        let lines: Vec<String> = (0..events).map(line).collect();
        let kind = if events == 1 { "application/json" } else { "application/x-ndjson" };
        request("POST", path, &token, kind, &lines.join("\n"))
    })
}

/// Batches of 100 over 16 connections, against the same with `?dryRun=true`.
pub(crate) async fn batches(dir: &std::path::Path, windows: u32, window: Duration) -> Result<Row, Failure> {
    const DRY: &str = "/v1/streaming/events/batch?dryRun=true";
    let server = Server::start(dir, &[])?;
    let token = server.token("publisher")?;
    let (mut ratios, mut stored, mut parsed) = (Vec::new(), Vec::new(), Vec::new());
    load::run(&server.address, 16, window, bodies(&token, BATCH, BATCH_EVENTS)).await?;
    for _ in 0..windows {
        let real = load::run(&server.address, 16, window, bodies(&token, BATCH, BATCH_EVENTS)).await?;
        let dry = load::run(&server.address, 16, window, bodies(&token, DRY, BATCH_EVENTS)).await?;
        ratios.push(real.per_second() / dry.per_second());
        stored.push(real.per_second() * 100.0);
        parsed.push(dry.per_second() * 100.0);
    }
    Ok(Row {
        name: "http batches of 100",
        values: ratios,
        unit: "of parsing",
        target: Target::at_least(1.0 / 25.0, 1.0 / 13.0, 1.0 / 7.0),
        sides: format!("{:.0} events/s durable, {:.0} parsed only", median(&stored), median(&parsed)),
    })
}

/// Single events over 64 connections, against `/healthz`.
pub(crate) async fn singles(dir: &std::path::Path, windows: u32, window: Duration) -> Result<Row, Failure> {
    let server = Server::start(dir, &[])?;
    let token = server.token("publisher")?;
    let nothing = request("GET", "/healthz", &token, "text/plain", "");
    let nothing: Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync> = Arc::new(move |_| nothing.clone());
    let (mut ratios, mut stored, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    load::run(&server.address, 64, window, bodies(&token, PURCHASE, 1)).await?;
    for _ in 0..windows {
        let real = load::run(&server.address, 64, window, bodies(&token, PURCHASE, 1)).await?;
        let noop = load::run(&server.address, 64, window, Arc::clone(&nothing)).await?;
        ratios.push(real.per_second() / noop.per_second());
        stored.push(real.per_second());
        empty.push(noop.per_second());
    }
    Ok(Row {
        name: "http single events",
        values: ratios,
        unit: "of a no-op",
        target: Target::at_least(0.25, 0.4, 0.5),
        sides: format!(
            "{:.0} events/s durable, {:.0} requests/s doing nothing",
            median(&stored),
            median(&empty)
        ),
    })
}

/// One event at a time: the 99th percentile of its acknowledgement against that of a sync of 4 KiB.
pub(crate) async fn acknowledgement(
    dir: &std::path::Path,
    windows: u32,
    window: Duration,
) -> Result<Row, Failure> {
    let server = Server::start(dir, &[])?;
    let token = server.token("publisher")?;
    let (mut ratios, mut acks, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    let mut connection = Connection::open(&server.address).await?;
    for _ in 0..windows {
        let make = bodies(&token, PURCHASE, 1);
        let (started, mut times) = (Instant::now(), Vec::new());
        while started.elapsed() < window {
            let body = make(times.len() as u64);
            let sent = Instant::now();
            connection.exchange(&body).await?;
            times.push(sent.elapsed().as_secs_f64() * 1_000.0);
        }
        times.sort_by(f64::total_cmp);
        let sync = quantile(&sync_ms(dir, times.len().max(500))?, 0.99);
        let ack = quantile(&times, 0.99);
        ratios.push(ack / sync);
        acks.push(ack);
        syncs.push(sync);
    }
    Ok(Row {
        name: "acknowledgement p99",
        values: ratios,
        unit: "syncs",
        target: Target::at_most(5.0, 2.5, 1.5),
        sides: format!("{:.2} ms, a sync of 4 KiB {:.2} ms", median(&acks), median(&syncs)),
    })
}

pub(super) fn median(values: &[f64]) -> f64 {
    super::table::spread(values).1
}
