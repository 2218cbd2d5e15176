//! A figure for each slot of a model, in memory that is used again from one customer to the next.
//!
//! Only sums and maxima that do not depend on what stood there before: memory that is handed back is all
//! zeros, and what is not handed back (because something panicked) is gone. Figures have 32 bits: what is only
//! ranked needs no more, and those of a shop's products fit into a core's nearest cache.

use std::cell::Cell;
use std::ops::ControlFlow;

use crate::Model;
use crate::model::{CHUNK, Neighbour};

/// Slots up to which all are looked at; of more, those are noted that were added to.
const SLOTS_SCANNED_MAX: usize = 16_384;
/// The figure of a slot that is out.
const BARRED: f32 = f32::MIN;

thread_local! {
    static SPARE: Cell<Vec<[f32; CHUNK]>> = const { Cell::new(Vec::new()) };
}

/// A figure for each slot, not negative but where a slot is out.
pub(super) struct Scratch {
    /// Whole chunks.
    figures: Vec<[f32; CHUNK]>,
    /// The slots that are not 0, each once; kept only where there are too many slots to look at all.
    touched: Option<Vec<u32>>,
}

impl Scratch {
    /// 0 for each of `slots`.
    pub(super) fn zeroed(slots: usize) -> Self {
        let mut figures = SPARE.take();
        figures.resize(slots.div_ceil(CHUNK), [0.0; CHUNK]);
        Self { figures, touched: (slots > SLOTS_SCANNED_MAX).then(Vec::new) }
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

    /// Takes those of `slots` out: their figure is below 0 from now on.
    pub(super) fn bar(&mut self, slots: &[u32]) {
        let figures = self.figures.as_flattened_mut();
        for &slot in slots {
            let Some(figure) = figures.get_mut(slot as usize) else { continue };
            if let Some(touched) = &mut self.touched
                && *figure == 0.0
            {
                touched.push(slot);
            }
            *figure = BARRED;
        }
    }

    /// The largest figure, times its factor; 0 at the least.
    pub(super) fn most(&self, factors: &[[f32; CHUNK]]) -> f32 {
        let Some(touched) = &self.touched else {
            let products = self.figures.iter().zip(factors).map(|(figures, factors)| {
                let mut products = *figures;
                products.iter_mut().zip(factors).for_each(|(product, factor)| *product *= factor);
                products
            });
            return products.map(|products| largest(&products)).fold(0.0, f32::max);
        };
        let factors = factors.as_flattened();
        let figure = |slot: &u32| self.at(*slot) * factors.get(*slot as usize).copied().unwrap_or(0.0);
        touched.iter().map(figure).fold(0.0, f32::max)
    }
}

/// What a figure is worth: `figure * scale * per_figure + and`, by slot.
pub(super) struct Worth<'a> {
    pub(super) per_figure: &'a [[f32; CHUNK]],
    pub(super) scale: f32,
    pub(super) and: &'a [[f32; CHUNK]],
}

impl Worth<'_> {
    /// What this figure of a slot is worth.
    pub(super) fn of(&self, figure: f32, slot: u32) -> f32 {
        let at = |chunks: &[[f32; CHUNK]]| chunks.as_flattened().get(slot as usize).copied();
        figure * self.scale * at(self.per_figure).unwrap_or(0.0) + at(self.and).unwrap_or(0.0)
    }

    /// The same of whole chunks, one after the other.
    fn of_chunks<'b>(&'b self, figures: &'b [[f32; CHUNK]]) -> impl Iterator<Item = [f32; CHUNK]> + use<'b> {
        figures.iter().zip(self.per_figure).zip(self.and).map(|((figures, per_figure), and)| {
            let mut worth = *and;
            for ((worth, figure), per_figure) in worth.iter_mut().zip(figures).zip(per_figure) {
                *worth += figure * self.scale * per_figure;
            }
            worth
        })
    }
}

