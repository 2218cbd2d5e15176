//! `omnix rebuild`: applies the whole log again. `--verify` holds the result against what is stored and changes
//! nothing; without it the result takes the place of what is stored.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use omnix_storage::{DataDirectory, LsmStore, SharedCaches, StateReader, StateStore as _};
use omnix_worker::rebuild::{Comparison, Rebuild, RebuildShard, Rebuilt, compare};
use omnix_worker::{Purpose, WallClock, Window};
use serde_json::json;

use crate::assemble;
use crate::cli::RebuildArgs;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::settings;

/// Files of tables held open at a time, of all shards.
const DESCRIPTORS: usize = 256;

pub(crate) fn run(args: &RebuildArgs) -> Result<(), Failure> {
    let settings = settings::of(&args.directory, &[])?.settings;
    let root = Path::new(&settings.store.data_dir);
    if DataDirectory::read_format(root).is_err() {
        return Err(Failure::not_found(format!("`{}` is not a data directory", root.display())));
    }
    // Started and stopped, the stores stand at the ends of their logs.
    assemble::open(&settings, Purpose::Live)?.stop()?;
    let directory = assemble::open_directory(&settings)?;
    let format = directory.format();
    if format.logs().count() > format.current_logs().count() {
        return Err(Failure::from(anyhow::anyhow!(
            "the lanes were dealt to another number of shards: the current logs hold only what came after"
        )));
    }
    let progress = Progress::start("rebuilding", 0);
    let scratch = Scratch::new(&directory)?;
    let (rebuilt, comparison) = rebuild(&directory, &settings, &scratch)?;
    let seconds = progress.finish().as_secs_f64();
    report(args, &rebuilt, &comparison, seconds);
    if args.verify {
        let is_alike = comparison.differing == 0;
        return if is_alike {
            Ok(())
        } else {
            Err(anyhow::anyhow!("{} rows differ", comparison.differing).into())
        };
    }
    scratch.take_over(&directory)
}

fn rebuild(
    directory: &DataDirectory,
    settings: &omnix_server::settings::Settings,
    scratch: &Scratch,
) -> Result<(Rebuilt, Comparison), Failure> {
    let caches = SharedCaches::new(settings.store.cache_bytes / 4, DESCRIPTORS);
    let (mut shards, mut kept, mut anew) = (Vec::new(), Vec::new(), Vec::new());
    let mut originals = Vec::new();
    for (entry, path) in directory.format().current_logs().zip(&scratch.paths) {
        let original =
            LsmStore::open(&directory.state_path(entry), assemble::store_settings(settings, &caches))?;
        let store = LsmStore::open(path, assemble::store_settings(settings, &caches))?;
        kept.push(original.reader());
        anew.push(store.reader());
        originals.push(original);
        let source = omnix_storage::EventLog::source(&assemble::open_log(directory, entry, settings)?);
        shards.push(RebuildShard { source, store: Box::new(store) });
    }
    let rebuild = Rebuild {
        engine: assemble::engine_settings(settings)?,
        window: Window::hours(settings.stream.dedup_window_hours),
        secret: assemble::id_secret(directory)?,
        cache_bytes: usize::try_from(settings.store.cache_bytes)?,
        clock: Arc::new(WallClock),
    };
    let rebuilt = rebuild.run(shards)?;
    let kept: Vec<Arc<dyn StateReader>> = kept;
    Ok((rebuilt, compare(&kept, &anew)?))
}

fn report(args: &RebuildArgs, rebuilt: &Rebuilt, comparison: &Comparison, seconds: f64) {
    let Comparison { states, insights, differing } = comparison;
    if args.json {
        println!(
            "{}",
            json!({
                "records": rebuilt.records, "models": rebuilt.models, "damaged": rebuilt.damaged,
                "states": states, "insights": insights, "differing": differing, "seconds": seconds,
            })
        );
        return;
    }
    println!(
        "{} records applied again, {} models learnt, in {seconds:.1} s",
        rebuilt.records, rebuilt.models
    );
    println!("{states} rows of states and {insights} insights compared, {differing} differ");
    if rebuilt.damaged > 0 {
        println!("{} runs of frames were damaged and left out", rebuilt.damaged);
    }
}

/// New states beside the ones in place; they go away unless they take over.
struct Scratch {
    paths: Vec<PathBuf>,
}

impl Scratch {
    fn new(directory: &DataDirectory) -> Result<Self, Failure> {
        let beside = |entry| directory.state_path(entry).with_extension("rebuild");
        let scratch = Self { paths: directory.format().current_logs().map(beside).collect() };
        scratch.remove()?;
        Ok(scratch)
    }

    fn remove(&self) -> Result<(), Failure> {
        for path in self.paths.iter().filter(|path| path.exists()) {
            std::fs::remove_dir_all(path)?;
        }
        Ok(())
    }

    /// Puts the new states in place. Interrupted, a state may be missing: running `rebuild` again mends it.
    fn take_over(self, directory: &DataDirectory) -> Result<(), Failure> {
        for (entry, path) in directory.format().current_logs().zip(&self.paths) {
            let place = directory.state_path(entry);
            std::fs::remove_dir_all(&place)?;
            std::fs::rename(path, &place)?;
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next rebuild.
        drop(self.remove());
    }
}
