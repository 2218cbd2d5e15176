//! Questions: to a running server, and to the directory with `--offline`; both answer the same.

use std::path::Path;

use serde_json::json;

use crate::support::{Ended, Server, purchase, run, text, without_time};

/// A directory with two customers, insights and a rejected event.
fn fill(server: &Server) {
    for (number, day) in ["2026-01-05", "2026-01-12", "2026-01-19"].iter().enumerate() {
        let event = purchase(&format!("e-{number}"), "c/1 ü", 2.5, &format!("{day}T10:00:00Z"));
        assert_eq!(server.post("/v1/streaming/events/purchase", &event).0, 201);
    }
    let update = json!({
        "eventId": "m-1", "customerId": "c-2", "previousSegment": "Champions", "newSegment": "At Risk",
        "segmentationScore": 0.2, "reasonCodes": [], "confidence": 0.9, "modelVersion": "crm",
        "timestamp": "2026-01-05T10:00:00Z",
    });
    assert_eq!(server.post("/v1/streaming/events/segment-update", &update).0, 201);
    let bad = purchase("e-9", "c-2", -1.0, "2026-01-05T10:00:00Z");
    assert_eq!(server.post("/v1/streaming/events/purchase", &bad).0, 422);
}

fn offline(dir: &Path, args: &[&str]) -> Ended {
    run(&[args, &["--offline", "--data-dir", text(dir)]].concat())
}

#[test]
fn offline_answers_as_the_server_does() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    fill(&server);
    let questions: [&[&str]; 5] = [
        &["customer", "show", "c/1 ü", "--json"],
        &["insight", "list", "--json"],
        &["insight", "list", "--customer", "c-2", "--json"],
        &["rejected", "list", "--json"],
        &["insight", "list", "--limit", "1", "--hours", "24", "--json"],
    ];
    let asked = questions.map(|question| without_time(server.run(question).json()));
    let held = offline(dir.path(), questions[0]);
    assert_eq!(held.code, 6, "a server holds it: {held:?}");
    assert_eq!(server.terminate().0, 0);
    for (question, expected) in questions.iter().zip(asked) {
        assert_eq!(without_time(offline(dir.path(), question).json()), expected, "{question:?}");
    }
    assert_eq!(offline(dir.path(), &["customer", "show", "nobody"]).code, 3);
    assert_eq!(offline(&dir.path().join("none"), &["insight", "list"]).code, 3);
}

#[test]
fn people_read_lines() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    fill(&server);
    let customer = server.run(&["customer", "show", "c/1 ü"]).ok();
    assert!(customer.contains("purchases  3 in 3 orders\n"), "{customer}");
    assert!(customer.contains("spent      7.50 EUR"), "{customer}");
    let unknown = server.run(&["customer", "show", "nobody"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (3, ""));
    let insights = server.run(&["insight", "list"]).ok();
    let line = insights.lines().find(|line| line.contains("c-2")).unwrap();
    assert!(line.contains("critical! segment_migration"), "{line}");
    let chosen = ["insight", "list", "--type", "segment_migration", "--priority"];
    assert_eq!(server.run(&[&chosen[..], &["critical"]].concat()).ok(), format!("{line}\n"));
    assert_eq!(server.run(&[&chosen[..], &["low", "--customer", "c-2"]].concat()).ok(), "");
    assert_eq!(server.run(&[&chosen[..], &["urgent"]].concat()).code, 2);
}

#[test]
fn what_came_of_an_insight_outlives_the_server_and_its_states() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    fill(&server);
    let list = server.run(&["insight", "list", "--customer", "c-2", "--json"]).json();
    let id = list["insights"][0]["id"].as_str().unwrap().to_owned();
    assert!(list["insights"][0]["outcome"].is_null());
    let judge = |outcome| ["insight", "outcome", "c-2", &id, outcome];
    assert!(server.run(&judge("acted")).ok().contains(&format!("(acted) [{id}]")));
    assert_eq!(server.run(&judge("good")).code, 2);
    assert_eq!(server.run(&["insight", "outcome", "c-2", "x", "acted"]).code, 3);
    let overview = server.get("/v1/streaming/insights/system/overview?hours=8760").1;
    assert_eq!(overview["feedback"]["byType"]["segment_migration"]["precision"], json!(100.0));
    server.kill();
    let shown = |dir: &Path| {
        let list = offline(dir, &["insight", "list", "--customer", "c-2", "--json"]).json();
        list["insights"][0]["outcome"].clone()
    };
    assert_eq!(shown(dir.path()), json!("acted"));
    run(&["rebuild", "--verify", "--data-dir", text(dir.path())]).ok();
    run(&["rebuild", "--data-dir", text(dir.path())]).ok();
    assert_eq!(shown(dir.path()), json!("acted"));
    assert_eq!(
        offline(dir.path(), &[&judge("none")[..], &["--json"]].concat()).json()["outcome"],
        json!(null)
    );
}

