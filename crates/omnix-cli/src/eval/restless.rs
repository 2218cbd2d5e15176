//! How often labels change, and how often for nothing.

use omnix_model::{Segment, Timestamp};

use super::history::History;
use super::metric;
use super::predictions::Predictions;
use super::quintiles;
use super::split::Split;

/// Days within which a second change makes the first look rash.
const AGAIN_DAYS: i64 = 14;
/// Days within which a return makes a change look needless.
const BACK_DAYS: i64 = 30;
/// Days of a month.
const MONTH_DAYS: f64 = 30.0;

/// A change of a label.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) at: Timestamp,
    pub(crate) from: Segment,
    pub(crate) to: Segment,
}

/// What the changes of all customers amount to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Restlessness {
    pub(crate) changes: usize,
    /// Changes a customer and 30 days.
    pub(crate) per_month: Option<f64>,
    /// The share that was followed by another within 14 days, of those that could be.
    pub(crate) again: Option<f64>,
    /// The share after which the label before came back within 30 days, of those after which it could.
    pub(crate) back: Option<f64>,
}

/// The changes in the hold-out that a file tells of; none when it tells of none in the whole history.
pub(crate) fn of_file(history: &History, predictions: &Predictions, split: Split) -> Option<Restlessness> {
    let mut customers: Vec<_> = predictions.migrations.iter().collect();
    customers.sort_by_key(|(customer, _)| **customer);
    let changes: Vec<Vec<Change>> = customers
        .into_iter()
        .map(|(_, moves)| {
            let changes = moves
                .iter()
                .filter_map(|move_| Some(Change { at: move_.at, from: move_.from?, to: move_.to }));
            changes.filter(|change| change.at.utc_day() >= split.from).collect()
        })
        .collect();
    (!changes.is_empty()).then(|| restlessness(&changes, customer_days(history, split), split.last))
}

/// The changes of the rule, looked at every day of the hold-out.
pub(crate) fn of_quintiles(history: &History, split: Split) -> Restlessness {
    let mut changes: Vec<Vec<Change>> = vec![Vec::new(); history.customers.len()];
    let mut before = quintiles::labels(history, split.from);
    for day in split.every(1).skip(1) {
        let labels = quintiles::labels(history, day);
        for ((changes, from), to) in changes.iter_mut().zip(&before).zip(&labels) {
            if let (Some(from), Some(to)) = (*from, *to)
                && from != to
            {
                let at = Timestamp::from_ms_clamped(day * Timestamp::DAY_MS);
                changes.push(Change { at, from, to });
            }
        }
        before = labels;
    }
    restlessness(&changes, customer_days(history, split), split.last)
}

/// Days of the hold-out on which customers were known, of all together.
fn customer_days(history: &History, split: Split) -> f64 {
    let first = history.order_days.iter().filter_map(|days| days.first());
    first.map(|(first, _)| (split.last + 1 - split.from.max(*first)) as f64).sum()
}

fn restlessness(changes: &[Vec<Change>], customer_days: f64, last: i64) -> Restlessness {
    let end = Timestamp::from_ms_clamped((last + 1) * Timestamp::DAY_MS);
    let count = changes.iter().map(Vec::len).sum();
    let share = |days: i64, is_so: &dyn Fn(&Change, &[Change]) -> bool| {
        let window_ms = days * Timestamp::DAY_MS;
        let (mut all, mut so) = (0, 0);
        for changes in changes {
            for (index, change) in changes.iter().enumerate() {
                if end.ms_since(change.at) < window_ms {
                    continue;
                }
                let later = changes.get(index + 1..).unwrap_or_default();
                let within = later.partition_point(|later| later.at.ms_since(change.at) <= window_ms);
                all += 1;
                so += usize::from(is_so(change, later.get(..within).unwrap_or_default()));
            }
        }
        metric::share(so, all)
    };
    Restlessness {
        changes: count,
        per_month: (customer_days > 0.0).then(|| count as f64 * MONTH_DAYS / customer_days),
        again: share(AGAIN_DAYS, &|_, later| !later.is_empty()),
        back: share(BACK_DAYS, &|change, later| later.iter().any(|later| later.to == change.from)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(day: i64, from: Segment, to: Segment) -> Change {
        Change { at: Timestamp::from_ms_clamped(day * Timestamp::DAY_MS), from, to }
    }

    #[test]
    fn changes_are_counted_where_they_can_be_followed() {
        use Segment::{AtRisk, Champions, Loyal};
        let changes = [
            // Again after 10 days, and back; the second one is followed for 30 days and nothing comes.
            vec![change(0, Champions, Loyal), change(10, Loyal, Champions)],
            // Again after 20 days, elsewhere; the second one is followed for 20 days only.
            vec![change(0, Loyal, AtRisk), change(20, AtRisk, Champions)],
        ];
        let found = restlessness(&changes, 80.0, 39);
        assert_eq!(
            found,
            Restlessness { changes: 4, per_month: Some(1.5), again: Some(0.25), back: Some(1.0 / 3.0) }
        );
    }
}
