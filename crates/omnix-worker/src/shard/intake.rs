//! Steps 1 to 3: take what has arrived, drop duplicates, give one block to append.

use std::collections::VecDeque;

use omnix_model::{BlockFull, Clock, CustomerId, EventRecord, Lane, Origin, Position, Record, RejectedEvent};
use omnix_storage::{AppendError, Block};
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

use super::{InFlight, Shard, ShardError};
use crate::dedup::{Known, Mark, read_spilled, spilled_keys};
use crate::group::{Answer, Ask, Asker, Identity, hand_back};
use crate::history::ImportItem;
use crate::publish::{NewEvent, Receipt, Refusal, Stored};
use crate::stream::Permit;

/// What has arrived and waits to be checked.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    pub(super) jobs: VecDeque<Job>,
    pub(crate) items: VecDeque<ImportItem>,
    pub(super) rejected: VecDeque<RejectedEvent>,
}

/// The events of a request that are not taken yet.
#[derive(Debug)]
pub(super) struct Job {
    events: std::vec::IntoIter<NewEvent>,
    next: Asker,
}

/// What an event is, to the duplicate check.
struct Candidate {
    lane: Lane,
    identity: Identity,
    fingerprint: u32,
}

impl Shard {
    /// Takes the events of one request; they are answered together.
    pub(crate) fn accept(
        &mut self,
        events: Vec<NewEvent>,
        reply: oneshot::Sender<Vec<Answer>>,
        accepted_us: u64,
        permit: Option<Permit>,
    ) {
        if self.is_log_damaged {
            let refuse = |event| Answer::Refused(Box::new(event), Refusal::LogDamaged);
            let _gone = reply.send(events.into_iter().map(refuse).collect());
            return;
        }
        let request = self.requests.open(events.len(), reply, accepted_us, permit);
        self.intake.jobs.push_back(Job { events: events.into_iter(), next: Asker { request, index: 0 } });
    }

    /// Takes a rejected event; it is written with the next commit.
    pub(crate) fn accept_rejected(&mut self, event: RejectedEvent) {
        self.intake.rejected.push_back(event);
    }

    /// Whether something waits to be put in hand.
    pub(crate) fn has_backlog(&self) -> bool {
        !self.intake.jobs.is_empty() || !self.intake.items.is_empty() || !self.control.is_empty()
    }

    /// Whether the group in hand takes no further event.
    pub(crate) fn is_hand_full(&self) -> bool {
        !self.hand.takes(self.control_clock())
    }

    /// Checks what has arrived and puts what is new in hand, as far as there is room.
    pub(crate) fn fill(&mut self) -> Result<(), ShardError> {
        self.fill_control()?;
        while self.control.is_empty() && self.hand.takes(Clock::Live) {
            let next = self.intake.jobs.front().and_then(|job| job.events.as_slice().first());
            if let Some(lane) = next.map(lane_of)
                && !self.has_time_for(lane)?
            {
                break;
            }
            let Some(job) = self.intake.jobs.front_mut() else { break };
            let asker = job.next;
            match job.events.next() {
                Some(event) => {
                    job.next.index += 1;
                    self.take(event, asker)?;
                }
                None => {
                    self.intake.jobs.pop_front();
                }
            }
        }
        self.fill_import()
    }

    fn take(&mut self, event: NewEvent, asker: Asker) -> Result<(), ShardError> {
        let candidate = self.candidate(&event);
        if let Some(event) = self.join_unapplied(event, &candidate, asker) {
            let known = match event.origin {
                Origin::Client => self.find_applied(&event, &candidate)?,
                Origin::Server | Origin::Import | Origin::Derived => None,
            };
            match known {
                Some((known, position)) => self.answer_known(&event, known, position, asker),
                None => self.put_in_hand(event, &candidate, asker),
            }
        }
        Ok(())
    }

