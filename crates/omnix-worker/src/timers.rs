//! The timers of one lane: one a customer, the earliest of what may fall due.
//!
//! Timers of the hours in hand stand exactly in memory; later ones are rows of the store, a row an hour and
//! customer, and are taken into memory when their hour comes. A pure data structure: it says which hour it
//! needs and which rows change, and reads and writes none itself.
//!
//! Invariants: a timer whose hour is in hand is in memory; every timer has its row under the hour in which it
//! falls due, so that memory can be rebuilt; timers leave in the order of (due, customer).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use omnix_model::{CustomerId, Timestamp};

/// A row that changed since the last commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    now: RowChange,
    /// Whether the row stood at the last commit: what was set since and is removed again is never written.
    stood: bool,
}

/// What becomes of a timer's row with the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowChange {
    /// The row is set.
    Set,
    /// The row is removed.
    Remove,
}

/// The timers of one lane.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    in_hand: BTreeSet<(Timestamp, CustomerId)>,
    /// Hours up to this one are in hand; none is at first.
    horizon: Option<i64>,
    /// The earliest hour beyond the horizon that may have rows.
    next_hour: Option<i64>,
    /// Rows that change with the next commit.
    changes: BTreeMap<i64, BTreeMap<CustomerId, Change>>,
}

/// What must happen next on the way to an instant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This customer's timer is due.
    Due(Timestamp, CustomerId),
    /// The rows of this hour must be loaded first.
    Load(i64),
    /// Nothing is due.
    Nothing,
}

impl Timers {
    /// Timers whose rows begin with `next_hour` at the earliest; none is in hand yet.
    pub(crate) fn new(next_hour: Option<i64>) -> Self {
        Self { next_hour, ..Self::default() }
    }

    /// What must happen before the lane stands at `until`. A timer that is given is no longer in hand.
    pub(crate) fn next(&mut self, until: Timestamp) -> Next {
        let due = self.in_hand.first().map(|(due, _)| *due).filter(|due| *due <= until);
        let hour = self.next_hour.filter(|hour| *hour <= until.hour());
        match (due, hour) {
            (Some(due), Some(hour)) if hour <= due.hour() => Next::Load(hour),
            (None, Some(hour)) => Next::Load(hour),
            (Some(_), _) => match self.in_hand.pop_first() {
                Some((due, customer)) => Next::Due(due, customer),
                None => Next::Nothing,
            },
            (None, None) => Next::Nothing,
        }
    }

    /// Notes that the lane stands at `now` and that [`Self::next`] has nothing left before it: the hour that it
    /// lies in is in hand from now on.
    pub(crate) fn reach(&mut self, now: Timestamp) {
        debug_assert!(self.next_hour.is_none_or(|hour| hour > now.hour()), "no hour is left out");
        self.horizon = self.horizon.max(Some(now.hour()));
    }

