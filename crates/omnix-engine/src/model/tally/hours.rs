//! What was observed of the hours of orders.

use super::orders::{ScoreCounts, count};
use crate::calendar::HOURS;
use crate::model::OrderHour;

/// What was observed of the hours at which orders came.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::model) struct HourSums {
    /// Orders by hour of the shop's day.
    pub(in crate::model) orders: [u64; HOURS],
    /// Scores of hours, counted by bin.
    pub(in crate::model) scores: ScoreCounts,
    /// Orders above the threshold in force.
    pub(in crate::model) alerts: u64,
}

impl HourSums {
    pub(in crate::model) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds an order; says how many of its figures were left out for being none.
    pub(in crate::model) fn absorb(&mut self, order: OrderHour) -> u64 {
        let Some(orders) = self.orders.get_mut(usize::from(order.hour)) else { return 1 };
        *orders += 1;
        self.alerts += u64::from(order.is_alert && order.score.is_some_and(f64::is_finite));
        count(&mut self.scores, order.score)
    }

    pub(in crate::model) fn merge(&mut self, other: &Self) {
        self.orders.iter_mut().zip(other.orders).for_each(|(orders, more)| *orders += more);
        self.scores.merge(&other.scores);
        self.alerts += other.alerts;
    }
}
