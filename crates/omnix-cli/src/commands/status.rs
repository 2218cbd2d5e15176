//! `omnix status`: how the server does, in a few lines; exit code 0 when it is ready, 6 when it is not.

use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::RemoteArgs;
use crate::client::Client;
use crate::failure::Failure;

pub(crate) async fn run(args: &RemoteArgs) -> Result<(), Failure> {
    let client = Client::of(args);
    let status = client.get("/v1/streaming/stream/status").await?;
    let metrics = client.get("/v1/streaming/stream/metrics?minutes=60").await?;
    let overview = client.get("/v1/streaming/insights/system/overview?hours=24").await?;
    let ready = client.request(Method::GET, "/readyz").send().await;
    let is_ready = ready.is_ok_and(|answer| answer.status().is_success());
    if args.json {
        println!(
            "{}",
            json!({ "ready": is_ready, "stream": status, "metrics": metrics, "overview": overview })
        );
    } else {
        print_lines(is_ready, &status, &metrics, &overview);
    }
    if is_ready { Ok(()) } else { Err(Failure::unavailable("the server is not ready")) }
}

fn print_lines(is_ready: bool, status: &Value, metrics: &Value, overview: &Value) {
    let shown = |of: &Value, path: &str| match of.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "-".to_owned(),
    };
    println!("ready      {}", if is_ready { "yes" } else { "no" });
    println!(
        "stream     {} ({}, {})",
        shown(status, "/streamName"),
        shown(status, "/status"),
        shown(status, "/backend")
    );
    for shard in status.get("shards").and_then(Value::as_array).into_iter().flatten() {
        let (id, latest) = (shown(shard, "/shardId"), shown(shard, "/latestSequenceNumber"));
        println!("shard      {id} at {latest}, {} ms behind", shown(shard, "/iteratorAgeMs"));
    }
    println!(
        "last hour  {} in, {} applied, {} failed",
        shown(metrics, "/incomingRecords"),
        shown(metrics, "/outgoingRecords"),
        shown(metrics, "/failedRecordCount")
    );
    println!(
        "last day   {} insights, {} critical; held back: {} cool-down, {} cause, {} budget",
        shown(overview, "/totalInsights"),
        shown(overview, "/insightsByPriority/critical"),
        shown(overview, "/suppressedInsights/coolDown"),
        shown(overview, "/suppressedInsights/cause"),
        shown(overview, "/suppressedInsights/budget")
    );
    let ms = |path: &str| overview.pointer(path).and_then(Value::as_f64);
    if let (Some(p50), Some(p99)) =
        (ms("/processingMetrics/p50LatencyMs"), ms("/processingMetrics/p99LatencyMs"))
    {
        println!("latency    p50 {p50:.1} ms, p99 {p99:.1} ms");
    }
}
