//! What came of insights: what is said of one, and how many came to what.

use omnix_model::{ErrorCode, Fault, InsightKind, Outcome, Priority};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What may be changed of an insight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
pub struct InsightChange {
    /// What came of it: `useful` (it was right), `wrong` (it was not) or `acted` (somebody did something about
    /// it); null takes back what was said.
    #[schema(value_type = Option<String>, example = "useful")]
    pub outcome: Option<Outcome>,
}

/// Why a body says no change of an insight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoChange {
    /// It is not JSON; the text names line and column.
    Malformed(String),
    /// What is wrong with it.
    Faulty(Vec<Fault>),
}

impl InsightChange {
    /// The change that `bytes` ask for.
    ///
    /// # Errors
    /// [`NoChange`], with all faults at once.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoChange> {
        let body: Value =
            serde_json::from_slice(bytes).map_err(|error| NoChange::Malformed(error.to_string()))?;
        let Value::Object(members) = body else {
            let fault = Fault::new("", ErrorCode::WrongType, "must be an object");
            return Err(NoChange::Faulty(vec![fault]));
        };
        let mut faults = Vec::new();
        for name in members.keys().filter(|name| *name != "outcome") {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            faults.push(Fault::new(pointer, ErrorCode::UnknownValue, "cannot be changed; `outcome` can"));
        }
        let outcome = match members.get("outcome") {
            Some(Value::Null) => None,
            Some(Value::String(name)) => {
                let outcome = Outcome::from_name(name);
                if outcome.is_none() {
                    let detail = "must be `useful`, `wrong`, `acted` or null";
                    faults.push(Fault::new("/outcome", ErrorCode::UnknownValue, detail));
                }
                outcome
            }
            Some(_) => {
                faults.push(Fault::new("/outcome", ErrorCode::WrongType, "must be a string or null"));
                None
            }
            None => {
                faults.push(Fault::new("/outcome", ErrorCode::Required, "is missing"));
                None
            }
        };
        if faults.is_empty() { Ok(Self { outcome }) } else { Err(NoChange::Faulty(faults)) }
    }
}

/// How many insights came to what.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct FeedbackCounts {
    /// Of how many somebody has said what came of them.
    pub judged: u64,
    /// How many were right.
    pub useful: u64,
    /// How many were not.
    pub wrong: u64,
    /// About how many somebody did something.
    pub acted: u64,
    /// Useful and acted on, of all judged, in percent: 0 to 100; null while none is judged.
    pub precision: Option<f64>,
}

impl FeedbackCounts {
    /// From counts indexed by the outcomes' stored numbers.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub fn new(counts: [u64; 3]) -> Self {
        let of = |outcome: Outcome| counts.get(usize::from(outcome.number())).copied().unwrap_or(0);
        let (useful, wrong, acted) = (of(Outcome::Useful), of(Outcome::Wrong), of(Outcome::Acted));
        let judged = useful + wrong + acted;
        let precision = (judged > 0).then(|| 100.0 * (useful + acted) as f64 / judged as f64);
        Self { judged, useful, wrong, acted, precision }
    }
}

/// What came of insights, by type and by priority.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Feedback {
    /// Of all insights.
    pub all: FeedbackCounts,
    /// By type, each present.
    pub by_type: FeedbackByType,
    /// By priority, each present.
    pub by_priority: FeedbackByPriority,
}

impl Feedback {
    /// From a function that counts those of a kind, of a priority, or all.
    pub fn of(counts: impl Fn(Option<InsightKind>, Option<Priority>) -> [u64; 3]) -> Self {
        let kind = |kind| FeedbackCounts::new(counts(Some(kind), None));
        let priority = |priority| FeedbackCounts::new(counts(None, Some(priority)));
        Self {
            all: FeedbackCounts::new(counts(None, None)),
            by_type: FeedbackByType {
                segment_migration: kind(InsightKind::SegmentMigration),
                consumption_prediction: kind(InsightKind::ConsumptionPrediction),
                behavior_anomaly: kind(InsightKind::BehaviorAnomaly),
                recommendation_update: kind(InsightKind::RecommendationUpdate),
            },
            by_priority: FeedbackByPriority {
                low: priority(Priority::Low),
                medium: priority(Priority::Medium),
                high: priority(Priority::High),
                critical: priority(Priority::Critical),
            },
        }
    }
}

/// What came of insights, by type.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct FeedbackByType {
    /// A customer moved to another segment.
    pub segment_migration: FeedbackCounts,
    /// A customer will need a product, or did not buy what was due.
    pub consumption_prediction: FeedbackCounts,
    /// Something is unlike this customer.
    pub behavior_anomaly: FeedbackCounts,
    /// What to offer has changed.
    pub recommendation_update: FeedbackCounts,
}

/// What came of insights, by priority.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct FeedbackByPriority {
    /// Good to know.
    pub low: FeedbackCounts,
    /// Worth a look today.
    pub medium: FeedbackCounts,
    /// Worth acting on.
    pub high: FeedbackCounts,
    /// Act now.
    pub critical: FeedbackCounts,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str) -> Vec<(String, &'static str)> {
        match InsightChange::parse(body.as_bytes()) {
            Err(NoChange::Faulty(faults)) => {
                faults.into_iter().map(|fault| (fault.pointer, fault.code.name())).collect()
            }
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn a_change_says_an_outcome_or_takes_it_back() {
        for outcome in Outcome::ALL {
            let body = format!("{{\"outcome\":\"{}\"}}", outcome.name());
            assert_eq!(InsightChange::parse(body.as_bytes()), Ok(InsightChange { outcome: Some(outcome) }));
        }
        assert_eq!(InsightChange::parse(b"{\"outcome\":null}"), Ok(InsightChange { outcome: None }));
    }

    #[test]
    fn every_fault_is_told_with_its_pointer() {
        assert_eq!(faults("[]"), [(String::new(), "wrong_type")]);
        assert_eq!(faults("{}"), [("/outcome".to_owned(), "required")]);
        assert_eq!(faults("{\"outcome\":1}"), [("/outcome".to_owned(), "wrong_type")]);
        assert_eq!(faults("{\"outcome\":\"Useful\"}"), [("/outcome".to_owned(), "unknown_value")]);
        assert_eq!(
            faults("{\"outcome\":\"good\",\"sta/tus\":\"done\"}"),
            [("/sta~1tus".to_owned(), "unknown_value"), ("/outcome".to_owned(), "unknown_value")]
        );
        assert!(
            matches!(InsightChange::parse(b"{"), Err(NoChange::Malformed(text)) if text.contains("line 1"))
        );
    }

    #[test]
    fn precision_counts_what_was_useful_or_acted_on() {
        let counts = FeedbackCounts::new([2, 1, 1]);
        assert_eq!((counts.judged, counts.precision), (4, Some(75.0)));
        assert_eq!(FeedbackCounts::new([0; 3]).precision, None);
    }
}
