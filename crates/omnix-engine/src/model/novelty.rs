//! What makes a product worth showing to who has never bought it: by slot, worked out once for a model.
//!
//! `(c + 0.1)^a (s + 0.001)^b (l + 0.001)^d`: `c` is how well it goes with what the customer buys, as a part of the
//! best one's, `s` and `l` how it sells, lately and for long, as parts of the best-selling product's; what `a`, `b`
//! and `d` are is learnt (`choice`). Figures of 32 bits are enough to rank by.
//!
//! Deliberately not here: company, which is a customer's own (`ranking`).

use crate::math::{exp, narrow};
use crate::model::CHUNK;
use crate::model::choice::{Factors, factors};

/// Steps in which the power of company is looked up, between which it is drawn straight.
const STEPS: u16 = 64;

/// What makes products worth showing to who has never bought them.
#[derive(Debug)]
pub(crate) struct Novelty {
    /// By slot: `(n_j + 5 g)^-0.5`, the product's side of the cosine.
    norms: Vec<[f32; CHUNK]>,
    /// By slot: what its sales make of it; 0 where there is no product.
    attraction: Vec<[f32; CHUNK]>,
    /// The largest of each chunk.
    peaks: Vec<f32>,
    /// The power of company at each step.
    curve: Vec<f32>,
    weights: Factors,
}

impl Novelty {
    /// Of `slots` in which there is nothing yet.
    pub(in crate::model) fn new(slots: usize, weights: Factors) -> Self {
        let chunks = slots.div_ceil(CHUNK);
        let [company, ..] = weights;
        let power = |step: u16| {
            let [ln_company, ..] = factors(f64::from(step) / f64::from(STEPS), 1.0, 1.0);
            narrow(exp(company * ln_company))
        };
        Self {
            norms: vec![[0.0; CHUNK]; chunks],
            attraction: vec![[0.0; CHUNK]; chunks],
            peaks: vec![0.0; chunks],
            curve: (0..=STEPS).map(power).collect(),
            weights,
        }
    }

    /// Puts a product into a slot: its side of the cosine, and its sales as parts of the largest.
    pub(in crate::model) fn set(&mut self, slot: usize, norm: f32, short: f64, long: f64) {
        let ([_, ln_short, ln_long], [_, of_short, of_long]) = (factors(0.0, short, long), self.weights);
        let attraction = narrow(exp(of_short * ln_short + of_long * ln_long));
        let of_slot = |chunks: &mut Vec<[f32; CHUNK]>, figure: f32| {
            if let Some(place) = chunks.as_flattened_mut().get_mut(slot) {
                *place = figure;
            }
        };
        of_slot(&mut self.norms, norm);
        of_slot(&mut self.attraction, attraction);
        if let Some(peak) = self.peaks.get_mut(slot / CHUNK) {
            *peak = peak.max(attraction);
        }
    }

    /// By slot: a product's side of the cosine.
    pub(crate) fn norms(&self) -> &[[f32; CHUNK]] {
        &self.norms
    }

    /// How much a product is worth showing of which this is the company.
    pub(crate) fn score(&self, company: f32, slot: u32) -> f32 {
        self.power(company) * self.attraction(slot)
    }

    /// What the sales of a product make of it.
    pub(crate) fn attraction(&self, slot: u32) -> f32 {
        self.attraction.as_flattened().get(slot as usize).copied().unwrap_or(0.0)
    }

    /// The largest attraction in a chunk.
    pub(crate) fn peak(&self, chunk: usize) -> f32 {
        self.peaks.get(chunk).copied().unwrap_or(0.0)
    }

    /// `(company + 0.1)^a`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to the number of steps"
    )]
    pub(crate) fn power(&self, company: f32) -> f32 {
        let at = (company * f32::from(STEPS)).clamp(0.0, f32::from(STEPS));
        let step = at as usize;
        let of = |step: usize| self.curve.get(step).copied();
        let Some(from) = of(step) else { return 0.0 };
        from + of(step + 1).map_or(0.0, |to| (to - from) * (at - step as f32))
    }

    pub(in crate::model) fn memory_bytes(&self) -> usize {
        (self.norms.len() + self.attraction.len()) * size_of::<[f32; CHUNK]>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::pow;

    #[test]
    fn company_trend_and_popularity_weigh_as_was_learnt() {
        let mut novelty = Novelty::new(CHUNK + 1, [1.5, 1.0, -0.5]);
        novelty.set(CHUNK, 0.25, 0.5, 0.2);
        let by_hand = |company: f64| pow(company + 0.1, 1.5) * 0.501 / pow(0.201, 0.5);
        for company in [0.0_f32, 0.013, 0.3, 1.0] {
            let score = f64::from(novelty.score(company, 32));
            assert!((score / by_hand(company.into()) - 1.0).abs() < 2e-3, "{company}: {score}");
        }
        assert_eq!(novelty.peak(1).to_bits(), novelty.attraction(32).to_bits());
        assert_eq!(novelty.norms().as_flattened()[CHUNK].to_bits(), 0.25_f32.to_bits());
        assert!(novelty.score(1.0, 3) <= 0.0 && novelty.score(1.0, 9_999) <= 0.0, "no product");
    }

    #[test]
    fn more_company_is_never_worse() {
        for weight in [0.0, 0.4, 4.0] {
            let mut novelty = Novelty::new(1, [weight, 1.0, 0.0]);
            novelty.set(0, 1.0, 1.0, 1.0);
            let scores: Vec<f32> =
                (0..=1_000_u16).map(|c| novelty.score(f32::from(c) / 1_000.0, 0)).collect();
            assert!(scores.is_sorted(), "{weight}");
        }
    }
}
