//! `/v1/streaming/feed…`: insights as they come, as server-sent events.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use omnix_model::ErrorCode;
use omnix_wire::api::Time;
use omnix_wire::api::feed::FeedTicket;
use omnix_worker::FeedCursor;

use super::json;
use crate::app::App;
use crate::authority::{Authority, Feed};
use crate::feed::{Channels, Place, TICKETS_MAX, stream};
use crate::problem::Problem;
use crate::query::{Parameter, Query, Values};
use crate::route::{Content, Route};

const CHANNELS: Parameter = Parameter::new(
    "channels",
    Values::Text,
    "separated by commas: `insights` (the default), `customer.{id}`, `segment.{slug}`, `priority.{level}`",
);
const TICKET: Parameter =
    Parameter::new("ticket", Values::Text, "in place of a token: good once, for 30 seconds");
const LAST_EVENT_ID: Parameter = Parameter::new(
    "Last-Event-ID",
    Values::Text,
    "the `id` of the last message read: the feed resumes behind it",
);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/feed", subscribe)
            .about("Feed", "Insights as they come, as server-sent events; resumes by `Last-Event-ID`")
            .needs::<Feed>()
            .query(&[&CHANNELS, &TICKET])
            .headers(&[&LAST_EVENT_ID])
            .answers(200, "messages, one an event", Content::text("text/event-stream"))
            .fails(&[ErrorCode::ValidationFailed, ErrorCode::Overloaded]),
        Route::post("/v1/streaming/feed/ticket", ticket)
            .about("Feed", "A ticket for a browser, which cannot set a header on a feed")
            .needs::<Feed>()
            .answers(201, "the ticket", Content::json::<FeedTicket>())
            .fails(&[ErrorCode::Overloaded]),
    ]
}

async fn ticket(authority: Authority<Feed>, State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    Query::of(&uri, &[]).finish()?;
    let given = app.shared.tickets.give(authority.caller, app.now());
    let (ticket, until) = given.ok_or_else(|| {
        Problem::new(ErrorCode::Overloaded, "too many tickets are out").with_limit("tickets", TICKETS_MAX)
    })?;
    json(StatusCode::CREATED, &FeedTicket { ticket, expires_at: Time(until) })
}

/// The authority of a token, else of a ticket.
fn authority(app: &App, headers: &HeaderMap, ticket: Option<&str>) -> Result<Authority<Feed>, Problem> {
    let caller = match ticket {
        Some(ticket) if !headers.contains_key(header::AUTHORIZATION) => {
            app.shared.tickets.take(ticket, app.now()).ok_or_else(|| {
                Problem::new(ErrorCode::Unauthenticated, "the ticket is not good, or not any more")
            })?
        }
        Some(_) | None => app.shared.authorities.caller(headers)?,
    };
    Authority::of(caller)
}

async fn subscribe(State(app): State<App>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, &[&CHANNELS, &TICKET]);
    let authority = authority(&app, &headers, query.text(&TICKET).as_deref())?;
    let channels = query.read(&CHANNELS, ErrorCode::UnknownValue, Channels::parse).unwrap_or_default();
    let after = match headers.get("last-event-id").map(|value| value.to_str().unwrap_or("")) {
        None | Some("") => None,
        Some(text) => match text.parse::<FeedCursor>() {
            Ok(cursor) => Some(cursor),
            Err(error) => {
                query.fault(LAST_EVENT_ID.name, ErrorCode::InvalidCursor, error.to_string());
                None
            }
        },
    };
    query.finish()?;
    let place = Place::take(&app).ok_or_else(|| {
        let max = usize::try_from(app.shared.settings.http.feed_connections_max).unwrap_or(usize::MAX);
        Problem::new(ErrorCode::Overloaded, "there are too many subscribers").with_limit("subscribers", max)
    })?;
    let events = stream(app, place, channels, after, authority.caller.expires_at).await?;
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}
