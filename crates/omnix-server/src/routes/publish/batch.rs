//! A batch: an array, or one event a line; each item's fate its own.
//!
//! Lines are parsed as they arrive, so that a batch is held as events and not as text; nothing is handed in
//! before the last line is in.

use std::ops::ControlFlow;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode};
use omnix_model::limits::{BATCH_EVENTS_MAX, BODY_BYTES_MAX};
use omnix_model::{ErrorCode, EventId, Fault};
use omnix_wire::api::publish::{BatchResult, ItemError};
use omnix_wire::{BatchError, Line, NdjsonSplitter, ParseSettings, Parsed, Refused, parse_batch, parse_line};
use omnix_worker::{NewEvent, Receipt};

use super::identity::{self, Key};
use super::{DRY_RUN, ECHO, conflict_fault, hand_in, keep_refused, outcome_unknown, parse_settings};
use crate::app::App;
use crate::authority::{Authority, Publish};
use crate::body::{Incoming, MediaType};
use crate::metrics::Outcome;
use crate::problem::Problem;
use crate::query::Query;
use crate::routes::json;

pub(super) async fn publish(
    _authority: Authority<Publish>,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let mut query = Query::of(&parts.uri, &[&DRY_RUN, &ECHO]);
    let is_dry = query.flag(&DRY_RUN).unwrap_or(false);
    let echo = query.choice(&ECHO, |_| Some(()));
    query.finish()?;
    let media_type = MediaType::of(&parts.headers, &[MediaType::Json, MediaType::Ndjson])?;
    let key = Key::of(&parts.headers)?;
    let is_strict = is_strict(&parts.headers);
    let mut incoming = Incoming::new(body, &parts.headers, BODY_BYTES_MAX, &app.shared.bodies)?;
    let mut gathered = Gathered::new(&app, key, echo.is_some());
    match media_type {
        MediaType::Json => gathered.take_array(&mut incoming).await?,
        MediaType::Ndjson => gathered.take_lines(&mut incoming).await?,
    }
    let mut response = gathered.settle(is_dry, is_strict).await?;
    if is_strict {
        response.headers_mut().insert("preference-applied", HeaderValue::from_static("handling=strict"));
    }
    Ok(response)
}

fn is_strict(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences
        .flat_map(|value| value.split([',', ';']))
        .any(|preference| preference.trim().replace([' ', '"'], "").eq_ignore_ascii_case("handling=strict"))
}

/// The items of a batch, as far as they have been read.
struct Gathered<'a> {
    app: &'a App,
    settings: ParseSettings,
    key: Option<Key>,
    /// How many items there were.
    count: usize,
    /// The good ones and their places.
    events: Vec<NewEvent>,
    places: Vec<usize>,
    /// The others: why, and what they were.
    errors: Vec<ItemError>,
    refused: Vec<(Refused, Vec<u8>)>,
    /// The id of each, when it is asked for.
    ids: Option<Vec<Option<String>>>,
    rounded: u32,
}

impl<'a> Gathered<'a> {
    fn new(app: &'a App, key: Option<Key>, echoes: bool) -> Self {
        Self {
            app,
            settings: parse_settings(app, None),
            key,
            count: 0,
            events: Vec::new(),
            places: Vec::new(),
            errors: Vec::new(),
            refused: Vec::new(),
            ids: echoes.then(Vec::new),
            rounded: 0,
        }
    }

    async fn take_array(&mut self, incoming: &mut Incoming) -> Result<(), Problem> {
        let bytes = incoming.whole().await?;
        self.app.shared.metrics.note_body(bytes.len());
        let settings = self.settings.clone();
        parse_batch(&bytes, &settings, |item| {
            let body = bytes.get(item.bytes).unwrap_or_default();
            self.take(item.outcome, body);
        })
        .map_err(|error| problem_of(&error))?;
        Ok(())
    }

    async fn take_lines(&mut self, incoming: &mut Incoming) -> Result<(), Problem> {
        let mut lines = NdjsonSplitter::new();
        while incoming.advance().await? {
            let piece = std::mem::take(incoming.decoded());
            self.app.shared.metrics.note_body(piece.len());
            if lines.push(&piece, |line| self.take_line(line)).is_break() {
                return Err(problem_of(&BatchError::TooMany));
            }
        }
        if lines.finish(|line| self.take_line(line)).is_break() {
            return Err(problem_of(&BatchError::TooMany));
        }
        if self.count == 0 { Err(problem_of(&BatchError::Empty)) } else { Ok(()) }
    }

    fn take_line(&mut self, line: Line<'_>) -> ControlFlow<()> {
        if self.count == BATCH_EVENTS_MAX {
            return ControlFlow::Break(());
        }
        let outcome = parse_line(line, &self.settings);
        let body = match line {
            Line::Bytes(bytes) => bytes,
            Line::TooLong => &[],
        };
        self.take(outcome, body);
        ControlFlow::Continue(())
    }

