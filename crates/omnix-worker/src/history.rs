//! History: events of a file, in its order, on history's clock.
//!
//! A day of event time is an epoch: at the change of day every lane ends the epoch, and at the same place the
//! model that learnt from the days before it comes into force. So nobody waits for the trainer: the next model
//! is learnt while the next day is applied, and only the end of that day needs it. What is taken of a file stands
//! in the log, in the block of the last event taken, so that an import goes on exactly where it was, and a
//! file that was imported adds nothing. Ends of days are counted with the events: a shard that was killed before
//! one ends that day when the import goes on, and no earlier.

use omnix_model::{Clock, Lane, Origin, Record, Timestamp};
use omnix_model::{EventRecord, limits};
use tokio::sync::oneshot;

use crate::publish::NewEvent;
use crate::shard::{Shard, ShardError, lane_of};

/// Events of a chunk at the most: what is sent to a shard at once.
pub(crate) const CHUNK_EVENTS: usize = 1_024;
/// For how long after the last event time goes on, so that what waits for it falls due.
pub(crate) const TAIL_MS: i64 = 10 * 60 * 1_000;
/// Bytes at which a block of an import takes no further event: the record of progress still fits behind it.
const BLOCK_BYTES: usize = limits::BLOCK_BYTES_MAX - limits::EVENT_BYTES_MAX - (16 << 10);

/// Records of a day's end, at the most: in each lane the end of the epoch, and a model.
const DAY_END_RECORDS: usize = 2 * limits::LANES;
const _: () = assert!(DAY_END_RECORDS < limits::BLOCK_EVENTS_MAX, "a day ends in one block");

/// What a shard is told of an import, in the order of the file.
#[derive(Debug)]
pub(crate) enum ImportItem {
    /// Events of this shard, each with its number among the file's events and ends of days.
    Events { file: u128, events: std::vec::IntoIter<(u64, NewEvent)> },
    /// The day is over: the epoch ends, and the next begins with the next model. It has its number like an event,
    /// unless it is no day of this file that is over.
    DayEnd { file: u128, number: Option<u64> },
    /// The file is over: time goes on to `until`. With it all `taken` events and ends of days are.
    End { file: u128, taken: u64, until: Timestamp, done: oneshot::Sender<()> },
}

/// How far a shard's import is.
#[derive(Debug)]
pub(crate) struct Import {
    /// The file, and how many of its events and ends of days are taken with the group in hand.
    taken: Option<(u128, u64)>,
    /// Whether the group in hand holds anything of it, and whether a day ends in it.
    is_in_hand: bool,
    ends_day: bool,
    /// The epoch that the next end of a day ends.
    epoch: u64,
    /// Who waits for the end, once the group in hand is applied.
    ending: Option<oneshot::Sender<()>>,
}

impl Import {
    const fn new(epoch: u64) -> Self {
        Self { taken: None, is_in_hand: false, ends_day: false, epoch, ending: None }
    }
}

impl Shard {
    /// Takes a piece of an import.
    pub(crate) fn accept_import(&mut self, item: ImportItem) {
        let epoch = self.epoch();
        self.import.get_or_insert_with(|| Import::new(epoch));
        self.intake.items.push_back(item);
    }

    /// Leaves what waits of an import to the next run.
    pub(crate) fn break_off_import(&mut self) {
        self.intake.items.clear();
    }

    /// Whether pieces of an import wait.
    pub(crate) fn import_backlog(&self) -> usize {
        self.intake.items.len()
    }

    /// Whether the group in hand should wait for what comes next of an import: a group is a sync. What follows from
    /// its events, moves of customers, is waited for by nobody and goes with the day that is next. The end of a day
    /// never waits: the trainer does not learn without it, and other shards may have filled the importer's queue.
    pub(crate) fn awaits_import(&self) -> bool {
        let is_awaited = |import: &&Import| import.ends_day || import.ending.is_some();
        let Some(import) = self.import.as_ref().filter(|import| !is_awaited(import)) else { return false };
        let may_grow = self.intake.items.is_empty() || !import.is_in_hand;
        may_grow && self.has_room_for(DAY_END_RECORDS)
    }

