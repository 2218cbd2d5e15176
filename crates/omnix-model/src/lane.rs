//! Lanes and shards: where a customer's events stand in order.
//!
//! A lane is the unit of order and a fixed range of the hash space, so that no split of a shard cuts one.
//! A shard is a range of lanes that one thread owns.

use std::fmt;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use crate::limits::LANES;
use crate::{CustomerId, EventId};

/// One of the 64 lanes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(u8);

impl Lane {
    /// The first lane: also home of what belongs to nobody.
    pub const FIRST: Self = Self(0);

    /// Lane number `number`, if there is one.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < LANES { Some(Self(number)) } else { None }
    }

    /// The lane of a customer.
    #[must_use]
    pub fn of(customer: &CustomerId) -> Self {
        Self::of_bytes(customer.as_str().as_bytes())
    }

    /// The lane of an event that belongs to no customer: spread by the event's own id.
    #[must_use]
    pub fn of_anonymous(event: &EventId) -> Self {
        Self::of_bytes(event.as_str().as_bytes())
    }

    #[expect(clippy::cast_possible_truncation, reason = "a value below LANES fits into a byte")]
    fn of_bytes(bytes: &[u8]) -> Self {
        Self((xxh3_64(bytes) % LANES as u64) as u8)
    }

    /// All lanes, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        LaneRange::ALL.iter()
    }

    /// The lane's number, 0..64.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The lane's number, to index an array of lanes.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The first key of the lane's range in a hash space of 128 bits (Kinesis' `ExplicitHashKey`).
    #[must_use]
    pub const fn hash_key(self) -> u128 {
        (self.0 as u128) << (128 - LANES.trailing_zeros())
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A range of lanes: what one shard owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneRange {
    first: u8,
    end: u8,
}

impl LaneRange {
    /// All lanes.
    #[expect(clippy::cast_possible_truncation, reason = "LANES is 64")]
    pub const ALL: Self = Self { first: 0, end: LANES as u8 };

    /// The lanes of shard `shard` of `shards`, dealt out as evenly as can be; empty for no such shard.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "both ends lie within 0..=LANES")]
    pub const fn of_shard(shard: ShardId, shards: usize) -> Self {
        let index = shard.0 as usize;
        if index >= shards {
            return Self { first: 0, end: 0 };
        }
        Self { first: (index * LANES / shards) as u8, end: ((index + 1) * LANES / shards) as u8 }
    }

    /// Whether `lane` is one of them.
    #[must_use]
    pub const fn contains(self, lane: Lane) -> bool {
        self.first <= lane.0 && lane.0 < self.end
    }

    /// The lanes, in order.
    pub fn iter(self) -> impl Iterator<Item = Lane> {
        let numbers: Range<u8> = self.first..self.end;
        numbers.map(Lane)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(self) -> usize {
        (self.end - self.first) as usize
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.first == self.end
    }

    /// The first and the last key of the range in a hash space of 128 bits, both included.
    #[must_use]
    pub const fn hash_keys(self) -> (u128, u128) {
        let last = if self.end as usize == LANES { u128::MAX } else { Lane(self.end).hash_key() - 1 };
        (Lane(self.first).hash_key(), last)
    }
}

/// One of a stream's shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

impl ShardId {
    /// The shard among `shards` that owns `lane`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a shard's index is below LANES")]
    pub fn of_lane(lane: Lane, shards: usize) -> Self {
        let owner = (0..shards).find(|&i| LaneRange::of_shard(Self(i as u16), shards).contains(lane));
        Self(owner.unwrap_or(0) as u16)
    }
}

/// `shardId-000000000003`, the form that Kinesis uses.
impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shardId-{:012}", self.0)
    }
}
