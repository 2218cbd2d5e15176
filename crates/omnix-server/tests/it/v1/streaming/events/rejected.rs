//! `/v1/streaming/events/rejected`

use http::Method;
use serde_json::json;

use crate::support::{House, purchase};

const PATH: &str = "/v1/streaming/events/rejected";

#[tokio::test]
async fn refused_events_are_listed_newest_first() {
    let house = House::new();
    let publisher = house.publisher();
    publisher.post("/v1/streaming/events/purchase", &json!({ "customerId": "first" })).await;
    let bytes = b"\"not an event\"".to_vec();
    publisher.send(Method::POST, "/v1/streaming/events/purchase", &[], bytes).await;
    let body = house.admin().get(PATH).await.expect(200);
    let rejected = body["rejected"].as_array().unwrap();
    assert_eq!(rejected.len(), 2);
    assert_eq!(rejected[0]["code"], "wrong_type");
    assert_eq!(rejected[0]["customerId"], json!(null));
    assert_eq!(rejected[1]["customerId"], "first");
    assert_eq!(rejected[1]["body"], r#"{"customerId":"first"}"#);
    assert_eq!(rejected[1]["receivedAt"], "2026-01-05T10:00:00.000Z");
    assert!(rejected[1]["errors"].as_array().unwrap().len() >= 6);
    let body = house.admin().get(&format!("{PATH}?code=wrong_type")).await.expect(200);
    assert_eq!(body["rejected"].as_array().unwrap().len(), 1);
    let faults = house.admin().get(&format!("{PATH}?code=nonsense")).await.faults();
    assert_eq!(faults, [("?code".to_owned(), "unknown_value".to_owned())]);
}

#[tokio::test]
async fn a_rejected_event_is_replayed_corrected_under_its_id() {
    let house = House::new();
    let refused = json!({ "customerId": "c", "eventId": "e-1" });
    house.publisher().post("/v1/streaming/events/purchase", &refused).await;
    let replay = format!("{PATH}/q0/replay");
    house.admin().send(Method::POST, &replay, &[], Vec::new()).await.problem("validation_failed");
    assert_eq!(house.stream.rejected.lock().unwrap().len(), 1, "a replay that fails is not kept again");
    let body = house.admin().post(&replay, &purchase("c")).await.expect(201);
    assert_eq!(body["eventId"], "e-1");
    assert_eq!(house.admin().post(&replay, &purchase("c")).await.expect(200)["duplicate"], true);
    house.admin().post(&format!("{PATH}/q7/replay"), &purchase("c")).await.problem("not_found");
}

#[tokio::test]
async fn one_without_an_id_counts_once_however_often_it_is_replayed() {
    let house = House::new();
    house.publisher().post("/v1/streaming/events/purchase", &json!({ "customerId": "c" })).await;
    let replay = format!("{PATH}/q0/replay");
    assert_eq!(house.admin().post(&replay, &purchase("c")).await.expect(201)["duplicate"], false);
    assert_eq!(house.admin().post(&replay, &purchase("c")).await.expect(200)["duplicate"], true);
}
