//! `consumption_prediction`: a product that a customer will need soon, or was expected to buy and did not.
//!
//! The probability is learnt from what came of earlier purchases of all customers; until there is enough of that it
//! is that of a log-normal interval, shrunk towards product, customer and all pairs. Said at a basket's end of the
//! product that is known best, from its third purchase day on, if it is not expected within days: what is bought
//! all the time needs no reminder. Of one product it is said again when the horizon has passed, or when it has
//! become more certain: a customer who comes every week is not news every week; what is held back is counted. Of
//! several products of one basket the others are named beside it. A product that was expected and has not come by
//! the time by which 19 of 20 such intervals have ended is overdue: said once, until the customer comes back, and
//! only while nothing as urgent was said of their silence.
//!
//! Deliberately not here: the distribution itself and what it is learnt from (`model`).

use omnix_model::{
    ConsumptionPrediction, Event, EventRecord, Figure, PredictionType, ProductId, Suppression, Timestamp,
};
use smol_str::SmolStr;

use crate::basket::{Basket, Told};
use crate::calendar::{self, Day};
use crate::customer::{Head, Product};
use crate::detect::Rule;
use crate::look::pair_figures;
use crate::math;
use crate::model::PairFigures;
use crate::predict::Curve;
use crate::priority::Case;
use crate::say::{self, Said, named};
use crate::stage::Stage;
use crate::{Context, IntervalSums, LearnerStage, LogNormal, Model, Settings};

const RULE: &str = "consumption_prediction";
const OVERDUE_RULE: &str = "consumption_prediction.overdue";
/// Days ahead for which the confidence speaks.
pub(crate) const HORIZON_DAYS: f64 = 30.0;
/// Purchase days from which on a prediction is an insight.
const PURCHASE_DAYS_MIN: u32 = 3;
/// Purchase days from which on a product can be missed.
const MISSED_DAYS_MIN: u32 = 4;
/// Usual days between purchases below which nothing is said of a product.
const USUAL_DAYS_MIN: i32 = 7;
/// Days that the expected day must lie ahead to be worth telling.
const AHEAD_DAYS_MIN: Day = 3;
/// The standard normal value that 95 % of all values do not exceed: of many products some are always late.
const NINETEEN_OF_TWENTY: f64 = 1.644_853_626_951_472_2;
/// ln of how much more than usual is sold in a season.
const SEASON_MIN: f64 = 0.405_465_108_108_164_4;
/// Reasons that are said, and the log-odds that they move at the least.
const REASONS_MAX: usize = 3;
const REASON_MIN: f64 = 0.05;
/// Products that an insight names beside the one it speaks of, at the most.
const OTHERS_MAX: usize = 10;
/// Intervals that the spread of all pairs counts for, beside a pair's own.
const SPREAD_WEIGHT: f64 = 4.0;

/// When a product will be bought again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlook {
    /// What is known of it, as of its last purchase.
    pub pair: PairFigures,
    /// Its interval by the customer's rhythm alone.
    pub distribution: LogNormal,
    /// The probability that it is bought within [`HORIZON_DAYS`] of its last purchase.
    pub confidence: f64,
    /// The day by which it is bought with even odds; by the rhythm alone while little is learnt, or where that lies
    /// beyond 60 days.
    pub due: Day,
    /// Whether it is expected within 60 days.
    pub has_date: bool,
}

impl Outlook {
    /// Days that usually lie between two purchases, rounded.
    fn usual_days(&self) -> i32 {
        say::whole_days(self.distribution.median())
    }
}

/// The outlook for a product at its last purchase; `intervals` are the customer's of all products.
pub(crate) fn outlook(head: &Head, intervals: IntervalSums, product: &Product, model: &Model) -> Outlook {
    of_pair(pair_figures(head, product, intervals, (product.last_day, 0), model), product, model)
}

/// The same, if it is likelier than `floor` that the product is bought within the horizon.
fn likely(
    (head, intervals): (&Head, IntervalSums),
    product: &Product,
    model: &Model,
    floor: f64,
) -> Option<Outlook> {
    let pair = pair_figures(head, product, intervals, (product.last_day, 0), model);
    let is_likely = model.learners().bought_within_month(&pair) > floor;
    is_likely.then(|| of_pair(pair, product, model)).filter(|outlook| outlook.has_date)
}

