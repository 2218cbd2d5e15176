//! `/v1/streaming/events/…`: events on their way in.
//!
//! A body is read only after its sender was found to be allowed to publish; it is parsed once, from its
//! bytes; nothing is stored before the last byte is in.

mod batch;
mod identity;
mod single;

use axum::extract::{Request, State};
use axum::response::Response;
use omnix_model::{ErrorCode, EventId, EventKind, Fault, RejectedEvent};
use omnix_wire::api::events::{
    AnyEvent, ConsumptionPredictionEvent, CustomerSegmentUpdateEvent, PurchaseEvent,
};
use omnix_wire::api::publish::{BatchResult, PublishReceipt};
use omnix_wire::{ParseSettings, Refused};
use omnix_worker::{NewEvent, PublishError, Receipt};
use tokio::time::timeout;

pub(super) use single::{Ids, publish_one};

use crate::app::App;
use crate::authority::{Authority, Publish};
use crate::metrics::Outcome;
use crate::problem::Problem;
use crate::query::{Parameter, Values};
use crate::route::{Content, Route};

const DRY_RUN: Parameter =
    Parameter::new("dryRun", Values::Flag, "validate only: nothing is stored or kept, ids are null");
const ECHO: Parameter =
    Parameter::new("echo", Values::OneOf(&["ids"]), "`ids`: answer the id of each item as well");
const IDEMPOTENCY_KEY: Parameter = Parameter::new(
    "Idempotency-Key",
    Values::Text,
    "stands for `eventId` where an event has none of its own; item i of a batch has the id `key/i`",
);
const PREFER: Parameter =
    Parameter::new("Prefer", Values::Text, "`handling=strict`: nothing is stored unless all items are valid");

/// What whoever publishes may be told beside what everybody may.
pub(super) const ERRORS: &[ErrorCode] = &[
    ErrorCode::MalformedJson,
    ErrorCode::RequestTimeout,
    ErrorCode::TooLarge,
    ErrorCode::UnsupportedMediaType,
    ErrorCode::ValidationFailed,
    ErrorCode::EventConflict,
    ErrorCode::Overloaded,
    ErrorCode::DiskFull,
    ErrorCode::LogDamaged,
    ErrorCode::Unavailable,
    ErrorCode::OutcomeUnknown,
];

pub(super) fn routes() -> Vec<Route> {
    let single = |route: Route, body: Content| {
        route
            .needs::<Publish>()
            .query(&[&DRY_RUN])
            .headers(&[&IDEMPOTENCY_KEY])
            .takes(body)
            .answers(201, "the event is durable", Content::json::<PublishReceipt>())
            .answers(200, "it was there already, or this was a dry run", Content::json::<PublishReceipt>())
            .fails(ERRORS)
    };
    vec![
        single(
            Route::post("/v1/streaming/events/purchase", purchase).about("Events", "Publish a purchase"),
            Content::json::<PurchaseEvent>(),
        ),
        single(
            Route::post("/v1/streaming/events/segment-update", segment_update)
                .about("Events", "Publish a change of segment"),
            Content::json::<CustomerSegmentUpdateEvent>(),
        ),
        single(
            Route::post("/v1/streaming/events/consumption-prediction", consumption_prediction)
                .about("Events", "Publish a prediction of consumption"),
            Content::json::<ConsumptionPredictionEvent>(),
        ),
        Route::post("/v1/streaming/events/batch", batch::publish)
            .about("Events", "Publish up to 10,000 events of any kind")
            .needs::<Publish>()
            .query(&[&DRY_RUN, &ECHO])
            .headers(&[&IDEMPOTENCY_KEY, &PREFER])
            .takes(Content::array::<AnyEvent>())
            .takes(Content::of::<AnyEvent>("application/x-ndjson", false))
            .answers(201, "all events are durable", Content::json::<BatchResult>())
            .answers(207, "some items were refused; the others are durable", Content::json::<BatchResult>())
            .answers(200, "this was a dry run", Content::json::<BatchResult>())
            .fails(ERRORS),
    ]
}

