//! Long checks: of the built binary through its public interface, and of the engine's properties.

use clap::Subcommand;

use crate::report::Report;
use crate::workspace::Workspace;

mod crash;
mod decimal;
mod engine;
mod full_disk;
mod http;
mod import;
mod random;
mod server;

pub(crate) use random::Random;

/// Which gate.
#[derive(Debug, Subcommand)]
pub(crate) enum Gate {
    /// Kills the server at random under load, again and again, and holds it to what it acknowledged
    Crash(crash::Settings),
    /// Tests the engine's properties with ten thousand cases each
    Engine(engine::Settings),
    /// Imports real trade, and compares every customer's figures with those of another program
    Import(import::Settings),
    /// Fills a small file system, and holds the server to what it acknowledged
    FullDisk(full_disk::Settings),
}

impl Gate {
    /// The crash gate with `rounds` rounds and a seed of its own choice.
    pub(crate) fn crash(rounds: u32) -> Self {
        Self::Crash(crash::Settings { rounds, ..crash::Settings::default() })
    }

    /// The gate of the import, as it is run from the test suite.
    pub(crate) fn import() -> Self {
        Self::Import(import::Settings::default())
    }

    /// The gate of the full disk, as it is run from the test suite.
    pub(crate) fn full_disk() -> Self {
        Self::FullDisk(full_disk::Settings::default())
    }

    /// Runs it against `target/release/omnix`, which has to be built.
    pub(crate) fn run(self, workspace: &Workspace) -> anyhow::Result<Report> {
        match self {
            Self::Crash(settings) => crash::run(workspace, &settings),
            Self::Engine(settings) => engine::run(workspace, &settings),
            Self::Import(settings) => import::run(workspace, &settings),
            Self::FullDisk(settings) => full_disk::run(workspace, &settings),
        }
    }
}
