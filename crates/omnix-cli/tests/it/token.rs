//! Tokens: printed and nothing else, and each permits what its role may.

use crate::support::{Server, omnix, run, text};

#[test]
fn it_prints_the_token_and_nothing_else_also_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let token = || run(&["token", "--role", "analyst", "--ttl", "30m", "--data-dir", text(dir.path())]);
    let looks_like_one = |text: &str| text.trim_end().split('.').count() == 3 && text.lines().count() == 1;
    let before = token();
    assert!(before.err.is_empty() && looks_like_one(&before.out), "{before:?}");
    let server = Server::start(dir.path());
    let during = token();
    assert!(during.err.is_empty() && looks_like_one(&during.out), "{during:?}");
    for token in [before.out, during.out] {
        let status = omnix(&["status", "--url", &server.url, "--token", token.trim()]).output().unwrap();
        assert!(status.status.success());
    }
}

#[test]
fn what_a_role_may_not_ends_with_4() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let publisher = run(&["token", "--role", "publisher", "--data-dir", text(dir.path())]).ok();
    for token in [publisher.trim(), "not-a-token"] {
        let denied = run(&["insight", "list", "--url", &server.url, "--token", token]);
        assert_eq!(denied.code, 4, "{denied:?}");
    }
    let none = run(&["insight", "list", "--url", &server.url]);
    assert_eq!(none.code, 4);
    assert!(none.err.contains("OMNIX_TOKEN"), "{}", none.err);
}

#[test]
fn what_is_no_duration_or_no_role_ends_with_2() {
    assert_eq!(run(&["token", "--role", "analyst", "--ttl", "soon"]).code, 2);
    assert_eq!(run(&["token", "--role", "king"]).code, 2);
}
