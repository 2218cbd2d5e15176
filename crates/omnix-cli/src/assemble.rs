//! Puts the parts together: a data directory, its logs and stores, and the stream that runs on them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use omnix_model::Position;
use omnix_server::HasRoom;
use omnix_server::settings::Settings;
use omnix_storage::{
    Atomicity, DataDirectory, DirectoryError, EventLog as _, Format, LogEntry, LogSettings, LsmStore,
    SegmentLog, SharedCaches, Space, StateStore as _, StoreSettings,
};
use omnix_worker::reshard::{Target, reshard};
use omnix_worker::{
    Clock as _, EarlierLog, IdSecret, MarkerFile, Purpose, Retention, ShardParts, Stream, StreamParts,
    StreamSettings, WallClock, Window,
};
use smol_str::SmolStr;

use crate::failure::Failure;

/// Files of tables held open at a time, of all shards.
const DESCRIPTORS: usize = 256;

/// A running stream and the directory that it holds.
pub(crate) struct Opened {
    pub(crate) stream: Stream,
    /// Held, so that no other process opens it.
    _directory: DataDirectory,
}

impl Opened {
    /// Ends the stream; the directory is free afterwards.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        Ok(self.stream.stop()?)
    }
}

/// Opens the data directory that `settings` name, makes it if there is none, and starts the stream on it.
pub(crate) fn open(settings: &Settings, purpose: Purpose) -> Result<Opened, Failure> {
    let directory = open_directory(settings)?;
    let retention = retention_of(settings);
    let caches = SharedCaches::new(settings.store.cache_bytes / 4, DESCRIPTORS);
    let shards = directory.format().current_logs().map(|log| open_shard(&directory, log, settings, &caches));
    let parts = StreamParts {
        shards: shards.collect::<Result<_, _>>()?,
        earlier_logs: earlier_logs(&directory, settings)?,
        models: Box::new(directory.models()?),
        secret: id_secret(&directory)?,
        clock: Arc::new(WallClock),
    };
    let stream = Stream::start(
        parts,
        &StreamSettings {
            purpose,
            engine: engine_settings(settings)?,
            retention,
            // A quarter of the cache holds blocks of tables, the rest customers' states as they are worked on.
            cache_bytes: usize::try_from(settings.store.cache_bytes / 4 * 3)?,
            ..StreamSettings::default()
        },
    )?;
    for (number, replay) in stream.replays().iter().enumerate() {
        tracing::info!(shard = number, blocks = replay.blocks, records = replay.records, "replayed");
    }
    Ok(Opened { stream, _directory: directory })
}

pub(crate) fn open_directory(settings: &Settings) -> Result<DataDirectory, Failure> {
    let root = Path::new(&settings.store.data_dir);
    let shards = usize::from(settings.stream.shard_count);
    let mut directory = match DataDirectory::open(root) {
        Err(DirectoryError::Missing(_)) => {
            DataDirectory::create(root, Format::new(&settings.stream.name, shards)?)
        }
        other => other,
    }
    .map_err(|error| match error {
        DirectoryError::InUse(_) => Failure::unavailable(format!("{error}: is a server running on it?")),
        error => Failure::from(error),
    })?;
    if directory.format().shards() != shards {
        deal_anew(&mut directory, settings)?;
    }
    directory.remove_stale_states()?;
    Ok(directory)
}

/// Deals the lanes to another number of shards. The logs must be at rest: what they hold beyond the stores is
/// applied first, under the old number.
fn deal_anew(directory: &mut DataDirectory, settings: &Settings) -> Result<(), Failure> {
    let shards = usize::from(settings.stream.shard_count);
    tracing::info!(
        from = directory.format().shards(),
        to = shards,
        "dealing lanes to another number of shards"
    );
    settle(directory, settings)?;
    let next = directory.format().with_shards(shards)?;
    let caches = SharedCaches::new(settings.store.cache_bytes / 4, DESCRIPTORS);
    let open = |log: LogEntry| LsmStore::open(&directory.state_path(log), store_settings(settings, &caches));
    let old = directory.format().current_logs().map(open).collect::<Result<Vec<_>, _>>()?;
    let mut new = Vec::new();
    for log in next.current_logs() {
        // What an earlier attempt left behind is not to be trusted.
        let path = directory.state_path(log);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        new.push((log, LsmStore::open(&path, store_settings(settings, &caches))?));
    }
    let readers: Vec<_> = old.iter().map(LsmStore::reader).collect();
    let readers: Vec<_> = readers.iter().map(AsRef::as_ref).collect();
    let mut targets: Vec<Target<'_>> = new
        .iter_mut()
        .map(|(log, store)| Target { lanes: log.lanes(), store, start: Position::start(log.id) })
        .collect();
    let rows = reshard(&readers, &mut targets)?;
    tracing::info!(rows, "dealt");
    Ok(directory.adopt(next)?)
}

