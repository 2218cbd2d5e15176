//! Long checks of the built binary, through its public interface only.

use clap::Subcommand;

use crate::report::Report;
use crate::workspace::Workspace;

/// Which gate.
#[derive(Debug, Subcommand)]
pub(crate) enum Gate {}

impl Gate {
    pub(crate) fn run(self, _workspace: &Workspace) -> anyhow::Result<Report> {
        match self {}
    }
}
