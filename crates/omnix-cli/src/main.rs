//! The one binary: a server, and everything one does with it from a shell.
//!
//! One file a subcommand. Each says whether it talks to a running server or opens the data directory; all
//! else is in the crates that it puts together.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

mod cli;
mod failure;
mod commands;
mod settings;
mod assemble;
mod source;
mod client;
mod input_file;
mod progress;
mod replay;
mod demo;
mod bench;
mod eval;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// An import spent a sixth of its time in the C library's allocator. Without huge pages an idle server stays
/// small. Of version 2, which gives memory back within 10 ms, where version 3 keeps it for a second: of 100,000
/// customers who buy once each 250 MiB stayed resident, and 296.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if !matches!(cli.command, Command::Serve(_) | Command::Demo(_)) {
        // `omnix insight list | head` ends quietly, as other commands do.
        sigpipe::reset();
    }
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("omnix: {failure}");
            failure.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => commands::serve::run(&args),
        Command::Demo(args) => commands::demo::run(&args),
        Command::Token(args) => commands::token::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Send(args) => block_on(commands::send::run(&args)),
        Command::Tail(args) => block_on(commands::tail::run(&args)),
        Command::Status(args) => block_on(commands::status::run(&args)),
        Command::Customer(command) => block_on(commands::customer::run(command)),
        Command::Insight(command) => block_on(commands::insight::run(command)),
        Command::Explain(args) => block_on(commands::explain::run(&args)),
        Command::Learn(command) => block_on(commands::learn::run(command)),
        Command::Rejected(command) => block_on(commands::rejected::run(command)),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Rebuild(args) => commands::rebuild::run(&args),
        Command::Replay(args) => commands::replay::run(&args),
        Command::Eval(args) => commands::eval::run(&args),
        Command::Bench(args) => commands::bench::run(&args),
        Command::Config(command) => commands::config::run(command),
        Command::Completions { shell } => {
            commands::completions::run(shell);
            Ok(())
        }
    }
}

/// Runs a command that waits for a server.
fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(command)
}
