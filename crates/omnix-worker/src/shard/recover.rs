//! From what survived to a shard that takes events: read the lanes, apply again what the log holds beyond the
//! last commit, append what was left undone.

use std::sync::Arc;
use std::time::Duration;

use omnix_engine::{Settings, Tally};
use omnix_model::{
    DecodeError, ErrorCode, Fault, Lane, LogId, Position, Record, RecordBlock, RecordBlockWriter,
    RejectedEvent,
};
use omnix_storage::{Atomicity, KeyRange, LogSource, ReadError, StateStore, StoredBlock, Write};

use super::commit::{Gathered, HalfDone};
use super::control::RawRow;
use super::{Books, Intake, Judges, Phase, Shard, ShardContext, ShardError};
use crate::attempts::{Attempts, MarkerStore};
use crate::counters::Counted;
use crate::group::{Group, Requests};
use crate::hot::Hot;
use crate::lane::{LaneRow, LaneState};
use crate::trainer::Lesson;
use crate::{keys, observed};

/// What was applied again after a start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replay {
    /// Blocks.
    pub blocks: u64,
    /// Records.
    pub records: u64,
    /// Frames that could not be read and whose loss nobody has accepted: first and last of each run.
    pub damaged: Vec<(u64, u64)>,
}

impl Shard {
    /// A shard that stands where its store does.
    pub(crate) fn open(
        context: ShardContext,
        store: Box<dyn StateStore>,
        marker: Box<dyn MarkerStore>,
    ) -> Result<Self, ShardError> {
        let reader = store.reader();
        let checkpoint = store.checkpoint();
        let half_done = match context.atomicity {
            Atomicity::Commit => None,
            Atomicity::Row => {
                reader.get(&keys::effects_done())?.map(|row| HalfDone::decode(&row)).transpose()?
            }
        };
        let half_done = half_done.filter(|half| checkpoint.is_none_or(|at| half.is_after(at)));
        let mut shard = Self {
            hot: Hot::new(context.cache_bytes, context.cache_ttl_ms, context.secret),
            context,
            store,
            reader,
            hot_bytes: 0,
            attempts: Attempts::new(marker),
            lanes: Vec::new(),
            books: Books::default(),
            intake: Intake::default(),
            requests: Requests::default(),
            judges: Judges::default(),
            control: std::collections::VecDeque::new(),
            hand: Group::default(),
            hand_due: 0,
            in_flight: None,
            synced: None,
            present: omnix_model::Timestamp::MIN,
            derived: RecordBlockWriter::new(omnix_model::Clock::Live),
            last_now: omnix_model::Timestamp::MIN,
            checkpoint: checkpoint.unwrap_or_default(),
            gathered: Gathered::default(),
            half_done,
            effects: Vec::new(),
            later: Vec::new(),
            dirty: Vec::new(),
            feed: Vec::new(),
            feed_index: 0,
            skips_effects: false,
            has_observed_in_group: false,
            pending_lessons: Vec::new(),
            unpersisted_models: std::collections::VecDeque::new(),
            pending_in_force: Vec::new(),
            counted: Counted::default(),
            refused: 0,
            latencies_us: Vec::new(),
            learnt: None,
            import: None,
            phase: Phase::Replay,
            is_log_damaged: false,
            unnoted_damage: Vec::new(),
        };
        for lane in shard.context.lanes.iter() {
            let state = shard.open_lane(lane)?;
            shard.last_now = shard.last_now.max(state.row.now);
            shard.context.models.note_in_force(&state.model);
            shard.lanes.push(state);
        }
        shard.present = shard.now();
        shard.context.progress.set_checkpoint(shard.checkpoint);
        shard.context.progress.set_persisted_model(shard.model_in_force());
        Ok(shard)
    }

