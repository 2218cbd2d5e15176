//! A file that is read: plain or packed, its progress counted, and a history event by event in its order, by one
//! set of rules for all commands.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use omnix_model::{CustomerId, Event, EventId, Timestamp, fingerprint};
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
    /// Of what the line says.
    pub(crate) fingerprint: u32,
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
    /// All of them.
    pub(crate) fn lines(&self) -> u64 {
        self.refused + self.skipped.values().sum::<u64>()
    }

    fn refuse(&mut self, line: u64, why: &str, is_told: bool) {
        self.refused += 1;
        if is_told && self.refused <= TOLD_MAX {
            eprintln!("line {line}: {why}");
        }
    }
}

/// A file on its way.
pub(crate) struct InputFile {
    input: BufReader<Box<dyn Read>>,
    bytes: u64,
    read: Arc<AtomicU64>,
    tells: bool,
}

impl InputFile {
    /// The file at `path`, plain, or unpacked when its name ends in `.gz`.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file =
            File::open(path).map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?;
        let bytes = file.metadata()?.len();
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { file, read: Arc::clone(&read) };
        let input: Box<dyn Read> =
            if is_gzip(path) { Box::new(MultiGzDecoder::new(counted)) } else { Box::new(counted) };
        Ok(Self { input: BufReader::with_capacity(1 << 18, input), bytes, read, tells: true })
    }

    /// Does not tell on standard error which lines are refused.
    pub(crate) fn silent(self) -> Self {
        Self { tells: false, ..self }
    }

    /// Its unpacked bytes.
    pub(crate) fn into_input(self) -> BufReader<Box<dyn Read>> {
        self.input
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
            FormatArg::Ndjson => self.ndjson(settings, each),
            FormatArg::OnlineRetail => self.online_retail(settings, each),
        }
    }

    fn ndjson(
        self,
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
        for line in NdjsonHistory::new(self.input, parse) {
            let line = line?;
            match line.outcome {
                Ok(mut parsed) => {
                    aliases.apply(&mut parsed.event);
                    each(HistoryEvent {
                        number: line.number,
                        is_anonymous: is_anonymous(&parsed.event, &anonymous),
                        event: parsed.event,
                        event_id: parsed.event_id,
                        fingerprint: parsed.fingerprint,
                    })?;
                }
                Err(refused) => {
                    let faults = refused.faults.as_slice().iter();
                    let text: Vec<String> =
                        faults.map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect();
                    left_out.refuse(line.number, &text.join(", "), self.tells);
                }
            }
        }
        Ok(left_out)
    }

    fn online_retail(
        self,
        settings: &Settings,
        mut each: impl FnMut(HistoryEvent) -> Result<(), Failure>,
    ) -> Result<LeftOut, Failure> {
        let anonymous = AnonymousRule::new(&settings.customers.anonymous);
        let mut left_out = LeftOut::default();
        left_out.skipped.extend(SkipReason::ALL.map(|reason| (reason.name(), 0)));
        for row in OnlineRetail::new(self.input)? {
            let row = row?;
            match row.outcome {
                RowOutcome::Event { event, event_id } => {
                    each(HistoryEvent {
                        number: row.number,
                        is_anonymous: is_anonymous(&event, &anonymous),
                        fingerprint: fingerprint(&event),
                        event,
                        event_id: Some(event_id),
                    })?;
                }
                RowOutcome::Skipped(reason) => *left_out.skipped.entry(reason.name()).or_default() += 1,
                RowOutcome::Refused(why) => left_out.refuse(row.number, &why, self.tells),
            }
        }
        Ok(left_out)
    }
}

fn is_anonymous(event: &Event, anonymous: &AnonymousRule) -> bool {
    anonymous.is_anonymous(event.customer().map(CustomerId::as_str))
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
