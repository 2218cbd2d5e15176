//! The dates on which something is predicted that no event asks for. A date is a UTC date, counted from
//! 1970-01-01.

use std::collections::BTreeSet;

use omnix_model::Timestamp;

/// Days between two dates of the grid.
const GRID_DAYS: i64 = 7;

/// The grid of `due` lines and the snapshots of `segment` lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dates {
    grid_from: Option<i64>,
    grid_until: Option<i64>,
    snapshots: BTreeSet<i64>,
}

impl Dates {
    /// A grid of every seventh date from `grid_from` on, none without it; and these snapshots.
    pub(crate) fn new(grid_from: Option<i64>, snapshots: impl IntoIterator<Item = i64>) -> Self {
        Self { grid_from, grid_until: None, snapshots: snapshots.into_iter().collect() }
    }

    /// The grid ends with `day`.
    pub(super) const fn end_grid(&mut self, day: i64) {
        self.grid_until = Some(day);
    }

    pub(super) fn is_grid(&self, day: i64) -> bool {
        self.grid_from.is_some_and(|from| day >= from && (day - from) % GRID_DAYS == 0)
            && self.grid_until.is_none_or(|until| day <= until)
    }

    pub(super) fn is_snapshot(&self, day: i64) -> bool {
        self.snapshots.contains(&day)
    }

    pub(super) fn last_snapshot(&self) -> Option<i64> {
        self.snapshots.last().copied()
    }
}

/// The date that `text` names, `YYYY-MM-DD`.
///
/// # Errors
/// Why it names none.
pub(crate) fn date(text: &str) -> Result<i64, String> {
    // Any other text with a midnight behind it is no time.
    let midnight = format!("{text}T00:00:00Z").parse::<Timestamp>();
    midnight.map(Timestamp::utc_day).map_err(|_malformed| "must be a date such as `2026-01-05`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_every_seventh_date_up_to_its_end() {
        let mut dates = Dates::new(Some(100), [40, 500]);
        let grid = |dates: &Dates| (80..120).filter(|day| dates.is_grid(*day)).collect::<Vec<_>>();
        assert_eq!(grid(&dates), [100, 107, 114]);
        dates.end_grid(113);
        assert_eq!(grid(&dates), [100, 107]);
        assert!(dates.is_snapshot(40) && !dates.is_snapshot(41));
        assert_eq!(dates.last_snapshot(), Some(500));
        assert!(!Dates::default().is_grid(0));
    }

    #[test]
    fn a_date_is_year_month_and_day() {
        assert_eq!(date("1970-01-02"), Ok(1));
        for wrong in ["1969-12-31", "2026-1-5", "2026-02-30", "20260105", "2026-01-05T00:00:00Z", ""] {
            assert!(date(wrong).is_err(), "{wrong}");
        }
    }
}
