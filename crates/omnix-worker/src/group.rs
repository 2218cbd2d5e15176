//! What one commit of the log collects: records, and who waits for them.
//!
//! A group is *in hand* while it takes records, *in flight* while its block is synced, and then applied. The
//! ids in it are known to the duplicate check from the moment they are taken, and are part of a customer's
//! state only once they are applied: a group whose sync fails leaves nothing behind.

use std::collections::HashMap;

use omnix_model::{
    BlockFull, Clock, EventRecord, Insight, Lane, Record, RecordBlock, RecordBlockWriter, Timestamp,
};
use omnix_storage::Block;
use tokio::sync::oneshot;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use crate::dedup::Known;
use crate::publish::{NewEvent, Receipt, Refusal};
use crate::stream::Permit;

/// What becomes of one event that was handed in.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It was taken, or is known, or nobody can say.
    Receipt(Receipt),
    /// It was not stored.
    Refused(Box<NewEvent>, Refusal),
}

/// An event of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asker {
    /// The request.
    pub(crate) request: usize,
    /// Which of its events.
    pub(crate) index: usize,
}

/// Who waits for the record in a slot.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) asker: Asker,
    pub(crate) slot: u16,
    /// Nothing for the event whose record it is; else what the event that came after it is to it.
    pub(crate) repeat: Option<(Known, Box<NewEvent>)>,
}

/// An event's identity, as hashes of customer and id.
pub(crate) type Identity = (u64, u64);

/// Records that will become one block.
#[derive(Debug)]
pub(crate) struct Group {
    writer: RecordBlockWriter,
    clock: Clock,
    entries: Vec<(Lane, Record)>,
    asks: Vec<Ask>,
    ids: HashMap<Identity, (u16, u32), Xxh3DefaultBuilder>,
    /// The time of the last event, for a block on history's clock.
    last_event_at: Timestamp,
    /// A bit for each lane that it holds a record of.
    lanes: u64,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            writer: RecordBlockWriter::new(Clock::Live),
            clock: Clock::Live,
            entries: Vec::new(),
            asks: Vec::new(),
            ids: HashMap::default(),
            last_event_at: Timestamp::MIN,
            lanes: 0,
        }
    }
}

