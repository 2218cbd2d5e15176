//! A stream: its shards, their threads and logs, the trainer; and the handle by which everybody else
//! reaches them.

mod handle;
mod health;
mod importer;
mod room;
mod training;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, bounded};
use omnix_engine::Settings;
use omnix_model::limits::{FEED_BACKLOG_MAX, LANES, QUEUE_REQUESTS_MAX, REJECTED_WAITING_MAX};
use omnix_model::{LaneRange, ShardId};
use omnix_storage::{Atomicity, EventLog, Grain, LogSource, StateStore, WIDE_LOG_IDS};
use tokio::sync::broadcast;

use crate::attempts::MarkerStore;
use crate::chapters::{ChapterStore, Chapters, Keeper};
use crate::counters::Counters;
use crate::dedup::IdSecret;
use crate::explain::{Explainer, KeptLog};
use crate::history::ImportItem;
use crate::log_thread::{self, LogJob};
use crate::models::{ModelStore, Models};
use crate::on_demand::{Asking, commit_on_demand};
use crate::queries::{Queries, ShardView};
use crate::retention::Retention;
use crate::shard::{Replay, Shard, ShardContext, ShardError};
use crate::shard_thread::{Ends, ShardThread};
use crate::trainer::{Lesson, Told, Trainer};
use crate::{Clock, Progress};

pub use handle::StreamHandle;
pub use health::Health;
pub use importer::{ImportError, ImportReport, Importer};

use handle::{Core, ShardEnd};
use health::Watch;
pub(crate) use room::{Permit, Room};

/// What a stream is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To take events as they happen.
    Live,
    /// To take events of the past, on history's clock.
    History,
}

/// What a user may set of a stream.
#[derive(Debug, Clone)]
pub struct StreamSettings {
    /// What it is opened for.
    pub purpose: Purpose,
    /// What the engine depends on.
    pub engine: Settings,
    /// For how long rows and blocks are kept; the duplicate window among them.
    pub retention: Retention,
    /// Bytes of customers' states held decoded, of all shards.
    pub cache_bytes: usize,
    /// For how long a state is held after its last use, in milliseconds.
    pub cache_ttl_ms: i64,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            purpose: Purpose::Live,
            engine: Settings::default(),
            retention: Retention::default(),
            cache_bytes: 32 << 20,
            cache_ttl_ms: 6 * 3_600_000,
        }
    }
}

/// What one shard stands on.
pub struct ShardParts {
    /// Its log.
    pub log: Box<dyn EventLog>,
    /// Its store.
    pub store: Box<dyn StateStore>,
    /// What the store writes as a whole.
    pub atomicity: Atomicity,
    /// Where it notes what it is applying.
    pub marker: Box<dyn MarkerStore>,
    /// Where the chapters of its log lie. Without them an explanation reads the log whole: that is so for a log
    /// whose positions are wider than a frame's number.
    pub chapters: Option<Box<dyn ChapterStore>>,
}

/// A log that is not written any more: what lanes did before they were dealt to other shards.
pub struct EarlierLog {
    /// The lanes that stand in it.
    pub lanes: LaneRange,
    /// Reads it.
    pub source: Arc<dyn LogSource>,
    /// As with [`ShardParts::chapters`].
    pub chapters: Option<Box<dyn ChapterStore>>,
}

