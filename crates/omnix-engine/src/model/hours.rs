//! At what hours of its day the shop's orders come, and above which score an hour is worth an alert.
//!
//! Orders by hour, decayed, one pseudo-order an hour. An hour that is unusual for a customer has a budget of its
//! own, 2 in 1,000 scored orders, kept by a histogram of scores as amounts have one; and a floor: what is not
//! fifty times less likely than an ordinary order of the customer's is not told, however seldom that is. Where
//! nine of ten orders carry the same hour, times are not known there (an export writes them all at noon), and
//! nothing is told.
//!
//! Deliberately not here: the customer's own hours; what is sold at which hour (`occasions`).

use omnix_model::{DecodeError, Reader, Writer};

use crate::calendar::{self, HOURS};
use crate::math::{decay, ln};
use crate::model::product::mass;
use crate::model::tally::HourSums;
use crate::model::threshold::{Pseudo, Scores, Spent};

/// Alerts per scored order.
const BUDGET: f64 = 0.002;
/// How many times less likely than usual an hour is at the least to be told.
const TIMES_MIN: f64 = 50.0;
/// The share of one hour in all orders from which on times are not known.
const ONE_HOUR: f64 = 0.9;
/// Half-life of the shop's orders by hour, in days.
const HALF_LIFE_DAYS: f64 = 60.0;
/// Scores before there are any: 1 in 100 above twenty times less likely than usual, 1 in 1,000 above a hundred.
const PSEUDO: Pseudo = Pseudo { quantile: 3.0, excess: 0.7 };
/// Orders at the shop's hours that a customer's own count against: measured from 1 to 8, customers with a habit
/// of their own are told apart best by 2.
const SHRINKAGE: f64 = 2.0;

/// What is known of the hours at which the shop's orders come.
#[derive(Debug, Clone, PartialEq)]
pub struct HourPrior {
    /// Orders by hour of the shop's day.
    orders: [f64; HOURS],
    scores: Scores,
    spent: Spent,
    alert_score: f64,
}

impl HourPrior {
    /// What is believed before anything was seen.
    #[must_use]
    pub fn seed() -> Self {
        Self::of([0.0; HOURS], Scores::none(), Spent::default())
    }

    /// The share of the shop's orders that come within three hours of `hour`.
    #[must_use]
    pub fn near_share(&self, hour: u8) -> f64 {
        let near: f64 = calendar::near_hours(hour)
            .filter_map(|hour| self.orders.get(hour))
            .map(|orders| orders + 1.0)
            .sum();
        near / self.total()
    }

    /// How likely it is that an order of a customer comes within three hours of an hour: `near` of their `orders`
    /// did, and the share `near_share` of the shop's.
    #[must_use]
    pub fn likelihood(near: f64, orders: f64, near_share: f64) -> f64 {
        (near + SHRINKAGE * near_share) / (orders + SHRINKAGE)
    }

    /// The score above which an hour is worth an alert; infinite where times are not known.
    #[must_use]
    pub fn alert_score(&self) -> f64 {
        let highest = self.orders.iter().copied().fold(0.0, f64::max) + 1.0;
        if highest > ONE_HOUR * self.total() { f64::INFINITY } else { self.alert_score.max(ln(TIMES_MIN)) }
    }

    fn total(&self) -> f64 {
        self.orders.iter().map(|orders| orders + 1.0).sum()
    }

    /// Forgets what `days` make one forget, then adds the orders of an epoch.
    pub(super) fn fold(&mut self, days: f64, hours: &HourSums) {
        let keep = decay(days, HALF_LIFE_DAYS);
        for (orders, &more) in self.orders.iter_mut().zip(&hours.orders) {
            *orders = *orders * keep + more as f64;
        }
        self.scores.fold(days, &hours.scores);
        self.spent.fold(days, hours.scores.total(), hours.alerts);
        self.settle();
    }

    fn settle(&mut self) {
        self.alert_score = self.scores.above(self.spent.share(BUDGET), PSEUDO);
    }

    fn of(orders: [f64; HOURS], scores: Scores, spent: Spent) -> Self {
        let mut prior = Self { orders, scores, spent, alert_score: 0.0 };
        prior.settle();
        prior
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        self.orders.iter().for_each(|orders| out.f64(*orders));
        self.scores.encode(out);
        self.spent.encode(out);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut orders = [0.0; HOURS];
        for orders in &mut orders {
            *orders = mass(from)?;
        }
        Ok(Self::of(orders, Scores::decode(from)?, Spent::decode(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::exp;
    use crate::model::tally::ScoreCounts;
    use crate::model::threshold::Threshold;

    fn at_hours(hours: &[(usize, u64)]) -> HourSums {
        let mut sums = HourSums::default();
        hours.iter().for_each(|&(hour, count)| sums.orders[hour] = count);
        sums
    }

    #[test]
    fn at_first_sixty_times_less_likely_than_usual_is_worth_an_alert() {
        // 5 % above 3 - 0.7 ln 5 = 1.875 by the bins, tau = 0.002.
        let score = HourPrior::seed().alert_score();
        assert!((score - (1.875 + 0.7 * ln(25.0))).abs() < 1e-9, "{score}");
        assert!((60.0..65.0).contains(&exp(score)), "{}", exp(score));
        assert!((HourPrior::seed().near_share(3) - 7.0 / 24.0).abs() < 1e-12);
    }

    #[test]
    fn where_nothing_is_unusual_the_floor_holds_and_where_much_is_it_rises() {
        let mut scores = ScoreCounts::default();
        scores.add(Threshold::bin_of(0.3), 10_000);
        let mut quiet = HourPrior::seed();
        quiet.fold(1.0, &HourSums { scores: scores.clone(), ..at_hours(&[(8, 500), (14, 500)]) });
        assert!((quiet.alert_score() - ln(TIMES_MIN)).abs() < 1e-12);
        scores.add(Threshold::bin_of(6.0), 500);
        let mut moved = quiet.clone();
        moved.fold(1.0, &HourSums { scores, ..HourSums::default() });
        assert!(moved.alert_score() > 6.0, "a whole shop that moves is no news: {}", moved.alert_score());
    }

    #[test]
    fn where_all_orders_carry_one_hour_times_are_not_known() {
        let mut noon = HourPrior::seed();
        noon.fold(1.0, &at_hours(&[(12, 1_000)]));
        assert!(noon.alert_score().is_infinite());
        noon.fold(1.0, &at_hours(&[(9, 500)]));
        assert!(noon.alert_score().is_finite());
    }

    #[test]
    fn the_shops_hours_go_round_the_clock() {
        let mut prior = HourPrior::seed();
        prior.fold(1.0, &at_hours(&[(23, 500), (1, 476)]));
        assert!((prior.near_share(0) - 983.0 / 1_000.0).abs() < 1e-12);
        assert!((prior.near_share(12) - 7.0 / 1_000.0).abs() < 1e-12);
    }
}
