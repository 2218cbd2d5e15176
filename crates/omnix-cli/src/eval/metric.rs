//! The measures themselves: small pure functions from predictions and outcomes to one figure.
//!
//! Each is checked against a value worked out by hand. Deliberately not here: which predictions count, and
//! what happened after them.

use std::cmp::Ordering;

/// A probability, and whether the event came about.
pub(crate) type Outcome = (f64, bool);

/// Probabilities are kept this far from 0 and 1 in a log-loss: a file carries six decimals.
const CERTAINTY_MAX: f64 = 1e-6;

/// The arithmetic mean; none of nothing.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.into_iter().fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// The probability that a row that came about scores higher than one that did not, ties counting half.
///
/// None where all rows came about, or none did.
pub(crate) fn auc(rows: impl IntoIterator<Item = Outcome>) -> Option<f64> {
    // Adding zero makes -0 the same score as 0.
    let mut rows: Vec<Outcome> = rows.into_iter().map(|(score, came)| (score + 0.0, came)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut wins, mut positives, mut negatives) = (0.0, 0.0, 0.0);
    for tie in rows.chunk_by(|a, b| a.0.total_cmp(&b.0) == Ordering::Equal) {
        let came = tie.iter().filter(|(_, came)| *came).count() as f64;
        let did_not = tie.len() as f64 - came;
        wins += came * (negatives + did_not / 2.0);
        positives += came;
        negatives += did_not;
    }
    (positives > 0.0 && negatives > 0.0).then(|| wins / (positives * negatives))
}

/// The mean of -ln of the probability given to what came about.
pub(crate) fn log_loss(rows: &[Outcome]) -> Option<f64> {
    mean(rows.iter().map(|row| loss(*row)))
}

/// The log-loss of one row.
pub(crate) fn loss((p, came): Outcome) -> f64 {
    let p = if came { p } else { 1.0 - p };
    -p.clamp(CERTAINTY_MAX, 1.0 - CERTAINTY_MAX).ln()
}

/// The mean squared distance of the probability from 1 or 0.
pub(crate) fn brier(rows: &[Outcome]) -> Option<f64> {
    mean(rows.iter().map(|row| square(*row)))
}

/// The Brier score of one row.
pub(crate) fn square((p, came): Outcome) -> f64 {
    (p - f64::from(u8::from(came))).powi(2)
}

/// The rows whose probability lies in one tenth of 0..1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Tenth {
    pub(crate) rows: u64,
    /// The mean probability.
    pub(crate) stated: f64,
    /// The share that came about.
    pub(crate) observed: f64,
}

/// The rows by tenths of their probability; 1.0 belongs to the last.
pub(crate) fn tenths(rows: &[Outcome]) -> [Tenth; 10] {
    let mut tenths = [Tenth::default(); 10];
    for (p, came) in rows {
        let index = (1..10).filter(|tenth| p * 10.0 >= f64::from(*tenth)).count();
        if let Some(tenth) = tenths.get_mut(index) {
            tenth.rows += 1;
            tenth.stated += p;
            tenth.observed += f64::from(u8::from(*came));
        }
    }
    for tenth in tenths.iter_mut().filter(|tenth| tenth.rows > 0) {
        tenth.stated /= tenth.rows as f64;
        tenth.observed /= tenth.rows as f64;
    }
    tenths
}

/// The expected calibration error: how far stated and observed lie apart, over ten equal bins, by their rows.
pub(crate) fn calibration_error(rows: &[Outcome]) -> Option<f64> {
    let apart = |tenth: &Tenth| tenth.rows as f64 * (tenth.stated - tenth.observed).abs();
    let sum: f64 = tenths(rows).iter().map(apart).sum();
    (!rows.is_empty()).then(|| sum / rows.len() as f64)
}

/// What the rows of at least some probability are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Confident {
    /// Their share of all rows.
    pub(crate) share: Option<f64>,
    /// The share of them that came about; none where there are none.
    pub(crate) precision: Option<f64>,
    /// Their share of all that came about.
    pub(crate) recall: Option<f64>,
}

/// The rows whose probability is at least `limit`.
pub(crate) fn confident(rows: &[Outcome], limit: f64) -> Confident {
    let count = |wanted: &dyn Fn(&Outcome) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let (stated, came) = (count(&|row| row.0 >= limit), count(&|row| row.1));
    let both = count(&|row| row.0 >= limit && row.1);
    Confident { share: share(stated, rows.len()), precision: share(both, stated), recall: share(both, came) }
}

/// `part` of `whole`; none of nothing.
pub(crate) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// How far a forecast of days is off when everything beyond `cap`, never included, counts as `cap`.
pub(crate) fn capped_error(forecast: Option<f64>, days: Option<f64>, cap: f64) -> f64 {
    let capped = |days: Option<f64>| days.map_or(cap, |days| days.min(cap));
    (capped(forecast) - capped(days)).abs()
}

/// What a list is worth, held against what was bought.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct ListScore {
    /// The share of the basket that is in the list.
    pub(crate) recall: f64,
    /// Discounted gain over that of the best list of this length.
    pub(crate) ndcg: f64,
    /// Discounted gain over that of the whole basket in order, however long it is.
    pub(crate) ndcg_whole: f64,
    /// Whether anything of the list was bought.
    pub(crate) hit: bool,
}

/// A list of at most `length` products, best first, against a basket of distinct products, sorted.
pub(crate) fn list_score(list: &[usize], basket: &[usize], length: usize) -> ListScore {
    let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let ideal = |relevant: usize| (0..relevant).map(gain).sum::<f64>();
    let listed = list.iter().take(length).enumerate();
    let ranks: Vec<usize> =
        listed.filter(|(_, product)| basket.binary_search(product).is_ok()).map(|(rank, _)| rank).collect();
    if basket.is_empty() {
        return ListScore::default();
    }
    let gained: f64 = ranks.iter().copied().map(gain).sum();
    ListScore {
        recall: ranks.len() as f64 / basket.len() as f64,
        ndcg: gained / ideal(basket.len().min(length)),
        ndcg_whole: gained / ideal(basket.len()),
        hit: !ranks.is_empty(),
    }
}

/// The share of `wanted` that scores above the limit that lets exactly `rate` of `ordinary` through.
pub(crate) fn recall_at_rate(ordinary: &[f64], wanted: &[f64], rate: f64) -> Option<f64> {
    let mut sorted = ordinary.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let limit =
        *sorted.iter().enumerate().find(|(index, _)| *index as f64 >= rate * ordinary.len() as f64)?.1;
    share(wanted.iter().filter(|score| **score > limit).count(), wanted.len())
}

/// A curve of gains: which share of all that came about is found in the best so-and-so much of the rows.
///
/// Points of (share of rows, share found), from (0, 0) to (1, 1); rows of one score stand together.
pub(crate) fn gains(rows: &[Outcome]) -> Vec<(f64, f64)> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (all, came) = (rows.len() as f64, rows.iter().filter(|row| row.1).count() as f64);
    let mut points = vec![(0.0, 0.0)];
    if came < 1.0 {
        return points;
    }
    let (mut seen, mut found) = (0.0, 0.0);
    for tie in rows.chunk_by(|a, b| a.0.total_cmp(&b.0) == Ordering::Equal) {
        seen += tie.len() as f64;
        found += tie.iter().filter(|row| row.1).count() as f64;
        points.push((seen / all, found / came));
    }
    points
}

#[cfg(test)]
mod tests;
