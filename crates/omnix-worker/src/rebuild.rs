//! Applies a whole log again into new stores, learning every model anew on the way, and compares what comes
//! out with what is kept.
//!
//! Every shard is applied on a thread of its own. One that meets a model which is not folded yet waits for the
//! lanes of the others to end the epoch before it; the log says in each lane where that is, so that the models
//! come out as they were, whatever the threads do.
//!
//! Deliberately not here: where logs and stores lie, and what is done with the result.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use omnix_engine::{Model, Settings, Tally, learn};
use omnix_model::limits::LANES;
use omnix_model::{Lane, LaneRange, Position, ShardId, Timestamp};
use omnix_storage::{Atomicity, KeyRange, LogSource, Order, StateReader, StateStore, StoreError};
use tokio::sync::broadcast;

use crate::attempts::NoMarker;
use crate::counters::Counters;
use crate::dedup::{IdSecret, Window};
use crate::models::{ModelError, ModelStore, Models, file};
use crate::shard::{Replay, Shard, ShardContext, ShardError};
use crate::trainer::Told;
use crate::{Clock, Progress};

/// What a log is applied with.
pub struct Rebuild {
    /// The engine's settings until the log names others.
    pub engine: Settings,
    /// The duplicate window.
    pub window: Window,
    /// The directory's secret.
    pub secret: IdSecret,
    /// Bytes of customers' states held decoded, of all shards.
    pub cache_bytes: usize,
    /// The clock: nothing that is compared depends on it.
    pub clock: Arc<dyn Clock>,
}

/// One shard to apply again.
pub struct RebuildShard {
    /// Its log.
    pub source: Arc<dyn LogSource>,
    /// A new, empty store.
    pub store: Box<dyn StateStore>,
}

/// What was applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Records.
    pub records: u64,
    /// Models folded.
    pub models: u64,
    /// Runs of frames that could not be read, of all shards.
    pub damaged: usize,
}

/// Why a log could not be applied again.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The log does not reach back to its beginning: what is kept rests on what was trimmed as well.
    #[error("the log of {0} was trimmed: what it held is not there to be applied again")]
    Trimmed(ShardId),
    /// A shard could not be applied.
    #[error("{shard}: {source}")]
    Shard {
        /// Which.
        shard: ShardId,
        /// Why.
        source: ShardError,
    },
    /// A thread panicked.
    #[error("a thread panicked")]
    Panicked,
}

impl Rebuild {
    /// Applies the logs of `shards`, which together own all lanes, and persists their stores.
    ///
    /// # Errors
    /// [`RebuildError`]; a model that comes out other than the log says is one.
    pub fn run(&self, shards: Vec<RebuildShard>) -> Result<Rebuilt, RebuildError> {
        let count = shards.len();
        let folded = Folded::default();
        let (tell, told) = bounded(LANES);
        let applied: Vec<Result<Replay, RebuildError>> = thread::scope(|scope| {
            let folder = folded.clone();
            scope.spawn(move || folder.fold(&told));
            let threads: Vec<_> = (0_u16..)
                .zip(shards)
                .map(|(number, shard)| {
                    let context = self.context(ShardId(number), count, &folded, &tell);
                    let folded = folded.clone();
                    scope.spawn(move || {
                        let outcome = apply(context, shard);
                        if outcome.is_err() {
                            folded.give_up();
                        }
                        outcome
                    })
                })
                .collect();
            drop(tell);
            threads.into_iter().map(|thread| thread.join().unwrap_or(Err(RebuildError::Panicked))).collect()
        });
        let mut rebuilt = Rebuilt { models: folded.count(), ..Rebuilt::default() };
        for replay in applied {
            let replay = replay?;
            rebuilt.records += replay.records;
            rebuilt.damaged += replay.damaged.len();
        }
        Ok(rebuilt)
    }

    fn context(
        &self,
        shard: ShardId,
        count: usize,
        folded: &Folded,
        tell: &crossbeam_channel::Sender<Told>,
    ) -> ShardContext {
        ShardContext {
            shard,
            lanes: LaneRange::of_shard(shard, count),
            clock: Arc::clone(&self.clock),
            models: Arc::new(Models::new(Box::new(folded.clone()))),
            settings: Arc::new(self.engine.clone()),
            window: self.window,
            secret: self.secret,
            cache_bytes: self.cache_bytes / count.max(1),
            cache_ttl_ms: i64::MAX,
            is_history: true,
            atomicity: Atomicity::Commit,
            counters: Arc::new(Counters::default()),
            progress: Arc::new(Progress::default()),
            live: broadcast::channel(1).0,
            lessons: tell.clone(),
            rejected_waiting: Arc::new(AtomicUsize::new(0)),
            has_observed: Arc::new(AtomicBool::new(false)),
        }
    }
}

fn apply(context: ShardContext, parts: RebuildShard) -> Result<Replay, RebuildError> {
    let shard = context.shard;
    let start = parts.source.start();
    if start != Position::start(start.log) {
        return Err(RebuildError::Trimmed(shard));
    }
    let failed = |source| RebuildError::Shard { shard, source };
    let mut rebuilding = Shard::open(context, parts.store, Box::new(NoMarker)).map_err(failed)?;
    let replay = rebuilding.rebuild(parts.source.as_ref()).map_err(failed)?;
    rebuilding.close().map_err(failed)?;
    Ok(replay)
}

