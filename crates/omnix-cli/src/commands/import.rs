//! `omnix import`: takes a history into a data directory, on history's own time. Resumes where it was; a file
//! that was taken adds nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::Hasher as _;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use omnix_model::{CustomerId, Event, EventId, Origin, Timestamp, fingerprint};
use omnix_server::settings::{Settings, StoreSettings};
use omnix_wire::{AnonymousRule, NdjsonHistory, OnlineRetail, ParseSettings, RowOutcome, SegmentAliases};
use omnix_worker::{Clock as _, Importer, NewEvent, Purpose, WallClock};
use serde_json::json;
use smol_str::SmolStr;

use crate::assemble;
use crate::cli::{FormatArg, ImportArgs};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::settings;

/// Refused lines that are told; all are counted.
const TOLD_MAX: u64 = 10;
/// After so many events the progress is shown again.
const SHOW_EVERY: u64 = 10_000;

/// What became of the lines of a file.
#[derive(Debug, Default)]
struct Counts {
    events: u64,
    returns: u64,
    refused: u64,
    skipped: BTreeMap<&'static str, u64>,
    /// Events older than what the archive keeps.
    beyond_archive: u64,
    /// Events whose insights are older than what is kept of those.
    beyond_insights: u64,
}

pub(crate) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let settings = settings::of(&args.directory, &[])?.settings;
    let name = hash_of(&args.path)?;
    let opened = assemble::open(&settings, Purpose::History)?;
    let outcome = take(args, &settings, Importer::new(opened.stream.handle(), name)?);
    opened.stop()?;
    let (counts, known, seconds) = outcome?;
    tell(args, &settings, &counts, known, seconds);
    Ok(())
}

/// Says what was taken.
fn tell(args: &ImportArgs, settings: &Settings, counts: &Counts, known: u64, seconds: f64) {
    if args.json {
        println!(
            "{}",
            json!({
                "events": counts.events, "returns": counts.returns, "known": known, "refused": counts.refused,
                "skipped": counts.skipped, "beyondArchive": counts.beyond_archive,
                "beyondInsights": counts.beyond_insights, "seconds": seconds,
            })
        );
        return;
    }
    println!(
        "{} events ({} returns), {known} of them known already, in {seconds:.1} s",
        counts.events, counts.returns
    );
    for (reason, rows) in &counts.skipped {
        println!("{rows} rows skipped: {reason}");
    }
    if counts.refused > 0 {
        println!("{} lines refused", counts.refused);
    }
    let StoreSettings { archive_days, insight_days, .. } = settings.store;
    if counts.beyond_archive > 0 {
        println!(
            "{} events are older than OMNIX_ARCHIVE_DAYS ({archive_days} days): they count, and leave the log \
             while it is served",
            counts.beyond_archive
        );
    }
    if counts.beyond_insights > 0 {
        println!(
            "{} events are older than OMNIX_INSIGHT_DAYS ({insight_days} days): what follows from them counts, \
             and is not listed for long",
            counts.beyond_insights
        );
    }
}

fn take(args: &ImportArgs, settings: &Settings, importer: Importer) -> Result<(Counts, u64, f64), Failure> {
    let file = File::open(&args.path)?;
    let progress = Progress::start("importing", file.metadata()?.len());
    let read = Arc::new(AtomicU64::new(0));
    let counted = Counted { file, read: Arc::clone(&read) };
    let input: Box<dyn Read> =
        if is_gzip(&args.path) { Box::new(MultiGzDecoder::new(counted)) } else { Box::new(counted) };
    let input = BufReader::with_capacity(1 << 18, input);
    let days_ago = |days: u32| WallClock.now().plus_ms(-i64::from(days) * Timestamp::DAY_MS);
    let archived_from = days_ago(settings.store.archive_days);
    let listed_from = days_ago(settings.store.insight_days);
    let mut intake =
        Intake { importer, progress, read, archived_from, listed_from, counts: Counts::default() };
    match args.format {
        FormatArg::Ndjson => intake.ndjson(input, settings, &name_of(&args.path))?,
        FormatArg::OnlineRetail => intake.online_retail(input, settings)?,
    }
    let report = intake.importer.finish()?;
    Ok((intake.counts, report.known, intake.progress.finish().as_secs_f64()))
}

struct Intake {
    importer: Importer,
    progress: Progress,
    read: Arc<AtomicU64>,
    archived_from: Timestamp,
    listed_from: Timestamp,
    counts: Counts,
}

impl Intake {
    fn ndjson(
        &mut self,
        input: impl std::io::BufRead,
        settings: &Settings,
        name: &str,
    ) -> Result<(), Failure> {
        let anonymous = AnonymousRule::new(&settings.customers.anonymous);
        let parse = ParseSettings {
            now: Timestamp::MAX,
            currency: SmolStr::new(&settings.shop.currency),
            anonymous_empty_allowed: anonymous.allows_absent(),
            expected: None,
        };
        let aliases = SegmentAliases::new(&settings.segments.aliases)?;
        for line in NdjsonHistory::new(input, parse) {
            let line = line?;
            match line.outcome {
                Ok(mut parsed) => {
                    aliases.apply(&mut parsed.event);
                    let event_id = match parsed.event_id {
                        Some(event_id) => event_id,
                        None => EventId::new(&format!("{name}:{}", line.number))?,
                    };
                    self.event(parsed.event, event_id, parsed.fingerprint, &anonymous)?;
                }
                Err(refused) => {
                    let faults = refused.faults.as_slice().iter();
                    let text: Vec<String> =
                        faults.map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect();
                    self.refused(line.number, &text.join(", "));
                }
            }
        }
        Ok(())
    }

    fn online_retail(&mut self, input: impl Read, settings: &Settings) -> Result<(), Failure> {
        let anonymous = AnonymousRule::new(&settings.customers.anonymous);
        for row in OnlineRetail::new(input)? {
            let row = row?;
            match row.outcome {
                RowOutcome::Event { event, event_id } => {
                    let fingerprint = fingerprint(&event);
                    self.event(event, event_id, fingerprint, &anonymous)?;
                }
                RowOutcome::Skipped(reason) => *self.counts.skipped.entry(reason.name()).or_default() += 1,
                RowOutcome::Refused(why) => self.refused(row.number, &why),
            }
        }
        Ok(())
    }

    fn event(
        &mut self,
        event: Event,
        event_id: EventId,
        fingerprint: u32,
        anonymous: &AnonymousRule,
    ) -> Result<(), Failure> {
        self.counts.events += 1;
        let at = event.timestamp();
        self.counts.beyond_archive += u64::from(at < self.archived_from);
        self.counts.beyond_insights += u64::from(at < self.listed_from);
        self.counts.returns += u64::from(matches!(&event, Event::Purchase(purchase) if purchase.is_return()));
        let anonymous = anonymous.is_anonymous(event.customer().map(CustomerId::as_str));
        self.importer.push(NewEvent { event, event_id, origin: Origin::Import, fingerprint, anonymous })?;
        if self.counts.events.is_multiple_of(SHOW_EVERY) {
            self.progress.advance(self.read.load(Ordering::Relaxed), self.counts.events);
        }
        Ok(())
    }

    fn refused(&mut self, line: u64, why: &str) {
        self.counts.refused += 1;
        if self.counts.refused <= TOLD_MAX {
            eprintln!("line {line}: {why}");
        }
    }
}

/// Counts the bytes that were read of a file.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
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