fn of_pair(pair: PairFigures, product: &Product, model: &Model) -> Outlook {
    let distribution = LogNormal { mu: pair.mu, sd: pair.sd };
    let median = Curve::of(&pair, model).median();
    // Before much is learnt the rhythm names the date better than the mean of two forms.
    let is_learnt = model.learners().month_stage() == LearnerStage::Learnt;
    let learnt = median.filter(|_| is_learnt);
    let days = say::whole_days(learnt.unwrap_or_else(|| distribution.median()));
    Outlook {
        pair,
        distribution,
        confidence: model.learners().bought_within_month(&pair),
        due: product.last_day.saturating_add(days),
        has_date: median.is_some(),
    }
}

/// Says which product of the basket will surely be needed, and notes by when each of them should have come.
///
/// What is found of a product depends on what stood before the basket and on its first line in it: further
/// lines add products, and with them what may be said, but silence none. Where a later look finds nothing after
/// all (another model is in force), what was said stands.
pub(crate) fn at_basket_end(stage: &mut Stage<'_>, basket: &mut Basket) {
    let mut best: Option<(Product, Outlook)> = None;
    let mut others: Vec<ProductId> = Vec::new();
    let mut held_back = 0;
    let settings = stage.context.settings;
    let (customer, model) = (&stage.customer, stage.context.model);
    let before = IntervalSums { count: basket.intervals_before.into(), ln_days: basket.ln_sum_before };
    let is_bought =
        |product: &Product| product.last_basket == basket.number && product.days >= PURCHASE_DAYS_MIN;
    let mut expected: Vec<(ProductId, Day)> = Vec::new();
    for product in customer.products().filter(|product| is_bought(product)) {
        let known = (&customer.head, before);
        let Some(outlook) = likely(known, product, model, settings.high_confidence_threshold) else {
            continue;
        };
        if outlook.usual_days() < USUAL_DAYS_MIN {
            continue;
        }
        let overdue_on = overdue_day(product, &outlook, model);
        if product.days >= MISSED_DAYS_MIN
            && calendar::start_of(&settings.time_zone, overdue_on) > stage.clock
        {
            expected.push((product.id.clone(), overdue_on));
        }
        if !is_ahead(&outlook, stage.clock, settings) {
            continue;
        }
        if !is_news(product, &told_before(basket, product), &outlook, settings) {
            held_back += 1;
            continue;
        }
        let is_best = |(other, than): &(Product, Outlook)| {
            (product.days, outlook.confidence) > (other.days, than.confidence)
        };
        if best.as_ref().is_none_or(is_best) {
            let beaten = best.replace((product.clone(), outlook));
            others.extend(beaten.map(|(product, _)| product.id));
        } else {
            others.push(product.id.clone());
        }
    }
    for (id, day) in expected {
        if let Some(product) = stage.customer.product_mut(&id) {
            product.overdue_on = day;
        }
    }
    schedule_overdue(stage);
    if basket.lines_evaluated == 0 {
        stage.suppress(Suppression::CoolDown, held_back);
        stage.suppress(Suppression::Cause, others.len() as u64);
    }
    others.sort_unstable();
    match best {
        Some(_) if !basket.lets_speak(Rule::Consumption) => stage.hold_back(basket, Rule::Consumption),
        Some((product, outlook)) => tell(stage, basket, &product, &outlook, &others),
        None => {}
    }
}

