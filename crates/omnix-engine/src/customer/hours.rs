//! At what hours of the shop's day a customer orders.
//!
//! A count an hour, of each hour one order a day at the most: a till that orders all day is known by its days, not
//! by its last morning. At 64 all counts are halved, so that a habit that is given up fades.
//!
//! Deliberately not here: minutes, weekdays, and what an unusual hour means (`detect`).

use omnix_model::{DecodeError, Reader, Writer};

use super::product::day;
use crate::calendar::{self, Day, HOURS};

/// Orders at which all counts are halved.
const ORDERS_MAX: u32 = 64;

/// Orders by the hour of the shop's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Hours {
    counts: [u8; HOURS],
    /// The day of the latest, and its hours, as bits.
    day: Day,
    seen: u32,
}

impl Hours {
    /// Whether an order at `hour` of `day` was counted.
    pub(crate) const fn has(&self, day: Day, hour: u8) -> bool {
        day <= self.day && self.seen >> hour & 1 == 1
    }

    /// Counts an order at `hour` of `day`, unless one was counted.
    pub(crate) fn note(&mut self, day: Day, hour: u8) {
        if self.has(day, hour) {
            return;
        }
        if day > self.day || self.seen == 0 {
            (self.day, self.seen) = (day, 0);
        }
        self.seen |= 1 << hour;
        if let Some(count) = self.counts.get_mut(usize::from(hour)) {
            *count = count.saturating_add(1);
        }
        if self.orders() >= ORDERS_MAX {
            self.counts.iter_mut().for_each(|count| *count /= 2);
        }
    }

    /// How many orders are in mind.
    pub(crate) fn orders(&self) -> u32 {
        self.counts.iter().map(|&count| u32::from(count)).sum()
    }

    /// How many of them lie within three hours of `hour`.
    pub(crate) fn near(&self, hour: u8) -> u32 {
        calendar::near_hours(hour).map(|hour| self.at(hour)).sum()
    }

    /// The share of them that lies within three hours of one of them, on average: 1 for who always orders at the
    /// same time, 7 in 24 for who orders round the clock; 0 without any.
    pub(crate) fn usual_share(&self) -> f64 {
        let orders = f64::from(self.orders().max(1));
        let near: u32 =
            (0_u8..).zip(self.counts).map(|(hour, count)| u32::from(count) * self.near(hour)).sum();
        f64::from(near) / (orders * orders)
    }

    /// The hour about which most of them lie, the earliest of several; its neighbours count half.
    pub(crate) fn usual(&self) -> u8 {
        let weight = |hour: u8| {
            let hour = usize::from(hour);
            self.at((hour + HOURS - 1) % HOURS) + 2 * self.at(hour) + self.at((hour + 1) % HOURS)
        };
        (0..24_u8).rev().max_by_key(|&hour| weight(hour)).unwrap_or(0)
    }

    fn at(&self, hour: usize) -> u32 {
        self.counts.get(hour).copied().unwrap_or(0).into()
    }

    /// The hours that have orders as bits, their counts; where there are any the latest day, by its distance from
    /// `last_day`, and its hours.
    pub(crate) fn encode(&self, last_day: Day, out: &mut Writer) {
        let used = self.counts.iter().rev().fold(0_u32, |bits, &count| bits << 1 | u32::from(count > 0));
        out.uint(used.into());
        self.counts.iter().filter(|&&count| count > 0).for_each(|&count| out.u8(count));
        if used > 0 {
            out.int(i64::from(last_day) - i64::from(self.day));
            out.uint(self.seen.into());
        }
    }

    pub(crate) fn decode(last_day: Day, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const WRONG: DecodeError = DecodeError::Invalid("hours");
        let bits = |from: &mut Reader<'_>| match from.uint()? {
            bits if bits >> HOURS == 0 => u32::try_from(bits).or(Err(WRONG)),
            _ => Err(WRONG),
        };
        let used = bits(from)?;
        let mut hours = Self::default();
        let counted = (0..HOURS).zip(&mut hours.counts).filter(|(hour, _)| used >> hour & 1 == 1);
        for (_, count) in counted {
            *count = from.u8()?;
            if *count == 0 {
                return Err(WRONG);
            }
        }
        if used > 0 {
            hours.day = day(i64::from(last_day).saturating_sub(from.int()?))?;
            hours.seen = bits(from)?;
        }
        if hours.orders() < ORDERS_MAX { Ok(hours) } else { Err(WRONG) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Orders at these hours, a day each.
    fn hours(at: &[u8]) -> Hours {
        let mut hours = Hours::default();
        (1..).zip(at).for_each(|(day, hour)| hours.note(day, *hour));
        hours
    }

    #[test]
    fn near_goes_round_the_clock() {
        let hours = hours(&[22, 23, 0, 1, 2, 12]);
        assert_eq!((hours.near(23), hours.near(2), hours.near(5), hours.near(8)), (5, 4, 1, 0));
        assert_eq!(hours.usual(), 0, "23 and 1 lie on both sides");
    }

    #[test]
    fn a_day_counts_once_an_hour() {
        let mut hours = Hours::default();
        [8, 9, 10].into_iter().cycle().take(300).for_each(|hour| hours.note(5, hour));
        assert_eq!(hours.orders(), 3);
        assert!(hours.has(5, 8) && !hours.has(6, 8) && !hours.has(5, 11));
    }

    #[test]
    fn who_orders_at_one_time_is_known_by_it_and_who_orders_at_any_is_not() {
        assert!((hours(&[9; 20]).usual_share() - 1.0).abs() < 1e-12);
        let any: Vec<u8> = (0..24).collect();
        assert!((hours(&any).usual_share() - 7.0 / 24.0).abs() < 1e-12);
        assert!(Hours::default().usual_share().abs() < 1e-12);
    }

    #[test]
    fn a_habit_that_is_given_up_fades_and_what_is_written_is_read_again() {
        let habits: Vec<u8> = [8; 50].into_iter().chain([20; 250]).collect();
        for count in 0..habits.len() {
            let hours = hours(&habits[..count]);
            assert!(hours.orders() < ORDERS_MAX);
            let mut out = Writer::new();
            hours.encode(400, &mut out);
            let bytes = out.into_bytes();
            assert!(bytes.len() < 16, "{} bytes", bytes.len());
            assert_eq!(Hours::decode(400, &mut Reader::new(&bytes)), Ok(hours));
        }
        assert_eq!(hours(&habits).near(8), 0);
    }
}
