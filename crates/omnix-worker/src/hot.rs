//! The customers whose states are held decoded: those used last, within a budget of bytes.
//!
//! Owned by one shard's thread. A customer that is not known is held too, so that asking again costs nothing.
//!
//! Invariant: a customer whose state changed since the last commit is never let go.

use std::collections::HashMap;

use crate::dedup::IdSecret;
use crate::id_hash::IdHash;
use crate::shell::Shell;
use omnix_engine::Customer;
use omnix_model::{CustomerId, Lane, Timestamp};

/// Slots for which room is taken at least.
const SLOTS_ROOM_MIN: usize = 64;

/// A customer as held.
#[derive(Debug)]
pub(crate) struct Held {
    /// Who.
    pub(crate) id: CustomerId,
    /// Their lane.
    pub(crate) lane: Lane,
    /// The engine's state; none for one not seen before.
    pub(crate) customer: Option<Customer>,
    /// What the shell keeps of them.
    pub(crate) shell: Shell,
    /// Whether the state changed since the last commit.
    pub(crate) is_dirty: bool,
}

impl Held {
    fn memory_bytes(&self) -> usize {
        let customer = self.customer.as_ref().map_or(0, Customer::memory_bytes);
        let heap = customer + self.shell.heap_bytes();
        // The allocator rounds sizes up, and what comes and goes leaves its pages partly used: about a quarter.
        size_of::<Slot>() + 64 + heap + heap / 4
    }
}

/// Where a customer is held; valid until the next [`Hot::shrink`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(usize);

#[derive(Debug)]
struct Slot {
    held: Held,
    bytes: usize,
    used_at: Timestamp,
    newer: Option<usize>,
    older: Option<usize>,
}

/// The customers held.
#[derive(Debug)]
pub(crate) struct Hot {
    places: HashMap<CustomerId, usize, IdHash>,
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    newest: Option<usize>,
    oldest: Option<usize>,
    /// The slot that was found or taken last.
    last: usize,
    bytes: usize,
    bytes_max: usize,
    ttl_ms: i64,
}

impl Hot {
    /// Holds about `bytes_max`, and nobody for longer than `ttl_ms` after their last use.
    pub(crate) fn new(bytes_max: usize, ttl_ms: i64, secret: IdSecret) -> Self {
        Self {
            places: HashMap::with_hasher(IdHash::under(secret)),
            slots: Vec::new(),
            free: Vec::new(),
            newest: None,
            oldest: None,
            last: 0,
            bytes: 0,
            bytes_max,
            ttl_ms,
        }
    }

    /// Where `id` is held, which counts as a use at `now`.
    pub(crate) fn find(&mut self, id: &CustomerId, now: Timestamp) -> Option<Place> {
        // The lines of an order follow each other, and are most of what is looked for: a slot that was just used is
        // nearer than its place in the map.
        let is_last = self.get(Place(self.last)).is_some_and(|held| held.id == *id);
        let index = if is_last { self.last } else { *self.places.get(id.as_str())? };
        self.last = index;
        let slot = self.slot_mut(index)?;
        // Among uses at the same time the order says nothing.
        if std::mem::replace(&mut slot.used_at, now) != now {
            self.unlink(index);
            self.link_newest(index);
        }
        Some(Place(index))
    }

