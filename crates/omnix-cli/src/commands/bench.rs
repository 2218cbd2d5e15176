//! `omnix bench`: measures this machine and this binary; both sides of every ratio from this run.

use std::path::Path;
use std::time::Duration;

use crate::bench::sizes::Sizes;
use crate::bench::table::Row;
use crate::bench::{engine, feed, http, import, memory, restart};
use crate::cli::BenchArgs;
use crate::failure::Failure;

/// The measurements, in the order in which they run: cheap ones first.
const MEASUREMENTS: [&str; 11] = [
    "start",
    "idle",
    "engine",
    "import",
    "written",
    "acknowledgement",
    "singles",
    "batches",
    "feed",
    "customers",
    "growth",
];
/// Takes minutes and gigabytes: only when asked for by name.
const LONG: &str = "restart";

pub(crate) fn run(args: &BenchArgs) -> Result<(), Failure> {
    let wanted = |name: &&str| match args.only.as_deref() {
        Some(only) => name.contains(only),
        None => args.quick || *name != LONG,
    };
    let names: Vec<&str> = MEASUREMENTS.into_iter().chain([LONG]).filter(wanted).collect();
    if names.is_empty() {
        let all = MEASUREMENTS.join(", ");
        return Err(Failure::usage(format!("no such measurement; there are {all} and {LONG}")));
    }
    let window = Duration::from_secs_f64(args.window.clamp(0.1, 600.0));
    let sizes = if args.quick { Sizes::quick() } else { Sizes::full(args.windows, window) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for (number, name) in names.iter().enumerate() {
        eprintln!("measuring {name} ({} of {})", number + 1, names.len());
        let dir = tempfile::tempdir()?;
        for row in measure(name, dir.path(), args.data.as_deref(), &Run { sizes, runtime: &runtime })? {
            if args.json { println!("{}", row.json()) } else { row.print() }
        }
    }
    Ok(())
}

/// What all measurements share.
struct Run<'a> {
    sizes: Sizes,
    runtime: &'a tokio::runtime::Runtime,
}

fn measure(name: &str, dir: &Path, data: Option<&Path>, run: &Run<'_>) -> Result<Vec<Row>, Failure> {
    let Run { sizes, runtime } = run;
    let Sizes { windows, window, .. } = *sizes;
    Ok(match name {
        "start" => vec![restart::empty(dir, windows)?],
        "idle" => vec![runtime.block_on(memory::idle(dir, sizes.idle))?],
        "engine" => vec![engine::speed(sizes.engine, windows)?],
        "import" => import::speed(dir, data, sizes).map(|(speed, disk)| vec![speed, disk])?,
        "written" => vec![import::written(dir, data, sizes)?],
        "acknowledgement" => vec![runtime.block_on(http::acknowledgement(dir, windows, window))?],
        "singles" => vec![runtime.block_on(http::singles(dir, windows, window))?],
        "batches" => vec![runtime.block_on(http::batches(dir, windows, window))?],
        "feed" => vec![runtime.block_on(feed::latency(dir, windows, window))?],
        "customers" => vec![runtime.block_on(memory::many_customers(dir, sizes.held))?],
        "growth" => vec![import::growth(dir, sizes)?],
        _ => vec![runtime.block_on(restart::after_kill(dir, sizes.behind, windows))?],
    })
}
