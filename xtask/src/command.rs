//! Runs a program of others within a time budget, with its output in a file.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Lines of a failed program's output that are shown; the file has all.
const TAIL_LINES: usize = 60;

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(25);

/// How long a program has to end when it is asked to, before it is killed.
const GRACE: Duration = Duration::from_secs(10);

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
    let mut timed_out = false;
    let status = match wait(&mut child, budget)? {
        Some(status) => status,
        None => {
            timed_out = true;
            end_group(&mut child)?
        }
    };
    let output = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
    Ok(Ended { success: status.success() && !timed_out, timed_out, output })
}

/// Waits until `child` has ended, but not longer than `budget`.
fn wait(child: &mut Child, budget: Duration) -> anyhow::Result<Option<ExitStatus>> {
    let end = Instant::now() + budget;
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() >= end {
            return Ok(status);
        }
        std::thread::park_timeout(POLL);
    }
}

/// Asks a process group that [`run`] made to end, so that it can tidy up, and kills what is left of it.
fn end_group(leader: &mut Child) -> anyhow::Result<ExitStatus> {
    signal_group("-TERM", leader)?;
    let ended = wait(leader, GRACE)?;
    signal_group("-KILL", leader)?;
    Ok(ended.map_or_else(|| leader.wait(), Ok)?)
}

/// Sends a signal; a group of which nobody is left is not a fault.
fn signal_group(signal: &str, leader: &Child) -> anyhow::Result<()> {
    Command::new("kill").args([signal, "--", &format!("-{}", leader.id())]).output().context("kill")?;
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
    fn a_program_whose_time_is_up_can_tidy_up() {
        let ended =
            sh("trap 'echo tidy; exit 0' TERM; while :; do sleep 0.05; done", Duration::from_millis(300));
        assert!(ended.timed_out && !ended.success);
        assert!(ended.output.ends_with("tidy\n"), "{}", ended.output);
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_its_children() {
        let start = Instant::now();
        let ended = sh("sleep 60 & sleep 60", Duration::from_millis(100));
        assert!(ended.timed_out && !ended.success);
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
