//! One record, one customer: the new state, and what follows from it.

use omnix_model::{CustomerId, Event, EventId, EventRecord, Insight, Segment, SegmentName, Timestamp};

use crate::{Customer, Model, Observation, Settings};

/// What is to be applied.
#[derive(Debug, Clone, Copy)]
pub enum Cause<'a> {
    /// An event of this customer.
    Event(&'a EventRecord),
    /// Time: [`Customer::due`] has come.
    Timer,
}

/// The moment at which a record is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The lane's time.
    pub now: Timestamp,
    /// Whether that time is history's: on it a basket does not end 5 s after its last line, but when the
    /// customer's next event belongs to another, 10 minutes after its first line, or with the history.
    pub is_history: bool,
}

/// What `apply` reads and never changes.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The model in force in the lane.
    pub model: &'a Model,
    /// The settings in force in the lane.
    pub settings: &'a Settings,
    /// Whose state it is.
    pub customer_id: &'a CustomerId,
}

/// The new state and what follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The new state.
    pub customer: Customer,
    /// What follows.
    pub effects: Effects,
}

/// What follows from a record, beside the new state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effects {
    /// Insights raised or revised; one with the id of an earlier one replaces it.
    pub insights: Vec<Insight>,
    /// Events that the engine itself publishes: recorded in the log, never a cause of others.
    pub derived: Vec<Derived>,
    /// What the record teaches about all customers.
    pub observations: Vec<Observation>,
    /// What is counted in rollups.
    pub facts: Facts,
}

/// An event that the engine publishes, under an id derived from its cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// Its id.
    pub event_id: EventId,
    /// The event.
    pub event: Event,
}

/// What is counted of a record in rollups.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The event is older than the customer's last.
    pub is_late: bool,
    /// The customer was not known before.
    pub is_new_customer: bool,
    /// The event began an order.
    pub is_new_order: bool,
    /// The customer's segment changed: from, to.
    pub segment_move: Option<(Option<SegmentName>, SegmentName)>,
    /// Insights that a cool-down or limit held back.
    pub suppressed: u32,
}

/// Why a record could not be applied. The record goes to the rejected events; the state stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A sum would overflow.
    #[error("`{0}` would overflow")]
    Overflow(&'static str),
}

/// Applies `cause` to `customer` (none: not seen before).
///
/// # Errors
/// [`ApplyError`] when the record cannot be applied; it never will be.
pub fn apply(
    customer: Option<&Customer>,
    cause: Cause<'_>,
    moment: Moment,
    context: &Context<'_>,
) -> Result<Applied, ApplyError> {
    let _: (Cause<'_>, Moment, &Context<'_>, Segment) = (cause, moment, context, Segment::New);
    Ok(Applied { customer: customer.cloned().unwrap_or_default(), effects: Effects::default() })
}

/// What an event of an anonymous customer teaches.
#[must_use]
pub fn observe_anonymous(record: &EventRecord, moment: Moment) -> Vec<Observation> {
    let _: (&EventRecord, Moment) = (record, moment);
    Vec::new()
}
