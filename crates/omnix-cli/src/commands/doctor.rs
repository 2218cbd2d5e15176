//! `omnix doctor`: says what state a data directory is in, also while a server runs on it, and changes nothing
//! unless it is told to accept a loss.

use std::path::Path;

use omnix_storage::{DataDirectory, DirectoryError, LogReport, Space, inspect_log};
use omnix_worker::Purpose;
use serde_json::{Value, json};

use crate::cli::DoctorArgs;
use crate::failure::Failure;
use crate::{assemble, settings};

pub(crate) fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let root = args.directory.data_dir.as_path();
    let report = examine(root)?;
    if args.json {
        println!("{}", report.json);
    } else {
        report.lines.iter().for_each(|line| println!("{line}"));
    }
    if args.accept_loss {
        return accept_loss(root);
    }
    if report.faults == 0 {
        Ok(())
    } else {
        Err(Failure::from(anyhow::anyhow!("{} faults found", report.faults)))
    }
}

/// What was found, for people and for programs.
struct Report {
    lines: Vec<String>,
    json: Value,
    faults: usize,
}

fn examine(root: &Path) -> Result<Report, Failure> {
    let format = DataDirectory::read_format(root).map_err(|error| match error {
        DirectoryError::Missing(_) => Failure::not_found(error),
        error => Failure::from(error),
    })?;
    let is_in_use = matches!(DataDirectory::open(root), Err(DirectoryError::InUse(_)));
    let space = Space::of(root)?;
    let holder = if is_in_use { "a process holds it" } else { "nobody holds it" };
    let mut lines = vec![
        format!("directory  {} ({holder})", root.display()),
        format!("stream     {}, {} shards", format.stream(), format.shards()),
        format!("disk       {} MiB free of {} MiB", space.free_bytes >> 20, space.total_bytes >> 20),
    ];
    if space.is_short(None) {
        lines.push("disk       FAULT: below the reserve, nothing is taken".to_owned());
    }
    let mut faults = usize::from(space.is_short(None));
    let mut logs = Vec::new();
    for log in format.logs() {
        let path = root.join(format!("shard-{:04}/log/{:05}", log.shard.0, log.id.0));
        if !path.exists() {
            continue;
        }
        let report = inspect_log(&path)?;
        faults += told_faults(&report, log.id.0, &mut lines);
        logs.push(json!({
            "log": log.id.0, "shard": log.shard.to_string(), "segments": report.segments.len(),
            "records": records(&report), "bytes": bytes(&report), "sound": is_sound(&report),
        }));
    }
    let verdict = if faults == 0 { "sound" } else { "FAULTY" };
    lines.push(format!("verdict    {verdict}"));
    let json = json!({
        "directory": root.display().to_string(), "inUse": is_in_use, "stream": format.stream(),
        "shards": format.shards(), "freeBytes": space.free_bytes, "logs": logs, "faults": faults,
    });
    Ok(Report { lines, json, faults })
}

/// Adds a line for the log, and one for each fault in it; answers how many faults there are.
fn told_faults(report: &LogReport, log: u16, lines: &mut Vec<String>) -> usize {
    let (segments, records, bytes) = (report.segments.len(), records(report), bytes(report));
    lines.push(format!("log {log:<6} {records} records in {segments} segments, {} MiB", bytes >> 20));
    let damaged = report.segments.iter().flat_map(|segment| &segment.damaged).chain(&report.missing);
    let mut faults = 0;
    for run in damaged {
        faults += 1;
        lines.push(format!("           FAULT: frames {} to {} are damaged or missing", run.first, run.last));
    }
    for tail in report.segments.iter().filter_map(|segment| segment.torn_tail) {
        lines.push(format!(
            "           the last stop left {} torn bytes, cut off at the next start",
            tail.bytes
        ));
    }
    faults
}

fn records(report: &LogReport) -> u64 {
    report.segments.iter().map(|segment| segment.records).sum()
}

fn bytes(report: &LogReport) -> u64 {
    report.segments.iter().map(|segment| segment.bytes).sum()
}

fn is_sound(report: &LogReport) -> bool {
    report.missing.is_empty() && report.segments.iter().all(|segment| segment.damaged.is_empty())
}

fn accept_loss(root: &Path) -> Result<(), Failure> {
    let flags = [("store.data_dir", root.display().to_string())];
    let opened = assemble::open(&settings::load(None, &flags)?.settings, Purpose::Live)?;
    opened.stream.handle().accept_loss();
    opened.stop()?;
    println!("the loss stands in the log; events are taken again");
    Ok(())
}
