//! What a purchase or a return adds to a customer: sums, products, rhythm, the open basket.
//!
//! Sums are checked integers. A late event counts in sums and counts and changes nothing else.
//!
//! Deliberately not here: what anything means (`detect`).

use omnix_model::{InsightKind, OrderId, Purchase, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use crate::basket::Basket;
use crate::calendar::{self, Day};
use crate::customer::{Amount, Customer, Head, Product, RecentOrder, Share, Silence, kept_name};
use crate::detect;
use crate::look;
use crate::math;
use crate::say;
use crate::stage::Stage;
use crate::watch::{Work, watched};
use crate::{ApplyError, Buyer, Interval, Model, Observation, Occasion, Sale, Settings};

/// Event time within which late purchases without an order's id are one order, in milliseconds.
const LATE_GAP_MS: i64 = 5_000;

/// Applies a purchase or a return.
pub(crate) fn purchase(stage: &mut Stage<'_>, line: &Purchase) -> Result<(), ApplyError> {
    let is_held = stage.customer.head.basket.as_ref().is_some_and(|basket| basket.holds(line));
    let is_late = !is_held && line.timestamp < stage.customer.head.last_at;
    stage.effects.facts.is_late = is_late;
    if is_late {
        return late(stage, line);
    }
    if !is_held {
        stage.end_basket(line.timestamp);
        stage.fall_due(line.timestamp);
        if !known_order(&stage.customer.head, line.order_id.as_ref()) {
            stage.close_basket();
        }
    }
    stage.clock = if stage.moment.is_history { line.timestamp } else { stage.moment.now };
    let head = stage.customer.head_mut();
    add_sums(head, line)?;
    head.last_at = head.last_at.max(line.timestamp);
    if line.is_return() {
        return Ok(());
    }
    head.silence = Silence::default();
    head.last_purchase_at = head.last_purchase_at.max(Some(line.timestamp));
    let day = calendar::day_of(&stage.context.settings.time_zone, line.timestamp);
    if is_held {
        return basket_line(stage, line, day);
    }
    if known_order(head, line.order_id.as_ref()) {
        // A straggler of a basket that is closed or not the latest: part of that order, and no new one.
        add_product(stage, line, day, None);
        return Ok(());
    }
    open_basket(stage, line, day)?;
    basket_line(stage, line, day)
}

/// That a product was sold.
pub(crate) fn sale(line: &Purchase, settings: &Settings, buyer: Buyer) -> Observation {
    Observation::Sale(Sale {
        product_id: line.product_id.clone(),
        product_name: line.product_name.clone(),
        product_category: line.product_category.clone(),
        buyer,
        ln_amount: (line.total_amount.millionths() > 0)
            .then(|| math::narrow(math::ln(say::units(line.total_amount.millionths().into())))),
        at: line.timestamp,
        occasion: Occasion::new(
            &settings.time_zone,
            line.timestamp,
            line.location.as_deref(),
            line.device_type,
        ),
    })
}

fn add_sums(head: &mut Head, line: &Purchase) -> Result<(), ApplyError> {
    let amount = i128::from(line.total_amount.millionths());
    head.units = checked(head.units.checked_add(line.quantity.thousandths().into()), "units")?;
    head.total = checked(head.total.checked_add(amount), "totalSpent")?;
    if line.is_return() {
        head.returns = checked(head.returns.checked_add(1), "returns")?;
        return Ok(());
    }
    head.bought = checked(head.bought.checked_add(amount), "totalSpent")?;
    head.purchases = checked(head.purchases.checked_add(1), "purchases")?;
    let first = head.first_purchase_at.map_or(line.timestamp, |first| first.min(line.timestamp));
    head.first_purchase_at = Some(first);
    Ok(())
}

fn late(stage: &mut Stage<'_>, line: &Purchase) -> Result<(), ApplyError> {
    let head = stage.customer.head_mut();
    add_sums(head, line)?;
    if line.is_return() {
        return Ok(());
    }
    if head.last_purchase_at.is_none() {
        head.last_purchase_at = Some(line.timestamp);
    }
    if !known_late_order(head, line) {
        head.orders = checked(head.orders.checked_add(1), "orders")?;
        stage.effects.facts.is_new_order = true;
    }
    let day = calendar::day_of(&stage.context.settings.time_zone, line.timestamp);
    if let Some(product) = stage.customer.product_mut(&line.product_id) {
        product.purchases = product.purchases.saturating_add(1);
        stage.effects.observations.push(sale(line, stage.context.settings, Buyer::Again));
    } else {
        stage.customer.insert_product(new_product(line, day, 0, stage.context.model));
        stage.effects.observations.push(sale(line, stage.context.settings, Buyer::First));
    }
    Ok(())
}

fn open_basket(stage: &mut Stage<'_>, line: &Purchase, day: Day) -> Result<(), ApplyError> {
    let head = stage.customer.head_mut();
    head.orders = checked(head.orders.checked_add(1), "orders")?;
    head.baskets = checked(head.baskets.checked_add(1), "orders")?;
    let ordered_before = note_order_day(head, day);
    if let Some(order) = &line.order_id {
        remember(head, RecentOrder { key: order_key(order), at: line.timestamp });
    }
    let allowance = head.attention.left(day, stage.context.settings.customer_insights_per_day);
    let mut basket = Basket::open(line, head, allowance);
    stage.effects.facts.is_new_order = true;
    if let Some(since) = ordered_before {
        look::ordered_again(stage, since, day);
    }
    watched(stage, Work::Detect(InsightKind::BehaviorAnomaly), |stage| {
        detect::behavior_anomaly::at_basket_start(stage, &mut basket);
    });
    stage.customer.head_mut().basket = Some(basket);
    Ok(())
}

/// Counts the day of an order, once; says which the order day before was.
fn note_order_day(head: &mut Head, day: Day) -> Option<Day> {
    let before = (head.order_days > 0).then_some(head.last_order_day);
    if before.is_some_and(|before| day <= before) {
        return None;
    }
    head.visits.note(before.map(|before| f64::from(day.saturating_sub(before))), head.order_days);
    if before.is_none() {
        head.first_order_day = day;
    }
    head.order_days = head.order_days.saturating_add(1);
    head.last_order_day = day;
    before
}

/// Adds a line to the open basket, and says at once what further lines can only confirm.
fn basket_line(stage: &mut Stage<'_>, line: &Purchase, day: Day) -> Result<(), ApplyError> {
    let Some(mut basket) = stage.customer.head_mut().basket.take() else { return Ok(()) };
    let held = stage.customer.product(&line.product_id);
    if held.is_none_or(|product| product.last_basket != basket.number) {
        let usual_quantity = held.map(|product| product.usual_quantity.ln());
        watched(stage, Work::Detect(InsightKind::BehaviorAnomaly), |stage| {
            detect::behavior_anomaly::at_line(stage, &mut basket, line, usual_quantity);
        });
    }
    add_product(stage, line, day, Some(basket.number));
    let settings = stage.context.settings;
    let added = basket.add(line, stage.moment, settings.buffer_flush_interval_ms);
    checked(added, "basket")?;
    watched(stage, Work::Detect(InsightKind::BehaviorAnomaly), |stage| {
        detect::behavior_anomaly::while_growing(stage, &mut basket);
    });
    let is_full = basket.lines == settings.buffer_lines_max;
    if basket.is_complete() {
        detect::at_basket_end(stage, &mut basket);
    } else if is_full {
        detect::while_basket_grows(stage, &mut basket);
    }
    stage.customer.head_mut().basket = Some(basket);
    Ok(())
}

/// Adds a purchase to its product; `basket` is the number of the basket, none for a straggler.
fn add_product(stage: &mut Stage<'_>, line: &Purchase, day: Day, basket: Option<u32>) {
    let number = basket.unwrap_or(stage.customer.head.baskets);
    let Some(product) = stage.customer.product_mut(&line.product_id) else {
        stage.customer.insert_product(new_product(line, day, number, stage.context.model));
        stage.effects.observations.push(sale(line, stage.context.settings, Buyer::First));
        return;
    };
    product.purchases = product.purchases.saturating_add(1);
    product.last_at = product.last_at.max(line.timestamp);
    product.name = kept_name(&line.product_name, &line.product_id, stage.context.model);
    // Bought twice in one basket is bought once, on the day of the first line, even if midnight lies between.
    if product.last_basket == number {
        return;
    }
    if basket.is_some() {
        product.incidence = product.incidence.with(number.saturating_sub(product.last_basket));
        product.last_basket = number;
        product.baskets = product.baskets.saturating_add(1);
        product.quantity = Amount::of(line.quantity);
        product.usual_quantity = product.usual_quantity.towards(product.quantity, product.baskets);
        stage.effects.observations.push(sale(line, stage.context.settings, Buyer::Again));
    }
    if day <= product.last_day {
        return;
    }
    let days = f64::from(day.saturating_sub(product.last_day));
    let ln_days = math::ln(days.max(1.0));
    let within = spread(product, ln_days);
    product.ln_sum = math::narrow(f64::from(product.ln_sum) + ln_days);
    product.ln_square_sum = math::narrow(f64::from(product.ln_square_sum) + ln_days * ln_days);
    let since = product.last_day;
    product.last_interval = day.abs_diff(since);
    product.span_days = product.span_days.saturating_add(product.last_interval);
    product.days = product.days.saturating_add(1);
    product.last_day = day;
    product.overdue_on = 0;
    let head = stage.customer.head_mut();
    head.intervals = head.intervals.saturating_add(1);
    head.ln_sum += ln_days;
    let product_id = line.product_id.clone();
    stage.effects.observations.push(Observation::Interval(Interval { product_id, days, within }));
    look::bought_again(stage, &line.product_id, since, day);
}

/// `d^2 (k-1)/k` with `d = ln(days) - S/(k-1)`: how far an interval lies from the `k - 1` before it.
fn spread(product: &Product, ln_days: f64) -> Option<f64> {
    let before = f64::from(product.intervals());
    if before < 1.0 {
        return None;
    }
    let distance = ln_days - f64::from(product.ln_sum) / before;
    Some(distance * distance * before / (before + 1.0))
}

fn new_product(line: &Purchase, day: Day, basket: u32, model: &Model) -> Product {
    Product {
        id: line.product_id.clone(),
        name: kept_name(&line.product_name, &line.product_id, model),
        purchases: 1,
        days: 1,
        last_at: line.timestamp,
        last_day: day,
        baskets: 1,
        first_basket: basket,
        last_basket: basket,
        ln_sum: 0.0,
        ln_square_sum: 0.0,
        overdue_on: 0,
        told_on: 0,
        told_certain: false,
        span_days: 0,
        last_interval: 0,
        incidence: Share::ONCE,
        quantity: Amount::of(line.quantity),
        usual_quantity: Amount::of(line.quantity),
    }
}

/// Whether `order` is one of the latest; an order that is not named is always a new one.
fn known_order(head: &Head, order: Option<&OrderId>) -> bool {
    order.map(order_key).is_some_and(|key| head.recent_orders.iter().any(|known| known.key == key))
}

/// Whether a late purchase belongs to an order that was counted; if not, the order is remembered.
fn known_late_order(head: &mut Head, line: &Purchase) -> bool {
    let key = line.order_id.as_ref().map_or(0, order_key);
    let near = |at: Timestamp| line.timestamp.ms_since(at).abs() <= LATE_GAP_MS && at != Timestamp::MIN;
    let mut known = head.recent_orders.iter_mut();
    if let Some(known) = known.find(|known| known.key == key && (key != 0 || near(known.at))) {
        known.at = line.timestamp;
        return true;
    }
    remember(head, RecentOrder { key, at: line.timestamp });
    false
}

fn remember(head: &mut Head, order: RecentOrder) {
    head.recent_orders.rotate_right(1);
    let [first, ..] = &mut head.recent_orders;
    *first = order;
}

/// A hash of the order's id; never 0, which stands for none.
fn order_key(order: &OrderId) -> u32 {
    math::low32(xxh3_64(order.as_str().as_bytes())).max(1)
}

fn checked<T>(value: Option<T>, what: &'static str) -> Result<T, ApplyError> {
    value.ok_or(ApplyError::Overflow(what))
}

impl Customer {
    /// The re-purchase intervals of all products of the customer.
    pub(crate) fn intervals(&self) -> crate::IntervalSums {
        crate::IntervalSums { count: self.head.intervals.into(), ln_days: self.head.ln_sum }
    }
}

impl Product {
    /// The intervals between its purchase days.
    pub(crate) fn interval_sums(&self) -> crate::IntervalSums {
        crate::IntervalSums { count: self.intervals().into(), ln_days: self.ln_sum.into() }
    }
}
