//! Every measurement runs; what it finds in little is not judged.

use serde_json::Value;

use crate::support::run;

#[test]
fn every_row_is_there_with_finite_figures() {
    let out = run(&["bench", "--quick", "--json"]).ok();
    let rows: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    let expected = [
        "start, empty directory",
        "memory, idle server",
        "engine alone",
        "import",
        "log on disk",
        "written by an import",
        "acknowledgement p99",
        "http single events",
        "http batches of 100",
        "publish to feed p99",
        "memory, 100 k customers",
        "growth to 1 M customers",
        "restart after kill -9",
    ];
    assert_eq!(names, expected);
    for row in &rows {
        for figure in ["median", "min", "max"] {
            let value = row[figure].as_f64().unwrap_or(f64::NAN);
            assert!(value.is_finite() && value > 0.0, "{row}");
        }
    }
}

#[test]
fn what_is_no_measurement_ends_with_2() {
    assert_eq!(run(&["bench", "--only", "beauty"]).code, 2);
}
