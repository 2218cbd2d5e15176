//! The engine as its callers see it: events in, states and insights out.

mod anomaly;
mod basket;
mod common;
mod history;
mod properties;
mod published;
mod raw_purchases;
mod scenario;
mod state;
mod stored_format;