/// The models as they are folded; who asks for one that is not folded yet waits.
#[derive(Clone, Default)]
struct Folded(Arc<(Mutex<Shelf>, Condvar)>);

#[derive(Default)]
struct Shelf {
    /// The latest models, as their files: a lane needs none older than the last but one.
    models: BTreeMap<u64, Vec<u8>>,
    has_given_up: bool,
}

/// Models held: the one in force in the slowest lane, the next, and one to spare.
const SHELF_MODELS: usize = 4;

impl Folded {
    fn lock(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Folds what the lanes tell, epoch after epoch, until all shards have ended.
    fn fold(&self, told: &Receiver<Told>) {
        let mut model = Model::seed();
        let mut epochs: BTreeMap<u64, BTreeMap<Lane, (Tally, Timestamp)>> = BTreeMap::new();
        while let Ok(told) = told.recv() {
            let Told::Lessons(lessons) = told else { continue };
            for lesson in lessons {
                let lessons = epochs.entry(lesson.epoch).or_default();
                lessons.insert(lesson.lane, (lesson.tally, lesson.until));
            }
            while let Some(lessons) = epochs.get(&model.number()).filter(|lessons| lessons.len() == LANES) {
                let until = lessons.values().map(|(_, until)| *until).max().unwrap_or(Timestamp::MIN);
                let lessons = epochs.remove(&model.number()).unwrap_or_default();
                let tallies: Vec<(Lane, Tally)> =
                    lessons.into_iter().map(|(lane, (tally, _))| (lane, tally)).collect();
                model = learn(&model, &tallies, until);
                let mut shelf = self.lock();
                shelf.models.insert(model.number(), file::of_model(&model));
                while shelf.models.len() > SHELF_MODELS {
                    shelf.models.pop_first();
                }
                self.0.1.notify_all();
            }
        }
        self.give_up();
    }

    /// No further model will come: who waits is told that there is none.
    fn give_up(&self) {
        self.lock().has_given_up = true;
        self.0.1.notify_all();
    }

    fn count(&self) -> u64 {
        self.lock().models.last_key_value().map_or(0, |(number, _)| *number)
    }
}

impl ModelStore for Folded {
    fn write(&self, _number: u64, _bytes: &[u8]) -> Result<(), ModelError> {
        Err(ModelError::Files("a rebuild keeps no model".to_owned()))
    }

    fn read(&self, number: u64) -> Result<Option<Vec<u8>>, ModelError> {
        let waits = |shelf: &mut Shelf| !shelf.models.contains_key(&number) && !shelf.has_given_up;
        let shelf = self.0.1.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        Ok(shelf.models.get(&number).cloned())
    }

    fn list(&self) -> Result<Vec<u64>, ModelError> {
        Ok(self.lock().models.keys().copied().collect())
    }

    fn prune(&self, _keep: &dyn Fn(u64) -> bool) -> Result<usize, ModelError> {
        Ok(0)
    }
}

/// How two sets of stores differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Rows of customers' states that were compared.
    pub states: u64,
    /// Insights that were compared; what came of them was too.
    pub insights: u64,
    /// Rows that differ, or stand on one side only.
    pub differing: u64,
}

/// Compares states, insights and what came of them in `kept` and `rebuilt`, shard by shard, byte for byte.
///
/// # Errors
/// [`StoreError`]
pub fn compare(
    kept: &[Arc<dyn StateReader>],
    rebuilt: &[Arc<dyn StateReader>],
) -> Result<Comparison, StoreError> {
    let mut comparison = Comparison::default();
    for (kept, rebuilt) in kept.iter().zip(rebuilt) {
        comparison.states += compare_kind(b's', kept.as_ref(), rebuilt.as_ref(), &mut comparison.differing)?;
        comparison.insights +=
            compare_kind(b'i', kept.as_ref(), rebuilt.as_ref(), &mut comparison.differing)?;
        compare_kind(b'v', kept.as_ref(), rebuilt.as_ref(), &mut comparison.differing)?;
    }
    Ok(comparison)
}

/// Compares the rows of one kind; answers how many there are on the one side.
fn compare_kind(
    kind: u8,
    kept: &dyn StateReader,
    rebuilt: &dyn StateReader,
    differing: &mut u64,
) -> Result<u64, StoreError> {
    let range = KeyRange::prefix(&crate::keys::all_of(kind));
    let (mut rows, mut alike, mut failed) = (0, 0, None);
    kept.scan(&range, Order::Ascending, &mut |key, value| {
        rows += 1;
        match rebuilt.get(key) {
            Ok(other) => alike += u64::from(other.as_deref() == Some(value)),
            Err(error) => failed = Some(error),
        }
        if failed.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let mut others = 0_u64;
    rebuilt.scan(&range, Order::Ascending, &mut |_, _| {
        others += 1;
        ControlFlow::Continue(())
    })?;
    *differing += (rows - alike) + (others - alike);
    // A row that differs stands on both sides and was counted twice.
    let on_both = rows.min(others) - alike;
    *differing -= on_both;
    Ok(rows)
}
