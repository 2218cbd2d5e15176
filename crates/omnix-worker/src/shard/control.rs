//! Records of our own: time, epochs, models, settings, versions.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use omnix_engine::{ENGINE_VERSION, Settings};
use omnix_model::{Clock, Lane, Record, Timestamp};
use omnix_storage::{KeyRange, Order};

use super::apply::Step;
use super::{Phase, Shard, ShardError};
use crate::keys;
use crate::lane::LaneState;
use crate::trainer::{Lesson, Told};

/// Timers known to be due after which a block moves on no further lane that has any: after a long rest each lane
/// has much to do, and its customers stay in memory until the block is applied.
const TIMERS_OF_BLOCK: usize = 512;

/// Key and value of a row.
pub(super) type RawRow = (Vec<u8>, Vec<u8>);

impl Shard {
    /// Applies a record that is no event.
    pub(super) fn apply_control(&mut self, step: Step, record: &Record) -> Result<(), ShardError> {
        match record {
            Record::EpochEnd { epoch } => self.end_epoch(step, *epoch),
            Record::Model { number, hash } => self.take_model(step, *number, *hash),
            Record::Settings { hash, body } => self.take_settings(step, *hash, body),
            Record::EngineVersion { version } => self.take_engine(step, *version),
            Record::Imported { file, taken } => {
                self.put_effect(keys::import(*file), taken.to_be_bytes().to_vec());
                Ok(())
            }
            Record::Judgement(judgement) => self.take_judgement(step, judgement),
            Record::LossAccepted { first_frame, last_frame, .. } => {
                self.forget_damage(*first_frame, *last_frame)
            }
            // Time has passed when the record was reached; erasures say nothing to a state.
            Record::Tick | Record::Erased | Record::Event(_) => Ok(()),
        }
    }

    fn forget_damage(&mut self, first_frame: u64, last_frame: u64) -> Result<(), ShardError> {
        let accepted = first_frame..=last_frame;
        self.unnoted_damage.retain(|(first, _)| !accepted.contains(first));
        let pending = self.gathered.early.keys().filter(|key| key.first() == Some(&b'y')).cloned();
        let mut noted: Vec<Vec<u8>> = pending.collect();
        noted.extend(self.rows(&KeyRange::prefix(&keys::all_of(b'y')))?.into_iter().map(|(key, _)| key));
        for key in noted {
            let first = key.last_chunk().copied().map_or(0, u64::from_be_bytes);
            if accepted.contains(&first) {
                self.delete_early(key);
            }
        }
        Ok(())
    }

    fn end_epoch(&mut self, step: Step, epoch: u64) -> Result<(), ShardError> {
        let lane = self.lane_mut(step.lane)?;
        if lane.row.epoch != epoch {
            return Ok(());
        }
        // The next epoch observes about as much.
        let room = Vec::with_capacity(lane.observed.len());
        let observed = std::mem::replace(&mut lane.observed, room);
        let tally = std::mem::take(&mut lane.tally);
        lane.row.epoch = epoch + 1;
        lane.row.epoch_began = Some(step.moment.now);
        let lesson = Lesson { lane: lane.lane, epoch, tally, until: step.moment.now };
        if !observed.is_empty() {
            lane.observed_before.push((epoch, step.at, observed));
        }
        // After a start the trainer is told what still waits for a model, once all is applied again.
        if self.phase != Phase::Replay {
            self.pending_lessons.push(lesson);
        }
        // It learns while the rest of the block is applied.
        if self.epoch() > epoch {
            self.tell_lessons();
        }
        Ok(())
    }

    fn take_model(&mut self, step: Step, number: u64, hash: u64) -> Result<(), ShardError> {
        let lane = self.lane_mut(step.lane)?;
        let (name, current) = (lane.lane, lane.row.model);
        if number <= current {
            return Ok(());
        }
        let model = self.context.models.named(number, hash)?;
        let lane = self.lane_mut(step.lane)?;
        (lane.row.model, lane.row.model_hash) = (number, hash);
        lane.model = Arc::clone(&model);
        self.context.models.note_in_force(&model);
        // What lanes work with after a start the trainer reads from them.
        if self.phase == Phase::Live {
            self.pending_in_force.push((name, number));
        }
        // Model n has learnt from the epochs before n.
        let lane = self.lane_mut(step.lane)?;
        lane.observed_before.retain(|(epoch, ..)| *epoch >= number);
        let rows = &mut lane.observed_rows;
        let learnt = rows.partition_point(|(epoch, _)| *epoch < number);
        let learnt: Vec<_> = rows.drain(..learnt).collect();
        learnt.into_iter().for_each(|(_, key)| self.delete_effect(key));
        Ok(())
    }

    fn take_settings(&mut self, step: Step, hash: u64, body: &str) -> Result<(), ShardError> {
        let settings = Settings::from_text(body)
            .map_err(|error| ShardError::Unfit(format!("settings in the log: {error}")))?;
        let lane = self.lane_mut(step.lane)?;
        lane.row.settings = hash;
        lane.settings = Arc::new(settings);
        self.put_effect(keys::settings(hash), body.as_bytes().to_vec());
        Ok(())
    }

    fn take_engine(&mut self, step: Step, version: u32) -> Result<(), ShardError> {
        if version > ENGINE_VERSION {
            return Err(ShardError::Unfit(format!(
                "the log was written by version {version} of the engine, this is version {ENGINE_VERSION}"
            )));
        }
        self.lane_mut(step.lane)?.row.engine = version;
        Ok(())
    }

