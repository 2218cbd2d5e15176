//! `/v1/streaming/insights/{customerId}/{insightId}/explain`

use std::time::Duration;

use omnix_model::Priority;
use omnix_worker::Refusal;
use serde_json::json;

use crate::support::{House, Mood, insight};

const LIST: &str = "/v1/streaming/insights";

fn path_of(customer: &str) -> String {
    format!("{LIST}/{customer}/{}/explain", insight(customer, 1, Priority::High).id)
}

#[tokio::test]
async fn it_says_what_the_insight_rests_on_and_whether_it_came_out_again() {
    let house = House::new();
    let path = path_of("c-1");
    let insight = house.analyst().get(path.strip_suffix("/explain").unwrap()).await.expect(200);
    let body = house.analyst().get(&path).await.expect(200);
    assert_eq!(body["insight"], insight);
    assert_eq!((&body["status"], &body["sameAsStored"]), (&json!("complete"), &json!(true)));
    assert_eq!((&body["differences"], &body["gaps"]), (&json!([]), &json!([])));
    let at = "2026-01-05T10:00:00.000Z";
    let position = "00001-00000000000000000007-00002";
    assert_eq!(body["cause"], json!({ "kind": "event", "position": position, "at": at }));
    assert_eq!(
        body["under"],
        json!({
            "modelVersion": 7, "modelHash": "000000000000001f", "settingsVersion": "0000000000000002",
            "settings": ["a = 1", "b = 2"], "engineVersion": 1,
        })
    );
    assert_eq!(
        body["steps"][0],
        json!({
            "name": "score", "about": "how unusual it is", "formula": "a - b",
            "inputs": [{ "name": "a", "value": 2.5, "from": "model" }], "value": 1.1,
        })
    );
    let event = &body["events"][0];
    assert_eq!((&event["position"], &event["appliedAt"]), (&json!(position), &json!(at)));
    assert_eq!((&event["producer"], &event["event"]["eventId"]), (&json!("client"), &json!("e-1")));
    assert_eq!(event["event"]["newSegment"], "At Risk");
    assert_eq!(body["eventsRead"], 9);
}

#[tokio::test]
async fn what_is_gone_and_what_differs_is_said() {
    let house = House::new();
    house.stream.be(Mood::Forgetful);
    let body = house.analyst().get(&path_of("c-1")).await.expect(200);
    assert_eq!((&body["status"], &body["sameAsStored"]), (&json!("partial"), &json!(false)));
    assert_eq!(body["differences"], json!([{ "member": "priority", "stored": "high", "recomputed": "low" }]));
    assert_eq!(body["gaps"][0]["code"], "deciding_model_gone");
    assert!(body["gaps"][0]["detail"].as_str().unwrap().contains("model 7"), "{body}");
    assert_eq!(body["steps"], json!([]));
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_who_may_not_ask_is_told() {
    let house = House::new();
    let other = insight("c-1", 2, Priority::High).id;
    for id in ["overview", &other.to_string()] {
        house.analyst().get(&format!("{LIST}/c-1/{id}/explain")).await.problem("not_found");
    }
    house.analyst().get(&format!("{LIST}/a%00b/{other}/explain")).await.problem("validation_failed");
    house.analyst().get(&format!("{}?hours=3", path_of("c-1"))).await.faults();
    house.publisher().get(&path_of("c-1")).await.problem("forbidden");
    house.nobody().get(&path_of("c-1")).await.problem("unauthenticated");
}

#[tokio::test]
async fn too_many_at_a_time_are_sent_away() {
    let house = House::new();
    house.stream.be(Mood::Refusing(Refusal::Full));
    let answer = house.analyst().get(&path_of("c-1")).await;
    answer.problem("unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_works_on_it_when_whoever_asked_has_gone() {
    let house = House::new();
    house.stream.be(Mood::Hanging);
    let client = house.analyst();
    // Dropped as if the connection had been closed.
    let asking = tokio::time::timeout(Duration::from_millis(50), client.get(&path_of("c-1"))).await;
    assert!(asking.is_err(), "it goes on");
    let has_ended = || house.stream.asked.lock().unwrap().contains(&"abandoned".to_owned());
    for _ in 0..500 {
        if has_ended() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it is still worked on");
}

#[tokio::test]
async fn an_id_that_a_proxy_spoils_has_its_twin() {
    let house = House::new();
    let id = insight("a/b", 1, Priority::High).id;
    let by_path = house.analyst().get(&format!("{LIST}/a%2Fb/{id}/explain")).await.expect(200);
    let twin = house.analyst().get(&format!("{LIST}/{id}/explain?customerId=a%2Fb")).await.expect(200);
    assert_eq!(by_path, twin);
    house.analyst().get(&format!("{LIST}/{id}/explain")).await.problem("not_found");
}
