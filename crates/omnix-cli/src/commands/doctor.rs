//! `omnix doctor`: says what state a data directory is in, also while a server runs on it, and changes nothing
//! unless it is told to accept a loss.

use std::path::Path;

use omnix_server::settings::Settings;
use omnix_storage::{
    DataDirectory, DirectoryError, LogEntry, LogReport, Space, StoreReport, inspect_log, inspect_store,
};
use omnix_worker::Purpose;
use serde_json::{Value, json};

use crate::cli::DoctorArgs;
use crate::failure::Failure;
use crate::{assemble, settings};

/// What is said when there was no loss to accept.
const NOTHING_LOST: &str = "no loss to accept: nothing that is not applied yet is damaged";

pub(crate) fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let settings = settings::of(&args.directory, &[])?.settings;
    let report = examine(&settings)?;
    if !args.json {
        report.lines.iter().for_each(|line| println!("{line}"));
    }
    let accepted = if args.accept_loss { Some(accept_loss(&settings)?) } else { None };
    if args.json {
        println!("{}", report.json(accepted));
    }
    if let Some(runs) = accepted {
        if !args.json {
            println!(
                "{}",
                if runs == 0 { NOTHING_LOST } else { "the loss stands in the log; events are taken again" }
            );
        }
        return Ok(());
    }
    match report.faults.len() {
        0 => Ok(()),
        1 => Err(anyhow::anyhow!("1 fault found").into()),
        count => Err(anyhow::anyhow!("{count} faults found").into()),
    }
}

/// What was found, for people and for programs.
struct Report {
    lines: Vec<String>,
    faults: Vec<String>,
    facts: Value,
    logs: Vec<Value>,
    stores: Vec<Value>,
}

impl Report {
    fn fault(&mut self, what: &str, fault: &str) {
        self.lines.push(format!("{what:<11}FAULT: {fault}"));
        self.faults.push(format!("{what}: {fault}"));
    }

    /// With how many damaged runs of frames were accepted as lost, if that was asked for.
    fn json(&self, accepted: Option<usize>) -> Value {
        let mut json = self.facts.clone();
        if let Some(object) = json.as_object_mut() {
            object.insert("logs".to_owned(), self.logs.clone().into());
            object.insert("stores".to_owned(), self.stores.clone().into());
            object.insert("faults".to_owned(), self.faults.clone().into());
            object.insert("sound".to_owned(), self.faults.is_empty().into());
            if let Some(runs) = accepted {
                object.insert("acceptedRuns".to_owned(), runs.into());
            }
        }
        json
    }
}

fn examine(settings: &Settings) -> Result<Report, Failure> {
    let root = Path::new(&settings.store.data_dir);
    let format = DataDirectory::read_format(root).map_err(|error| match error {
        DirectoryError::Missing(_) => Failure::not_found(error),
        error => Failure::from(error),
    })?;
    let is_in_use = matches!(DataDirectory::open(root), Err(DirectoryError::InUse(_)));
    let space = Space::of(root)?;
    let holder = if is_in_use { "a process holds it" } else { "nobody holds it" };
    let mut report = Report {
        lines: vec![
            format!("directory  {} ({holder})", root.display()),
            format!("stream     {}, shards: {}", format.stream(), format.shards()),
            format!("disk       {} MiB free of {} MiB", space.free_bytes >> 20, space.total_bytes >> 20),
        ],
        faults: Vec::new(),
        facts: json!({
            "directory": root.display().to_string(), "inUse": is_in_use, "stream": format.stream(),
            "shards": format.shards(), "freeBytes": space.free_bytes,
        }),
        logs: Vec::new(),
        stores: Vec::new(),
    };
    let reserve = (settings.store.disk_reserve_bytes > 0).then_some(settings.store.disk_reserve_bytes);
    if space.is_short(reserve) {
        report.fault("disk", "less is free than the reserve, nothing is taken");
    }
    for log in format.logs() {
        let path = root.join(format!("shard-{:04}/log/{:05}", log.shard.0, log.id.0));
        if path.exists() {
            tell_log(&inspect_log(&path)?, log, &mut report);
        }
    }
    for log in format.current_logs() {
        let path = root.join(format!("shard-{:04}/state/{:05}", log.shard.0, log.id.0));
        if path.exists() {
            tell_store(&path, log, &mut report);
        }
    }
    let verdict = if report.faults.is_empty() { "sound" } else { "FAULTY" };
    report.lines.push(format!("verdict    {verdict}"));
    Ok(report)
}

/// Adds a line for the log, and one for each fault in it.
fn tell_log(found: &LogReport, log: LogEntry, report: &mut Report) {
    let records: u64 = found.segments.iter().map(|segment| segment.records).sum();
    let bytes: u64 = found.segments.iter().map(|segment| segment.bytes).sum();
    let (name, segments) = (format!("log {}", log.id.0), found.segments.len());
    report.lines.push(format!("{name:<11}records: {records}, segments: {segments}, {} KiB", bytes >> 10));
    for tail in found.segments.iter().filter_map(|segment| segment.torn_tail) {
        let bytes = tail.bytes;
        report
            .lines
            .push(format!("{name:<11}the last stop left {bytes} torn bytes, cut off at the next start"));
    }
    let damaged: Vec<_> =
        found.segments.iter().flat_map(|segment| &segment.damaged).chain(&found.missing).collect();
    for run in &damaged {
        report.fault(&name, &format!("frames {} to {} are damaged or missing", run.first, run.last));
    }
    report.logs.push(json!({
        "log": log.id.0, "shard": log.shard.0, "segments": segments, "records": records, "bytes": bytes,
        "sound": damaged.is_empty(),
    }));
}

/// Adds a line for the store of a shard.
fn tell_store(path: &Path, log: LogEntry, report: &mut Report) {
    let name = format!("store {}", log.id.0);
    match inspect_store(path) {
        Ok(StoreReport { tables, bytes }) => {
            report.lines.push(format!("{name:<11}tables: {tables}, {} KiB", bytes >> 10));
            report.stores.push(json!({
                "log": log.id.0, "shard": log.shard.0, "tables": tables, "bytes": bytes, "sound": true,
            }));
        }
        Err(error) => {
            report.fault(&name, &error.to_string());
            report.stores.push(json!({ "log": log.id.0, "shard": log.shard.0, "sound": false }));
        }
    }
}

/// Accepts the loss of what is damaged and not applied yet; answers how many runs of frames that are.
fn accept_loss(settings: &Settings) -> Result<usize, Failure> {
    let opened = assemble::open(settings, Purpose::Live)?;
    let runs: usize = opened.stream.replays().iter().map(|replay| replay.damaged.len()).sum();
    opened.stream.handle().accept_loss();
    opened.stop()?;
    Ok(runs)
}
