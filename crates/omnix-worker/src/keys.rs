//! The rows of the store: one table of contents for everything that is kept of a stream.
//!
//! A key begins with one byte that says what the row is. Numbers are big-endian, so that keys sort as they
//! do; a customer's id ends with a zero byte, which no id holds.
//!
//! | byte | behind it | value |
//! | --- | --- | --- |
//! | `s` | lane, customer, 0, part | a part of a customer's state: 0 the head with its envelope, else a page |
//! | `i` | lane, customer, 0, time, id | an insight |
//! | `j` | time, lane, id | index of insights by time |
//! | `v` | time, lane, id | what came of the insight that was raised then |
//! | `t` | lane, hour, customer | a timer that falls due in that hour |
//! | `o` | lane, epoch, position | what a commit observed of an epoch that is not yet learnt |
//! | `q` | time, lane, number | a rejected event |
//! | `r` | hour, first lane of the shard | sales by the event's own hour |
//! | `a` | hour, first lane of the shard | activity by the lanes' hour |
//! | `b` | minute, first lane of the shard | activity by the lanes' minute, kept for a day |
//! | `c` | lane | the lane's customers by segment |
//! | `f` | position, index | a message of the feed |
//! | `g` | log | the feed of that log is kept behind this position |
//! | `d` | bucket, customer, 0, id's hash | an event id moved out of a customer's window |
//! | `l` | lane | the lane: its time, model, settings, epoch |
//! | `x` | hash of a file | how far an import has come |
//! | `u` | lane, customer, 0, event id | an event that the engine derived and that is not in the log yet |
//! | `w` | hash of settings | the settings, as text |
//! | `y` | first frame | the last of a run of damaged frames whose loss nobody has accepted |
//! | `e` | | stores without transactions: the group whose effects are written, states perhaps not |
//! | `m` | | the store's own |
//!
//! Rows that add up (`r`, `a`, `b`, `c`, `l`) carry the position up to which they have been added to: a group
//! that is applied again, because the process died between two writes, changes each of them once.

use omnix_model::{CustomerId, EventId, InsightId, Lane, Position, Timestamp};

/// Builds keys byte by byte.
fn key(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(kind);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

fn lane_byte(lane: Lane) -> [u8; 1] {
    [lane.number()]
}

/// A time as eight bytes that sort as times do: no legal time is negative.
fn time_bytes(time: Timestamp) -> [u8; 8] {
    time.ms().to_be_bytes()
}

/// An hour, minute or other count since 1970 as four bytes that sort.
fn count_bytes(count: i64) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes()
}

/// All rows of one kind.
#[must_use]
pub fn all_of(kind: u8) -> Vec<u8> {
    vec![kind]
}

/// All parts of one customer's state.
#[must_use]
pub fn state_prefix(lane: Lane, customer: &CustomerId) -> Vec<u8> {
    key(b's', &[&lane_byte(lane), customer.as_str().as_bytes(), &[0]])
}

/// One part of one customer's state.
#[must_use]
pub fn state_part(lane: Lane, customer: &CustomerId, part: u16) -> Vec<u8> {
    key(b's', &[&lane_byte(lane), customer.as_str().as_bytes(), &[0], &part.to_be_bytes()])
}

/// The states of the customers of a lane whose ids begin with `prefix`.
#[must_use]
pub fn states_of_lane(lane: Lane, prefix: &str) -> Vec<u8> {
    key(b's', &[&lane_byte(lane), prefix.as_bytes()])
}

/// The customer and the part that a key of a state names.
#[must_use]
pub fn parse_state(key: &[u8]) -> Option<(CustomerId, u16)> {
    let (head, part) = key.split_last_chunk::<2>()?;
    let customer = head.get(2..)?.strip_suffix(&[0])?;
    Some((customer_id(customer)?, u16::from_be_bytes(*part)))
}

/// All insights of one customer, oldest first.
#[must_use]
pub fn insights_prefix(lane: Lane, customer: &CustomerId) -> Vec<u8> {
    key(b'i', &[&lane_byte(lane), customer.as_str().as_bytes(), &[0]])
}

