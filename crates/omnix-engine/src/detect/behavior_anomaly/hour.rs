//! An order at an hour of the shop's day at which this customer hardly ever orders: told with what else is unusual of
//! it.
//!
//! How likely an order within three hours of that time is, by the customer's own hours, drawn towards the shop's;
//! against how likely an ordinary order of theirs is by the same measure. So nothing is said of who orders round
//! the clock, and a second order at the new hour is no news. Settled by the order's first line.
//!
//! Deliberately not here: weekdays; and what carries no time of day, a date alone or a shop whose orders all carry
//! the same hour.

use omnix_model::{Figure, Timestamp};

use crate::basket::{Basket, OddHour};
use crate::calendar;
use crate::customer::Hours;
use crate::math;
use crate::say::{self, Said, named};
use crate::stage::Stage;
use crate::{Context, HourPrior, Observation, OrderHour};

/// Orders of the customer from which on it is known what is usual.
const ORDERS_MIN: u32 = 10;

impl OddHour {
    /// An order at `hour` of a customer with these hours before; none where too little is known.
    fn new(hour: u8, before: &Hours, prior: &HourPrior) -> Option<Self> {
        let small = |count: u32| u8::try_from(count).unwrap_or(u8::MAX);
        (before.orders() >= ORDERS_MIN).then(|| Self {
            hour,
            usual_hour: before.usual(),
            near: small(before.near(hour)),
            orders: small(before.orders()),
            near_share: math::narrow(prior.near_share(hour)),
            usual_share: math::narrow(before.usual_share()),
            threshold: math::narrow(prior.alert_score()),
        })
    }

    /// How likely an order within three hours of that time was.
    pub(crate) fn likelihood(&self) -> f64 {
        HourPrior::likelihood(self.near.into(), self.orders.into(), self.near_share.into())
    }

    /// The logarithm of how many times less likely that was than an ordinary order of the customer.
    pub(crate) fn score(&self) -> f64 {
        math::ln(f64::from(self.usual_share).max(f64::MIN_POSITIVE) / self.likelihood())
    }

    /// Whether that is worth an alert, by the threshold of when the order began.
    pub(crate) fn is_alert(&self) -> bool {
        self.score() > self.threshold.into()
    }

    /// How many hours after the usual one it came, the shorter way round the clock; negative: before.
    pub(crate) fn hours_after(&self) -> i64 {
        let after = (i64::from(self.hour) - i64::from(self.usual_hour)).rem_euclid(24);
        if after > 12 { after - 24 } else { after }
    }
}

/// Looks at the hour of the order, and counts it.
pub(super) fn at_basket_start(stage: &mut Stage<'_>, basket: &mut Basket) {
    let zone = &stage.context.settings.time_zone;
    let Some(hour) = calendar::known_hour_of(zone, basket.first_at) else { return };
    let look = look(&stage.customer.head.hours, basket.first_at, stage.context);
    let day = calendar::day_of(zone, basket.first_at);
    stage.customer.head_mut().hours.note(day, hour);
    let score = look.as_ref().map(OddHour::score);
    let is_alert = look.as_ref().is_some_and(OddHour::is_alert);
    basket.odd_hour = look.filter(|_| is_alert);
    stage.effects.observations.push(Observation::Hour(OrderHour { hour, score, is_alert }));
}

/// How unusual the hour of an order at `at` is for a customer with these hours before, and whether it is worth an
/// alert; no score with too little history, without a time of day, or when the same hour counted on that day.
pub(crate) fn verdict(before: &Hours, at: Timestamp, context: &Context<'_>) -> (Option<f64>, bool) {
    let look = look(before, at, context);
    (look.as_ref().map(OddHour::score), look.as_ref().is_some_and(OddHour::is_alert))
}

fn look(before: &Hours, at: Timestamp, context: &Context<'_>) -> Option<OddHour> {
    let zone = &context.settings.time_zone;
    let hour = calendar::known_hour_of(zone, at)?;
    let is_counted = before.has(calendar::day_of(zone, at), hour);
    if is_counted { None } else { OddHour::new(hour, before, context.model.hours()) }
}

/// What names it among what an insight covers.
const MESSAGE: &str = "anomaly.hour";

/// Tells of the hour with what is said of the order, if it was found to be odd.
pub(super) fn tell_with(said: &mut Said, stage: &Stage<'_>, basket: &Basket) {
    let Some(odd) = &basket.odd_hour else { return };
    let customer = stage.context.customer_id.as_str();
    let time = calendar::clock_text(&stage.context.settings.time_zone, basket.first_at);
    let usual = odd.usual_hour;
    said.cover(
        MESSAGE,
        format!(
            "Customer {customer} ordered at {time}, hours away from when they usually order, mostly around {usual:02}:00."
        ),
    );
    let after = odd.hours_after();
    said.figures.extend(named([
        ("hour", Figure::Count(odd.hour.into())),
        ("usualHour", Figure::Count(usual.into())),
        ("hourDirection", say::text(if after < 0 { "earlier" } else { "later" })),
        ("hoursAway", Figure::Count(after.abs())),
        ("hourScore", say::number(odd.score())),
    ]));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A customer who has ordered at these hours, a day each, at `hour`; nothing is known of the shop.
    fn look(habit: &[u8], hour: u8) -> Option<OddHour> {
        let mut before = Hours::default();
        (1..).zip(habit).for_each(|(day, hour)| before.note(day, *hour));
        OddHour::new(hour, &before, &HourPrior::seed())
    }

    #[test]
    fn the_same_hour_is_usual_and_one_far_from_it_is_not() {
        assert_eq!(look(&[8; 9], 3), None, "too few");
        let (usual, odd) = (look(&[8; 40], 8).unwrap(), look(&[8; 40], 20).unwrap());
        assert!(usual.score() < 0.1, "{usual:?}");
        // 1 of (0 + 2 * 7/24) / (40 + 2).
        assert!((odd.score() - math::ln(72.0)).abs() < 1e-6, "{}", odd.score());
        assert!(look(&[8; 10], 20).unwrap().score() < odd.score(), "the less is known the less unusual");
    }

    #[test]
    fn of_who_orders_at_any_time_nothing_is_unusual() {
        let habit: Vec<u8> = (0..24).cycle().step_by(7).take(60).collect();
        for hour in 0..24 {
            assert!(look(&habit, hour).unwrap().score() < 0.5);
        }
    }

    #[test]
    fn what_came_twice_is_hardly_unusual() {
        let mut habit = vec![8; 40];
        habit.push(3);
        assert!(look(&habit, 3).unwrap().score() < math::ln(50.0));
    }

    #[test]
    fn it_is_the_shorter_way_round_the_clock() {
        let after = |habit: u8, hour: u8| look(&[habit; 20], hour).unwrap().hours_after();
        assert_eq!([after(8, 3), after(22, 3), after(2, 22), after(0, 12)], [-5, 5, -4, 12]);
    }
}
