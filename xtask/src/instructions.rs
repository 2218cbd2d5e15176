//! Counts the instructions that the engine needs for an event, and holds them to the number that was accepted.
//!
//! Times drift with the machine and what else runs on it; counts of instructions do not. Callgrind counts what
//! `apply` executes, with all that it calls, while the engine's example folds a made-up year of a small shop.
//! Where valgrind is not installed nothing is checked, and nothing counted as passed.
//!
//! Deliberately not here: how fast anything is (`omnix bench`).

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::command;
use crate::gate::Random;
use crate::report::Report;
use crate::workspace::Workspace;

/// Instructions an event, as last accepted. Whoever changes it says in the commit why.
const ACCEPTED: u64 = 28_683;

/// By how many percent they may differ before somebody has to explain it.
const TOLERANCE_PERCENT: u64 = 10;

/// Events that are folded: enough for customers to come back some times, few enough for a slow machine.
const EVENTS: usize = 12_000;

/// The function whose instructions count, with all that it calls.
const FUNCTION: &str = "omnix_engine::apply::apply_watched";

/// Building the example takes a few minutes when nothing is built yet.
const BUILD_BUDGET: Duration = Duration::from_secs(25 * 60);

/// Under callgrind everything takes fifty times as long: some ten seconds.
const RUN_BUDGET: Duration = Duration::from_secs(15 * 60);

/// Builds the example, runs it under callgrind and compares.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Report> {
    let installed = Command::new("valgrind").arg("--version").output();
    if !installed.is_ok_and(|output| output.status.success()) {
        let note = "NOT CHECKED, valgrind is not installed here (Debian's package `valgrind`)".to_owned();
        return Ok(Report { notes: vec![note], ..Report::default() });
    }
    let scratch = workspace.scratch("instructions")?;
    build(workspace, &scratch)?;
    let input = scratch.join("events.txt");
    std::fs::write(&input, shop(EVENTS))?;
    let counted = count(workspace, &scratch, &input)? / EVENTS as u64;
    Ok(verdict(counted, ACCEPTED))
}

fn build(workspace: &Workspace, scratch: &Path) -> anyhow::Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace.root()).env("CARGO_TERM_COLOR", "never");
    cargo.args(["build", "--release", "--locked", "--package", "omnix-engine", "--example", "fold"]);
    let ended = command::run(&mut cargo, &scratch.join("build.log"), BUILD_BUDGET)?;
    if !ended.success {
        bail!("the example was not built:\n{}", ended.tail());
    }
    Ok(())
}

/// The instructions of all calls of [`FUNCTION`].
fn count(workspace: &Workspace, scratch: &Path, input: &Path) -> anyhow::Result<u64> {
    let profile = scratch.join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--tool=callgrind").arg(format!("--toggle-collect={FUNCTION}"));
    valgrind.arg(format!("--callgrind-out-file={}", profile.display()));
    valgrind.arg(workspace.target().join("release/examples/fold")).arg(input);
    let ended = command::run(&mut valgrind, &scratch.join("run.log"), RUN_BUDGET)?;
    if !ended.success {
        bail!("callgrind did not come to an end:\n{}", ended.tail());
    }
    let profile = std::fs::read_to_string(&profile).context("callgrind's profile")?;
    match total(&profile) {
        Some(0) | None => bail!("callgrind met no call of `{FUNCTION}`"),
        Some(total) => Ok(total),
    }
}

/// What the profile says was executed in all: its line `totals: N`.
fn total(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

fn verdict(counted: u64, accepted: u64) -> Report {
    let figures = format!("{counted} instructions an event, {accepted} accepted");
    if counted.abs_diff(accepted) * 100 <= accepted * TOLERANCE_PERCENT {
        return Report { notes: vec![figures], ..Report::pass() };
    }
    Report::fail(format!(
        "{figures}: more than {TOLERANCE_PERCENT} % apart. If it is meant to be so, let `ACCEPTED` in {} be {counted}, \
         and say in the commit why",
        file!()
    ))
}

/// A year of a small shop, in the example's format: 240 customers with 40 favourites among 900 products each, 1
/// to 11 lines an order. Always the same.
fn shop(events: usize) -> String {
    const START_MS: u64 = 1_735_689_600_000;
    const YEAR_MS: u64 = 365 * 86_400_000;
    let step_ms = YEAR_MS / events as u64;
    let mut random = Random::new(1);
    let mut text = String::new();
    let (mut count, mut order) = (0, 0);
    while count < events {
        order += 1;
        let (customer, at) = (random.between(1, 240), START_MS + count as u64 * step_ms);
        for _ in 0..random.between(1, 11).min((events - count) as u64) {
            let product = (customer * 7_919 + random.between(0, 39) * 104_729) % 900;
            let (quantity, price) = (random.between(1, 5), (100 + product) * 10_000);
            let (thousandths, amount) = (quantity * 1_000, quantity * price);
            let line = writeln!(
                text,
                "customer-{customer}\tsku-{product}\tProduct number {product}\t{thousandths}\t{price}\t{amount}\t{at}\to{order}"
            );
            debug_assert!(line.is_ok(), "a text takes what is written to it");
            count += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_more_or_less_is_within_bounds() {
        for (counted, holds) in [(1_000, true), (1_100, true), (900, true), (1_101, false), (899, false)] {
            assert_eq!(verdict(counted, 1_000).holds(), holds, "{counted}");
        }
        let failed = verdict(2_000, 1_000);
        assert!(failed.notes.iter().any(|note| note.contains("`ACCEPTED`") && note.contains("2000")));
    }

    #[test]
    fn the_profile_s_total_is_found() {
        assert_eq!(total("events: Ir\nfn=(1) main\n12 3\n\ntotals: 4711\n"), Some(4_711));
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn the_input_is_always_the_same_and_as_long_as_it_says() {
        let text = shop(500);
        assert_eq!(text, shop(500));
        assert_eq!(text.lines().count(), 500);
        assert!(text.lines().all(|line| line.split('\t').count() == 8));
    }
}
