//! Following the feed.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Server, run};

#[test]
fn an_insight_comes_as_a_line_of_json() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut child = server
        .command(&["tail", "--json", "--channel", "priority.critical"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["type"], json!("connected"));
    let update = json!({
        "eventId": "m-1", "customerId": "c-1", "previousSegment": "Champions", "newSegment": "At Risk",
        "segmentationScore": 0.2, "reasonCodes": [], "confidence": 0.9, "modelVersion": "crm",
        "timestamp": "2026-01-05T10:00:00Z",
    });
    assert_eq!(server.post("/v1/streaming/events/segment-update", &update).0, 201);
    let message = next();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(message["type"], json!("insight"));
    assert_eq!(message["payload"]["customerId"], json!("c-1"));
    assert_eq!(message["payload"]["priority"], json!("critical"));
}

#[test]
fn without_a_server_it_ends_with_6() {
    assert_eq!(run(&["tail", "--url", "http://127.0.0.1:1"]).code, 6);
}
