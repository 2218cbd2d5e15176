//! A customer in another segment than before.

use omnix_model::Figure;

use super::{Decision, Origin, Step, step, text};
use crate::customer::{Amounts, Customer, Head};
use crate::detect::segment_migration::rule::Eyes;
use crate::detect::segment_migration::stake::Stake;
use crate::detect::segment_migration::standing;
use crate::look::visit_figures;
use crate::model::{VISIT_FEATURE_NAMES, VisitFigures};
use crate::{Model, calendar, math, say};

const RULE: &str = "segment_migration";

pub(super) fn steps(decision: &Decision<'_>) -> Vec<Step> {
    let of_basket = decision.basket(RULE);
    let customer: &Customer = of_basket.map_or_else(|| decision.state(), |(_, customer)| customer);
    let head = &customer.head;
    let (model, zone) = (decision.context.model, &decision.context.settings.time_zone);
    // A basket says nothing of its own amount.
    let at = decision.insight.event_timestamp;
    let amounts = of_basket.map_or_else(|| head.settled_amounts(at), |(basket, _)| &basket.amounts_before);
    let eyes = Eyes { head, amounts, model, zone };
    let day = calendar::day_of(zone, at);
    let figures = visit_figures(head, amounts, day, model);
    let (score, confidence) = standing(eyes, day);

    let order_days = step(
        "orderDays",
        "days on which the customer has ordered",
        "",
        Figure::Count(head.order_days.into()),
    )
    .count("orders", i64::from(head.baskets), Origin::State);
    let silence = step(
        "daysSinceLastOrder",
        "how long the customer has been silent",
        "day of the cause - last order day",
        say::number(figures.silent),
    );
    let rate = step(
        "ordersInMind",
        "order days, one of 60 days ago counting half",
        "sum over order days of 2 ^ (-days ago / 60)",
        say::number(figures.rate),
    );
    let alive = step(
        "stillThere",
        "whether so long a silence fits the customer's rhythm, when one in twenty orders is the last",
        "0.95 * S / (0.95 * S + 0.05), S = Phi((usualGap - ln(daysSinceLastOrder)) / spread)",
        say::number(figures.alive()),
    )
    .number("usualGap", figures.mu, Origin::State)
    .number("spread", figures.sd, Origin::State)
    .using(&silence);
    let probability = probability(score, &figures, model, [&rate, &alive]);
    let sure = step(
        "confidence",
        "how much is known of the customer",
        "(orderDays + 1) / (orderDays + 3)",
        say::number(confidence),
    )
    .count("orderDays", head.order_days, Origin::Step);
    let from = decision.figure("previousSegment").cloned().unwrap_or(Figure::Unknown);
    let to = decision.figure("newSegment").cloned().unwrap_or_else(|| text(""));
    let verdict = step(
        "newSegment",
        "the segment that this means; a segment is left when its odds are beyond doubt for seven days",
        "the segment of orderDays and segmentationScore, its log-odds 0.35 higher and lower not previousSegment",
        to,
    )
    .with("previousSegment", from, Origin::State)
    .using(&order_days)
    .using(&probability);
    vec![order_days, silence, rate, alive, probability, sure, verdict, stake(head, amounts, model)]
}

/// How much is lost with the customer, against an ordinary one.
fn stake(head: &Head, amounts: &Amounts, model: &Model) -> Step {
    let stake = Stake::of(head, amounts, model);
    let (learners, level) = (model.learners(), model.amounts().whole());
    step(
        "timesOrdinary",
        "what is at stake: what the customer brings, times what an ordinary customer of the shop does, by how often they \
         come and by what their orders come to; a decline is of high priority from 2 on, of low up to 0.5",
        "(usualIntervalDays / intervalDays) ^ intervalTrust * (order / usualOrder) ^ orderTrust",
        say::number(stake.times),
    )
    .number("intervalDays", stake.interval_days, Origin::State)
    .number("usualIntervalDays", math::exp(learners.visit_mean()), Origin::Model)
    .number("intervalTrust", learners.visit_trust(), Origin::Model)
    .with("order", stake.order.map_or(Figure::Unknown, say::number), Origin::State)
    .number("usualOrder", math::exp(level.mean() + level.drift()), Origin::Model)
    .number("orderTrust", level.trust(), Origin::Model)
}

/// The probability of an order within 60 days: by the rhythm alone, or as all customers have taught.
fn probability(score: f64, figures: &VisitFigures, model: &Model, rhythm: [&Step; 2]) -> Step {
    let [_, alive] = rhythm;
    let step = match model.learners().visit_terms(figures) {
        None => rhythm.into_iter().fold(
            step(
                "segmentationScore",
                "the probability of an order within 60 days; too little is learnt yet for more than the rhythm",
                "stillThere * (1 - 2 ^ -ordersInMind), its log-odds set straight where what was learnt does worse",
                say::number(score),
            ),
            Step::using,
        ),
        Some((terms, usual)) => {
            let learnt = step(
                "segmentationScore",
                "the probability of an order within 60 days, as all customers have taught",
                "min(1, stillThere / 0.05) / (1 + e ^ -(usual + sum of what each figure adds to the log-odds))",
                say::number(score),
            );
            let named = VISIT_FEATURE_NAMES.into_iter().zip(terms);
            named.fold(learnt.using(alive).number("usual", usual, Origin::Model), |step, (name, term)| {
                step.number(name, term, Origin::Model)
            })
        }
    };
    step.count("model", saturating(model.number()), Origin::Model)
}

fn saturating(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
