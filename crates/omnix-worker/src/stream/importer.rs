//! Feeding a file into a stream that was opened for history.

use omnix_model::{Lane, LaneRange, ShardId, Timestamp};
use tokio::sync::oneshot;

use super::{Purpose, StreamHandle};
use crate::history::{CHUNK_EVENTS, ImportItem, TAIL_MS};
use crate::keys;
use crate::lane::LaneRow;
use crate::publish::NewEvent;
use crate::shard::lane_of;

/// Why an import cannot go on. What is taken by then stays, and the next run goes on behind it.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The stream was opened for live events.
    #[error("the stream was opened for live events")]
    NotHistory,
    /// How far an earlier run came cannot be read.
    #[error(transparent)]
    Store(#[from] omnix_storage::StoreError),
    /// A shard has failed.
    #[error("a shard has failed: {0:?}")]
    Failed(super::Health),
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Events of the file.
    pub events: u64,
    /// Of these, events that an earlier run had taken.
    pub known: u64,
    /// Days of event time that were learnt from.
    pub days: u64,
}

/// Feeds one file, event by event in its order, with its own ids, on history's time.
pub struct Importer {
    handle: StreamHandle,
    file: u128,
    /// How many of the file's events and ends of days each shard had taken before this run.
    taken_before: Vec<u64>,
    /// The number of the next event or end of a day.
    next: u64,
    chunks: Vec<Vec<(u64, NewEvent)>>,
    day: Option<i64>,
    last_event_at: Timestamp,
    report: ImportReport,
}

impl Importer {
    /// An importer of the file whose content has this hash.
    ///
    /// # Errors
    /// [`ImportError`]
    pub fn new(handle: StreamHandle, file: u128) -> Result<Self, ImportError> {
        if handle.purpose() != Purpose::History {
            return Err(ImportError::NotHistory);
        }
        handle.wait_for_trainer();
        let mut taken_before = Vec::with_capacity(handle.shard_count());
        for store in handle.queries().stores() {
            let row = store.get(&keys::import(file))?;
            let taken = row.and_then(|row| row.first_chunk().copied()).map_or(0, u64::from_be_bytes);
            taken_before.push(taken);
        }
        let chunks = taken_before.iter().map(|_| Vec::new()).collect();
        let importer = Self {
            handle,
            file,
            taken_before,
            chunks,
            day: None,
            last_event_at: Timestamp::MIN,
            next: 0,
            report: ImportReport::default(),
        };
        // Of another file that was never taken to its end some shards may have ended a day more than others.
        if importer.taken_before.iter().all(|taken| *taken == 0) {
            importer.level()?;
        }
        Ok(importer)
    }

    /// Ends the epoch in shards that are behind others.
    fn level(&self) -> Result<(), ImportError> {
        let count = self.taken_before.len();
        let mut epochs = Vec::with_capacity(count);
        for (shard, store) in (0_u16..).zip(self.handle.queries().stores()) {
            let lane = LaneRange::of_shard(ShardId(shard), count).iter().next().unwrap_or(Lane::FIRST);
            let row = store.get(&keys::lane(lane))?.and_then(|row| LaneRow::decode(&row).ok());
            epochs.push(row.unwrap_or_default().epoch);
        }
        let newest = epochs.iter().copied().max().unwrap_or(0);
        for (shard, epoch) in epochs.into_iter().enumerate() {
            for _ in epoch..newest {
                // It counts nothing of this file.
                self.send(shard, ImportItem::DayEnd { file: self.file, number: None })?;
            }
        }
        Ok(())
    }

    /// Takes the next event of the file. Blocks while the shards are behind.
    ///
    /// # Errors
    /// [`ImportError::Failed`]
    pub fn push(&mut self, event: NewEvent) -> Result<(), ImportError> {
        self.report.events += 1;
        let at = event.event.timestamp();
        let shard = self.handle.shard_index(lane_of(&event));
        self.turn_day(at)?;
        let number = self.take_number();
        self.last_event_at = self.last_event_at.max(at);
        if self.is_taken(shard, number) {
            self.report.known += 1;
            return Ok(());
        }
        let Some(chunk) = self.chunks.get_mut(shard) else { return Ok(()) };
        chunk.push((number, event));
        if chunk.len() >= CHUNK_EVENTS { self.send_chunk(shard) } else { Ok(()) }
    }

    fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Whether a shard took this event or end of a day in an earlier run.
    fn is_taken(&self, shard: usize, number: u64) -> bool {
        self.taken_before.get(shard).is_some_and(|taken| number < *taken)
    }

    /// Ends the epoch when an event of a later day comes, in the shards that have not ended it in an earlier run.
    fn turn_day(&mut self, at: Timestamp) -> Result<(), ImportError> {
        let day = at.utc_day();
        if self.day.is_some_and(|current| day <= current) {
            return Ok(());
        }
        if self.day.replace(day).is_none() {
            return Ok(());
        }
        let number = self.take_number();
        let behind: Vec<usize> =
            (0..self.chunks.len()).filter(|shard| !self.is_taken(*shard, number)).collect();
        self.report.days += u64::from(!behind.is_empty());
        for shard in behind {
            self.send_chunk(shard)?;
            self.send(shard, ImportItem::DayEnd { file: self.file, number: Some(number) })?;
        }
        Ok(())
    }

    fn send_chunk(&mut self, shard: usize) -> Result<(), ImportError> {
        let Some(chunk) = self.chunks.get_mut(shard).filter(|chunk| !chunk.is_empty()) else { return Ok(()) };
        let events = std::mem::replace(chunk, Vec::with_capacity(CHUNK_EVENTS));
        self.send(shard, ImportItem::Events { file: self.file, events: events.into_iter() })
    }

    fn send_chunks(&mut self) -> Result<(), ImportError> {
        (0..self.chunks.len()).try_for_each(|shard| self.send_chunk(shard))
    }

    fn send(&self, shard: usize, item: ImportItem) -> Result<(), ImportError> {
        if self.handle.import(shard, item) { Ok(()) } else { Err(ImportError::Failed(self.handle.health())) }
    }

    /// Ends the file: time goes on for ten minutes, so that what waits for it falls due. Everything is durable
    /// and applied when this returns.
    ///
    /// # Errors
    /// [`ImportError::Failed`]
    pub fn finish(mut self) -> Result<ImportReport, ImportError> {
        self.send_chunks()?;
        let until = self.last_event_at.plus_ms(TAIL_MS);
        let taken = self.next;
        let mut ends = Vec::with_capacity(self.chunks.len());
        for shard in 0..self.chunks.len() {
            // A file that was finished adds nothing, not even time.
            if self.taken_before.get(shard).is_some_and(|before| *before > taken) {
                continue;
            }
            let (done, end) = oneshot::channel();
            self.send(shard, ImportItem::End { file: self.file, taken: taken + 1, until, done })?;
            ends.push(end);
        }
        for end in ends {
            end.blocking_recv().map_err(|_gone| ImportError::Failed(self.handle.health()))?;
        }
        let _persisted = self.handle.persist_blocking();
        Ok(self.report)
    }
}
