//! Our own rule: in which segment a customer is, by the probability of an order within 60 days, by how often
//! they have ordered, and for newcomers by time.
//!
//! Labels must not flap: a customer leaves a segment when the probability says another one, with its log-odds 0.35
//! higher and lower too, and has said so for seven days; who had been given up and orders, at once. On the
//! project's notes' shop this halves the changes of label at no cost in what the labels tell.
//!
//! The probability falls while a customer is silent, so the day on which they will leave can be worked out
//! ahead, under the model in force; it is looked at again then, and once a month, because models change.
//!
//! Deliberately not here: what is said of a move (`segment_migration`), and the learner (`model`).

use jiff::tz::TimeZone;
use omnix_model::{Segment, Timestamp};

use crate::calendar::{self, Day};
use crate::customer::{Amounts, Head, Leaving};
use crate::look::visit_figures;
use crate::model::{Model, probability};

/// Log-odds by which a probability must be beyond a border.
const MARGIN: f64 = 0.35;
/// Days for which it must be.
const HOLD_DAYS: Day = 7;
/// Days after which a customer is looked at again, whatever was foreseen.
const REVIEW_DAYS: Day = 30;
/// Reviews that are gone through for a customer of whom one hears late.
const LATE_REVIEWS: usize = 24;
/// Days from the first order day on which a customer with one order day is new.
const NEW_DAYS: Day = 30;
/// Days of silence after which nobody is more than lost, whatever the odds.
const GONE_DAYS: Day = 730;
/// Order days from which on one counts as regular, as one of the best.
const REGULAR_DAYS: u32 = 4;
const BEST_DAYS: u32 = 6;

/// A customer as the rule sees them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eyes<'a> {
    pub head: &'a Head,
    /// The amounts of the orders that count.
    pub amounts: &'a Amounts,
    pub model: &'a Model,
    pub zone: &'a TimeZone,
}

/// The segment of a customer with so many order days, the first of them `age` days ago, who orders within 60 days
/// with probability `p`.
fn label(order_days: u32, age: Day, p: f64) -> Segment {
    if order_days <= 1 && age <= NEW_DAYS {
        return Segment::New;
    }
    let (is_regular, is_best) = (order_days >= REGULAR_DAYS, order_days >= BEST_DAYS);
    match p {
        p if p >= 0.75 && is_best => Segment::Champions,
        p if p >= 0.75 => Segment::Loyal,
        p if p >= 0.5 && is_regular => Segment::Loyal,
        p if p >= 0.5 => Segment::PotentialLoyalists,
        p if p >= 0.3 && is_regular => Segment::AtRisk,
        p if p >= 0.3 => Segment::NeedAttention,
        p if p >= 0.05 && is_best => Segment::CannotLose,
        p if p >= 0.15 && is_regular => Segment::AtRisk,
        p if p >= 0.15 => Segment::Hibernating,
        _ => Segment::Lost,
    }
}

