//! A figure for each slot of a model, in memory that is used again from one customer to the next.
//!
//! Only sums and maxima that do not depend on what stood there before: memory that is handed back is all
//! zeros, and what is not handed back (because something panicked) is gone.

use std::cell::Cell;

use crate::Model;
use crate::model::CHUNK;

/// Slots up to which all are looked at; of more, those are noted that were added to.
const SLOTS_SCANNED_MAX: usize = 16_384;

thread_local! {
    static SPARE: Cell<Vec<[f64; CHUNK]>> = const { Cell::new(Vec::new()) };
}

/// A figure for each slot, not negative.
pub(super) struct Scratch {
    /// Whole chunks.
    figures: Vec<[f64; CHUNK]>,
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
    pub(super) fn add(&mut self, model: &Model, slot: u32, share: f64) {
        let figures = self.figures.as_flattened_mut();
        match &mut self.touched {
            None => {
                for (other, together) in model.companions(slot) {
                    if let Some(sum) = figures.get_mut(other as usize) {
                        *sum += share * together;
                    }
                }
            }
            Some(touched) => {
                for (other, together) in model.companions(slot) {
                    let Some(sum) = figures.get_mut(other as usize) else { continue };
                    if *sum <= 0.0 {
                        touched.push(other);
                    }
                    *sum += share * together;
                }
            }
        }
    }

    /// The figure of a slot.
    pub(super) fn at(&self, slot: u32) -> f64 {
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

    /// Calls `take` with each product of figure and factor that is above 0 and not below the limit that the
    /// call before answered, and sets all figures to 0.
    pub(super) fn drain(&mut self, factors: &[[f64; CHUNK]], mut take: impl FnMut(f64, u32) -> Option<f64>) {
        let mut least = f64::MIN_POSITIVE;
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
        for ((figures, factors), first) in self.figures.iter_mut().zip(factors).zip((0_u32..).step_by(CHUNK))
        {
            // Whether any of them counts is asked without a branch for each: few do.
            let counts = figures.iter().zip(factors).map(|(figure, factor)| figure * factor >= least);
            if counts.fold(false, |any, counts| any | counts) {
                for (slot, (figure, factor)) in (first..).zip(figures.iter().zip(factors)) {
                    let score = figure * factor;
                    if score >= least {
                        least = take(score, slot).unwrap_or(least);
                    }
                }
            }
            *figures = [0.0; CHUNK];
        }
        self.is_zero = true;
    }
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
