//! What has been said of a customer: how much on one day, and how urgently of the silence in hand.
//!
//! Deliberately not here: what may be said because of it (`stage`).

use omnix_model::{DecodeError, Priority};

use crate::calendar::Day;

/// How many insights of our own were raised of a customer, on the latest day that had one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Attention {
    pub day: Day,
    pub raised: u8,
}

impl Attention {
    /// How many may still be raised because of something on `day`, of a budget of `per_day`; 0: there is no budget.
    pub(crate) fn left(self, day: Day, per_day: u8) -> u8 {
        match per_day {
            0 => u8::MAX,
            _ if day > self.day => per_day,
            _ => per_day.saturating_sub(self.raised),
        }
    }

    /// Counts one that was raised because of something on `day`; an earlier day is over.
    pub(crate) fn note(&mut self, day: Day) {
        if day > self.day {
            *self = Self { day, raised: 0 };
        }
        self.raised = self.raised.saturating_add(u8::from(day == self.day));
    }
}

/// What has been said of a customer's silence since their last purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Silence {
    /// The most urgent insight.
    pub told: Option<Priority>,
    /// A product that was expected has not come, and that was published.
    pub is_overdue: bool,
}

impl Silence {
    const OVERDUE: u8 = 8;

    /// One byte: the priority's number plus 1, or 0; and 8 for an overdue product.
    pub(super) fn to_byte(self) -> u8 {
        self.told.map_or(0, |told| told.number() + 1) + if self.is_overdue { Self::OVERDUE } else { 0 }
    }

    pub(super) fn from_byte(byte: u8) -> Result<Self, DecodeError> {
        let (told, is_overdue) = (byte % Self::OVERDUE, byte >= Self::OVERDUE);
        let priority = |number: u8| {
            let mut all = Priority::ALL.into_iter();
            all.find(|priority| priority.number() == number).ok_or(DecodeError::Invalid("silence"))
        };
        let told = told.checked_sub(1).map(priority).transpose()?;
        let silence = Self { told, is_overdue };
        if silence.to_byte() == byte { Ok(silence) } else { Err(DecodeError::Invalid("silence")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_that_of_a_day() {
        let mut attention = Attention::default();
        assert_eq!(attention.left(20_000, 2), 2);
        attention.note(20_000);
        assert_eq!(attention.left(20_000, 2), 1);
        attention.note(20_000);
        attention.note(20_000);
        assert_eq!(attention.left(20_000, 2), 0);
        assert_eq!(attention.left(20_001, 2), 2, "a new day");
        attention.note(20_001);
        attention.note(20_000);
        assert_eq!(attention.left(20_001, 2), 1, "a day that is over counts no more");
        assert_eq!(attention.left(20_001, 0), u8::MAX, "no budget");
    }

    #[test]
    fn a_silence_is_read_as_it_was_written() {
        for byte in 0..=u8::MAX {
            match Silence::from_byte(byte) {
                Ok(silence) => assert_eq!(silence.to_byte(), byte),
                Err(_) => assert!((5..8).contains(&byte) || byte >= 13, "{byte}"),
            }
        }
    }
}
