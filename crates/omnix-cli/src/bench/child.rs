//! The binary itself as users run it: a process with a directory of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How long a server may take to listen.
const START_MAX: Duration = Duration::from_secs(120);

/// A server in a process of its own, on a port of its own.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    pub(crate) dir: PathBuf,
    /// From the start of the process to its line `listening on`.
    pub(crate) started_in: Duration,
}

/// This very binary.
pub(crate) fn binary() -> Result<Command, Failure> {
    Ok(Command::new(std::env::current_exe()?))
}

impl Server {
    /// Starts `omnix serve` on `dir`, with further settings from the environment.
    pub(crate) fn start(dir: &Path, env: &[(&str, &str)]) -> Result<Self, Failure> {
        let started = Instant::now();
        let mut child = binary()?
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir)
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| anyhow::anyhow!("no output"))?;
        for line in BufReader::new(output).lines() {
            if let Some((_, address)) = line?.split_once("listening on http://") {
                let started_in = started.elapsed();
                return Ok(Self {
                    child,
                    address: address.trim().to_owned(),
                    dir: dir.to_owned(),
                    started_in,
                });
            }
            if started.elapsed() > START_MAX {
                break;
            }
        }
        drop(child.kill());
        drop(child.wait());
        Err(Failure::unavailable("the server ended before it listened"))
    }

    /// A token for `role`.
    pub(crate) fn token(&self, role: &str) -> Result<String, Failure> {
        let output = binary()?.args(["token", "--role", role, "--data-dir"]).arg(&self.dir).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Resident memory, in MiB (Linux).
    pub(crate) fn resident_mib(&self) -> Result<f64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
        let kib: f64 = kib.ok_or_else(|| anyhow::anyhow!("the process says nothing of its memory"))?;
        Ok(kib / 1_024.0)
    }

    /// Kills the process as `kill -9` does.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