    /// Holds a customer who is not held yet.
    pub(crate) fn insert(&mut self, held: Held, now: Timestamp) -> Place {
        debug_assert!(!self.places.contains_key(held.id.as_str()), "a customer is held once");
        let bytes = held.memory_bytes();
        self.bytes += bytes;
        let id = held.id.clone();
        let slot = Slot { held, bytes, used_at: now, newer: None, older: None };
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(place) = self.slots.get_mut(index) {
                    *place = Some(slot);
                }
                index
            }
            None => {
                // A slot is a kilobyte: twice the room that is needed would not be in the budget.
                if self.slots.len() == self.slots.capacity() {
                    self.slots.reserve_exact((self.slots.len() / 8).max(SLOTS_ROOM_MIN));
                }
                self.slots.push(Some(slot));
                self.slots.len() - 1
            }
        };
        self.places.insert(id, index);
        self.link_newest(index);
        Place(index)
    }

    /// The customer at `place`.
    pub(crate) fn get(&self, place: Place) -> Option<&Held> {
        self.slots.get(place.0).and_then(Option::as_ref).map(|slot| &slot.held)
    }

    /// The customer at `place`, to change.
    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut Held> {
        self.slot_mut(place.0).map(|slot| &mut slot.held)
    }

    /// Measures the customer at `place` anew, after a change.
    pub(crate) fn remeasure(&mut self, place: Place) {
        let Some(slot) = self.slot_mut(place.0) else { return };
        let (old, new) = (slot.bytes, slot.held.memory_bytes());
        slot.bytes = new;
        self.bytes = self.bytes - old + new;
    }

    /// Lets go of those used longest ago until the rest fits, and of those not used for too long.
    pub(crate) fn shrink(&mut self, now: Timestamp) {
        while let Some(index) = self.oldest {
            let Some(slot) = self.slots.get(index).and_then(Option::as_ref) else { return };
            let is_stale = now.ms_since(slot.used_at) > self.ttl_ms;
            if (self.bytes <= self.bytes_max && !is_stale) || slot.held.is_dirty {
                return;
            }
            self.unlink(index);
            if let Some(slot) = self.slots.get_mut(index).and_then(Option::take) {
                self.bytes -= slot.bytes;
                self.places.remove(slot.held.id.as_str());
                self.free.push(index);
            }
        }
    }

    /// How many are held.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// About how many bytes they take.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn slot_mut(&mut self, index: usize) -> Option<&mut Slot> {
        self.slots.get_mut(index).and_then(Option::as_mut)
    }

    fn link_newest(&mut self, index: usize) {
        let before = self.newest.replace(index);
        if let Some(slot) = self.slot_mut(index) {
            (slot.newer, slot.older) = (None, before);
        }
        match before {
            Some(before) => {
                if let Some(slot) = self.slot_mut(before) {
                    slot.newer = Some(index);
                }
            }
            None => self.oldest = Some(index),
        }
    }

    fn unlink(&mut self, index: usize) {
        let Some((newer, older)) = self.slot_mut(index).map(|slot| (slot.newer, slot.older)) else { return };
        match newer {
            Some(newer) => {
                if let Some(slot) = self.slot_mut(newer) {
                    slot.older = older;
                }
            }
            None => self.newest = older,
        }
        match older {
            Some(older) => {
                if let Some(slot) = self.slot_mut(older) {
                    slot.newer = newer;
                }
            }
            None => self.oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: IdSecret = IdSecret::new([7; 16]);

    fn held(name: &str) -> Held {
        let id = CustomerId::new(name).unwrap();
        let lane = Lane::of(&id);
        Held { id, lane, customer: None, shell: Shell::default(), is_dirty: false }
    }

    fn id(name: &str) -> CustomerId {
        CustomerId::new(name).unwrap()
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms_clamped(ms)
    }

    #[test]
    fn those_used_longest_ago_go_first() {
        let each = held("a").memory_bytes();
        let mut hot = Hot::new(2 * each, 1_000_000, SECRET);
        for name in ["a", "b", "c"] {
            hot.insert(held(name), at(0));
        }
        assert!(hot.find(&id("a"), at(1)).is_some());
        hot.shrink(at(1));
        assert_eq!(hot.len(), 2);
        assert!(hot.find(&id("b"), at(2)).is_none(), "b was used longest ago");
        assert!(hot.find(&id("a"), at(2)).is_some() && hot.find(&id("c"), at(2)).is_some());
        assert_eq!(hot.bytes(), 2 * each);
    }

    #[test]
    fn what_is_not_committed_stays() {
        let mut hot = Hot::new(0, 0, SECRET);
        let place = hot.insert(held("a"), at(0));
        hot.get_mut(place).unwrap().is_dirty = true;
        hot.shrink(at(10));
        assert_eq!(hot.len(), 1);
        hot.get_mut(place).unwrap().is_dirty = false;
        hot.shrink(at(10));
        assert_eq!((hot.len(), hot.bytes()), (0, 0));
    }

    #[test]
    fn nobody_stays_longer_than_the_time_to_live() {
        let mut hot = Hot::new(usize::MAX, 100, SECRET);
        hot.insert(held("a"), at(0));
        hot.insert(held("b"), at(50));
        hot.shrink(at(120));
        assert!(hot.find(&id("a"), at(120)).is_none());
        assert!(hot.find(&id("b"), at(120)).is_some());
    }

    #[test]
    fn places_are_used_again() {
        let mut hot = Hot::new(0, 0, SECRET);
        for round in 0..100 {
            hot.insert(held(&format!("c{round}")), at(round));
            hot.shrink(at(round + 1));
        }
        assert_eq!(hot.slots.len(), 1);
    }
}