    fn candidate(&self, new: &NewEvent) -> Candidate {
        let customer = new.event.customer().map_or("", CustomerId::as_str);
        let id_hash = self.context.secret.hash(&new.event_id);
        let lane = lane_of(new);
        Candidate { lane, identity: (xxh3_64(customer.as_bytes()), id_hash), fingerprint: new.fingerprint }
    }

    /// Lets a repeat of an event in hand or in flight wait for that event; gives back one that is none.
    fn join_unapplied(&mut self, event: NewEvent, candidate: &Candidate, asker: Asker) -> Option<NewEvent> {
        let in_flight = self.in_flight.as_mut().map(|in_flight| &mut in_flight.group);
        let synced = self.synced.as_mut().map(|(in_flight, _)| &mut in_flight.group);
        for group in [Some(&mut self.hand), in_flight, synced].into_iter().flatten() {
            if let Some((slot, known)) = group.find(candidate.identity, candidate.fingerprint) {
                group.ask(Ask { asker, slot, repeat: Some((known, Box::new(event))) });
                return None;
            }
        }
        Some(event)
    }

    /// What is known of an event that was applied within the window, and a position for the answer.
    fn find_applied(
        &mut self,
        new: &NewEvent,
        candidate: &Candidate,
    ) -> Result<Option<(Known, Position)>, ShardError> {
        let (now, window) = (self.now(), self.context.window);
        self.present = now;
        let (_, id_hash) = candidate.identity;
        let customer = new.event.customer().filter(|_| !new.anonymous);
        let mut position = self.checkpoint;
        if let Some(customer) = customer {
            let place = self.customer(candidate.lane, customer)?;
            let Some(held) = self.hot.get(place) else { return Ok(None) };
            position = held.shell.position;
            let seen = &held.shell.seen;
            let mark = Mark { hash: id_hash, fingerprint: candidate.fingerprint };
            if let Some(known) = seen.find(mark, now, window) {
                return Ok(Some((known, position)));
            }
            if !seen.has_spilled(now, window) {
                return Ok(None);
            }
        }
        for key in spilled_keys(new.event.customer(), id_hash, now, window) {
            let Some(row) = self.early_row(&key)? else { continue };
            let known = read_spilled(&row, candidate.fingerprint, now, window)
                .map_err(|error| ShardError::Unfit(format!("a spilled id: {error}")))?;
            if let Some(known) = known {
                return Ok(Some((known, position)));
            }
        }
        Ok(None)
    }

    fn put_in_hand(&mut self, new: NewEvent, candidate: &Candidate, asker: Asker) {
        let Candidate { lane, identity, fingerprint } = *candidate;
        let record = EventRecord {
            event_id: new.event_id,
            origin: new.origin,
            fingerprint,
            anonymous: new.anonymous,
            event: new.event,
        };
        match self.hand.push(lane, Record::Event(Box::new(record)), Clock::Live) {
            Ok(slot) => {
                self.hand.note_id(identity, slot, fingerprint);
                self.hand.ask(Ask { asker, slot, repeat: None });
            }
            // `fill` asks before it takes an event.
            Err(BlockFull) => debug_assert!(false, "the group in hand has room"),
        }
    }

    fn answer_known(&mut self, event: &NewEvent, known: Known, position: Position, asker: Asker) {
        let receipt = self.receipt_of_repeat(event, known, position);
        self.requests.answer(asker, Answer::Receipt(receipt));
    }

    pub(super) fn receipt_of_repeat(&self, event: &NewEvent, known: Known, position: Position) -> Receipt {
        let counters = &self.context.counters;
        let event_id = event.event_id.clone();
        match known {
            Known::Same => {
                counters.duplicates.add(1);
                Receipt::Stored(Box::new(Stored {
                    event_id,
                    shard: self.context.shard,
                    position,
                    duplicate: Some(true),
                    insights: Vec::new(),
                }))
            }
            Known::Other => {
                counters.conflicts.add(1);
                Receipt::Conflict { event_id }
            }
        }
    }

