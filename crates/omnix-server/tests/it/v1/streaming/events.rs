//! `/v1/streaming/events`

mod batch;
mod purchase;
mod rejected;
mod segment_update;
