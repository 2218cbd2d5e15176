//! Taking a history in: once, twice, killed in the middle, beside a server.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Ended, Server, history, omnix, purchase, run, text, wait_until};

fn import(dir: &Path, file: &Path, format: &str) -> Value {
    run(&["import", text(file), "--format", format, "--json", "--data-dir", text(dir)]).json()
}

/// What is counted of some customers, and all that was said of them until `until`, with the figures of the models
/// of each day; not what comes to be known while the server runs and learns.
fn meaning(dir: &Path, customers: &[&str], until: &str) -> Value {
    let server = Server::start(dir);
    let of = |id: &&str| {
        let (_, mut raised) = server
            .get(&format!("/v1/streaming/insights/{id}?limit=1000&since=2026-01-01T00:00:00Z&until={until}"));
        let insights = raised["insights"].take();
        assert!(insights.as_array().is_some_and(|insights| !insights.is_empty()), "{raised}");
        json!({ "counted": counted(&server, id), "insights": insights })
    };
    customers.iter().map(of).collect()
}

fn counted(server: &Server, customer: &str) -> Value {
    let profile = server.customer(customer);
    let names = ["purchases", "orders", "units", "totalSpent", "firstPurchaseAt", "lastPurchaseAt"];
    let mut counted: Value = names.iter().map(|name| ((*name).to_owned(), profile[*name].clone())).collect();
    let product =
        |product: &Value| json!([product["productId"], product["purchases"], product["lastPurchaseAt"]]);
    counted["products"] = profile["products"].as_array().unwrap().iter().map(product).collect();
    counted
}

#[test]
fn ndjson_counts_once_however_often_it_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("h.ndjson"));
    let lines = history(12, 40);
    std::fs::write(&file, &lines).unwrap();
    let events = lines.lines().count();
    let first = import(&data, &file, "ndjson");
    assert_eq!((&first["events"], &first["known"]), (&json!(events), &json!(0)));
    let of_data = || meaning(&data, &["c-0", "c-7"], "2026-03-01T00:00:00Z");
    let before = of_data();
    let again = import(&data, &file, "ndjson");
    assert_eq!((&again["events"], &again["known"]), (&json!(events), &json!(events)));
    assert_eq!(of_data(), before);
    // Compressed it is another file, with the same events under the same ids.
    let packed = dir.path().join("h.ndjson.gz");
    let mut gzip =
        flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    gzip.write_all(b"not an event\n").unwrap();
    gzip.finish().unwrap();
    let refused = run(&["import", text(&packed), "--format", "ndjson", "--data-dir", text(&data)]);
    assert_eq!(refused.code, 0);
    assert!(refused.err.starts_with("line 1: ") && refused.out.contains("1 lines refused"), "{refused:?}");
}

#[test]
fn online_retail_is_taken_line_by_line_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("retail.csv"));
    let mut csv =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
    for day in 1..=20 {
        writeln!(
            csv,
            "5363{day:02},85123A,HEART LIGHT,6,2010-12-{day:02} 08:26:00,2.55,17850,United Kingdom"
        )
        .unwrap();
        writeln!(
            csv,
            "5363{day:02},71053,\"LANTERN, WHITE\",2,2010-12-{day:02} 08:26:00,3.39,17850,United Kingdom"
        )
        .unwrap();
    }
    csv.push_str("C536400,85123A,HEART LIGHT,-6,2010-12-21 09:00:00,2.55,17850,United Kingdom\n");
    std::fs::write(&file, csv).unwrap();
    let first = import(&data, &file, "online-retail");
    assert_eq!((&first["events"], &first["returns"], &first["known"]), (&json!(41), &json!(1), &json!(0)));
    let again = import(&data, &file, "online-retail");
    assert_eq!((&again["events"], &again["known"]), (&json!(41), &json!(41)));
    let customer = Server::start(&data).customer("17850");
    assert_eq!(customer["totalSpent"], json!(426.3), "20 * (15.30 + 6.78) - 15.30");
    assert_eq!(customer["orders"], json!(20));
}

/// How many days of a history were learnt from.
fn days_learnt(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir.join("models")).into_iter().flatten().flatten();
    files.filter_map(|file| file.file_name().to_str()?.parse().ok()).max().unwrap_or(0)
}

#[test]
fn killed_in_the_middle_it_ends_like_an_undisturbed_one() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, torn) = (dir.path().join("whole"), dir.path().join("torn"));
    let file = dir.path().join("h.ndjson");
    std::fs::write(&file, history(60, 250)).unwrap();
    let undisturbed = import(&whole, &file, "ndjson");
    for days in [75, 160] {
        let mut child = omnix(&["import", text(&file), "--format", "ndjson", "--data-dir", text(&torn)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("a good part of the history", || days_learnt(&torn) >= days);
        assert!(child.try_wait().unwrap().is_none(), "it was killed before it had ended");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut child =
        omnix(&["import", text(&file), "--format", "ndjson", "--json", "--data-dir", text(&torn)])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
    let limit = Instant::now() + Duration::from_secs(40);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > limit {
            child.kill().unwrap();
            panic!("the import that was started again came to no end");
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let resumed = Ended::of(child.wait_with_output().unwrap()).json();
    assert!(resumed["known"].as_u64().unwrap() > 0, "it went on where it was: {resumed}");
    assert_eq!(resumed["events"], undisturbed["events"]);
    // 250 days end in the ninth month.
    let of = |dir: &Path| meaning(dir, &["c-0", "c-13", "c-31", "c-59"], "2026-10-01T00:00:00Z");
    assert_eq!(of(&torn), of(&whole));
}

#[test]
fn what_is_older_than_what_is_kept_counts_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("h.ndjson"));
    let line = |id: &str, at: &str| format!("{}\n", purchase(id, "c-1", 5.0, at));
    let old = line("e-1", "1997-03-01T10:00:00Z") + &line("e-2", "1998-03-01T10:00:00Z");
    std::fs::write(&file, old + &line("e-3", "2099-11-20T10:00:00Z")).unwrap();
    let taken = import(&data, &file, "ndjson");
    assert_eq!(
        (&taken["events"], &taken["beyondArchive"], &taken["beyondInsights"]),
        (&json!(3), &json!(2), &json!(2))
    );
    let customer = Server::start(&data).customer("c-1");
    assert_eq!(customer["purchases"], json!(3), "{customer}");
}

#[test]
fn beside_a_server_it_ends_with_6_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("h.ndjson"));
    std::fs::write(&file, history(1, 3)).unwrap();
    let _server = Server::start(&data);
    let refused = run(&["import", text(&file), "--format", "ndjson", "--data-dir", text(&data)]);
    assert_eq!((refused.code, refused.out.as_str()), (6, ""));
    assert!(refused.err.contains("is a server running on it?"), "{}", refused.err);
}

#[test]
fn a_file_that_is_not_there_or_no_such_table_fails() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("x.csv"));
    let missing = run(&["import", text(&file), "--format", "ndjson", "--data-dir", text(&data)]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("x.csv"), "{}", missing.err);
    std::fs::write(&file, "a,b\n1,2\n").unwrap();
    let other = run(&["import", text(&file), "--format", "online-retail", "--data-dir", text(&data)]);
    assert_eq!(other.code, 1, "{other:?}");
}
