//! The built binary, run as a user would run it: its output, its exit codes, and what survives it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod bench;
mod config;
mod demo;
mod doctor;
mod eval;
mod import;
mod learn;
mod promises;
mod questions;
mod recommendations;
mod replay;
mod reshard;
mod send;
mod serve;
mod support;
mod tail;
mod token;
