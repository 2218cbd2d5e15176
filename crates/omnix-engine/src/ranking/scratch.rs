//! A figure for each slot of a model, in memory that is used again from one customer to the next.
//!
//! Only sums and maxima that do not depend on what stood there before: memory that is handed back is all
//! zeros, and what is not handed back (because something panicked) is gone. Figures have 32 bits: what is only
//! ranked needs no more, and those of a shop's products fit into a core's nearest cache.

use std::cell::Cell;

use crate::Model;
use crate::model::{CHUNK, Neighbour};

/// Slots up to which all are looked at; of more, those are noted that were added to.
const SLOTS_SCANNED_MAX: usize = 16_384;

thread_local! {
    static SPARE: Cell<Vec<[f32; CHUNK]>> = const { Cell::new(Vec::new()) };
}

/// A figure for each slot, not negative.
pub(super) struct Scratch {
    /// Whole chunks.
    figures: Vec<[f32; CHUNK]>,
    /// The slots that are not 0, each once; kept only where there are too many slots to look at all.
    touched: Option<Vec<u32>>,
    /// Nothing was added since all were 0.
    is_zero: bool,
}

impl Scratch {
    /// 0 for each of `slots`.
    pub(super) fn zeroed(slots: usize) -> Self {
        let mut figures = SPARE.take();
        figures.resize(slots.div_ceil(CHUNK), [0.0; CHUNK]);
        Self { figures, touched: (slots > SLOTS_SCANNED_MAX).then(Vec::new), is_zero: false }
    }

    /// Adds `share` of each companion of the product in `slot`.
    pub(super) fn add(&mut self, model: &Model, slot: u32, share: f32) {
        let figures = self.figures.as_flattened_mut();
        let companions = model.companions(slot);
        let Some(touched) = &mut self.touched else {
            let mut add = |companion: &Neighbour| {
                if let Some(sum) = figures.get_mut(companion.slot as usize) {
                    *sum += share * companion.weight;
                }
            };
            // By fours: the loop itself is a good part of the work.
            let (fours, rest) = companions.as_chunks::<4>();
            fours.iter().for_each(|four| four.iter().for_each(&mut add));
            rest.iter().for_each(add);
            return;
        };
        for companion in companions {
            let Some(sum) = figures.get_mut(companion.slot as usize) else { continue };
            if *sum <= 0.0 {
                touched.push(companion.slot);
            }
            *sum += share * companion.weight;
        }
    }

    /// The figure of a slot.
    pub(super) fn at(&self, slot: u32) -> f32 {
        self.figures.as_flattened().get(slot as usize).copied().unwrap_or(0.0)
    }

    /// Sets those of `slots` to 0.
    pub(super) fn clear(&mut self, slots: &[u32]) {
        let figures = self.figures.as_flattened_mut();
        for &slot in slots {
            if let Some(figure) = figures.get_mut(slot as usize) {
                *figure = 0.0;
            }
        }
    }

    /// Calls `goes_on` with each product of figure and factor that is not below `least`, as long as it says so.
    pub(super) fn visit(
        &self,
        factors: &[[f32; CHUNK]],
        least: f32,
        mut goes_on: impl FnMut(f32, u32) -> bool,
    ) {
        if let Some(touched) = &self.touched {
            let factors = factors.as_flattened();
            let score = |slot: u32| self.at(slot) * factors.get(slot as usize).copied().unwrap_or(0.0);
            let mut scores = touched.iter().map(|&slot| (score(slot), slot));
            let _: bool = scores.all(|(score, slot)| score < least || goes_on(score, slot));
            return;
        }
        for ((figures, factors), first) in self.figures.iter().zip(factors).zip((0_u32..).step_by(CHUNK)) {
            if peak(figures, factors) < least {
                continue;
            }
            let scores = figures.iter().zip(factors).map(|(figure, factor)| figure * factor);
            if !scores.zip(first..).all(|(score, slot)| score < least || goes_on(score, slot)) {
                return;
            }
        }
    }

