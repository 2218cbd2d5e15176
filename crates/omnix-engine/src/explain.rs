//! Why an insight says what it says: named steps of arithmetic, from the state and the model to its figures.
//!
//! The steps are worked out anew from what stood at the moment of the decision, by the functions that the
//! detectors use, so that a person can follow them and an engineer can redo them by hand. One file a detector.
//!
//! Deliberately not here: how that moment is found again (`omnix-worker` reads the log), and what is worth
//! saying (`detect`).

mod amount;
mod burst;
mod consumption;
mod hour;
mod quantity;
mod recommendation;
mod segment;

use omnix_model::{Event, Figure, Figures, Insight, InsightId, InsightKind, Timestamp};
use smol_str::SmolStr;

use crate::basket::Basket;
use crate::{Cause, Context, Customer, say};

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The customer's state, as it stood when it was decided.
    State,
    /// The order in hand.
    Order,
    /// The event or the date that caused it.
    Cause,
    /// The model in force.
    Model,
    /// The settings in force.
    Settings,
    /// A constant of the engine.
    Constant,
    /// The step of this name.
    Step,
}

impl Origin {
    /// All origins.
    pub const ALL: [Self; 7] =
        [Self::State, Self::Order, Self::Cause, Self::Model, Self::Settings, Self::Constant, Self::Step];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Order => "order",
            Self::Cause => "cause",
            Self::Model => "model",
            Self::Settings => "settings",
            Self::Constant => "constant",
            Self::Step => "step",
        }
    }
}

/// A figure that goes into a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name in the formula.
    pub name: &'static str,
    /// What it is.
    pub value: Figure,
    /// Where it comes from.
    pub origin: Origin,
}

/// One step of the arithmetic.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name, by which later steps and the insight's figures refer to it.
    pub name: &'static str,
    /// What it means, in words.
    pub about: &'static str,
    /// How its value follows from the inputs, in plain characters; empty for what is only looked up.
    pub formula: &'static str,
    /// What goes in.
    pub inputs: Vec<Input>,
    /// What comes out.
    pub value: Figure,
}

/// What stood when an insight was decided.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// The insight as it came out.
    pub insight: &'a Insight,
    /// What raised it.
    pub cause: Cause<'a>,
    /// The state before the cause; none for a customer who was not known.
    pub before: Option<&'a Customer>,
    /// The state after it.
    pub after: &'a Customer,
    /// The lane's time.
    pub now: Timestamp,
    /// Model, settings and customer.
    pub context: Context<'a>,
}

/// The steps that lead to the insight, first things first.
#[must_use]
pub fn steps(decision: &Decision<'_>) -> Vec<Step> {
    let insight = decision.insight;
    if let Some(published) = published(decision) {
        return vec![published];
    }
    match insight.kind {
        InsightKind::BehaviorAnomaly if insight.message_id.starts_with("anomaly.burst") => {
            burst::steps(decision)
        }
        InsightKind::BehaviorAnomaly => {
            let is_line = insight.message_id == "anomaly.quantity";
            let mut steps = if is_line { quantity::steps(decision) } else { amount::steps(decision) };
            steps.extend(hour::steps(decision));
            steps
        }
        InsightKind::ConsumptionPrediction => consumption::steps(decision),
        InsightKind::SegmentMigration => segment::steps(decision),
        InsightKind::RecommendationUpdate => recommendation::steps(decision),
    }
}

/// The one step to an insight that passes on what an outside model published; none where we found it ourselves.
fn published(decision: &Decision<'_>) -> Option<Step> {
    let Cause::Event(record) = decision.cause else { return None };
    let rule = match &record.event {
        Event::SegmentUpdate(_) => "segment_migration",
        Event::ConsumptionPrediction(_) => "consumption_prediction",
        Event::Purchase(_) => return None,
    };
    let mut cause = b"event".to_vec();
    cause.extend_from_slice(record.event_id.as_str().as_bytes());
    let is_its = InsightId::derive(decision.context.customer_id, rule, &cause) == decision.insight.id;
    let settings = decision.context.settings;
    let step = step(
        "published",
        "what an outside model published, passed on: the figures are those of the event",
        "a segment other than the one before; a prediction whose confidence is above highConfidenceThreshold, or that \
         asks for an alert",
        text(record.event_id.as_str()),
    )
    .number("highConfidenceThreshold", settings.high_confidence_threshold, Origin::Settings)
    .number("criticalConfidenceThreshold", settings.critical_confidence_threshold, Origin::Settings);
    let step = match decision.figure("confidence").cloned() {
        Some(confidence) => step.with("confidence", confidence, Origin::Cause),
        None => step,
    };
    is_its.then_some(step)
}

impl<'a> Decision<'a> {
    /// A figure of the insight.
    fn figure(&self, name: &str) -> Option<&'a Figure> {
        figure(&self.insight.figures, name)
    }

    /// A number among the insight's figures.
    fn number(&self, name: &str) -> Option<f64> {
        self.figure(name).and_then(number_of)
    }

    /// The basket of which `rule` said it, and the state that holds the whole of it: a basket may be evaluated
    /// by its own last line, or by what comes after it.
    fn basket(&self, rule: &str) -> Option<(&'a Basket, &'a Customer)> {
        [Some(self.after), self.before].into_iter().flatten().find_map(|customer| {
            let basket = customer.head.basket.as_ref()?;
            let id = InsightId::derive(self.context.customer_id, rule, &basket.cause());
            (id == self.insight.id).then_some((basket, customer))
        })
    }

    /// The state at the moment of the decision, as far as one of both is it: that before for what fell due.
    fn state(&self) -> &'a Customer {
        self.before.unwrap_or(self.after)
    }
}

fn figure<'a>(figures: &'a Figures, name: &str) -> Option<&'a Figure> {
    figures.iter().find(|(known, _)| known == name).map(|(_, figure)| figure)
}

fn number_of(figure: &Figure) -> Option<f64> {
    match figure {
        Figure::Number(number) => Some(*number),
        Figure::Count(count) => Some(whole(*count)),
        Figure::Money(money) => Some(say::units(money.millionths().into())),
        Figure::Text(_) | Figure::Flag(_) | Figure::Time(_) | Figure::List(_) | Figure::Unknown => None,
    }
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
const fn whole(count: i64) -> f64 {
    count as f64
}

/// A step without inputs yet.
fn step(name: &'static str, about: &'static str, formula: &'static str, value: Figure) -> Step {
    Step { name, about, formula, inputs: Vec::new(), value }
}

impl Step {
    fn with(mut self, name: &'static str, value: Figure, origin: Origin) -> Self {
        self.inputs.push(Input { name, value, origin });
        self
    }

    fn number(self, name: &'static str, value: f64, origin: Origin) -> Self {
        self.with(name, say::number(value), origin)
    }

    fn count(self, name: &'static str, value: impl Into<i64>, origin: Origin) -> Self {
        self.with(name, Figure::Count(value.into()), origin)
    }

    /// The value of an earlier step.
    fn using(self, earlier: &Step) -> Self {
        let value = earlier.value.clone();
        self.with(earlier.name, value, Origin::Step)
    }
}

/// Whether a condition holds, as a figure.
const fn flag(holds: bool) -> Figure {
    Figure::Flag(holds)
}

fn text(text: &str) -> Figure {
    Figure::Text(SmolStr::new(text))
}
