//! A log in memory that fails on purpose: for tests of those who append and read.
//!
//! It behaves as either kind of backend does: with [`Grain::Shard`] like the embedded one, which refuses
//! everything after an unknown outcome until it is opened again; with [`Grain::Lane`] like Kinesis, which goes
//! on. The same seed and the same calls give the same faults.
//!
//! Deliberately without bytes on a disk: what survives is what [`MemoryBlocks`] holds.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use omnix_model::{LogId, Position, Timestamp};

use crate::log::shared::lock;
use crate::log::sim_disk::Dice;
use crate::log::{
    AppendError, Block, EventLog, Grain, LogReader, LogSource, RAW_BYTES_MAX, ReadError, StoredBlock,
    TrimReport,
};

/// How a [`MemoryLog`] behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLogSettings {
    /// How records are to be grouped.
    pub grain: Grain,
    /// From it follow faults and gaps.
    pub seed: u64,
    /// Positions skip up to so many frames.
    pub gap_frames_max: u64,
    /// Of a thousand blocks so many fail, each kind of [`MemoryFault`] as often as the others.
    pub faults_per_mille: u64,
}

impl MemoryLogSettings {
    /// A log without faults or gaps.
    #[must_use]
    pub fn calm(grain: Grain) -> Self {
        Self { grain, seed: 0, gap_frames_max: 0, faults_per_mille: 0 }
    }
}

/// What may happen to a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryFault {
    /// There is no room; not stored.
    Full,
    /// Refused for now; not stored.
    Refused,
    /// Stored, but the answer says that nobody knows.
    UnknownStored,
    /// Not stored, and the answer says that nobody knows.
    UnknownLost,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    blocks: BTreeMap<u64, StoredBlock>,
    damaged: Vec<RangeInclusive<u64>>,
    /// The last frame number that was given away.
    last: u64,
    acknowledged: u64,
    /// The last frame that was removed.
    removed: u64,
    planned: Vec<(u64, MemoryFault)>,
}

/// What a [`MemoryLog`] has stored: outlives it, and opens it again. Clones are the same storage.
#[derive(Debug, Clone)]
pub struct MemoryBlocks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: LogId,
    settings: MemoryLogSettings,
    state: Mutex<State>,
    grown: Condvar,
}

impl MemoryBlocks {
    /// An empty log.
    #[must_use]
    pub fn new(id: LogId, settings: MemoryLogSettings) -> Self {
        let state = State {
            dice: Dice::new(settings.seed),
            blocks: BTreeMap::new(),
            damaged: Vec::new(),
            last: 0,
            acknowledged: 0,
            removed: 0,
            planned: Vec::new(),
        };
        Self(Arc::new(Inner { id, settings, state: Mutex::new(state), grown: Condvar::new() }))
    }

    /// Opens the log on what is stored.
    #[must_use]
    pub fn open(&self) -> MemoryLog {
        let mut state = lock(&self.0.state);
        // What is stored counts as acknowledged from here on: readers have been able to see it.
        state.acknowledged = state.blocks.last_key_value().map_or(state.acknowledged, |(frame, _)| *frame);
        drop(state);
        MemoryLog { blocks: self.clone(), poisoned: false }
    }

    /// Makes the `nth` block from now on (1 is the next) fail.
    pub fn fail(&self, nth: u64, fault: MemoryFault) {
        lock(&self.0.state).planned.push((nth, fault));
    }

    /// Damages the frames, as a failing disk may.
    pub fn damage(&self, frames: RangeInclusive<u64>) {
        lock(&self.0.state).damaged.push(frames);
    }

    /// All blocks that are stored, damaged ones too, in order.
    #[must_use]
    pub fn stored(&self) -> Vec<StoredBlock> {
        lock(&self.0.state).blocks.values().cloned().collect()
    }

    fn position(&self, frame: u64) -> Position {
        Position { log: self.0.id, frame, slot: 0 }
    }
}

impl State {
    fn fault(&mut self, settings: &MemoryLogSettings) -> Option<MemoryFault> {
        let mut due = None;
        for (left, fault) in &mut self.planned {
            *left = left.saturating_sub(1);
            if *left == 0 {
                due = due.or(Some(*fault));
            }
        }
        self.planned.retain(|(left, _)| *left > 0);
        if due.is_none()
            && settings.faults_per_mille > 0
            && self.dice.below(1_000) < settings.faults_per_mille
        {
            due = Some(match self.dice.below(4) {
                0 => MemoryFault::Full,
                1 => MemoryFault::Refused,
                2 => MemoryFault::UnknownStored,
                _ => MemoryFault::UnknownLost,
            });
        }
        due
    }

    fn damage_at(&self, frame: u64) -> Option<u64> {
        self.damaged.iter().find(|run| run.contains(&frame)).map(|run| *run.end())
    }
}

/// The writer of a log in memory.
#[derive(Debug)]
pub struct MemoryLog {
    blocks: MemoryBlocks,
    poisoned: bool,
}

