//! The stream of events: its name and its size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stream of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StreamSettings {
    /// The stream's name (`KINESIS_STREAM_NAME`; `omnix-ai-customer-events`).
    pub name: String,
    /// The region shown in the stream's status (`AWS_REGION`; `eu-central-1`).
    pub region: String,
    /// Shards, 1 to 64 (`KINESIS_SHARD_COUNT`; 2).
    pub shard_count: u16,
    /// Hours for which a reader of the stream is promised to find an event, 1 to 8760
    /// (`KINESIS_RETENTION_HOURS`; 24).
    pub retention_hours: u32,
    /// Whether blocks of the log are compressed (`KINESIS_ENABLE_COMPRESSION`; true).
    pub enable_compression: bool,
    /// On Kinesis, events after which a record is sent without waiting, 1 to 500 (`KINESIS_BATCH_SIZE`; 100).
    pub batch_size: u32,
    /// On Kinesis, milliseconds for which an event may wait for company, 0 to 10000
    /// (`KINESIS_MAX_LATENCY_MS`; 100).
    pub max_latency_ms: u32,
    /// Hours within which an event counts once, 1 to 8760 (`OMNIX_DEDUP_WINDOW_HOURS`; 168).
    pub dedup_window_hours: u32,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            name: "omnix-ai-customer-events".to_owned(),
            region: "eu-central-1".to_owned(),
            shard_count: 2,
            retention_hours: 24,
            enable_compression: true,
            batch_size: 100,
            max_latency_ms: 100,
            dedup_window_hours: 168,
        }
    }
}
