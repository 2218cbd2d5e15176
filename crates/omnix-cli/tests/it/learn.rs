//! What was learnt, and how well: of a server, of a directory, and of a server that has seen nothing.

use serde_json::{Value, json};

use crate::support::{Server, history, run, text};

#[test]
fn learners_are_told_beside_their_fallbacks_once_there_are_labels() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("h.ndjson"));
    std::fs::write(&file, history(30, 100)).unwrap();
    run(&["import", text(&file), "--format", "ndjson", "--data-dir", text(&data)]).ok();
    let offline = run(&["learn", "status", "--json", "--offline", "--data-dir", text(&data)]).json();
    let server = Server::start(&data);
    let asked = server.run(&["learn", "status", "--json"]).json();
    for learning in [&offline, &asked] {
        assert!(learning["modelVersion"].as_u64().unwrap() >= 98, "{learning}");
        assert!(learning["learntUntil"].as_str().unwrap() > "2026-04-", "{learning}");
        assert_eq!(learning["products"], json!(7));
        assert!(learning["rowsWaiting"].as_u64().unwrap() > 0, "{learning}");
        let first = &learning["learners"][0];
        assert_eq!((&first["name"], &first["daysAhead"]), (&json!("bought_again"), &json!(3)));
        assert!(first["labels"].as_u64().unwrap() > 500, "{first}");
        assert!(first["logLoss"].as_f64().unwrap() > 0.0, "{first}");
        assert!(first["fallbackLogLoss"].as_f64().unwrap() > 0.0, "{first}");
        assert!(first["note"].as_str().unwrap().contains("its fallback"), "{first}");
    }
    let lines = server.run(&["learn", "status"]).ok();
    assert!(lines.starts_with("model      "), "{lines}");
    for title in
        ["bought again within 30 days ", "on any day, bought in the next 7 days ", "orders within 60 days "]
    {
        assert!(lines.contains(title), "{title}: {lines}");
    }
}

#[test]
fn who_has_seen_nothing_says_how_many_labels_are_needed() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let learning = server.run(&["learn", "status", "--json"]).json();
    assert_eq!((&learning["modelVersion"], &learning["learntUntil"]), (&json!(0), &Value::Null));
    for learner in learning["learners"].as_array().unwrap() {
        assert_eq!((&learner["stage"], &learner["logLoss"]), (&json!("analytic"), &Value::Null));
        assert_eq!(learner["note"], "100 labels are needed, 0 are there");
    }
    let lines = server.run(&["learn", "status"]).ok();
    assert!(lines.contains("the analytic form: 100 labels are needed, 0 are there\n"), "{lines}");
    let url = server.url.clone();
    assert_eq!(run(&["learn", "status", "--url", &url]).code, 4, "it asks for a token");
    server.kill();
    assert_eq!(run(&["learn", "status", "--url", &url]).code, 6);
}
