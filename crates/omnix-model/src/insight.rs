//! Insights: what an event means, for the person who should know.

mod stored;
mod suppression;

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;
use xxhash_rust::xxh3::Xxh3;

use crate::{CustomerId, DecodeError, Money, Timestamp};

pub use suppression::{Suppressed, Suppression};

/// Which of the four kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InsightKind {
    /// A customer moved to another segment.
    SegmentMigration,
    /// A customer will need a product, or did not buy what was due.
    ConsumptionPrediction,
    /// Something is unlike this customer.
    BehaviorAnomaly,
    /// What to offer this customer has changed.
    RecommendationUpdate,
}

impl InsightKind {
    /// All kinds, in the order of their stored numbers.
    pub const ALL: [Self; 4] = [
        Self::SegmentMigration,
        Self::ConsumptionPrediction,
        Self::BehaviorAnomaly,
        Self::RecommendationUpdate,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SegmentMigration => "segment_migration",
            Self::ConsumptionPrediction => "consumption_prediction",
            Self::BehaviorAnomaly => "behavior_anomaly",
            Self::RecommendationUpdate => "recommendation_update",
        }
    }

    /// The stable number under which it is stored, from 0: also an index into arrays of four.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Good to know.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth acting on.
    High,
    /// Act now.
    Critical,
}

impl Priority {
    /// All priorities, in the order of their stored numbers.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The stable number under which it is stored, from 0: also an index into arrays of four.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The priority with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.name() == name)
    }
}

/// What came of an insight, in the words of whoever read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It was right, and good to know.
    Useful,
    /// It was not so.
    Wrong,
    /// Somebody did something about it.
    Acted,
}

impl Outcome {
    /// All outcomes, in the order of their stored numbers.
    pub const ALL: [Self; 3] = [Self::Useful, Self::Wrong, Self::Acted];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Useful => "useful",
            Self::Wrong => "wrong",
            Self::Acted => "acted",
        }
    }

    /// The stable number under which it is stored, from 0: also an index into arrays of three.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The outcome with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// The number under which an outcome, or that there is none, is stored: 0 none, else one more than
    /// [`Self::number`].
    #[must_use]
    pub fn stored(outcome: Option<Self>) -> u8 {
        outcome.map_or(0, |outcome| outcome.number() + 1)
    }

    /// What [`Self::stored`] wrote; an error for a number that it never wrote.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn from_stored(number: u8) -> Result<Option<Self>, DecodeError> {
        match number.checked_sub(1) {
            None => Ok(None),
            Some(place) => {
                Self::ALL.get(usize::from(place)).copied().map(Some).ok_or(DecodeError::Invalid("outcome"))
            }
        }
    }
}

/// An insight's id: a hash of customer, rule and cause, so that raising it again writes the same insight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InsightId(pub [u8; 16]);

impl InsightId {
    /// The id of what `rule` says of `customer` because of `cause` (a basket, an event, a due date).
    #[must_use]
    pub fn derive(customer: &CustomerId, rule: &str, cause: &[u8]) -> Self {
        let mut hash = Xxh3::new();
        for part in [customer.as_str().as_bytes(), rule.as_bytes(), cause] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.digest128().to_be_bytes())
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for InsightId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every insight is written under its id, so digit by digit without the formatter.
        let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' + half - 10 });
        let digits = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        f.write_str(&digits.collect::<String>())
    }
}

impl fmt::Debug for InsightId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for InsightId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(is_hex) {
            return Err(());
        }
        u128::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).or(Err(()))
    }
}

/// One figure behind an insight.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// A finite number.
    Number(f64),
    /// A whole number.
    Count(i64),
    /// An amount of money.
    Money(Money),
    /// A word or an id.
    Text(SmolStr),
    /// Yes or no.
    Flag(bool),
    /// An instant.
    Time(Timestamp),
    /// Several of them.
    List(Vec<Figure>),
    /// Not known.
    Unknown,
}

/// Named figures, in the order in which they are shown.
pub type Figures = Vec<(SmolStr, Figure)>;

/// What an event means, for the person who should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Insight {
    /// Its id.
    pub id: InsightId,
    /// Whom it is about.
    pub customer_id: CustomerId,
    /// Which kind.
    pub kind: InsightKind,
    /// How urgent.
    pub priority: Priority,
    /// Whether somebody should do something.
    pub action_required: bool,
    /// The lane's time at which it was first raised.
    pub timestamp: Timestamp,
    /// The cause's own time.
    pub event_timestamp: Timestamp,
    /// 0 when first raised, then one more for each revision.
    pub revision: u32,
    /// The number of the model whose figures were used.
    pub model_version: u64,
    /// The hash of the settings in force.
    pub settings_version: u64,
    /// Which sentence, independent of language, such as `anomaly.amount.high`.
    pub message_id: SmolStr,
    /// One English sentence that a shop manager understands.
    pub sentence: String,
    /// What stands in the sentence, for another language.
    pub params: Figures,
    /// The figures behind it.
    pub figures: Figures,
}
