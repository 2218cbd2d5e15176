//! All routes, by the capability that they belong to. A handler parses, asks for its authority, makes one call
//! and converts the answer.

mod customers;
mod feed;
mod insights;
mod learning;
mod operations;
mod publish;
mod recommendations;
mod rejected;
mod segments;
mod stream;

use crate::route::Route;

/// Every route of the API, in the order of the document.
pub(crate) fn api() -> Vec<Route> {
    [
        publish::routes(),
        rejected::routes(),
        stream::routes(),
        insights::routes(),
        learning::routes(),
        customers::routes(),
        recommendations::routes(),
        segments::routes(),
        feed::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(crate) use operations::{assets, health, pages};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use omnix_model::ErrorCode;
use serde::Serialize;

use crate::problem::Problem;

/// An answer as JSON, which nobody on the way may keep: it may concern a person.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<Response, Problem> {
    let bytes = serde_json::to_vec(body).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::new(ErrorCode::Internal, "the answer could not be written")
    })?;
    let mut response = (status, bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
