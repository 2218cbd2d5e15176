//! From a product's id to its place in a list, without a map whose order could show.
//!
//! Open addressing with linear probing over hashes that do not depend on the process. It holds places, not
//! ids: whoever asks compares. Nothing is ever taken out; a list that loses products is indexed anew.

use omnix_model::ProductId;
use xxhash_rust::xxh3::xxh3_64;

use crate::math::low32;

/// The hash of an id, as [`Index::find`] and [`Index::insert`] want it.
pub(crate) fn hash(id: &ProductId) -> u32 {
    low32(xxh3_64(id.as_str().as_bytes()))
}

/// An index of the places of a list of products.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// Hash and place + 1; a place of 0 is free. A power of two of entries, at most half of them used.
    entries: Vec<(u32, u32)>,
    used: usize,
}

/// Derived from what it indexes, so it never makes a difference.
impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Index {
    const ENTRIES_MIN: usize = 16;

    /// The place under `hash` for which `is_it` holds.
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.under(hash).find(|&place| is_it(place))
    }

    /// All places under `hash`.
    pub(super) fn under(&self, hash: u32) -> impl Iterator<Item = u32> {
        let mask = self.entries.len().saturating_sub(1);
        let probed = (hash as usize..).map(move |at| self.entries.get(at & mask));
        // A free place is 0, where the search ends: at most half of the entries are used.
        let taken =
            probed.map_while(|entry| entry.and_then(|&(hash, place)| Some((hash, place.checked_sub(1)?))));
        taken.filter(move |&(other, _)| other == hash).map(|(_, place)| place)
    }

    /// Adds `place` under `hash`; the caller knows that it is not there.
    pub(super) fn insert(&mut self, hash: u32, place: u32) {
        if (self.used + 1) * 2 > self.entries.len() {
            self.grow();
        }
        self.put(hash, place.saturating_add(1));
        self.used += 1;
    }

    fn grow(&mut self) {
        let len = (self.entries.len() * 2).max(Self::ENTRIES_MIN);
        let old = std::mem::replace(&mut self.entries, vec![(0, 0); len]);
        for (hash, place) in old.into_iter().filter(|&(_, place)| place != 0) {
            self.put(hash, place);
        }
    }

    fn put(&mut self, hash: u32, place: u32) {
        let mask = self.entries.len().saturating_sub(1);
        let mut at = hash as usize & mask;
        // At most half of the entries are used: a free one comes.
        while let Some(entry) = self.entries.get_mut(at) {
            if entry.1 == 0 {
                *entry = (hash, place);
                return;
            }
            at = (at + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_place_and_nothing_else() {
        let ids: Vec<_> = (0..500).map(|i| ProductId::new(&format!("p{i}")).unwrap()).collect();
        let mut index = Index::default();
        for (place, id) in ids.iter().enumerate() {
            let hash = super::hash(id);
            assert_eq!(index.find(hash, |at| ids[at as usize] == *id), None);
            index.insert(hash, u32::try_from(place).unwrap());
        }
        for (place, id) in ids.iter().enumerate() {
            let found = index.find(super::hash(id), |at| ids[at as usize] == *id);
            assert_eq!(found, Some(u32::try_from(place).unwrap()));
        }
    }

    #[test]
    fn ids_of_one_hash_are_told_apart() {
        let mut index = Index::default();
        for place in 0..40 {
            index.insert(7, place);
        }
        assert_eq!(index.find(7, |at| at == 39), Some(39));
        assert_eq!(index.find(7, |_| false), None);
        assert_eq!(index.under(7).collect::<Vec<_>>(), (0..40).collect::<Vec<_>>());
        assert_eq!(index.under(8).next(), None);
    }
}
