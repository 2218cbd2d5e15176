//! The engine's properties with far more cases than a test run has time for.
//!
//! Replaying changes nothing; a batch equals its events sent singly; the number of shards is irrelevant; a
//! snapshot and the tail equal the whole. The properties themselves are the engine's tests; this gate only
//! says how often.

use std::process::Command;
use std::time::Duration;

use anyhow::bail;

use crate::command;
use crate::counts;
use crate::report::Report;
use crate::workspace::Workspace;

/// Ten thousand cases take minutes, optimised.
const BUDGET: Duration = Duration::from_secs(3 * 60 * 60);

/// What a run can be told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    /// Cases of each property
    #[arg(long, default_value_t = 10_000)]
    cases: u32,
}

/// Runs the gate.
pub(crate) fn run(workspace: &Workspace, settings: &Settings) -> anyhow::Result<Report> {
    let log = workspace.scratch("engine")?.join("run.log");
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace.root()).env("CARGO_TERM_COLOR", "never");
    // The tests read it when they are built.
    cargo.env("OMNIX_PROPERTY_CASES", settings.cases.to_string());
    cargo.args(["test", "--release", "--locked", "--no-fail-fast", "--package", "omnix-engine"]);
    let ended = command::run(&mut cargo, &log, BUDGET)?;
    if ended.timed_out {
        bail!("not done after {} s:\n{}", BUDGET.as_secs(), ended.tail());
    }
    let Some(mut report) = counts::cargo_test(&ended.output) else { return Ok(Report::fail(ended.tail())) };
    if !ended.success {
        report.failed = report.failed.max(1);
        report.notes.push(ended.tail());
    }
    report.notes.push(format!("{} cases of each property", settings.cases));
    Ok(report)
}
