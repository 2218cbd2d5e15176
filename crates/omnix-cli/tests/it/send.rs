//! Publishing from files and pipes.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;

use crate::support::{Ended, Server, purchase, run, run_with, text};

#[test]
fn what_is_refused_is_told_with_its_line_and_ends_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let file = dir.path().join("e.ndjson");
    let good = purchase("e-1", "c-1", 2.5, "2026-01-05T10:00:00Z");
    let bad = purchase("e-2", "c-1", -1.0, "2026-01-05T10:00:00Z");
    std::fs::write(&file, format!("{good}\n{bad}\nnonsense\n{good}\n")).unwrap();
    let sent = server.run(&["send", text(&file)]);
    assert_eq!(sent.code, 1);
    assert_eq!(sent.out, "2 published (1 of them known already), 2 refused\n");
    assert!(sent.err.contains("line 2: /price ") && sent.err.contains("line 3: "), "{}", sent.err);
    std::fs::write(&file, format!("{good}\n")).unwrap();
    let again = server.run(&["send", "--json", text(&file)]).json();
    assert_eq!(again, json!({ "published": 1, "duplicates": 1, "failed": 0 }));
}

#[test]
fn standard_input_is_followed_and_lines_count_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut child = server
        .command(&["send", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", purchase("e-1", "c-1", 2.5, "2026-01-05T10:00:00Z")).unwrap();
    // It is there before the pipe is closed.
    crate::support::wait_until("the first event", || {
        server.get("/v1/streaming/customers/c-1").1["purchases"] == json!(1)
    });
    writeln!(input, "{}", purchase("e-2", "c-1", 2.5, "2026-01-06T10:00:00Z")).unwrap();
    writeln!(input, "nonsense").unwrap();
    drop(input);
    let sent = Ended::of(child.wait_with_output().unwrap());
    assert_eq!(sent.code, 1);
    assert!(sent.err.contains("line 3: "), "{}", sent.err);
    assert_eq!(sent.out, "{\"duplicates\":0,\"failed\":1,\"published\":2}\n");
}

#[test]
fn without_server_token_or_file_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let line = purchase("e", "c", 1.0, "2026-01-05T10:00:00Z").to_string();
    let nobody = run_with(&["send", "--url", "http://127.0.0.1:1"], &line);
    assert_eq!(nobody.code, 6, "{nobody:?}");
    assert!(nobody.err.contains("no server answers at http://127.0.0.1:1"), "{}", nobody.err);
    assert_eq!(run(&["send", text(&dir.path().join("none"))]).code, 2);
    let server = Server::start(dir.path());
    let stranger = run_with(&["send", "--url", &server.url], &line);
    assert_eq!(stranger.code, 4, "{stranger:?}");
}