    fn take(&mut self, outcome: Result<Parsed, Refused>, body: &[u8]) {
        let index = self.count;
        self.count += 1;
        let id = match outcome {
            Ok(parsed) => {
                self.rounded = self.rounded.saturating_add(parsed.rounded);
                let event = identity::item(self.app, parsed, self.key.as_ref(), index);
                let id = self.ids.is_some().then(|| event.event_id.to_string());
                self.events.push(event);
                self.places.push(index);
                id
            }
            Err(refused) => {
                self.errors.push(ItemError::of_refused(index, &refused));
                let id = refused.event_id.as_ref().map(EventId::to_string);
                self.refused.push((refused, body.to_vec()));
                id
            }
        };
        if let Some(ids) = &mut self.ids {
            ids.push(id);
        }
    }

    /// Decides, hands in, answers.
    async fn settle(mut self, is_dry: bool, is_strict: bool) -> Result<Response, Problem> {
        let is_refused = self.events.is_empty() || (is_strict && !self.errors.is_empty());
        let events = std::mem::take(&mut self.events);
        if is_dry {
            return if is_refused { Err(self.refusal()) } else { self.dry_answer() };
        }
        if is_refused {
            self.keep_refused();
            return Err(self.refusal());
        }
        self.app.shared.metrics.note_rounded(self.rounded);
        let receipts = hand_in(self.app, events).await?;
        // Kept only now: what was answered with 429 or 503 comes again, refused items and all.
        self.keep_refused();
        self.answer(&receipts)
    }

    fn keep_refused(&mut self) {
        let count = u64::try_from(self.refused.len()).unwrap_or(u64::MAX);
        self.app.shared.metrics.note_events(None, Outcome::Rejected, count);
        for (refused, body) in std::mem::take(&mut self.refused) {
            keep_refused(self.app, refused, &body);
        }
    }

    fn refusal(&mut self) -> Problem {
        Problem::of_items(std::mem::take(&mut self.errors), self.count)
    }

    fn dry_answer(self) -> Result<Response, Problem> {
        let valid = self.places.len();
        let result = BatchResult {
            message: format!("dry run: {valid} of {} events are valid, nothing was stored", self.count)
                .into(),
            published_count: 0,
            duplicate_count: 0,
            failed_count: self.errors.len(),
            errors: self.errors,
            event_ids: self.ids.map(|ids| ids.iter().map(|_| None).collect()),
        };
        json(StatusCode::OK, &result)
    }

    fn answer(mut self, receipts: &[Receipt]) -> Result<Response, Problem> {
        let (mut published, mut duplicates) = (0, 0);
        let mut unknown = Vec::new();
        for (index, receipt) in self.places.iter().zip(receipts) {
            let (event_id, fault) = match receipt {
                Receipt::Stored(stored) => {
                    published += 1;
                    duplicates += usize::from(stored.duplicate == Some(true));
                    continue;
                }
                Receipt::Conflict { event_id } => (event_id, conflict_fault()),
                Receipt::Refused { event_id, refusal } => {
                    (event_id, Fault::new("", refusal.code(), refusal.to_string()))
                }
                Receipt::Unknown { event_id } => {
                    unknown.push(event_id.clone());
                    let detail = ErrorCode::OutcomeUnknown.meaning().trim();
                    (event_id, Fault::new("", ErrorCode::OutcomeUnknown, detail))
                }
            };
            self.errors.push(ItemError::new(*index, Some(event_id), &fault));
        }
        self.errors.sort_by_key(|error| error.index);
        if published == 0 {
            return Err(if unknown.is_empty() { self.refusal() } else { outcome_unknown(unknown) });
        }
        let failed = self.errors.len();
        let message = if failed == 0 {
            format!("{published} events published successfully")
        } else {
            format!("{published} of {} events published successfully", self.count)
        };
        let status = if failed == 0 { StatusCode::CREATED } else { StatusCode::MULTI_STATUS };
        let result = BatchResult {
            message: message.into(),
            published_count: published,
            duplicate_count: duplicates,
            failed_count: failed,
            errors: self.errors,
            event_ids: self.ids,
        };
        json(status, &result)
    }
}

fn problem_of(error: &BatchError) -> Problem {
    match error {
        BatchError::Malformed(malformed) => Problem::new(ErrorCode::MalformedJson, malformed.to_string()),
        BatchError::NotAnArray | BatchError::Empty => Problem::of_faults(vec![error.fault()]),
        BatchError::TooMany => Problem::new(ErrorCode::TooLarge, error.to_string()),
    }
}
