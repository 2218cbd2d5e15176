//! How an insight came about: what it rests on, the state before, the arithmetic, and whether all of that leads to
//! what is stored.

use omnix_model::{EventId, EventRecord, Figure, Figures, Insight};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::customer::{CustomerProduct, CustomerSegment, UsualSpending};
use super::insight::{FigureBody, InsightBody};
use super::{Amount, Time, Units};
use crate::event_to_json;

/// An insight and how it came about: recomputed from the log, nothing of it was stored beside the insight.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InsightExplanation {
    /// The insight as it is stored.
    pub insight: InsightBody,
    /// `complete`: recomputed without a gap, and the same as what is stored. `partial`: something that it takes is
    /// not kept any more, see `gaps`. `different`: recomputed without a gap, and something else came out.
    pub status: &'static str,
    /// Whether what came out is what is stored, to the last figure; null where nothing came out.
    pub same_as_stored: Option<bool>,
    /// Where the two differ; empty when they do not.
    pub differences: Vec<Difference>,
    /// What raised it; null where the moment was not found.
    pub cause: Option<ExplainedCause>,
    /// Model, settings and engine in force at that moment.
    pub under: Option<ExplainedUnder>,
    /// The customer before it; null for one who was not known, or where the moment was not found.
    pub before: Option<StateBefore>,
    /// The arithmetic, first things first; empty for what an outside model published, and where the model that
    /// decided is not kept any more.
    pub steps: Vec<ExplainedStep>,
    /// The events that it rests on, in the order of the log: those of the product or the order that it speaks of,
    /// at most 100, and the customer's last, at most 50.
    pub events: Vec<SourceEventBody>,
    /// How many events of the customer were read up to there, those that are not listed included.
    pub events_read: u64,
    /// Why the answer is not the whole truth; empty when it is.
    pub gaps: Vec<ExplainedGap>,
}

/// One member that came out otherwise than it is stored.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Difference {
    /// Which, such as `priority` or `data/score`.
    pub member: String,
    /// As it is stored; null where it is not.
    #[schema(value_type = Option<Object>)]
    pub stored: Option<FigureShown>,
    /// As it came out; null where it did not.
    #[schema(value_type = Option<Object>)]
    pub recomputed: Option<FigureShown>,
}

/// A figure as it stands in an insight's `data`.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureShown(pub Figure);

impl Serialize for FigureShown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FigureBody(&self.0).serialize(serializer)
    }
}

/// What raised an insight.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedCause {
    /// `event`: the event at that position. `time`: a date had come when the stream reached that position.
    pub kind: &'static str,
    /// The position in the log: the `sequenceNumber` of an event's receipt.
    pub position: String,
    /// The stream's time at which it was applied.
    pub at: Time,
}

/// Under what an insight was decided.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedUnder {
    /// The model's number; 0 before any was learnt.
    pub model_version: u64,
    /// The model's name: a hash of all that it learnt from.
    pub model_hash: String,
    /// The hash of the settings.
    pub settings_version: String,
    /// The settings that the engine depends on, one `name = value` a line.
    pub settings: Vec<String>,
    /// The engine's version.
    pub engine_version: u32,
}

/// A customer before an insight was raised.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateBefore {
    /// Purchase events, returns not among them.
    pub purchases: u64,
    /// Orders.
    pub orders: u64,
    /// The sum of quantities, returns included.
    pub units: Units,
    /// The sum of `totalAmount`, returns included.
    pub total_spent: Amount,
    /// Null without an order.
    pub average_order_value: Option<Amount>,
    /// Null without a purchase.
    pub first_purchase_at: Option<Time>,
    /// Null without a purchase.
    pub last_purchase_at: Option<Time>,
    /// Whole days since the last purchase, by the shop's calendar.
    pub recency_days: Option<i64>,
    /// Null before the first order was evaluated.
    pub segment: Option<CustomerSegment>,
    /// Null with too little data.
    pub spending: Option<UsualSpending>,
    /// Those that matter most first, at most ten, and the one that the insight speaks of.
    pub products: Vec<CustomerProduct>,
}

