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
const BARRED: f32 = -1.0;

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

    /// The largest figure of each chunk, times its factor; one for all where only what was added to is looked at.
    pub(super) fn peaks(&self, factors: &[[f32; CHUNK]]) -> Vec<f32> {
        let Some(touched) = &self.touched else {
            return self
                .figures
                .iter()
                .zip(factors)
                .map(|(figures, factors)| peak(figures, factors))
                .collect();
        };
        let factors = factors.as_flattened();
        let figure = |slot: &u32| self.at(*slot) * factors.get(*slot as usize).copied().unwrap_or(0.0);
        vec![touched.iter().map(figure).fold(0.0, f32::max)]
    }

    /// Calls `look` with each figure above 0, times its factor, and its slot: of the chunks that `is_worth` looking at
    /// by their number, as long as `look` goes on.
    pub(super) fn visit(
        &self,
        factors: &[[f32; CHUNK]],
        mut is_worth: impl FnMut(usize) -> bool,
        mut look: impl FnMut(f32, u32) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if let Some(touched) = &self.touched {
            let factors = factors.as_flattened();
            let factor = |slot: u32| factors.get(slot as usize).copied().unwrap_or(0.0);
            let mut figures = touched.iter().map(|&slot| (self.at(slot) * factor(slot), slot));
            return figures.try_for_each(|(figure, slot)| {
                if figure > 0.0 { look(figure, slot) } else { ControlFlow::Continue(()) }
            });
        }
        let chunks = self.figures.iter().zip(factors).zip((0_u32..).step_by(CHUNK));
        for (chunk, ((figures, factors), first)) in chunks.enumerate() {
            if !is_worth(chunk) {
                continue;
            }
            for (slot, (figure, factor)) in (first..).zip(figures.iter().zip(factors)) {
                let figure = figure * factor;
                if figure > 0.0 {
                    look(figure, slot)?;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// The largest of the products, 0 at the least: found without a branch for each.
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
        fn all_that_is_above_0_and_in_is_visited(
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
            let mut visited = Vec::new();
            let peaks = scratch.peaks(&factors);
            let seen = scratch.visit(&factors, |chunk| peaks[chunk] > 0.0, |figure, slot| {
                visited.push((slot, figure));
                ControlFlow::Continue(())
            });
            prop_assert!(seen.is_continue());
            let product = |&(figure, factor): &(u8, u8)| f32::from(figure) * f32::from(factor);
            let all = (0_u32..).zip(figures.iter().map(product));
            let wanted: Vec<_> = all.filter(|(slot, figure)| *figure > 0.0 && !out.contains(slot)).collect();
            prop_assert_eq!(&visited, &wanted);
            let most = wanted.iter().map(|(_, figure)| *figure).fold(0.0, f32::max);
            prop_assert!((peaks.into_iter().fold(0.0, f32::max) - most).abs() <= 0.0);
            drop(scratch);
            prop_assert!(Scratch::zeroed(400).figures.as_flattened().iter().all(|figure| *figure == 0.0));
        }
    }
}
