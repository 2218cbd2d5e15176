//! Snapshots of a small shop, worked out by hand.

use super::*;
use crate::eval::history::tests::history;
use crate::replay::date as day;

#[test]
fn what_followed_counts_from_the_snapshot_s_day_on() {
    let orders = [(10, 5.0), (69, 7.0), (70, 9.0)];
    assert_eq!(spent(&orders, 10), Some(12.0));
    assert_eq!(spent(&orders[2..], 10), None);
}

#[test]
fn labels_are_rated_by_the_past_and_shrunk() {
    let rates = LabelRates::of(&[
        (Segment::Champions, true),
        (Segment::Champions, true),
        (Segment::Lost, false),
        (Segment::Lost, false),
    ])
    .unwrap();
    assert!((rates.rate(Segment::Champions) - 7.0 / 12.0).abs() < 1e-9);
    assert!((rates.rate(Segment::Lost) - 5.0 / 12.0).abs() < 1e-9);
    assert!((rates.rate(Segment::AtRisk) - 0.5).abs() < 1e-9);
}

#[test]
fn a_snapshot_is_judged_by_who_came_back() {
    // Ann comes back, bob does not; the shop lives until the end of May.
    let history = history(&[
        "ann tea 1 2026-01-05T10:00:00Z 10",
        "bob tea 2 2026-01-06T10:00:00Z 10",
        "ann tea 3 2026-03-05T10:00:00Z 30",
        "cat tea 4 2026-05-31T10:00:00Z 10",
    ]);
    let snapshot = day("2026-02-01").unwrap();
    let mut predictions = Predictions::default();
    predictions.snapshots.insert(snapshot);
    predictions.standings.insert((0, snapshot), Standing { segment: Segment::Champions, p60: 0.8 });
    predictions.standings.insert((1, snapshot), Standing { segment: Segment::Lost, p60: 0.3 });
    let split = Split::of(&history, Some(snapshot)).unwrap();
    let findings = evaluate(&history, &predictions, split);
    let value = |key: &str| findings.value(key).unwrap();
    assert!((value("segment.p60.auc") - 1.0).abs() < 1e-9);
    assert!((value("segment.p60.brier") - f64::midpoint(0.04, 0.09)).abs() < 1e-9);
    assert!((value("segment.champions.repeat") - 1.0).abs() < 1e-9);
    assert!((value("segment.champions.revenue") - 1.0).abs() < 1e-9);
    assert!(value("segment.inversions").abs() < 1e-9);
    // By recency bob is the better guess.
    let rule = findings.measure("segment.p60.auc").unwrap().rule.unwrap().1;
    assert_eq!(rule, Some(0.0));
    assert_eq!((findings.expected, findings.found), (2, 2));
}
