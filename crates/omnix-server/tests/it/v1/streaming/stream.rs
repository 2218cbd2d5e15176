//! `/v1/streaming/stream` and `/v1/streaming/streams`

use http::Method;
use serde_json::json;

use crate::support::House;

#[tokio::test]
async fn the_status_tells_how_the_stream_is_set_up() {
    let house = House::new();
    let body = house.analyst().get("/v1/streaming/stream/status").await.expect(200);
    assert_eq!(body["streamName"], "omnix-ai-customer-events");
    assert_eq!(body["status"], "ACTIVE");
    assert_eq!(body["backend"], "embedded");
    assert_eq!(body["config"]["shardCount"], 1);
    assert_eq!(body["config"]["retentionPeriodHours"], 24);
    assert_eq!(body["config"]["batchSize"], 100);
    assert_eq!(body["config"]["region"], "eu-central-1");
    assert_eq!(body["shards"][0]["endingHashKey"], u128::MAX.to_string());
    assert_eq!(body["shards"][0]["iteratorAgeMs"], 5);
}

#[tokio::test]
async fn metrics_look_back_as_many_minutes_as_asked() {
    let house = House::new();
    let path = "/v1/streaming/stream/metrics";
    assert_eq!(house.analyst().get(path).await.expect(200)["incomingRecords"], 60);
    let body = house.analyst().get(&format!("{path}?minutes=5")).await.expect(200);
    assert_eq!(body["incomingRecords"], 5);
    for member in [
        "outgoingRecords",
        "incomingBytes",
        "outgoingBytes",
        "iteratorAgeMs",
        "writeProvisionedThroughputExceeded",
        "readProvisionedThroughputExceeded",
        "successfulRecordCount",
        "failedRecordCount",
        "asOf",
    ] {
        assert!(!body[member].is_null(), "{member}");
    }
    house.analyst().get(&format!("{path}?minutes=1441")).await.problem("validation_failed");
}

#[tokio::test]
async fn the_stream_is_named_and_made_however_often() {
    let house = House::new();
    let body = house.analyst().get("/v1/streaming/streams").await.expect(200);
    assert_eq!(body["streams"], json!(["omnix-ai-customer-events"]));
    for body in ["", "{\"ignored\": true}"] {
        let path = "/v1/streaming/stream/create";
        let answer = house.admin().send(Method::POST, path, &[], body).await.expect(201);
        assert_eq!(answer["streamName"], "omnix-ai-customer-events");
    }
}