    /// Puts events of an import in hand, as far as there is room.
    pub(crate) fn fill_import(&mut self) -> Result<(), ShardError> {
        while self.control.is_empty() {
            if self.import.is_none() {
                return Ok(());
            }
            let Some(item) = self.intake.items.pop_front() else { return Ok(()) };
            match item {
                ImportItem::Events { file, events } => {
                    if let Some(rest) = self.take_chunk(file, events) {
                        self.intake.items.push_front(ImportItem::Events { file, events: rest });
                        return Ok(());
                    }
                }
                ImportItem::DayEnd { file, number } => {
                    if !self.end_day() {
                        self.intake.items.push_front(ImportItem::DayEnd { file, number });
                        return Ok(());
                    }
                    // In the same block as the day that follows: a block is a sync.
                    self.fill_control()?;
                    if let Some(import) = &mut self.import {
                        (import.is_in_hand, import.ends_day) = (true, true);
                        import.taken = number.map(|number| (file, number + 1)).or(import.taken);
                    }
                }
                ImportItem::End { file, taken, until, done } => {
                    if !self.hand.takes(Clock::History) || !self.end_file(file, taken, until) {
                        self.intake.items.push_front(ImportItem::End { file, taken, until, done });
                        return Ok(());
                    }
                    if let Some(import) = &mut self.import {
                        import.ending = Some(done);
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts events in hand; gives back those for which there is no room.
    fn take_chunk(
        &mut self,
        file: u128,
        mut events: std::vec::IntoIter<(u64, NewEvent)>,
    ) -> Option<std::vec::IntoIter<(u64, NewEvent)>> {
        while !events.as_slice().is_empty() {
            if !self.has_room_for(1) || !self.hand.takes(Clock::History) {
                return Some(events);
            }
            let Some((number, new)) = events.next() else { break };
            let lane = lane_of(&new);
            let record = EventRecord {
                fingerprint: new.fingerprint,
                event_id: new.event_id,
                origin: Origin::Import,
                anonymous: new.anonymous,
                event: new.event,
            };
            let pushed = self.hand.push(lane, Record::Event(Box::new(record)), Clock::History);
            debug_assert!(pushed.is_ok(), "the group in hand has room");
            if let Some(import) = &mut self.import {
                import.is_in_hand = true;
                import.taken = Some((file, number + 1));
            }
        }
        None
    }

    /// Ends the epoch, and brings the model of the epochs before it into force; false while that is not learnt,
    /// or while there is no room: all lanes of a shard end a day in one block, or none does.
    fn end_day(&mut self) -> bool {
        let Some(epoch) = self.import.as_ref().map(|import| import.epoch) else { return true };
        if !self.hand.takes(Clock::History) || !self.has_room_for(DAY_END_RECORDS) {
            return false;
        }
        if epoch > self.model_in_force() {
            let Some((number, hash)) = self.learnt.filter(|(number, _)| *number >= epoch) else {
                return false;
            };
            debug_assert_eq!(number, epoch, "no epoch is learnt from before its end");
            self.begin_end_of_epoch(epoch);
            self.begin_model(number, hash);
        } else {
            self.begin_end_of_epoch(epoch);
        }
        if let Some(import) = &mut self.import {
            import.epoch = epoch + 1;
        }
        true
    }

    /// Whether the group in hand has room for so many records of our own, and for that of progress.
    fn has_room_for(&self, records: usize) -> bool {
        self.hand.len() + records < limits::BLOCK_EVENTS_MAX && self.hand.len_bytes() < BLOCK_BYTES
    }

    /// Notes that a model is learnt. In history it comes into force at the end of the next day.
    pub(crate) const fn note_learnt(&mut self, number: u64, hash: u64) {
        self.learnt = Some((number, hash));
    }

    /// Lets time go on to `until` in every lane that has seen something; false while there is no room.
    fn end_file(&mut self, file: u128, taken: u64, until: Timestamp) -> bool {
        let lanes: Vec<Lane> = self.lanes_before(until);
        if !self.has_room_for(lanes.len()) {
            return false;
        }
        if let Some(import) = &mut self.import {
            import.taken = Some((file, taken));
        }
        self.hand.extend_until(until);
        for lane in lanes {
            let pushed = self.hand.push(lane, Record::Tick, Clock::History);
            debug_assert!(pushed.is_ok(), "the group in hand has room");
        }
        if self.hand.is_empty() {
            self.end_import_block();
        }
        true
    }

    /// Writes behind the events of a block how far the import has come with them.
    pub(crate) fn end_import_block(&mut self) {
        let Some(import) = &mut self.import else { return };
        (import.is_in_hand, import.ends_day) = (false, false);
        let Some((file, taken)) = import.taken.take() else { return };
        let lane = self.home_lane();
        let pushed = self.hand.push(lane, Record::Imported { file, taken }, Clock::History);
        debug_assert!(pushed.is_ok(), "room for it is kept");
    }

    /// After a group is applied: ends the import when nothing of it is left.
    pub(crate) fn note_import_applied(&mut self) -> Result<(), ShardError> {
        let is_idle = self.intake.items.is_empty() && self.hand.is_empty() && self.in_flight_is_none();
        if !is_idle {
            return Ok(());
        }
        if let Some(done) = self.import.as_mut().and_then(|import| import.ending.take()) {
            self.commit_gathered()?;
            self.import = None;
            let _importer_gone = done.send(());
        }
        Ok(())
    }
}
