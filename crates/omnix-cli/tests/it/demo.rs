//! The simulated shop, in little.

use std::net::TcpListener;

use crate::support::run;

#[test]
fn it_ends_with_everything_planted_found() {
    // A port that is taken is no obstacle.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let demo = run(&["demo", "--seconds", "8", "--days", "180", "--customers", "100", "--listen", &listen]);
    let out = demo.ok();
    assert!(out.contains(&format!("{listen} is not free")), "{out}");
    assert!(out.contains("open\n\n  http://127.0.0.1:"), "{out}");
    assert!(!out.contains("MISSED") && out.ends_with("everything planted was found\n"), "{out}");
    let rows = out.lines().filter(|line| line.starts_with("malformed events"));
    assert_eq!(rows.filter(|line| line.ends_with("       5        5")).count(), 2, "{out}");
    let token = out.lines().map(str::trim).filter(|line| line.starts_with("eyJ"));
    assert_eq!(token.count(), 1, "the token stands on a line of its own: {out}");
}