/// One insight: the time is that of its first raising, so that a revision overwrites it.
#[must_use]
pub fn insight(lane: Lane, customer: &CustomerId, raised_at: Timestamp, id: InsightId) -> Vec<u8> {
    key(b'i', &[&lane_byte(lane), customer.as_str().as_bytes(), &[0], &time_bytes(raised_at), &id.0])
}

/// The time and id that a key of an insight ends with.
#[must_use]
pub fn parse_insight_end(key: &[u8]) -> Option<(Timestamp, InsightId)> {
    let (head, id) = key.split_last_chunk::<16>()?;
    let (_, time) = head.split_last_chunk::<8>()?;
    Some((Timestamp::from_ms_clamped(i64::from_be_bytes(*time)), InsightId(*id)))
}

/// An insight's place in the index by time.
#[must_use]
pub fn insight_by_time(raised_at: Timestamp, lane: Lane, id: InsightId) -> Vec<u8> {
    key(b'j', &[&time_bytes(raised_at), &lane_byte(lane), &id.0])
}

/// Where the index by time stands at `time`.
#[must_use]
pub fn insights_at(time: Timestamp) -> Vec<u8> {
    key(b'j', &[&time_bytes(time)])
}

/// The time, lane and id that a key of the index names.
#[must_use]
pub fn parse_insight_by_time(key: &[u8]) -> Option<(Timestamp, Lane, InsightId)> {
    let (time, rest) = key.get(1..)?.split_first_chunk::<8>()?;
    let (&lane, id) = rest.split_first()?;
    let id = InsightId(id.try_into().ok()?);
    Some((Timestamp::from_ms_clamped(i64::from_be_bytes(*time)), Lane::new(lane)?, id))
}

/// What came of an insight: beside it, so that a revision of the insight leaves it alone.
#[must_use]
pub fn judgement(raised_at: Timestamp, lane: Lane, id: InsightId) -> Vec<u8> {
    key(b'v', &[&time_bytes(raised_at), &lane_byte(lane), &id.0])
}

/// A timer of `customer` that falls due within `hour` (hours since 1970).
#[must_use]
pub fn timer(lane: Lane, hour: i64, customer: &CustomerId) -> Vec<u8> {
    key(b't', &[&lane_byte(lane), &count_bytes(hour), customer.as_str().as_bytes()])
}

/// Where the timers of `hour` begin.
#[must_use]
pub fn timers_of(lane: Lane, hour: i64) -> Vec<u8> {
    key(b't', &[&lane_byte(lane), &count_bytes(hour)])
}

/// The hour and customer that a key of a timer names.
#[must_use]
pub fn parse_timer(key: &[u8]) -> Option<(i64, CustomerId)> {
    let (hour, customer) = key.get(2..)?.split_first_chunk::<4>()?;
    Some((i64::from(u32::from_be_bytes(*hour)), customer_id(customer)?))
}

/// What one commit observed of an epoch.
#[must_use]
pub fn observed(lane: Lane, epoch: u64, at: Position) -> Vec<u8> {
    key(b'o', &[&lane_byte(lane), &epoch.to_be_bytes(), &at.to_bytes()])
}

/// All that was observed in a lane and not yet learnt, epoch by epoch.
#[must_use]
pub fn observed_of_lane(lane: Lane) -> Vec<u8> {
    key(b'o', &[&lane_byte(lane)])
}

/// The epoch that a key of an observation names.
#[must_use]
pub fn parse_observed_epoch(key: &[u8]) -> Option<u64> {
    key.get(2..)?.first_chunk().copied().map(u64::from_be_bytes)
}

/// A rejected event.
#[must_use]
pub fn rejected(received_at: Timestamp, lane: Lane, number: u64) -> Vec<u8> {
    key(b'q', &[&time_bytes(received_at), &lane_byte(lane), &number.to_be_bytes()])
}

/// Where the rejected events of `time` begin.
#[must_use]
pub fn rejected_at(time: Timestamp) -> Vec<u8> {
    key(b'q', &[&time_bytes(time)])
}

/// Sales of the shard that begins with `lane`, by the event's own hour (hours since 1970).
#[must_use]
pub fn sales(hour: i64, lane: Lane) -> Vec<u8> {
    key(b'r', &[&count_bytes(hour), &lane_byte(lane)])
}

