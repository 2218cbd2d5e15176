//! `POST /v1/streaming/events/batch`

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, House, Mood, purchase};

const PATH: &str = "/v1/streaming/events/batch";

async fn send(house: &House, headers: &[(&str, &str)], body: String) -> Answer {
    house.publisher().send(Method::POST, PATH, headers, body).await
}

#[tokio::test]
async fn an_array_and_lines_are_the_same() {
    let events = [purchase("a"), purchase("b")];
    let lines = events.iter().map(Value::to_string).collect::<Vec<_>>().join("\r\n\n");
    for (kind, body) in [("application/json", json!(events).to_string()), ("application/x-ndjson", lines)] {
        let house = House::new();
        let answer = send(&house, &[("content-type", kind)], body).await.expect(201);
        assert_eq!(answer["message"], "2 events published successfully", "{kind}");
        assert_eq!(answer["publishedCount"], 2);
        assert_eq!(answer["duplicateCount"], 0);
        assert_eq!(answer["failedCount"], 0);
        assert_eq!(answer["errors"], json!([]));
        assert!(answer.get("eventIds").is_none());
        assert_eq!(house.stream.stored.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn one_bad_item_does_not_change_the_fate_of_another() {
    let house = House::new();
    let body = json!([purchase("a"), { "customerId": "b", "eventId": "e-b" }, purchase("c")]).to_string();
    let answer = send(&house, &[], body).await.expect(207);
    assert_eq!(answer["message"], "2 of 3 events published successfully");
    assert_eq!((&answer["publishedCount"], &answer["failedCount"]), (&json!(2), &json!(1)));
    let error = &answer["errors"][0];
    assert_eq!(error["index"], 1);
    assert_eq!(error["eventId"], "e-b");
    assert_eq!(error["retryable"], false);
    assert!(error["code"].is_string() && error["pointer"].is_string() && error["detail"].is_string());
    let rejected = house.stream.rejected.lock().unwrap();
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].body, br#"{"customerId":"b","eventId":"e-b"}"#);
}

#[tokio::test]
async fn a_line_that_is_no_json_is_a_fault_of_that_line() {
    let house = House::new();
    let body = format!("{}\n{{oops\n", purchase("a"));
    let answer = send(&house, &[("content-type", "application/x-ndjson")], body).await.expect(207);
    assert_eq!(answer["errors"][0]["code"], "malformed_json");
    assert!(house.stream.rejected.lock().unwrap().is_empty(), "bad syntax is not kept");
}

#[tokio::test]
async fn none_good_is_422_and_so_is_none_at_all() {
    let house = House::new();
    let problem = send(&house, &[], json!([{}, { "customerId": "b" }]).to_string()).await;
    let problem = problem.problem("validation_failed");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
    assert_eq!(problem["errors"][1]["index"], 1);
    for body in ["[]", "{}", "7"] {
        send(&house, &[], body.to_owned()).await.problem("validation_failed");
    }
    send(&house, &[("content-type", "application/x-ndjson")], "\n \n".to_owned())
        .await
        .problem("validation_failed");
    send(&house, &[], "[{}".to_owned()).await.problem("malformed_json");
    assert!(house.stream.stored.lock().unwrap().is_empty());
}

#[tokio::test]
async fn strict_stores_nothing_unless_all_are_valid() {
    let house = House::new();
    let headers = [("prefer", "respond-async, Handling=Strict")];
    let mixed = json!([purchase("a"), {}]).to_string();
    send(&house, &headers, mixed).await.problem("validation_failed");
    assert!(house.stream.stored.lock().unwrap().is_empty());
    assert_eq!(house.stream.rejected.lock().unwrap().len(), 1);
    let answer = send(&house, &headers, json!([purchase("a")]).to_string()).await;
    answer.expect(201);
    assert_eq!(answer.header("preference-applied"), "handling=strict");
}

#[tokio::test]
async fn a_duplicate_is_no_fault_and_a_conflict_one_of_its_item() {
    let house = House::new();
    let with_id = |id: &str, quantity: u32| {
        let mut event = purchase("a");
        event["eventId"] = json!(id);
        event["quantity"] = json!(quantity);
        event
    };
    send(&house, &[], json!([with_id("1", 1), with_id("2", 1)]).to_string()).await.expect(201);
    let again = json!([with_id("1", 1), with_id("2", 2), with_id("3", 1)]).to_string();
    let answer = send(&house, &[("prefer", "handling=strict")], again).await.expect(207);
    assert_eq!((&answer["publishedCount"], &answer["duplicateCount"]), (&json!(2), &json!(1)));
    assert_eq!(answer["errors"][0]["code"], "event_conflict");
    assert_eq!(answer["errors"][0]["eventId"], "2");
    let conflict = send(&house, &[], json!([with_id("2", 2)]).to_string()).await;
    assert_eq!(conflict.problem("validation_failed")["errors"][0]["code"], "event_conflict");
}

#[tokio::test]
async fn ids_come_from_the_key_and_can_be_asked_for() {
    let house = House::new();
    let mut own = purchase("a");
    own["eventId"] = json!("own");
    let body = json!([purchase("a"), own, {}]).to_string();
    let path = format!("{PATH}?echo=ids");
    let headers = [("idempotency-key", "k")];
    let answer = house.publisher().send(Method::POST, &path, &headers, body).await.expect(207);
    assert_eq!(answer["eventIds"], json!(["k/0", "own", null]));
    assert_eq!(house.stream.stored_ids(), ["k/0", "own"]);
    let faults = house.publisher().post(&format!("{PATH}?echo=all"), &json!([])).await.faults();
    assert_eq!(faults, [("?echo".to_owned(), "unknown_value".to_owned())]);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_keeps_nothing() {
    let house = House::new();
    let path = format!("{PATH}?dryRun=true&echo=ids");
    let answer = house.publisher().post(&path, &json!([purchase("a"), {}])).await.expect(200);
    assert_eq!(answer["failedCount"], 1);
    assert_eq!(answer["eventIds"], json!([null, null]));
    assert!(answer["message"].as_str().unwrap().contains("1 of 2 events are valid"));
    assert!(house.stream.stored.lock().unwrap().is_empty());
    assert!(house.stream.rejected.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_has_its_limits() {
    let house = House::new();
    let many = vec![purchase("a"); 10_001];
    let lines = many.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    send(&house, &[], json!(many).to_string()).await.problem("too_large");
    send(&house, &[("content-type", "application/x-ndjson")], lines).await.problem("too_large");
    let full = json!(&many[..10_000]).to_string();
    assert_eq!(send(&house, &[], full).await.expect(201)["publishedCount"], 10_000);
    let mut wide = purchase("a");
    wide["note"] = json!("x".repeat(256 << 10));
    let answer = send(&house, &[], json!([wide, purchase("b")]).to_string()).await.expect(207);
    assert_eq!(answer["errors"][0]["code"], "too_large");
    assert!(house.stream.rejected.lock().unwrap().is_empty(), "what is too large is not kept");
    send(&house, &[], " ".repeat((16 << 20) + 1)).await.problem("too_large");
}

#[tokio::test]
async fn a_disk_that_fills_in_between_refuses_the_items_it_had_no_room_for() {
    let house = House::new();
    house.stream.be(Mood::Filling);
    let answer = send(&house, &[], json!([purchase("a"), purchase("b")]).to_string()).await.expect(207);
    assert_eq!(answer["publishedCount"], 1);
    let error = &answer["errors"][0];
    assert_eq!((&error["index"], &error["code"]), (&json!(1), &json!("disk_full")));
    assert_eq!(error["retryable"], true);
}

#[tokio::test]
async fn an_unknown_outcome_names_every_id() {
    let house = House::with(|settings| settings.http.ack_timeout_ms = 20);
    house.stream.be(Mood::Hanging);
    let headers = [("idempotency-key", "k")];
    let body = json!([purchase("a"), purchase("b")]).to_string();
    let problem = send(&house, &headers, body.clone()).await.problem("outcome_unknown");
    assert_eq!(problem["eventIds"], json!(["k/0", "k/1"]));
    house.stream.be(Mood::Forgetful);
    let problem = send(&house, &headers, body).await.problem("outcome_unknown");
    assert_eq!(problem["eventIds"], json!(["k/0", "k/1"]));
}
