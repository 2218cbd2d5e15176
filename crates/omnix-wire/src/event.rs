//! An event's JSON to an [`Event`], or every fault at once.
//!
//! The rules are those of the HTTP contract; where it leaves something open, this holds:
//! - `null` is as if the field were not there. Only `previousSegment` may, and must, say `null` for "none".
//! - A key that stands twice is `invalid_format`, at any depth: nobody knows which one is meant.
//! - Fields of another kind are unknown fields of this one, and kept like them.
//! - `metadata.orderId` is a string, like every id; `metadata.orderLines` a whole number from 1.
//! - Names, categories and the like may be empty, but no longer than `TEXT_BYTES_MAX`; ids and segments may
//!   not.
//! - Of a time, what is finer than a millisecond is cut off.
//! - The fingerprint is that of the event as it was sent: before a time a little ahead is moved to `now`, so
//!   that a retry is known again.

mod fields;
mod kind;
mod metadata;
mod prediction;
mod purchase;
mod reading;
mod segment_update;

use std::ops::ControlFlow;

use omnix_model::limits::{EVENT_BYTES_MAX, FAULTS_MAX};
use omnix_model::{CustomerId, ErrorCode, Event, EventId, EventKind, Fault, Timestamp, fingerprint};
use smol_str::SmolStr;

use crate::json::{Malformed, Scanner, Value, text_of};
use fields::Fields;
use reading::Reading;

/// What an event is read against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseSettings {
    /// The time it is. An event up to `AHEAD_MS_MAX` later is taken as of now, a later one refused.
    /// [`Timestamp::MAX`] refuses none: a history has no clock to be ahead of.
    pub now: Timestamp,
    /// The installation's currency (ISO 4217).
    pub currency: SmolStr,
    /// Whether a purchase may come without a `customerId`.
    pub anonymous_empty_allowed: bool,
    /// The kind that the route takes; none where all are mixed.
    pub expected: Option<EventKind>,
}

/// An event that is well-formed.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The event.
    pub event: Event,
    /// The client's own id.
    pub event_id: Option<EventId>,
    /// Of the event as it was sent.
    pub fingerprint: u32,
    /// How many of its numbers had more decimals than are kept.
    pub rounded: u32,
}

/// Why an event was refused: never empty, at most `FAULTS_MAX`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// A single fault.
    #[must_use]
    pub fn of(fault: Fault) -> Self {
        Self(vec![fault])
    }

    /// All of them, in the order in which they were found.
    #[must_use]
    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }

    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }

    pub(crate) fn push(&mut self, fault: Fault) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(fault);
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An event that was refused, and what could be read of it all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong with it.
    pub faults: Faults,
    /// Whose it is, where that is readable.
    pub customer_id: Option<CustomerId>,
    /// The client's own id, where that is readable.
    pub event_id: Option<EventId>,
}

impl Refused {
    /// Refused for one fault, nothing else of it being known.
    #[must_use]
    pub fn of(fault: Fault) -> Self {
        Self { faults: Faults::of(fault), customer_id: None, event_id: None }
    }

    pub(crate) fn too_large() -> Self {
        let detail = format!("an event must not be larger than {EVENT_BYTES_MAX} bytes");
        Self::of(Fault::new("", ErrorCode::TooLarge, detail))
    }
}

/// Reads the one event that `body` holds.
///
/// # Errors
/// [`Malformed`] when it is not JSON. Within: [`Refused`] when it is, but no event, with every fault.
pub fn parse_event(body: &[u8], settings: &ParseSettings) -> Result<Result<Parsed, Refused>, Malformed> {
    if body.len() > EVENT_BYTES_MAX {
        return Ok(Err(Refused::too_large()));
    }
    let mut scanner = Scanner::new(text_of(body)?);
    let outcome = parse_next(&mut scanner, settings)?;
    scanner.expect_end()?;
    Ok(outcome)
}

/// Reads the event that begins where `scanner` stands.
pub(crate) fn parse_next(
    scanner: &mut Scanner<'_>,
    settings: &ParseSettings,
) -> Result<Result<Parsed, Refused>, Malformed> {
    if scanner.peek_token() != Some(b'{') {
        let _value: Value<'_> = scanner.value(0)?;
        let fault = Fault::new("", ErrorCode::WrongType, "an event must be an object");
        return Ok(Err(Refused::of(fault)));
    }
    let mut fields = Fields::new();
    fields.read(scanner)?;
    Ok(parse_fields(&mut fields, settings))
}

fn parse_fields(fields: &mut Fields<'_>, settings: &ParseSettings) -> Result<Parsed, Refused> {
    let mut reading = Reading::new(fields, settings);
    let event_id = reading.event_id();
    let event = match kind::of(&mut reading) {
        ControlFlow::Continue(EventKind::Purchase) => purchase::read(&mut reading).map(Event::Purchase),
        ControlFlow::Continue(EventKind::SegmentUpdate) => {
            segment_update::read(&mut reading).map(Event::SegmentUpdate)
        }
        ControlFlow::Continue(EventKind::ConsumptionPrediction) => {
            prediction::read(&mut reading).map(Event::ConsumptionPrediction)
        }
        ControlFlow::Break(()) => {
            reading.common();
            None
        }
    };
    match event {
        Some(event) if reading.faults.is_empty() => {
            let fingerprint = fingerprint(&event);
            let event = clamped(event, settings.now);
            Ok(Parsed { event, event_id, fingerprint, rounded: reading.rounded })
        }
        Some(_) | None => Err(Refused { faults: reading.faults, customer_id: reading.customer_id, event_id }),
    }
}

/// The event, not later than `now`.
fn clamped(mut event: Event, now: Timestamp) -> Event {
    let timestamp = match &mut event {
        Event::Purchase(event) => &mut event.timestamp,
        Event::SegmentUpdate(event) => &mut event.timestamp,
        Event::ConsumptionPrediction(event) => &mut event.timestamp,
    };
    *timestamp = (*timestamp).min(now);
    event
}
