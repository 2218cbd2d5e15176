//! Times as people write them. Whether the day or the month stands first is read off the whole column.

use std::cmp::Ordering;

use omnix_model::Timestamp;

/// Which of the first two parts of a date is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateOrder {
    DayFirst,
    MonthFirst,
}

/// A time, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// It says all.
    Known(Timestamp),
    /// Two parts of which one is the day and one the month, the year, and milliseconds since midnight.
    Unclear { first: i64, second: i64, year: i64, ms: i64 },
}

impl Parts {
    /// The parts of a time; one without an offset is taken as UTC.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(known) = text.parse() {
            return Some(Self::Known(known));
        }
        let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, ""));
        let ms = of_day(clock)?;
        let separator = date.chars().find(|letter| !letter.is_ascii_digit())?;
        let mut parts = date.split(separator);
        let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let number =
            |part: &str| part.parse::<i64>().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()));
        let (first, second, third) = (number(a)?, number(b)?, number(c)?);
        match (a.len(), c.len(), separator) {
            (4, _, '-' | '/' | '.') => instant(first, second, third, ms).map(Self::Known),
            (_, 4, '.') => instant(third, second, first, ms).map(Self::Known),
            (_, 4, '-' | '/') => Some(Self::Unclear { first, second, year: third, ms }),
            _ => None,
        }
    }

    /// The instant, with this order of day and month.
    pub(super) fn at(self, order: DateOrder) -> Option<Timestamp> {
        match (self, order) {
            (Self::Known(at), _) => Some(at),
            (Self::Unclear { first, second, year, ms }, DateOrder::DayFirst) => {
                instant(year, second, first, ms)
            }
            (Self::Unclear { first, second, year, ms }, DateOrder::MonthFirst) => {
                instant(year, first, second, ms)
            }
        }
    }
}

impl DateOrder {
    /// The order that all `times` of a column agree with, or why there is none.
    pub(super) fn of(times: impl Iterator<Item = Parts>) -> Result<Self, &'static str> {
        let (mut unclear, mut day_first, mut month_first) = (false, false, false);
        for time in times {
            if let Parts::Unclear { first, second, .. } = time {
                unclear = true;
                day_first |= first > 12;
                month_first |= second > 12;
            }
        }
        match (day_first, month_first) {
            (true, false) => Ok(Self::DayFirst),
            (false, true) => Ok(Self::MonthFirst),
            (false, false) if !unclear => Ok(Self::DayFirst),
            (false, false) => Err("the dates may be day first or month first; write them like 2026-01-31"),
            (true, true) => {
                Err("some dates have the day first, others the month; write them like 2026-01-31")
            }
        }
    }
}

/// Milliseconds since midnight of `hh:mm[:ss[.fff]]`, with or without AM or PM; nothing is midnight.
fn of_day(clock: &str) -> Option<i64> {
    let clock = clock.trim().to_ascii_uppercase();
    if clock.is_empty() {
        return Some(0);
    }
    let (text, half) = match (clock.strip_suffix("AM"), clock.strip_suffix("PM")) {
        (Some(text), _) => (text.trim(), Some(0)),
        (_, Some(text)) => (text.trim(), Some(12)),
        (None, None) => (clock.as_str(), None),
    };
    let mut parts = text.split(':');
    let hour: i64 = parts.next()?.parse().ok()?;
    let minute: i64 = parts.next()?.parse().ok()?;
    let second: f64 = parts.next().unwrap_or("0").parse().ok()?;
    let hour = half.map_or(hour, |half| hour % 12 + half);
    let is_sound = parts.next().is_none()
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && second.total_cmp(&0.0) != Ordering::Less
        && second < 60.0;
    #[expect(clippy::cast_possible_truncation, reason = "less than a minute")]
    is_sound.then_some((hour * 60 + minute) * 60_000 + (second * 1000.0) as i64)
}

fn instant(year: i64, month: i64, day: i64, ms: i64) -> Option<Timestamp> {
    let midnight: Timestamp = format!("{year:04}-{month:02}-{day:02}T00:00:00Z").parse().ok()?;
    Some(midnight.plus_ms(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, order: DateOrder) -> String {
        Parts::parse(text).and_then(|parts| parts.at(order)).map_or_else(String::new, |at| at.to_string())
    }

    #[test]
    fn many_spellings_are_understood() {
        let spellings = [
            "2026-01-31T08:05:00+01:00",
            "2026-01-31 07:05",
            "2026/01/31 07:05:00",
            "31.01.2026 07:05",
            "31/01/2026 7:05",
            "31-01-2026 07:05:00.000",
            "31.1.2026 7:05 AM",
        ];
        for text in spellings {
            assert_eq!(at(text, DateOrder::DayFirst), "2026-01-31T07:05:00.000Z", "{text}");
        }
        assert_eq!(at("1/31/2026 12:05 pm", DateOrder::MonthFirst), "2026-01-31T12:05:00.000Z");
        assert_eq!(at("1/31/2026 12:05 am", DateOrder::MonthFirst), "2026-01-31T00:05:00.000Z");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in
            ["", "soon", "31.01.26", "2026-02-30", "2026-01-31 25:00", "1/2/3/2026", "2026-01-31 -1:00"]
        {
            assert_eq!(at(text, DateOrder::DayFirst), "", "{text}");
        }
    }

    #[test]
    fn the_column_tells_the_order_or_nobody_does() {
        let order = |texts: &[&str]| DateOrder::of(texts.iter().filter_map(|text| Parts::parse(text)));
        assert_eq!(order(&["2026-01-31"]), Ok(DateOrder::DayFirst));
        assert_eq!(order(&["1/2/2026", "13/2/2026"]), Ok(DateOrder::DayFirst));
        assert_eq!(order(&["1/2/2026", "2/13/2026"]), Ok(DateOrder::MonthFirst));
        assert!(order(&["1/2/2026"]).is_err());
        assert!(order(&["13/2/2026", "2/13/2026"]).is_err());
    }
}
