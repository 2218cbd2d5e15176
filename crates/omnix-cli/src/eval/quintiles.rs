//! The simple rule for segments: every customer's place among all, by how recently, how often and for how much
//! they bought, in fifths, and a name for each combination.

use omnix_model::Segment;

use super::history::History;

/// What the rule looks at.
#[derive(Debug, Clone, Copy)]
struct Figures {
    recency_days: i64,
    orders: usize,
    spent: f64,
}

/// The segment of every customer when `day` begins; none of those who have not bought before it.
pub(crate) fn labels(history: &History, day: i64) -> Vec<Option<Segment>> {
    let figures: Vec<Option<Figures>> = history.order_days.iter().map(|days| figures(days, day)).collect();
    let known: Vec<(usize, Figures)> =
        figures.iter().enumerate().filter_map(|(customer, figures)| Some((customer, (*figures)?))).collect();
    let recency = fifths(&known, |figures| -(figures.recency_days as f64));
    let frequency = fifths(&known, |figures| figures.orders as f64);
    let money = fifths(&known, |figures| figures.spent);
    let mut labels = vec![None; history.order_days.len()];
    for (place, (customer, _)) in known.iter().enumerate() {
        let of = |fifths: &[u8]| fifths.get(place).copied().unwrap_or(1);
        let value = (of(&frequency) + of(&money)).div_ceil(2);
        if let Some(label) = labels.get_mut(*customer) {
            *label = Some(name(of(&recency), value));
        }
    }
    labels
}

fn figures(days: &[(i64, f64)], day: i64) -> Option<Figures> {
    let before = days.get(..days.partition_point(|order| order.0 < day))?;
    let recency_days = day - before.last()?.0;
    Some(Figures { recency_days, orders: before.len(), spent: before.iter().map(|order| order.1).sum() })
}

/// The fifth, 1 to 5, in which each one stands; equal ones stand in the same.
fn fifths(known: &[(usize, Figures)], of: impl Fn(&Figures) -> f64) -> Vec<u8> {
    let mut sorted: Vec<f64> = known.iter().map(|(_, figures)| of(figures)).collect();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    known
        .iter()
        .map(|(_, figures)| {
            let value = of(figures);
            let below = sorted.partition_point(|other| *other < value);
            let not_above = sorted.partition_point(|other| *other <= value);
            // The middle of those that are equal, in fifths of all.
            u8::try_from((below + not_above) * 5 / (2 * count).max(1)).map_or(5, |fifth| fifth.min(4) + 1)
        })
        .collect()
}

const fn name(recency: u8, value: u8) -> Segment {
    match (recency, value) {
        (4.., 4..) => Segment::Champions,
        (3, 4..) => Segment::Loyal,
        (2, 4..) => Segment::AtRisk,
        (_, 5..) => Segment::CannotLose,
        (_, 4) => Segment::AtRisk,
        (4.., 2..=3) => Segment::PotentialLoyalists,
        (4.., _) => Segment::New,
        (3, _) => Segment::NeedAttention,
        (2, _) => Segment::Hibernating,
        (_, 3) => Segment::Hibernating,
        (_, _) => Segment::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::history::tests::history;

    #[test]
    fn equal_ones_stand_in_the_same_fifth_and_the_best_in_the_last() {
        let known: Vec<(usize, Figures)> = [1, 1, 2, 3, 9]
            .iter()
            .enumerate()
            .map(|(place, orders)| (place, Figures { recency_days: 1, orders: *orders, spent: 1.0 }))
            .collect();
        assert_eq!(fifths(&known, |figures| figures.orders as f64), [2, 2, 3, 4, 5]);
        assert_eq!(fifths(&known, |figures| figures.spent), [3; 5]);
    }

    #[test]
    fn only_what_came_before_the_day_counts() {
        let history = history(&["ann tea 1 2026-01-05T00:00:00Z 1", "bob tea 2 2026-01-06T00:00:00Z 9"]);
        let day = history.orders[1].day;
        assert_eq!(labels(&history, day), [Some(name(3, 3)), None]);
        let both = labels(&history, day + 1);
        assert_eq!(both, [Some(Segment::Hibernating), Some(Segment::Champions)]);
    }
}
