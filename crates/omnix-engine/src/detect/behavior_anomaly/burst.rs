//! Orders that follow each other unusually fast: a count of orders with a half-life of 6 hours, less what is usual
//! for the customer.

use omnix_model::{Figure, Timestamp};

use crate::basket::Basket;
use crate::customer::Burst;
use crate::detect::Rule;
use crate::math;
use crate::priority::Case;
use crate::say::{self, Said, named};
use crate::stage::Stage;

const RULE: &str = "behavior_anomaly.burst";
/// Half-life of the count of orders, in days.
const BURST_HALF_LIFE_DAYS: f64 = 0.25;
/// Half-life of the peak that a customer has shown before, in days.
const PEAK_HALF_LIFE_DAYS: f64 = 60.0;
/// The count above what is usual that is worth an alert: passed by the fourth order that follows another within an
/// hour.
const BURST_THRESHOLD: f64 = 3.0;
/// How far a day takes the peak beyond twice what it was, at the most.
const PEAK_STEP: f64 = 0.25;
/// How much of the peak is not usual, as a share and at the most.
const PEAK_DOUBT: f64 = 0.75;
const PEAK_DOUBT_MAX: f64 = 2.25;

/// Counts the order as one more in short time.
pub(super) fn at_basket_start(stage: &mut Stage<'_>, basket: &mut Basket) {
    let head = stage.customer.head_mut();
    let before = head.burst;
    let (burst, excess) = counted(before, basket.first_at);
    head.burst = burst;
    // Once for a burst, and again when it has become twice as much: every order of it would be no news.
    if intensity(excess) > intensity(excess_of(before)) {
        let said = said(stage, basket, burst);
        stage.raise_for(basket, Rule::Burst, said);
    }
}

/// How far one more order at `at` lies above what the customer is known for, and whether that is an alert.
pub(crate) fn verdict(burst: Burst, at: Timestamp) -> (f64, bool) {
    let (_, excess) = counted(burst, at);
    (excess, excess > BURST_THRESHOLD)
}

/// `c = c 2^(-dt/6h) + 1; alert if (c - usual)/max(1, 0.5 sqrt(peak)) > threshold`: the new count, and by how much it
/// exceeds what is usual; of a count that is often high more is chance.
///
/// The peak is the highest count, less one, of earlier days, with a half-life of 60 days. One day takes it to
/// twice what it was and a quarter more at the most: a single burst makes no habit, and who orders all day is soon
/// known for it.
fn counted(before: Burst, at: Timestamp) -> (Burst, f64) {
    let days = math::days_between(before.at, at).max(0.0);
    let count = before.count * math::decay(days, BURST_HALF_LIFE_DAYS) + 1.0;
    let (earlier, high) = if at.utc_day() > before.at.utc_day() {
        (before.peak.max((before.high - 1.0).min(2.0 * before.peak + PEAK_STEP)), 0.0)
    } else {
        (before.peak, before.high)
    };
    let peak = earlier * math::decay(days, PEAK_HALF_LIFE_DAYS);
    let burst = Burst { count, at: at.max(before.at), peak, high: high.max(count) };
    (burst, excess_of(burst))
}

/// By how much the count exceeded what is usual when the latest order came.
fn excess_of(burst: Burst) -> f64 {
    (burst.count - usual_count(burst.peak)) / (0.5 * math::sqrt(burst.peak)).max(1.0)
}

/// 0 for what is no alert, 1 for one, 2 from twice the threshold on, and so on.
fn intensity(excess: f64) -> usize {
    math::bin(math::ln((excess / BURST_THRESHOLD).max(0.5)) / math::ln(2.0) + 1.0, 1.0, 64)
}

/// What the count usually comes to at the most, for a customer with this peak: a quarter of it, of a high one all
/// but 2.25.
fn usual_count(peak: f64) -> f64 {
    1.0 + peak - (PEAK_DOUBT * peak).min(PEAK_DOUBT_MAX)
}

