//! What log lines hold, and what they never do.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{House, Mood, purchase};

/// Keeps every line, of every level.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut lines = self.0.lock().unwrap();
        write!(lines, "{} ", event.metadata().target()).unwrap();
        event.record(&mut Line(&mut lines));
        lines.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn no_line_names_a_person_or_a_token() {
    let lines = Lines::default();
    let guard = tracing::subscriber::set_default(lines.clone());
    let house = House::with(|settings| settings.http.ack_timeout_ms = 20);
    let publish = "/v1/streaming/events/purchase";
    house.publisher().post(publish, &purchase("secret-customer")).await;
    house.publisher().post(publish, &json!({ "customerId": "secret-customer", "price": "secret" })).await;
    house.publisher().send(Method::POST, publish, &[], "{\"secret\": secret").await;
    let headers = [("content-encoding", "gzip"), ("idempotency-key", "secret-key")];
    house.publisher().send(Method::POST, publish, &headers, "secret").await;
    house.analyst().get("/v1/streaming/insights/secret-customer?hours=0&secret=1").await;
    house.analyst().get("/v1/streaming/customers?customerId=secret-customer").await;
    house.analyst().get("/v1/streaming/secret-path").await;
    house.analyst().get("/v1/streaming/feed?channels=user.secret&ticket=secret").await;
    house.bearer("secret-token").get("/v1/streaming/streams").await;
    house.nobody().get("/v1/streaming/feed?ticket=secret-ticket").await;
    house.stream.be(Mood::Hanging);
    house.publisher().post(publish, &purchase("secret-customer")).await;
    drop(guard);
    let lines = lines.0.lock().unwrap();
    assert!(!lines.contains("secret"), "{lines}");
    for part in
        ["route=\"/v1/streaming/insights/{customerId}\"", "status=422", "route=\"none\"", "status=504"]
    {
        assert!(lines.contains(part), "{part}: {lines}");
    }
}
