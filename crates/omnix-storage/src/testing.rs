//! What tests of this and of other crates stand on: a disk and a log that fail on purpose, by a seed.
//!
//! Nothing here is for production, and nothing in production uses it; it is not behind a feature so that every
//! test of the workspace is built against the same crate.

pub use crate::log::{
    Dice, MemoryBlocks, MemoryFault, MemoryLog, MemoryLogSettings, SimCall, SimDisk, SimFault,
};
