//! The timers of one lane: one a customer, the earliest of what may fall due.
//!
//! Each timer has a row of the store under the hour in which it falls due. The earliest of them are in hand too:
//! those set by this process exactly, those read from the store by their hour, until that hour comes and the
//! customer is looked up. A pure data structure: it says which rows or times it needs and which rows change, and
//! reads and writes none itself.
//!
//! Invariants: a timer that falls due before the first hour beyond those in hand is in hand; every timer has its
//! row, so that memory can be rebuilt and let go; timers leave in the order of (due, customer).

use std::collections::{BTreeMap, BTreeSet};

use omnix_model::{CustomerId, Timestamp};

/// Timers in hand at the most, unless there are more within an hour; half of them are let go when it is reached.
const HELD_MAX: usize = 2_048;
/// Rows read at once, give or take the rest of the last one's hour.
pub(crate) const ROWS_READ: usize = 512;

/// Where a customer's row stood at the last commit, and where it stands now: the hour, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Move {
    from: Option<i64>,
    to: Option<i64>,
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
#[derive(Debug)]
pub(crate) struct Timers {
    /// Timers whose time is known.
    exact: BTreeSet<(Timestamp, CustomerId)>,
    /// Timers of which only the hour is known.
    named: BTreeSet<(i64, CustomerId)>,
    /// The first hour that may have rows that are not in hand; none when all are.
    beyond: Option<i64>,
    /// How many are held before some are let go.
    held_max: usize,
    /// Rows that change with the next commit.
    moves: BTreeMap<CustomerId, Move>,
    /// Rows for which no timer stands: removed with the next commit.
    stale: Vec<(i64, CustomerId)>,
}

/// What must be read before it is known what is due.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The rows from this hour on.
    Rows(i64),
    /// When in this hour the customer's timer falls due. It is no longer in hand.
    Time(i64, CustomerId),
}

/// What must happen next on the way to an instant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This customer's timer is due. It is no longer in hand.
    Due(Timestamp, CustomerId),
    /// This must be read first.
    Read(Unknown),
    /// Nothing is due.
    Nothing,
}

impl Timers {
    /// Timers whose rows begin with the hour `beyond`; none is in hand yet.
    pub(crate) fn new(beyond: Option<i64>) -> Self {
        Self {
            exact: BTreeSet::new(),
            named: BTreeSet::new(),
            beyond,
            held_max: HELD_MAX,
            moves: BTreeMap::new(),
            stale: Vec::new(),
        }
    }

    /// What must happen before the lane stands at `until`.
    pub(crate) fn next(&mut self, until: Timestamp) -> Next {
        if let Some(unknown) = self.unknown(until) {
            return Next::Read(unknown);
        }
        match self.first_due(until).and_then(|_| self.exact.pop_first()) {
            Some((due, customer)) => Next::Due(due, customer),
            None => Next::Nothing,
        }
    }

    fn first_due(&self, until: Timestamp) -> Option<Timestamp> {
        self.exact.first().map(|(due, _)| *due).filter(|due| *due <= until)
    }

    /// What must be read to know which timer is the first that is due by `until`.
    pub(crate) fn unknown(&mut self, until: Timestamp) -> Option<Unknown> {
        let last_hour = self.first_due(until).unwrap_or(until).hour();
        let is_due = |hour: i64| hour <= last_hour;
        if self.named.first().is_some_and(|(hour, _)| is_due(*hour)) {
            return self.named.pop_first().map(|(hour, customer)| Unknown::Time(hour, customer));
        }
        self.beyond.filter(|hour| is_due(*hour)).map(Unknown::Rows)
    }

