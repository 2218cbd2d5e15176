//! A product that the customer will need again, or was expected to buy and did not.

use omnix_model::{Figure, ProductId};

use super::{Decision, Origin, Step, flag, step};
use crate::customer::Product;
use crate::look::pair_figures;
use crate::model::PairFigures;
use crate::{Customer, IntervalSums, Model, PAIR_SHRINKAGE, say};

const RULE: &str = "consumption_prediction";

pub(super) fn steps(decision: &Decision<'_>) -> Vec<Step> {
    let Some(Figure::Text(id)) = decision.figure("productId") else { return Vec::new() };
    let Ok(id) = ProductId::new(id) else { return Vec::new() };
    // A date that passed finds the state as it was; a basket is judged by what stood before it.
    let (customer, intervals) = match decision.basket(RULE) {
        Some((basket, customer)) => {
            let before =
                IntervalSums { count: basket.intervals_before.into(), ln_days: basket.ln_sum_before };
            (customer, before)
        }
        None => (decision.state(), decision.state().intervals()),
    };
    match customer.product(&id) {
        Some(product) => of_product(decision, customer, product, intervals),
        None => Vec::new(),
    }
}

fn of_product(
    decision: &Decision<'_>,
    customer: &Customer,
    product: &Product,
    intervals: IntervalSums,
) -> Vec<Step> {
    let model = decision.context.model;
    let priors = model.intervals();
    let own = product.interval_sums();
    let of_all = model.product(&product.id).map(crate::Product::intervals).unwrap_or_default();
    let prior_mean = model.prior_mean(&product.id, intervals);
    let distribution = priors.posterior(prior_mean, own);
    let horizon = decision.number("horizonDays").unwrap_or(30.0);
    let said = decision.number("confidence");

    let rhythm = step(
        "purchaseDays",
        "days on which the customer bought the product; between them lie that many intervals less one",
        "",
        Figure::Count(product.days.into()),
    )
    .count("purchases", product.purchases, Origin::State)
    .with("lastPurchaseAt", Figure::Time(product.last_at), Origin::State);
    let prior = step(
        "priorLnDays",
        "the interval to expect before looking at the customer's own ones of this product, as a logarithm of days: \
         that of all customers and products, moved towards this product and this customer by what is known of them",
        "allMean + (productSum - productCount * allMean) / (productCount + 8) + (customerSum - customerCount * allMean) \
         / (customerCount + 6)",
        say::number(prior_mean),
    )
    .number("allMean", priors.mean(), Origin::Model)
    .number("productCount", of_all.count, Origin::Model)
    .number("productSum", of_all.ln_days, Origin::Model)
    .number("customerCount", intervals.count, Origin::State)
    .number("customerSum", intervals.ln_days, Origin::State);
    let centre = step(
        "lnDays",
        "the same after looking at the customer's own intervals of this product",
        "(1.5 * priorLnDays + ownSum) / (1.5 + ownCount)",
        say::number(distribution.mu),
    )
    .number("ownCount", own.count, Origin::State)
    .number("ownSum", own.ln_days, Origin::State)
    .using(&prior);
    let spread = step(
        "lnSpread",
        "how far intervals of one customer and product usually lie apart",
        "sqrt(variance * (1 + 1 / (1.5 + ownCount)))",
        say::number(distribution.sd),
    )
    .number("variance", priors.within_variance(), Origin::Model)
    .number("ownCount", own.count, Origin::State);
    debug_assert!(PAIR_SHRINKAGE.to_bits() == 1.5_f64.to_bits(), "the formulas say 1.5");
    let usual = step(
        "usualIntervalDays",
        "days that usually lie between two purchases: half of the intervals are shorter",
        "exp(lnDays)",
        say::number(distribution.median()),
    )
    .using(&centre);
    let chance = step(
        "chanceByRhythm",
        "the probability that the product is bought within the horizon of its last purchase, by that rhythm alone",
        "normalCdf((ln(horizonDays) - lnDays) / lnSpread)",
        say::number(distribution.ends_within(0.0, horizon)),
    )
    .number("horizonDays", horizon, Origin::Constant)
    .using(&centre)
    .using(&spread);
    let mut steps = vec![rhythm, prior, centre, spread, usual, chance];
    let pair = pair_figures(&customer.head, product, intervals, (product.last_day, 0), model);
    steps.extend(learnt(model, &pair));
    steps.extend(verdict(decision, said));
    debug_assert!(customer.product_count() > 0, "the product is the customer's");
    steps
}

/// What was learnt of such pairs; nothing while the rhythm alone speaks.
fn learnt(model: &Model, pair: &PairFigures) -> Option<Step> {
    let (reasons, usual) = model.learners().month_reasons(pair)?;
    let confidence = model.learners().bought_within_month(pair);
    let step = step(
        "confidence",
        "the probability that the product is bought within 30 days of its last purchase, as all customers have taught",
        "1 / (1 + e ^ -(usual + sum of what each figure adds to the log-odds))",
        say::number(confidence),
    );
    let step = step.number("usual", usual, Origin::Model);
    Some(reasons.into_iter().fold(step, |step, (name, weight)| step.number(name, weight, Origin::Model)))
}

/// Which threshold the confidence passed; nothing for what was expected and did not come.
fn verdict(decision: &Decision<'_>, confidence: Option<f64>) -> Option<Step> {
    let settings = decision.context.settings;
    let is_overdue = decision.insight.message_id == "consumption.overdue";
    let confidence = confidence.filter(|_| !is_overdue)?;
    let (high, critical) = (settings.high_confidence_threshold, settings.critical_confidence_threshold);
    let told = step(
        "isTold",
        "whether it is sure enough to be told; above the second threshold it is of high priority",
        "confidence > highConfidenceThreshold",
        flag(confidence > high),
    );
    let told = told
        .number("confidence", confidence, Origin::Step)
        .number("highConfidenceThreshold", high, Origin::Settings)
        .number("criticalConfidenceThreshold", critical, Origin::Settings);
    Some(told)
}