/// What a stream stands on.
pub struct StreamParts {
    /// The shards in order; together they own all lanes.
    pub shards: Vec<ShardParts>,
    /// Logs that are not written any more, the oldest first.
    pub earlier_logs: Vec<EarlierLog>,
    /// The files of models.
    pub models: Box<dyn ModelStore>,
    /// The directory's secret under which event ids are hashed.
    pub secret: IdSecret,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Why a stream cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A shard cannot be opened.
    #[error("{shard}: {source}")]
    Shard {
        /// Which.
        shard: ShardId,
        /// Why.
        source: ShardError,
    },
    /// The trainer cannot take up its work.
    #[error(transparent)]
    Model(#[from] crate::models::ModelError),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The parts do not make a stream.
    #[error("{0}")]
    Unfit(String),
}

/// Why a stream did not end cleanly.
#[derive(Debug, thiserror::Error)]
#[error("the stream did not end cleanly: {0}")]
pub struct StopError(pub String);

/// A running stream. Dropping it does not stop it: [`Stream::stop`] does.
pub struct Stream {
    handle: StreamHandle,
    threads: Vec<JoinHandle<()>>,
    trainer: JoinHandle<()>,
    keeper: JoinHandle<()>,
    /// Dropped, they end the trainer and the keeper of chapters.
    stops: [Sender<()>; 2],
    replays: Vec<Replay>,
}

/// A shard that is opened and replayed, and what its thread needs.
struct Opened {
    shard: Shard,
    log: Box<dyn EventLog>,
    read: KeptLog,
    view: ShardView,
    asked: Receiver<Asking>,
    rejected: Arc<AtomicUsize>,
    lessons: Vec<Lesson>,
    replay: Replay,
}

impl Stream {
    /// Opens everything, applies again what the logs hold beyond the stores, and begins to take events.
    ///
    /// Blocks until the replay is done, and what was left undone of an epoch.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn start(parts: StreamParts, settings: &StreamSettings) -> Result<Self, StartError> {
        let count = parts.shards.len();
        if count == 0 || count > LANES {
            return Err(StartError::Unfit(format!("a stream has 1 to {LANES} shards, not {count}")));
        }
        let files: Arc<dyn ModelStore> = Arc::from(parts.models);
        let models = Arc::new(Models::new(Box::new(Arc::clone(&files))));
        let counters = Arc::new(Counters::default());
        let (live, _) = broadcast::channel(FEED_BACKLOG_MAX);
        let (tell, told) = bounded(64 * LANES);
        let has_observed = Arc::new(AtomicBool::new(false));
        let engine = Arc::new(settings.engine.clone());
        let mut opened = Vec::with_capacity(count);
        for (number, shard) in (0_u16..).zip(parts.shards) {
            let id = ShardId(number);
            let context = ShardContext {
                shard: id,
                lanes: LaneRange::of_shard(id, count),
                clock: Arc::clone(&parts.clock),
                models: Arc::clone(&models),
                settings: Arc::clone(&engine),
                window: settings.retention.window,
                secret: parts.secret,
                cache_bytes: settings.cache_bytes / count * cache_share(settings.purpose),
                cache_ttl_ms: settings.cache_ttl_ms,
                is_history: settings.purpose == Purpose::History,
                atomicity: shard.atomicity,
                counters: Arc::clone(&counters),
                progress: Arc::new(Progress::default()),
                live: live.clone(),
                lessons: tell.clone(),
                rejected_waiting: Arc::default(),
                has_observed: Arc::clone(&has_observed),
            };
            let at = |source| StartError::Shard { shard: id, source };
            opened.push(open(context, shard).map_err(at)?);
        }
        drop(tell);
        let is_history = settings.purpose == Purpose::History;
        let trainer = trainer_of(&models, &mut opened).of_history(is_history);
        let core = CoreParts {
            models,
            files,
            earlier_logs: parts.earlier_logs,
            counters,
            live,
            engine,
            clock: parts.clock,
            purpose: settings.purpose,
        };
        Self::spawn(opened, core, (trainer, told, has_observed), settings.retention)
    }

    fn spawn(
        opened: Vec<Opened>,
        core: CoreParts,
        (trainer, told, has_observed): (Trainer, Receiver<Told>, Arc<AtomicBool>),
        retention: Retention,
    ) -> Result<Self, StartError> {
        let watch = Arc::new(Watch::new(opened.iter().map(|opened| opened.replay.damaged.clone()).collect()));
        let mut threads = Vec::new();
        let (mut ends, mut views, mut replays) = (Vec::new(), Vec::new(), Vec::new());
        let mut shards = Vec::new();
        let mut logs: Vec<_> = core.earlier_logs.into_iter().map(kept_log).collect();
        for opened in opened {
            logs.push(opened.read);
            let (inbox, imports) = (bounded(INBOX), bounded::<ImportItem>(4));
            let (jobs, done) = (bounded::<LogJob>(1), bounded(1));
            ends.push(ShardEnd {
                inbox: inbox.0,
                imports: imports.0,
                room: Arc::new(Room::new(Arc::clone(&core.counters))),
                rejected: opened.rejected,
                progress: Arc::clone(&opened.view.progress),
            });
            views.push(opened.view);
            replays.push(opened.replay);
            threads.push(thread("log", shards.len()).spawn(move || log_thread::run(jobs.1, done.0))?);
            let asked = opened.asked;
            let ends = Ends { inbox: inbox.1, imports: imports.1, jobs: jobs.0, done: done.1, asked };
            shards.push((opened.shard, opened.log, ends));
        }
        let queries = Queries::new(views, core.models.newest(), core.engine, Arc::clone(&core.clock));
        let (stop_keeper, keeper_stopped) = bounded(1);
        // Nobody asks while a history is taken in, and all processors are busy.
        let is_asked = core.purpose == Purpose::Live;
        let chapters = logs.iter().filter_map(|log| log.chapters.clone()).filter(|_| is_asked);
        let keeper = Keeper::new(chapters, keeper_stopped);
        let explainer = Explainer::new(queries.clone(), logs, core.files, Arc::clone(&core.clock));
        let handle = StreamHandle::new(Core {
            shards: ends,
            queries,
            explainer,
            live: core.live,
            counters: core.counters,
            watch: Arc::clone(&watch),
            clock: Arc::clone(&core.clock),
            purpose: core.purpose,
            newest: core.models.newest(),
            is_training: AtomicBool::new(true),
        });
        for (number, (shard, log, ends)) in shards.into_iter().enumerate() {
            let (watch, clock) = (Arc::clone(&watch), Arc::clone(&core.clock));
            let shard_thread = ShardThread::new(shard, log, ends, clock, retention);
            threads.push(thread("shard", number).spawn(move || watch.guard(move || shard_thread.run()))?);
        }
        let (stop_trainer, stopped) = bounded(1);
        let task = training::Training {
            trainer,
            told,
            stopped,
            has_observed,
            handle: handle.clone(),
            is_history: core.purpose == Purpose::History,
        };
        let trainer = thread("trainer", 0).spawn(move || watch.guard(move || task.run()))?;
        let keeper = thread("chapters", 0).spawn(move || keeper.run())?;
        // A model that was learnt and not in force everywhere is, before anybody asks what it says.
        handle.wait_for_trainer();
        Ok(Self { handle, threads, trainer, keeper, stops: [stop_trainer, stop_keeper], replays })
    }

