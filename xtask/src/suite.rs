//! `cargo xtask test`: every step in turn, whatever the one before found.
//!
//! The last line that it prints is `N passed, N failed`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::command::Ended;
use crate::report::Report;
use crate::workspace::Workspace;
use crate::{command, counts, deny, gate, instructions, readme, tidy};

/// A name and what it does.
type Step = (&'static str, fn(&Workspace) -> anyhow::Result<Report>);

/// In the order in which a fault is cheapest to find; what needs optimised code stands last.
const STEPS: &[Step] = &[
    ("format", format),
    ("tidy", tidy::run),
    ("deny", deny::run),
    ("clippy", clippy),
    ("rustdoc", rustdoc),
    ("tests", tests),
    ("doctests", doctests),
    ("release", release),
    ("instructions", instructions::run),
    ("readme", readme::run),
    ("contract", contract),
    ("import", import),
    ("crash", crash),
    ("full-disk", full_disk),
];

/// Rounds of the crash gate in the test run; the gate's own default is a thousand.
const CRASH_ROUNDS: u32 = 25;

/// A cold build of everything takes a few minutes on two cores; past this something hangs.
const BUILD_BUDGET: Duration = Duration::from_secs(25 * 60);

/// Runs the steps whose names contain one of `only` (empty: all); says whether nothing failed.
pub(crate) fn run(workspace: &Workspace, only: &[String]) -> bool {
    let mut total = Report::default();
    let start = Instant::now();
    for (name, step) in STEPS {
        if !only.is_empty() && !only.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let start = Instant::now();
        let report = step(workspace).unwrap_or_else(|error| Report::fail(format!("{error:#}")));
        let verdict = match (report.passed, report.failed) {
            (0, 0) => "skipped",
            (_, 0) => "ok",
            _ => "FAILED",
        };
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{verdict:<8}{name:<13}{seconds:>7.1} s  {} passed, {} failed",
            report.passed, report.failed
        );
        for line in report.notes.iter().flat_map(|note| note.lines()) {
            println!("        {line}");
        }
        total.add(report);
    }
    println!("{:.1} s in all", start.elapsed().as_secs_f64());
    println!("{} passed, {} failed", total.passed, total.failed);
    total.holds()
}

/// Runs `command`, a step that either holds or not.
fn one(workspace: &Workspace, name: &str, command: &mut Command) -> anyhow::Result<Report> {
    let (ended, log) = execute(workspace, name, command)?;
    if ended.success { Ok(Report::pass()) } else { Ok(failed(Report::default(), &ended, &log)) }
}

/// Runs `command` and reads from its output how many checks it made.
fn counted(
    workspace: &Workspace,
    name: &str,
    command: &mut Command,
    count: fn(&str) -> Option<Report>,
) -> anyhow::Result<Report> {
    let (ended, log) = execute(workspace, name, command)?;
    let counted = count(&ended.output);
    if ended.success {
        return Ok(counted.unwrap_or_else(|| Report::fail("its output does not say how many checks ran")));
    }
    Ok(failed(counted.unwrap_or_default(), &ended, &log))
}

/// Runs `command` in the root, its output in the step's log.
fn execute(workspace: &Workspace, name: &str, command: &mut Command) -> anyhow::Result<(Ended, PathBuf)> {
    let log = workspace.scratch("test")?.join(format!("{name}.log"));
    command.current_dir(workspace.root()).env("CARGO_TERM_COLOR", "never").env("TERM", "dumb");
    let ended = command::run(command, &log, BUILD_BUDGET)?;
    if ended.timed_out {
        bail!("not done after {} s; the output's end:\n{}", BUILD_BUDGET.as_secs(), ended.tail());
    }
    Ok((ended, log))
}

/// A program that failed is at least one failure, whatever it counted.
fn failed(mut report: Report, ended: &Ended, log: &Path) -> Report {
    report.failed = report.failed.max(1);
    report.notes.push(ended.tail());
    report.notes.push(format!("all of it: {}", log.display()));
    report
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    command
}

fn format(workspace: &Workspace) -> anyhow::Result<Report> {
    one(workspace, "format", &mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> anyhow::Result<Report> {
    let arguments =
        ["clippy", "--workspace", "--all-targets", "--locked", "--keep-going", "--", "-D", "warnings"];
    one(workspace, "clippy", &mut cargo(&arguments))
}

fn rustdoc(workspace: &Workspace) -> anyhow::Result<Report> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--locked", "--keep-going"]);
    one(workspace, "rustdoc", command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// By nextest where it is installed (it is faster, and ends what hangs), else by cargo itself.
fn tests(workspace: &Workspace) -> anyhow::Result<Report> {
    let nextest = cargo(&["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    if nextest {
        let arguments = ["nextest", "run", "--workspace", "--locked", "--no-fail-fast"];
        return counted(workspace, "tests", &mut cargo(&arguments), counts::nextest);
    }
    let arguments = ["test", "--workspace", "--all-targets", "--locked", "--no-fail-fast"];
    counted(workspace, "tests", &mut cargo(&arguments), counts::cargo_test)
}

fn doctests(workspace: &Workspace) -> anyhow::Result<Report> {
    let arguments = ["test", "--workspace", "--doc", "--locked", "--no-fail-fast"];
    counted(workspace, "doctests", &mut cargo(&arguments), counts::cargo_test)
}

fn release(workspace: &Workspace) -> anyhow::Result<Report> {
    one(workspace, "release", &mut cargo(&["build", "--release", "--locked", "--package", "omnix"]))
}

/// The HTTP contract, checked by a program that is not ours; it stands beside the repository, not in it.
fn contract(workspace: &Workspace) -> anyhow::Result<Report> {
    let check = workspace.root().join("../shared/check/contract.py");
    if !check.exists() {
        let note = "NOT CHECKED, there is no ../shared/check/contract.py here".to_owned();
        return Ok(Report { notes: vec![note], ..Report::default() });
    }
    let mut command = Command::new("python3");
    command.arg(check).env("OMNIX_BIN", workspace.binary());
    counted(workspace, "contract", &mut command, counts::holds)
}

/// The binary, on real trade.
fn import(workspace: &Workspace) -> anyhow::Result<Report> {
    gate::Gate::import().run(workspace)
}

/// The binary, killed under load.
fn crash(workspace: &Workspace) -> anyhow::Result<Report> {
    gate::Gate::crash(CRASH_ROUNDS).run(workspace)
}

/// The binary, on a file system without room.
fn full_disk(workspace: &Workspace) -> anyhow::Result<Report> {
    gate::Gate::full_disk().run(workspace)
}
