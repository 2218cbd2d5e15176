//! `omnix bench`'s parts: the yardsticks, the load, and one file a measurement.
//!
//! Every ratio has both its sides from the same run: machines differ and drift, ratios do less.

pub(crate) mod child;
pub(crate) mod disk;
pub(crate) mod engine;
pub(crate) mod events;
pub(crate) mod feed;
pub(crate) mod http;
pub(crate) mod import;
pub(crate) mod job_j;
pub(crate) mod load;
pub(crate) mod memory;
pub(crate) mod restart;
pub(crate) mod sizes;
pub(crate) mod table;
