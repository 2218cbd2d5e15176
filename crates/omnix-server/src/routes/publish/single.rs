//! One event: parsed, handed in, answered.

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use omnix_model::limits::EVENT_BYTES_MAX;
use omnix_model::{ErrorCode, EventId, EventKind};
use omnix_wire::api::insight::InsightBody;
use omnix_wire::api::publish::PublishReceipt;
use omnix_wire::{Parsed, parse_event};
use omnix_worker::{NewEvent, Receipt, Stored};

use super::identity::{self, Key};
use super::{CONFLICT, DRY_RUN, hand_in, keep_refused, outcome_unknown, parse_settings};
use crate::app::App;
use crate::authority::{Authority, Publish};
use crate::body::{Incoming, MediaType};
use crate::metrics::Outcome;
use crate::problem::Problem;
use crate::query::Query;
use crate::routes::json;

pub(super) async fn publish(
    _authority: &Authority<Publish>,
    app: &App,
    kind: EventKind,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let mut query = Query::of(&parts.uri, &[&DRY_RUN]);
    let is_dry = query.flag(&DRY_RUN).unwrap_or(false);
    query.finish()?;
    MediaType::of(&parts.headers, &[MediaType::Json])?;
    let key = Key::of(&parts.headers)?;
    let mut incoming = Incoming::new(body, &parts.headers, EVENT_BYTES_MAX, &app.shared.bodies)?;
    let bytes = incoming.whole().await?;
    let parsed = parse(app, &bytes, Some(kind), if is_dry { Keep::No } else { Keep::Yes })?;
    if is_dry {
        return json(StatusCode::OK, &dry_receipt(kind));
    }
    let event = identity::single(app, parsed, key.as_ref());
    answer(app, kind, event).await
}

/// Whether an event that is refused is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Yes,
    No,
}

fn parse(app: &App, bytes: &[u8], kind: Option<EventKind>, keep: Keep) -> Result<Parsed, Problem> {
    app.shared.metrics.note_body(bytes.len());
    match parse_event(bytes, &parse_settings(app, kind)) {
        Ok(Ok(parsed)) => {
            app.shared.metrics.note_rounded(parsed.rounded);
            Ok(parsed)
        }
        Ok(Err(refused)) => {
            let problem = Problem::of_faults(refused.faults.as_slice().to_vec());
            if keep == Keep::Yes {
                app.shared.metrics.note_events(kind, Outcome::Rejected, 1);
                keep_refused(app, refused, bytes);
            }
            Err(problem)
        }
        Err(malformed) => Err(Problem::new(ErrorCode::MalformedJson, malformed.to_string())),
    }
}

/// The ids of an event that is published again.
pub(in crate::routes) struct Ids {
    /// The id that it had.
    pub(in crate::routes) known: Option<EventId>,
    /// The id that it gets if it has none at all.
    pub(in crate::routes) fallback: Option<EventId>,
}

/// Publishes the event that `bytes` hold, of whatever kind, under its known id; it is not kept when refused.
pub(in crate::routes) async fn publish_one(app: &App, bytes: &[u8], ids: Ids) -> Result<Response, Problem> {
    let mut parsed = parse(app, bytes, None, Keep::No)?;
    let kind = parsed.event.kind();
    parsed.event_id = ids.known.or(parsed.event_id);
    let event = identity::identified(app, parsed, ids.fallback);
    answer(app, kind, event).await
}

async fn answer(app: &App, kind: EventKind, event: NewEvent) -> Result<Response, Problem> {
    let id = event.event_id.clone();
    match hand_in(app, vec![event]).await?.pop() {
        Some(Receipt::Stored(stored)) => {
            let is_duplicate = stored.duplicate == Some(true);
            let status = if is_duplicate { StatusCode::OK } else { StatusCode::CREATED };
            json(status, &receipt(kind, *stored))
        }
        Some(Receipt::Refused { refusal, .. }) => Err(Problem::new(refusal.code(), refusal.to_string())),
        Some(Receipt::Conflict { .. }) => Err(Problem::new(ErrorCode::EventConflict, CONFLICT)),
        Some(Receipt::Unknown { .. }) | None => Err(outcome_unknown(vec![id])),
    }
}

fn receipt(kind: EventKind, stored: Stored) -> PublishReceipt {
    PublishReceipt {
        message: message(kind, stored.duplicate == Some(true)).into(),
        event_id: Some(stored.event_id.to_string()),
        shard_id: Some(stored.shard.to_string()),
        sequence_number: Some(stored.position.to_string()),
        duplicate: stored.duplicate,
        insights: stored.insights.into_iter().map(InsightBody::from).collect(),
    }
}

const fn message(kind: EventKind, is_duplicate: bool) -> &'static str {
    match (kind, is_duplicate) {
        (EventKind::Purchase, false) => "purchase event published successfully",
        (EventKind::Purchase, true) => "purchase event was published successfully before",
        (EventKind::SegmentUpdate, false) => "segment update event published successfully",
        (EventKind::SegmentUpdate, true) => "segment update event was published successfully before",
        (EventKind::ConsumptionPrediction, false) => "consumption prediction event published successfully",
        (EventKind::ConsumptionPrediction, true) => {
            "consumption prediction event was published successfully before"
        }
    }
}

fn dry_receipt(kind: EventKind) -> PublishReceipt {
    PublishReceipt {
        message: format!("dry run: the {} event is valid, nothing was stored", name(kind)).into(),
        event_id: None,
        shard_id: None,
        sequence_number: None,
        duplicate: None,
        insights: Vec::new(),
    }
}

const fn name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Purchase => "purchase",
        EventKind::SegmentUpdate => "segment update",
        EventKind::ConsumptionPrediction => "consumption prediction",
    }
}
