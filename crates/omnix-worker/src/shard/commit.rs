//! Steps 5 and 6: write the states and what follows from them, and answer.
//!
//! Where the store writes a commit as a whole, and may fall back to an earlier one, a commit serves readers
//! and nobody else: what makes an event durable is the log. So groups are gathered and committed together,
//! when they have become many, or old, or as soon as somebody reads: the counts of the hour, the place of a
//! lane and the state of a customer who buys several things are then written once, and not for every group.
//!
//! On a store without transactions a group that was written in part is applied again. Its effects come first,
//! and behind them a row says that they are complete; from then on the group's effects are not written again,
//! only the states that are missing. Pages of a customer alternate between two rows, and the head says which
//! of them counts, so that pages written before the head change nothing until the head is.

use std::collections::BTreeMap;
use std::time::Duration;

use omnix_model::{Position, Reader, Record, RecordBlock, Writer};
use omnix_storage::{Atomicity, Commit, CommitError, Write};

use super::apply::{Between, Step};
use super::{Phase, Shard, ShardError};
use crate::group::{Answer, Ask, Outcome};
use crate::hot::Place;
use crate::lane::LaneState;
use crate::publish::{Receipt, Stored};
use crate::shell::read_position;
use crate::timers::RowChange;
use crate::{keys, observed, state_row};

/// How long to wait for the store's background work before trying again.
const BEHIND_WAIT: Duration = Duration::from_millis(2);

/// How much is gathered before it is committed.
struct Bounds {
    records: usize,
    /// Bytes of states taken into memory, which may have to stay, and of rows.
    bytes: usize,
    age_us: u64,
}

/// Where somebody waits for an answer: a commit takes the shard's time, about 10 us a record.
const LIVE: Bounds = Bounds { records: 1_024, bytes: 4 << 20, age_us: 1_000_000 };
/// In history, and when the log is applied again after a start: nobody waits. A crash applies it once more,
/// which takes less than a second.
const UNATTENDED: Bounds = Bounds { records: 65_536, bytes: 24 << 20, age_us: u64::MAX };
/// About the bytes of a row that adds up, in memory.
const COUNTED_ROW_BYTES: usize = 4 << 10;

/// Groups that are applied and not committed.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The last record of the last of them.
    until: Option<Position>,
    records: usize,
    /// When the first of them was applied, by the clock's ticks.
    since_us: u64,
    /// Bytes of their effects.
    pub(super) effect_bytes: usize,
    /// Rows of theirs that are looked up before they are committed, or removed again.
    pub(super) early: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// A group whose effects are all written, and the rows that it removes last.
#[derive(Debug)]
pub(super) struct HalfDone {
    at: Position,
    removed: Vec<Vec<u8>>,
}

impl HalfDone {
    pub(super) fn is_block(&self, at: Position) -> bool {
        self.at.log == at.log && self.at.frame == at.frame
    }

    pub(super) fn is_after(&self, checkpoint: Position) -> bool {
        self.at > checkpoint
    }

    fn encode(at: Position, removed: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Writer::new();
        out.raw(&at.to_bytes());
        out.uint(removed.len() as u64);
        removed.iter().for_each(|key| out.bytes(key));
        out.into_bytes()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ShardError> {
        let read = |reader: &mut Reader<'_>| {
            let at = read_position(reader)?;
            let count = reader.count()?;
            let removed = (0..count).map(|_| Ok(reader.bytes()?.to_vec())).collect::<Result<_, _>>()?;
            Ok(Self { at, removed })
        };
        read(&mut Reader::new(bytes)).map_err(|error: omnix_model::DecodeError| {
            ShardError::Unfit(format!("a group's effects: {error}"))
        })
    }
}

