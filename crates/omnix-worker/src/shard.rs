//! One shard: the synchronous core of the loop.
//!
//! A state machine without threads, queues or waiting: [`Shard::accept`] takes requests, [`Shard::fill`]
//! checks them and puts them in hand, [`Shard::seal`] gives the block to append, [`Shard::synced`] takes the
//! log's answer, [`Shard::apply_synced`] applies and answers, [`Shard::commit_gathered`] commits. What drives
//! it is `shard_thread`, or a test.
//!
//! Invariants: at most one group is in flight and one in hand; an event is answered after its block is
//! durable and it is applied, and a reader who asks sees it; what is applied live and what is applied again
//! after a start goes through the same function.

mod apply;
mod commit;
mod control;
mod due;
mod effects;
mod intake;
mod judgement;
mod recover;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use omnix_engine::Settings;
use omnix_model::{Lane, LaneRange, Position, Record, RecordBlockWriter, ShardId, Timestamp};
use omnix_storage::{Atomicity, CommitError, ReadError, StateReader, StateStore, StoreError, Write};
use tokio::sync::broadcast;

use crate::attempts::Attempts;
use crate::counters::{Counted, Counters};
use crate::dedup::{IdSecret, Window};
use crate::group::{Group, Requests};
use crate::history::Import;
use crate::hot::Hot;
use crate::lane::LaneState;
use crate::models::{ModelError, Models};
use crate::queries::FeedMessage;
use crate::trainer::{Lesson, Told};
use crate::{Clock, Progress};

pub(crate) use effects::Books;
pub(crate) use intake::{Intake, lane_of};
pub(crate) use judgement::{Judges, Reply as JudgeReply};
pub use recover::Replay;

/// Why a shard stops. What is durable by then is applied at the next start.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// The store could not be read, or holds what cannot be decoded.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A commit failed for good.
    #[error(transparent)]
    Commit(CommitError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not known whether a block is durable.
    #[error("it is not known whether a block is durable: {0}")]
    Sync(String),
    /// The model that the log names cannot be had.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The log or the store was written by a newer or another kind of program.
    #[error("{0}")]
    Unfit(String),
}

/// What a shard is given once and never changes.
pub(crate) struct ShardContext {
    pub(crate) shard: ShardId,
    pub(crate) lanes: LaneRange,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) models: Arc<Models>,
    /// The settings that lanes are to be under.
    pub(crate) settings: Arc<Settings>,
    pub(crate) window: Window,
    pub(crate) secret: IdSecret,
    pub(crate) cache_bytes: usize,
    pub(crate) cache_ttl_ms: i64,
    /// Whether the shard works on history's clock: nothing of our own moves time.
    pub(crate) is_history: bool,
    /// What the store writes as a whole.
    pub(crate) atomicity: Atomicity,
    pub(crate) counters: Arc<Counters>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) live: broadcast::Sender<Arc<FeedMessage>>,
    /// To the trainer: tallies of epochs that ended.
    pub(crate) lessons: crossbeam_channel::Sender<Told>,
    /// Rejected events that wait to be kept.
    pub(crate) rejected_waiting: Arc<AtomicUsize>,
    /// Set when a lane observed something; the trainer clears it.
    pub(crate) has_observed: Arc<AtomicBool>,
}

/// What a shard does with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It applies them again after a start: nothing goes to live channels, nothing is derived.
    Replay,
    /// It applies a whole log into a new store: as after a start, and every model is learnt anew.
    Rebuild,
    /// It takes, appends and applies them.
    Live,
}

/// A group whose block is being synced, or is synced and not applied yet.
struct InFlight {
    group: Group,
    now: Timestamp,
    sealed_us: u64,
}