    /// Takes the rows that stand in the store from hour `from` on and before hour `beyond`; none: to the last.
    pub(crate) fn load(
        &mut self,
        from: i64,
        rows: impl IntoIterator<Item = (i64, CustomerId)>,
        beyond: Option<i64>,
    ) {
        let is_read = |hour: &i64| *hour >= from && beyond.is_none_or(|beyond| *hour < beyond);
        self.named.extend(rows);
        for (customer, change) in &self.moves {
            if let Some(hour) = change.from.filter(is_read) {
                self.named.remove(&(hour, customer.clone()));
            }
            if let Some(hour) = change.to.filter(is_read) {
                self.named.insert((hour, customer.clone()));
            }
        }
        self.beyond = beyond;
    }

    /// Takes the time that was looked up for a customer with a row in `hour`; a row that says otherwise was left
    /// behind by a group that was written in part and applied again.
    pub(crate) fn look_up(&mut self, hour: i64, customer: CustomerId, due: Option<Timestamp>) {
        match due.filter(|due| due.hour() == hour) {
            Some(due) => {
                self.exact.insert((due, customer));
            }
            None => self.stale.push((hour, customer)),
        }
    }

    /// Notes that a customer's timer, which was to fall due at `old`, falls due at `due` from now on.
    pub(crate) fn reschedule(
        &mut self,
        customer: &CustomerId,
        old: Option<Timestamp>,
        due: Option<Timestamp>,
    ) {
        if old == due {
            return;
        }
        if let Some(old) = old.filter(|old| self.holds(old.hour())) {
            let is_exact = self.exact.remove(&(old, customer.clone()));
            if !is_exact && !self.named.is_empty() {
                self.named.remove(&(old.hour(), customer.clone()));
            }
        }
        if let Some(due) = due.filter(|due| self.holds(due.hour())) {
            self.exact.insert((due, customer.clone()));
            self.let_go();
        }
        let (from, to) = (old.map(Timestamp::hour), due.map(Timestamp::hour));
        if from != to {
            self.moves.entry(customer.clone()).or_insert(Move { from, to }).to = to;
        }
    }

    /// Whether the timers of an hour are in hand.
    fn holds(&self, hour: i64) -> bool {
        self.beyond.is_none_or(|beyond| hour < beyond)
    }

    /// Keeps the earlier half of too many timers: the rows of the others are read when their hour comes.
    fn let_go(&mut self) {
        if self.held() <= self.held_max {
            return;
        }
        let exact = || self.exact.iter().map(|(due, _)| due.hour());
        let named = || self.named.iter().map(|(hour, _)| *hour);
        let first = exact().next().into_iter().chain(named().next()).min();
        let middle =
            exact().nth(self.exact.len() / 2).into_iter().chain(named().nth(self.named.len() / 2)).min();
        // The first hour stays, however many fall due in it.
        let Some(beyond) = middle.max(first.map(|hour| hour + 1)) else { return };
        self.exact.retain(|(due, _)| due.hour() < beyond);
        self.named.retain(|(hour, _)| *hour < beyond);
        self.beyond = Some(beyond);
        self.held_max = HELD_MAX.max(2 * self.held());
    }

    /// How many of the timers in hand are due by `now`, at the most.
    pub(crate) fn due_by(&self, now: Timestamp) -> usize {
        let exact = self.exact.iter().take_while(|(due, _)| *due <= now).count();
        exact + self.named.iter().take_while(|(hour, _)| *hour <= now.hour()).count()
    }

    /// How many timers are in hand.
    fn held(&self) -> usize {
        self.exact.len() + self.named.len()
    }