/// The first of the expected products has not come.
pub(crate) fn overdue(stage: &mut Stage<'_>, due: Timestamp) {
    let today = calendar::day_of(&stage.context.settings.time_zone, due);
    let waited = |product: &Product| product.overdue_on != 0 && product.overdue_on <= today;
    let mut late: Vec<Product> =
        stage.customer.products().filter(|product| waited(product)).cloned().collect();
    stage.customer.change_products(waited, |product| product.overdue_on = 0);
    late.sort_by(|a, b| b.days.cmp(&a.days).then_with(|| a.id.cmp(&b.id)));
    let count = late.len() as u64;
    schedule_overdue(stage);
    let Some(product) = late.first() else { return };
    if !stage.is_fresh(due) {
        return;
    }
    if std::mem::replace(&mut stage.customer.head_mut().silence.is_overdue, true) {
        stage.suppress(Suppression::Cause, count);
        return;
    }
    stage.suppress(Suppression::Cause, count.saturating_sub(1));
    let outlook = outlook(&stage.customer.head, stage.customer.intervals(), product, stage.context.model);
    let said = overdue_said(stage, product, &outlook, due, &late);
    let mut cause = today.to_le_bytes().to_vec();
    cause.extend_from_slice(product.id.as_str().as_bytes());
    let id = stage.raise_of_silence(said, &cause, due);
    let event = prediction_event(stage, product, &outlook, due, vec![SmolStr::new_static("due_date_passed")]);
    stage.derive(id, event);
}

/// Passes on an outside model's prediction: above the threshold, or when it asks for an alert.
pub(crate) fn published(stage: &mut Stage<'_>, record: &EventRecord, prediction: &ConsumptionPrediction) {
    stage.catch_up(prediction.timestamp);
    let settings = stage.context.settings;
    let case = if prediction.confidence > settings.critical_confidence_threshold {
        Case::PredictionCertain
    } else if prediction.alert_triggered {
        Case::PredictionAlert
    } else if prediction.confidence > settings.high_confidence_threshold {
        Case::PredictionLikely
    } else {
        return;
    };
    let customer = stage.context.customer_id.as_str();
    let product = name_of(stage, &prediction.product_id);
    let date =
        calendar::date_text(calendar::day_of(&settings.time_zone, prediction.predicted_consumption_date));
    let factors = prediction.factors.iter().map(|factor| say::text(factor)).collect();
    let said = Said {
        rule: RULE,
        case,
        event_timestamp: prediction.timestamp,
        sentence: format!(
            "Customer {customer} is expected to need {product} around {date} (confidence {}).",
            say::percent_text(prediction.confidence)
        ),
        params: named([
            ("customerId", say::text(customer)),
            ("product", say::text(&product)),
            ("date", say::text(&date)),
            ("confidence", say::number(prediction.confidence)),
        ]),
        figures: named([
            ("source", say::text("published")),
            ("productId", say::text(prediction.product_id.as_str())),
            ("predictedConsumptionDate", Figure::Time(prediction.predicted_consumption_date)),
            ("confidence", say::number(prediction.confidence)),
            ("predictionType", say::text(prediction.prediction_type.name())),
            ("factors", Figure::List(factors)),
            ("alertTriggered", Figure::Flag(prediction.alert_triggered)),
        ]),
    };
    let mut cause = b"event".to_vec();
    cause.extend_from_slice(record.event_id.as_str().as_bytes());
    stage.pass_on(said, &cause);
}

/// Whether the day around which the product is expected is days ahead, so that somebody can act on it.
fn is_ahead(outlook: &Outlook, clock: Timestamp, settings: &Settings) -> bool {
    outlook.due >= calendar::day_of(&settings.time_zone, clock).saturating_add(AHEAD_DAYS_MIN)
}

/// Whether the product is worth speaking of again after what was `told`.
fn is_news(product: &Product, told: &Told, outlook: &Outlook, settings: &Settings) -> bool {
    let days = product.last_day.saturating_sub(told.on);
    let is_long_ago = told.on == 0 || f64::from(days) >= HORIZON_DAYS;
    is_long_ago || (is_certain(outlook, settings) && !told.certain)
}

/// What was known before the basket of earlier words about `product`.
fn told_before(basket: &Basket, product: &Product) -> Told {
    let noted = basket.told.as_ref().filter(|told| told.product_id == product.id);
    noted.cloned().unwrap_or_else(|| Told {
        product_id: product.id.clone(),
        on: product.told_on,
        certain: product.told_certain,
    })
}

fn is_certain(outlook: &Outlook, settings: &Settings) -> bool {
    outlook.confidence > settings.critical_confidence_threshold
}