#[test]
fn an_insight_is_explained_by_a_server_and_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    for (number, day) in ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26"].iter().enumerate() {
        let amount = if number == 3 { 900.0 } else { 10.0 };
        let mut event = purchase(&format!("e-{number}"), "c/1 ü", amount, &format!("{day}T10:00:00Z"));
        event["metadata"] = json!({ "orderId": format!("o-{number}"), "orderLines": 1 });
        assert_eq!(server.post("/v1/streaming/events/purchase", &event).0, 201);
    }
    let list = server.run(&["insight", "list", "--customer", "c/1 ü", "--json"]).json();
    let insights = list["insights"].as_array().unwrap();
    let anomaly = insights.iter().find(|insight| insight["insightType"] == "behavior_anomaly").unwrap();
    let id = anomaly["id"].as_str().unwrap();
    let json = server.run(&["explain", "c/1 ü", id, "--json"]).json();
    assert_eq!((&json["status"], &json["gaps"]), (&json!("complete"), &json!([])), "{json}");
    let step = |name: &str| {
        json["steps"].as_array().unwrap().iter().find(|step| step["name"] == name).unwrap()["value"].clone()
    };
    for figure in ["amount", "usual", "deviation", "score"] {
        assert_eq!(step(figure), anomaly["data"][figure], "{figure}");
    }
    assert_eq!(json["events"].as_array().unwrap().last().unwrap()["event"]["eventId"], "e-3");
    let lines = server.run(&["explain", "c/1 ü", id]).ok();
    for line in ["status     complete: ", "step       amount = 900", "900 for Tea [e-3]", "ln(amount)"] {
        assert!(lines.contains(line), "{line}: {lines}");
    }
    assert_eq!(server.run(&["explain", "c/1 ü", "x"]).code, 3);
    assert_eq!(server.terminate().0, 0);
    assert_eq!(offline(dir.path(), &["explain", "c/1 ü", id, "--json"]).json(), json);
}

#[test]
fn status_says_how_it_does_and_so_does_its_code() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let lines = server.run(&["status"]).ok();
    assert!(lines.starts_with("ready      yes\n") && lines.contains("shardId-000000000001"), "{lines}");
    let json = server.run(&["status", "--json"]).json();
    assert_eq!(json["ready"], json!(true));
    assert_eq!(json["stream"]["status"], json!("ACTIVE"));
    let url = server.url.clone();
    server.kill();
    let gone = run(&["status", "--url", &url]);
    assert_eq!((gone.code, gone.out.as_str()), (6, ""));
    assert_eq!(run(&["status", "--url", "nowhere"]).code, 2);
}

#[test]
fn a_rejected_event_is_shown_corrected_and_published() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    fill(&server);
    let list = server.run(&["rejected", "list", "--json"]).json();
    let id = list["rejected"][0]["id"].as_str().unwrap();
    assert!(server.run(&["rejected", "list"]).ok().contains(id));
    let shown = server.run(&["rejected", "show", id]).ok();
    assert!(shown.contains("/price") && shown.contains("\"e-9\""), "{shown}");
    assert_eq!(server.run(&["rejected", "show", id, "--json"]).json()["id"], json!(id));
    let still_bad = server.run(&["rejected", "replay", id]);
    assert_eq!(still_bad.code, 2, "{still_bad:?}");
    let body = dir.path().join("corrected.json");
    std::fs::write(&body, purchase("e-9", "c-2", 4.0, "2026-01-05T10:00:00Z").to_string()).unwrap();
    server.run(&["rejected", "replay", id, "--body", text(&body)]).ok();
    assert_eq!(server.customer("c-2")["totalSpent"].as_f64(), Some(4.0));
    std::fs::write(&body, purchase("e-9", "c-2", 5.0, "2026-01-05T10:00:00Z").to_string()).unwrap();
    let conflict = server.run(&["rejected", "replay", id, "--body", text(&body)]);
    assert_eq!(conflict.code, 5, "the customer has another event under this id: {conflict:?}");
    assert_eq!(server.customer("c-2")["totalSpent"].as_f64(), Some(4.0), "the first one stays");
    for command in ["show", "replay"] {
        assert_eq!(server.run(&["rejected", command, "q0000"]).code, 3, "{command}");
    }
}
