//! Fills a file system of 64 MiB, and holds the server to what it acknowledged.
//!
//! The file system is a tmpfs in namespaces of its own, so that nothing has to be set up; where that is not
//! allowed, the gate says so: then the fault-injecting file layer in `omnix-storage` is what covers the case.
//! A ballast file lies beside the data; deleting it is how room comes back.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use super::http::{Client, Response};
use super::random::Random;
use super::server::{Installation, Server, pause};
use crate::command;
use crate::report::Report;
use crate::workspace::Workspace;

/// What lies beside the data until room is needed.
const BALLAST_BYTES: usize = 16 << 20;

/// Bytes of an event's padding: random, so that they compress to half at best.
const PAD_BYTES: u64 = 60_000;

/// The default reserve is as large as the whole file system here.
const SETTINGS: &[(&str, &str)] = &[("OMNIX_DISK_RESERVE_BYTES", "16777216")];

/// Until the disk is full.
const FILL_BUDGET: Duration = Duration::from_secs(120);

/// Within this time of room coming back the server has to take events again.
const RECOVERY_BUDGET: Duration = Duration::from_secs(5);

/// What a run can be told.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Settings {
    /// The small file system, already mounted; by default the gate mounts one and starts itself inside
    #[arg(long, hide = true)]
    mounted: Option<PathBuf>,
    /// Another binary than `target/release/omnix`
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// Runs the gate.
pub(crate) fn run(workspace: &Workspace, settings: &Settings) -> anyhow::Result<Report> {
    let binary = settings.binary.clone().unwrap_or_else(|| workspace.binary());
    if let Some(disk) = &settings.mounted {
        return fill(workspace, disk, binary);
    }
    let scratch = workspace.scratch("full-disk")?;
    let disk = scratch.join("disk");
    std::fs::create_dir_all(&disk)?;
    let mount = "mount -t tmpfs -o size=64m tmpfs \"$0\" || exit 99; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", mount]).arg(&disk);
    command.arg(std::env::current_exe()?).args(["gate", "full-disk", "--mounted"]).arg(&disk);
    command.arg("--binary").arg(binary);
    let ended = command::run(&mut command, &scratch.join("run.log"), 3 * FILL_BUDGET)?;
    if ended.success {
        let mut report = Report::pass();
        report.notes.extend(ended.output.lines().map(str::to_owned));
        return Ok(report);
    }
    if ended.output.contains("Operation not permitted") || ended.output.contains("permission denied") {
        let note = "full disk: NOT RUN, no file system may be mounted here; the fault-injecting file layer \
                    of omnix-storage has the case";
        return Ok(Report { notes: vec![note.to_owned()], ..Report::default() });
    }
    Ok(Report::fail(ended.tail()))
}

/// The run, inside the namespaces.
fn fill(workspace: &Workspace, disk: &Path, binary: PathBuf) -> anyhow::Result<Report> {
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![1; BALLAST_BYTES])?;
    let log = workspace.scratch("full-disk")?.join("server.log");
    std::fs::write(&log, "")?;
    let installation = Installation { binary, data: disk.join("data"), log, settings: SETTINGS };
    let server = installation.start()?.ready()?;
    let tokens =
        Tokens { analyst: installation.token("analyst")?, publisher: installation.token("publisher")? };
    let mut sender = Sender { random: Random::new(1), acknowledged: 0, next: 0 };
    let mut report = Report::default();

    let refusal = sender.until_refused(&mut tokens.publisher(&server))?;
    report.check(judge_refusal(&refusal));
    report.check(judge_full(&tokens, &server, sender.acknowledged)?);

    // Full it dies, full it comes back, and it has lost nothing.
    server.kill()?;
    let server = installation.start()?.ready().context("started with a full disk")?;
    report.check(judge_figures(&tokens, &server, sender.acknowledged)?);

    std::fs::remove_file(&ballast)?;
    let room = Instant::now();
    sender.until_taken(&mut tokens.publisher(&server), RECOVERY_BUDGET)?;
    println!("full disk: takes events {} ms after there is room", room.elapsed().as_millis());
    report.check(judge_figures(&tokens, &server, sender.acknowledged)?);
    server.kill()?;
    let server = installation.start()?.ready()?;
    report.check(judge_figures(&tokens, &server, sender.acknowledged)?);
    let status = server.stop()?;
    report.check((!status.success()).then(|| format!("SIGTERM: it ended with {status}")));
    Ok(report)
}

