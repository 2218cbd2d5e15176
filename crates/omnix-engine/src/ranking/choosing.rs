//! What an order says of how customers choose among what is new to them.
//!
//! When it has ended, the list of what was new before it is made, long enough that what was not taken is in it, too.
//! Nothing has to be kept while the order lasts: of what it holds the state tells what it was before, but for how long
//! ago it had been bought, for which half its usual gap is taken.
//!
//! Deliberately not here: what is learnt from it (`model`).

use std::collections::BTreeSet;

use super::{Newcomers, OwnItem, RankQuery, Taste};
use crate::Model;
use crate::model::{ChoiceSums, Offered};

/// The best candidates that count as on offer, and those that are popular.
const BEST_MAX: usize = 40;
const POPULAR_MAX: usize = 24;

/// An own product before an order, of which it is told whether the order holds it, and before which `baskets` the
/// customer had.
pub(crate) fn before<'a>(item: &OwnItem<'a>, is_in: bool) -> OwnItem<'a> {
    let baskets = item.baskets.saturating_sub(u32::from(is_in));
    let span = item.baskets_since_first.saturating_sub(1);
    let since_last =
        if is_in { span / (2 * baskets.max(1)) } else { item.baskets_since_last.saturating_sub(1) };
    OwnItem {
        baskets,
        baskets_since_first: span,
        baskets_since_last: since_last.min(span.saturating_sub(1)),
        ..*item
    }
}

/// What the order says in which these products were new; `query` is as before it. None where nothing on offer was
/// taken.
pub(crate) fn choice(model: &Model, query: &RankQuery<'_>, taken: &[u32]) -> Option<ChoiceSums> {
    if taken.is_empty() || model.popular_slots().is_empty() {
        return None;
    }
    let mut taste = Taste::of(model, query);
    let newcomers = Newcomers::of(model, &mut taste);
    let best = newcomers.best(BEST_MAX);
    let popular = model.popular_slots().iter().filter_map(|&slot| newcomers.at(slot)).take(POPULAR_MAX);
    let mut seen = BTreeSet::new();
    let offered = best.into_iter().chain(popular).filter(|newcomer| seen.insert(newcomer.slot));
    let offered = offered.filter_map(|newcomer| {
        Some(Offered {
            company: newcomers.company(&newcomer).into(),
            sales: model.at(newcomer.slot)?.popularity().parts_of(model.peak()),
            is_taken: taken.contains(&newcomer.slot),
        })
    });
    model.choices().observe(&offered.collect::<Vec<_>>())
}
