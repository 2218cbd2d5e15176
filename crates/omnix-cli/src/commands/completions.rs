//! `omnix completions`: a completion script for a shell.

use clap::CommandFactory as _;

use crate::cli::Cli;

pub(crate) fn run(shell: clap_complete::Shell) {
    clap_complete::generate(shell, &mut Cli::command(), "omnix", &mut std::io::stdout());
}