    fn open_lane(&self, lane: Lane) -> Result<LaneState, ShardError> {
        let unfit = |error: DecodeError| ShardError::Unfit(format!("lane {lane}: {error}"));
        let row = match self.reader.get(&keys::lane(lane))? {
            Some(bytes) => LaneRow::decode(&bytes).map_err(unfit)?,
            None => LaneRow::default(),
        };
        let model = self.context.models.named(row.model, row.model_hash)?;
        let settings = match self.reader.get(&keys::settings(row.settings))? {
            Some(body) => {
                let text = String::from_utf8_lossy(&body);
                Arc::new(Settings::from_text(&text).map_err(unfit)?)
            }
            None => Arc::new(Settings::default()),
        };
        let timers = self.open_timers(lane)?;
        let tally = self.observed_in(lane, row.epoch)?;
        let observed_rows = self
            .observed_rows(lane)?
            .into_iter()
            .filter_map(|(key, _)| Some((keys::parse_observed_epoch(&key)?, key)))
            .collect();
        Ok(LaneState {
            lane,
            row,
            timers,
            model,
            settings,
            tally,
            observed: Vec::new(),
            observed_before: Vec::new(),
            observed_rows,
            is_dirty: false,
        })
    }

    /// What was observed in a lane and is not learnt, as far as its groups are committed.
    ///
    /// Beyond the last commit stand effects of a group that is applied again, and observed again.
    fn observed_rows(&self, lane: Lane) -> Result<Vec<RawRow>, ShardError> {
        let mut rows = self.rows(&KeyRange::prefix(&keys::observed_of_lane(lane)))?;
        rows.retain(|(key, _)| {
            let at = key.last_chunk().copied().map(Position::from_bytes);
            let is_half_done = |at| self.half_done.as_ref().is_some_and(|half| half.is_block(at));
            at.is_some_and(|at| at <= self.checkpoint || is_half_done(at))
        });
        Ok(rows)
    }

    /// What was observed in an epoch of a lane, as far as its groups are committed.
    fn observed_in(&self, lane: Lane, epoch: u64) -> Result<Tally, ShardError> {
        let mut tally = Tally::default();
        for (key, value) in self.observed_rows(lane)? {
            if keys::parse_observed_epoch(&key) == Some(epoch) {
                observed::absorb_row(&mut tally, &value)
                    .map_err(|error| ShardError::Unfit(format!("observations of lane {lane}: {error}")))?;
            }
        }
        Ok(tally)
    }

    /// Applies all that `source` holds into a store that is empty.
    ///
    /// # Errors
    /// As with [`Self::replay`]; also when a model comes out other than the log names it.
    pub(crate) fn rebuild(&mut self, source: &dyn LogSource) -> Result<Replay, ShardError> {
        self.phase = Phase::Rebuild;
        self.replay(source)
    }