    /// Ends `epoch` in every lane that is still in it.
    pub(crate) fn begin_end_of_epoch(&mut self, epoch: u64) {
        let lanes = self.lanes.iter().filter(|lane| lane.row.epoch == epoch).map(|lane| lane.lane);
        let records: Vec<_> = lanes.map(|lane| (lane, Record::EpochEnd { epoch })).collect();
        self.control.extend(records);
    }

    /// Brings model `number` into force in every lane that works with an earlier one.
    pub(crate) fn begin_model(&mut self, number: u64, hash: u64) {
        let lanes = self.lanes.iter().filter(|lane| lane.row.model < number).map(|lane| lane.lane);
        let records: Vec<_> = lanes.map(|lane| (lane, Record::Model { number, hash })).collect();
        self.control.extend(records);
    }

    /// Names settings and version of the engine in every lane that is under others.
    pub(crate) fn begin_settings(&mut self) {
        let settings = Arc::clone(&self.context.settings);
        let (hash, body) = (settings.hash(), settings.to_text());
        let mut records: Vec<(Lane, Record)> = Vec::new();
        for lane in &self.lanes {
            if lane.row.settings != hash {
                records.push((lane.lane, Record::Settings { hash, body: body.clone() }));
            }
            if lane.row.engine != ENGINE_VERSION {
                records.push((lane.lane, Record::EngineVersion { version: ENGINE_VERSION }));
            }
        }
        self.control.extend(records);
    }

    /// Puts one tick in hand for every lane in which something is due and which no group moves on anyway.
    pub(crate) fn begin_ticks(&mut self) -> Result<(), ShardError> {
        let now = self.now();
        if !self.control.is_empty() || self.wake_at().is_none_or(|wake| wake > now) {
            return Ok(());
        }
        let in_flight = self.in_flight.as_ref().map_or(0, |in_flight| in_flight.group.lanes());
        let synced = self.synced.as_ref().map_or(0, |(in_flight, _)| in_flight.group.lanes());
        let busy = self.hand.lanes() | in_flight | synced;
        let is_busy = |lane: Lane| busy & 1 << lane.number() != 0;
        // Timers may have moved out of an hour that is only known to have had some. Looked up first, it causes
        // no tick, so that there is one where a shard that was just started would see one too.
        for index in 0..self.lanes.len() {
            if self.lanes.get(index).is_some_and(|lane| !is_busy(lane.lane)) {
                self.read_first_timer(index, now)?;
            }
        }
        let due = self.lanes.iter().filter(|lane| lane.timers.wake_at().is_some_and(|due| due <= now));
        let idle = due.filter(|lane| !is_busy(lane.lane));
        let mut timers = 0;
        let has_room = |lane: &&LaneState| {
            let has_room = timers < TIMERS_OF_BLOCK;
            timers += lane.timers.due_by(now);
            has_room
        };
        let idle: Vec<Lane> = idle.take_while(has_room).map(|lane| lane.lane).collect();
        self.context.counters.ticks.add(idle.len() as u64);
        self.control.extend(idle.into_iter().map(|lane| (lane, Record::Tick)));
        Ok(())
    }

    /// The instant at which an idle lane has to be ticked.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        if self.context.is_history {
            return None;
        }
        self.lanes.iter().filter_map(|lane| lane.timers.wake_at()).min()
    }

    /// Puts our own records in hand, as far as there is room.
    pub(crate) fn fill_control(&mut self) -> Result<(), ShardError> {
        let clock = self.control_clock();
        while let Some((lane, record)) = self.control.pop_front() {
            if !self.hand.takes(clock) || !self.has_time_for(lane)? {
                self.control.push_front((lane, record));
                return Ok(());
            }
            let pushed = self.hand.push(lane, record, clock);
            debug_assert!(pushed.is_ok(), "the group in hand has room");
        }
        Ok(())
    }

    /// Whether the group in hand may move on `lane` too. Any record does, and with it fires what has fallen due in
    /// the lane; history does that in the order of its events.
    pub(super) fn has_time_for(&mut self, lane: Lane) -> Result<bool, ShardError> {
        if self.context.is_history || self.hand.lanes() & 1 << lane.number() != 0 {
            return Ok(true);
        }
        if self.hand.is_empty() {
            self.hand_due = 0;
        }
        let (index, now) = (self.lane_index(lane)?, self.now());
        self.read_first_timer(index, now)?;
        let due = self.hand_due + self.lane_mut(index)?.timers.due_by(now);
        if due > self.hand_due && self.hand_due >= TIMERS_OF_BLOCK {
            return Ok(false);
        }
        self.hand_due = due;
        Ok(true)
    }

    /// On which clock our own records stand: history's while an import runs.
    pub(super) fn control_clock(&self) -> Clock {
        if self.context.is_history { Clock::History } else { Clock::Live }
    }

    /// Hands what the group closed and brought into force to the trainer.
    pub(super) fn tell_trainer(&mut self) {
        if std::mem::take(&mut self.has_observed_in_group) {
            self.context.has_observed.store(true, Ordering::Relaxed);
        }
        self.tell_lessons();
        if !self.pending_in_force.is_empty() {
            let in_force = std::mem::take(&mut self.pending_in_force);
            let _stopping = self.context.lessons.send(Told::InForce(in_force));
        }
    }

    fn tell_lessons(&mut self) {
        if !self.pending_lessons.is_empty() {
            let lessons = std::mem::take(&mut self.pending_lessons);
            let _stopping = self.context.lessons.send(Told::Lessons(lessons));
        }
    }

    /// All rows of a range, as committed.
    pub(super) fn rows(&self, range: &KeyRange) -> Result<Vec<RawRow>, ShardError> {
        let mut rows = Vec::new();
        self.reader.scan(range, Order::Ascending, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(rows)
    }
}
