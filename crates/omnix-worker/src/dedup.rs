//! Which event ids a customer has sent: an event counts once.
//!
//! [`Seen`] holds the ids accepted within the window, as keyed hashes with a fingerprint of the body and the
//! hour of acceptance. Above [`SEEN_MAX`] of a kind the oldest half moves to rows of the store, in the commit
//! that writes the state. A pure data structure: it neither reads nor writes those rows, it says which.
//!
//! Deliberately not here: ids whose events are not applied yet (`group`), and imports, which are named by
//! their file and resume where they were.

use std::hash::Hasher;

use omnix_model::{CustomerId, DecodeError, EventId, Origin, Reader, Timestamp, Writer};
use siphasher::sip::SipHasher13;

use crate::keys;

/// Ids of a kind that stay in the state; one more, and the oldest half moves out.
pub const SEEN_MAX: usize = 32;
/// For how long ids that the server made are kept, in minutes.
pub const SERVER_ID_MINUTES: u32 = 15;
/// Parts of the window after which moved ids are dropped together.
const BUCKETS: u32 = 8;
const MINUTE_MS: i64 = 60_000;

/// The directory's secret under which ids are hashed: who does not know it cannot make two ids collide.
#[derive(Clone, Copy)]
pub struct IdSecret([u8; 16]);

impl IdSecret {
    /// The secret with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// A seed for hashes in memory that nobody outside can foresee.
    pub(crate) fn seed(&self) -> u64 {
        SipHasher13::new_with_key(&self.0).finish()
    }

    /// The hash under which `id` is remembered.
    #[must_use]
    pub fn hash(&self, id: &EventId) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write(id.as_str().as_bytes());
        hasher.finish()
    }
}

impl std::fmt::Debug for IdSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdSecret(..)")
    }
}

/// For how long clients' ids are remembered, by time of acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    hours: u32,
}

impl Window {
    /// The longest window: a year. Hours are stored in 16 bits.
    pub const HOURS_MAX: u32 = 8_784;

    /// A window of `hours`, brought into 1..=[`Self::HOURS_MAX`].
    #[must_use]
    pub const fn hours(hours: u32) -> Self {
        let hours = if hours == 0 { 1 } else { hours };
        Self { hours: if hours > Self::HOURS_MAX { Self::HOURS_MAX } else { hours } }
    }

    const fn bucket_hours(self) -> u32 {
        self.hours.div_ceil(BUCKETS)
    }

    fn bucket_of(self, hour: u32) -> i64 {
        i64::from(hour / self.bucket_hours())
    }

    /// The buckets in which an id accepted within the window before `now` may lie.
    fn live_buckets(self, now: Timestamp) -> std::ops::RangeInclusive<i64> {
        let hour = hour_of(now);
        self.bucket_of(hour.saturating_sub(self.hours))..=self.bucket_of(hour)
    }

    /// The first bucket that is still alive at `now`: all before it can be dropped.
    #[must_use]
    pub fn first_live_bucket(self, now: Timestamp) -> i64 {
        *self.live_buckets(now).start()
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::hours(168)
    }
}

fn hour_of(time: Timestamp) -> u32 {
    u32::try_from(time.hour()).unwrap_or(u32::MAX)
}

fn minute_of(time: Timestamp) -> u32 {
    u32::try_from(time.ms() / MINUTE_MS).unwrap_or(u32::MAX)
}

/// Who made an id, as far as remembering it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    Client,
    Server,
}

/// An id's hash and its body's fingerprint, together with the clock by which it grows old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    hash: u64,
    fingerprint: u32,
    /// Hours since 1970 for a client's id, minutes for one that the server made.
    at: u32,
}

impl Entry {
    fn is_alive(self, maker: Maker, now: Timestamp, window: Window) -> bool {
        match maker {
            Maker::Client => hour_of(now).saturating_sub(self.at) <= window.hours,
            Maker::Server => minute_of(now).saturating_sub(self.at) <= SERVER_ID_MINUTES,
        }
    }