/// The day by which 19 of 20 such intervals have ended, by the pair's own spread as far as it is known:
/// `sd^2 = (4 v_w + sum of squared deviations)/(4 + n) (1 + 1/(1.5 + n))`.
fn overdue_day(product: &Product, outlook: &Outlook, model: &Model) -> Day {
    let n = f64::from(product.intervals());
    let sum = f64::from(product.ln_sum);
    let deviations = if n > 0.0 { (f64::from(product.ln_square_sum) - sum * sum / n).max(0.0) } else { 0.0 };
    let variance = (SPREAD_WEIGHT * model.intervals().within_variance() + deviations) / (SPREAD_WEIGHT + n);
    let sd = math::sqrt(variance * (1.0 + 1.0 / (crate::PAIR_SHRINKAGE + n)));
    let days = say::whole_days(math::exp((outlook.distribution.mu + NINETEEN_OF_TWENTY * sd).min(20.0)));
    product.last_day.saturating_add(days).max(outlook.due.saturating_add(1)).saturating_add(1)
}

/// Sets when the first of the expected products counts as overdue.
fn schedule_overdue(stage: &mut Stage<'_>) {
    let days = stage.customer.products().map(|product| product.overdue_on).filter(|&day| day != 0);
    let first = days.min();
    let zone = &stage.context.settings.time_zone;
    stage.customer.head_mut().overdue_at = first.map(|day| calendar::start_of(zone, day));
}

/// Takes back what an earlier evaluation of the basket noted: another product, or the same one, speaks now.
fn take_back(stage: &mut Stage<'_>, basket: &mut Basket) {
    let Some(told) = basket.told.take() else { return };
    if let Some(product) = stage.customer.product_mut(&told.product_id) {
        product.told_on = told.on;
        product.told_certain = told.certain;
    }
}

fn tell(
    stage: &mut Stage<'_>,
    basket: &mut Basket,
    product: &Product,
    outlook: &Outlook,
    others: &[ProductId],
) {
    let before = told_before(basket, product);
    let is_first = before.on == 0 && basket.raised(Rule::Consumption).is_none();
    let certain = is_certain(outlook, stage.context.settings);
    take_back(stage, basket);
    basket.told = Some(before);
    if let Some(held) = stage.customer.product_mut(&product.id) {
        held.told_on = product.last_day;
        held.told_certain = certain;
    }
    let mut said = likely_said(stage, basket, product, outlook);
    if !others.is_empty() {
        let ids = others.iter().take(OTHERS_MAX).map(|id| say::text(id.as_str())).collect();
        said.figures.extend(named([("alsoExpected", Figure::List(ids))]));
    }
    let id = stage.raise_for(basket, Rule::Consumption, said);
    if is_first {
        let factors = reasons(&outlook.pair, stage.context.model).into_iter().map(|(name, _)| name);
        let event = prediction_event(stage, product, outlook, basket.last_at, factors.collect());
        stage.derive(id, event);
    }
}

fn prediction_event(
    stage: &Stage<'_>,
    product: &Product,
    outlook: &Outlook,
    at: Timestamp,
    factors: Vec<SmolStr>,
) -> Event {
    let zone = &stage.context.settings.time_zone;
    Event::ConsumptionPrediction(ConsumptionPrediction {
        customer_id: stage.context.customer_id.clone(),
        product_id: product.id.clone(),
        predicted_consumption_date: calendar::start_of(zone, outlook.due),
        confidence: outlook.confidence,
        prediction_type: prediction_type(&outlook.pair, stage.context.model),
        factors,
        timestamp: at,
        alert_triggered: is_certain(outlook, stage.context.settings),
        extra: SmolStr::default(),
    })
}

/// A product's name as the customer, else as all customers have last seen it; else its id.
fn name_of(stage: &Stage<'_>, id: &ProductId) -> SmolStr {
    let model = stage.context.model;
    if let Some(product) = stage.customer.product(id) {
        return product.shown_name(model);
    }
    let name = model.product(id).map(crate::Product::name);
    name.cloned().unwrap_or_else(|| SmolStr::new(id.as_str()))
}

