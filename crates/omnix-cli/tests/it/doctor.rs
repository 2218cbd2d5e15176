//! A look at a directory: sound, in use, damaged, mended.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Ended, Server, purchase, run, text};

fn doctor(dir: &Path, more: &[&str]) -> Ended {
    run(&[&["doctor", "--data-dir", text(dir)], more].concat())
}

/// The report, whatever it says.
fn report(dir: &Path) -> Value {
    serde_json::from_str(&doctor(dir, &["--json"]).out).unwrap()
}

/// Publishes `count` purchases, each a block of its own, and kills the server.
fn publish_and_kill(dir: &Path, prefix: &str, count: u32) {
    let server = Server::start_with(dir, &[("KINESIS_SHARD_COUNT", "1")]);
    for number in 0..count {
        let event = purchase(&format!("{prefix}-{number}"), "c-1", 2.5, "2026-01-05T10:00:00Z");
        assert_eq!(server.post("/v1/streaming/events/purchase", &event).0, 201);
    }
    server.kill();
}

fn segment(dir: &Path) -> PathBuf {
    let log = dir.join("shard-0000/log/00000");
    let mut segments: Vec<_> = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "seg"));
    segments.sort();
    segments.pop().unwrap()
}

/// Flips a byte in the middle of what was written last but some.
fn damage(dir: &Path) {
    let path = segment(dir);
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    let at = end - 600;
    *bytes.get_mut(at).unwrap() ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn a_sound_directory_is_sound_at_rest_and_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let running = doctor(dir.path(), &[]).ok();
    assert!(running.contains("(a process holds it)") && running.ends_with("verdict    sound\n"), "{running}");
    assert_eq!(report(dir.path())["inUse"], json!(true));
    assert_eq!(server.get("/readyz").0, 200, "the server did not notice");
    assert_eq!(server.terminate().0, 0);
    let at_rest = report(dir.path());
    assert_eq!((&at_rest["inUse"], &at_rest["sound"]), (&json!(false), &json!(true)));
    assert_eq!(at_rest["logs"].as_array().map(Vec::len), Some(2));
    assert_eq!(at_rest["stores"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_is_no_data_directory_ends_with_3() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(doctor(dir.path(), &[]).code, 3);
}

#[test]
fn damage_is_told_reads_go_on_and_an_accepted_loss_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    publish_and_kill(dir.path(), "a", 20);
    damage(dir.path());
    let faulty = doctor(dir.path(), &[]);
    assert_eq!(faulty.code, 1, "{faulty:?}");
    assert!(
        faulty.out.contains("FAULT: frames") && faulty.out.ends_with("verdict    FAULTY\n"),
        "{faulty:?}"
    );
    assert_eq!(report(dir.path())["logs"][0]["sound"], json!(false));

    let server = Server::start_with(dir.path(), &[("KINESIS_SHARD_COUNT", "1")]);
    let (status, why) = server.get("/readyz");
    assert_eq!((status, &why["detail"]), (503, &json!("the log is damaged above the last checkpoint")));
    let left = server.customer("c-1")["purchases"].as_u64().unwrap();
    assert!((1..20).contains(&left), "{left} of 20 are left");
    let event = purchase("b-1", "c-1", 2.5, "2026-01-05T10:00:00Z");
    let (status, refused) = server.post("/v1/streaming/events/purchase", &event);
    assert_eq!((status, &refused["code"]), (503, &json!("log_damaged")), "{refused}");
    assert_eq!(server.run(&["status"]).code, 6);
    assert_eq!(doctor(dir.path(), &["--accept-loss"]).code, 6, "a server holds it");
    server.kill();

    let mend = |more: &[&str]| {
        let args = [&["doctor", "--accept-loss", "--data-dir", text(dir.path())], more].concat();
        Ended::of(crate::support::omnix(&args).env("KINESIS_SHARD_COUNT", "1").output().unwrap())
    };
    let told = mend(&[]).ok();
    assert!(told.ends_with("events are taken again\n"), "{told}");
    assert_eq!(mend(&["--json"]).json()["acceptedRuns"], json!(0), "once is enough");
    let server = Server::start_with(dir.path(), &[("KINESIS_SHARD_COUNT", "1")]);
    assert_eq!(server.get("/readyz").0, 200);
    assert_eq!(server.post("/v1/streaming/events/purchase", &event).0, 201);
    assert_eq!(server.customer("c-1")["purchases"], json!(left + 1));
}

#[test]
fn a_damaged_store_is_told() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Server::start(dir.path()).terminate().0, 0);
    let current = dir.path().join("shard-0000/state/00000/current");
    let mut bytes = std::fs::read(&current).unwrap();
    bytes[9] ^= 0xff;
    std::fs::write(&current, bytes).unwrap();
    let faulty = doctor(dir.path(), &[]);
    assert_eq!(faulty.code, 1);
    assert!(faulty.out.contains("the manifest is damaged"), "{faulty:?}");
}