struct Tokens {
    analyst: String,
    publisher: String,
}

impl Tokens {
    fn publisher(&self, server: &Server) -> Client {
        Client::new(server.address, &self.publisher)
    }

    fn analyst(&self, server: &Server) -> Client {
        Client::new(server.address, &self.analyst)
    }
}

/// Sends large events of one customer, one after the other, each until it is acknowledged.
struct Sender {
    random: Random,
    /// Events that were acknowledged.
    acknowledged: u64,
    /// The number of the event in hand.
    next: u64,
}

impl Sender {
    fn event(&mut self) -> String {
        let pad: String =
            (0..PAD_BYTES / 8).map(|_| format!("{:08x}", self.random.between(0, 0xffff_ffff))).collect();
        let (number, time) = (self.next, jiff::Timestamp::now());
        format!(
            r#"{{"eventType":"purchase","customerId":"full","eventId":"f-{number}","productId":"p","productCategory":"gate","productName":"Product","quantity":1,"price":1.25,"totalAmount":1.25,"timestamp":"{time:.3}","metadata":{{"pad":"{pad}"}}}}"#
        )
    }

    /// The first answer that says that there is no room.
    fn until_refused(&mut self, client: &mut Client) -> anyhow::Result<Response> {
        let end = Instant::now() + FILL_BUDGET;
        while Instant::now() < end {
            let event = self.event();
            let answer = client.post("/v1/streaming/events/purchase", event.as_bytes())?;
            match answer.status {
                200 | 201 => {
                    self.acknowledged += 1;
                    self.next += 1;
                }
                503 => return Ok(answer),
                _ => bail!("event {}: {}", self.next, answer.brief()),
            }
        }
        bail!("the disk is not full after {} events", self.acknowledged)
    }

    /// Sends the event that was refused until it is taken.
    fn until_taken(&mut self, client: &mut Client, budget: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + budget;
        let event = self.event();
        loop {
            let answer = client.post("/v1/streaming/events/purchase", event.as_bytes())?;
            match answer.status {
                201 => {
                    self.acknowledged += 1;
                    self.next += 1;
                    return Ok(());
                }
                503 if Instant::now() < end => pause(Duration::from_millis(20)),
                _ => bail!("with room again: {}", answer.brief()),
            }
        }
    }
}

fn judge_refusal(answer: &Response) -> Vec<String> {
    let mut findings = Vec::new();
    if answer.header("retry-after").is_none() {
        findings.push(format!("a full disk: no Retry-After: {}", answer.brief()));
    }
    if !answer.text().contains("\"disk_full\"") {
        findings.push(format!("a full disk: not the code `disk_full`: {}", answer.brief()));
    }
    findings
}

fn judge_full(tokens: &Tokens, server: &Server, acknowledged: u64) -> anyhow::Result<Vec<String>> {
    let ready = tokens.analyst(server).get("/readyz")?;
    let mut findings = judge_figures(tokens, server, acknowledged)?;
    findings.extend((ready.status != 503).then(|| format!("a full disk: /readyz answers {}", ready.brief())));
    Ok(findings)
}

#[derive(Deserialize)]
struct View {
    purchases: u64,
}

fn judge_figures(tokens: &Tokens, server: &Server, acknowledged: u64) -> anyhow::Result<Vec<String>> {
    let answer = tokens.analyst(server).get("/v1/streaming/customers/full")?;
    ensure!(answer.status == 200, "reading: {}", answer.brief());
    let view: View = serde_json::from_slice(&answer.body)?;
    let differs = view.purchases != acknowledged;
    Ok(differs
        .then(|| format!("{} purchases, {acknowledged} were acknowledged", view.purchases))
        .into_iter()
        .collect())
}
