//! `omnix eval`: how good the predictions would have been on a shop's own history, beside simple rules.

use std::path::{Path, PathBuf};

use crate::cli::{EvalArgs, FormatArg, HistoryFormat, ReplayArgs};
use crate::commands::replay;
use crate::eval::plant::{self, Copy, Harvest};
use crate::eval::predictions::Predictions;
use crate::eval::read::HistoryFile;
use crate::eval::split::Split;
use crate::eval::{self, history::History, report, table};
use crate::failure::Failure;

/// Days that a snapshot has to be followed for.
const SNAPSHOT_DAYS: i64 = 60;

pub(crate) fn run(args: &EvalArgs) -> Result<(), Failure> {
    let source = HistoryFile::new(&args.path, args.format)?;
    let (history, left_out) = source.history()?;
    let split = Split::of(&history, args.from)?;
    if left_out > 0 {
        eprintln!("{left_out} lines of `{}` are no purchase of a known customer", args.path.display());
    }
    let folder = tempfile::tempdir()?;
    let replay = Replay { folder: folder.path(), split };
    let path = match &args.predictions {
        Some(path) => path.clone(),
        None => replay.predictions_of(source, &history)?,
    };
    let predictions = Predictions::read(&path, &history)?;
    let planted = replay.plant(source, &history, &predictions, args.plant)?;
    let mut evaluation = eval::evaluate(&history, &predictions, &planted, split);
    if source.format != HistoryFormat::OnlineRetail {
        evaluation = evaluation.without_goals();
    }
    if let Some(report) = &args.report {
        std::fs::write(report, report::html(&evaluation))?;
        eprintln!("the report is in `{}`", report.display());
    }
    if args.json {
        println!("{}", evaluation.json());
    } else {
        print!("{}", table::text(&evaluation));
    }
    Ok(())
}

/// Makes prediction files of histories, in a folder that goes away.
struct Replay<'a> {
    folder: &'a Path,
    split: Split,
}

impl Replay<'_> {
    /// The prediction file of a history: where it is.
    fn predictions_of(&self, source: HistoryFile<'_>, history: &History) -> Result<PathBuf, Failure> {
        let written = self.folder.join("history.ndjson");
        let source = if source.format == HistoryFormat::Csv {
            // A replay reads the product's own formats.
            Copy::faithful().write(source, history, &written)?;
            HistoryFile { path: &written, format: HistoryFormat::Ndjson }
        } else {
            source
        };
        let predictions = self.folder.join("predictions.ndjson");
        self.replay(source, &predictions)?;
        Ok(predictions)
    }

    /// Replays what a split asks for: the weekly grid from its first day on, and snapshots that can be followed.
    fn replay(&self, source: HistoryFile<'_>, predictions: &Path) -> Result<(), Failure> {
        let format = match source.format {
            HistoryFormat::OnlineRetail => FormatArg::OnlineRetail,
            HistoryFormat::Ndjson | HistoryFormat::Csv => FormatArg::Ndjson,
        };
        replay::write(&ReplayArgs {
            path: source.path.to_owned(),
            format,
            predictions: predictions.to_owned(),
            grid_from: Some(self.split.from),
            snapshot: self.split.snapshots(SNAPSHOT_DAYS),
            json: false,
        })
        .map(drop)
    }

    /// Replays `copies` copies of each kind with something wrong in them; answers what was said of that.
    fn plant(
        &self,
        source: HistoryFile<'_>,
        history: &History,
        predictions: &Predictions,
        copies: u32,
    ) -> Result<Harvest, Failure> {
        let mut harvest = Harvest::default();
        let copies = plant::copies(history, predictions, self.split, copies);
        for (number, copy) in copies.iter().enumerate() {
            eprintln!("planting: copy {} of {}", number + 1, copies.len());
            let path = self.folder.join("copy.ndjson");
            copy.write(source, history, &path)?;
            let copied = HistoryFile::new(&path, None)?;
            let replayed = self.predictions_of(copied, history)?;
            let own = if copy.adds_orders() { Some(copied.history()?.0) } else { None };
            let against = own.as_ref().unwrap_or(history);
            let predictions = Predictions::read(&replayed, against)?;
            copy.harvest(against, &predictions, self.split, &mut harvest);
        }
        Ok(harvest)
    }
}
