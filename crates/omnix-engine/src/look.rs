//! What the learners are told: pairs of customer and product, and customers, as they stand on a day; and what
//! came about.
//!
//! A pair stands on the day on which it was bought; and once a week the customers whom the model's gates let
//! through are looked at, their pairs and they themselves. What is told depends on what is known at that moment
//! alone, and the same figures serve for what is predicted (`predict`).
//!
//! Deliberately not here: what is learnt from it (`model`).

use omnix_model::{ProductId, Timestamp};

use crate::basket::Basket;
use crate::calendar::{self, Day};
use crate::customer::{Amounts, Head, Product, Visits};
use crate::math::{ln, sqrt};
use crate::model::{
    Bought, KeptPair, KeptVisit, LearnerInput, Ordered, PairFigures, PairRow, RowKey, VisitFigures, VisitRow,
    next_look, what, who,
};
use crate::stage::Stage;
use crate::{AmountHistory, IntervalSums, Model, Observation};

/// Purchase days from which on a pair teaches, and the silence beyond which it is not looked at any more.
const PURCHASE_DAYS_MIN: u32 = 3;
const DUE_SILENCE_MAX: Day = 180;
/// Days of silence after which a customer is not looked at any more.
const SILENCE_MAX: Day = 365;
/// Spread of ln(days) between order days that is believed at the least.
const VISIT_SD_MIN: f64 = 0.3;

/// The figures of a pair on `day`; of its interval in hand `lasted` days are over. `intervals` are those of all
/// products of the customer.
pub(crate) fn pair_figures(
    head: &Head,
    product: &Product,
    intervals: IntervalSums,
    (day, lasted): (Day, Day),
    model: &Model,
) -> PairFigures {
    let priors = model.intervals();
    let known = model.product(&product.id);
    let lean = known.map(crate::Product::intervals).unwrap_or_default();
    let interval = priors.posterior(priors.prior_mean(lean, intervals), product.interval_sums());
    let span = f64::from(product.span_days) + f64::from(lasted);
    let (visit_mu, visit_variance) = match head.order_days {
        0 | 1 => (model.learners().visit_mean(), Visits::VARIANCE_SEED),
        _ => (f64::from(head.visits.mean), f64::from(head.visits.variance)),
    };
    let since_last = head.baskets.saturating_sub(product.last_basket);
    let since_first = head.baskets.saturating_sub(product.first_basket).saturating_add(1);
    PairFigures {
        mu: interval.mu,
        sd: interval.sd,
        lasted: lasted.into(),
        purchase_days: product.days.into(),
        exposure: priors.exposure_days() + span,
        silent: day.saturating_sub(head.last_order_day).max(0).into(),
        visit_mu,
        visit_sd: sqrt(visit_variance).max(VISIT_SD_MIN),
        orders: head.baskets.into(),
        orders_since_first: since_first.into(),
        orders_since_last: since_last.into(),
        ln_last: if product.days > 1 { ln(f64::from(product.last_interval).max(1.0)) } else { interval.mu },
        trend: known.map_or(0.0, |known| ln(known.popularity().trend())),
        season: ln(model.popularity().trend()),
        quantity: product.quantity.ln() - product.usual_quantity.ln(),
        incidence: product.incidence.after(since_last),
        intervals: intervals.count,
    }
}

/// The figures of a customer on `day`; `amounts` are those of the orders that count.
pub(crate) fn visit_figures(head: &Head, amounts: &Amounts, day: Day, model: &Model) -> VisitFigures {
    /// Order days that the mean of all customers counts for.
    const SHRINKAGE: f64 = 2.0;
    /// Intervals that the spread of all customers counts for, and the spread that is believed at the least:
    /// whoever comes every week may be on holiday.
    const SPREAD_WEIGHT: f64 = 4.0;
    const SPREAD_MIN: f64 = 0.8;
    let silent = f64::from(day.saturating_sub(head.last_order_day).max(0));
    let intervals = f64::from(head.order_days.saturating_sub(1));
    let mean = model.learners().visit_mean();
    let usual = || model.amounts().whole().expect(AmountHistory::default()).mean;
    let variance = (SPREAD_WEIGHT * Visits::VARIANCE_SEED + intervals * f64::from(head.visits.variance))
        / (SPREAD_WEIGHT + intervals);
    VisitFigures {
        silent,
        mu: (SHRINKAGE * mean + f64::from(head.visits.ln_sum)) / (SHRINKAGE + intervals),
        sd: sqrt(variance).max(SPREAD_MIN),
        order_days: head.order_days.into(),
        age: day.saturating_sub(head.first_order_day).max(0).into(),
        rate: head.visits.rate_after(silent),
        ln_amount: if amounts.count > 0 { amounts.whole.mean.into() } else { usual() },
    }
}

