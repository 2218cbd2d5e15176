//! The project's own commands: `cargo xtask test`, `tidy`, `gate NAME`.
//!
//! In Rust, so that nothing but the toolchain is needed to run them. What a command does to the product, it
//! does through the product's public interface; nothing here is linked into it.

#![expect(clippy::print_stdout, reason = "these commands report to whoever runs them")]

mod workspace;

mod command;
mod counts;
mod report;

mod deny;
mod gate;
mod instructions;
mod readme;
mod suite;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use workspace::Workspace;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that has to hold before a change lands; the last line is `N passed, N failed`
    Test {
        /// Runs only the steps whose names contain this (may be repeated)
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
    },
    /// The rules that no compiler checks: crate edges, lengths, words, links
    Tidy,
    /// Downloads nothing but cargo-deny, and asks it about licences, bans, sources and advisories
    Deny,
    /// Runs the commands that the README shows
    Readme,
    /// Long checks of the built binary
    #[command(subcommand)]
    Gate(gate::Gate),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all that the command checks holds.
fn run(command: Command) -> anyhow::Result<bool> {
    let workspace = Workspace::read()?;
    match command {
        Command::Test { only } => Ok(suite::run(&workspace, &only)),
        Command::Tidy => Ok(tidy::run(&workspace)?.print()),
        Command::Deny => Ok(deny::run(&workspace)?.print()),
        Command::Readme => Ok(readme::run(&workspace)?.print()),
        Command::Gate(gate) => Ok(gate.run(&workspace)?.print()),
    }
}