fn said(stage: &Stage<'_>, basket: &Basket, burst: Burst) -> Said {
    let customer = stage.context.customer_id.as_str();
    let order = basket.order.as_ref().map_or(Figure::Unknown, |order| say::text(order.as_str()));
    let figures = named([
        ("anomalyType", say::text("burst")),
        ("direction", say::text("higher")),
        ("orderId", order),
        ("ordersInShortTime", say::number(burst.count)),
        ("usual", say::number(usual_count(burst.peak))),
        ("halfLifeHours", say::number(BURST_HALF_LIFE_DAYS * 24.0)),
        ("threshold", say::number(BURST_THRESHOLD)),
    ]);
    Said {
        rule: RULE,
        case: Case::OrdersInShortTime,
        event_timestamp: basket.first_at,
        sentence: format!(
            "Customer {customer} is placing orders unusually fast: about {:.0} within a few hours.",
            burst.count
        ),
        params: named([("customerId", say::text(customer)), ("orders", say::number(burst.count))]),
        figures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: f64) -> Timestamp {
        math::after_days(Timestamp::from_ms_clamped(1_700_000_000_000), hours / 24.0)
    }

    /// Counts orders at the given hours; which of them were alerts.
    fn alerts(at_hours: impl IntoIterator<Item = f64>) -> Vec<bool> {
        let mut burst = Burst::default();
        let mut count = |at| {
            let (after, excess) = counted(burst, hours(at));
            burst = after;
            excess > BURST_THRESHOLD
        };
        at_hours.into_iter().map(&mut count).collect()
    }

    #[test]
    fn a_burst_is_an_alert_by_the_fourth_extra_order() {
        let weekly = (0..10).map(|week| f64::from(week) * 168.0);
        let burst = (1..6).map(|extra| 9.0 * 168.0 + f64::from(extra) / 6.0);
        let alerts = alerts(weekly.chain(burst));
        assert_eq!(alerts.iter().position(|is_alert| *is_alert), Some(13), "the fourth that follows");
    }

    #[test]
    fn who_always_orders_in_bursts_is_soon_no_news() {
        let bursts = (0..12)
            .flat_map(|week| (0..5).map(move |order| f64::from(week) * 168.0 + f64::from(order) / 6.0));
        let alerts = alerts(bursts);
        let by_week: Vec<usize> =
            alerts.chunks(5).map(|week| week.iter().filter(|is_alert| **is_alert).count()).collect();
        assert!(by_week[0] > 0, "the first is news");
        assert_eq!(by_week[6..], [0; 6], "{by_week:?}");
    }

    #[test]
    fn who_orders_all_day_is_soon_no_news() {
        // A till: an order every two minutes from 8 to 18, more on some days than on others.
        let day = |day: i32| {
            let orders = 250 + 50 * (day % 3);
            (0..orders)
                .map(move |order| f64::from(day) * 24.0 + 8.0 + 10.0 * f64::from(order) / f64::from(orders))
        };
        let alerts = alerts((0..60).flat_map(day));
        assert!(alerts[..300].contains(&true), "at first it is news");
        assert!(!alerts[15 * 300..].contains(&true));
    }

    #[test]
    fn two_orders_on_one_day_do_not_hide_a_burst() {
        let twice = (0..20).flat_map(|week| [f64::from(week) * 168.0, f64::from(week) * 168.0 + 2.0]);
        let burst = (0..5).map(|order| 20.0 * 168.0 + f64::from(order) / 6.0);
        let alerts = alerts(twice.chain(burst));
        assert_eq!(alerts.iter().position(|is_alert| *is_alert), Some(44), "the fourth that follows");
    }

    #[test]
    fn a_daily_customer_is_no_burst() {
        assert!(!alerts((0..200).map(|day| f64::from(day) * 24.0)).contains(&true));
    }
}