    /// The handle. Cheap to clone.
    #[must_use]
    pub fn handle(&self) -> StreamHandle {
        self.handle.clone()
    }

    /// What each shard applied again at the start.
    #[must_use]
    pub fn replays(&self) -> &[Replay] {
        &self.replays
    }

    /// Takes no further event, applies and answers what is in hand, makes everything survive and closes.
    /// Blocks until it is done.
    ///
    /// # Errors
    /// [`StopError`] when a shard failed, now or before.
    pub fn stop(self) -> Result<(), StopError> {
        let Self { handle, threads, trainer, keeper, stops, .. } = self;
        handle.begin_stop();
        drop(stops);
        let mut outcome = Ok(());
        for thread in threads.into_iter().chain([trainer, keeper]) {
            if thread.join().is_err() {
                outcome = Err(StopError("a thread panicked".to_owned()));
            }
        }
        match handle.health() {
            Health::Failed(why) => Err(StopError(why)),
            _ => outcome,
        }
    }
}

/// How many times the memory for states is used: an import has the machine to itself, and goes through all
/// customers again and again.
const fn cache_share(purpose: Purpose) -> usize {
    match purpose {
        Purpose::Live => 1,
        Purpose::History => 8,
    }
}

/// What the threads have in common.
struct CoreParts {
    models: Arc<Models>,
    files: Arc<dyn ModelStore>,
    /// Logs that are not written any more.
    earlier_logs: Vec<EarlierLog>,
    counters: Arc<Counters>,
    live: broadcast::Sender<Arc<crate::FeedMessage>>,
    engine: Arc<Settings>,
    clock: Arc<dyn Clock>,
    purpose: Purpose,
}

/// Messages that a shard's inbox holds: requests, rejected events, and a few of our own.
const INBOX: usize = QUEUE_REQUESTS_MAX + REJECTED_WAITING_MAX + 1_024;

fn open(context: ShardContext, parts: ShardParts) -> Result<Opened, ShardError> {
    if parts.log.grain() != Grain::Shard {
        return Err(ShardError::Unfit("the shard's thread appends one block for all its lanes".to_owned()));
    }
    let read =
        kept_log(EarlierLog { lanes: context.lanes, source: parts.log.source(), chapters: parts.chapters });
    let (on_demand, asked) = commit_on_demand();
    let view = ShardView {
        shard: context.shard,
        log: parts.log.id(),
        lanes: context.lanes,
        store: parts.store.reader(),
        progress: Arc::clone(&context.progress),
        on_demand,
    };
    let rejected = Arc::clone(&context.rejected_waiting);
    let mut shard = Shard::open(context, parts.store, parts.marker)?;
    let replay = shard.replay(read.source.as_ref())?;
    let lessons = shard.go_live()?;
    Ok(Opened { shard, log: parts.log, read, view, asked, rejected, lessons, replay })
}

/// A log as explanations read it.
fn kept_log(EarlierLog { lanes, source, chapters }: EarlierLog) -> KeptLog {
    let chapters = chapters.filter(|_| !WIDE_LOG_IDS.contains(&source.id().0));
    let chapters = chapters.map(|store| Arc::new(Chapters::open(store, Arc::clone(&source))));
    KeptLog { lanes, source, chapters }
}

fn trainer_of(models: &Arc<Models>, opened: &mut [Opened]) -> Trainer {
    let rows: Vec<_> = opened.iter().flat_map(|opened| opened.shard.lane_rows()).collect();
    let epoch = rows.iter().map(|(_, row)| row.epoch).max().unwrap_or(0);
    let began = rows.iter().filter(|(_, row)| row.epoch == epoch).filter_map(|(_, row)| row.epoch_began);
    let began = if epoch == 0 { began.min() } else { began.max() };
    let lanes = rows.iter().map(|(lane, row)| (*lane, row.model));
    let oldest_epoch = rows.iter().map(|(_, row)| row.epoch).min().unwrap_or(0);
    let mut trainer = Trainer::new(Arc::clone(models), epoch, began, lanes).behind_from(oldest_epoch);
    for lesson in opened.iter_mut().flat_map(|opened| opened.lessons.drain(..)) {
        trainer.note(lesson);
    }
    trainer
}

fn thread(name: &str, number: usize) -> std::thread::Builder {
    std::thread::Builder::new().name(format!("{name}-{number}"))
}

/// The newest model in force.
pub(crate) type Newest = Arc<ArcSwap<omnix_engine::Model>>;