    const fn hour(self, maker: Maker) -> u32 {
        match maker {
            Maker::Client => self.at,
            Maker::Server => self.at / 60,
        }
    }
}

/// What of an event tells it from others: its id's hash and its body's fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The keyed hash of the id.
    pub hash: u64,
    /// The fingerprint of the body.
    pub fingerprint: u32,
}

/// What is known of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The same event came before.
    Same,
    /// Another event came before under this id.
    Other,
}

impl Known {
    /// Compares the fingerprints of the first event and of this one.
    #[must_use]
    pub const fn of(first: u32, this: u32) -> Self {
        if first == this { Self::Same } else { Self::Other }
    }
}

/// An id that moves out of the state, as the row that holds it from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spilled {
    bucket: i64,
    entry: Entry,
    maker: Maker,
}

impl Spilled {
    /// The id of an event that has no state to stay in, accepted at `now`; none where it is not remembered.
    #[must_use]
    pub fn of_anonymous(origin: Origin, mark: Mark, now: Timestamp, window: Window) -> Option<Self> {
        let (maker, at) = maker_of(origin, now)?;
        let entry = Entry { hash: mark.hash, fingerprint: mark.fingerprint, at };
        Some(Self { bucket: window.bucket_of(entry.hour(maker)), entry, maker })
    }

    /// The row's key.
    #[must_use]
    pub fn key(&self, customer: Option<&CustomerId>) -> Vec<u8> {
        keys::spilled(self.bucket, customer_bytes(customer), self.entry.hash)
    }

    /// The row's value: maker, fingerprint, hour or minute of acceptance.
    #[must_use]
    pub fn value(&self) -> Vec<u8> {
        let mut out = Writer::append_to(Vec::with_capacity(9));
        out.u8(u8::from(self.maker == Maker::Server));
        out.fixed32(self.entry.fingerprint);
        out.fixed32(self.entry.at);
        out.into_bytes()
    }
}

/// What a row written by [`Spilled::value`] says of an event with `fingerprint`; nothing when it is too old.
///
/// # Errors
/// [`DecodeError`] when the bytes are no such row.
pub fn read_spilled(
    value: &[u8],
    fingerprint: u32,
    now: Timestamp,
    window: Window,
) -> Result<Option<Known>, DecodeError> {
    let mut reader = Reader::new(value);
    let maker = if reader.flag()? { Maker::Server } else { Maker::Client };
    let first = reader.fixed32()?;
    let entry = Entry { hash: 0, fingerprint: first, at: reader.fixed32()? };
    Ok(entry.is_alive(maker, now, window).then(|| Known::of(first, fingerprint)))
}

/// The keys under which an id of `customer` may have been moved out within the window.
pub fn spilled_keys(
    customer: Option<&CustomerId>,
    hash: u64,
    now: Timestamp,
    window: Window,
) -> impl Iterator<Item = Vec<u8>> {
    // The latest first: retries follow soon.
    window.live_buckets(now).rev().map(move |bucket| keys::spilled(bucket, customer_bytes(customer), hash))
}

fn customer_bytes(customer: Option<&CustomerId>) -> &[u8] {
    customer.map_or(&[], |id| id.as_str().as_bytes())
}

/// Who made an id and when it was accepted, in the unit it grows old by; none where it is not remembered.
fn maker_of(origin: Origin, now: Timestamp) -> Option<(Maker, u32)> {
    match origin {
        Origin::Client => Some((Maker::Client, hour_of(now))),
        Origin::Server => Some((Maker::Server, minute_of(now))),
        Origin::Import | Origin::Derived => None,
    }
}

/// The ids of one customer that were accepted within the window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    clients: Vec<Entry>,
    servers: Vec<Entry>,
    /// The hour of acceptance of the latest id that moved out.
    spilled_until: Option<u32>,
}

