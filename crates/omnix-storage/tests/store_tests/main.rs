//! The state stores: that each keeps the contract, and what is particular to each.

#![expect(clippy::unwrap_used, reason = "tests")]

mod bench;
mod conformance;
mod damage;
mod golden;
mod kill;
mod lsm;
mod memory;
mod model;
