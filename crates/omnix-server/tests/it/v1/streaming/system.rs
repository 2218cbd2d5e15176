//! `/v1/streaming/system`

mod learning;
