//! How much of a difference between two methods is chance: its standard error, were other customers drawn.
//!
//! Rows of one customer resemble each other, so customers are drawn, not rows; both methods are judged on the
//! same rows, so what makes a row hard for both drops out. In closed form (the sandwich for means,
//! placements for AUC): no random number, and the same answer every time.

use std::collections::BTreeMap;

/// A row of a customer: two scores, and whether it came about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scores {
    pub(crate) customer: usize,
    pub(crate) said: f64,
    pub(crate) rule: f64,
    pub(crate) came: bool,
}

/// The standard error of the mean of `gains`, each with its customer; none of fewer than two customers.
pub(crate) fn of_mean(gains: &[(usize, f64)]) -> Option<f64> {
    let count = gains.len() as f64;
    let mean = gains.iter().map(|(_, gain)| gain).sum::<f64>() / count;
    let parts = gains.iter().map(|(customer, gain)| (*customer, (gain - mean) / count));
    spread(parts)
}

/// The standard error of the difference of two AUCs on the same rows.
pub(crate) fn of_auc(rows: &[Scores]) -> Option<f64> {
    let said = placements(rows, |row| row.said);
    let rule = placements(rows, |row| row.rule);
    let gains: Vec<f64> = said.iter().zip(&rule).map(|(said, rule)| said - rule).collect();
    let positives = rows.iter().filter(|row| row.came).count() as f64;
    let of = |came: bool| if came { positives } else { rows.len() as f64 - positives };
    let centre = |came: bool| {
        let sum: f64 =
            rows.iter().zip(&gains).filter(|(row, _)| row.came == came).map(|(_, gain)| gain).sum();
        sum / of(came)
    };
    let (centre_came, centre_not) = (centre(true), centre(false));
    let part = |(row, gain): (&Scores, &f64)| {
        let centre = if row.came { centre_came } else { centre_not };
        (row.customer, (gain - centre) / of(row.came))
    };
    spread(rows.iter().zip(&gains).map(part))
}

/// By row: the share of the rows of the other outcome that it stands on the right side of, ties counting half.
fn placements(rows: &[Scores], score: impl Fn(&Scores) -> f64) -> Vec<f64> {
    let sorted = |came: bool| {
        let mut scores: Vec<f64> = rows.iter().filter(|row| row.came == came).map(&score).collect();
        scores.sort_by(f64::total_cmp);
        scores
    };
    let (came, did_not) = (sorted(true), sorted(false));
    rows.iter()
        .map(|row| {
            let others = if row.came { &did_not } else { &came };
            let value = score(row);
            let below = others.partition_point(|other| *other < value) as f64;
            let not_above = others.partition_point(|other| *other <= value) as f64;
            let share = f64::midpoint(below, not_above) / others.len() as f64;
            if row.came { share } else { 1.0 - share }
        })
        .collect()
}

/// The root of the summed squares of what each customer contributes.
fn spread(parts: impl Iterator<Item = (usize, f64)>) -> Option<f64> {
    let mut by_customer: BTreeMap<usize, f64> = BTreeMap::new();
    for (customer, part) in parts {
        *by_customer.entry(customer).or_default() += part;
    }
    let customers = by_customer.len() as f64;
    let squares: f64 = by_customer.values().map(|part| part * part).sum();
    let error = (squares * customers / (customers - 1.0)).sqrt();
    (customers > 1.0 && error.is_finite()).then_some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_single_rows_it_is_the_textbook_s() {
        // Mean 2, variance 5/3 of four values: the error is the root of 5/12.
        let gains = [(0, 0.5), (1, 1.5), (2, 2.5), (3, 3.5)];
        assert!((of_mean(&gains).unwrap() - (5.0_f64 / 12.0).sqrt()).abs() < 1e-12);
        assert_eq!(of_mean(&gains[..1]), None);
        assert_eq!(of_mean(&[]), None);
    }

    #[test]
    fn rows_of_one_customer_count_as_one() {
        let alone = [(0, 1.0), (1, 3.0)];
        let doubled = [(0, 1.0), (0, 1.0), (1, 3.0), (1, 3.0)];
        assert!((of_mean(&alone).unwrap() - of_mean(&doubled).unwrap()).abs() < 1e-12);
    }

    #[test]
    fn auc_s_error_follows_from_the_placements() {
        let row = |customer, said, rule, came| Scores { customer, said, rule, came };
        // Said: placements 1, 1/2 | 1, 1/2. Rule: all tied, 1/2 each. Gains 1/2, 0 | 1/2, 0, centred on 1/4; every
        // row contributes 1/8.
        let rows = [
            row(0, 3.0, 0.0, true),
            row(1, 1.5, 0.0, true),
            row(2, 1.0, 0.0, false),
            row(3, 2.0, 0.0, false),
        ];
        let expected = (4.0_f64 / 64.0 * 4.0 / 3.0).sqrt();
        assert!((of_auc(&rows).unwrap() - expected).abs() < 1e-12);
        assert_eq!(of_auc(&rows[..2]), None);
        // The same scores twice: no difference, and no doubt about it.
        let same = rows.map(|row| Scores { rule: row.said, ..row });
        assert!(of_auc(&same).unwrap() < 1e-12);
    }
}