    /// Applies again what `source` holds beyond the last commit.
    ///
    /// # Errors
    /// [`ShardError`] when log or store cannot be read; damaged frames are skipped and reported.
    pub(crate) fn replay(&mut self, source: &dyn LogSource) -> Result<Replay, ShardError> {
        let from = if self.checkpoint == Position::default() { source.start() } else { self.checkpoint };
        let mut reader = source.read_after(from)?;
        // Damage found by an earlier start is remembered: the store stands behind it by now.
        let mut replay = Replay { damaged: self.noted_damage()?, ..Replay::default() };
        loop {
            match reader.next(Duration::ZERO) {
                Ok(None) => break,
                Ok(Some(stored)) => {
                    replay.blocks += 1;
                    replay.records += u64::from(stored.count);
                    self.apply_stored(&stored, source.id(), &mut replay)?;
                }
                Err(ReadError::Damaged { first, last, .. }) => {
                    tracing::error!(
                        shard = self.context.shard.0,
                        first,
                        last,
                        "frames of the log are damaged"
                    );
                    replay.damaged.push((first, last));
                    self.unnoted_damage.push((first, last));
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.commit_gathered()?;
        self.is_log_damaged = !replay.damaged.is_empty();
        self.context.progress.set_latest(source.end().max(self.checkpoint));
        Ok(replay)
    }

    fn apply_stored(
        &mut self,
        stored: &StoredBlock,
        log: LogId,
        replay: &mut Replay,
    ) -> Result<(), ShardError> {
        self.last_now = self.last_now.max(stored.now);
        let block = match RecordBlock::decode(&stored.payload) {
            Ok(block) => block,
            Err(error) => return self.set_block_aside(stored, error),
        };
        for (_, record) in &block.entries {
            if let Record::LossAccepted { first_frame, last_frame, .. } = record {
                replay.damaged.retain(|(first, last)| first < first_frame || last > last_frame);
            }
        }
        debug_assert_eq!(stored.position.log, log, "a block stands in the log it was read from");
        self.apply_block(stored.position, &block, &mut |_| Ok(()))?;
        for (first, last) in std::mem::take(&mut self.unnoted_damage) {
            self.put_early(keys::damaged(first), last.to_be_bytes().to_vec());
        }
        self.commit(stored.position, &block)
    }

    /// Damaged runs whose loss nobody has accepted, as earlier starts noted them.
    fn noted_damage(&self) -> Result<Vec<(u64, u64)>, ShardError> {
        let number = |bytes: &[u8]| bytes.last_chunk().copied().map_or(0, u64::from_be_bytes);
        let rows = self.rows(&KeyRange::prefix(&keys::all_of(b'y')))?;
        Ok(rows.iter().map(|(key, value)| (number(key), number(value))).collect())
    }

    /// Keeps a block that cannot be decoded among the rejected events and goes on behind it.
    fn set_block_aside(&mut self, stored: &StoredBlock, error: DecodeError) -> Result<(), ShardError> {
        tracing::error!(position = %stored.position, %error, "a block could not be decoded");
        self.context.counters.not_applied.add(u64::from(stored.count));
        let lane = self.context.lanes.iter().next().unwrap_or(Lane::FIRST);
        let rejected = RejectedEvent {
            received_at: stored.now,
            faults: vec![Fault::new(
                "",
                ErrorCode::NotApplied,
                format!("the block cannot be decoded: {error}"),
            )],
            customer_id: None,
            event_id: None,
            body: stored.payload.clone(),
        };
        let key = keys::rejected(stored.now, lane, stored.position.frame << 16);
        self.effects.push(Write::Put { key, value: rejected.encode() });
        let block = RecordBlock { now: stored.now, clock: omnix_model::Clock::Live, entries: Vec::new() };
        self.commit(Position { slot: stored.count.saturating_sub(1), ..stored.position }, &block)
    }

    /// Ends the replay: from now on what is derived is appended, and what was left undone is.
    ///
    /// Gives what the trainer still has to learn from.
    pub(crate) fn go_live(&mut self) -> Result<Vec<Lesson>, ShardError> {
        self.phase = Phase::Live;
        self.half_done = None;
        self.begin_settings();
        let mut lessons = Vec::new();
        for index in 0..self.lanes.len() {
            self.rebuild_timers(index)?;
            let (lane, row) = {
                let state = self.lane_mut(index)?;
                (state.lane, state.row)
            };
            for (_, value) in self.rows(&KeyRange::prefix(&keys::derived_of_lane(lane)))? {
                let block = RecordBlock::decode(&value)
                    .map_err(|error| ShardError::Unfit(format!("a derived event: {error}")))?;
                self.control.extend(block.entries);
            }
            for epoch in row.model..row.epoch {
                let tally = self.observed_in(lane, epoch)?;
                lessons.push(Lesson { lane, epoch, tally, until: row.epoch_began.unwrap_or(row.now) });
            }
        }
        Ok(lessons)
    }

    /// Records that an operator accepted the loss of damaged frames: events are taken again.
    pub(crate) fn accept_loss(&mut self, first_frame: u64, last_frame: u64) {
        let at = self.now();
        let lane = self.context.lanes.iter().next().unwrap_or(Lane::FIRST);
        self.control.push_back((lane, Record::LossAccepted { first_frame, last_frame, at }));
        self.is_log_damaged = false;
    }

    /// Ends the shard cleanly: everything committed survives, nothing is suspect at the next start.
    pub(crate) fn close(&mut self) -> Result<(), ShardError> {
        self.persist()?;
        self.attempts.end();
        Ok(())
    }
}
