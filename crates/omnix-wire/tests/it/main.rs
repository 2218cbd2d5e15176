//! The tests of the wire formats: one file a behaviour.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod event_accepted;
mod support;
