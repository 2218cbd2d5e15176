//! `/v1`

mod streaming;