fn likely_said(stage: &Stage<'_>, basket: &Basket, product: &Product, outlook: &Outlook) -> Said {
    let settings = stage.context.settings;
    let is_certain = is_certain(outlook, settings);
    let customer = stage.context.customer_id.as_str();
    let date = calendar::date_text(outlook.due);
    let name = product.shown_name(stage.context.model);
    let sentence = format!(
        "Customer {customer} will probably buy {name} again around {date} ({} within 30 days).",
        say::chance_text(outlook.confidence)
    );
    Said {
        rule: RULE,
        case: if is_certain { Case::PredictionCertain } else { Case::PredictionLikely },
        event_timestamp: basket.last_at,
        sentence,
        params: params(customer, &name, &date, outlook),
        figures: figures(product, &name, outlook, stage.context),
    }
}

fn overdue_said(
    stage: &Stage<'_>,
    product: &Product,
    outlook: &Outlook,
    due: Timestamp,
    late: &[Product],
) -> Said {
    let customer = stage.context.customer_id.as_str();
    let date = calendar::date_text(outlook.due);
    let zone = &stage.context.settings.time_zone;
    let name = product.shown_name(stage.context.model);
    let sentence = format!(
        "Customer {customer} was expected to buy {name} around {date} and has not: last bought on {}.",
        calendar::date_text(product.last_day)
    );
    let mut figures = figures(product, &name, outlook, stage.context);
    let products = late.iter().map(|product| say::text(product.id.as_str())).take(OTHERS_MAX).collect();
    figures.extend(named([
        ("subtype", say::text("overdue")),
        ("overdueProducts", Figure::List(products)),
        (
            "daysSinceLastPurchase",
            Figure::Count(i64::from(calendar::day_of(zone, due)) - i64::from(product.last_day)),
        ),
    ]));
    Said {
        rule: OVERDUE_RULE,
        case: Case::ProductOverdue,
        event_timestamp: due,
        sentence,
        params: params(customer, &name, &date, outlook),
        figures,
    }
}

/// What carried the prediction: the season when the product or the shop sells half as much again or less than
/// usual, else what was learnt, else the rhythm.
fn prediction_type(pair: &PairFigures, model: &Model) -> PredictionType {
    let is_seasonal = pair.trend.abs().max(pair.season.abs()) > SEASON_MIN;
    match model.learners().month_stage() {
        LearnerStage::Learnt if is_seasonal => PredictionType::Seasonal,
        LearnerStage::Learnt => PredictionType::AiEnhanced,
        LearnerStage::Analytic | LearnerStage::Straightened => PredictionType::PatternBased,
    }
}

/// What speaks for the purchase and against it, by how much, in log-odds: what matters most first.
fn reasons(pair: &PairFigures, model: &Model) -> Vec<(SmolStr, f64)> {
    let Some((mut reasons, _)) = model.learners().month_reasons(pair) else {
        let [.., analytic, _] = pair.features(HORIZON_DAYS);
        return vec![(SmolStr::new_static("regular_interval"), analytic)];
    };
    reasons.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
    let said = reasons.into_iter().filter(|(_, weight)| weight.abs() >= REASON_MIN).take(REASONS_MAX);
    said.map(|(name, weight)| (SmolStr::new_static(name), weight)).collect()
}

fn params(customer: &str, name: &str, date: &str, outlook: &Outlook) -> omnix_model::Figures {
    named([
        ("customerId", say::text(customer)),
        ("product", say::text(name)),
        ("date", say::text(date)),
        ("confidence", say::number(outlook.confidence)),
    ])
}

fn figures(product: &Product, name: &str, outlook: &Outlook, context: &Context<'_>) -> omnix_model::Figures {
    let Context { model, settings, .. } = context;
    let said = reasons(&outlook.pair, model).into_iter();
    let factors = said.map(|(name, weight)| say::text(&format!("{name} {weight:+.2}"))).collect();
    named([
        ("source", say::text("purchases")),
        ("productId", say::text(product.id.as_str())),
        ("productName", say::text(name)),
        ("predictedConsumptionDate", Figure::Time(calendar::start_of(&settings.time_zone, outlook.due))),
        ("confidence", say::number(outlook.confidence)),
        ("horizonDays", Figure::Number(HORIZON_DAYS)),
        ("usualIntervalDays", say::number(outlook.distribution.median())),
        ("purchaseDays", Figure::Count(product.days.into())),
        ("predictionType", say::text(prediction_type(&outlook.pair, model).name())),
        ("factors", Figure::List(factors)),
    ])
}
