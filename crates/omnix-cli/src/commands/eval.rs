//! `omnix eval`: how good the predictions would have been on a shop's own history, beside simple rules.

use std::path::{Path, PathBuf};

use crate::cli::EvalArgs;
use crate::eval::plant::{self, Planted};
use crate::eval::predictions::Predictions;
use crate::eval::read::HistoryFile;
use crate::eval::split::Split;
use crate::eval::{self, history::History, report, table};
use crate::failure::Failure;

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
        None => replay.predictions_of(source)?,
    };
    let predictions = Predictions::read(&path, &history)?;
    let planted = replay.plant(source, &history, &predictions, args.plant)?;
    let evaluation = eval::evaluate(&history, &predictions, &planted, split);
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
    fn predictions_of(&self, source: HistoryFile<'_>) -> Result<PathBuf, Failure> {
        let _ = (self.folder, self.split, source);
        Err(Failure::usage("`--predictions` is needed: a file that `omnix replay` has written"))
    }

    /// Replays `copies` copies of each kind with planted orders; answers what was said of these.
    fn plant(
        &self,
        source: HistoryFile<'_>,
        history: &History,
        predictions: &Predictions,
        copies: u32,
    ) -> Result<Vec<Planted>, Failure> {
        let mut planted = Vec::new();
        for copy in plant::copies(history, predictions, self.split, copies) {
            let path = self.folder.join("copy.ndjson");
            plant::write(source, history, &copy, &path)?;
            let replayed = self.predictions_of(HistoryFile::new(&path, None)?)?;
            planted.extend(plant::judge(&copy, &Predictions::read(&replayed, history)?));
        }
        Ok(planted)
    }
}