impl MemoryLog {
    fn append_block(&mut self, block: &Block) -> Result<Position, AppendError> {
        let inner = &self.blocks.0;
        if self.poisoned {
            return Err(AppendError::Refused("an earlier outcome is unknown".to_owned()));
        }
        if block.payload.len() > RAW_BYTES_MAX {
            return Err(AppendError::Refused(format!("a block is larger than {RAW_BYTES_MAX} bytes")));
        }
        let mut state = lock(&inner.state);
        let fault = state.fault(&inner.settings);
        match fault {
            Some(MemoryFault::Full) => return Err(AppendError::Full),
            Some(MemoryFault::Refused) => return Err(AppendError::Refused("simulated".to_owned())),
            _ => {}
        }
        let skipped = state.dice.below(inner.settings.gap_frames_max.saturating_add(1));
        state.last += 1 + skipped;
        let frame = state.last;
        let position = self.blocks.position(frame);
        if fault != Some(MemoryFault::UnknownLost) {
            let (count, now, payload) = (block.count, block.now, block.payload.clone());
            state.blocks.insert(frame, StoredBlock { position, count, now, payload });
        }
        if fault.is_some() {
            self.poisoned = inner.settings.grain == Grain::Shard;
            return Err(AppendError::Unknown("simulated".to_owned()));
        }
        state.acknowledged = frame;
        drop(state);
        inner.grown.notify_all();
        Ok(position)
    }
}

impl EventLog for MemoryLog {
    fn grain(&self) -> Grain {
        self.blocks.0.settings.grain
    }

    fn id(&self) -> LogId {
        self.blocks.0.id
    }

    fn append(&mut self, blocks: &[Block]) -> Vec<Result<Position, AppendError>> {
        let mut stopped = Vec::new();
        let mut answers = Vec::with_capacity(blocks.len());
        for block in blocks {
            let is_stopped = match self.grain() {
                Grain::Shard => !stopped.is_empty(),
                Grain::Lane => stopped.contains(&block.lane),
            };
            let answer = if is_stopped {
                Err(AppendError::Refused("the block before it was not stored".to_owned()))
            } else {
                self.append_block(block)
            };
            if answer.is_err() {
                stopped.push(block.lane);
            }
            answers.push(answer);
        }
        answers
    }

    fn source(&self) -> Arc<dyn LogSource> {
        Arc::new(self.blocks.clone())
    }

    fn trim(&mut self, keep_from: Position, older_than: Timestamp) -> Result<TrimReport, ReadError> {
        let mut state = lock(&self.blocks.0.state);
        let mut report = TrimReport::default();
        while let Some((frame, block)) = state.blocks.first_key_value()
            && block.position.log == keep_from.log
            && *frame < keep_from.frame
            && block.now < older_than
        {
            let (frame, bytes) = (*frame, block.payload.len() as u64);
            state.blocks.remove(&frame);
            state.removed = frame;
            report.segments += 1;
            report.bytes += bytes;
        }
        Ok(report)
    }

    fn close(self: Box<Self>) -> Result<(), AppendError> {
        if self.poisoned {
            Err(AppendError::Unknown("an earlier outcome is unknown".to_owned()))
        } else {
            Ok(())
        }
    }
}

impl LogSource for MemoryBlocks {
    fn id(&self) -> LogId {
        self.0.id
    }

    fn start(&self) -> Position {
        self.position(lock(&self.0.state).removed)
    }

    fn end(&self) -> Position {
        self.position(lock(&self.0.state).acknowledged)
    }

    fn read_after(&self, after: Position) -> Result<Box<dyn LogReader>, ReadError> {
        if after.log != self.0.id {
            return Err(ReadError::Failed("a position of another log".to_owned()));
        }
        if after.frame < lock(&self.0.state).removed {
            return Err(ReadError::Trimmed(after));
        }
        Ok(Box::new(MemoryReader { blocks: self.clone(), after: after.frame }))
    }
}

struct MemoryReader {
    blocks: MemoryBlocks,
    /// The frame that was handed out, or reported as damaged, last.
    after: u64,
}

impl LogReader for MemoryReader {
    fn next(&mut self, wait: Duration) -> Result<Option<StoredBlock>, ReadError> {
        let inner = &self.blocks.0;
        let deadline = Instant::now().checked_add(wait);
        let mut state = lock(&inner.state);
        loop {
            if self.after < state.removed {
                return Err(ReadError::Trimmed(self.blocks.position(self.after)));
            }
            let behind = (Bound::Excluded(self.after), Bound::Unbounded);
            if let Some((frame, block)) = state.blocks.range(behind).next() {
                let first = *frame;
                let Some(last) = state.damage_at(first) else {
                    self.after = first;
                    return Ok(Some(block.clone()));
                };
                self.after = last;
                return Err(ReadError::Damaged { log: inner.id, first, last });
            }
            let left = deadline.map_or(wait, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(None);
            }
            state = inner.grown.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn block_at(&mut self, position: Position) -> Result<Option<StoredBlock>, ReadError> {
        let state = lock(&self.blocks.0.state);
        if position.log != self.blocks.0.id {
            return Ok(None);
        }
        let Some(block) = state.blocks.get(&position.frame) else { return Ok(None) };
        match state.damage_at(position.frame) {
            Some(last) => Err(ReadError::Damaged { log: position.log, first: position.frame, last }),
            None => Ok(Some(block.clone())),
        }
    }
}