impl Eyes<'_> {
    /// The log-odds of an order within the 60 days from `day` on.
    pub(crate) fn logit(&self, day: Day) -> f64 {
        self.model.learners().visit(&visit_figures(self.head, self.amounts, day, self.model))
    }

    /// The segment that the rule says on `day`.
    pub(crate) fn segment(&self, day: Day) -> Segment {
        self.label(day, self.logit(day))
    }

    fn label(&self, day: Day, logit: f64) -> Segment {
        if day.saturating_sub(self.head.last_order_day) > GONE_DAYS {
            return Segment::Lost;
        }
        let age = day.saturating_sub(self.head.first_order_day);
        label(self.head.order_days, age, probability(logit))
    }

    /// Whether the rule says another segment than `own` beyond doubt.
    fn is_out_of(&self, own: Segment, day: Day) -> bool {
        let logit = self.logit(day);
        [logit, logit - MARGIN, logit + MARGIN].into_iter().all(|logit| self.label(day, logit) != own)
    }

    /// How the customer leaves `own` as of `day`, when they were leaving as `before` says; and the segment they
    /// are in once they have left.
    pub(super) fn review(
        &self,
        own: Segment,
        before: Option<Leaving>,
        day: Day,
    ) -> (Option<Leaving>, Option<Segment>) {
        if !self.is_out_of(own, day) {
            return (None, None);
        }
        let leaving = before.unwrap_or(Leaving { since: day, is_old: false });
        let has_left = day.saturating_sub(leaving.since) >= HOLD_DAYS;
        (Some(leaving), has_left.then(|| self.segment(day)))
    }

    /// When a customer in `own` is looked at next, seen from `day`; none for one who is lost. For one of whom
    /// one hears at `clock`, long after they left: that they did.
    pub(super) fn next_review(
        &self,
        own: Segment,
        leaving: Option<Leaving>,
        day: Day,
        clock: Timestamp,
    ) -> (Option<Leaving>, Option<Timestamp>) {
        if let Some(Leaving { since, .. }) = leaving {
            return (leaving, self.at(since.saturating_add(HOLD_DAYS), clock));
        }
        if own == Segment::Lost {
            return (None, None);
        }
        let mut from = day;
        for _ in 0..LATE_REVIEWS {
            let (next, is_out) = self.next_out(own, from);
            let is_ahead = calendar::start_of(self.zone, next) > clock;
            if is_ahead || is_out {
                let late = (!is_ahead).then_some(Leaving { since: next, is_old: true });
                return (late, self.at(next, clock));
            }
            from = next;
        }
        (None, self.at(from, clock))
    }

    /// The beginning of `day`; of what lies behind us a day from now, so that a customer's history can come in
    /// first. None where the calendar ends.
    fn at(&self, day: Day, clock: Timestamp) -> Option<Timestamp> {
        let start = calendar::start_of(self.zone, day);
        let next = if start > clock { start } else { clock.plus_ms(Timestamp::DAY_MS) };
        (next > clock).then_some(next)
    }

    /// The first of the next 30 days on which a silent customer is out of `own`; else the last of them.
    fn next_out(&self, own: Segment, day: Day) -> (Day, bool) {
        let after = |days: Day| day.saturating_add(days);
        let (mut inside, mut days) = (0, REVIEW_DAYS);
        if !self.is_out_of(own, after(days)) {
            return (after(days), false);
        }
        while days - inside > 1 {
            let middle = i32::midpoint(inside, days);
            if self.is_out_of(own, after(middle)) {
                days = middle;
            } else {
                inside = middle;
            }
        }
        (after(days), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Order days, silent days, and the rate that a rhythm leaves.
    fn head(order_days: u32, span: Day, rate: f32) -> Head {
        let mut head = Head {
            first_order_day: 20_000,
            last_order_day: 20_000 + span,
            order_days,
            baskets: order_days,
            ..Head::default()
        };
        head.visits.rate = rate;
        // Every week.
        head.visits.ln_sum = 1.946 * (order_days - 1) as f32;
        head
    }

    static ZONE: TimeZone = TimeZone::UTC;

    fn eyes<'a>(head: &'a Head, model: &'a Model) -> Eyes<'a> {
        Eyes { head, amounts: &head.amounts, model, zone: &ZONE }
    }

    #[test]
    fn a_newcomer_is_new_for_a_month_and_then_what_the_odds_say() {
        let (head, model) = (head(1, 0, 1.0), Model::seed());
        let eyes = eyes(&head, &model);
        assert_eq!(eyes.segment(20_030), Segment::New);
        // Still there nine times of ten, 2^(-31/60) orders in mind: 35 in 100.
        assert_eq!(eyes.segment(20_031), Segment::NeedAttention);
        assert_eq!(eyes.segment(20_070), Segment::Hibernating);
        assert_eq!(eyes.segment(20_400), Segment::Lost);
    }

    #[test]
    fn the_best_are_champions_as_long_as_they_keep_coming() {
        let (head, model) = (head(20, 140, 6.0), Model::seed());
        let eyes = eyes(&head, &model);
        let after = |days| eyes.segment(20_140 + days);
        assert_eq!(after(1), Segment::Champions);
        assert_eq!(after(14), Segment::Champions);
        assert_eq!(after(24), Segment::Loyal);
        assert_eq!(after(30), Segment::AtRisk);
        assert_eq!(after(45), Segment::CannotLose);
        assert_eq!(after(120), Segment::Lost);
    }

    #[test]
    fn a_segment_is_left_beyond_the_margin_and_after_a_week() {
        let (head, model) = (head(20, 140, 6.0), Model::seed());
        let eyes = eyes(&head, &model);
        let first = (1..300).map(|days| 20_140 + days).find(|day| eyes.segment(*day) != Segment::Champions);
        let (out, is_out) = (0..10).fold((20_140, false), |(day, is_out), _| {
            if is_out { (day, true) } else { eyes.next_out(Segment::Champions, day) }
        });
        assert!(is_out && out > first.unwrap(), "{out} {first:?}");
        let (leaving, to) = eyes.review(Segment::Champions, None, out);
        assert_eq!((leaving, to), (Some(Leaving { since: out, is_old: false }), None));
        assert_eq!(eyes.review(Segment::Champions, leaving, out + 6).1, None);
        assert_eq!(eyes.review(Segment::Champions, leaving, out + 7).1, Some(Segment::Loyal));
        let (_, next) = eyes.next_review(Segment::Champions, leaving, out, Timestamp::MIN);
        assert_eq!(next, Some(calendar::start_of(&ZONE, out + 7)));
        assert_eq!(eyes.next_review(Segment::Lost, None, 20_900, Timestamp::MIN), (None, None));
    }

    #[test]
    fn of_who_left_long_ago_one_hears_late() {
        let (head, model) = (head(20, 140, 6.0), Model::seed());
        let now = calendar::start_of(&ZONE, 20_900);
        let (leaving, next) = eyes(&head, &model).next_review(Segment::Champions, None, 20_140, now);
        assert!(leaving.is_some_and(|leaving| leaving.is_old && leaving.since < 20_400), "{leaving:?}");
        assert_eq!(next, Some(now.plus_ms(Timestamp::DAY_MS)));
    }
}
