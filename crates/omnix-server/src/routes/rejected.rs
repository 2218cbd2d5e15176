//! `/v1/streaming/events/rejected…`: events that were refused or could not be applied, to be looked at,
//! corrected and sent again.

use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, Uri};
use omnix_model::limits::EVENT_BYTES_MAX;
use omnix_model::{ErrorCode, EventId};
use omnix_wire::api::Time;
use omnix_wire::api::events::AnyEvent;
use omnix_wire::api::publish::PublishReceipt;
use omnix_wire::api::rejected::{FaultEntry, RejectedEntry, RejectedList};
use omnix_worker::{RejectedFilter, RejectedRow};

use super::json;
use super::publish::{self, Ids, publish_one};
use crate::app::App;
use crate::authority::{Authority, Rejected};
use crate::body::{Incoming, MediaType};
use crate::problem::Problem;
use crate::query::{CURSOR, InPath, LIMIT, Parameter, Query, Values};
use crate::route::{Content, Route};

const CODE: Parameter =
    Parameter::new("code", Values::Text, "only those whose first fault has this code; see `/docs/errors`");

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/events/rejected", list)
            .about("Rejected events", "Events that were refused or could not be applied, newest first")
            .needs::<Rejected>()
            .query(&[&CODE, &LIMIT, &CURSOR])
            .answers(200, "a page of rejected events", Content::json::<RejectedList>())
            .fails(&[ErrorCode::ValidationFailed]),
        Route::post("/v1/streaming/events/rejected/{id}/replay", replay)
            .about("Rejected events", "Publish a rejected event again, as it was or corrected, under its id")
            .needs::<Rejected>()
            .takes(Content::json::<AnyEvent>())
            .answers(201, "the event is durable", Content::json::<PublishReceipt>())
            .answers(200, "it was there already", Content::json::<PublishReceipt>())
            .fails(publish::ERRORS)
            .fails(&[ErrorCode::NotFound]),
    ]
}

async fn list(
    _authority: Authority<Rejected>,
    State(app): State<App>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, &[&CODE, &LIMIT, &CURSOR]);
    let code = query.read(&CODE, ErrorCode::UnknownValue, |name| {
        ErrorCode::from_name(name).ok_or("must be a code that `/docs/errors` lists")
    });
    let (filter, page) = (RejectedFilter { code }, query.page());
    query.finish()?;
    let (rows, next_cursor) = app.ask(move |backend| backend.rejected(&filter, &page)).await?;
    json(StatusCode::OK, &RejectedList { rejected: rows.into_iter().map(entry_body).collect(), next_cursor })
}

fn entry_body(row: RejectedRow) -> RejectedEntry {
    let RejectedRow { id, event } = row;
    let code = event.code().name();
    let (body, body_base64) = match String::from_utf8(event.body) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
    };
    RejectedEntry {
        id,
        received_at: Time(event.received_at),
        code,
        errors: event.faults.iter().map(FaultEntry::from).collect(),
        customer_id: event.customer_id.map(|id| id.to_string()),
        event_id: event.event_id.map(|id| id.to_string()),
        body,
        body_base64,
    }
}

async fn replay(
    _authority: Authority<Rejected>,
    State(app): State<App>,
    InPath(id): InPath,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    Query::of(&parts.uri, &[]).finish()?;
    MediaType::of(&parts.headers, &[MediaType::Json])?;
    let wanted = id.clone();
    let found = app.ask(move |backend| backend.rejected_by_id(&wanted)).await?;
    let Some(RejectedRow { event, .. }) = found else {
        return Err(Problem::new(ErrorCode::NotFound, "there is no rejected event with this id"));
    };
    let mut incoming = Incoming::new(body, &parts.headers, EVENT_BYTES_MAX, &app.shared.bodies)?;
    let corrected = incoming.whole().await?;
    let bytes = if corrected.is_empty() { event.body } else { corrected };
    // Replayed twice it counts once, even when the event never had an id.
    let fallback = EventId::new(&format!("rejected:{id}")).ok();
    publish_one(&app, &bytes, Ids { known: event.event_id, fallback }).await
}
