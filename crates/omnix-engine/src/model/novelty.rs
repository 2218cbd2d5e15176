//! What makes a product worth showing to who has never bought it: by slot, worked out once for a model.
//!
//! `(c + f) s^b l^d`: `c` is how well it goes with what the customer buys, as a part of the best one's, `s` and `l`
//! how it sells, lately and for long, as parts of the best-selling product's; what `f`, `b` and `d` are is learnt
//! (`choice`). Of a customer's company, whose best is `m`, that is `company * n/m * a + f * a`, with `n` the
//! product's side of the cosine and `a = s^b l^d`: one multiplication and one sum a product. Figures of 32 bits are
//! enough to rank by.
//!
//! Deliberately not here: company, which is a customer's own (`ranking`).

use std::cmp::Reverse;

use crate::math::{exp, narrow};
use crate::model::CHUNK;
use crate::model::choice::ChoiceWeights;

/// Products that are known to be worth most where there is no company.
const ALONE_MAX: usize = 512;

/// What makes products worth showing to who has never bought them.
#[derive(Debug)]
pub(crate) struct Novelty {
    /// By slot: `n = (n_j + 5 g)^-0.5`.
    norms: Vec<[f32; CHUNK]>,
    /// By slot: `n a`.
    with_company: Vec<[f32; CHUNK]>,
    /// By slot: `f a`; 0 where there is no product.
    alone: Vec<[f32; CHUNK]>,
    /// The slots that are worth most without company.
    best_alone: Vec<u32>,
    /// `f`.
    floor: f32,
}

impl Novelty {
    /// Of products by slot: of each its side of the cosine, and its sales as parts of the largest.
    pub(in crate::model) fn of(
        slots: usize,
        products: impl Iterator<Item = (u32, f32, (f64, f64))>,
        weights: ChoiceWeights,
    ) -> Self {
        let zeros = vec![[0.0; CHUNK]; slots.div_ceil(CHUNK)];
        let mut novelty = Self {
            norms: zeros.clone(),
            with_company: zeros.clone(),
            alone: zeros,
            best_alone: Vec::new(),
            floor: narrow(weights.floor),
        };
        let mut ranked: Vec<(Reverse<u32>, u32)> = Vec::with_capacity(slots);
        for (slot, norm, sales) in products {
            let attraction = narrow(exp(weights.ln_attraction(sales)));
            let alone = novelty.floor * attraction;
            novelty.set(slot, [norm, norm * attraction, alone]);
            // Figures that are not negative stand in the order of their bits.
            ranked.push((Reverse(alone.to_bits()), slot));
        }
        if ranked.len() > ALONE_MAX {
            ranked.select_nth_unstable(ALONE_MAX);
            ranked.truncate(ALONE_MAX);
        }
        novelty.best_alone = ranked.into_iter().map(|(_, slot)| slot).collect();
        novelty
    }

    fn set(&mut self, slot: u32, figures: [f32; 3]) {
        let places = [&mut self.norms, &mut self.with_company, &mut self.alone];
        for (chunks, figure) in places.into_iter().zip(figures) {
            if let Some(place) = chunks.as_flattened_mut().get_mut(slot as usize) {
                *place = figure;
            }
        }
    }

    /// By slot: a product's side of the cosine.
    pub(crate) fn norms(&self) -> &[[f32; CHUNK]] {
        &self.norms
    }

    /// By slot: what company is worth, before it is divided by the best.
    pub(crate) fn with_company(&self) -> &[[f32; CHUNK]] {
        &self.with_company
    }

    /// By slot: what a product is worth without company.
    pub(crate) fn alone(&self) -> &[[f32; CHUNK]] {
        &self.alone
    }

    /// The slots that are worth most without company, in no order: all, or 512.
    pub(crate) fn best_alone(&self) -> &[u32] {
        &self.best_alone
    }

    /// Company, as a part of the best one's, below which it is noise.
    pub(crate) const fn floor(&self) -> f32 {
        self.floor
    }

    pub(in crate::model) fn memory_bytes(&self) -> usize {
        3 * self.norms.len() * size_of::<[f32; CHUNK]>() + self.best_alone.len() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::pow;

    #[test]
    fn sales_weigh_as_was_learnt() {
        let weights = ChoiceWeights { floor: 0.3, short: 1.0, long: -0.5 };
        let novelty = Novelty::of(33, [(2, 0.5, (0.1, 0.2)), (32, 0.25, (0.5, 0.2))].into_iter(), weights);
        let attraction = 0.501 / pow(0.201, 0.5);
        let at = |chunks: &[[f32; CHUNK]]| f64::from(chunks.as_flattened()[32]);
        assert!((at(novelty.alone()) / (0.3 * attraction) - 1.0).abs() < 1e-6);
        assert!((at(novelty.with_company()) / (0.25 * attraction) - 1.0).abs() < 1e-6);
        assert!((at(novelty.norms()) - 0.25).abs() < 1e-9);
        assert!(novelty.alone().as_flattened()[3] <= 0.0, "no product");
    }

    #[test]
    fn those_that_sell_best_are_known() {
        let products = (0..2_000_u16).map(|slot| (u32::from(slot), 1.0, (f64::from(slot) / 2_000.0, 0.5)));
        let novelty = Novelty::of(2_000, products, ChoiceWeights { floor: 0.1, short: 1.0, long: 0.0 });
        let mut best = novelty.best_alone().to_vec();
        best.sort_unstable();
        assert_eq!(best, (1_488..2_000).collect::<Vec<u32>>());
    }
}