impl Scratch {
    /// What the last of the best `places` is worth at the least: as many chunks have one that is worth that.
    pub(super) fn surely(&self, worth: &Worth<'_>, places: usize) -> f32 {
        if self.touched.is_some() {
            return 0.0;
        }
        let peaks = worth.of_chunks(&self.figures).map(|worth| largest(&worth));
        nth_largest(peaks.collect(), places)
    }

    /// Calls `look` with each slot that is in and worth not less than `least`, then not less than what it answers,
    /// until it breaks off. Where there are too many slots, with those that were added to and those of `also`.
    pub(super) fn visit(
        &self,
        worth: &Worth<'_>,
        also: &[u32],
        mut least: f32,
        mut look: impl FnMut(f32, u32) -> ControlFlow<(), f32>,
    ) -> ControlFlow<()> {
        if let Some(touched) = &self.touched {
            // What was added to is above 0, what is out below.
            let also = also.iter().filter(|slot| self.at(**slot).abs() <= 0.0);
            for &slot in touched.iter().chain(also) {
                let figure = self.at(slot);
                let worth = worth.of(figure, slot);
                if figure >= 0.0 && worth >= least {
                    least = least.max(look(worth, slot)?);
                }
            }
            return ControlFlow::Continue(());
        }
        for (worth, first) in worth.of_chunks(&self.figures).zip((0_u32..).step_by(CHUNK)) {
            if largest(&worth) < least {
                continue;
            }
            for (slot, worth) in (first..).zip(worth) {
                if worth > 0.0 && worth >= least {
                    least = least.max(look(worth, slot)?);
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// The largest, 0 at the least: found without a branch for each.
fn largest(figures: &[f32; CHUNK]) -> f32 {
    const LANES: usize = 8;
    let mut most = [0.0_f32; LANES];
    for figures in figures.as_chunks::<LANES>().0 {
        for (most, figure) in most.iter_mut().zip(figures) {
            *most = if *figure > *most { *figure } else { *most };
        }
    }
    most.iter().fold(0.0, |largest, most| if *most > largest { *most } else { largest })
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
        match &self.touched {
            Some(touched) => {
                let figures = self.figures.as_flattened_mut();
                for &slot in touched {
                    if let Some(figure) = figures.get_mut(slot as usize) {
                        *figure = 0.0;
                    }
                }
            }
            None => self.figures.fill([0.0; CHUNK]),
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
        fn what_is_out_does_not_count_and_all_is_zero_again(
            figures in prop::collection::vec((0..50_u8, 0..50_u8), 0..400),
            out in prop::collection::vec(0..400_u32, 0..9),
            is_large in any::<bool>(),
        ) {
            let chunks = figures.len().div_ceil(CHUNK);
            let mut scratch = Scratch::zeroed(figures.len());
            scratch.touched = is_large.then(Vec::new);
            let mut factors = vec![[0.0; CHUNK]; chunks];
            for (slot, (figure, factor)) in (0_u32..).zip(&figures) {
                if let Some(touched) = scratch.touched.as_mut().filter(|_| *figure > 0) {
                    touched.push(slot);
                }
                scratch.figures.as_flattened_mut()[slot as usize] = (*figure).into();
                factors.as_flattened_mut()[slot as usize] = (*factor).into();
            }
            scratch.bar(&out);
            let product = |&(figure, factor): &(u8, u8)| f32::from(figure) * f32::from(factor);
            let left = (0_u32..).zip(&figures).filter(|(slot, _)| !out.contains(slot));
            let most = left.map(|(_, figures)| product(figures)).fold(0.0, f32::max);
            prop_assert!((scratch.most(&factors) - most).abs() <= 0.0);
            let is_out = |slot: &u32| scratch.at(*slot) < 0.0;
            prop_assert!(out.iter().all(|slot| is_out(slot) || *slot as usize >= chunks * CHUNK));
            drop(scratch);
            prop_assert!(Scratch::zeroed(400).figures.as_flattened().iter().all(|figure| *figure == 0.0));
        }
    }
}
