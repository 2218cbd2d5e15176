//! What the figures mean, in sentences that the owner of a shop understands.
//!
//! A sentence says what is good and what is not in the same tone; where nothing can be said it says so. Better
//! and worse are against the simple rule on the same rows; a difference that is too small to matter, or may be
//! chance, is called none.

use super::measure::{Findings, Measure, Standing};
use super::split::Split;
use super::{Evaluation, Shop};

/// A difference in AUC below which two methods are called equal.
const AUC_TIE: f64 = 0.005;
/// The same for shares of baskets.
const RECALL_TIE: f64 = 0.003;
/// The same for days.
const DAYS_TIE: f64 = 0.1;
/// Days that the longest predictions are followed for.
const DAYS_FOLLOWED: i64 = 60;

/// All sentences.
pub(crate) fn sentences(evaluation: &Evaluation) -> Vec<String> {
    let consumption = &evaluation.consumption.findings;
    let mut sentences = vec![reach(evaluation.shop)];
    let found: usize = evaluation.parts().iter().map(|findings| findings.found).sum();
    if found == 0 {
        sentences.push("There were no predictions to judge: only the simple rules were.".to_owned());
        return sentences;
    }
    sentences.extend(certainty(consumption));
    sentences.extend(timing(consumption));
    sentences.extend(lists(&evaluation.recommendation));
    sentences.extend(alerts(&evaluation.anomaly));
    sentences.extend(return_of_customers(&evaluation.segments));
    sentences.extend(missing(evaluation));
    sentences.extend(too_short(evaluation.split));
    sentences
}

/// For how many customers there can be predictions at all.
fn reach(shop: Shop) -> String {
    let (rhythm, returning) = (percent_of(shop.with_rhythm, shop), percent_of(shop.returning, shop));
    format!(
        "Your data carries per-item predictions for {rhythm} of your {} customers: so many bought a product on \
         three days or more. {returning} ordered on at least two days; of the others little can be said.",
        shop.customers
    )
}

fn certainty(findings: &Findings) -> Option<String> {
    let (precision, share) =
        (findings.value("consumption.p30.precision_90"), findings.value("consumption.p30.share_90")?);
    Some(match precision {
        Some(precision) => format!(
            "When Omnix is at least 90 % sure that a customer buys a product again within 30 days, it is right \
             in {} of the cases; it is that sure of {} of all predictions.",
            percent(precision),
            percent(share)
        ),
        None => "Omnix is nowhere 90 % sure that a product is bought again within 30 days.".to_owned(),
    })
}

fn timing(findings: &Findings) -> Option<String> {
    let measure = findings.measure("consumption.median.capped_mae")?;
    let (value, gain) = (measure.value?, measure.gain()?);
    let against = match measure.standing(DAYS_TIE)? {
        Standing::Better => format!("{gain:.1} days closer than the customer's mean interval"),
        Standing::Worse => {
            format!("{:.1} days further off than the customer's mean interval: trust that instead", -gain)
        }
        Standing::Equal => "as close as the customer's mean interval".to_owned(),
    };
    Some(format!("Predicted dates are {value:.1} days off on average, {against}."))
}

fn lists(findings: &Findings) -> Option<String> {
    let measure = findings.measure("recommendation.recall")?;
    let (value, rule) = (measure.value?, measure.rule?.1?);
    let verdict = compare(measure, RECALL_TIE)?;
    Some(format!(
        "Ten recommendations contain {} of what the customer then buys; listing the customer's own favourites \
         contains {}. That is {verdict}.",
        percent(value),
        percent(rule)
    ))
}

fn alerts(findings: &Findings) -> Option<String> {
    let measure = findings.measure("order.alerts")?;
    let value = measure.value?;
    let rule = measure.rule.and_then(|rule| rule.1).map_or_else(String::new, |rule| {
        format!(" Alerting on everything that is half off the usual would raise {rule:.0}.")
    });
    let verdict = if value <= 25.0 { "few enough to read" } else { "too many to read" };
    Some(format!(
        "In its busiest 30 days Omnix raised {value:.0} alerts about amounts in 1,000 orders: {verdict}.{rule}"
    ))
}

fn return_of_customers(findings: &Findings) -> Option<String> {
    let measure = findings.measure("segment.p60.auc")?;
    let (value, rule) = (measure.value?, measure.rule?.1?);
    let verdict = compare(measure, AUC_TIE)?;
    Some(format!(
        "Of two customers, one who comes back within 60 days and one who does not, Omnix tells which is which in \
         {} of the cases; the date of the last order alone does in {}. That is {verdict}.",
        percent(value),
        percent(rule)
    ))
}

/// What the days that are judged do not suffice for.
fn too_short(split: Split) -> Option<String> {
    let days = split.last - split.from;
    (days < DAYS_FOLLOWED).then(|| {
        format!(
            "Predictions of dates and of the next {DAYS_FOLLOWED} days could not be judged: the history goes on for \
             only {days} days after the first that is judged. Let `--from` say an earlier one."
        )
    })
}

fn missing(evaluation: &Evaluation) -> Option<String> {
    let gaps: Vec<String> = evaluation
        .parts()
        .iter()
        .filter(|findings| findings.found < findings.expected)
        .map(|findings| {
            format!("{} of {}", findings.expected - findings.found, findings.title.to_lowercase())
        })
        .collect();
    (!gaps.is_empty()).then(|| {
        format!("The prediction file lacks predictions that were to be expected ({}).", gaps.join(", "))
    })
}

fn compare(measure: &Measure, tie: f64) -> Option<&'static str> {
    Some(match measure.standing(tie)? {
        Standing::Better => "better",
        Standing::Worse => "worse: the simple way is the better one for your shop",
        Standing::Equal => "no real difference",
    })
}

fn percent_of(part: usize, shop: Shop) -> String {
    percent(part as f64 / (shop.customers as f64).max(1.0))
}

/// A share in percent, with a decimal where it is small.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(measure: Measure) -> Findings {
        Findings { measures: vec![measure], ..Findings::default() }
    }

    #[test]
    fn worse_is_said_as_plainly_as_better() {
        let said = |value: f64| {
            let measure = Measure::high("recommendation.recall", "r").found(9, value).against("rule", 0.2);
            lists(&findings(measure)).unwrap()
        };
        assert!(said(0.25).ends_with("That is better."));
        assert!(said(0.201).ends_with("That is no real difference."));
        assert!(said(0.15).contains("worse"));
    }

    #[test]
    fn dates_are_compared_in_days() {
        let said = |value: f64| {
            let measure =
                Measure::low("consumption.median.capped_mae", "m").found(9, value).against("rule", 12.0);
            timing(&findings(measure)).unwrap()
        };
        assert!(said(10.5).contains("1.5 days closer"));
        assert!(said(12.05).contains("as close as"));
        assert!(said(14.0).contains("2.0 days further off"));
    }

    #[test]
    fn a_hold_out_without_sixty_days_to_follow_is_said_to_be_too_short() {
        assert!(too_short(Split { first: 0, from: 40, last: 99 }).unwrap().contains("only 59 days"));
        assert_eq!(too_short(Split { first: 0, from: 39, last: 99 }), None);
    }

    #[test]
    fn the_reach_is_a_share_of_all_customers() {
        let shop = Shop { customers: 200, products: 1, orders: 1, returning: 100, with_rhythm: 76 };
        assert!(
            reach(shop).starts_with("Your data carries per-item predictions for 38 % of your 200 customers")
        );
    }
}
