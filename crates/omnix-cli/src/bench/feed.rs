//! From publishing to the insight on the feed, at about a tenth of the top rate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use omnix_worker::{Clock as _, WallClock};
use reqwest::Method;

use super::child::Server;
use super::disk::sync_ms;
use super::http::median;
use super::load::{Connection, request};
use super::table::{Row, Target, quantile};
use crate::client::Client;
use crate::commands::tail::EventStream;
use crate::failure::Failure;

/// Publishers, each with one event under way and a pause between two: about a tenth of what a machine takes.
const PUBLISHERS: u64 = 16;
const PAUSE: Duration = Duration::from_millis(8);

type Sent = Arc<Mutex<HashMap<String, Instant>>>;

/// The 99th percentile against that of a sync of 4 KiB.
pub(crate) async fn latency(dir: &std::path::Path, windows: u32, window: Duration) -> Result<Row, Failure> {
    let server = Server::start(dir, &[])?;
    let publisher = server.token("publisher")?;
    let reader = Client::new(&format!("http://{}", server.address), Some(&server.token("analyst")?));
    let sent: Sent = Arc::default();
    let times: Arc<Mutex<Vec<f64>>> = Arc::default();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(listen(reader, Arc::clone(&sent), Arc::clone(&times)));
    for number in 0..PUBLISHERS {
        tasks.spawn(publish(server.address.clone(), publisher.clone(), number, Arc::clone(&sent)));
    }
    let (mut ratios, mut latencies, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    tokio::time::sleep(window).await;
    for _ in 0..windows {
        times.lock().unwrap_or_else(PoisonError::into_inner).clear();
        tokio::time::sleep(window).await;
        let mut of_window = std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner));
        if of_window.is_empty() {
            return Err(Failure::unavailable("no insight came over the feed"));
        }
        of_window.sort_by(f64::total_cmp);
        let sync = quantile(&sync_ms(dir, 1_000)?, 0.99);
        let latency = quantile(&of_window, 0.99);
        ratios.push(latency / sync);
        latencies.push(latency);
        syncs.push(sync);
    }
    tasks.abort_all();
    Ok(Row {
        name: "publish to feed p99",
        values: ratios,
        unit: "syncs",
        target: Target::at_most(20.0, 10.0, 5.0),
        sides: format!("{:.2} ms, a sync of 4 KiB {:.2} ms", median(&latencies), median(&syncs)),
    })
}

/// Publishes changes of segment, each of which is an insight.
async fn publish(address: String, token: String, number: u64, sent: Sent) -> Result<(), Failure> {
    let mut connection = Connection::open(&address).await?;
    for n in 0_u64.. {
        let (customer, now) = (format!("feed-{number}-{n}"), WallClock.now());
        let body = format!(
            r#"{{"eventId":"{customer}","customerId":"{customer}","previousSegment":"Champions","newSegment":"At Risk","segmentationScore":0.2,"reasonCodes":[],"timestamp":"{now}","confidence":0.9,"modelVersion":"bench"}}"#
        );
        let bytes = request("POST", "/v1/streaming/events/segment-update", &token, "application/json", &body);
        sent.lock().unwrap_or_else(PoisonError::into_inner).insert(customer, Instant::now());
        connection.exchange(&bytes).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn listen(client: Client, sent: Sent, times: Arc<Mutex<Vec<f64>>>) -> Result<(), Failure> {
    let request = client.request(Method::GET, "/v1/streaming/feed?channels=insights");
    let mut bytes = client.send(request).await?.bytes_stream();
    let mut events = EventStream::default();
    while let Some(chunk) = bytes.next().await {
        let arrived = Instant::now();
        for event in events.push(&chunk?) {
            let message: serde_json::Value = serde_json::from_str(&event.data)?;
            let customer = message.pointer("/payload/customerId").and_then(serde_json::Value::as_str);
            let started =
                customer.and_then(|id| sent.lock().unwrap_or_else(PoisonError::into_inner).remove(id));
            if let Some(started) = started {
                let ms = arrived.duration_since(started).as_secs_f64() * 1_000.0;
                times.lock().unwrap_or_else(PoisonError::into_inner).push(ms);
            }
        }
    }
    Ok(())
}
