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
use omnix_server::settings::Settings;
use omnix_wire::{AnonymousRule, NdjsonHistory, OnlineRetail, ParseSettings, RowOutcome, SegmentAliases};
use omnix_worker::{Importer, NewEvent, Purpose};
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
}

pub(crate) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let settings = settings::of(&args.directory, &[])?.settings;
    let name = hash_of(&args.path)?;
    let opened = assemble::open(&settings, Purpose::History)?;
    let outcome = take(args, &settings, Importer::new(opened.stream.handle(), name)?);
    opened.stop()?;
    let (counts, known, seconds) = outcome?;
    if args.json {
        println!(
            "{}",
            json!({
                "events": counts.events, "returns": counts.returns, "known": known, "refused": counts.refused,
                "skipped": counts.skipped, "seconds": seconds,
            })
        );
        return Ok(());
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
    Ok(())
}

fn take(args: &ImportArgs, settings: &Settings, importer: Importer) -> Result<(Counts, u64, f64), Failure> {
    let file = File::open(&args.path)?;
    let progress = Progress::start("importing", file.metadata()?.len());
    let read = Arc::new(AtomicU64::new(0));
    let counted = Counted { file, read: Arc::clone(&read) };
    let input: Box<dyn Read> =
        if is_gzip(&args.path) { Box::new(MultiGzDecoder::new(counted)) } else { Box::new(counted) };
    let input = BufReader::with_capacity(1 << 18, input);
    let mut intake = Intake { importer, progress, read, counts: Counts::default() };
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