    /// Gives the block of the group in hand: from now on it is in flight.
    pub(crate) fn seal(&mut self) -> Option<Block> {
        if self.hand.is_empty() || self.in_flight.is_some() {
            return None;
        }
        self.end_import_block();
        let now = self.now();
        let block = self.hand.seal(now);
        let next = self.hand.next();
        let group = std::mem::replace(&mut self.hand, next);
        self.last_now = self.last_now.max(block.now);
        let counters = &self.context.counters;
        counters.blocks.add(1);
        counters.block_bytes.add(block.payload.len() as u64);
        let sealed_us = self.context.clock.ticks_us();
        self.in_flight = Some(InFlight { group, now: block.now, sealed_us });
        Some(block)
    }

    /// Takes the log's answer to the block in flight.
    ///
    /// # Errors
    /// [`ShardError::Sync`] when nobody knows whether the block is stored: the shard must not go on.
    pub(crate) fn synced(&mut self, answer: Result<Position, AppendError>) -> Result<(), ShardError> {
        let Some(in_flight) = self.in_flight.take() else { return Ok(()) };
        let elapsed = self.context.clock.ticks_us().saturating_sub(in_flight.sealed_us);
        self.context.counters.append.note_us(elapsed);
        match answer {
            Ok(position) => {
                debug_assert!(self.synced.is_none(), "a group is applied before the next is synced");
                self.context.progress.set_latest(position);
                self.synced = Some((in_flight, position));
                Ok(())
            }
            Err(AppendError::Full) => {
                self.hand_back(in_flight, Refusal::DiskFull);
                Ok(())
            }
            Err(AppendError::Refused(why)) => {
                tracing::warn!(shard = self.context.shard.0, why, "the log takes nothing");
                self.hand_back(in_flight, Refusal::Unavailable);
                Ok(())
            }
            Err(AppendError::Unknown(why)) => {
                self.answer_unknown(in_flight);
                Err(ShardError::Sync(why))
            }
        }
    }

    /// Nothing of the group was stored: its events go back to those who sent them, our own records wait.
    fn hand_back(&mut self, in_flight: InFlight, refusal: Refusal) {
        let (entries, asks) = in_flight.group.into_parts();
        let mut events = std::collections::BTreeMap::new();
        let mut waiting = Vec::new();
        for (slot, (lane, record)) in (0_u16..).zip(entries) {
            match record {
                Record::Event(record) if is_handed_in(record.origin) => {
                    events.insert(slot, hand_back(*record));
                }
                // A tick that is late says nothing; the lane is looked at again.
                Record::Tick => {}
                Record::Judgement(judgement) => self.judges.refuse(judgement.insight, refusal),
                other => waiting.push((lane, other)),
            }
        }
        waiting.into_iter().rev().for_each(|entry| self.control.push_front(entry));
        for ask in asks {
            let event = ask.repeat.map(|(_, event)| event).or_else(|| events.remove(&ask.slot).map(Box::new));
            if let Some(event) = event {
                self.context.counters.refused.add(1);
                self.requests.answer(ask.asker, Answer::Refused(event, refusal));
            }
        }
    }

    fn answer_unknown(&mut self, in_flight: InFlight) {
        let (entries, asks) = in_flight.group.into_parts();
        for ask in asks {
            let event_id = match (ask.repeat, entries.get(usize::from(ask.slot))) {
                (Some((_, event)), _) => event.event_id,
                (None, Some((_, Record::Event(record)))) => record.event_id.clone(),
                (None, _) => continue,
            };
            self.requests.answer(ask.asker, Answer::Receipt(Receipt::Unknown { event_id }));
        }
    }
}

/// Whether somebody outside waits for events of this origin.
const fn is_handed_in(origin: Origin) -> bool {
    match origin {
        Origin::Client | Origin::Server => true,
        Origin::Import | Origin::Derived => false,
    }
}

/// The lane in which an event stands.
pub(crate) fn lane_of(new: &NewEvent) -> Lane {
    match new.event.customer().filter(|_| !new.anonymous) {
        Some(customer) => Lane::of(customer),
        None => Lane::of_anonymous(&new.event_id),
    }
}