impl Group {
    /// Whether it takes records of `clock`: a block has one clock.
    pub(crate) fn takes(&self, clock: Clock) -> bool {
        !self.writer.is_full() && (self.entries.is_empty() || self.clock == clock)
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many records it holds.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The lanes that it holds records of, a bit each.
    pub(crate) const fn lanes(&self) -> u64 {
        self.lanes
    }

    /// Bytes of its block so far.
    pub(crate) fn len_bytes(&self) -> usize {
        self.writer.len_bytes()
    }

    /// Lets its block on history's clock be stamped with `until` at the earliest.
    pub(crate) fn extend_until(&mut self, until: Timestamp) {
        self.last_event_at = self.last_event_at.max(until);
    }

    /// Adds a record and answers its slot.
    ///
    /// # Errors
    /// [`BlockFull`] when it takes no further one: nothing was added.
    pub(crate) fn push(&mut self, lane: Lane, record: Record, clock: Clock) -> Result<u16, BlockFull> {
        if self.entries.is_empty() {
            self.clock = clock;
            self.writer.restart(clock);
        }
        let slot = self.writer.push(lane, &record)?;
        if let Record::Event(event) = &record {
            self.last_event_at = self.last_event_at.max(event.event.timestamp());
        }
        self.lanes |= 1 << lane.number();
        self.entries.push((lane, record));
        Ok(slot)
    }

    /// Notes that the event in `slot` has this identity.
    pub(crate) fn note_id(&mut self, identity: Identity, slot: u16, fingerprint: u32) {
        self.ids.insert(identity, (slot, fingerprint));
    }

    /// The slot of the event with this identity, and what another one under it is to it.
    pub(crate) fn find(&self, identity: Identity, fingerprint: u32) -> Option<(u16, Known)> {
        let (slot, first) = *self.ids.get(&identity)?;
        Some((slot, Known::of(first, fingerprint)))
    }

    /// Notes who waits.
    pub(crate) fn ask(&mut self, ask: Ask) {
        self.asks.push(ask);
    }

    /// The block to append, stamped with `now` on the live clock and with the time of its last event on
    /// history's. The group keeps the records.
    pub(crate) fn seal(&mut self, now: Timestamp) -> Block {
        let now = if self.clock == Clock::History && self.last_event_at > Timestamp::MIN {
            self.last_event_at
        } else {
            now
        };
        let count = self.writer.count();
        let lane = self.entries.first().map_or(Lane::FIRST, |(lane, _)| *lane);
        Block { lane, count, now, payload: self.writer.take(now) }
    }

    /// Begins the next group, in the memory of this one's block, which is sealed.
    pub(crate) fn next(&mut self) -> Self {
        let fresh = RecordBlockWriter::new(self.clock);
        let entries = Vec::with_capacity(self.entries.len());
        Self { writer: std::mem::replace(&mut self.writer, fresh), entries, ..Self::default() }
    }

    /// The records as they stand in the block stamped with `now`, and who waits for them.
    pub(crate) fn into_block(self, now: Timestamp) -> (RecordBlock, Vec<Ask>) {
        (RecordBlock { now, clock: self.clock, entries: self.entries }, self.asks)
    }

    /// The records and who waits for them, of a group that was not stored.
    pub(crate) fn into_parts(self) -> (Vec<(Lane, Record)>, Vec<Ask>) {
        (self.entries, self.asks)
    }
}

/// The event as it was handed in.
pub(crate) fn hand_back(record: EventRecord) -> NewEvent {
    NewEvent {
        event: record.event,
        event_id: record.event_id,
        origin: record.origin,
        fingerprint: record.fingerprint,
        anonymous: record.anonymous,
    }
}

/// What became of the record in one slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// What the event caused.
    pub(crate) insights: Vec<Insight>,
}

/// Requests whose events are not all answered.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    slots: Vec<Option<Request>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Request {
    answers: Vec<Option<Answer>>,
    left: usize,
    reply: oneshot::Sender<Vec<Answer>>,
    accepted_us: u64,
    _permit: Option<Permit>,
}

impl Requests {
    /// Notes a request of `count` events.
    pub(crate) fn open(
        &mut self,
        count: usize,
        reply: oneshot::Sender<Vec<Answer>>,
        accepted_us: u64,
        permit: Option<Permit>,
    ) -> usize {
        let answers = std::iter::repeat_with(|| None).take(count).collect();
        let request = Some(Request { answers, left: count, reply, accepted_us, _permit: permit });
        match self.free.pop() {
            Some(key) => {
                if let Some(slot) = self.slots.get_mut(key) {
                    *slot = request;
                }
                key
            }
            None => {
                self.slots.push(request);
                self.slots.len() - 1
            }
        }
    }

    /// When the request was accepted, by the clock's ticks.
    pub(crate) fn accepted_us(&self, key: usize) -> Option<u64> {
        self.slots.get(key).and_then(Option::as_ref).map(|request| request.accepted_us)
    }

    /// Answers one event of a request; with the last one the request is answered.
    pub(crate) fn answer(&mut self, asker: Asker, answer: Answer) {
        let Some(slot) = self.slots.get_mut(asker.request) else { return };
        let Some(request) = slot.as_mut() else { return };
        if let Some(place @ None) = request.answers.get_mut(asker.index) {
            *place = Some(answer);
            request.left -= 1;
        }
        if request.left == 0
            && let Some(request) = slot.take()
        {
            self.free.push(asker.request);
            // Whoever asked may have gone away: the events are stored all the same.
            let _gone = request.reply.send(request.answers.into_iter().flatten().collect());
        }
    }
}
