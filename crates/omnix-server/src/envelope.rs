//! What surrounds every answer: the request's id, problems written out, the access log, the metrics, limits of
//! heads, headers that every answer has.
//!
//! Logs and metrics hold the route's template, never the path: a path may name a person.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use omnix_model::ErrorCode;

use crate::app::App;
use crate::problem::Problem;

/// The header that names a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of a client's own request id.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// Bytes of a request's head: names and values of headers, and the path.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Answers with what surrounds an answer.
pub(crate) async fn surround(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = if head_bytes(&request) > HEAD_BYTES_MAX {
        let detail = format!("the request's head must not be larger than {HEAD_BYTES_MAX} bytes");
        Problem::new(ErrorCode::HeadTooLarge, detail).render(&request_id)
    } else {
        written(next.run(request).await, &request_id)
    };
    let (status, elapsed) = (response.status(), started.elapsed());
    app.shared.metrics.note_request(&route, &method, status, elapsed);
    log(&request_id, &method, &route, status, elapsed);
    with_headers(response, &request_id)
}

/// What went wrong is told, what went well when somebody asks for it: that is every event.
fn log(request_id: &str, method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
    let (method, status) = (method.as_str(), status.as_u16());
    let duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    if status < 400 {
        tracing::debug!(target: "omnix::access", request_id, method, route, status, duration_us);
    } else {
        tracing::info!(target: "omnix::access", request_id, method, route, status, duration_us);
    }
}

/// The response, its problem written out if it has one.
fn written(mut response: Response, request_id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let mut rendered = problem.render(request_id);
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            rendered.headers_mut().insert(name, value.clone());
        }
    }
    rendered
}

fn with_headers(mut response: Response, request_id: &str) -> Response {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The client's own request id when it is a sound one, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let is_sound = |text: &&str| {
        let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
        (1..=REQUEST_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(sound)
    };
    let own = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(is_sound);
    own.map_or_else(|| format!("{:032x}", rand::random::<u128>()), str::to_owned)
}

fn head_bytes(request: &Request) -> usize {
    let uri = request.uri();
    let path = uri.path().len() + uri.query().map_or(0, str::len);
    let lines = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    lines.sum::<usize>() + path
}

/// The answer to a path that does not exist.
pub(crate) async fn not_found() -> Problem {
    Problem::new(ErrorCode::NotFound, "there is nothing under this path")
}

/// The answer to a method that a path does not have; the router adds `Allow`.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(ErrorCode::MethodNotAllowed, "this path does not have this method")
}
