//! `omnix import`: takes a history into a data directory, on history's own time. Resumes where it was; a file
//! that was taken adds nothing.

use std::fs::File;
use std::hash::Hasher as _;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use omnix_model::{Event, EventId, Origin, Timestamp};
use omnix_server::settings::{Settings, StoreSettings};
use omnix_worker::{Clock as _, Importer, NewEvent, Purpose, WallClock};
use serde_json::json;

use crate::assemble;
use crate::cli::ImportArgs;
use crate::failure::Failure;
use crate::input_file::{HistoryEvent, InputFile, LeftOut};
use crate::progress::Progress;
use crate::settings;

/// After so many events the progress is shown again.
const SHOW_EVERY: u64 = 10_000;

/// What became of the events of a file.
#[derive(Debug, Default)]
struct Counts {
    events: u64,
    returns: u64,
    /// Events older than what the archive keeps.
    beyond_archive: u64,
    /// Events whose insights are older than what is kept of those.
    beyond_insights: u64,
}

/// What became of a file.
struct Taken {
    counts: Counts,
    left_out: LeftOut,
    /// Events that an earlier run had taken.
    known: u64,
    seconds: f64,
}

pub(crate) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let settings = settings::of(&args.directory, &[])?.settings;
    let name = hash_of(&args.path)?;
    let opened = assemble::open(&settings, Purpose::History)?;
    let taken = take(args, &settings, Importer::new(opened.stream.handle(), name)?);
    opened.stop()?;
    if args.json {
        tell_json(&taken?)
    } else {
        tell(&taken?, &settings.store)
    }
    Ok(())
}

fn tell_json(Taken { counts, left_out, known, seconds }: &Taken) {
    println!(
        "{}",
        json!({
            "events": counts.events, "returns": counts.returns, "known": known, "refused": left_out.refused,
            "skipped": left_out.skipped, "beyondArchive": counts.beyond_archive,
            "beyondInsights": counts.beyond_insights, "seconds": seconds,
        })
    );
}

fn tell(Taken { counts, left_out, known, seconds }: &Taken, kept: &StoreSettings) {
    println!(
        "{} events ({} returns), {known} of them known already, in {seconds:.1} s",
        counts.events, counts.returns
    );
    for (reason, rows) in left_out.skipped.iter().filter(|(_, rows)| **rows > 0) {
        println!("{rows} rows skipped: {reason}");
    }
    if left_out.refused > 0 {
        println!("{} lines refused", left_out.refused);
    }
    if counts.beyond_archive > 0 {
        println!(
            "{} events are older than OMNIX_ARCHIVE_DAYS ({} days): they count, and leave the log while it is \
             served",
            counts.beyond_archive, kept.archive_days
        );
    }
    if counts.beyond_insights > 0 {
        println!(
            "{} events are older than OMNIX_INSIGHT_DAYS ({} days): what follows from them counts, and is not \
             listed for long",
            counts.beyond_insights, kept.insight_days
        );
    }
}

fn take(args: &ImportArgs, settings: &Settings, importer: Importer) -> Result<Taken, Failure> {
    let file = InputFile::open(&args.path)?;
    let progress = Progress::start("importing", file.bytes());
    let days_ago = |days: u32| WallClock.now().plus_ms(-i64::from(days) * Timestamp::DAY_MS);
    let mut intake = Intake {
        importer,
        name: name_of(&args.path),
        progress,
        read: file.position(),
        archived_from: days_ago(settings.store.archive_days),
        listed_from: days_ago(settings.store.insight_days),
        counts: Counts::default(),
    };
    let left_out = file.events(args.format, settings, |event| intake.take(event))?;
    let report = intake.importer.finish()?;
    let seconds = intake.progress.finish().as_secs_f64();
    Ok(Taken { counts: intake.counts, left_out, known: report.known, seconds })
}

struct Intake {
    importer: Importer,
    /// The file's, for the ids of events that have none.
    name: String,
    progress: Progress,
    read: Arc<AtomicU64>,
    archived_from: Timestamp,
    listed_from: Timestamp,
    counts: Counts,
}

impl Intake {
    fn take(&mut self, line: HistoryEvent) -> Result<(), Failure> {
        let HistoryEvent { number, event, event_id, fingerprint, is_anonymous: anonymous } = line;
        let event_id = match event_id {
            Some(event_id) => event_id,
            None => EventId::new(&format!("{}:{number}", self.name))?,
        };
        let at = event.timestamp();
        self.counts.events += 1;
        self.counts.beyond_archive += u64::from(at < self.archived_from);
        self.counts.beyond_insights += u64::from(at < self.listed_from);
        self.counts.returns += u64::from(matches!(&event, Event::Purchase(purchase) if purchase.is_return()));
        self.importer.push(NewEvent { event, event_id, origin: Origin::Import, fingerprint, anonymous })?;
        if self.counts.events.is_multiple_of(SHOW_EVERY) {
            self.progress.advance(self.read.load(Ordering::Relaxed), self.counts.events);
        }
        Ok(())
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // An id is at most 128 bytes, and a line's number is to follow.
    name.chars().filter(|c| c.is_ascii_graphic()).take(64).collect()
}

/// The hash of a file's bytes: its name as an import.
fn hash_of(path: &Path) -> Result<u128, Failure> {
    let mut file =
        File::open(path).map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?;
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.digest128());
        }
        hasher.write(buffer.get(..count).unwrap_or_default());
    }
}
