//! The stream itself: status, metrics, names.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use super::Time;

/// The state of a stream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamStatus {
    /// Its name.
    pub stream_name: String,
    /// `CREATING`, `ACTIVE`, `UPDATING` or `DELETING`.
    pub status: &'static str,
    /// `embedded` or `kinesis`.
    pub backend: &'static str,
    /// What a client may rely on.
    pub capabilities: StreamCapabilities,
    /// Its shards.
    pub shards: Vec<StreamShard>,
    /// How it is set up.
    pub config: StreamConfig,
}

/// What a client may rely on.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "four independent promises of the contract")]
pub struct StreamCapabilities {
    /// `duplicate` is never null.
    pub duplicate_at_ack: bool,
    /// `insights` is complete.
    pub insights_at_ack: bool,
    /// A GET after the 201 sees the event.
    pub read_your_writes: bool,
    /// There is a live feed.
    pub feed: bool,
}

/// One shard.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamShard {
    /// Its id.
    pub shard_id: String,
    /// The first key of its hash range, in decimal.
    pub starting_hash_key: String,
    /// The last key of its hash range, in decimal.
    pub ending_hash_key: String,
    /// The last durable position.
    pub latest_sequence_number: String,
    /// The last applied position.
    pub checkpoint: String,
    /// Age of the oldest event that is durable but not applied.
    pub iterator_age_ms: u64,
}

/// How a stream is set up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamConfig {
    /// The AWS region.
    pub region: String,
    /// How many shards there are.
    pub shard_count: usize,
    /// How long a reader of the stream finds an event.
    pub retention_period_hours: u32,
    /// Whether blocks are compressed.
    pub enable_compression: bool,
    /// Events after which a record is sent without waiting (Kinesis).
    pub batch_size: usize,
    /// How long an event may wait for company (Kinesis).
    pub max_latency_ms: u64,
}

/// What went through a stream. A record is an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamMetrics {
    /// Accepted.
    pub incoming_records: u64,
    /// Applied.
    pub outgoing_records: u64,
    /// Bytes accepted.
    pub incoming_bytes: u64,
    /// Bytes applied.
    pub outgoing_bytes: u64,
    /// Age of the oldest event that is durable but not applied.
    pub iterator_age_ms: u64,
    /// Requests answered with 429 or 503.
    pub write_provisioned_throughput_exceeded: u64,
    /// Reads that were throttled.
    pub read_provisioned_throughput_exceeded: u64,
    /// Acknowledged.
    pub successful_record_count: u64,
    /// Refused or not applied.
    pub failed_record_count: u64,
    /// The time at which this was true.
    pub as_of: Time,
}

/// The streams of this installation.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamNames {
    /// Their names.
    pub streams: Vec<String>,
}

/// A stream is there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamCreated {
    /// For people.
    pub message: Cow<'static, str>,
    /// Its name.
    pub stream_name: String,
}