async fn purchase(
    authority: Authority<Publish>,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    single::publish(&authority, &app, EventKind::Purchase, request).await
}

async fn segment_update(
    authority: Authority<Publish>,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    single::publish(&authority, &app, EventKind::SegmentUpdate, request).await
}

async fn consumption_prediction(
    authority: Authority<Publish>,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    single::publish(&authority, &app, EventKind::ConsumptionPrediction, request).await
}

/// What an event is read against.
fn parse_settings(app: &App, expected: Option<EventKind>) -> ParseSettings {
    ParseSettings {
        now: app.now(),
        currency: app.shared.currency.clone(),
        anonymous_empty_allowed: app.shared.anonymous.allows_absent(),
        expected,
    }
}

/// Keeps an event that was refused by validation; what was refused for its size or its syntax is not kept.
fn keep_refused(app: &App, refused: Refused, body: &[u8]) {
    let first = refused.faults.as_slice().first().map(|fault| fault.code);
    if matches!(first, Some(ErrorCode::TooLarge | ErrorCode::MalformedJson)) {
        return;
    }
    app.shared.backend.reject(RejectedEvent {
        received_at: app.now(),
        faults: refused.faults.into_vec(),
        customer_id: refused.customer_id,
        event_id: refused.event_id,
        body: body.to_vec(),
    });
}

/// Hands events in and waits for their receipts.
async fn hand_in(app: &App, events: Vec<NewEvent>) -> Result<Vec<Receipt>, Problem> {
    let kinds: Vec<EventKind> = events.iter().map(|event| event.event.kind()).collect();
    let ids: Vec<EventId> = events.iter().map(|event| event.event_id.clone()).collect();
    let all = |outcome: Outcome| count(app, kinds.iter().map(|kind| (*kind, outcome)));
    let patience = app.shared.settings.http.ack_timeout();
    match timeout(patience, app.shared.backend.publish(events)).await {
        Ok(Ok(receipts)) => {
            count(app, kinds.iter().copied().zip(receipts.iter().map(outcome_of)));
            Ok(receipts)
        }
        Ok(Err(PublishError { refusal, .. })) => {
            all(Outcome::Refused);
            Err(Problem::new(refusal.code(), refusal.to_string()))
        }
        Err(_) => {
            all(Outcome::Unknown);
            Err(outcome_unknown(ids))
        }
    }
}

/// Counts what became of events, each kind and outcome once.
fn count(app: &App, outcomes: impl Iterator<Item = (EventKind, Outcome)>) {
    let mut counts: Vec<((EventKind, Outcome), u64)> = Vec::new();
    for outcome in outcomes {
        match counts.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, count)) => *count += 1,
            None => counts.push((outcome, 1)),
        }
    }
    for ((kind, outcome), count) in counts {
        app.shared.metrics.note_events(Some(kind), outcome, count);
    }
}

const fn outcome_of(receipt: &Receipt) -> Outcome {
    match receipt {
        Receipt::Stored(stored) => match stored.duplicate {
            Some(true) => Outcome::Duplicate,
            Some(false) | None => Outcome::Accepted,
        },
        Receipt::Conflict { .. } => Outcome::Conflict,
        Receipt::Unknown { .. } => Outcome::Unknown,
        Receipt::Refused { .. } => Outcome::Refused,
    }
}

fn outcome_unknown(ids: Vec<EventId>) -> Problem {
    let detail = "it may or may not be stored: send it again under the same `eventId`";
    Problem::new(ErrorCode::OutcomeUnknown, detail).with_event_ids(ids)
}

const CONFLICT: &str = "the customer has another event under this `eventId`; that one stays";

fn conflict_fault() -> Fault {
    Fault::new("/eventId", ErrorCode::EventConflict, CONFLICT)
}
