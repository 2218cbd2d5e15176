//! `omnix bench`: measures this machine and this binary; both sides of every ratio from this run.

use std::path::Path;
use std::time::Duration;

use crate::bench::table::Row;
use crate::bench::{engine, feed, http, import, memory, restart};
use crate::cli::BenchArgs;
use crate::failure::Failure;

/// The measurements, in the order in which they run: cheap ones first.
const MEASUREMENTS: [&str; 10] = [
    "start",
    "idle",
    "engine",
    "import",
    "acknowledgement",
    "singles",
    "batches",
    "feed",
    "customers",
    "growth",
];
/// Takes minutes and gigabytes: only when asked for by name.
const LONG: &str = "restart";
/// Events in the log of the long measurement.
const LONG_EVENTS: u64 = 10_000_000;

pub(crate) fn run(args: &BenchArgs) -> Result<(), Failure> {
    let wanted = |name: &&str| args.only.as_deref().map_or(*name != LONG, |only| name.contains(only));
    let names: Vec<&str> = MEASUREMENTS.into_iter().chain([LONG]).filter(wanted).collect();
    if names.is_empty() {
        let all = MEASUREMENTS.join(", ");
        return Err(Failure::usage(format!("no such measurement; there are {all} and {LONG}")));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for (number, name) in names.iter().enumerate() {
        eprintln!("measuring {name} ({} of {})", number + 1, names.len());
        let dir = tempfile::tempdir()?;
        for row in measure(name, dir.path(), args, &runtime)? {
            if args.json { println!("{}", row.json()) } else { row.print() }
        }
    }
    Ok(())
}

fn measure(
    name: &str,
    dir: &Path,
    args: &BenchArgs,
    runtime: &tokio::runtime::Runtime,
) -> Result<Vec<Row>, Failure> {
    let (windows, window) = (args.windows, Duration::from_secs_f64(args.window.clamp(0.1, 600.0)));
    Ok(match name {
        "start" => vec![restart::empty(dir, windows)?],
        "idle" => vec![runtime.block_on(memory::idle(dir))?],
        "engine" => vec![engine::speed(windows)?],
        "import" => {
            import::speed(dir, args.data.as_deref(), windows).map(|(speed, disk)| vec![speed, disk])?
        }
        "acknowledgement" => vec![runtime.block_on(http::acknowledgement(dir, windows, window))?],
        "singles" => vec![runtime.block_on(http::singles(dir, windows, window))?],
        "batches" => vec![runtime.block_on(http::batches(dir, windows, window))?],
        "feed" => vec![runtime.block_on(feed::latency(dir, windows, window))?],
        "customers" => vec![runtime.block_on(memory::many_customers(dir))?],
        "growth" => vec![import::growth(dir, windows)?],
        _ => vec![runtime.block_on(restart::after_kill(dir, LONG_EVENTS, windows))?],
    })
}
