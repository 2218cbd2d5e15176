//! What a customer has never bought: who stands before whom.
//!
//! Candidates are the companions of what the customer and the basket hold, and what is popular. Each is worth what its
//! company and its sales are worth by the weights of the model ([`crate::model::Novelty`]).
//!
//! Deliberately not here: company itself (`ranking`), and what the weights are learnt from (`choosing`).

use std::cell::Cell;
use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::{Scratch, Taste};
use crate::{Model, Product};

/// A candidate: what it is worth, its company as a part of the best one's, and its slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Newcomer {
    pub score: f32,
    pub company: f32,
    pub slot: u32,
}

/// All candidates.
pub(super) struct Newcomers<'a> {
    model: &'a Model,
    company: &'a Scratch,
    /// The best company of each chunk, not yet as a part.
    peaks: Vec<f32>,
    /// The best of all.
    most: f32,
}

impl<'a> Newcomers<'a> {
    /// Takes what is held out of `taste`.
    pub(super) fn of(model: &'a Model, taste: &'a mut Taste<'_>) -> Self {
        taste.company.bar(&taste.held);
        let company = &taste.company;
        let peaks = company.peaks(model.novelty().norms());
        let most = peaks.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        Self { model, company, peaks, most }
    }

    /// The product in a slot, if it is a candidate.
    pub(super) fn at(&self, slot: u32) -> Option<Newcomer> {
        let figure = self.company.at(slot);
        let norm = self.model.novelty().norms().as_flattened().get(slot as usize)?;
        let is_popular = || self.model.popular_slots().contains(&slot);
        (figure > 0.0 || (figure >= 0.0 && is_popular())).then(|| self.newcomer(figure * norm, slot))
    }

    /// Those whose id has this hash.
    pub(super) fn under(&self, hash: u32) -> impl Iterator<Item = Newcomer> {
        self.model.slots_under(hash).filter_map(|slot| self.at(slot))
    }

    fn newcomer(&self, company: f32, slot: u32) -> Newcomer {
        let company = company / self.most;
        Newcomer { score: self.model.novelty().score(company, slot), company, slot }
    }

    /// Calls `look` with candidates, and products `beside` them that keep nobody company: all those that are not
    /// below what it answers, in no order, until it breaks off.
    pub(super) fn visit(&self, beside: &[u32], mut look: impl FnMut(Newcomer) -> ControlFlow<(), f32>) {
        let mut least = f32::MIN_POSITIVE;
        for &slot in self.model.popular_slots().iter().chain(beside) {
            // What keeps somebody company follows; what is out has a figure below 0.
            if self.company.at(slot).abs() > 0.0 {
                continue;
            }
            let newcomer = self.newcomer(0.0, slot);
            if newcomer.score >= least {
                match look(newcomer) {
                    ControlFlow::Continue(limit) => least = limit,
                    ControlFlow::Break(()) => return,
                }
            }
        }
        let novelty = self.model.novelty();
        // What the best company of the chunk at hand makes of a product's sales.
        let (least, most) = (Cell::new(least), Cell::new(f32::MAX));
        let is_worth = |chunk: usize| {
            let Some(&peak) = self.peaks.get(chunk).filter(|peak| **peak > 0.0) else { return false };
            most.set(novelty.power(peak / self.most));
            most.get() * novelty.peak(chunk) >= least.get()
        };
        let _: ControlFlow<()> = self.company.visit(novelty.norms(), is_worth, |company, slot| {
            if most.get() * novelty.attraction(slot) < least.get() {
                return ControlFlow::Continue(());
            }
            let newcomer = self.newcomer(company, slot);
            if newcomer.score >= least.get() {
                least.set(look(newcomer)?);
            }
            ControlFlow::Continue(())
        });
    }

    /// The best `limit` of them, `beside` among them, best first; of two that are as good the one with the lower id.
    pub(super) fn best(&self, limit: usize, beside: &[u32]) -> Vec<Newcomer> {
        let mut best: Vec<Newcomer> = Vec::with_capacity(limit.min(self.model.slots()) + 1);
        self.visit(beside, |newcomer| {
            best.insert(best.partition_point(|held| self.rank(held, &newcomer).is_lt()), newcomer);
            best.truncate(limit);
            let last = limit.checked_sub(1).and_then(|last| best.get(last));
            ControlFlow::Continue(last.map_or(f32::MIN_POSITIVE, |last| last.score))
        });
        best
    }

    /// Who stands first: the one that is worth more, of two that are worth as much by id.
    pub(super) fn rank(&self, a: &Newcomer, b: &Newcomer) -> Ordering {
        let id = |newcomer: &Newcomer| self.model.at(newcomer.slot).map(Product::id);
        b.score.total_cmp(&a.score).then_with(|| id(a).cmp(&id(b)))
    }
}