/// One step of the arithmetic.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedStep {
    /// Its name, by which later steps and the insight's `data` refer to it.
    pub name: &'static str,
    /// What it means, in words.
    pub about: &'static str,
    /// How the value follows from the inputs; empty for what is only looked up.
    pub formula: &'static str,
    /// What goes in.
    pub inputs: Vec<ExplainedInput>,
    /// What comes out.
    #[schema(value_type = Object)]
    pub value: FigureShown,
}

/// A figure that goes into a step.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedInput {
    /// Its name in the formula.
    pub name: &'static str,
    /// What it is.
    #[schema(value_type = Object)]
    pub value: FigureShown,
    /// Where it comes from: `state` (the customer's), `order` (the one in hand), `cause`, `model`, `settings`,
    /// `constant` (of the engine) or `step` (the one of that name).
    pub from: &'static str,
}

/// An event that an insight rests on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceEventBody {
    /// Where it stands in the log: the `sequenceNumber` of its receipt.
    pub position: String,
    /// The stream's time at which it was applied.
    pub applied_at: Time,
    /// `client`, `server` (its id is the server's), `import` or `omnix` (the engine's own: recorded, never a cause).
    pub producer: &'static str,
    /// The event as it was published.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
}

impl SourceEventBody {
    /// The event of `record`; none if it cannot be written, which no event that was accepted is.
    #[must_use]
    pub fn event(record: &EventRecord) -> Option<Box<RawValue>> {
        let id: Option<&EventId> = Some(&record.event_id);
        RawValue::from_string(event_to_json(&record.event, id)).ok()
    }
}

/// Why an explanation is not the whole truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExplainedGap {
    /// `log_trimmed`, `log_damaged`, `models_gone`, `deciding_model_gone`, `engine_changed`, `time_ran_out` or
    /// `not_raised`.
    pub code: &'static str,
    /// What that means here.
    pub detail: String,
}

impl Difference {
    /// Where `recomputed` differs from `stored`.
    #[must_use]
    pub fn between(stored: &Insight, recomputed: &Insight) -> Vec<Self> {
        let text = |text: &str| Figure::Text(text.into());
        let members = |insight: &Insight| {
            let mut members: Figures = vec![
                ("insightType".into(), text(insight.kind.name())),
                ("insight".into(), text(&insight.sentence)),
                ("priority".into(), text(insight.priority.name())),
                ("actionRequired".into(), Figure::Flag(insight.action_required)),
                ("timestamp".into(), Figure::Time(insight.timestamp)),
                ("data/messageId".into(), text(&insight.message_id)),
                ("data/eventTimestamp".into(), Figure::Time(insight.event_timestamp)),
                ("data/revision".into(), Figure::Count(insight.revision.into())),
                ("data/modelVersion".into(), text(&insight.model_version.to_string())),
                ("data/settingsVersion".into(), text(&format!("{:016x}", insight.settings_version))),
            ];
            let nested = |prefix: &str, figures: &Figures| {
                let named =
                    |(name, figure): &(_, Figure)| (format!("{prefix}/{name}").into(), figure.clone());
                figures.iter().map(named).collect::<Figures>()
            };
            members.extend(nested("data", &insight.figures));
            members.extend(nested("data/params", &insight.params));
            members
        };
        let (stored, recomputed) = (members(stored), members(recomputed));
        let value = |of: &Figures, name: &str| {
            of.iter().find(|(known, _)| known == name).map(|(_, figure)| FigureShown(figure.clone()))
        };
        let news = recomputed.iter().filter(|(name, _)| value(&stored, name).is_none());
        let all = stored.iter().chain(news).map(|(name, _)| Self {
            member: name.to_string(),
            stored: value(&stored, name),
            recomputed: value(&recomputed, name),
        });
        all.filter(|difference| difference.stored != difference.recomputed).collect()
    }
}
