//! Bodies on their way in: read, decompressed and counted as they arrive, and only after their sender was
//! found to be allowed to send them.
//!
//! Every body has a limit, all of them together have a budget, and none may stall. Deliberately not here:
//! what a body says.

mod budget;
mod decoder;

use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use omnix_model::ErrorCode;
use tokio::time::{Instant, timeout_at};

pub(crate) use budget::IngestBudget;

use crate::problem::Problem;
use decoder::{Decoder, Sink};

/// The slowest that a body may arrive on average once its time to stall is over, in bytes a second.
const RATE_BYTES_MIN: u64 = 1 << 10;

/// A body that is being read.
pub(crate) struct Incoming {
    body: Body,
    decoder: Decoder,
    started: Instant,
    stall: Duration,
    received: u64,
    is_over: bool,
}

/// How bodies are read.
#[derive(Debug, Clone)]
pub(crate) struct BodyLimits {
    /// What all of them may hold.
    pub(crate) budget: IngestBudget,
    /// How long one may stall.
    pub(crate) stall: Duration,
}

impl Incoming {
    /// Begins to read `body`, whose headers are `headers`: at most `limit` decompressed bytes.
    ///
    /// # Errors
    /// A problem for an unknown coding, and for a length that says beforehand that it is too large.
    pub(crate) fn new(
        body: Body,
        headers: &HeaderMap,
        limit: usize,
        limits: &BodyLimits,
    ) -> Result<Self, Problem> {
        let sink = Sink::new(limit, limits.budget.share());
        let decoder = Decoder::new(headers, sink)?;
        let announced = body.size_hint().lower();
        if matches!(decoder, Decoder::Identity(_)) && announced > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(decoder::too_large(limit));
        }
        let started = Instant::now();
        Ok(Self { body, decoder, started, stall: limits.stall, received: 0, is_over: false })
    }

    /// Reads the next piece; whether there was one. What came out is in [`Self::decoded`].
    ///
    /// # Errors
    /// A problem for a body that is too large, stalls, breaks off or is not coded as it says.
    pub(crate) async fn advance(&mut self) -> Result<bool, Problem> {
        while !self.is_over {
            // A byte now and then does not keep a body alive.
            let earned = Duration::from_secs(self.received / RATE_BYTES_MIN);
            let next = timeout_at(self.started + self.stall + earned, self.body.frame());
            let frame = match next.await {
                Err(_) => {
                    return Err(Problem::new(ErrorCode::RequestTimeout, "the body did not arrive in time"));
                }
                Ok(None) => {
                    self.is_over = true;
                    self.decoder.finish()?;
                    return Ok(!self.decoded().is_empty());
                }
                Ok(Some(Err(_))) => {
                    return Err(Problem::new(ErrorCode::MalformedRequest, "the body broke off"));
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(piece) = frame.into_data() else { continue };
            self.received += u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.decoder.push(&piece)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// The decompressed bytes that nobody has taken yet.
    pub(crate) fn decoded(&mut self) -> &mut Vec<u8> {
        &mut self.decoder.sink().out
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub(crate) async fn whole(&mut self) -> Result<Vec<u8>, Problem> {
        while self.advance().await? {}
        Ok(std::mem::take(self.decoded()))
    }
}

/// What a body's content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// `application/json`, or none at all.
    Json,
    /// `application/x-ndjson`: one JSON text a line.
    Ndjson,
}

impl MediaType {
    /// The media type that the headers name, among `accepted`.
    ///
    /// # Errors
    /// 415 for any other.
    pub(crate) fn of(headers: &HeaderMap, accepted: &[Self]) -> Result<Self, Problem> {
        let found = match headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("")) {
            None => Some(Self::Json),
            Some(text) => match essence(text) {
                text if text.eq_ignore_ascii_case("application/json") => Some(Self::Json),
                text if text.eq_ignore_ascii_case("application/x-ndjson") => Some(Self::Ndjson),
                text if text.eq_ignore_ascii_case("application/ndjson") => Some(Self::Ndjson),
                _ => None,
            },
        };
        found.filter(|found| accepted.contains(found)).ok_or_else(|| {
            let names = if accepted.contains(&Self::Ndjson) {
                "the content type must be `application/json` or `application/x-ndjson`"
            } else {
                "the content type must be `application/json`"
            };
            Problem::new(ErrorCode::UnsupportedMediaType, names)
        })
    }
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or("").trim()
}
