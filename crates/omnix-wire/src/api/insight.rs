//! Insights, lists of them, and the overview.

use omnix_model::{Figure, Figures, Insight, InsightKind, Outcome, Priority, Suppressed, Suppression};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;
use utoipa::ToSchema;

use super::feedback::Feedback;
use super::{Amount, Time};

/// What an event means, for the person who should know.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Insight)]
#[serde(rename_all = "camelCase")]
pub struct InsightBody {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Whom it is about.
    pub customer_id: String,
    /// `segment_migration`, `consumption_prediction`, `behavior_anomaly` or `recommendation_update`.
    pub insight_type: &'static str,
    /// One English sentence.
    pub insight: String,
    /// Whether somebody should do something.
    pub action_required: bool,
    /// `low`, `medium`, `high` or `critical`.
    pub priority: &'static str,
    /// When it was raised.
    pub timestamp: Time,
    /// The figures behind it.
    #[schema(value_type = Object)]
    pub data: InsightDetails,
    /// What came of it: `useful`, `wrong` or `acted`; null while nobody has said. Absent in the feed and where an
    /// event is answered: there it is what was raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub outcome: Option<Option<&'static str>>,
}

impl InsightBody {
    /// An insight as it is read: with what came of it.
    #[must_use]
    pub fn known(insight: Insight, outcome: Option<Outcome>) -> Self {
        Self { outcome: Some(outcome.map(Outcome::name)), ..Self::from(insight) }
    }
}

/// The member `data`: the figures by name, and what all insights have in common.
#[derive(Debug, Clone)]
pub struct InsightDetails {
    figures: Figures,
    message_id: SmolStr,
    params: Figures,
    event_timestamp: Time,
    revision: u32,
    model_version: u64,
    settings_version: u64,
}

impl From<Insight> for InsightBody {
    fn from(insight: Insight) -> Self {
        Self {
            id: insight.id.to_string(),
            customer_id: insight.customer_id.to_string(),
            insight_type: insight.kind.name(),
            insight: insight.sentence,
            action_required: insight.action_required,
            priority: insight.priority.name(),
            timestamp: insight.timestamp.into(),
            data: InsightDetails {
                figures: insight.figures,
                message_id: insight.message_id,
                params: insight.params,
                event_timestamp: insight.event_timestamp.into(),
                revision: insight.revision,
                model_version: insight.model_version,
                settings_version: insight.settings_version,
            },
            outcome: None,
        }
    }
}

/// The members of `data` that are no figures, and whose names figures may not have.
const COMMON: [&str; 6] =
    ["messageId", "params", "eventTimestamp", "revision", "modelVersion", "settingsVersion"];

impl Serialize for InsightDetails {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, figure) in &self.figures {
            if COMMON.contains(&name.as_str()) {
                debug_assert!(false, "a figure is named as a common member: {name}");
                continue;
            }
            map.serialize_entry(name.as_str(), &FigureBody(figure))?;
        }
        map.serialize_entry("messageId", self.message_id.as_str())?;
        map.serialize_entry("params", &FiguresBody(&self.params))?;
        map.serialize_entry("eventTimestamp", &self.event_timestamp)?;
        map.serialize_entry("revision", &self.revision)?;
        map.serialize_entry("modelVersion", &self.model_version)?;
        // 64 bits do not fit into the numbers of JavaScript.
        map.serialize_entry("settingsVersion", &format_args!("{:016x}", self.settings_version))?;
        map.end()
    }
}

struct FiguresBody<'a>(&'a Figures);

impl Serialize for FiguresBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, figure)| (name.as_str(), FigureBody(figure))))
    }
}

/// A figure as JSON.
pub(super) struct FigureBody<'a>(pub(super) &'a Figure);

