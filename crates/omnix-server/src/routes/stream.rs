//! `/v1/streaming/stream/…` and `/v1/streaming/streams`: the stream itself.

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use omnix_model::ErrorCode;
use omnix_wire::api::Time;
use omnix_wire::api::stream::{
    StreamCapabilities, StreamConfig, StreamCreated, StreamMetrics, StreamNames, StreamShard, StreamStatus,
};
use omnix_worker::ShardStatus;

use super::json;
use crate::app::App;
use crate::authority::{Authority, Stream, StreamAdmin};
use crate::problem::Problem;
use crate::query::{Parameter, Query, Values};
use crate::route::{Content, Route};

const MINUTES: Parameter =
    Parameter::new("minutes", Values::Integer(1, 1_440), "how many minutes to look back (60)");
const MINUTES_DEFAULT: u32 = 60;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/stream/status", status)
            .about("Stream", "The stream's state, its shards and how it is set up")
            .needs::<Stream>()
            .answers(200, "the state", Content::json::<StreamStatus>()),
        Route::get("/v1/streaming/stream/metrics", metrics)
            .about("Stream", "What went through the stream; a record is an event")
            .needs::<Stream>()
            .query(&[&MINUTES])
            .answers(200, "the figures", Content::json::<StreamMetrics>())
            .fails(&[ErrorCode::ValidationFailed]),
        Route::get("/v1/streaming/streams", names)
            .about("Stream", "The names of all streams")
            .needs::<Stream>()
            .answers(200, "the names", Content::json::<StreamNames>()),
        Route::post("/v1/streaming/stream/create", create)
            .about("Stream", "Make the stream; it is no fault that it is there already")
            .needs::<StreamAdmin>()
            .answers(201, "the stream is there", Content::json::<StreamCreated>()),
    ]
}

async fn status(
    _authority: Authority<Stream>,
    State(app): State<App>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::of(&uri, &[]).finish()?;
    let shards = app.ask(|backend| Ok(backend.shards())).await?;
    let settings = &app.shared.settings.stream;
    let answer = StreamStatus {
        stream_name: settings.name.clone(),
        status: "ACTIVE",
        backend: "embedded",
        capabilities: StreamCapabilities {
            duplicate_at_ack: true,
            insights_at_ack: true,
            read_your_writes: true,
            feed: true,
        },
        config: StreamConfig {
            region: settings.region.clone(),
            shard_count: shards.len(),
            retention_period_hours: settings.retention_hours,
            enable_compression: settings.enable_compression,
            batch_size: usize::try_from(settings.batch_size).unwrap_or(usize::MAX),
            max_latency_ms: settings.max_latency_ms.into(),
        },
        shards: shards.into_iter().map(shard_body).collect(),
    };
    json(StatusCode::OK, &answer)
}

fn shard_body(shard: ShardStatus) -> StreamShard {
    StreamShard {
        shard_id: shard.shard.to_string(),
        starting_hash_key: shard.first_hash_key.to_string(),
        ending_hash_key: shard.last_hash_key.to_string(),
        latest_sequence_number: shard.latest.to_string(),
        checkpoint: shard.checkpoint.to_string(),
        iterator_age_ms: shard.iterator_age_ms,
    }
}

async fn metrics(
    _authority: Authority<Stream>,
    State(app): State<App>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, &[&MINUTES]);
    let minutes = query.integer(&MINUTES).unwrap_or(MINUTES_DEFAULT);
    query.finish()?;
    let counts = app.ask(move |backend| backend.counts(minutes)).await?;
    let answer = StreamMetrics {
        incoming_records: counts.incoming_records,
        outgoing_records: counts.outgoing_records,
        incoming_bytes: counts.incoming_bytes,
        outgoing_bytes: counts.outgoing_bytes,
        iterator_age_ms: counts.iterator_age_ms,
        write_provisioned_throughput_exceeded: counts.write_throttled,
        read_provisioned_throughput_exceeded: counts.read_throttled,
        successful_record_count: counts.successful_records,
        failed_record_count: counts.failed_records,
        as_of: Time(app.now()),
    };
    json(StatusCode::OK, &answer)
}

async fn names(_authority: Authority<Stream>, State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    Query::of(&uri, &[]).finish()?;
    json(StatusCode::OK, &StreamNames { streams: vec![app.shared.settings.stream.name.clone()] })
}

async fn create(
    _authority: Authority<StreamAdmin>,
    State(app): State<App>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::of(&uri, &[]).finish()?;
    let stream_name = app.shared.settings.stream.name.clone();
    json(StatusCode::CREATED, &StreamCreated { message: "the stream is there".into(), stream_name })
}
