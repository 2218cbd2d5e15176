//! Room in the queue of a shard: reserved before anything is queued, given back when it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::counters::Counters;
use omnix_model::limits::{QUEUE_BYTES_MAX, QUEUE_EVENTS_MAX, QUEUE_REQUESTS_MAX};

/// What is taken of a shard's queue.
#[derive(Debug, Default)]
pub(crate) struct Room {
    events: AtomicUsize,
    bytes: AtomicUsize,
    requests: AtomicUsize,
    counters: Arc<Counters>,
}

/// Reserved room; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    room: Arc<Room>,
    events: usize,
    bytes: usize,
}

impl Room {
    /// Room whose use `counters` show.
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self { counters, ..Self::default() }
    }

    /// Room for a request of `events` that take `bytes`; none when there is not enough.
    pub(crate) fn reserve(self: &Arc<Self>, events: usize, bytes: usize) -> Option<Permit> {
        // Taken first and given back at once when it was too much: two who are late at the same time may both
        // be refused, never both be let in.
        let permit = Permit { room: Arc::clone(self), events, bytes };
        self.counters.queued.add(events as u64);
        let in_all = self.events.fetch_add(events, Ordering::AcqRel).saturating_add(events);
        let bytes_in_all = self.bytes.fetch_add(bytes, Ordering::AcqRel).saturating_add(bytes);
        let requests = self.requests.fetch_add(1, Ordering::AcqRel) + 1;
        let fits =
            in_all <= QUEUE_EVENTS_MAX && bytes_in_all <= QUEUE_BYTES_MAX && requests <= QUEUE_REQUESTS_MAX;
        fits.then_some(permit)
    }

    /// Events that wait.
    pub(crate) fn events(&self) -> usize {
        self.events.load(Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.room.counters.queued.sub(self.events as u64);
        self.room.events.fetch_sub(self.events, Ordering::AcqRel);
        self.room.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        self.room.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let room = Arc::new(Room::default());
        let half = room.reserve(QUEUE_EVENTS_MAX / 2, 1).unwrap();
        assert!(room.reserve(QUEUE_EVENTS_MAX / 2 + 1, 1).is_none());
        assert_eq!(room.events(), QUEUE_EVENTS_MAX / 2, "a refusal takes nothing");
        let rest = room.reserve(QUEUE_EVENTS_MAX / 2, 1).unwrap();
        assert!(room.reserve(1, 1).is_none());
        drop((half, rest));
        assert_eq!((room.events(), room.counters.queued.get()), (0, 0));
        assert!(room.reserve(1, QUEUE_BYTES_MAX + 1).is_none());
        assert!(room.reserve(QUEUE_EVENTS_MAX, QUEUE_BYTES_MAX).is_some());
    }

    #[test]
    fn requests_are_bounded_too() {
        let room = Arc::new(Room::default());
        let all: Vec<_> = (0..QUEUE_REQUESTS_MAX).map_while(|_| room.reserve(1, 1)).collect();
        assert_eq!(all.len(), QUEUE_REQUESTS_MAX);
        assert!(room.reserve(1, 1).is_none());
    }
}
