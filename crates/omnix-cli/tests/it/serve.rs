//! The server's own line and end, and what a kill leaves.

use serde_json::json;

use crate::support::{Server, purchase, run, text};

#[test]
fn it_says_one_line_and_sigterm_ends_it_with_0() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    assert_eq!(server.get("/readyz").0, 200);
    assert_eq!(server.terminate(), (0, String::new()));
}

#[test]
fn a_purchase_survives_kill_9_and_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let event = purchase("e-1", "c-1", 37.8, "2026-01-05T10:00:00Z");
    let (status, answer) = server.post("/v1/streaming/events/purchase", &event);
    assert_eq!((status, &answer["duplicate"]), (201, &json!(false)), "{answer}");
    server.kill();
    let server = Server::start(dir.path());
    assert_eq!(server.customer("c-1")["totalSpent"], json!(37.8));
    let (status, answer) = server.post("/v1/streaming/events/purchase", &event);
    assert_eq!((status, &answer["duplicate"]), (200, &json!(true)), "{answer}");
    assert_eq!(server.customer("c-1")["purchases"], json!(1));
}

#[test]
fn a_second_one_on_the_same_directory_or_port_ends_with_6() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(dir.path());
    let second = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", text(dir.path())]);
    assert_eq!((second.code, second.out.as_str()), (6, ""));
    assert!(second.err.contains("in use by another process"), "{}", second.err);
    let address = server.url.strip_prefix("http://").unwrap();
    let second = run(&["serve", "--listen", address, "--data-dir", text(other.path())]);
    assert_eq!((second.code, second.out.as_str()), (6, ""), "{}", second.err);
}

#[test]
fn the_directory_may_stand_in_the_settings_file() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("omnix.toml"), dir.path().join("kept"));
    std::fs::write(&file, format!("[store]\ndata_dir = {:?}\n", text(&data))).unwrap();
    let token = run(&["token", "--role", "admin", "--config", text(&file)]).ok();
    assert!(data.join("jwt.secret").exists(), "{token}");
}
