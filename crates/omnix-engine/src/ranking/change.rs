//! Whether the lists are unlike those that were told last, without making them.
//!
//! Of the first `2 n - 1` products of a list `n` or more are news just when the `n`-th best of the others stands
//! before the `n`-th best of those told. So it is enough to count who stands before that one.
//!
//! Deliberately not here: what follows when they are (`recommendation_update`).

use super::{Best, Ranking, Scored, liked};
use crate::model::{Product, hash};

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
        let model = self.model;
        let hashes = told.iter().chain(&[0]);
        let mut slots: Vec<u32> = hashes.flat_map(|hash| model.slots_under(*hash)).collect();
        slots.sort_unstable();
        slots.dedup();
        self.taste.company.clear(&self.taste.held);
        let (company, factors) = (&self.taste.company, model.attraction());
        let factor = |slot: u32| factors.as_flattened().get(slot as usize).copied().unwrap_or(0.0);
        let id = |slot: u32| model.at(slot).map(Product::id);
        let rank = |a: (f32, u32), b: (f32, u32)| b.0.total_cmp(&a.0).then_with(|| id(a.1).cmp(&id(b.1)));
        let mut scores: Vec<(f32, u32)> =
            slots.iter().map(|&slot| (company.at(slot) * factor(slot), slot)).collect();
        scores.retain(|(score, _)| *score >= f32::MIN_POSITIVE);
        scores.sort_unstable_by(|a, b| rank(*a, *b));
        let last = scores.get(NEWS_MIN - 1).copied();
        let mut news = 0;
        company.visit(factors, last.map_or(f32::MIN_POSITIVE, |(score, _)| score), |score, slot| {
            let stands_before = last.is_none_or(|last| rank((score, slot), last).is_lt());
            news += usize::from(stands_before && !slots.contains(&slot));
            news < NEWS_MIN
        });
        if last.is_some() || news >= NEWS_MIN {
            return news >= NEWS_MIN;
        }
        // There are few companions: what is popular has places too.
        let keys = self.list_new().into_iter().map(|product| hash(&product.product_id));
        keys.filter(|key| *key != 0 && !told.contains(key)).count() >= NEWS_MIN
    }
}

#[cfg(test)]
mod tests;
