//! Importing a history with the full engine, durably, against job J; what it writes and leaves on the disk; and
//! how it slows when there are a hundred times as many customers.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use super::child::binary;
use super::events::read_lines;
use super::http::median;
use super::job_j;
use super::sizes::Sizes;
use super::table::{Row, Target};
use crate::failure::Failure;

/// Imports `file` into a new directory below `dir`; answers the seconds it took and the directory.
fn import(dir: &Path, name: &str, file: &Path) -> Result<(f64, PathBuf), Failure> {
    let into = dir.join(name);
    let started = Instant::now();
    let status = binary()?
        .arg("import")
        .arg(file)
        .args(["--format", "ndjson", "--json", "--data-dir"])
        .arg(&into)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(Failure::unavailable(format!("the import of {} failed", file.display())));
    }
    Ok((started.elapsed().as_secs_f64(), into))
}

/// Import against job J on two threads, and the log's bytes an event.
#[expect(clippy::cast_precision_loss, reason = "a few million events")]
pub(crate) fn speed(dir: &Path, data: Option<&Path>, sizes: &Sizes) -> Result<(Row, Row), Failure> {
    let file = match data {
        Some(path) => path.to_owned(),
        None => {
            let path = dir.join("events.ndjson");
            sizes.shop.write_file(&path)?;
            path
        }
    };
    let lines = read_lines(&file)?;
    let dealt = job_j::deal(&lines, 2);
    let (mut ratios, mut ours, mut theirs, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut loops = Vec::new();
    for number in 0..sizes.windows {
        let started = Instant::now();
        let outcome = job_j::run(&dealt);
        loops.push(outcome.events as f64 / started.elapsed().as_secs_f64());
        let started = Instant::now();
        let outcome = job_j::run_file(&file, dir, 2)?;
        let bare = outcome.events as f64 / started.elapsed().as_secs_f64();
        let (seconds, into) = import(dir, &format!("import-{number}"), &file)?;
        let imported = outcome.events as f64 / seconds;
        bytes.push(log_bytes(&into)? as f64 / outcome.events as f64);
        std::fs::remove_dir_all(&into)?;
        ratios.push(imported / bare);
        ours.push(imported);
        theirs.push(bare);
    }
    let speed = Row {
        name: "import",
        values: ratios,
        unit: "of job J",
        target: Target::at_least(1.0 / 12.0, 1.0 / 6.0, 1.0 / 3.0),
        sides: format!(
            "{:.0} events/s, job J {:.0} events/s, its loop alone over lines in memory {:.0} ({} events)",
            median(&ours),
            median(&theirs),
            median(&loops),
            lines.len()
        ),
    };
    let disk = Row {
        name: "log on disk",
        values: bytes,
        unit: "B/event",
        target: Target::at_most(60.0, 30.0, 22.0),
        sides: "after the import, everything under log/".to_owned(),
    };
    Ok((speed, disk))
}

/// Every byte that an import writes, an event: log, models and state, its tables as often as they are rewritten.
///
/// `data` is a history in the API's form, or, by the end of its name, the CSV of "Online Retail".
#[expect(clippy::cast_precision_loss, reason = "a few hundred bytes an event")]
pub(crate) fn written(dir: &Path, data: Option<&Path>, sizes: &Sizes) -> Result<Row, Failure> {
    let file = match data {
        Some(path) => path.to_owned(),
        None => {
            let path = dir.join("events.ndjson");
            sizes.shop.write_file(&path)?;
            path
        }
    };
    let is_csv = [".csv", ".csv.gz"].iter().any(|end| file.to_string_lossy().ends_with(end));
    let before = written_bytes()?;
    let output = binary()?
        .arg("import")
        .arg(&file)
        .args(["--format", if is_csv { "online-retail" } else { "ndjson" }, "--json", "--data-dir"])
        .arg(dir.join("data"))
        .stderr(Stdio::null())
        .output()?;
    let bytes = written_bytes()? - before;
    let counts: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let events = counts.get("events").and_then(serde_json::Value::as_f64);
    let events = events.ok_or_else(|| Failure::unavailable("the import says nothing of events"))?;
    Ok(Row {
        name: "written by an import",
        values: vec![bytes as f64 / events],
        unit: "B/event",
        target: Target::at_most(400.0, 400.0, 200.0),
        sides: format!(
            "{:.1} MiB for {events} events of {}",
            bytes as f64 / f64::from(1 << 20),
            if data.is_some() { "the history" } else { "a shop" }
        ),
    })
}

/// Bytes that this process and those it has waited for have written so far (Linux).
fn written_bytes() -> Result<u64, Failure> {
    let io = std::fs::read_to_string("/proc/self/io")?;
    let bytes = io.lines().find_map(|line| line.strip_prefix("wchar:")?.trim().parse().ok());
    bytes.ok_or_else(|| Failure::unavailable("the system does not count what is written"))
}

/// Events a second at a million customers against ten thousand, the same number of events each.
#[expect(clippy::cast_precision_loss, reason = "a few million events")]
pub(crate) fn growth(dir: &Path, sizes: &Sizes) -> Result<Row, Failure> {
    let Sizes { few, many, windows, .. } = *sizes;
    let (few_path, many_path) = (dir.join("few.ndjson"), dir.join("many.ndjson"));
    few.write_file(&few_path)?;
    many.write_file(&many_path)?;
    let (mut ratios, mut of_few, mut of_many) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..windows.min(3) {
        let (few_s, few_dir) = import(dir, &format!("few-{number}"), &few_path)?;
        let (many_s, many_dir) = import(dir, &format!("many-{number}"), &many_path)?;
        std::fs::remove_dir_all(few_dir)?;
        std::fs::remove_dir_all(many_dir)?;
        ratios.push(few_s / many_s);
        of_few.push(few.events as f64 / few_s);
        of_many.push(many.events as f64 / many_s);
    }
    Ok(Row {
        name: "growth to 1 M customers",
        values: ratios,
        unit: "of 10 k",
        target: Target::at_least(1.0 / 3.0, 0.5, 1.0 / 1.3),
        sides: format!(
            "{:.0} events/s at {} customers, {:.0} events/s at {}",
            median(&of_many),
            many.customers,
            median(&of_few),
            few.customers
        ),
    })
}

/// Bytes of all files below directories named `log`.
pub(crate) fn log_bytes(dir: &Path) -> Result<u64, Failure> {
    let mut sum = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let is_log = entry.file_name() == "log" || dir.components().any(|part| part.as_os_str() == "log");
            sum += if is_log { all_bytes(&entry.path())? } else { log_bytes(&entry.path())? };
        }
    }
    Ok(sum)
}

fn all_bytes(dir: &Path) -> Result<u64, Failure> {
    let mut sum = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        sum += if entry.file_type()?.is_dir() { all_bytes(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(sum)
}
