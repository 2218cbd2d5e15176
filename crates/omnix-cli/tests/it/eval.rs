//! A history and a file of predictions: what comes out, and what is refused.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, run, text};

/// Two customers who buy tea every ten days from January on, and jam now and then.
fn shop(folder: &Path) -> String {
    let mut table = String::from("customer;product;date;amount;receipt\n");
    for (number, customer) in ["ann", "bob"].into_iter().enumerate() {
        for week in 0..18 {
            let (month, day) = (1 + week / 3, 1 + week % 3 * 10 + number);
            let _ = writeln!(
                table,
                "{customer};tea;2026-{month:02}-{day:02};{},50;{customer}{week}",
                4 + week % 3
            );
            if week % 5 == 0 {
                let _ = writeln!(table, "{customer};jam;2026-{month:02}-{day:02};3;{customer}{week}");
            }
        }
    }
    let path = folder.join("shop.csv");
    std::fs::write(&path, table).unwrap();
    text(&path).to_owned()
}

/// Tea of ann, said to come back within so many days with these probabilities, at each purchase.
fn consumption(p30: f64) -> String {
    let mut lines = String::new();
    for week in 1..18 {
        let (month, day) = (1 + week / 3, 1 + week % 3 * 10);
        let _ = writeln!(
            lines,
            r#"{{"kind":"consumption","at":"2026-{month:02}-{day:02}T00:00:00Z","customerId":"ann","productId":"tea","purchaseDays":{},"medianDays":10,"p":{{"7":0.1,"14":{p30},"30":{p30},"60":{p30}}}}}"#,
            week + 1
        );
    }
    lines
}

fn eval(folder: &Path, predictions: &str, more: &[&str]) -> Ended {
    let file = folder.join("predictions.ndjson");
    std::fs::write(&file, predictions).unwrap();
    let shop = shop(folder);
    run(&[&["eval", &shop, "--predictions", text(&file), "--from", "2026-03-01"], more].concat())
}

fn measure<'a>(found: &'a Value, key: &str) -> &'a Value {
    let parts = found["parts"].as_array().unwrap().iter();
    let mut measures = parts.flat_map(|part| part["measures"].as_array().unwrap());
    measures.find(|measure| measure["key"] == key).unwrap_or_else(|| panic!("no {key}"))
}

#[test]
fn predictions_are_held_against_what_came_next() {
    let folder = tempfile::tempdir().unwrap();
    let found = eval(folder.path(), &consumption(0.95), &["--json"]).json();
    assert_eq!(found["history"]["customers"], 2);
    assert_eq!(found["lines"]["consumption"], 17);
    assert_eq!(measure(&found, "consumption.p30.precision_90")["value"], 1.0);
    assert_eq!(measure(&found, "consumption.p30.share_90")["value"], 1.0);
    // Every tenth day, but for the ends of the months: a median of ten days is nearly right.
    let off = measure(&found, "consumption.median.capped_mae")["value"].as_f64().unwrap();
    assert!((0.0..1.5).contains(&off), "{off}");
    // What nobody predicted has no figure, and the rule has one all the same.
    let recall = measure(&found, "recommendation.recall");
    assert_eq!(recall["value"], Value::Null);
    assert!(recall["rule"]["value"].as_f64().unwrap() > 0.5);
}

#[test]
fn the_table_ends_in_plain_words_and_the_report_needs_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    let table = eval(folder.path(), &consumption(0.95), &["--report", text(&report)]).ok();
    assert!(
        table.contains("Your data carries per-item predictions for 100 % of your 2 customers"),
        "{table}"
    );
    assert!(table.contains("it is right in 100 % of the cases"), "{table}");
    let page = std::fs::read_to_string(report).unwrap();
    assert_eq!(page.matches("<svg").count(), 2);
    for outside in ["<script", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("http").count(), page.matches("http://www.w3.org/2000/svg").count());
}

#[test]
fn the_same_files_give_the_same_figures() {
    let folder = tempfile::tempdir().unwrap();
    let found = || eval(folder.path(), &consumption(0.6), &["--json"]).ok();
    assert_eq!(found(), found());
}

#[test]
fn without_predictions_they_are_made_and_none_is_lacking() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop(folder.path());
    let found = run(&["eval", &shop, "--from", "2026-03-01", "--plant", "1", "--json"]).json();
    for part in found["parts"].as_array().unwrap() {
        assert_eq!(part["found"], part["expected"], "{part}");
        assert!(part["found"].as_u64().unwrap() > 0, "{part}");
    }
    assert_eq!(found["unmatched"], 0);
    assert!(measure(&found, "consumption.p30.log_loss")["value"].as_f64().unwrap() > 0.0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_judged_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let broken = consumption(0.95).replace("0.95", "1.95");
    let ended = eval(folder.path(), &broken, &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("line 1"), "{}", ended.err);
    let shop = shop(folder.path());
    let late = ["eval", &shop, "--predictions", &shop, "--from", "2027-01-01"];
    assert_eq!(run(&late).code, 2);
    assert_eq!(run(&["eval", "no-such-file.csv"]).code, 2);
}
