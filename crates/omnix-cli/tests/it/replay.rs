//! Writing down every prediction for a history: what is counted, what is refused, and that nothing else is touched.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Ended, history, omnix, run, text};

/// A table of twenty days of two customers, with one row of every kind that is no purchase.
fn table(folder: &Path) -> PathBuf {
    let mut csv =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
    for day in 1..=20 {
        for (customer, hour) in [("17850", 8), ("13047.0", 9)] {
            for product in ["85123A", "71053"] {
                writeln!(
                    csv,
                    "{customer:.4}{day:02},{product},LIGHT,6,2010-12-{day:02} {hour:02}:26:00,2.55,{customer},France"
                )
                .unwrap();
            }
        }
    }
    csv.push_str("C1,85123A,LIGHT,-6,2010-12-21 09:00:00,2.55,17850,France\n");
    csv.push_str("2,85123A,LIGHT,6,2010-12-21 09:00:00,2.55,,France\n");
    csv.push_str("3,POST,POSTAGE,1,2010-12-21 09:00:00,18.00,17850,France\n");
    csv.push_str("4,85123A,LIGHT,6,2010-12-21 09:00:00,0,17850,France\n");
    csv.push_str("5,85123A,LIGHT,many,2010-12-21 09:00:00,2.55,17850,France\n");
    let file = folder.join("retail.csv");
    std::fs::write(&file, csv).unwrap();
    file
}

fn replay(file: &Path, format: &str, out: &Path, more: &[&str]) -> Ended {
    run(&[&["replay", text(file), "--format", format, "--predictions", text(out)], more].concat())
}

fn kinds(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].take()).collect()
}

#[test]
fn every_line_and_every_row_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (table(dir.path()), dir.path().join("p.ndjson"));
    std::fs::write(&out, "an older file\n").unwrap();
    let dates = ["--grid-from", "2010-12-06", "--snapshot", "2011-02-01", "--snapshot", "2010-12-10"];
    let ended = replay(&file, "online-retail", &out, &[&dates[..], &["--json"]].concat());
    let mut summary = ended.json();
    assert!(summary["seconds"].take().is_number());
    let lines = std::fs::read_to_string(&out).unwrap();
    let count = |kind: &str| kinds(&lines).iter().filter(|other| **other == kind).count();
    let moves = count("migration");
    assert!(moves >= 6, "two customers, new, once more, and silent");
    assert_eq!(
        summary,
        json!({
            "events": 81, "returns": 1, "refused": 1, "duplicates": 0, "notApplied": 0, "seconds": null,
            "skipped": { "no_customer": 1, "no_product": 1, "no_price": 1, "contradictory": 0 },
            "lines": {
                "consumption": 2 * 2 * 19, "due": 3 * 4, "recommendation": 40, "order": 40, "segment": 4,
                "migration": moves,
            },
        })
    );
    for kind in ["consumption", "due", "recommendation", "order", "segment"] {
        assert_eq!(count(kind) as u64, summary["lines"][kind].as_u64().unwrap(), "{kind}");
    }
    assert!(lines.ends_with('\n') && lines.contains("\"customerId\":\"13047\""));
    let told = replay(&file, "online-retail", &out, &dates);
    assert_eq!((told.code, told.out.as_str()), (0, ""));
    for part in
        ["81 events (1 returns)", "1 rows skipped: no_product", "1 lines refused", "12 lines written: due"]
    {
        assert!(told.err.contains(part), "{part}: {}", told.err);
    }
    assert_eq!(std::fs::read_to_string(&out).unwrap(), lines, "the same again");
}

#[test]
fn packed_or_not_it_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (file, plain, packed) =
        (dir.path().join("h.ndjson"), dir.path().join("p.ndjson"), dir.path().join("p.ndjson.gz"));
    std::fs::write(&file, history(9, 60) + "not an event\n").unwrap();
    replay(&file, "ndjson", &plain, &[]).ok();
    let ended = replay(&file, "ndjson", &packed, &["--json"]);
    assert_eq!(ended.json()["refused"], 1);
    let mut unpacked = String::new();
    let bytes = std::fs::File::open(&packed).unwrap();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, std::fs::read_to_string(&plain).unwrap());
    assert!(!kinds(&unpacked).contains(&json!("due")) && !kinds(&unpacked).contains(&json!("segment")));
}

#[test]
fn it_touches_no_directory_and_heeds_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("h.ndjson"), dir.path().join("p.ndjson"));
    std::fs::write(&file, history(9, 60)).unwrap();
    let ended = omnix(&["replay", "h.ndjson", "--format", "ndjson", "--predictions", "p.ndjson"])
        .current_dir(dir.path())
        .env("OMNIX_TIME_ZONE", "Pacific/Auckland")
        .output()
        .unwrap();
    Ended::of(ended).ok();
    let mut names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["h.ndjson", "p.ndjson"]);
    let there = std::fs::read(&out).unwrap();
    replay(&file, "ndjson", &out, &[]).ok();
    assert!(std::fs::read(&out).unwrap() == there, "a day is a UTC date, whatever days the shop's own are");
}

#[test]
fn wrong_usage_ends_with_2_and_spoils_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (table(dir.path()), dir.path().join("p.ndjson"));
    let missing = replay(&dir.path().join("none.csv"), "online-retail", &out, &[]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("none.csv") && !out.exists(), "{}", missing.err);
    let before = std::fs::read(&file).unwrap();
    assert_eq!(replay(&file, "online-retail", &file, &[]).code, 2);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(replay(&file, "online-retail", &out, &["--snapshot", "2010-13-01"]).code, 2);
    assert_eq!(replay(&file, "online-retail", &out, &["--grid-from", "yesterday"]).code, 2);
    assert_eq!(replay(&file, "online-retail", &dir.path().join("no/where"), &[]).code, 2);
    std::fs::write(&file, "a,b\n1,2\n").unwrap();
    assert_eq!(replay(&file, "online-retail", &out, &[]).code, 1, "no such table");
}
