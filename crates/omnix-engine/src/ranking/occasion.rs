//! The lists for an occasion: here, now and on this device.
//!
//! What stands near the top of a list anywhere is ranked anew by how much more, or less, of it is sold on such
//! occasions; what sells best on them is offered beside what is popular everywhere. Shop, device and hour often
//! tell the same (a till is open by day, in one place), so that multiplying all of them would count it thrice: of
//! each product the one counts that says most.
//!
//! Deliberately not here: the lists that hold anywhere (`ranking`), and what is sold on an occasion (`model`).

use super::{RankQuery, Ranking, rank};
use crate::Model;
use crate::model::Sold;
use crate::occasion::Occasion;
use crate::view::Recommendations;

/// How many times as long as asked for the list is whose products are ranked anew.
const WIDER: usize = 3;
/// The lift, or its inverse, beyond which nothing is believed.
const LIFT_MAX: f64 = 16.0;

/// The two lists of [`rank`] for an occasion.
pub(crate) fn rank_on(model: &Model, query: &RankQuery<'_>, occasion: Occasion) -> Recommendations {
    let here = Here { model, sold: model.sold_on(occasion).collect() };
    if here.sold.is_empty() || query.limit == 0 {
        return rank(model, query);
    }
    let wide = RankQuery { limit: query.limit.saturating_mul(WIDER), ..*query };
    let Some(mut ranking) = Ranking::of(model, &wide) else { return Recommendations::default() };
    let mut lists =
        Recommendations { again: ranking.list_again(), new: ranking.list_new(&here.best(wide.limit)) };
    for list in [&mut lists.again, &mut lists.new] {
        for product in list.iter_mut() {
            product.score *= model.slot(&product.product_id).map_or(1.0, |slot| here.lift(slot));
        }
        list.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.product_id.cmp(&b.product_id)));
        list.truncate(query.limit);
    }
    lists
}

/// What is sold where and when the lists are shown.
struct Here<'m> {
    model: &'m Model,
    sold: Vec<&'m Sold>,
}

impl Here<'_> {
    /// How many times as much of a product is sold here as elsewhere.
    fn lift(&self, slot: u32) -> f64 {
        let share = self.model.share(slot);
        let lifts = self.sold.iter().map(|sold| sold.lift(slot, share));
        let most = |a: f64, b: f64| if b.max(1.0 / b) > a.max(1.0 / a) { b } else { a };
        lifts.fold(1.0, most).clamp(1.0 / LIFT_MAX, LIFT_MAX)
    }

    /// What sells best here, each product once.
    fn best(&self, limit: usize) -> Vec<u32> {
        let mut slots: Vec<u32> = self.sold.iter().flat_map(|sold| sold.best(limit)).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }
}

#[cfg(test)]
mod tests;
