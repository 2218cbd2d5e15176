//! A history's file, event by event in its order, by the rules of `omnix import`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use omnix_model::{CustomerId, Event, EventId, Timestamp};
use omnix_server::settings::Settings;
use omnix_wire::{
    AnonymousRule, NdjsonHistory, OnlineRetail, ParseSettings, RowOutcome, SegmentAliases, SkipReason,
};
use smol_str::SmolStr;

use crate::cli::FormatArg;
use crate::failure::Failure;

/// Refused lines that are told; all are counted.
const TOLD_MAX: u64 = 10;

/// An event of a history.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HistoryEvent {
    /// The number of its line.
    pub(crate) number: u64,
    pub(crate) event: Event,
    /// The id that the file gives it, if any.
    pub(crate) event_id: Option<EventId>,
    /// Whether its customer is nobody.
    pub(crate) is_anonymous: bool,
}

/// Lines of a file that are no event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LeftOut {
    /// Rows that are no sale to a known customer, by reason.
    pub(crate) skipped: BTreeMap<&'static str, u64>,
    /// Lines that cannot be read.
    pub(crate) refused: u64,
}

impl LeftOut {
    fn refuse(&mut self, line: u64, why: &str) {
        self.refused += 1;
        if self.refused <= TOLD_MAX {
            eprintln!("line {line}: {why}");
        }
    }
}

/// A file on its way.
pub(crate) struct Source {
    input: BufReader<Box<dyn Read>>,
    bytes: u64,
    read: Arc<AtomicU64>,
}

impl Source {
    /// The file at `path`, plain, or unpacked when its name ends in `.gz`.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file =
            File::open(path).map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?;
        let bytes = file.metadata()?.len();
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { file, read: Arc::clone(&read) };
        let input: Box<dyn Read> =
            if is_gzip(path) { Box::new(MultiGzDecoder::new(counted)) } else { Box::new(counted) };
        Ok(Self { input: BufReader::with_capacity(1 << 18, input), bytes, read })
    }

    /// The file's bytes, packed ones where it is packed.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many of them have been read so far.
    pub(crate) fn position(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// Hands every event to `each`; answers what was none.
    pub(crate) fn events(
        self,
        format: FormatArg,
        settings: &Settings,
        each: impl FnMut(HistoryEvent) -> Result<(), Failure>,
    ) -> Result<LeftOut, Failure> {
        match format {
            FormatArg::Ndjson => ndjson(self.input, settings, each),
            FormatArg::OnlineRetail => online_retail(self.input, settings, each),
        }
    }
}

fn ndjson(
    input: impl std::io::BufRead,
    settings: &Settings,
    mut each: impl FnMut(HistoryEvent) -> Result<(), Failure>,
) -> Result<LeftOut, Failure> {
    let anonymous = AnonymousRule::new(&settings.customers.anonymous);
    let parse = ParseSettings {
        now: Timestamp::MAX,
        currency: SmolStr::new(&settings.shop.currency),
        anonymous_empty_allowed: anonymous.allows_absent(),
        expected: None,
    };
    let aliases = SegmentAliases::new(&settings.segments.aliases)?;
    let mut left_out = LeftOut::default();
    for line in NdjsonHistory::new(input, parse) {
        let line = line?;
        match line.outcome {
            Ok(mut parsed) => {
                aliases.apply(&mut parsed.event);
                each(history_event(line.number, parsed.event, parsed.event_id, &anonymous))?;
            }
            Err(refused) => {
                let faults = refused.faults.as_slice().iter();
                let text: Vec<String> =
                    faults.map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect();
                left_out.refuse(line.number, &text.join(", "));
            }
        }
    }
    Ok(left_out)
}

fn online_retail(
    input: impl Read,
    settings: &Settings,
    mut each: impl FnMut(HistoryEvent) -> Result<(), Failure>,
) -> Result<LeftOut, Failure> {
    let anonymous = AnonymousRule::new(&settings.customers.anonymous);
    let mut left_out = LeftOut::default();
    left_out.skipped.extend(SkipReason::ALL.map(|reason| (reason.name(), 0)));
    for row in OnlineRetail::new(input)? {
        let row = row?;
        match row.outcome {
            RowOutcome::Event { event, event_id } => {
                each(history_event(row.number, event, Some(event_id), &anonymous))?;
            }
            RowOutcome::Skipped(reason) => *left_out.skipped.entry(reason.name()).or_default() += 1,
            RowOutcome::Refused(why) => left_out.refuse(row.number, &why),
        }
    }
    Ok(left_out)
}

fn history_event(
    number: u64,
    event: Event,
    event_id: Option<EventId>,
    anonymous: &AnonymousRule,
) -> HistoryEvent {
    let is_anonymous = anonymous.is_anonymous(event.customer().map(CustomerId::as_str));
    HistoryEvent { number, event, event_id, is_anonymous }
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

/// Whether a file's name says that it is packed.
pub(crate) fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}