/// The rows of what was observed in a lane since the last commit; now and then the whole tally, and the rows
/// before it go.
fn observed_rows(lane: &mut LaneState, until: Position, removed: &mut Vec<Vec<u8>>) -> Vec<Write> {
    let mut writes = Vec::new();
    for (epoch, at, observed) in std::mem::take(&mut lane.observed_before) {
        let key = keys::observed(lane.lane, epoch, at);
        lane.observed_rows.push((epoch, key.clone()));
        writes.push(Write::Put { key, value: observed::encode(&observed) });
    }
    writes.extend(observed_row(lane, until, removed));
    writes
}

fn observed_row(lane: &mut LaneState, until: Position, removed: &mut Vec<Vec<u8>>) -> Option<Write> {
    let observed = std::mem::take(&mut lane.observed);
    if observed.is_empty() {
        return None;
    }
    let epoch = lane.row.epoch;
    let key = keys::observed(lane.lane, epoch, until);
    let before = lane.observed_rows.partition_point(|(of, _)| *of < epoch);
    let value = if lane.observed_rows.len() - before < observed::ROWS_MAX {
        observed::encode(&observed)
    } else {
        removed.extend(lane.observed_rows.drain(before..).map(|(_, key)| key));
        observed::encode_tally(&lane.tally)
    };
    lane.observed_rows.push((epoch, key.clone()));
    Some(Write::Put { key, value })
}

impl Shard {
    /// Applies and commits the group that was synced last, and answers it; does `between` now and then.
    pub(crate) fn apply_synced(&mut self, between: &mut Between<'_>) -> Result<(), ShardError> {
        let Some((in_flight, position)) = self.synced.take() else { return Ok(()) };
        let began_us = self.context.clock.ticks_us();
        self.context.progress.set_pending_since(Some(in_flight.now));
        let (block, asks) = in_flight.group.into_block(in_flight.now);
        let outcomes = self.apply_block(position, &block, between)?;
        self.commit(position, &block)?;
        self.answer(position, &block, asks, outcomes);
        self.answer_judges();
        self.broadcast();
        self.context.progress.set_pending_since(None);
        self.context.counters.commit.note_us(self.context.clock.ticks_us().saturating_sub(began_us));
        Ok(())
    }

    /// Notes what the block at `position` changed, and commits it unless it may wait for others.
    pub(super) fn commit(&mut self, position: Position, block: &RecordBlock) -> Result<(), ShardError> {
        let last = u16::try_from(block.entries.len().saturating_sub(1)).unwrap_or(u16::MAX);
        let until = Position { slot: last, ..position };
        if self.gathered.until.replace(until).is_none() {
            self.gathered.since_us = self.context.clock.ticks_us();
        }
        self.gathered.records += block.entries.len();
        if let Some((lane, _)) = block.entries.first() {
            let lane = self.lane_index(*lane)?;
            let now = self.lane_mut(lane)?.row.now;
            let is_history = block.clock == omnix_model::Clock::History;
            let moment = omnix_engine::Moment { now, is_history };
            self.count_latencies(Step { at: until, lane, moment })?;
        }
        self.context.progress.set_checkpoint(until);
        if self.gathers() && !self.is_much_gathered() {
            self.context.progress.set_uncommitted(true);
        } else {
            self.commit_gathered()?;
        }
        self.tell_trainer();
        self.note_import_applied()
    }

    /// Whether groups are committed several at once. A store that writes row by row speaks for one at a time,
    /// and each of its commits is durable.
    fn gathers(&self) -> bool {
        self.context.atomicity == Atomicity::Commit
    }

