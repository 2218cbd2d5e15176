//! `/v1/streaming`

mod customers;
mod events;
mod feed;
mod insights;
mod recommendations;
mod segments;
mod stream;
mod system;
