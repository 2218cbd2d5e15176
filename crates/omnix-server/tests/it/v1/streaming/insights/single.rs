//! `/v1/streaming/insights/{customerId}/{insightId}`

use http::Method;
use omnix_model::{Outcome, Priority};
use omnix_worker::Refusal;
use serde_json::{Value, json};

use crate::support::{House, Mood, insight};

const LIST: &str = "/v1/streaming/insights";

/// The path of the one insight that the stream in memory has of a customer.
fn path_of(customer: &str) -> String {
    format!("{LIST}/{customer}/{}", insight(customer, 1, Priority::High).id)
}

#[tokio::test]
async fn one_insight_is_read_as_in_the_list() {
    let house = House::new();
    let one = house.analyst().get(&path_of("c-1")).await.expect(200);
    let list = house.analyst().get(&format!("{LIST}/c-1")).await.expect(200);
    assert_eq!(one, list["insights"][0]);
    assert!(one.as_object().unwrap().contains_key("outcome") && one["outcome"].is_null());
    house.analyst().get(&format!("{}?hours=3", path_of("c-1"))).await.faults();
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let house = House::new();
    let other = insight("c-1", 2, Priority::High).id;
    for id in ["overview", "x", &other.to_string(), &"A".repeat(32)] {
        house.analyst().get(&format!("{LIST}/c-1/{id}")).await.problem("not_found");
        let said = json!({ "outcome": "useful" });
        house.analyst().patch(&format!("{LIST}/c-1/{id}"), &said).await.problem("not_found");
    }
    house.analyst().get(&format!("{LIST}/a%00b/{other}")).await.problem("validation_failed");
    house.analyst().get(&format!("{LIST}/%ff/{other}")).await.problem("malformed_request");
}

#[tokio::test]
async fn what_came_of_it_is_noted_once_shown_and_taken_back() {
    let house = House::new();
    let path = path_of("c-1");
    let says = [
        (json!("useful"), 1),
        (json!("useful"), 1),
        (json!("acted"), 2),
        (json!("wrong"), 3),
        (Value::Null, 4),
    ];
    for (said, noted) in says {
        let answer = house.analyst().patch(&path, &json!({ "outcome": said })).await.expect(200);
        assert_eq!(answer["outcome"], said);
        assert_eq!(answer, house.analyst().get(&path).await.expect(200));
        assert_eq!(house.stream.judged.lock().unwrap().len(), noted, "the same again is not written again");
    }
    let judged = house.stream.judged.lock().unwrap();
    assert_eq!(judged[0].outcome, Some(Outcome::Useful));
    assert_eq!(judged[0].priority, Priority::High);
}

#[tokio::test]
async fn every_fault_of_a_body_is_told() {
    let house = House::new();
    let path = path_of("c-1");
    for (body, pointer, code) in [
        (json!({}), "/outcome", "required"),
        (json!([]), "", "wrong_type"),
        (json!({ "outcome": 1 }), "/outcome", "wrong_type"),
        (json!({ "outcome": "good" }), "/outcome", "unknown_value"),
        (json!({ "outcome": "acted", "status": "done" }), "/status", "unknown_value"),
    ] {
        let faults = house.analyst().patch(&path, &body).await.faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    let client = house.analyst();
    client.send(Method::PATCH, &path, &[], "{\"outcome\":").await.problem("malformed_json");
    let text = [("content-type", "text/plain")];
    client.send(Method::PATCH, &path, &text, "{}").await.problem("unsupported_media_type");
    let large = format!("{{\"outcome\":null,\"x\":\"{}\"}}", "y".repeat(17 << 10));
    client.send(Method::PATCH, &path, &[], large).await.problem("too_large");
    client.patch(&format!("{path}?a=1"), &json!({ "outcome": null })).await.problem("validation_failed");
    assert!(house.stream.judged.lock().unwrap().is_empty());
}

#[tokio::test]
async fn who_may_say_so() {
    let house = House::new();
    let (path, said) = (path_of("c-1"), json!({ "outcome": "useful" }));
    house.publisher().patch(&path, &said).await.problem("forbidden");
    house.publisher().get(&path).await.problem("forbidden");
    house.nobody().patch(&path, &said).await.problem("unauthenticated");
    house.admin().patch(&path, &said).await.expect(200);
}

#[tokio::test]
async fn what_is_not_stored_is_not_said_to_be() {
    let house = House::with(|settings| settings.http.ack_timeout_ms = 10);
    let (path, said) = (path_of("c-1"), json!({ "outcome": "useful" }));
    for (mood, code) in [
        (Mood::Refusing(Refusal::Full), "overloaded"),
        (Mood::Refusing(Refusal::DiskFull), "disk_full"),
        (Mood::Refusing(Refusal::LogDamaged), "log_damaged"),
        (Mood::Refusing(Refusal::Unavailable), "unavailable"),
        (Mood::Forgetful, "outcome_unknown"),
        (Mood::Hanging, "outcome_unknown"),
    ] {
        house.stream.be(mood);
        house.analyst().patch(&path, &said).await.problem(code);
    }
    house.stream.be(Mood::Well);
    assert_eq!(house.analyst().get(&path).await.expect(200)["outcome"], Value::Null);
}

#[tokio::test]
async fn an_id_that_a_proxy_spoils_has_its_twin() {
    let house = House::new();
    let id = insight("a/b", 1, Priority::High).id;
    let (by_path, twin) = (format!("{LIST}/a%2Fb/{id}"), format!("{LIST}/{id}?customerId=a%2Fb"));
    let said = house.analyst().patch(&twin, &json!({ "outcome": "acted" })).await.expect(200);
    assert_eq!(said["outcome"], "acted");
    assert_eq!(house.analyst().get(&by_path).await.expect(200), said);
    assert_eq!(house.analyst().get(&twin).await.expect(200), said);
    house.analyst().get(&format!("{twin}&hours=3")).await.faults();
    let answer = house.analyst().patch(&format!("{LIST}/{id}"), &json!({ "outcome": "acted" })).await;
    answer.problem("method_not_allowed");
    assert!(answer.header("allow").contains("GET"));
}
