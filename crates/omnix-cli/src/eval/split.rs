//! The split in time: what came before `from` is what a model could be tuned on, what follows is held out.

use omnix_model::Timestamp;

use super::history::History;
use crate::failure::Failure;

/// The days of the hold-out, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) from: i64,
    pub(crate) last: i64,
    /// The first day of the whole history.
    pub(crate) first: i64,
}

impl Split {
    /// The hold-out from `from` on; without it the last third of the history's days.
    pub(crate) fn of(history: &History, from: Option<i64>) -> Result<Self, Failure> {
        let Some((first, last)) = history.span() else {
            return Err(Failure::usage("the history has no purchase of a known customer"));
        };
        let from = from.unwrap_or_else(|| last + 1 - (last + 1 - first) / 3);
        if !(first..=last).contains(&from) {
            let (first, last) = (date(first), date(last));
            return Err(Failure::usage(format!("the hold-out must begin between {first} and {last}")));
        }
        Ok(Self { from, last, first })
    }

    /// Whether `day` is held out and the `days` days behind it are in the history.
    pub(crate) const fn holds(self, day: i64, days: i64) -> bool {
        self.from <= day && day + days <= self.last
    }

    /// Every `step`th day from the first on.
    pub(crate) fn every(self, step: usize) -> impl Iterator<Item = i64> {
        (self.from..=self.last).step_by(step)
    }

    /// At most three days, evenly spread, that leave `days` days to follow, themselves included.
    pub(crate) fn snapshots(self, days: i64) -> Vec<i64> {
        let latest = self.last + 1 - days;
        let spread = latest - self.from;
        let mut snapshots = match spread {
            ..0 => Vec::new(),
            _ => vec![self.from, self.from + spread / 2, latest],
        };
        snapshots.dedup();
        snapshots
    }
}

/// A day as `YYYY-MM-DD`.
pub(crate) fn date(day: i64) -> String {
    let text = Timestamp::from_ms_clamped(day * Timestamp::DAY_MS).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::history::tests::history;
    use crate::replay::date as day;

    #[test]
    fn the_last_third_is_held_out_unless_said_otherwise() {
        let history = history(&["a x 1 2026-01-01T23:00:00Z 1", "a x 2 2026-01-30T01:00:00Z 1"]);
        let split = Split::of(&history, None).unwrap();
        assert_eq!((date(split.from), date(split.last)), ("2026-01-21".to_owned(), "2026-01-30".to_owned()));
        assert_eq!(Split::of(&history, Some(day("2026-01-05").unwrap())).unwrap().from, split.from - 16);
        assert!(Split::of(&history, Some(day("2026-02-05").unwrap())).is_err());
        assert!(Split::of(&History::default(), None).is_err());
    }

    #[test]
    fn a_day_is_held_while_its_future_is_in_the_history() {
        let split = Split { from: 10, last: 20, first: 0 };
        assert_eq!(
            [(9, 0), (10, 10), (10, 11), (20, 0)].map(|(day, days)| split.holds(day, days)),
            [false, true, false, true]
        );
        assert_eq!(split.snapshots(5), [10, 13, 16]);
        assert_eq!(split.snapshots(11), [10]);
        assert!(split.snapshots(12).is_empty());
    }

    #[test]
    fn dates_are_read_as_they_are_written() {
        assert_eq!(date(day("2011-08-01").unwrap()), "2011-08-01");
    }
}
