//! From a model and what the lanes observed to the next model.
//!
//! Pure and serial: tallies are folded in the order of their lanes, whatever the order in which they are
//! handed in, so that the result does not depend on who kept which lane.

mod lessons;

use omnix_model::{Lane, Timestamp};

use lessons::Epoch;
pub use lessons::{Lessons, Probabilities};

use crate::math::{days_between, decay, exp2, sqrt};
use crate::model::catalogue::Catalogue;
use crate::model::companions::{Bought, Companions};
use crate::model::occasions::Counted;
use crate::model::product::{LONG_HALF_LIFE_DAYS, SHORT_HALF_LIFE_DAYS};
use crate::model::tally::{HourSums, IntervalTally, OrderSums, ProductTally, SampledBasket};
use crate::model::{Body, ChoiceSums, LineSums, Model, Tally};

/// The model that follows `model` when an epoch that ended at `until` taught `tallies`.
///
/// Lanes are folded in their order, whatever the order of `tallies`; two tallies of one lane in the order in
/// which they stand. The same as [`Lessons::fold`], for whoever does not keep what was learnt from.
#[must_use]
pub fn learn(model: &Model, tallies: &[(Lane, Tally)], until: Timestamp) -> Model {
    Lessons::new(tallies.to_vec(), until).fold(model)
}

/// Until when a model has learnt that learns of an epoch which ended at `until`.
fn end_of(model: &Model, until: Timestamp) -> Timestamp {
    model.until().map_or(until, |since| since.max(until))
}

/// Folds an epoch; `learnt` is asked for what it taught of probabilities when all else is done.
fn fold(model: &Model, epoch: &Epoch<'_>, learnt: impl FnOnce() -> Probabilities) -> Model {
    let tallies: Vec<&Tally> = epoch.tallies.iter().map(|(_, tally)| tally).collect();
    let old = &*model.body;
    let days = old.until.map_or(0.0, |since| days_between(since, epoch.until).max(0.0));
    let until = end_of(model, epoch.until);
    let (mut intervals, mut amounts, mut hours) = (old.intervals, old.amounts.clone(), old.hours.clone());
    let mut interval_sums = IntervalTally::default();
    let (mut order_sums, mut line_sums) = (OrderSums::default(), LineSums::default());
    let mut hour_sums = HourSums::default();
    let (mut choices, mut taken) = (old.choices, ChoiceSums::default());
    for tally in &tallies {
        interval_sums.merge(&tally.intervals);
        order_sums.merge(&tally.orders);
        hour_sums.merge(&tally.hours);
        taken.merge(&tally.choices);
        tally.products.iter().for_each(|product| line_sums.merge(product.lines));
    }
    intervals.fold(&interval_sums);
    amounts.fold(&order_sums, line_sums, days);
    hours.fold(days, &hour_sums);
    choices.fold(&taken, days);

    let mut catalogue = old.catalogue.clone();
    let (mut companions, mut occasions) = (old.companions.clone(), old.occasions.clone());
    let (long, short) = (decay(days, LONG_HALF_LIFE_DAYS), decay(days, SHORT_HALF_LIFE_DAYS));
    let keep_lines = LineSums::kept_after(days);
    for product in catalogue.iter_mut() {
        product.popularity.decay(long, short);
        let mut lines = product.lines();
        lines.fade(keep_lines);
        product.set_lines(lines);
    }
    companions.advance(until, &mut catalogue);
    let (mut bought, mut counted) = (Vec::new(), Vec::new());
    for tally in &tallies {
        let slots = fold_products(&mut catalogue, tally, until);
        count_occasions(tally, &slots, &mut counted);
        for basket in &tally.baskets.baskets {
            let weight = weight_of(tally, basket, &companions, until);
            bought.push(fold_basket(&mut catalogue, &slots, basket, weight));
        }
    }
    let limits = old.limits;
    companions.fold(&bought, limits.neighbours_max as usize, until, &catalogue);
    let dropped = catalogue.shrink(limits.products_max as usize, limits.text_bytes_max as usize);
    companions.forget(&dropped);
    occasions.fold(days, counted);
    occasions.forget(&dropped);
    companions.bound(limits.neighbour_entries_max as usize, until, &catalogue);
    let body = Body {
        number: old.number.saturating_add(1),
        name: epoch.name,
        until: Some(until),
        limits,
        intervals,
        amounts,
        hours,
        catalogue,
        companions,
        occasions,
        choices,
        learners: learnt().0,
    };
    Model::of_body(body)
}

/// Adds what a lane observed of products; says in which slot each of them is.
fn fold_products(catalogue: &mut Catalogue, tally: &Tally, until: Timestamp) -> Vec<u32> {
    let age = tally.base.map_or(0.0, |base| days_between(base, until).max(0.0));
    let (long, short) = (decay(age, LONG_HALF_LIFE_DAYS), decay(age, SHORT_HALF_LIFE_DAYS));
    let mut fold = |observed: &ProductTally| {
        let slot = catalogue.slot_of(&observed.id);
        if let Some(product) = catalogue.get_mut(slot) {
            let mut popularity = observed.popularity;
            popularity.decay(long, short);
            product.popularity.merge(popularity);
            product.intervals.merge(observed.intervals);
            let mut lines = product.lines();
            lines.merge(observed.lines);
            product.set_lines(lines);
            if let Some(label) = observed.label.as_ref().filter(|label| label.at >= product.last_sold_at) {
                product.relabel(label);
            }
        }
        slot
    };
    tally.products.iter().map(&mut fold).collect()
}

/// Adds what a lane sold, by circumstance.
fn count_occasions(tally: &Tally, slots: &[u32], counted: &mut Vec<Counted>) {
    for (product, &slot) in tally.products.iter().zip(slots) {
        counted.extend(product.circumstances.iter().map(|&(circumstance, sales)| Counted {
            circumstance,
            slot,
            sales,
        }));
    }
}

/// What a basket counts: `g`, times how many baskets of the lane it stands for.
fn weight_of(tally: &Tally, basket: &SampledBasket, companions: &Companions, until: Timestamp) -> f64 {
    companions.weight_at(basket.at, until) * exp2(f64::from(tally.baskets.level))
}

/// `n_i += weight` for each product of the basket; each pair of them is to count `weight |B|^-0.5`.
fn fold_basket(catalogue: &mut Catalogue, slots: &[u32], basket: &SampledBasket, weight: f64) -> Bought {
    let lines: Vec<u32> =
        basket.places.iter().filter_map(|&place| slots.get(place as usize).copied()).collect();
    for &slot in &lines {
        if let Some(product) = catalogue.get_mut(slot) {
            product.baskets += weight;
        }
    }
    let share = weight / sqrt(lines.len() as f64);
    Bought { slots: lines, weight: share }
}

#[cfg(test)]
mod tests;