/// A product was bought again, on another day than before.
pub(crate) fn bought_again(stage: &mut Stage<'_>, product: &ProductId, since: Day, day: Day) {
    let key = RowKey { what: what(product, since), who: who(stage.context.customer_id) };
    let gates = stage.context.model.learners().gates();
    if gates.take_expects(key) || gates.take_looks(key.who) {
        tell(stage, LearnerInput::Bought(Bought { key, since, day }));
    }
}

/// The customer ordered again, on another day than before.
pub(crate) fn ordered_again(stage: &mut Stage<'_>, since: Day, day: Day) {
    let who = who(stage.context.customer_id);
    if stage.context.model.learners().gates().take_looks(who) {
        tell(stage, LearnerInput::Ordered(Ordered { who, since, day }));
    }
}

fn tell(stage: &mut Stage<'_>, input: LearnerInput) {
    stage.effects.observations.push(Observation::Learner(input));
}

/// The products of a basket as they stand on its day, when it has ended.
pub(crate) fn at_basket_end(stage: &mut Stage<'_>, basket: &Basket) {
    let who = who(stage.context.customer_id);
    let model = stage.context.model;
    let gates = model.learners().gates();
    let head = &stage.customer.head;
    let intervals = stage.customer.intervals();
    let is_bought =
        |product: &&Product| product.last_basket == basket.number && product.days >= PURCHASE_DAYS_MIN;
    let told = &mut stage.effects.observations;
    for product in stage.customer.products().filter(is_bought) {
        let day = product.last_day;
        let key = RowKey { what: what(&product.id, day), who };
        if gates.take_expects(key) {
            let figures = KeptPair::of(&pair_figures(head, product, intervals, (day, 0), model));
            told.push(Observation::Learner(LearnerInput::Expects(PairRow { key, day, figures })));
        }
    }
    if stage.customer.head.look_at.is_none() && gates.take_looks(who) {
        schedule(stage, who, stage.customer.head.last_order_day);
    }
}

/// The weekly look at a customer and their pairs: as they stand when the day begins.
pub(crate) fn weekly(stage: &mut Stage<'_>, due: Timestamp) {
    let zone = &stage.context.settings.time_zone;
    let (model, who) = (stage.context.model, who(stage.context.customer_id));
    let gates = model.learners().gates();
    let day = calendar::day_of(zone, due);
    let silence = day.saturating_sub(stage.customer.head.last_order_day);
    if !gates.take_looks(who) || silence > SILENCE_MAX {
        stage.customer.head_mut().look_at = None;
        return;
    }
    // What should have been looked at long ago would now be told with what came about since.
    if stage.is_fresh(due) {
        look(stage, who, day);
    }
    let today = if stage.moment.is_history { day } else { day.max(calendar::day_of(zone, stage.moment.now)) };
    schedule(stage, who, today);
}

fn look(stage: &mut Stage<'_>, who: u32, day: Day) {
    let (model, head) = (stage.context.model, &stage.customer.head);
    let gates = model.learners().gates();
    let intervals = stage.customer.intervals();
    let told = &mut stage.effects.observations;
    for product in stage.customer.products().filter(|product| product.days >= PURCHASE_DAYS_MIN) {
        let elapsed = day.saturating_sub(product.last_day);
        let key = RowKey { what: what(&product.id, product.last_day), who };
        if (1..=DUE_SILENCE_MAX).contains(&elapsed) && gates.take_due(key, day) {
            let pair = pair_figures(head, product, intervals, (day, elapsed - 1), model);
            let row = PairRow { key, day, figures: KeptPair::of(&pair) };
            told.push(Observation::Learner(LearnerInput::Due(row)));
        }
    }
    let figures = KeptVisit::of(&visit_figures(head, &head.amounts, day, model));
    let row = VisitRow { key: RowKey { what: 0, who }, day, figures };
    told.push(Observation::Learner(LearnerInput::Stands(row)));
}

fn schedule(stage: &mut Stage<'_>, who: u32, today: Day) {
    let zone = &stage.context.settings.time_zone;
    let next = calendar::start_of(zone, next_look(who, today));
    // Where the calendar ends nothing follows.
    let is_later = calendar::day_of(zone, next) > today;
    stage.customer.head_mut().look_at = is_later.then_some(next);
}