    fn bounds(&self) -> &'static Bounds {
        if self.context.is_history || self.phase != Phase::Live { &UNATTENDED } else { &LIVE }
    }

    fn is_much_gathered(&self) -> bool {
        let bounds = self.bounds();
        let states = (self.hot.bytes() as u64).saturating_sub(self.hot_bytes);
        let bytes = self.gathered.effect_bytes + self.books.len() * COUNTED_ROW_BYTES;
        self.gathered.records >= bounds.records || states + bytes as u64 > bounds.bytes as u64
    }

    /// How long what is gathered may still wait; none when nothing is gathered.
    pub(crate) fn commit_in(&self) -> Option<Duration> {
        self.gathered.until?;
        let age_us = self.context.clock.ticks_us().saturating_sub(self.gathered.since_us);
        Some(Duration::from_micros(self.bounds().age_us.saturating_sub(age_us)))
    }

    /// Commits what the groups applied since the last commit changed.
    pub(crate) fn commit_gathered(&mut self) -> Result<(), ShardError> {
        let Some(until) = self.gathered.until else { return Ok(()) };
        let commit = self.build_commit(until)?;
        self.write(&commit)?;
        self.gathered = Gathered::default();
        self.end_commit(until);
        Ok(())
    }

    /// Commits what has been gathered for long enough, and what waits for a group where none is under way.
    pub(crate) fn commit_waiting(&mut self) -> Result<(), ShardError> {
        if self.commit_in() == Some(Duration::ZERO) {
            self.commit_gathered()?;
        }
        let is_busy = self.has_hand() || !self.in_flight_is_none();
        if is_busy || (self.later.is_empty() && self.intake.rejected.is_empty()) {
            return Ok(());
        }
        self.commit_gathered()?;
        self.keep_rejected();
        let effects = std::mem::take(&mut self.later);
        self.write(&Commit { effects, checkpoint: self.checkpoint, ..Commit::default() })
    }

    fn build_commit(&mut self, until: Position) -> Result<Commit, ShardError> {
        let mut effects = std::mem::take(&mut self.effects);
        let early = std::mem::take(&mut self.gathered.early);
        effects.extend(early.into_iter().map(|(key, value)| Write::Put { key, value }));
        let mut last = Vec::new();
        let mut removed = Vec::new();
        let skips = self.skips_effects;
        for lane in &mut self.lanes {
            let observed = observed_rows(lane, until, &mut removed);
            if !skips {
                effects.extend(observed);
            }
            for (hour, customer, change) in lane.timers.take_changes() {
                let key = keys::timer(lane.lane, hour, &customer);
                match change {
                    RowChange::Set if !skips => effects.push(Write::Put { key, value: Vec::new() }),
                    RowChange::Set => {}
                    RowChange::Remove => removed.push(key),
                }
            }
            if std::mem::take(&mut lane.is_dirty) {
                last.push(Write::Put { key: keys::lane(lane.lane), value: lane.row.encode() });
            }
        }
        effects.extend(self.books.sales.take_writes(until));
        effects.extend(self.books.hours.take_writes(until));
        effects.extend(self.books.minutes.take_writes(until));
        effects.extend(self.books.census.take_writes(until));
        let mut states = Vec::with_capacity(self.dirty.len());
        for place in std::mem::take(&mut self.dirty) {
            states.extend(self.state_writes(place)?);
        }
        match self.context.atomicity {
            Atomicity::Commit => {
                effects.extend(removed.into_iter().map(|key| Write::Delete { key }));
            }
            Atomicity::Row => {
                if skips {
                    removed.extend(self.half_done.take().into_iter().flat_map(|half| half.removed));
                } else {
                    let value = HalfDone::encode(until, &removed);
                    effects.push(Write::Put { key: keys::effects_done(), value });
                }
                last.extend(removed.into_iter().map(|key| Write::Delete { key }));
            }
        }
        Ok(Commit { effects, states, last, checkpoint: until })
    }

    /// The rows of one customer: pages first, the head last.
    fn state_writes(&mut self, place: Place) -> Result<Option<Vec<Write>>, ShardError> {
        let alternates = self.context.atomicity == Atomicity::Row;
        let reader = std::sync::Arc::clone(&self.reader);
        let Some(held) = self.hot.get_mut(place) else { return Ok(None) };
        held.is_dirty = false;
        let parts = held.customer.as_ref().map(omnix_engine::Customer::touched).unwrap_or_default();
        let mut writes = Vec::with_capacity(parts.len() + 1);
        let mut head = None;
        for part in parts {
            if part.number == 0 {
                head = Some(part.bytes);
                continue;
            }
            let row = if alternates { held.shell.flip_page(part.number) } else { part.number };
            writes.push(Write::Put { key: keys::state_part(held.lane, &held.id, row), value: part.bytes });
        }
        let key = keys::state_part(held.lane, &held.id, 0);
        let head = match head {
            Some(head) => head,
            // Only the shell's part changed: the engine's stays as it is written.
            None => match reader.get(&key)? {
                Some(row) => state_row::split(&row)
                    .map(|(_, head)| head.to_vec())
                    .map_err(|error| ShardError::Unfit(format!("a customer's head: {error}")))?,
                None => Vec::new(),
            },
        };
        writes.push(Write::Put { key, value: state_row::join(&held.shell.encode(), &head) });
        if let Some(customer) = &mut held.customer {
            customer.mark_clean();
        }
        self.hot.remeasure(place);
        Ok(Some(writes))
    }

    /// Writes the commit; waits while the store is behind with its background work.
    fn write(&mut self, commit: &Commit) -> Result<(), ShardError> {
        let mut is_held = false;
        loop {
            match self.store.commit(commit) {
                Ok(()) => break,
                Err(CommitError::Behind) => {
                    if !std::mem::replace(&mut is_held, true) {
                        self.context.counters.held_commits.add(1);
                    }
                    let _tick = crossbeam_channel::after(BEHIND_WAIT).recv();
                }
                Err(error @ (CommitError::Overtaken | CommitError::Failed(_))) => {
                    return Err(ShardError::Commit(error));
                }
            }
        }
        self.context.counters.commits.add(1);
        Ok(())
    }

    fn end_commit(&mut self, until: Position) {
        self.checkpoint = until;
        self.skips_effects = false;
        self.half_done = None;
        self.context.progress.set_uncommitted(false);
        let now = self.now();
        self.hot.shrink(now);
        let bytes = self.hot.bytes() as u64;
        let before = std::mem::replace(&mut self.hot_bytes, bytes);
        self.context.counters.hot_bytes.add(bytes.saturating_sub(before));
        self.context.counters.hot_bytes.sub(before.saturating_sub(bytes));
        self.note_models(until);
    }

    /// Notes which models a crash would still ask for.
    pub(super) fn note_models(&mut self, until: Position) {
        let in_force = self.model_in_force();
        if self.unpersisted_models.back().is_none_or(|(number, _)| *number < in_force) {
            self.unpersisted_models.push_back((in_force, until));
        }
        let Some(persisted) = self.store.persisted() else { return };
        while let Some(&(number, _)) = self.unpersisted_models.front().filter(|(_, at)| *at <= persisted) {
            self.context.progress.set_persisted_model(number);
            self.unpersisted_models.pop_front();
        }
    }

    fn answer(&mut self, position: Position, block: &RecordBlock, asks: Vec<Ask>, outcomes: Vec<Outcome>) {
        let now_us = self.context.clock.ticks_us();
        let mut outcomes: Vec<Option<Outcome>> = outcomes.into_iter().map(Some).collect();
        for Ask { asker, slot, repeat } in asks {
            let at = Position { slot, ..position };
            let receipt = match repeat {
                Some((known, event)) => self.receipt_of_repeat(&event, known, at),
                None => {
                    let Some((_, Record::Event(event))) = block.entries.get(usize::from(slot)) else {
                        continue;
                    };
                    let outcome = outcomes.get_mut(usize::from(slot)).and_then(Option::take);
                    Receipt::Stored(Box::new(Stored {
                        event_id: event.event_id.clone(),
                        shard: self.context.shard,
                        position: at,
                        duplicate: Some(false),
                        insights: outcome.unwrap_or_default().insights,
                    }))
                }
            };
            if let Some(accepted_us) = self.requests.accepted_us(asker.request) {
                let us = now_us.saturating_sub(accepted_us);
                self.context.counters.acknowledge.note_us(us);
                self.latencies_us.push(us);
            }
            self.requests.answer(asker, Answer::Receipt(receipt));
        }
    }
}
