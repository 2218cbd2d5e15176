//! The product as a process: started, awaited, killed.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

/// Until a server has to listen, its recovery included.
const READY_BUDGET: Duration = Duration::from_secs(60);

/// Until a server that was asked to end has to have ended.
const STOP_BUDGET: Duration = Duration::from_secs(30);

/// A binary and the data directory that it works on.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// Its data.
    pub(crate) data: PathBuf,
    /// Where its standard error goes, of all its runs.
    pub(crate) log: PathBuf,
    /// Settings that are not the defaults, by the names that the environment has for them.
    pub(crate) settings: &'static [(&'static str, &'static str)],
}

impl Installation {
    /// Starts a server, and does not wait for it.
    pub(crate) fn start(&self) -> anyhow::Result<Starting> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut child = self
            .command("serve", log)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{}` (cargo build --release)", self.binary.display()))?;
        let output = child.stdout.take().context("no standard output")?;
        Ok(Starting { process: Process(child), ready: listen(output), since: Instant::now() })
    }

    /// A token for `role` that lasts as long as the longest gate.
    pub(crate) fn token(&self, role: &str) -> anyhow::Result<String> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let output = self.command("token", log).args(["--role", role, "--ttl", "24h"]).output()?;
        let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let sound = output.status.success() && token.split_whitespace().count() == 1;
        ensure!(sound, "`omnix token --role {role}` ended with {} and printed `{token}`", output.status);
        Ok(token)
    }

    fn command(&self, name: &str, log: File) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg(name)
            .arg("--data-dir")
            .arg(&self.data)
            .envs(self.settings.iter().copied())
            .stdin(Stdio::null())
            .stderr(log);
        command
    }
}

/// Sends the address that the server prints; goes on reading, so that the server never waits for us.
fn listen(output: ChildStdout) -> Receiver<SocketAddr> {
    let (sender, ready) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = address(&line) {
                // Only the first is waited for; of further ones the channel is full.
                sender.try_send(address).unwrap_or_default();
            }
        }
    });
    ready
}

/// The address in `listening on http://HOST:PORT`.
fn address(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("listening on http://")?.trim().parse().ok()
}

/// A server that may not be listening yet.
pub(crate) struct Starting {
    process: Process,
    ready: Receiver<SocketAddr>,
    since: Instant,
}

impl Starting {
    /// Waits until it listens.
    pub(crate) fn ready(mut self) -> anyhow::Result<Server> {
        match self.ready.recv_timeout(READY_BUDGET) {
            Ok(address) => Ok(Server { process: self.process, address, start: self.since.elapsed() }),
            Err(RecvTimeoutError::Timeout) => {
                bail!("the server did not listen within {} s", READY_BUDGET.as_secs())
            }
            // Its output is closed: it is about to end, if it has not yet.
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.process.0.wait()?;
                bail!("the server ended with {status} before it listened")
            }
        }
    }

    /// Kills it; says whether it had not listened yet.
    pub(crate) fn kill(mut self) -> anyhow::Result<bool> {
        let early = self.ready.try_recv().is_err();
        if let Some(status) = self.process.0.try_wait()? {
            bail!("the server ended by itself with {status} while it recovered");
        }
        self.process.kill()?;
        Ok(early)
    }
}

/// A server that listens.
pub(crate) struct Server {
    process: Process,
    /// Where.
    pub(crate) address: SocketAddr,
    /// How long it took from its start until it listened.
    pub(crate) start: Duration,
}

impl Server {
    /// Kills it with SIGKILL; an error when it had already ended by itself.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.process.0.try_wait()? {
            bail!("the server ended by itself with {status}");
        }
        self.process.kill()
    }

    /// Asks it to end with SIGTERM, and waits.
    pub(crate) fn stop(mut self) -> anyhow::Result<ExitStatus> {
        Command::new("kill").args(["-TERM", &self.process.0.id().to_string()]).status().context("kill")?;
        let end = Instant::now() + STOP_BUDGET;
        while Instant::now() < end {
            if let Some(status) = self.process.0.try_wait()? {
                return Ok(status);
            }
            pause(Duration::from_millis(5));
        }
        bail!("it did not end within {} s of SIGTERM", STOP_BUDGET.as_secs())
    }
}

/// A child that does not outlive its handle.
struct Process(Child);

impl Process {
    fn kill(&mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have been killed and waited for already; then both answer with an error that says so.
        drop(self.kill());
    }
}

/// Waits.
pub(crate) fn pause(time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

/// A fresh folder for data below `scratch`, which an earlier run may have left.
pub(crate) fn fresh(scratch: &Path) -> anyhow::Result<PathBuf> {
    let folder = scratch.join("data");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("`{}`", folder.display()))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_line_that_is_promised() {
        assert_eq!(address("listening on http://127.0.0.1:8080").unwrap().port(), 8080);
        assert!(address("listening soon").is_none());
    }
}