impl Serialize for FigureBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Figure::Number(value) => serializer.serialize_f64(*value),
            Figure::Count(value) => serializer.serialize_i64(*value),
            Figure::Money(value) => Amount::from(*value).serialize(serializer),
            Figure::Text(value) => serializer.serialize_str(value),
            Figure::Flag(value) => serializer.serialize_bool(*value),
            Figure::Time(value) => Time(*value).serialize(serializer),
            Figure::List(values) => serializer.collect_seq(values.iter().map(FigureBody)),
            Figure::Unknown => serializer.serialize_none(),
        }
    }
}

/// A customer's insights, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerInsights {
    /// Whose.
    pub customer_id: String,
    /// The insights.
    pub insights: Vec<InsightBody>,
    /// The time they cover, such as `24 hours`.
    pub time_range: String,
    /// The next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Insights of all customers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InsightList {
    /// The insights.
    pub insights: Vec<InsightBody>,
    /// The next page; null on the last.
    pub next_cursor: Option<String>,
}

/// How many insights there were, and how well they came about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemOverview {
    /// All of them.
    pub total_insights: u64,
    /// By type, each present.
    pub insights_by_type: InsightsByType,
    /// By priority, each present.
    pub insights_by_priority: InsightsByPriority,
    /// How many others were found and held back, by reason, each present.
    pub suppressed_insights: SuppressedInsights,
    /// How well events were processed.
    pub processing_metrics: ProcessingMetrics,
    /// What came of these insights, as far as anybody has said.
    pub feedback: Feedback,
}

/// Insights by type.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct InsightsByType {
    /// A customer moved to another segment.
    pub segment_migration: u64,
    /// A customer will need a product, or did not buy what was due.
    pub consumption_prediction: u64,
    /// Something is unlike this customer.
    pub behavior_anomaly: u64,
    /// What to offer has changed.
    pub recommendation_update: u64,
}

impl InsightsByType {
    /// From counts indexed by the kinds' stored numbers.
    #[must_use]
    pub fn new(counts: [u64; 4]) -> Self {
        let of = |kind: InsightKind| counts.get(usize::from(kind.number())).copied().unwrap_or(0);
        Self {
            segment_migration: of(InsightKind::SegmentMigration),
            consumption_prediction: of(InsightKind::ConsumptionPrediction),
            behavior_anomaly: of(InsightKind::BehaviorAnomaly),
            recommendation_update: of(InsightKind::RecommendationUpdate),
        }
    }
}

/// Insights by priority.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct InsightsByPriority {
    /// Good to know.
    pub low: u64,
    /// Worth a look today.
    pub medium: u64,
    /// Worth acting on.
    pub high: u64,
    /// Act now.
    pub critical: u64,
}

impl InsightsByPriority {
    /// From counts indexed by the priorities' stored numbers.
    #[must_use]
    pub fn new(counts: [u64; 4]) -> Self {
        let of = |priority: Priority| counts.get(usize::from(priority.number())).copied().unwrap_or(0);
        Self {
            low: of(Priority::Low),
            medium: of(Priority::Medium),
            high: of(Priority::High),
            critical: of(Priority::Critical),
        }
    }
}

/// Insights that were found and not raised, by reason.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuppressedInsights {
    /// The same had been said lately.
    pub cool_down: u64,
    /// Another insight speaks of the same cause, and this was no more urgent.
    pub cause: u64,
    /// The customer's budget of the day was used up.
    pub budget: u64,
}

impl From<Suppressed> for SuppressedInsights {
    fn from(counts: Suppressed) -> Self {
        Self {
            cool_down: counts.of(Suppression::CoolDown),
            cause: counts.of(Suppression::Cause),
            budget: counts.of(Suppression::Budget),
        }
    }
}

/// How well events were processed. Rates are percent.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessingMetrics {
    /// From arrival to commit, on average.
    pub average_latency_ms: f64,
    /// Half of the events are faster.
    pub p50_latency_ms: f64,
    /// 99 of 100 events are faster.
    pub p99_latency_ms: f64,
    /// Applied, of all that arrived: 0 to 100.
    pub success_rate: f64,
    /// Refused or not applied, of all that arrived: 0 to 100.
    pub error_rate: f64,
    /// Applied a second.
    pub events_per_second: f64,
}
