//! One suite for each contract, to be run over every implementation, in this crate and in others.

pub mod log;
pub mod store;
