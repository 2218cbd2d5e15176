//! What is at stake when a customer leaves: what they bring in 60 days as long as they keep their rhythm, against
//! an ordinary customer of the shop.
//!
//! Deliberately not here: how likely they are to come back (`rule`).

use omnix_model::{Figure, Figures};

use crate::customer::{Amounts, Head};
use crate::look::visit_figures;
use crate::math;
use crate::priority::Case;
use crate::say::{self, named};
use crate::{AmountHistory, Model};

/// Days that the figures speak of: those of the segments' probability.
const DAYS: f64 = 60.0;
/// Times an ordinary customer from which on much is at stake, and up to which little.
const MUCH: f64 = 2.0;
const LITTLE: f64 = 0.5;

/// What a customer is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stake {
    /// Days between their orders, as far as they are known.
    pub interval_days: f64,
    /// What an order of theirs usually comes to, in units of the currency; none where nothing has a price.
    pub order: Option<f64>,
    /// Times what an ordinary customer brings.
    pub times: f64,
}

impl Stake {
    /// What is at stake with the customer of `head`, whose `amounts` count.
    ///
    /// `times = exp(a (nu - mu) + b (M - drift - mu0))`: how often they come against the shop's usual interval (`nu`),
    /// times what their orders come to against that of all orders (`mu0`); `mu` and `M` are the customer's own, drawn
    /// towards those of all the less is known of them; `a` and `b` are how far these are believed, nothing in a shop
    /// of which nothing is known. Without prices how often they come counts alone.
    pub(crate) fn of(head: &Head, amounts: &Amounts, model: &Model) -> Self {
        let mu = visit_figures(head, amounts, head.last_order_day, model).mu;
        let level = model.amounts().whole();
        let (count, own) = (amounts.count.into(), amounts.whole);
        let history = AmountHistory { count, mean: own.mean.into(), variance: own.variance.into() };
        let usual = (amounts.count > 0).then(|| level.expect(history).mean);
        let larger = usual.map_or(0.0, |usual| level.trust() * (usual - level.drift() - level.mean()));
        let oftener = model.learners().visit_trust() * (model.learners().visit_mean() - mu);
        let exp = |ln: f64| math::exp(ln.clamp(-50.0, 50.0));
        Self { interval_days: exp(mu), order: usual.map(exp), times: exp(oftener + larger) }
    }

    /// Orders in 60 days.
    pub(crate) fn orders(&self) -> f64 {
        DAYS / self.interval_days
    }

    /// What these come to, in units of the currency.
    pub(crate) fn revenue(&self) -> Option<f64> {
        self.order.map(|order| order * self.orders())
    }

    /// As a person says it.
    pub(super) fn text(&self, currency: &str) -> String {
        match self.revenue() {
            Some(revenue) => {
                format!("about {} in 60 days", say::money_text(say::millionths(revenue), currency))
            }
            None => format!("about {:.0} orders in 60 days", self.orders()),
        }
    }

    /// Its figures.
    pub(super) fn figures(&self) -> Figures {
        let revenue = self.revenue().map_or(Figure::Unknown, |revenue| say::money(say::millionths(revenue)));
        named([
            ("ordersAtStake", say::number(self.orders())),
            ("revenueAtStake", revenue),
            ("timesOrdinary", say::number(self.times)),
        ])
    }

    /// How a decline of a customer with so much at stake is to be told.
    pub(super) fn decline(&self) -> Case {
        match self.times {
            times if times >= MUCH => Case::WorthyDeclines,
            times if times > LITTLE => Case::CustomerDeclines,
            _ => Case::SmallDeclines,
        }
    }
}

#[cfg(test)]
mod tests {
    use omnix_model::{Lane, Timestamp};

    use super::*;
    use crate::customer::Spread;
    use crate::model::{LearnerInput, Ordered};
    use crate::{Measured, Observation, Order, Tally, learn};

    /// A shop whose customers order every 30 days, for 20 each time.
    fn shop() -> Model {
        let measured = Measured { y: math::ln(20.0), within: None, residual: None };
        let order = Observation::Order(Order { whole: measured, for_lines: measured, score: None });
        let ordered =
            |who| Observation::Learner(LearnerInput::Ordered(Ordered { who, since: 20_000, day: 20_030 }));
        let mut tally = Tally::default();
        (0..1_000).for_each(|who| tally.absorb(&[order.clone(), ordered(who)]));
        learn(&Model::seed(), &[(Lane::FIRST, tally)], Timestamp::from_ms_clamped(1_700_000_000_000))
    }

    fn head(days: f64) -> Head {
        let mut head = Head { order_days: 60, last_order_day: 20_000, ..Head::default() };
        head.visits.ln_sum = math::narrow(59.0 * math::ln(days));
        head
    }

    /// What is at stake with one who orders every `days` days for `amount`.
    fn stake(days: f64, amount: f64, model: &Model) -> Stake {
        let mean = math::narrow(math::ln(amount));
        let amounts = Amounts { count: 60, whole: Spread { mean, variance: 0.1 }, ..Amounts::default() };
        Stake::of(&head(days), &amounts, model)
    }

    fn assert_near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 0.1, "{found} for {expected}");
    }

    #[test]
    fn twice_as_often_or_twice_as_much_is_worth_twice_as_much() {
        let shop = shop();
        let ordinary = stake(30.0, 20.0, &shop);
        assert_near(ordinary.times, 1.0);
        assert_near(ordinary.revenue().unwrap(), 40.0);
        assert_eq!(ordinary.decline(), Case::CustomerDeclines);
        assert_eq!(ordinary.text("EUR").split(' ').next_back(), Some("days"));
        for (days, amount, times, case) in [
            (10.0, 20.0, 3.0, Case::WorthyDeclines),
            (30.0, 60.0, 3.0, Case::WorthyDeclines),
            (30.0, 6.0, 0.3, Case::SmallDeclines),
            (90.0, 60.0, 1.0, Case::CustomerDeclines),
        ] {
            let stake = stake(days, amount, &shop);
            assert_near(stake.times, times);
            assert_eq!(stake.decline(), case, "every {days} days for {amount}");
        }
    }

    #[test]
    fn without_prices_how_often_they_come_counts_alone() {
        let stake = Stake::of(&head(10.0), &Amounts::default(), &shop());
        assert_eq!((stake.order, stake.revenue()), (None, None));
        assert_near(stake.times, 3.0);
        assert_eq!(stake.text("EUR"), "about 6 orders in 60 days");
    }

    #[test]
    fn in_a_shop_of_which_nothing_is_known_everybody_is_ordinary() {
        for (days, amount) in [(1.0, 2.0), (60.0, 9_000.0)] {
            assert_eq!(stake(days, amount, &Model::seed()).decline(), Case::CustomerDeclines);
        }
    }
}
