//! One line of a prediction file, checked: its fields, their ranges, and that probabilities do not fall with
//! the horizon.

use omnix_model::{Segment, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// How far a probability may fall with the horizon: rounding.
const FALL_MAX: f64 = 1e-6;

/// Why a line cannot be used.
#[derive(Debug)]
pub(crate) enum LineError {
    /// The file cannot be read.
    Input(std::io::Error),
    /// Not JSON, or a field is missing or of another type.
    Shape(serde_json::Error),
    /// A value is outside of its range.
    Range(&'static str),
}

impl std::fmt::Display for LineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input(error) => write!(f, "{error}"),
            Self::Shape(error) => write!(f, "{error}"),
            Self::Range(what) => f.write_str(what),
        }
    }
}

impl From<std::io::Error> for LineError {
    fn from(error: std::io::Error) -> Self {
        Self::Input(error)
    }
}

/// A line, by its kind.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Line {
    Consumption(Consumption),
    Due(Due),
    Recommendation(Recommendation),
    Order(Order),
    Segment(Standing),
    Migration(Migration),
    /// Of a kind that is not known here.
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Consumption {
    #[serde(deserialize_with = "time")]
    pub(super) at: Timestamp,
    pub(super) customer_id: String,
    pub(super) product_id: String,
    pub(super) median_days: Option<f64>,
    pub(super) p: Four,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Due {
    #[serde(deserialize_with = "time")]
    pub(super) at: Timestamp,
    pub(super) customer_id: String,
    pub(super) product_id: String,
    pub(super) p: Three,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recommendation {
    #[serde(deserialize_with = "time")]
    pub(super) at: Timestamp,
    pub(super) customer_id: String,
    pub(super) order_id: String,
    pub(super) items: Vec<String>,
    pub(super) new_items: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    #[serde(deserialize_with = "time")]
    pub(super) at: Timestamp,
    pub(super) customer_id: String,
    pub(super) order_id: String,
    pub(super) score: Option<f64>,
    pub(super) alert: bool,
    pub(super) burst_alert: bool,
    #[serde(default)]
    pub(super) hour_score: Option<f64>,
    #[serde(default)]
    pub(super) hour_alert: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Standing {
    #[serde(deserialize_with = "time")]
    pub(super) at: Timestamp,
    pub(super) customer_id: String,
    pub(super) segment: Name,
    pub(super) p60: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Migration {
    #[serde(deserialize_with = "time")]
    pub(super) at: Timestamp,
    pub(super) customer_id: String,
    pub(super) from: Option<Name>,
    pub(super) to: Name,
}

/// Probabilities for 7, 14, 30 and 60 days.
#[derive(Debug, Deserialize)]
pub(super) struct Four {
    #[serde(rename = "7")]
    week: f64,
    #[serde(rename = "14")]
    fortnight: f64,
    #[serde(rename = "30")]
    month: f64,
    #[serde(rename = "60")]
    two_months: f64,
}

/// Probabilities for 7, 14 and 30 days.
#[derive(Debug, Deserialize)]
pub(super) struct Three {
    #[serde(rename = "7")]
    week: f64,
    #[serde(rename = "14")]
    fortnight: f64,
    #[serde(rename = "30")]
    month: f64,
}

impl Four {
    pub(super) const fn all(&self) -> [f64; 4] {
        [self.week, self.fortnight, self.month, self.two_months]
    }
}

impl Three {
    pub(super) const fn all(&self) -> [f64; 3] {
        [self.week, self.fortnight, self.month]
    }
}

/// A segment by the name that is shown to people.
#[derive(Debug)]
pub(super) struct Name(pub(super) Segment);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let label = String::deserialize(deserializer)?;
        let segment = Segment::ALL.into_iter().find(|segment| segment.label() == label);
        segment.map(Self).ok_or_else(|| D::Error::custom(format!("`{label}` is no segment")))
    }
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

impl Line {
    pub(super) fn parse(text: &[u8]) -> Result<Self, LineError> {
        let line: Self = serde_json::from_slice(text).map_err(LineError::Shape)?;
        line.check().map(|()| line)
    }

    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Consumption(_) => "consumption",
            Self::Due(_) => "due",
            Self::Recommendation(_) => "recommendation",
            Self::Order(_) => "order",
            Self::Segment(_) => "segment",
            Self::Migration(_) => "migration",
            Self::Other => "other",
        }
    }

    fn check(&self) -> Result<(), LineError> {
        match self {
            Self::Consumption(line) => {
                if line.median_days.is_some_and(|days| days <= 0.0) {
                    return Err(LineError::Range("`medianDays` must be above 0 or null"));
                }
                probabilities(&line.p.all())
            }
            Self::Due(line) => probabilities(&line.p.all()),
            Self::Segment(line) => probabilities(&[line.p60]),
            Self::Order(line) if line.alert && line.score.is_none() => {
                Err(LineError::Range("`alert` must not be true where `score` is null"))
            }
            Self::Recommendation(_) | Self::Order(_) | Self::Migration(_) | Self::Other => Ok(()),
        }
    }
}

fn probabilities(p: &[f64]) -> Result<(), LineError> {
    if !p.iter().all(|p| (0.0..=1.0).contains(p)) {
        return Err(LineError::Range("a probability must lie in 0..1"));
    }
    if !p.is_sorted_by(|shorter, longer| *shorter <= *longer + FALL_MAX) {
        return Err(LineError::Range("`p` must not fall with the horizon"));
    }
    Ok(())
}
