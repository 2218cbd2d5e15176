//! Whether the lists are unlike those that were told last, without making them.
//!
//! Of the first `2 n - 1` products of a list `n` or more are news just when the `n`-th best of the others stands
//! before the `n`-th best of those told. So it is enough to count who stands before that one.
//!
//! Deliberately not here: what follows when they are (`recommendation_update`).

use std::ops::ControlFlow;

use super::newcomers::{Newcomer, Newcomers};
use super::{Best, Ranking, Scored, liked};

/// New products among the first of a list that make it another one: most of them.
pub(crate) const NEWS_MIN: usize = 3;
/// Products of a list that are looked at.
pub(crate) const FIRST: usize = 2 * NEWS_MIN - 1;

impl Ranking<'_> {
    /// Whether most of the first products to buy again are not among those `told`, named by their hashes; 0 stands
    /// for none. To be asked before [`Self::is_new_changed`], which uses up what is known of own products.
    pub(crate) fn is_again_changed(&self, told: &[u32; FIRST]) -> bool {
        let is_told = |hash: u32| hash == 0 || told.contains(&hash);
        let (told, others): (Vec<_>, Vec<_>) =
            liked(self.query, &self.taste).into_iter().partition(|liked| is_told(liked.item.hash));
        let mut best = Best::new(NEWS_MIN, told.len());
        told.iter().filter_map(|liked| self.scored(liked, None)).for_each(|scored| best.offer(scored));
        let last = best.list.get(NEWS_MIN - 1);
        let least = last.map(|last| last.score);
        let stands_before = |scored: &Scored<'_>| last.is_none_or(|last| scored.rank(last).is_lt());
        let mut news = others
            .iter()
            .filter_map(|liked| self.scored(liked, least))
            .filter(|scored| stands_before(scored));
        news.nth(NEWS_MIN - 1).is_some()
    }

    /// The same of what is new.
    pub(crate) fn is_new_changed(&mut self, told: &[u32; FIRST]) -> bool {
        let newcomers = Newcomers::of(self.model, &mut self.taste);
        let hashes = told.iter().chain(&[0]);
        let mut told: Vec<Newcomer> = hashes.flat_map(|hash| newcomers.under(*hash)).collect();
        told.sort_unstable_by_key(|newcomer| newcomer.slot);
        told.dedup_by_key(|newcomer| newcomer.slot);
        let is_told =
            |newcomer: &Newcomer| told.binary_search_by_key(&newcomer.slot, |newcomer| newcomer.slot).is_ok();
        let mut best = told.clone();
        best.sort_unstable_by(|a, b| newcomers.rank(a, b));
        let last = best.get(NEWS_MIN - 1);
        let mut news = 0;
        let least = last.map_or(0.0, |last| last.score);
        newcomers.visit(least, |newcomer| {
            let stands_before = last.is_none_or(|last| newcomers.rank(&newcomer, last).is_lt());
            news += usize::from(stands_before && !is_told(&newcomer));
            if news >= NEWS_MIN {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(least)
        });
        news >= NEWS_MIN
    }
}

#[cfg(test)]
mod tests;
