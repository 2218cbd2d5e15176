//! The tests of the wire formats: one file a behaviour.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "tests")]

mod api_shapes;
mod batches;
mod event_accepted;
mod event_again;
mod event_refused;
mod hostile;
mod lines;
mod online_retail;
mod schemas;
mod support;
