//! The customers of a replay: the engine's state of each, and what the file has said of them.

use std::cmp::Ordering;
use std::collections::HashMap;

use omnix_engine::Customer;
use omnix_model::{CustomerId, Lane, Timestamp};

use super::ledger::Ledger;
use super::orders::OpenOrder;

/// A customer.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: CustomerId,
    pub(super) lane: Lane,
    /// The engine's state; none before the first event.
    pub(super) state: Option<Customer>,
    /// When the engine has something to do for the customer.
    pub(super) due: Option<Timestamp>,
    /// What the file has said so far.
    pub(super) ledger: Ledger,
    /// The order whose lines are coming in.
    pub(super) open: Option<OpenOrder>,
    /// When the segment shown last changed.
    pub(super) moved_at: Timestamp,
}

/// All customers, by the order in which they were first met.
#[derive(Debug, Default)]
pub(super) struct People {
    all: Vec<Person>,
    places: HashMap<CustomerId, usize>,
}

impl People {
    /// The place of a customer, who is met for the first time if there is none.
    pub(super) fn place(&mut self, id: &CustomerId) -> usize {
        if let Some(place) = self.places.get(id) {
            return *place;
        }
        let place = self.all.len();
        self.places.insert(id.clone(), place);
        self.all.push(Person {
            id: id.clone(),
            lane: Lane::of(id),
            state: None,
            due: None,
            ledger: Ledger::default(),
            open: None,
            moved_at: Timestamp::MIN,
        });
        place
    }

    pub(super) fn get(&self, place: usize) -> Option<&Person> {
        self.all.get(place)
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Person> {
        self.all.get_mut(place)
    }

    /// All customers, in the order of their ids.
    pub(super) fn by_id(&self) -> Vec<&Person> {
        let mut people: Vec<&Person> = self.all.iter().collect();
        people.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        people
    }
}

/// Something that falls due: in the order of (time, customer), and an order takes no further line before the
/// engine looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: Timestamp,
    pub(super) id: CustomerId,
    /// Whether it is the customer's open order, and not the engine's own timer.
    pub(super) is_closing: bool,
    pub(super) place: usize,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |due: &Self| (due.at, !due.is_closing);
        let ids = || self.id.cmp(&other.id);
        self.at.cmp(&other.at).then_with(ids).then_with(|| key(self).cmp(&key(other)))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