/// One shard.
pub(crate) struct Shard {
    context: ShardContext,
    store: Box<dyn StateStore>,
    reader: Arc<dyn StateReader>,
    attempts: Attempts,
    lanes: Vec<LaneState>,
    hot: Hot,
    /// Bytes held, as counted last.
    hot_bytes: u64,
    books: Books,
    pub(crate) intake: Intake,
    requests: Requests,
    judges: Judges,
    /// Records of our own that wait for the next group.
    pub(crate) control: VecDeque<(Lane, Record)>,
    pub(crate) hand: Group,
    /// Timers known to fall due when the group in hand moves its lanes on.
    hand_due: usize,
    in_flight: Option<InFlight>,
    synced: Option<(InFlight, Position)>,
    /// When what is under way began, by the clock: one reading for all customers of a block.
    present: Timestamp,
    /// Encodes events of our own one by one.
    derived: RecordBlockWriter,
    /// The time with which the last block was stamped.
    last_now: Timestamp,
    /// The position up to which everything is committed.
    checkpoint: Position,
    /// The groups applied since the last commit.
    gathered: commit::Gathered,
    /// The group whose effects were written before the process died, and the rows it removes.
    half_done: Option<commit::HalfDone>,
    /// Writes of the group being applied.
    effects: Vec<Write>,
    /// Writes that go with the next commit, whatever it holds.
    later: Vec<Write>,
    /// Customers whose states the group being applied changed.
    dirty: Vec<crate::hot::Place>,
    /// Messages for live subscribers, sent after the commit.
    feed: Vec<FeedMessage>,
    /// Messages that the record being applied has raised so far.
    feed_index: u16,
    /// Whether the effects of the group being applied were written before the process died.
    skips_effects: bool,
    /// Whether the group being applied observed something.
    has_observed_in_group: bool,
    /// Tallies that the group being applied closed.
    pending_lessons: Vec<Lesson>,
    /// Models that came into force in all lanes, and the commit with which they did, not yet persisted.
    unpersisted_models: VecDeque<(u64, Position)>,
    /// Models that the group being applied brought into force.
    pending_in_force: Vec<(Lane, u64)>,
    /// What was counted since the last group was applied.
    counted: Counted,
    /// Rejected events that are not counted yet: with the next group.
    refused: u64,
    /// Latencies of the group answered last: counted with the next commit.
    latencies_us: Vec<u64>,
    /// The newest model that was learnt, and its hash: history brings it into force at the end of a day.
    pub(crate) learnt: Option<(u64, u64)>,
    /// The import under way.
    pub(crate) import: Option<Import>,
    phase: Phase,
    /// Whether the log is damaged above what is applied: nothing is taken until an operator has decided.
    is_log_damaged: bool,
    /// Damaged runs found and not noted in the store yet.
    unnoted_damage: Vec<(u64, u64)>,
}

impl Shard {
    fn lane_index(&self, lane: Lane) -> Result<usize, ShardError> {
        let first = self.context.lanes.iter().next().map_or(0, Lane::index);
        if self.context.lanes.contains(lane) {
            Ok(lane.index() - first)
        } else {
            Err(ShardError::Unfit(format!(
                "lane {lane} does not belong to {}: the log was written under another number of shards",
                self.context.shard
            )))
        }
    }

    fn lane_mut(&mut self, index: usize) -> Result<&mut LaneState, ShardError> {
        self.lanes.get_mut(index).ok_or_else(|| ShardError::Unfit("no such lane".to_owned()))
    }

    /// The present instant for this shard: never before the last block.
    fn now(&self) -> Timestamp {
        self.context.clock.now().max(self.last_now)
    }

    /// The lane in which what belongs to the whole shard stands.
    pub(crate) fn home_lane(&self) -> Lane {
        self.context.lanes.iter().next().unwrap_or(Lane::FIRST)
    }

    /// Whether it was opened for a history.
    pub(crate) const fn is_history(&self) -> bool {
        self.context.is_history
    }

    /// The epoch that the lanes are in; all of a shard are in the same once its last end is applied.
    pub(crate) fn epoch(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.row.epoch).min().unwrap_or(0)
    }

    /// The model that all lanes work with, or a newer one.
    pub(crate) fn model_in_force(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.row.model).min().unwrap_or(0)
    }

    /// Lanes that have seen something and stand before `until`.
    pub(crate) fn lanes_before(&self, until: Timestamp) -> Vec<Lane> {
        let begun = self.lanes.iter().filter(|lane| lane.row.epoch_began.is_some());
        begun.filter(|lane| lane.row.now < until).map(|lane| lane.lane).collect()
    }

    /// Whether no block is being synced or waits to be applied.
    pub(crate) const fn in_flight_is_none(&self) -> bool {
        self.in_flight.is_none() && self.synced.is_none()
    }

    /// Each lane as it stands.
    pub(crate) fn lane_rows(&self) -> Vec<(Lane, crate::lane::LaneRow)> {
        self.lanes.iter().map(|lane| (lane.lane, lane.row)).collect()
    }

    /// Reads what was committed.
    pub(crate) fn reader(&self) -> &dyn StateReader {
        self.reader.as_ref()
    }

    /// Lets these writes go with the next commit.
    pub(crate) fn put_later(&mut self, writes: Vec<Write>) {
        self.later.extend(writes);
    }

    /// Whether something is in hand that could be appended.
    pub(crate) fn has_hand(&self) -> bool {
        !self.hand.is_empty()
    }

    /// Whether a block is being synced.
    pub(crate) const fn is_syncing(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The position up to which the store would stand after a crash.
    pub(crate) fn persisted(&self) -> Option<Position> {
        self.store.persisted()
    }

    /// Makes everything committed survive a crash.
    pub(crate) fn persist(&mut self) -> Result<(), ShardError> {
        self.commit_gathered()?;
        self.store.persist().map_err(ShardError::Commit)?;
        self.note_models(self.checkpoint);
        Ok(())
    }
}
