//! `omnix replay`: sends a history through the engine in memory and writes down every prediction that it makes.
//! Touches no data directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use flate2::Compression;
use flate2::write::GzEncoder;
use omnix_server::settings::Settings;
use serde_json::json;

use crate::cli::ReplayArgs;
use crate::failure::Failure;
use crate::input_file::{InputFile, LeftOut, is_gzip};
use crate::progress::Progress;
use crate::replay::{Dates, Kind, Lines, Replay, ReplaySettings, Tally};
use crate::settings;

/// After so many events the progress is shown again.
const SHOW_EVERY: u64 = 10_000;

/// What a replay did.
pub(crate) struct Summary {
    tally: Tally,
    left_out: LeftOut,
    lines: BTreeMap<&'static str, u64>,
    seconds: f64,
}

pub(crate) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let summary = write(args)?;
    if args.json {
        println!("{}", summary.json());
    } else {
        summary.tell();
    }
    Ok(())
}

/// Writes the predictions, and says nothing of it.
pub(crate) fn write(args: &ReplayArgs) -> Result<Summary, Failure> {
    let settings = settings::load(None, &[])?.settings;
    let file = InputFile::open(&args.path)?;
    if is_same_file(&args.path, &args.predictions) {
        return Err(Failure::usage("the predictions would replace the history"));
    }
    let out = Output::create(&args.predictions)?;
    replay(args, &settings, file, out)
}

fn replay(args: &ReplayArgs, settings: &Settings, file: InputFile, out: Output) -> Result<Summary, Failure> {
    let mut progress = Progress::start("replaying", file.bytes());
    let position = file.position();
    let dates = Dates::new(args.grid_from, args.snapshot.iter().copied());
    let mut replay = Replay::new(ReplaySettings::of(settings, dates)?, Lines::new(out));
    let left_out = file.events(args.format, settings, |event| {
        replay.event(event)?;
        let events = replay.tally().events;
        if events.is_multiple_of(SHOW_EVERY) {
            progress.advance(position.load(Ordering::Relaxed), events);
        }
        Ok(())
    })?;
    let (tally, lines) = replay.finish()?;
    let counts = Kind::ALL.map(|kind| (kind.name(), lines.count(kind)));
    lines.into_inner().finish()?;
    let seconds = progress.finish().as_secs_f64();
    Ok(Summary { tally, left_out, lines: counts.into_iter().collect(), seconds })
}

impl Summary {
    fn json(&self) -> serde_json::Value {
        json!({
            "events": self.tally.events, "returns": self.tally.returns, "skipped": self.left_out.skipped,
            "refused": self.left_out.refused, "duplicates": self.tally.duplicates,
            "notApplied": self.tally.not_applied, "lines": self.lines, "seconds": self.seconds,
        })
    }

    fn tell(&self) {
        let Self { tally, left_out, lines, seconds } = self;
        eprintln!("{} events ({} returns) in {seconds:.1} s", tally.events, tally.returns);
        for (reason, rows) in left_out.skipped.iter().filter(|(_, rows)| **rows > 0) {
            eprintln!("{rows} rows skipped: {reason}");
        }
        let others = [
            (left_out.refused, "lines refused"),
            (tally.duplicates, "events taken before"),
            (tally.not_applied, "events that could not be applied"),
        ];
        for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
            eprintln!("{count} {what}");
        }
        for (kind, count) in lines {
            eprintln!("{count} lines written: {kind}");
        }
    }
}

/// Whether both paths lead to one file that is there.
fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// The file of predictions, packed when its name says so.
enum Output {
    Plain(BufWriter<File>),
    Packed(GzEncoder<BufWriter<File>>),
}

impl Output {
    fn create(path: &Path) -> Result<Self, Failure> {
        let file =
            File::create(path).map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok(if is_gzip(path) {
            Self::Packed(GzEncoder::new(file, Compression::default()))
        } else {
            Self::Plain(file)
        })
    }

    /// Everything is written when this returns.
    fn finish(self) -> Result<(), Failure> {
        let mut file = match self {
            Self::Plain(file) => file,
            Self::Packed(packer) => packer.finish()?,
        };
        file.flush()?;
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Packed(packer) => packer.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Packed(packer) => packer.flush(),
        }
    }
}
