//! Runs the commands that the README shows, so that a stranger who copies them meets no surprise.
//!
//! A block fenced as `sh` is run by bash, in order, all in one fresh folder below the root's `target`
//! (cargo finds the workspace from there). A block fenced as `sh service` is started, awaited until it prints
//! `listening on`, and ended when the README is through; one fenced as `sh for 20s` runs for that long, if it
//! does not end before. Blocks in other languages are not run.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::command;
use crate::report::Report;
use crate::workspace::Workspace;

/// A demo of half a minute and a build that is warm.
const BLOCK_BUDGET: Duration = Duration::from_secs(300);

/// Until a service listens; its build is warm.
const READY_BUDGET: Duration = Duration::from_secs(120);

/// How a block is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// To its end.
    ToItsEnd,
    /// For so long, if it does not end before.
    For(Duration),
    /// While the blocks after it run.
    Service,
}

impl Manner {
    /// What a fence's text says; `None`: not to be run.
    fn read(fence: &str) -> Option<Self> {
        match fence {
            "sh" => Some(Self::ToItsEnd),
            "sh service" => Some(Self::Service),
            _ => {
                let seconds = fence.strip_prefix("sh for ")?.strip_suffix('s')?.parse().ok()?;
                Some(Self::For(Duration::from_secs(seconds)))
            }
        }
    }
}

/// Some lines of shell in the README.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// The line of the README on which it opens, counted from 1.
    line: usize,
    /// How it is run.
    manner: Manner,
    /// What it says.
    script: String,
}

/// Runs the README's commands; a README without any is a fault.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Report> {
    let readme = workspace.root().join("README.md");
    let text = std::fs::read_to_string(&readme).with_context(|| format!("`{}`", readme.display()))?;
    let blocks = blocks(&text);
    if blocks.is_empty() {
        bail!("the README shows no command (no block fenced as `sh`)");
    }
    // Below the root, wherever the build folder is: cargo finds the workspace by walking up.
    let folder = workspace.root().join("target").join("readme");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let stage =
        Stage { folder, binaries: workspace.target().join("release"), target: workspace.target().into() };
    let mut services = Vec::new();
    let mut report = Report::default();
    for block in &blocks {
        let outcome = match block.manner {
            Manner::Service => stage.start(block).map(|service| services.push(service)),
            Manner::ToItsEnd => stage.run(block),
            Manner::For(time) => stage.run_for(block, time),
        };
        report.check(outcome.err().map(|error| format!("README.md:{}: {error:#}", block.line)));
    }
    Ok(report)
}

/// The blocks of `text` that are run.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let script: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| !line.starts_with("```")).collect();
        if let Some(manner) = Manner::read(language) {
            blocks.push(Block { line: index + 1, manner, script: script.join("\n") });
        }
    }
    blocks
}

/// Where the commands run.
struct Stage {
    /// Their working folder.
    folder: PathBuf,
    /// Where the built binary is found.
    binaries: PathBuf,
    /// The build folder, so that `cargo run` finds everything built.
    target: PathBuf,
}

impl Stage {
    fn bash(&self, block: &Block) -> Command {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c"]);
        command.arg(format!("PATH=\"$0:$PATH\"\n{}", block.script)).arg(&self.binaries);
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    fn run(&self, block: &Block) -> anyhow::Result<()> {
        let log = self.log(block);
        let ended = command::run(&mut self.bash(block), &log, BLOCK_BUDGET)?;
        if ended.timed_out {
            bail!("not done after {} s:\n{}", BLOCK_BUDGET.as_secs(), ended.tail());
        }
        if !ended.success {
            bail!("failed:\n{}", ended.tail());
        }
        Ok(())
    }

    fn run_for(&self, block: &Block, time: Duration) -> anyhow::Result<()> {
        let ended = command::run(&mut self.bash(block), &self.log(block), time)?;
        if !ended.success && !ended.timed_out {
            bail!("failed:\n{}", ended.tail());
        }
        Ok(())
    }

    fn start(&self, block: &Block) -> anyhow::Result<Service> {
        let errors = std::fs::File::create(self.log(block))?;
        let mut command = self.bash(block);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).process_group(0);
        let mut child = command.spawn()?;
        let output = child.stdout.take().context("no output")?;
        let service = Service { child };
        let (sender, ready) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if line.contains("listening on ") {
                    // Only the first is waited for; of further ones the channel is full.
                    sender.try_send(()).unwrap_or_default();
                }
            }
        });
        ready.recv_timeout(READY_BUDGET).context("it ended, or did not say `listening on` in time")?;
        Ok(service)
    }

    fn log(&self, block: &Block) -> PathBuf {
        Path::new(&self.folder).join(format!("line-{}.log", block.line))
    }
}

/// A command of the README that runs until the end.
struct Service {
    child: Child,
}

impl Drop for Service {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        // It may have ended by itself; then there is nothing to end, and nobody to tell.
        drop(Command::new("kill").args(["-TERM", "--", &group]).output());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shell_is_run_and_lines_are_counted_from_one() {
        let text = "# A\n```sh\na\nb\n```\n```json\n{}\n```\n```sh service\nc\n```\n```sh for 20s\nd\n```\n";
        let block = |line, manner, script: &str| Block { line, manner, script: script.to_owned() };
        let expected = [
            block(2, Manner::ToItsEnd, "a\nb"),
            block(9, Manner::Service, "c"),
            block(12, Manner::For(Duration::from_secs(20)), "d"),
        ];
        assert_eq!(blocks(text), expected);
    }

    #[test]
    fn blocks_run_to_their_ends_for_a_time_or_until_the_others_are_through() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let stage = Stage { folder: path.clone(), binaries: path.clone(), target: path };
        let block = |line, script: &str| Block { line, manner: Manner::ToItsEnd, script: script.to_owned() };
        assert!(stage.run(&block(1, "true")).is_ok());
        assert!(stage.run(&block(2, "false\ntrue")).unwrap_err().to_string().starts_with("failed"));
        assert!(stage.run_for(&block(3, "sleep 60"), Duration::from_millis(100)).is_ok());
        assert!(stage.run_for(&block(4, "exit 3"), Duration::from_secs(20)).is_err());
        let service = stage.start(&block(5, "echo listening on x; touch up; sleep 60")).unwrap();
        assert!(stage.run(&block(6, "while [ ! -e up ]; do sleep 0.01; done")).is_ok());
        drop(service);
        assert!(stage.start(&block(7, "echo nothing of the kind")).is_err());
    }
}