/// Brings the stores forward to the ends of their logs.
fn settle(directory: &DataDirectory, settings: &Settings) -> Result<(), Failure> {
    let caches = SharedCaches::new(settings.store.cache_bytes / 4, DESCRIPTORS);
    let shards = directory.format().current_logs().map(|log| open_shard(directory, log, settings, &caches));
    let parts = StreamParts {
        shards: shards.collect::<Result<_, _>>()?,
        earlier_logs: Vec::new(),
        models: Box::new(directory.models()?),
        secret: id_secret(directory)?,
        clock: Arc::new(WallClock),
    };
    let engine = engine_settings(settings)?;
    let stream = Stream::start(parts, &StreamSettings { engine, ..StreamSettings::default() })?;
    Ok(stream.stop()?)
}

fn open_shard(
    directory: &DataDirectory,
    entry: LogEntry,
    settings: &Settings,
    caches: &SharedCaches,
) -> Result<ShardParts, Failure> {
    let log = open_log(directory, entry, settings)?;
    let store = LsmStore::open(&directory.state_path(entry), store_settings(settings, caches))?;
    let marker = MarkerFile::new(directory.log_path(entry).with_extension("attempt"));
    Ok(ShardParts {
        log: Box::new(log),
        store: Box::new(store),
        atomicity: Atomicity::Commit,
        marker: Box::new(marker),
        chapters: Some(Box::new(directory.chapters(entry)?)),
    })
}

/// Opens the log of one shard and tells what its last stop left.
pub(crate) fn open_log(
    directory: &DataDirectory,
    entry: LogEntry,
    settings: &Settings,
) -> Result<SegmentLog, Failure> {
    let log_settings = LogSettings {
        reserve_bytes: directory.space()?.reserve_bytes(reserve_of(settings)),
        compress: settings.stream.enable_compression,
        ..LogSettings::default()
    };
    let (log, report) = SegmentLog::open(&directory.log_path(entry), entry.id, entry.shard, log_settings)?;
    if let Some(tail) = report.torn_tail {
        tracing::info!(shard = %entry.shard, bytes = tail.bytes, "cut the torn end of the last stop off the log");
    }
    for run in &report.damaged {
        tracing::error!(shard = %entry.shard, first = run.first, last = run.last, "damaged frames in the log");
    }
    Ok(log)
}

/// The logs of other numbers of shards that are still kept: what customers did before is read there.
fn earlier_logs(directory: &DataDirectory, settings: &Settings) -> Result<Vec<EarlierLog>, Failure> {
    let format = directory.format();
    let count = format.logs().count() - format.current_logs().count();
    let kept = format.logs().take(count).filter(|log| directory.log_path(*log).exists());
    let open = |log: LogEntry| {
        let source = open_log(directory, log, settings)?.source();
        Ok(EarlierLog { lanes: log.lanes(), source, chapters: Some(Box::new(directory.chapters(log)?)) })
    };
    kept.map(open).collect()
}

/// Whether the disk has room above its reserve; one that cannot be asked is taken to have.
pub(crate) fn has_room(settings: &Settings) -> HasRoom {
    let (root, reserve) = (PathBuf::from(&settings.store.data_dir), reserve_of(settings));
    Arc::new(move || !Space::of(&root).is_ok_and(|space| space.is_short(reserve)))
}

/// The reserve that is set; none leaves it to the size of the disk.
fn reserve_of(settings: &Settings) -> Option<u64> {
    Some(settings.store.disk_reserve_bytes).filter(|bytes| *bytes > 0)
}

pub(crate) fn store_settings(settings: &Settings, caches: &SharedCaches) -> StoreSettings {
    let retention = retention_of(settings);
    // A store holds up to three memtables: one written, one sealed, one that waits.
    let memtable_bytes = settings.store.store_bytes / (3 * u64::from(settings.stream.shard_count.max(1)));
    StoreSettings {
        memtable_bytes: memtable_bytes.max(1 << 20),
        caches: caches.clone(),
        expire: Some(Arc::new(move |key: &[u8]| retention.has_expired(key, WallClock.now()))),
    }
}

fn retention_of(settings: &Settings) -> Retention {
    Retention {
        stream_hours: i64::from(settings.stream.retention_hours),
        archive_days: i64::from(settings.store.archive_days),
        insight_days: i64::from(settings.store.insight_days),
        window: Window::hours(settings.stream.dedup_window_hours),
    }
}

/// What the engine is to be told of the settings.
pub(crate) fn engine_settings(settings: &Settings) -> Result<omnix_engine::Settings, Failure> {
    let engine = &settings.engine;
    Ok(omnix_engine::Settings {
        time_zone: TimeZone::get(&settings.shop.time_zone)?,
        currency: SmolStr::new(&settings.shop.currency),
        spending_deviation_threshold: engine.spending_deviation_threshold,
        high_confidence_threshold: engine.high_confidence_threshold,
        critical_confidence_threshold: engine.critical_confidence_threshold,
        buffer_flush_interval_ms: i64::from(engine.buffer_flush_interval_ms),
        buffer_lines_max: engine.max_buffer_size,
        customer_insights_per_day: engine.customer_insights_per_day,
    })
}

pub(crate) fn id_secret(directory: &DataDirectory) -> Result<IdSecret, Failure> {
    let bytes = directory.hash_secret(rand::random)?;
    let bytes =
        bytes.first_chunk().copied().ok_or_else(|| anyhow::anyhow!("the directory's secret is too short"))?;
    Ok(IdSecret::new(bytes))
}
