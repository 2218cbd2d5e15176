//! `POST /v1/streaming/events/purchase`, and what it has in common with the other two kinds.

use http::Method;
use omnix_worker::Refusal;
use serde_json::json;

use crate::support::{House, Mood, purchase};

const PATH: &str = "/v1/streaming/events/purchase";

#[tokio::test]
async fn an_event_is_stored_and_answered() {
    let house = House::new();
    let answer = house.publisher().post(PATH, &purchase("c-1")).await;
    let body = answer.expect(201);
    assert_eq!(body["message"], "purchase event published successfully");
    assert_eq!(body["shardId"], "shardId-000000000000");
    assert_eq!(body["sequenceNumber"], "00001-00000000000000000001-00000");
    assert_eq!(body["duplicate"], false);
    assert_eq!(body["insights"], json!([]));
    assert_eq!(house.stream.stored_ids(), [body["eventId"].as_str().unwrap()]);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_other_kinds_have_routes_of_their_own() {
    let house = House::new();
    let update = json!({
        "customerId": "c-1", "previousSegment": null, "newSegment": "At Risk", "segmentationScore": 0.2,
        "reasonCodes": [], "timestamp": "2026-01-05T10:00:00Z", "confidence": 0.8, "modelVersion": "v1",
    });
    let prediction = json!({
        "customerId": "c-1", "productId": "p", "predictedConsumptionDate": "2026-01-09T10:00:00Z",
        "confidence": 0.9, "predictionType": "seasonal", "factors": [], "timestamp": "2026-01-05T10:00:00Z",
        "alertTriggered": true,
    });
    for (path, event, name) in [
        ("/v1/streaming/events/segment-update", &update, "segment update"),
        ("/v1/streaming/events/consumption-prediction", &prediction, "consumption prediction"),
    ] {
        let body = house.publisher().post(path, event).await.expect(201);
        assert_eq!(body["message"], format!("{name} event published successfully"));
        house.publisher().post(path, &purchase("c-1")).await.problem("validation_failed");
    }
}

#[tokio::test]
async fn the_same_id_counts_once_and_another_body_is_a_conflict() {
    let house = House::new();
    let mut event = purchase("c-1");
    event["eventId"] = json!("e-1");
    assert_eq!(house.publisher().post(PATH, &event).await.expect(201)["duplicate"], false);
    let again = house.publisher().post(PATH, &event).await.expect(200);
    assert_eq!(again["duplicate"], true);
    assert!(again["message"].as_str().unwrap().contains("published successfully"));
    event["quantity"] = json!(2);
    event["totalAmount"] = json!(20);
    house.publisher().post(PATH, &event).await.problem("event_conflict");
    assert_eq!(house.stream.stored_ids(), ["e-1"]);
    assert!(house.stream.rejected.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_retry_of_an_event_from_a_clock_ahead_is_known_again() {
    let house = House::new();
    let mut event = purchase("c-1");
    event["eventId"] = json!("e-1");
    event["timestamp"] = json!("2026-01-05T10:04:00Z");
    house.publisher().post(PATH, &event).await.expect(201);
    house.clock.advance_ms(1_500);
    assert_eq!(house.publisher().post(PATH, &event).await.expect(200)["duplicate"], true);
}

#[tokio::test]
async fn an_idempotency_key_stands_for_an_id() {
    let house = House::new();
    for (key, status) in [("k-1", 201), ("\"k-1\"", 200)] {
        let headers = [("idempotency-key", key)];
        let body = purchase("c-1").to_string();
        let answer = house.publisher().send(Method::POST, PATH, &headers, body).await;
        assert_eq!(answer.expect(status)["eventId"], "k-1");
    }
    let mut own = purchase("c-1");
    own["eventId"] = json!("own");
    let headers = [("idempotency-key", "k-1")];
    let answer = house.publisher().send(Method::POST, PATH, &headers, own.to_string()).await;
    assert_eq!(answer.expect(201)["eventId"], "own");
    for key in ["", "\"\"", &"x".repeat(123)] {
        let headers = [("idempotency-key", key)];
        let answer = house.publisher().send(Method::POST, PATH, &headers, purchase("c").to_string()).await;
        answer.problem("malformed_request");
    }
}

#[tokio::test]
async fn all_faults_are_told_at_once_and_the_event_is_kept() {
    let house = House::new();
    let event = json!({ "customerId": "c-1", "eventId": "e-9", "quantity": "2" });
    let faults = house.publisher().post(PATH, &event).await.faults();
    assert!(faults.contains(&("/quantity".to_owned(), "wrong_type".to_owned())), "{faults:?}");
    assert!(faults.contains(&("/productId".to_owned(), "required".to_owned())), "{faults:?}");
    assert!(faults.len() >= 6, "{faults:?}");
    let rejected = house.stream.rejected.lock().unwrap();
    let kept = rejected.first().unwrap();
    assert_eq!(kept.body, event.to_string().into_bytes());
    assert_eq!(kept.customer_id.as_ref().unwrap().as_str(), "c-1");
    assert_eq!(kept.event_id.as_ref().unwrap().as_str(), "e-9");
    assert!(house.stream.stored.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_field_error_code_is_reached() {
    let house = House::new();
    let cases = [
        ("price", json!(-1), "out_of_range"),
        ("timestamp", json!("2026-01-05T10:05:01Z"), "timestamp_ahead"),
        ("timestamp", json!("yesterday"), "invalid_format"),
        ("deviceType", json!("fridge"), "unknown_value"),
        ("eventType", json!("segment_update"), "kind_contradicted"),
        ("currency", json!("USD"), "currency_mismatch"),
        ("customerId", json!("a\u{0}b"), "invalid_format"),
        ("metadata", json!([1]), "wrong_type"),
        ("totalAmount", json!(-5), "amount_contradicted"),
        ("productId", json!(null), "required"),
    ];
    for (field, value, code) in cases {
        let mut event = purchase("c-1");
        event[field] = value;
        let faults = house.publisher().post(PATH, &event).await.faults();
        assert!(faults.iter().any(|(_, found)| found == code), "{field}: {faults:?}");
    }
}

#[tokio::test]
async fn a_dry_run_keeps_nothing() {
    let house = House::new();
    let path = format!("{PATH}?dryRun=true");
    let body = house.publisher().post(&path, &purchase("c-1")).await.expect(200);
    for field in ["eventId", "shardId", "sequenceNumber", "duplicate"] {
        assert!(body[field].is_null(), "{field}");
    }
    house.publisher().post(&path, &json!({})).await.problem("validation_failed");
    assert!(house.stream.stored.lock().unwrap().is_empty());
    assert!(house.stream.rejected.lock().unwrap().is_empty());
    let faults = house.publisher().post(&format!("{PATH}?dryRun=yes&x=1"), &purchase("c")).await.faults();
    let expected = [("?x", "unknown_parameter"), ("?dryRun", "wrong_type")];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
}

#[tokio::test]
async fn anonymous_customers_are_marked() {
    let house = House::new();
    for (customer, is_anonymous) in [("guest", true), (" Walk-In ", true), ("c-1", false)] {
        house.publisher().post(PATH, &purchase(customer)).await.expect(201);
        let stored = house.stream.stored.lock().unwrap().last().unwrap().anonymous;
        assert_eq!(stored, is_anonymous, "{customer}");
    }
    let mut absent = purchase("");
    absent.as_object_mut().unwrap().remove("customerId");
    house.publisher().post(PATH, &absent).await.problem("validation_failed");
    let house = House::with(|settings| settings.customers.anonymous.push(String::new()));
    house.publisher().post(PATH, &absent).await.expect(201);
}

#[tokio::test]
async fn what_the_stream_refuses_was_not_stored() {
    let house = House::new();
    for (refusal, code) in [
        (Refusal::Full, "overloaded"),
        (Refusal::DiskFull, "disk_full"),
        (Refusal::LogDamaged, "log_damaged"),
        (Refusal::Unavailable, "unavailable"),
    ] {
        house.stream.be(Mood::Refusing(refusal));
        let answer = house.publisher().post(PATH, &purchase("c-1")).await;
        answer.problem(code);
        assert_eq!(answer.header("retry-after"), "1");
        let (policy, limit) = (answer.header("ratelimit-policy"), answer.header("ratelimit"));
        let told = if code == "overloaded" { ("\"queue\";q=40000", "\"queue\";r=0;t=1") } else { ("", "") };
        assert_eq!((policy, limit), told);
    }
}

#[tokio::test]
async fn an_outcome_that_is_not_known_names_the_id() {
    let house = House::with(|settings| settings.http.ack_timeout_ms = 20);
    for mood in [Mood::Forgetful, Mood::Hanging] {
        house.stream.be(mood);
        let mut event = purchase("c-1");
        event["eventId"] = json!("e-1");
        let problem = house.publisher().post(PATH, &event).await.problem("outcome_unknown");
        assert_eq!(problem["eventId"], "e-1");
    }
}