    /// Calls `take` with each product of figure and factor that may be among the `places` largest: above 0 and not
    /// below the limit that the call before answered. Sets all figures to 0.
    pub(super) fn drain(
        &mut self,
        factors: &[[f32; CHUNK]],
        places: usize,
        mut take: impl FnMut(f32, u32) -> Option<f32>,
    ) {
        let mut least = f32::MIN_POSITIVE;
        if let Some(touched) = self.touched.take() {
            let factors = factors.as_flattened();
            for &slot in &touched {
                let score = self.at(slot) * factors.get(slot as usize).copied().unwrap_or(0.0);
                if score >= least {
                    least = take(score, slot).unwrap_or(least);
                }
            }
            self.clear(&touched);
            self.touched = Some(Vec::new());
            return;
        }
        let chunks = self.figures.iter().zip(factors);
        let peaks: Vec<f32> = chunks.clone().map(|(figures, factors)| peak(figures, factors)).collect();
        // As many chunks as there are places have a product that is not below this: what is has no place.
        least = least.max(nth_largest(peaks.clone(), places));
        for (((figures, factors), peak), first) in chunks.zip(peaks).zip((0_u32..).step_by(CHUNK)) {
            if peak < least {
                continue;
            }
            for (slot, (figure, factor)) in (first..).zip(figures.iter().zip(factors)) {
                let score = figure * factor;
                if score >= least {
                    least = take(score, slot).unwrap_or(least);
                }
            }
        }
        self.figures.fill([0.0; CHUNK]);
        self.is_zero = true;
    }
}

/// The largest of the products, none of them negative: found without a branch for each.
fn peak(figures: &[f32; CHUNK], factors: &[f32; CHUNK]) -> f32 {
    const LANES: usize = 8;
    let mut most = [0.0_f32; LANES];
    for (figures, factors) in figures.as_chunks::<LANES>().0.iter().zip(factors.as_chunks::<LANES>().0) {
        for ((most, figure), factor) in most.iter_mut().zip(figures).zip(factors) {
            let score = figure * factor;
            *most = if score > *most { score } else { *most };
        }
    }
    most.iter().fold(0.0, |peak, most| if *most > peak { *most } else { peak })
}

/// The `n`-th largest of `values`, counted from 1; 0 where there are fewer.
fn nth_largest(mut values: Vec<f32>, n: usize) -> f32 {
    if n == 0 || n > values.len() {
        return 0.0;
    }
    let (_, nth, _) = values.select_nth_unstable_by(n - 1, |a, b| b.total_cmp(a));
    *nth
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if let Some(touched) = self.touched.take() {
            self.clear(&touched);
        } else if !self.is_zero {
            self.figures.fill([0.0; CHUNK]);
        }
        SPARE.set(std::mem::take(&mut self.figures));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_drained_holds_the_largest_products(
            figures in prop::collection::vec((0..50_u8, 0..50_u8), 0..400),
            places in 1..8_usize,
        ) {
            let chunks = figures.len().div_ceil(CHUNK);
            let mut scratch = Scratch::zeroed(figures.len());
            let mut factors = vec![[0.0; CHUNK]; chunks];
            for (slot, (figure, factor)) in figures.iter().enumerate() {
                scratch.figures.as_flattened_mut()[slot] = (*figure).into();
                factors.as_flattened_mut()[slot] = (*factor).into();
            }
            let mut drained: Vec<f32> = Vec::new();
            scratch.drain(&factors, places, |score, _| {
                drained.push(score);
                None
            });
            let mut all: Vec<f32> = figures.iter().map(|(a, b)| f32::from(*a) * f32::from(*b)).collect();
            all.retain(|score| *score > 0.0);
            for scores in [&mut drained, &mut all] {
                scores.sort_by(|a, b| b.total_cmp(a));
                scores.truncate(places);
            }
            prop_assert_eq!(drained, all);
            prop_assert!(scratch.figures.as_flattened().iter().all(|figure| *figure == 0.0));
        }
    }
}
