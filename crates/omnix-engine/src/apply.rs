//! One record, one customer: the state as it becomes, and what follows from it.

use omnix_model::{
    CustomerId, Event, EventId, EventRecord, Insight, Origin, SegmentName, Suppressed, Timestamp,
};

use crate::stage::Stage;
use crate::watch::{Nobody, Watch};
use crate::{Buyer, Customer, Model, Observation, Settings, detect, fold};

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

/// What follows from a record, beside the change of the state.
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
    /// Insights that were held back, by reason.
    pub suppressed: Suppressed,
}

/// Why a record could not be applied. The record goes to the rejected events; the state stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A sum would overflow.
    #[error("`{0}` would overflow")]
    Overflow(&'static str),
}

/// Applies `cause` to `customer` (none: not seen before), in place, and says what follows.
///
/// Whatever goes wrong, a panic included, leaves `customer` as it was, and as much of it to be written as before.
///
/// An event is late when it is older than the customer's last of its kind: a purchase or return that belongs
/// to no open basket and is older than the latest one, a segment update older than the latest one. On
/// history's clock nothing depends on when a timer fires, as long as it is not before [`Customer::due`]: what
/// fell due is worked off before the next event, under the time at which it fell due.
///
/// # Errors
/// [`ApplyError`] when the record cannot be applied; it never will be.
pub fn apply(
    customer: &mut Option<Customer>,
    cause: Cause<'_>,
    moment: Moment,
    context: &Context<'_>,
) -> Result<Effects, ApplyError> {
    apply_watched(customer, cause, moment, context, &Nobody)
}

/// The same, and `watch` is told of its parts.
///
/// # Errors
/// [`ApplyError`], as [`apply`]
// By its symbol the instructions of an event are counted.
#[inline(never)]
pub fn apply_watched(
    customer: &mut Option<Customer>,
    cause: Cause<'_>,
    moment: Moment,
    context: &Context<'_>,
    watch: &dyn Watch,
) -> Result<Effects, ApplyError> {
    if let Some(customer) = customer {
        return apply_to(customer, cause, moment, context, watch);
    }
    let mut newcomer = Customer::unwritten();
    let mut effects = apply_to(&mut newcomer, cause, moment, context, watch)?;
    effects.facts.is_new_customer = true;
    *customer = Some(newcomer);
    Ok(effects)
}

fn apply_to(
    customer: &mut Customer,
    cause: Cause<'_>,
    moment: Moment,
    context: &Context<'_>,
    watch: &dyn Watch,
) -> Result<Effects, ApplyError> {
    let mut stage = Stage::new(customer, moment, context, watch);
    match cause {
        Cause::Timer => stage.pass_time(),
        // What the engine itself published is in the state since it was decided.
        Cause::Event(record) if record.origin == Origin::Derived => {}
        Cause::Event(record) => match &record.event {
            Event::Purchase(purchase) => fold::purchase(&mut stage, purchase)?,
            Event::SegmentUpdate(update) => detect::segment_migration::published(&mut stage, record, update),
            Event::ConsumptionPrediction(prediction) => {
                detect::consumption_prediction::published(&mut stage, record, prediction);
            }
        },
    }
    Ok(stage.keep())
}

/// What an event of an anonymous customer teaches: that a product was sold.
#[must_use]
pub fn observe_anonymous(record: &EventRecord, settings: &Settings) -> Vec<Observation> {
    let Event::Purchase(purchase) = &record.event else { return Vec::new() };
    if purchase.is_return() {
        return Vec::new();
    }
    vec![fold::sale(purchase, settings, Buyer::Anonymous)]
}
