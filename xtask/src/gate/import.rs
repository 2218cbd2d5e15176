//! Imports half a year of real trade, and compares every customer's figures with those that another program
//! finds in the same file.
//!
//! The other program is Python's `csv` and `decimal`: nothing of ours computes what ours is compared with. The
//! file stands beside the repository, not in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::decimal::millionths;
use super::http::Client;
use super::server::{Installation, fresh};
use crate::command;
use crate::report::Report;
use crate::workspace::Workspace;

/// Where the file is, from the root.
const FILE: &str = "../shared/data/online-retail/online-retail.csv.gz";

/// Reading the file with another program, or with ours.
const BUDGET: Duration = Duration::from_secs(300);

/// Findings that are told; the first say it all.
const FINDINGS_MAX: usize = 5;

/// What a run can be told.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Settings {
    /// Another file of the same layout, compressed by gzip
    #[arg(long)]
    file: Option<PathBuf>,
    /// Another binary than `target/release/omnix`
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// A customer's figures.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Figures {
    purchases: u64,
    returns: u64,
    orders: u64,
    total_millionths: i128,
}

/// Runs the gate.
pub(crate) fn run(workspace: &Workspace, settings: &Settings) -> anyhow::Result<Report> {
    let file = settings.file.clone().unwrap_or_else(|| workspace.root().join(FILE));
    if !file.exists() {
        let note = format!("import: NOT CHECKED, there is no {FILE} here");
        return Ok(Report { notes: vec![note], ..Report::default() });
    }
    let scratch = workspace.scratch("import")?;
    let expected = figures(workspace, &file, &scratch)?;
    let binary = settings.binary.clone().unwrap_or_else(|| workspace.binary());
    let log = scratch.join("server.log");
    std::fs::write(&log, "")?;
    let installation = Installation { binary, data: fresh(&scratch)?, log, settings: &[] };
    let mut report = Report::default();
    for time in ["once", "twice"] {
        let start = Instant::now();
        import(&installation, &file, &scratch.join(format!("import-{time}.log")))?;
        let seconds = start.elapsed().as_secs_f64();
        let findings = compare(&installation, &expected).with_context(|| format!("imported {time}"))?;
        report.check(
            findings.into_iter().map(|finding| format!("imported {time}: {finding}")).take(FINDINGS_MAX),
        );
        report.notes.push(format!("imported {time}: {} customers in {seconds:.2} s", expected.len()));
    }
    std::fs::remove_dir_all(&installation.data)?;
    Ok(report)
}

/// What the other program finds.
fn figures(workspace: &Workspace, file: &Path, scratch: &Path) -> anyhow::Result<BTreeMap<String, Figures>> {
    let mut python = Command::new("python3");
    python.arg(workspace.root().join("xtask/src/gate/import/online_retail.py")).arg(file);
    let ended = command::run(&mut python, &scratch.join("python.log"), BUDGET)?;
    ensure!(ended.success, "online_retail.py: {}", ended.tail());
    let figures: BTreeMap<String, Figures> = serde_json::from_str(&ended.output)?;
    ensure!(!figures.is_empty(), "the file has no customers");
    Ok(figures)
}

fn import(installation: &Installation, file: &Path, log: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(&installation.binary);
    command.arg("import").arg(file).args(["--format", "online-retail", "--data-dir"]).arg(&installation.data);
    let ended = command::run(&mut command, log, BUDGET)?;
    ensure!(ended.success, "omnix import: {}", ended.tail());
    Ok(())
}

/// Asks a server about every customer, and about how many there are.
fn compare(installation: &Installation, expected: &BTreeMap<String, Figures>) -> anyhow::Result<Vec<String>> {
    let server = installation.start()?.ready()?;
    let mut client = Client::new(server.address, &installation.token("analyst")?);
    let mut findings = Vec::new();
    for (customer, figures) in expected {
        let response = client.get(&format!("/v1/streaming/customers/{customer}"))?;
        let found: Option<View> = serde_json::from_slice(&response.body).ok();
        if !found.is_some_and(|view| view.shows(figures)) {
            findings.push(format!("`{customer}`: {figures:?} in the file, {}", response.brief()));
        }
    }
    let count = count(&mut client)?;
    if count != expected.len() {
        findings.push(format!("{count} customers are listed, {} are in the file", expected.len()));
    }
    let status = server.stop()?;
    ensure!(status.success(), "SIGTERM: it ended with {status}");
    Ok(findings)
}

/// How many customers a client finds that pages over all of them.
fn count(client: &mut Client) -> anyhow::Result<usize> {
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let response = client.get(&format!("/v1/streaming/customers?sort=id&limit=1000{cursor}"))?;
        ensure!(response.status == 200, "customers: {}", response.brief());
        let page: Page = serde_json::from_slice(&response.body)?;
        count += page.customers.len();
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(count),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    customers: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    next_cursor: Option<String>,
}

/// What of a customer is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct View {
    purchases: u64,
    orders: u64,
    total_spent: Box<RawValue>,
}

impl View {
    /// Whether these are the customer's figures; returns count in the total only.
    fn shows(&self, figures: &Figures) -> bool {
        self.purchases == figures.purchases
            && self.orders == figures.orders
            && millionths(self.total_spent.get()) == Some(figures.total_millionths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_s_figures_are_compared_exactly() {
        let figures: Figures = serde_json::from_str("[3, 1, 2, 2500000]").unwrap();
        let view = |json: &str| serde_json::from_str::<View>(json).unwrap().shows(&figures);
        assert!(view(r#"{"purchases":3,"orders":2,"totalSpent":2.50}"#));
        assert!(!view(r#"{"purchases":4,"orders":2,"totalSpent":2.50}"#));
        assert!(!view(r#"{"purchases":3,"orders":3,"totalSpent":2.50}"#));
        assert!(!view(r#"{"purchases":3,"orders":2,"totalSpent":2.500001}"#));
    }
}