    /// The instant at which something must happen if the lane stays idle.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        let due = self.exact.first().map(|(due, _)| *due);
        let hour = self.named.first().map(|(hour, _)| *hour).or(self.beyond);
        let hour = hour.map(|hour| Timestamp::from_ms_clamped(hour.saturating_mul(Timestamp::HOUR_MS)));
        due.into_iter().chain(hour).min()
    }

    /// The rows that change with this commit: what was set since the last one and is removed again is none.
    pub(crate) fn take_changes(&mut self) -> impl Iterator<Item = (i64, CustomerId, RowChange)> + use<> {
        let stale = std::mem::take(&mut self.stale).into_iter();
        let moves =
            std::mem::take(&mut self.moves).into_iter().filter(|(_, change)| change.from != change.to);
        let of_move = |(customer, Move { from, to }): (CustomerId, Move)| {
            let set = to.map(|hour| (hour, customer.clone(), RowChange::Set));
            let removed = from.map(|hour| (hour, customer, RowChange::Remove));
            removed.into_iter().chain(set)
        };
        stale.map(|(hour, customer)| (hour, customer, RowChange::Remove)).chain(moves.flat_map(of_move))
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

    /// Those that fall due by `until`, where every time can be looked up as `times` say.
    fn fired(timers: &mut Timers, until: Timestamp, times: &[(&str, Timestamp)]) -> Vec<CustomerId> {
        let mut fired = Vec::new();
        loop {
            match timers.next(until) {
                Next::Due(_, customer) => fired.push(customer),
                Next::Read(Unknown::Time(hour, customer)) => {
                    let due = times.iter().find(|(name, _)| *name == customer.as_str()).map(|(_, due)| *due);
                    timers.look_up(hour, customer, due);
                }
                Next::Read(Unknown::Rows(hour)) => panic!("no row of hour {hour} is needed"),
                Next::Nothing => return fired,
            }
        }
    }

    #[test]
    fn timers_leave_in_order_of_due_and_customer() {
        let mut timers = Timers::new(None);
        timers.reschedule(&id("b"), None, Some(at(10, 5)));
        timers.reschedule(&id("a"), None, Some(at(10, 5)));
        timers.reschedule(&id("c"), None, Some(at(10, 4)));
        assert_eq!(timers.wake_at(), Some(at(10, 4)));
        assert_eq!(timers.next(at(10, 3)), Next::Nothing);
        assert_eq!(fired(&mut timers, at(10, 5), &[]), [id("c"), id("a"), id("b")]);
        assert_eq!(timers.held(), 0);
    }

    #[test]
    fn rows_are_read_before_anything_of_their_hour_or_behind_it_fires() {
        let mut timers = Timers::new(Some(12));
        timers.reschedule(&id("now"), None, Some(at(10, 9)));
        timers.reschedule(&id("later"), None, Some(at(13, 9)));
        assert_eq!(timers.next(at(13, 10)), Next::Due(at(10, 9), id("now")));
        assert_eq!(timers.next(at(13, 10)), Next::Read(Unknown::Rows(12)));
        timers.load(12, [(12, id("x")), (20, id("y"))], None);
        let times = [("x", at(12, 7)), ("later", at(13, 9))];
        assert_eq!(fired(&mut timers, at(13, 10), &times), [id("x"), id("later")]);
        assert_eq!(timers.wake_at(), Some(at(20, 0)), "when in that hour is not looked up yet");
    }

    #[test]
    fn a_row_not_yet_committed_is_read_with_the_others() {
        let mut timers = Timers::new(Some(12));
        timers.reschedule(&id("moved here"), Some(at(90, 0)), Some(at(15, 0)));
        timers.reschedule(&id("moved away"), Some(at(14, 0)), Some(at(95, 0)));
        assert_eq!(timers.next(at(20, 0)), Next::Read(Unknown::Rows(12)));
        timers.load(12, [(14, id("moved away"))], Some(50));
        assert_eq!(fired(&mut timers, at(20, 0), &[("moved here", at(15, 0))]), [id("moved here")]);
        assert_eq!(timers.wake_at(), Some(at(50, 0)));
    }

    #[test]
    fn a_timer_known_by_its_hour_moves_like_any_other() {
        let mut timers = Timers::new(Some(12));
        timers.load(12, [(12, id("a")), (12, id("b"))], None);
        timers.reschedule(&id("a"), Some(at(12, 5)), Some(at(12, 1)));
        timers.reschedule(&id("b"), Some(at(12, 2)), Some(at(30, 0)));
        assert_eq!(fired(&mut timers, at(29, 0), &[]), [id("a")]);
        assert_eq!(fired(&mut timers, at(30, 0), &[]), [id("b")]);
    }

    #[test]
    fn nothing_behind_a_timer_that_is_due_is_read() {
        let mut timers = Timers::new(Some(12));
        timers.load(12, [(12, id("a")), (13, id("b"))], Some(14));
        assert_eq!(timers.unknown(at(15, 0)), Some(Unknown::Time(12, id("a"))));
        timers.look_up(12, id("a"), Some(at(12, 5)));
        assert_eq!(timers.unknown(at(15, 0)), None);
        assert_eq!((timers.due_by(at(15, 0)), timers.due_by(at(12, 4))), (2, 0));
        assert_eq!(timers.next(at(15, 0)), Next::Due(at(12, 5), id("a")));
        assert_eq!(timers.unknown(at(15, 0)), Some(Unknown::Time(13, id("b"))));
        assert_eq!(timers.unknown(at(15, 0)), Some(Unknown::Rows(14)));
    }

    #[test]
    fn a_row_without_a_timer_is_removed() {
        let mut timers = Timers::new(Some(12));
        timers.load(12, [(12, id("a")), (13, id("b"))], None);
        assert_eq!(fired(&mut timers, at(13, 0), &[("a", at(20, 0))]), []);
        let changes: Vec<_> = timers.take_changes().collect();
        assert_eq!(changes, [(12, id("a"), RowChange::Remove), (13, id("b"), RowChange::Remove)]);
    }

    #[test]
    fn a_row_is_rewritten_only_when_its_hour_changes() {
        let mut timers = Timers::new(None);
        timers.reschedule(&id("a"), None, Some(at(10, 1)));
        assert_eq!(timers.take_changes().count(), 1);
        timers.reschedule(&id("a"), Some(at(10, 1)), Some(at(10, 9)));
        assert_eq!(timers.take_changes().count(), 0);
        timers.reschedule(&id("a"), Some(at(10, 9)), Some(at(11, 0)));
        let changes: Vec<_> = timers.take_changes().collect();
        assert_eq!(changes, [(10, id("a"), RowChange::Remove), (11, id("a"), RowChange::Set)]);
        assert_eq!(timers.next(at(10, 59)), Next::Nothing);
        assert_eq!(timers.wake_at(), Some(at(11, 0)));
    }

    #[test]
    fn what_was_set_and_removed_since_the_last_commit_is_never_written() {
        let mut timers = Timers::new(None);
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

    #[test]
    fn of_too_many_the_earlier_ones_stay_and_the_others_are_read_again() {
        let mut timers = Timers::new(None);
        let all: Vec<_> = (0..=2_048).map(|n| (id(&format!("c{n:05}")), at(100 + n / 8, n))).collect();
        for (customer, due) in all.iter().rev() {
            timers.reschedule(customer, None, Some(*due));
        }
        assert!(timers.held() <= HELD_MAX / 2 + 8, "{}", timers.held());
        let mut order = Vec::new();
        loop {
            match timers.next(at(10_000, 0)) {
                Next::Due(due, customer) => order.push((customer, due)),
                // Nothing is committed: all rows are among those that change.
                Next::Read(Unknown::Rows(hour)) => timers.load(hour, [], None),
                Next::Read(Unknown::Time(hour, customer)) => {
                    let due = all.iter().find(|(other, _)| *other == customer).map(|(_, due)| *due);
                    timers.look_up(hour, customer, due);
                }
                Next::Nothing => break,
            }
        }
        assert_eq!(order, all);
    }

    #[test]
    fn an_hour_that_has_too_many_is_held_all_the_same() {
        let mut timers = Timers::new(None);
        for n in 0..3 * 2_048 {
            timers.reschedule(&id(&format!("c{n}")), None, Some(at(100, n)));
        }
        assert_eq!(timers.held(), 3 * HELD_MAX);
        timers.reschedule(&id("later"), None, Some(at(101, 0)));
        assert_eq!(fired(&mut timers, at(100, 3_000_000), &[]).len(), 3 * HELD_MAX);
    }
}