impl Seen {
    /// What is known of an id, as far as it stays here.
    #[must_use]
    pub fn find(&self, mark: Mark, now: Timestamp, window: Window) -> Option<Known> {
        let of = |entries: &[Entry], maker| {
            entries
                .iter()
                .rev()
                .find(|entry| entry.hash == mark.hash && entry.is_alive(maker, now, window))
                .map(|entry| Known::of(entry.fingerprint, mark.fingerprint))
        };
        of(&self.clients, Maker::Client).or_else(|| of(&self.servers, Maker::Server))
    }

    /// Whether ids that are still within the window have moved out, so that rows must be asked too.
    #[must_use]
    pub fn has_spilled(&self, now: Timestamp, window: Window) -> bool {
        self.spilled_until.is_some_and(|hour| hour_of(now).saturating_sub(hour) <= window.hours)
    }

    /// Remembers an id accepted at `now`, forgets those out of the window, and gives those that move out.
    pub fn remember(&mut self, origin: Origin, mark: Mark, now: Timestamp, window: Window) -> Vec<Spilled> {
        let Some((maker, at)) = maker_of(origin, now) else { return Vec::new() };
        let entries = match maker {
            Maker::Client => &mut self.clients,
            Maker::Server => &mut self.servers,
        };
        if entries.first().is_some_and(|oldest| !oldest.is_alive(maker, now, window)) {
            entries.retain(|entry| entry.is_alive(maker, now, window));
        }
        entries.push(Entry { hash: mark.hash, fingerprint: mark.fingerprint, at });
        if entries.len() <= SEEN_MAX {
            return Vec::new();
        }
        let moved: Vec<Spilled> = entries
            .drain(..SEEN_MAX / 2)
            .map(|entry| Spilled { bucket: window.bucket_of(entry.hour(maker)), entry, maker })
            .collect();
        self.spilled_until = moved.last().map(|last| last.entry.hour(maker)).max(self.spilled_until);
        moved
    }

    /// How many ids stay here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Whether no id stays here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory beyond the structure itself.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        (self.clients.capacity() + self.servers.capacity()) * size_of::<Entry>()
    }

    /// Appends both lists, 14 bytes an id, and the hour of the latest that moved out (0 for none).
    pub fn encode(&self, out: &mut Writer) {
        encode_entries(&self.clients, out);
        encode_entries(&self.servers, out);
        out.uint(self.spilled_until.map_or(0, |hour| u64::from(hour) + 1));
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no such lists.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let clients = decode_entries(reader)?;
        let servers = decode_entries(reader)?;
        let spilled_until = match reader.uint()? {
            0 => None,
            hour => Some(u32::try_from(hour - 1).or(Err(DecodeError::Invalid("hour")))?),
        };
        Ok(Self { clients, servers, spilled_until })
    }
}

/// A count; unless it is 0, the last time in full; then of each id hash, fingerprint, low 16 bits of the time.
fn encode_entries(entries: &[Entry], out: &mut Writer) {
    out.uint(entries.len() as u64);
    let Some(last) = entries.last() else { return };
    out.uint(u64::from(last.at));
    for entry in entries {
        out.fixed64(entry.hash);
        out.fixed32(entry.fingerprint);
        let [low, high, ..] = entry.at.to_le_bytes();
        out.raw(&[low, high]);
    }
}

fn decode_entries(reader: &mut Reader<'_>) -> Result<Vec<Entry>, DecodeError> {
    let count = reader.count()?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let last = u32::try_from(reader.uint()?).or(Err(DecodeError::Invalid("hour")))?;
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let (hash, fingerprint) = (reader.fixed64()?, reader.fixed32()?);
        let low = u16::from_le_bytes(reader.raw(2)?.first_chunk().copied().ok_or(DecodeError::Truncated)?);
        let age = last.wrapping_sub(u32::from(low)) & 0xffff;
        entries.push(Entry { hash, fingerprint, at: last.saturating_sub(age) });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
