//! What a customer has never bought: who stands before whom.
//!
//! All products of the model that neither the customer nor the basket holds, by what their company and their sales are
//! worth by the weights of the model ([`crate::model::Novelty`]).
//!
//! Deliberately not here: company itself (`ranking`), and what the weights are learnt from (`choosing`).

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::scratch::Worth;
use super::{Scratch, Taste};
use crate::{Model, Product};

/// A product: what it is worth, and its slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Newcomer {
    pub score: f32,
    pub slot: u32,
}

/// All of them.
pub(super) struct Newcomers<'a> {
    model: &'a Model,
    company: &'a Scratch,
    /// The best company, not yet as a part.
    most: f32,
    worth: Worth<'a>,
}

impl<'a> Newcomers<'a> {
    /// Takes what is held out of `taste`.
    pub(super) fn of(model: &'a Model, taste: &'a mut Taste<'_>) -> Self {
        taste.company.bar(&taste.held);
        let (company, novelty) = (&taste.company, model.novelty());
        let most = company.most(novelty.norms()).max(f32::MIN_POSITIVE);
        let worth = Worth { per_figure: novelty.with_company(), scale: most.recip(), and: novelty.alone() };
        Self { model, company, most, worth }
    }

    /// The product in a slot, unless it is held.
    pub(super) fn at(&self, slot: u32) -> Option<Newcomer> {
        let figure = self.company.at(slot);
        (figure >= 0.0).then(|| Newcomer { score: self.worth.of(figure, slot), slot })
    }

    /// Those whose id has this hash.
    pub(super) fn under(&self, hash: u32) -> impl Iterator<Item = Newcomer> {
        self.model.slots_under(hash).filter_map(|slot| self.at(slot))
    }

    /// How well it goes with what is held, as a part of the best one's.
    pub(super) fn company(&self, newcomer: &Newcomer) -> f32 {
        let norm = self.model.pull(newcomer.slot).basket_norm;
        self.company.at(newcomer.slot).max(0.0) * norm / self.most
    }

    /// Calls `look` with all that are not below `least`, then not below what it answers, until it breaks off.
    pub(super) fn visit(&self, least: f32, mut look: impl FnMut(Newcomer) -> ControlFlow<(), f32>) {
        let also = self.model.novelty().best_alone();
        let _: ControlFlow<()> =
            self.company.visit(&self.worth, also, least, |score, slot| look(Newcomer { score, slot }));
    }

    /// The best `limit` of them, best first.
    pub(super) fn best(&self, limit: usize) -> Vec<Newcomer> {
        let mut best: Vec<Newcomer> = Vec::with_capacity(limit.min(self.model.slots()) + 1);
        self.visit(self.company.surely(&self.worth, limit), |newcomer| {
            best.insert(best.partition_point(|held| self.rank(held, &newcomer).is_lt()), newcomer);
            best.truncate(limit);
            let last = limit.checked_sub(1).and_then(|last| best.get(last));
            ControlFlow::Continue(last.map_or(0.0, |last| last.score))
        });
        best
    }

    /// Who stands first: the one that is worth more, of two that are worth as much by id.
    pub(super) fn rank(&self, a: &Newcomer, b: &Newcomer) -> Ordering {
        let id = |newcomer: &Newcomer| self.model.at(newcomer.slot).map(Product::id);
        b.score.total_cmp(&a.score).then_with(|| id(a).cmp(&id(b)))
    }
}
