//! The one vocabulary of customer segments.

use std::fmt;

use smol_str::SmolStr;

/// How much a segment is worth to a shop: what makes a move between two of them good or bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Gone, or as good as gone.
    Lapsed,
    /// Slipping away.
    Slipping,
    /// Neither slipping nor established.
    Developing,
    /// The customers a shop lives on.
    Core,
}

/// A customer segment that the product knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Buy often, lately and much.
    Champions,
    /// Buy regularly.
    Loyal,
    /// Lately come, more than once.
    PotentialLoyalists,
    /// One recent order.
    New,
    /// Were regular, now a little late.
    NeedAttention,
    /// Were good, now long silent.
    AtRisk,
    /// Were among the best, now long silent.
    CannotLose,
    /// Few orders, long ago.
    Hibernating,
    /// Silent for so long that nothing is expected.
    Lost,
}

impl Segment {
    /// All segments, best first.
    pub const ALL: [Self; 9] = [
        Self::Champions,
        Self::Loyal,
        Self::PotentialLoyalists,
        Self::New,
        Self::NeedAttention,
        Self::AtRisk,
        Self::CannotLose,
        Self::Hibernating,
        Self::Lost,
    ];

    /// The name shown to people, and used on the wire.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Champions => "Champions",
            Self::Loyal => "Loyal Customers",
            Self::PotentialLoyalists => "Potential Loyalists",
            Self::New => "New Customer",
            Self::NeedAttention => "Need Attention",
            Self::AtRisk => "At Risk",
            Self::CannotLose => "Cannot Lose Them",
            Self::Hibernating => "Hibernating",
            Self::Lost => "Lost",
        }
    }

    /// The name in paths and channels.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Champions => "champions",
            Self::Loyal => "loyal-customers",
            Self::PotentialLoyalists => "potential-loyalists",
            Self::New => "new-customer",
            Self::NeedAttention => "need-attention",
            Self::AtRisk => "at-risk",
            Self::CannotLose => "cannot-lose-them",
            Self::Hibernating => "hibernating",
            Self::Lost => "lost",
        }
    }

    /// What it is worth.
    #[must_use]
    pub const fn tier(self) -> Tier {
        match self {
            Self::Champions | Self::Loyal => Tier::Core,
            Self::PotentialLoyalists | Self::New => Tier::Developing,
            Self::NeedAttention | Self::AtRisk | Self::CannotLose => Tier::Slipping,
            Self::Hibernating | Self::Lost => Tier::Lapsed,
        }
    }

    /// The stable number under which it is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Champions => 1,
            Self::Loyal => 2,
            Self::PotentialLoyalists => 3,
            Self::New => 4,
            Self::NeedAttention => 5,
            Self::AtRisk => 6,
            Self::CannotLose => 7,
            Self::Hibernating => 8,
            Self::Lost => 9,
        }
    }

    /// The segment stored under `number`.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|segment| segment.number() == number)
    }

    /// The segment with this slug.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|segment| segment.slug() == slug)
    }

    /// The segment that people mean by `name`: case, blanks, `-`, `_` and `'` aside.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let plain = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let name = plain(name);
        let alias = match name.as_str() {
            "champion" => Some(Self::Champions),
            "loyal" | "loyalcustomer" => Some(Self::Loyal),
            "potentialloyalist" => Some(Self::PotentialLoyalists),
            "new" | "newcustomers" => Some(Self::New),
            "needsattention" => Some(Self::NeedAttention),
            "cantlosethem" | "cannotlose" => Some(Self::CannotLose),
            _ => None,
        };
        alias.or_else(|| Self::ALL.into_iter().find(|segment| plain(segment.label()) == name))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A segment as an outside model named it: one of ours, or kept as it is, without a tier.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SegmentName {
    /// One of ours.
    Known(Segment),
    /// An outside name.
    Other(SmolStr),
}

impl SegmentName {
    /// The segment that `name` names.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        Segment::from_name(name).map_or_else(|| Self::Other(SmolStr::new(name)), Self::Known)
    }

    /// The name shown to people.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Known(segment) => segment.label(),
            Self::Other(name) => name,
        }
    }

    /// What it is worth, if we know.
    #[must_use]
    pub const fn tier(&self) -> Option<Tier> {
        match self {
            Self::Known(segment) => Some(segment.tier()),
            Self::Other(_) => None,
        }
    }

    /// The segment, if it is one of ours.
    #[must_use]
    pub const fn known(&self) -> Option<Segment> {
        match self {
            Self::Known(segment) => Some(*segment),
            Self::Other(_) => None,
        }
    }
}
