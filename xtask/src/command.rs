//! Runs a program of others within a time budget, with its output in a file.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Lines of a failed program's output that are shown; the file has all.
const TAIL_LINES: usize = 60;

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(25);

/// How a program ended.
pub(crate) struct Ended {
    /// Whether it ended by itself, with code 0.
    pub(crate) success: bool,
    /// Whether its time was up before it ended.
    pub(crate) timed_out: bool,
    /// Both its outputs, in the order in which they were written.
    pub(crate) output: String,
}

impl Ended {
    /// The output's last lines.
    pub(crate) fn tail(&self) -> String {
        let lines: Vec<&str> = self.output.lines().collect();
        let from = lines.len().saturating_sub(TAIL_LINES);
        lines.get(from..).unwrap_or_default().join("\n")
    }
}

/// Runs `command` without standard input, its output in `log`; ends it, with all that it started, when
/// `budget` is over.
pub(crate) fn run(command: &mut Command, log: &Path, budget: Duration) -> anyhow::Result<Ended> {
    let file = File::create(log).with_context(|| format!("`{}`", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
    let mut child = command.spawn().with_context(|| format!("{:?}", command.get_program()))?;
    let end = Instant::now() + budget;
    let mut timed_out = false;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= end {
            timed_out = true;
            kill_group(child.id())?;
            break child.wait()?;
        }
        std::thread::park_timeout(POLL);
    };
    let output = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
    Ok(Ended { success: status.success() && !timed_out, timed_out, output })
}

/// Ends a process group that [`run`] made.
fn kill_group(leader: u32) -> anyhow::Result<()> {
    Command::new("kill").args(["-KILL", "--", &format!("-{leader}")]).status().context("kill")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, budget: Duration) -> Ended {
        let folder = tempfile::tempdir().unwrap();
        run(Command::new("sh").args(["-c", script]), &folder.path().join("log"), budget).unwrap()
    }

    #[test]
    fn a_program_s_end_and_output_are_told() {
        let ended = sh("echo out; echo err >&2; exit 3", Duration::from_secs(10));
        assert!(!ended.success && !ended.timed_out);
        assert_eq!(ended.output, "out\nerr\n");
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_its_children() {
        let start = Instant::now();
        let ended = sh("sleep 60 & sleep 60", Duration::from_millis(100));
        assert!(ended.timed_out && !ended.success);
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