/// Activity of the shard that begins with `lane`, by its lanes' hour (hours since 1970).
#[must_use]
pub fn activity_of_hour(hour: i64, lane: Lane) -> Vec<u8> {
    key(b'a', &[&count_bytes(hour), &lane_byte(lane)])
}

/// Activity of the shard that begins with `lane`, by its lanes' minute (minutes since 1970).
#[must_use]
pub fn activity_of_minute(minute: i64, lane: Lane) -> Vec<u8> {
    key(b'b', &[&count_bytes(minute), &lane_byte(lane)])
}

/// Where the rows of a kind (`r`, `a`, `b`) of an hour or minute begin.
#[must_use]
pub fn counted_from(kind: u8, count: i64) -> Vec<u8> {
    key(kind, &[&count_bytes(count)])
}

/// The hours or minutes since 1970 that a key of a row of kind `r`, `a` or `b` names.
#[must_use]
pub fn parse_count(key: &[u8]) -> Option<i64> {
    key.get(1..)?.first_chunk().copied().map(|count| i64::from(u32::from_be_bytes(count)))
}

/// A lane's customers by segment.
#[must_use]
pub fn census(lane: Lane) -> Vec<u8> {
    key(b'c', &[&lane_byte(lane)])
}

/// A message of the feed.
#[must_use]
pub fn feed(at: Position, index: u16) -> Vec<u8> {
    key(b'f', &[&at.to_bytes(), &index.to_be_bytes()])
}

/// The position and index that a key of the feed names.
#[must_use]
pub fn parse_feed(key: &[u8]) -> Option<(Position, u16)> {
    let (at, index) = key.get(1..)?.split_first_chunk::<{ Position::BYTES }>()?;
    Some((Position::from_bytes(*at), u16::from_be_bytes(index.try_into().ok()?)))
}

/// Up to where the feed of a log was removed.
#[must_use]
pub fn feed_horizon(log: omnix_model::LogId) -> Vec<u8> {
    key(b'g', &[&log.0.to_be_bytes()])
}

/// An event id moved out of a customer's window into the bucket (a count of W/8 since 1970) it was accepted in.
#[must_use]
pub fn spilled(bucket: i64, customer: &[u8], id_hash: u64) -> Vec<u8> {
    key(b'd', &[&count_bytes(bucket), customer, &[0], &id_hash.to_be_bytes()])
}

/// Where a bucket of spilled ids begins.
#[must_use]
pub fn spilled_of(bucket: i64) -> Vec<u8> {
    key(b'd', &[&count_bytes(bucket)])
}

/// A lane's own row.
#[must_use]
pub fn lane(lane: Lane) -> Vec<u8> {
    key(b'l', &[&lane_byte(lane)])
}

/// How far an import has come.
#[must_use]
pub fn import(file_hash: u128) -> Vec<u8> {
    key(b'x', &[&file_hash.to_be_bytes()])
}

/// A derived event that is not in the log yet.
#[must_use]
pub fn derived(lane: Lane, customer: &CustomerId, event: &EventId) -> Vec<u8> {
    key(b'u', &[&lane_byte(lane), customer.as_str().as_bytes(), &[0], event.as_str().as_bytes()])
}

/// Derived events of a lane that are not in the log yet.
#[must_use]
pub fn derived_of_lane(lane: Lane) -> Vec<u8> {
    key(b'u', &[&lane_byte(lane)])
}

/// Settings that lanes are or were under, by their hash.
#[must_use]
pub fn settings(hash: u64) -> Vec<u8> {
    key(b'w', &[&hash.to_be_bytes()])
}

/// A run of damaged frames that begins with `first`.
#[must_use]
pub fn damaged(first: u64) -> Vec<u8> {
    key(b'y', &[&first.to_be_bytes()])
}

/// The group whose effects are all written.
#[must_use]
pub fn effects_done() -> Vec<u8> {
    key(b'e', &[])
}

/// Timers of a lane, of all hours.
#[must_use]
pub fn timers_of_lane(lane: Lane) -> Vec<u8> {
    key(b't', &[&lane_byte(lane)])
}

fn customer_id(bytes: &[u8]) -> Option<CustomerId> {
    CustomerId::new(std::str::from_utf8(bytes).ok()?).ok()
}
