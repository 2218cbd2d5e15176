//! What the server counts, all in one place, and the text that Prometheus reads.
//!
//! Labels are bounded: route templates, known methods, kinds, outcomes. Never a customer, a product, a path or
//! a token.

mod stream;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use omnix_model::EventKind;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::backend::Backend;
use crate::body::IngestBudget;

/// Upper bounds of the buckets of a request's duration, in seconds.
const DURATION_BUCKETS_S: [f64; 10] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

type Labels<const N: usize> = [(&'static str, String); N];
/// Labels whose values are all known beforehand.
type Fixed<const N: usize> = [(&'static str, &'static str); N];

/// What became of an event that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Durable.
    Accepted,
    /// Was there already.
    Duplicate,
    /// Its id is taken.
    Conflict,
    /// Refused by validation.
    Rejected,
    /// Not taken: too much arrives, or nothing can be written.
    Refused,
    /// Not known.
    Unknown,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// What the server counts.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels<3>, Counter>,
    durations: Family<Labels<1>, Histogram, fn() -> Histogram>,
    auth_failures: Family<Fixed<1>, Counter>,
    events: Family<Fixed<2>, Counter>,
    body_bytes: Counter,
    rounded: Counter,
    /// Subscribers of the feed.
    pub(crate) feed_connections: Gauge,
    /// Messages sent to subscribers.
    pub(crate) feed_messages: Counter,
}

fn durations() -> Histogram {
    Histogram::new(DURATION_BUCKETS_S)
}

impl Metrics {
    /// Nothing counted yet; the stream's own counters are read from `backend`.
    pub(crate) fn new(backend: Arc<dyn Backend>, budget: IngestBudget) -> Self {
        let mut registry = Registry::with_prefix("omnix");
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(durations),
            auth_failures: Family::default(),
            events: Family::default(),
            body_bytes: Counter::default(),
            rounded: Counter::default(),
            feed_connections: Gauge::default(),
            feed_messages: Counter::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        let help = "From the head of a request to the head of its answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, metrics.durations.clone());
        registry.register("auth_failures", "Requests without authority", metrics.auth_failures.clone());
        registry.register("ingest_events", "Events that arrived, by outcome", metrics.events.clone());
        let help = "Bytes of bodies that held events, decompressed";
        registry.register_with_unit("ingest", help, Unit::Bytes, metrics.body_bytes.clone());
        let help = "Numbers that had more decimals than are kept";
        registry.register("ingest_rounded_numbers", help, metrics.rounded.clone());
        registry.register("feed_connections", "Subscribers of the feed", metrics.feed_connections.clone());
        registry.register("feed_messages", "Messages sent to subscribers", metrics.feed_messages.clone());
        registry.register_collector(Box::new(stream::StreamCollector::new(backend, budget)));
        Self { registry, ..metrics }
    }

    /// Counts an answered request.
    pub(crate) fn note_request(&self, route: &str, method: &Method, status: StatusCode, elapsed: Duration) {
        let method = if is_known(method) { method.as_str() } else { "other" };
        let labels = [
            ("route", route.to_owned()),
            ("method", method.to_owned()),
            ("status", status.as_str().to_owned()),
        ];
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&[("route", route.to_owned())]).observe(elapsed.as_secs_f64());
        let reason = match status {
            StatusCode::UNAUTHORIZED => "unauthenticated",
            StatusCode::FORBIDDEN => "forbidden",
            _ => return,
        };
        self.auth_failures.get_or_create(&[("reason", reason)]).inc();
    }

    /// Counts events; those without a kind could not be read.
    pub(crate) fn note_events(&self, kind: Option<EventKind>, outcome: Outcome, count: u64) {
        let kind = kind.map_or("unknown", EventKind::name);
        let labels = [("type", kind), ("outcome", outcome.name())];
        self.events.get_or_create(&labels).inc_by(count);
    }

    /// Counts a body that held events.
    pub(crate) fn note_body(&self, bytes: usize) {
        self.body_bytes.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Counts numbers that had to be rounded.
    pub(crate) fn note_rounded(&self, count: u32) {
        if count > 0 {
            self.rounded.inc_by(count.into());
        }
    }

    /// Everything that is counted, as `OpenMetrics` text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        text::encode(&mut out, &self.registry).unwrap_or_default();
        out
    }
}

fn is_known(method: &Method) -> bool {
    let known = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
    ];
    known.contains(method)
}
