//! What a shop's page is told to offer: from a history to the answer, where and when it is asked.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::{Server, purchase, run, text};

/// Two shops and a web store over 40 days: bread sells in all of them, skates at the lake, wine online at night. Eight
/// customers each, and none of them twice.
fn two_shops() -> String {
    let mut lines = String::new();
    let places = [
        ("Lake", "pos", "skates", "10:00"),
        ("Town", "pos", "umbrella", "11:00"),
        ("", "web", "wine", "23:00"),
    ];
    for day in 0..40 {
        for (place, device, own, clock) in places {
            for (line, product) in ["bread", own, own].into_iter().enumerate() {
                let at = format!("2026-{:02}-{:02}T{clock}:00Z", 1 + day / 28, 1 + day % 28);
                let customer = format!("{device}-{place}-{}", day % 8);
                let mut event = purchase(&format!("{place}-{own}-{day}-{line}"), &customer, 5.0, &at);
                event["productId"] = json!(product);
                event["productName"] = json!(product);
                event["deviceType"] = json!(device);
                event["metadata"] = json!({ "orderId": format!("{place}-{own}-{day}") });
                if !place.is_empty() {
                    event["location"] = json!(place);
                }
                writeln!(lines, "{event}").unwrap();
            }
        }
    }
    lines
}

#[test]
fn a_stranger_is_offered_what_sells_here_and_now() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("h.ndjson"));
    std::fs::write(&file, two_shops()).unwrap();
    run(&["import", text(&file), "--format", "ndjson", "--data-dir", text(&data)]).ok();
    let server = Server::start(&data);
    let offered = |query: &str| -> Vec<String> {
        let (status, lists) = server.get(&format!("/v1/streaming/recommendations/stranger?limit=2&{query}"));
        assert_eq!(status, 200, "{lists}");
        let name = |product: &Value| product["productId"].as_str().unwrap().to_owned();
        lists["new"].as_array().unwrap().iter().map(name).collect()
    };
    let noon = "at=2026-02-13T10:30:00Z";
    let at = |query: &str| offered(&format!("{noon}&{query}"));
    assert!(at("location=Lake&deviceType=pos").contains(&"skates".to_owned()));
    assert!(!at("location=Town&deviceType=pos").contains(&"skates".to_owned()));
    assert!(at("location=Town").contains(&"umbrella".to_owned()));
    assert!(offered("at=2026-02-13T23:30:00Z&deviceType=web").contains(&"wine".to_owned()));
    assert!(!at("location=Lake").contains(&"wine".to_owned()));
}