    /// Takes the timers of the hours up to `hour` into hand, as their rows and the changes not yet committed
    /// name them. `following` is the next hour that has rows.
    pub(crate) fn load(
        &mut self,
        hour: i64,
        timers: impl IntoIterator<Item = (Timestamp, CustomerId)>,
        following: Option<i64>,
    ) {
        self.horizon = self.horizon.max(Some(hour));
        self.in_hand.extend(timers);
        let mut later = self.changes.range(hour + 1..);
        let pending = later
            .find(|(_, changes)| changes.values().any(|change| change.now == RowChange::Set))
            .map(|(hour, _)| *hour);
        self.next_hour = match (following, pending) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// The rows of these hours that changed since the last commit.
    pub(crate) fn changes_of(
        &self,
        hours: RangeInclusive<i64>,
    ) -> impl Iterator<Item = (i64, &CustomerId, RowChange)> {
        let changes = self.changes.range(hours);
        changes.flat_map(|(hour, of)| of.iter().map(|(id, change)| (*hour, id, change.now)))
    }

    /// Notes that a customer's timer, with its row in `old_hour`, falls due at `due` from now on.
    ///
    /// `old_due` is when it would have fallen due if it is still in hand.
    pub(crate) fn reschedule(
        &mut self,
        customer: &CustomerId,
        old: Option<Timestamp>,
        due: Option<Timestamp>,
    ) {
        if old == due {
            return;
        }
        let is_in_hand = |hour: i64, horizon: Option<i64>| horizon.is_some_and(|horizon| hour <= horizon);
        let (old_hour, hour) = (old.map(Timestamp::hour), due.map(Timestamp::hour));
        if let Some(old) = old.filter(|old| is_in_hand(old.hour(), self.horizon)) {
            self.in_hand.remove(&(old, customer.clone()));
        }
        if let Some(due) = due {
            if is_in_hand(due.hour(), self.horizon) {
                self.in_hand.insert((due, customer.clone()));
            } else {
                self.next_hour = Some(self.next_hour.map_or(due.hour(), |next| next.min(due.hour())));
            }
        }
        if old_hour != hour {
            if let Some(hour) = old_hour {
                self.change(hour, customer.clone(), RowChange::Remove);
            }
            if let Some(hour) = hour {
                self.change(hour, customer.clone(), RowChange::Set);
            }
        }
    }

    /// Removes a row that no timer stands for.
    pub(crate) fn forget_row(&mut self, hour: i64, customer: CustomerId) {
        self.change(hour, customer, RowChange::Remove);
    }

    fn change(&mut self, hour: i64, customer: CustomerId, now: RowChange) {
        // A row that is set did not stand, a row that is removed did.
        let first = Change { now, stood: now == RowChange::Remove };
        self.changes.entry(hour).or_default().entry(customer).or_insert(first).now = now;
    }

    /// The hour that has to be loaded to know what is due at `now`.
    pub(crate) fn hour_due(&self, now: Timestamp) -> Option<i64> {
        self.next_hour.filter(|hour| *hour <= now.hour())
    }

    /// The instant at which something must happen if the lane stays idle.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        let due = self.in_hand.first().map(|(due, _)| *due);
        let hour =
            self.next_hour.map(|hour| Timestamp::from_ms_clamped(hour.saturating_mul(Timestamp::HOUR_MS)));
        match (due, hour) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The rows that change with this commit.
    pub(crate) fn take_changes(&mut self) -> impl Iterator<Item = (i64, CustomerId, RowChange)> + use<> {
        let changes = std::mem::take(&mut self.changes).into_iter();
        let all = changes.flat_map(|(hour, of)| of.into_iter().map(move |(id, change)| (hour, id, change)));
        all.filter(|(.., change)| (change.now == RowChange::Set) != change.stood)
            .map(|(hour, id, change)| (hour, id, change.now))
    }

    /// How many timers are in hand.
    #[cfg(test)]
    pub(crate) fn in_hand(&self) -> usize {
        self.in_hand.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> CustomerId {
        CustomerId::new(name).unwrap()
    }

    fn at(hour: i64, ms: i64) -> Timestamp {
        Timestamp::from_ms_clamped(hour * Timestamp::HOUR_MS + ms)
    }

    #[test]
    fn timers_leave_in_order_of_due_and_customer() {
        let mut timers = Timers::new(None);
        timers.load(10, [], None);
        timers.reschedule(&id("b"), None, Some(at(10, 5)));
        timers.reschedule(&id("a"), None, Some(at(10, 5)));
        timers.reschedule(&id("c"), None, Some(at(10, 4)));
        assert_eq!(timers.wake_at(), Some(at(10, 4)));
        assert_eq!(timers.next(at(10, 3)), Next::Nothing);
        let order: Vec<_> = std::iter::from_fn(|| match timers.next(at(10, 5)) {
            Next::Due(_, customer) => Some(customer),
            _ => None,
        })
        .collect();
        assert_eq!(order, [id("c"), id("a"), id("b")]);
        assert_eq!(timers.in_hand(), 0);
    }

    #[test]
    fn an_hour_is_loaded_before_anything_of_it_or_behind_it_fires() {
        let mut timers = Timers::new(Some(12));
        timers.load(10, [], Some(12));
        timers.reschedule(&id("now"), None, Some(at(10, 9)));
        assert_eq!(timers.next(at(13, 0)), Next::Due(at(10, 9), id("now")));
        assert_eq!(timers.next(at(13, 0)), Next::Load(12));
        timers.load(12, [(at(12, 1), id("x"))], None);
        assert_eq!(timers.next(at(13, 0)), Next::Due(at(12, 1), id("x")));
        assert_eq!(timers.next(at(13, 0)), Next::Nothing);
    }

    #[test]
    fn a_later_hour_set_and_not_yet_committed_is_not_forgotten() {
        let mut timers = Timers::new(None);
        timers.load(10, [], None);
        timers.reschedule(&id("a"), None, Some(at(15, 0)));
        timers.reschedule(&id("b"), None, Some(at(12, 0)));
        assert_eq!(timers.next(at(20, 0)), Next::Load(12));
        let pending: Vec<_> =
            timers.changes_of(12..=12).map(|(_, id, change)| (id.clone(), change)).collect();
        assert_eq!(pending, [(id("b"), RowChange::Set)]);
        timers.load(12, [(at(12, 0), id("b"))], None);
        assert_eq!(timers.next(at(20, 0)), Next::Due(at(12, 0), id("b")));
        assert_eq!(timers.next(at(20, 0)), Next::Load(15));
    }

    #[test]
    fn a_row_is_rewritten_only_when_its_hour_changes() {
        let mut timers = Timers::new(None);
        timers.load(10, [], None);
        timers.reschedule(&id("a"), None, Some(at(10, 1)));
        assert_eq!(timers.take_changes().count(), 1);
        timers.reschedule(&id("a"), Some(at(10, 1)), Some(at(10, 9)));
        assert_eq!(timers.take_changes().count(), 0);
        timers.reschedule(&id("a"), Some(at(10, 9)), Some(at(11, 0)));
        let changes: Vec<_> = timers.take_changes().collect();
        assert_eq!(changes, [(10, id("a"), RowChange::Remove), (11, id("a"), RowChange::Set)]);
        assert_eq!(timers.in_hand(), 0);
        assert_eq!(timers.next(at(10, 59)), Next::Nothing);
        assert_eq!(timers.wake_at(), Some(at(11, 0)));
    }

    #[test]
    fn what_was_set_and_removed_since_the_last_commit_is_never_written() {
        let mut timers = Timers::new(None);
        timers.load(10, [], None);
        timers.reschedule(&id("a"), None, Some(at(10, 1)));
        timers.reschedule(&id("a"), Some(at(10, 1)), Some(at(90, 0)));
        let changes: Vec<_> = timers.take_changes().collect();
        assert_eq!(changes, [(90, id("a"), RowChange::Set)]);
        timers.reschedule(&id("a"), Some(at(90, 0)), Some(at(10, 2)));
        timers.reschedule(&id("a"), Some(at(10, 2)), Some(at(90, 0)));
        assert_eq!(timers.take_changes().count(), 0, "the row stands where it stood");
        timers.reschedule(&id("a"), Some(at(90, 0)), None);
        let changes: Vec<_> = timers.take_changes().collect();
        assert_eq!(changes, [(90, id("a"), RowChange::Remove)]);
    }
}
