//! Why an insight was not raised.

/// Why an insight that was found was held back; each is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suppression {
    /// The same has been said lately.
    CoolDown,
    /// Another insight speaks of the same cause, and this is no more urgent.
    Cause,
    /// The customer's budget of the day is used up.
    Budget,
}

impl Suppression {
    /// All reasons, in the order of their stored numbers.
    pub const ALL: [Self; 3] = [Self::CoolDown, Self::Cause, Self::Budget];

    /// The name as a metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CoolDown => "cool_down",
            Self::Cause => "cause",
            Self::Budget => "budget",
        }
    }

    /// The stable number under which it is counted, from 0: also an index into [`Suppressed`].
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// How many insights were held back, by the reason's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Suppressed(pub [u64; Suppression::ALL.len()]);

impl Suppressed {
    /// For one reason.
    #[must_use]
    pub fn of(&self, reason: Suppression) -> u64 {
        self.0.get(usize::from(reason.number())).copied().unwrap_or(0)
    }

    /// For whatever reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Counts `n` more.
    pub fn add(&mut self, reason: Suppression, n: u64) {
        if let Some(count) = self.0.get_mut(usize::from(reason.number())) {
            *count = count.saturating_add(n);
        }
    }

    /// Counts those of another.
    pub fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine = mine.saturating_add(theirs));
    }
}
