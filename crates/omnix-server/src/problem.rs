//! Everything that goes wrong, as `application/problem+json` (RFC 9457).
//!
//! A [`Problem`] travels in the answer's extensions; the outermost layer, which knows the request's id, writes
//! it. One code, one status, one place. Deliberately without a way to turn any error into a 500 unseen.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use omnix_model::limits::{FAULTS_MAX, QUEUE_EVENTS_MAX};
use omnix_model::{ErrorCode, EventId, Fault};
use omnix_wire::api::publish::ItemError;
use omnix_wire::api::rejected::FaultEntry;
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not answered as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    code: ErrorCode,
    detail: Cow<'static, str>,
    errors: Option<Errors>,
    event_ids: Vec<EventId>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// The problem `code`; `detail` is lower case, without a full stop and without personal data.
    #[must_use]
    pub(crate) fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: None, event_ids: Vec::new(), headers: Vec::new() }
    }

    /// A body or query with these faults.
    #[must_use]
    pub(crate) fn of_faults(mut faults: Vec<Fault>) -> Self {
        faults.truncate(FAULTS_MAX);
        let count = faults.len();
        let detail = if count == 1 { "1 fault".to_owned() } else { format!("{count} faults") };
        let errors = Errors::Faults(faults.iter().map(FaultEntry::from).collect());
        Self { errors: Some(errors), ..Self::new(ErrorCode::ValidationFailed, detail) }
    }

    /// A batch of `count` items of which nothing was stored because of these.
    #[must_use]
    pub(crate) fn of_items(items: Vec<ItemError>, count: usize) -> Self {
        let detail = format!("{} of {count} events were refused, nothing was stored", items.len());
        Self { errors: Some(Errors::Items(items)), ..Self::new(ErrorCode::ValidationFailed, detail) }
    }

    /// The events whose outcome is not known, to be sent again under the same ids.
    #[must_use]
    pub(crate) fn with_event_ids(self, event_ids: Vec<EventId>) -> Self {
        Self { event_ids, ..self }
    }

    /// The limit that was reached and how much it allows; if none is named, that of a shard's queue.
    #[must_use]
    pub(crate) fn with_limit(self, name: &'static str, quota: usize) -> Self {
        limit_headers(name, quota)
            .into_iter()
            .fold(self, |problem, (name, value)| problem.with_header(name, value))
    }

    /// Another header for the answer.
    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Its status.
    #[must_use]
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer to the request `request_id`.
    #[must_use]
    pub(crate) fn render(&self, request_id: &str) -> Response {
        let status = self.status();
        let (event_id, event_ids) = match self.event_ids.as_slice() {
            [] => (None, None),
            [one] => (Some(one.to_string()), None),
            many => (None, Some(many.iter().map(EventId::to_string).collect())),
        };
        let body = ProblemBody {
            kind: format!("/docs/errors#{}", self.code.name()),
            title: title(self.code),
            status: status.as_u16(),
            detail: self.detail.clone(),
            instance: format!("urn:omnix:request:{request_id}"),
            code: self.code.name(),
            errors: self.errors.clone(),
            event_id,
            event_ids,
        };
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, bytes).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.add_headers(headers);
        response
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        if self.code == ErrorCode::Unauthenticated {
            let challenge = "Bearer realm=\"omnix\", error=\"invalid_token\"";
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if matches!(self.code.status(), 429 | 503) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.code == ErrorCode::Overloaded {
            headers.extend(limit_headers("queue", QUEUE_EVENTS_MAX));
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
    }
}

/// The limit `name`, which allows `quota` and was reached.
fn limit_headers(name: &str, quota: usize) -> Vec<(HeaderName, HeaderValue)> {
    let lines = [
        (HeaderName::from_static("ratelimit-policy"), format!("\"{name}\";q={quota}")),
        (HeaderName::from_static("ratelimit"), format!("\"{name}\";r=0;t=1")),
    ];
    lines.into_iter().filter_map(|(name, text)| Some((name, HeaderValue::from_str(&text).ok()?))).collect()
}

/// The problem waits in the extensions until the request's id is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The first words of a code's name, for people: `Validation failed`.
fn title(code: ErrorCode) -> String {
    let words = code.name().replace('_', " ");
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A problem on the wire.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemBody {
    /// Where the code is explained.
    #[serde(rename = "type")]
    kind: String,
    /// The code, for people.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What went wrong.
    detail: Cow<'static, str>,
    /// The request.
    instance: String,
    /// The code: stable, listed at `/docs/errors`.
    code: &'static str,
    /// Every fault, at most 50, when the code is `validation_failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Errors>,
    /// The event to send again when the code is `outcome_unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// The events to send again when the code is `outcome_unknown` and there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_ids: Option<Vec<String>>,
}

/// What is wrong, in detail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ProblemErrors)]
#[serde(untagged)]
pub(crate) enum Errors {
    /// Every fault of a body or query, at most 50.
    Faults(Vec<FaultEntry>),
    /// The first fault of every item of a batch.
    Items(Vec<ItemError>),
}
