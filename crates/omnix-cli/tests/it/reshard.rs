//! Another number of shards keeps everything.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Server, history, purchase, run, text, wait_until};

#[test]
fn two_five_and_one_shard_hold_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("h.ndjson"));
    std::fs::write(&file, history(30, 60)).unwrap();
    run(&["import", text(&file), "--format", "ndjson", "--data-dir", text(&data)]).ok();
    let event = |day: u32| purchase("e-1", "c-3", 11.0, &format!("2026-05-0{day}T10:00:00Z"));
    let customers: Vec<String> = (0..30).map(|number| format!("c-{number}")).collect();
    let look = |server: &Server| -> (Vec<Value>, Value) {
        let profiles = customers.iter().map(|id| server.customer(id)).collect();
        (profiles, server.get("/v1/streaming/insights?limit=1000").1["insights"].take())
    };
    let server = Server::start(&data);
    let model = |server: &Server| server.get("/v1/streaming/recommendations/c-3").1["modelVersion"].take();
    let of_history = model(&server);
    assert_eq!(server.post("/v1/streaming/events/purchase", &event(4)).0, 201);
    // The first live event ends the history's last epoch: what its model says is compared, in every lane.
    wait_until("a live model", || model(&server) != of_history);
    let mut before = look(&server);
    wait_until("one model everywhere", || {
        let earlier = std::mem::replace(&mut before, look(&server));
        earlier == before
    });
    assert!(before.1.as_array().is_some_and(|insights| !insights.is_empty()));
    // Killed, so that the logs hold more than the stores.
    server.kill();
    for shards in ["5", "1", "2"] {
        let server = Server::start_with(&data, &[("KINESIS_SHARD_COUNT", shards)]);
        assert_eq!(look(&server), before, "{shards} shards");
        assert_explained(&server, &before.1);
        let (status, again) = server.post("/v1/streaming/events/purchase", &event(4));
        assert_eq!((status, &again["duplicate"]), (200, &json!(true)), "{shards} shards: {again}");
        let (status, conflict) = server.post("/v1/streaming/events/purchase", &event(5));
        assert_eq!((status, &conflict["code"]), (409, &json!("event_conflict")), "{shards} shards");
        assert_eq!(server.terminate().0, 0);
    }
}

/// Of each kind an insight comes out again as it is stored, from the logs of all numbers of shards that there were.
#[track_caller]
fn assert_explained(server: &Server, insights: &Value) {
    let by_kind: BTreeMap<&str, &Value> = insights.as_array().unwrap().iter().rev().map(kind_of).collect();
    assert!(by_kind.len() > 1, "{by_kind:?}");
    for insight in by_kind.values() {
        let (customer, id) = (insight["customerId"].as_str().unwrap(), insight["id"].as_str().unwrap());
        let (status, body) = server.get(&format!("/v1/streaming/insights/{customer}/{id}/explain"));
        assert_eq!((status, &body["status"], &body["gaps"]), (200, &json!("complete"), &json!([])), "{body}");
    }
}

fn kind_of(insight: &Value) -> (&str, &Value) {
    (insight["insightType"].as_str().unwrap(), insight)
}
