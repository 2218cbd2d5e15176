//! The types of the HTTP contract, version 1: what is answered, and what is asked for in a body.
//!
//! They only say how it looks. Fields and their meaning are the contract's; amounts are written exactly, times
//! in UTC with three decimals. Events themselves are read by [`crate::parse_event`], never through these
//! types; those in [`events`] describe them for the published document.

pub mod events;
pub mod publish;
pub mod insight;
pub mod feedback;
pub mod explain;
pub mod customer;
pub mod segments;
pub mod stream;
pub mod learning;
pub mod rejected;
pub mod feed;

mod exact;

pub use exact::{Amount, Time, Units};
