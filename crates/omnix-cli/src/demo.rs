//! The demo's parts: the simulated shop, what it really sold, and what is planted into it.

pub(crate) mod assortment;
pub(crate) mod ledger;
pub(crate) mod plan;
pub(crate) mod shop;
pub(crate) mod terminal;
