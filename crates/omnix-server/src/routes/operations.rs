//! Health, metrics and pages: what no token is asked for.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use omnix_model::ErrorCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::json;
use crate::app::App;
use crate::document;
use crate::pages;
use crate::problem::Problem;
use crate::route::{Content, Route};

/// How the server is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct Health {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Health and metrics: what `OMNIX_ADMIN_LISTEN` moves to an address of its own.
pub(crate) fn health() -> Vec<Route> {
    vec![
        Route::get("/healthz", alive).about("Operations", "Whether the process is alive").answers(
            200,
            "it is",
            Content::json::<Health>(),
        ),
        Route::get("/readyz", ready)
            .about("Operations", "Whether events are taken; if not, why")
            .answers(200, "they are", Content::json::<Health>())
            .fails(&[ErrorCode::Unavailable, ErrorCode::DiskFull, ErrorCode::LogDamaged]),
        Route::get("/metrics", metrics)
            .about("Operations", "What the server counts, for Prometheus")
            .answers(200, "OpenMetrics text", Content::text(OPEN_METRICS)),
    ]
}

/// The document and the pages.
pub(crate) fn pages() -> Vec<Route> {
    vec![
        Route::get("/openapi.json", openapi).about("Operations", "This document").answers(
            200,
            "OpenAPI 3.1",
            Content::text("application/json"),
        ),
        Route::get("/docs", docs).about("Operations", "The API, to browse").answers(
            200,
            "a page",
            Content::text("text/html"),
        ),
        Route::get("/docs/errors", errors).about("Operations", "Every error code and what it means").answers(
            200,
            "a page",
            Content::text("text/html"),
        ),
        Route::get("/", live).about("Operations", "Insights as they come").answers(
            200,
            "a page",
            Content::text("text/html"),
        ),
    ]
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

async fn alive() -> Result<Response, Problem> {
    json(StatusCode::OK, &Health { status: "alive" })
}

async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    if app.shared.stop.is_requested() {
        return Err(Problem::new(ErrorCode::Unavailable, "the server is stopping"));
    }
    if !(app.shared.has_room)() {
        return Err(Problem::new(ErrorCode::DiskFull, "the disk is below its reserve: nothing is taken"));
    }
    match app.shared.backend.not_ready() {
        None => json(StatusCode::OK, &Health { status: "ready" }),
        Some(refusal) => Err(Problem::new(refusal.code(), refusal.to_string())),
    }
}

async fn metrics(State(app): State<App>) -> Response {
    let mut response = app.shared.metrics.text().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
    response
}

async fn openapi() -> Response {
    let mut response = document::text().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn docs() -> Response {
    page(pages::DOCS.to_owned())
}

async fn errors() -> Response {
    page(pages::errors())
}

async fn live() -> Response {
    page(pages::LIVE.to_owned())
}

/// A page: nothing but our own script and style, no form, no frame.
fn page(html: String) -> Response {
    let mut response = html.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, pages::POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A file that a page needs; not part of the API.
pub(crate) fn assets() -> axum::Router<App> {
    pages::ASSETS.iter().fold(axum::Router::new(), |router, (path, media_type, text)| {
        let serve = move || async move {
            let mut response = (*text).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        };
        router.route(path, axum::routing::get(serve))
    })
}
