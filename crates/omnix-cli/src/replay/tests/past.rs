//! A line depends on what came before its moment, and on nothing else.

use super::shop::{Seed, history, line};
use super::*;

const DAYS: i64 = 120;

fn dates() -> Dates {
    Dates::new(Some(day("2026-02-01")), [day("2026-02-22"), day("2026-04-05"), day("2026-06-30")])
}

/// The lines before `day`, and those of the day's dates themselves.
fn before(written: &Written, day: i64) -> Vec<&String> {
    let is_before = |line: &&String| {
        let line: Value = serde_json::from_str(line).unwrap();
        let at = time(line["at"].as_str().unwrap());
        let is_date = matches!(line["kind"].as_str().unwrap(), "due" | "segment");
        at.utc_day() < day || (is_date && at.utc_day() == day)
    };
    written.0.iter().filter(is_before).collect()
}

#[test]
fn the_same_history_gives_the_same_lines() {
    let events = history(1, DAYS);
    assert_eq!(Written::of(&events, dates()), Written::of(&events, dates()));
    assert_ne!(Written::of(&events, dates()), Written::of(&history(2, DAYS), dates()));
}

#[test]
fn what_comes_later_changes_no_line() {
    let events = history(1, DAYS);
    let whole = Written::of(&events, dates());
    for cut in ["2026-01-10", "2026-02-08", "2026-02-22", "2026-03-15", "2026-04-05"].map(day) {
        let past: Vec<HistoryEvent> =
            events.iter().filter(|event| event.event.timestamp().utc_day() < cut).cloned().collect();
        let expected = before(&whole, cut);
        let cut_off = Written::of(&past, dates());
        // The grid ends with the last event's date.
        let is_past = |line: &&&String| !line.starts_with("{\"kind\":\"due\"") || !is_at(line, cut);
        assert_eq!(before(&cut_off, cut), expected.iter().filter(is_past).copied().collect::<Vec<_>>());
        let mut changed = past.clone();
        let midnight = Timestamp::from_ms_clamped(cut * Timestamp::DAY_MS);
        changed.extend(another_future(midnight));
        let other = Written::of(&changed, dates());
        assert_eq!(before(&other, cut), expected);
        assert_ne!(other, whole);
    }
}

fn is_at(line: &str, day: i64) -> bool {
    let line: Value = serde_json::from_str(line).unwrap();
    time(line["at"].as_str().unwrap()).utc_day() == day
}

/// Everybody buys everything, from the first instant on.
fn another_future(from: Timestamp) -> Vec<HistoryEvent> {
    let mut seed = Seed(9);
    let event = |number: u64| {
        let at = from.plus_ms(number.cast_signed() * 7 * 60_000).to_string();
        let (customer, product) = (format!("c{}", number % 24), format!("p{}", seed.below(60)));
        line(&customer, &format!("future-{number}"), &product, 900, &at)
    };
    (0..2_000).map(event).collect()
}

#[test]
fn what_is_recommended_depends_on_no_line_of_the_order() {
    let past = history(3, 40);
    let order = |products: &[&str], amount: i64| -> Vec<HistoryEvent> {
        let lines =
            products.iter().map(|product| line("c3", "next", product, amount, "2026-02-20T10:00:00Z"));
        past.iter().cloned().chain(lines).collect()
    };
    let said = |events: &[HistoryEvent]| {
        let written = Written::of(events, Dates::default());
        let mut lines = written.all(Kind::Recommendation);
        lines.retain(|line| line["orderId"] == "next");
        assert_eq!(lines.len(), 1);
        lines.remove(0)
    };
    assert_eq!(said(&order(&["p1", "p2"], 5)), said(&order(&["p39", "p7", "brand-new"], 500)));
}

#[test]
fn a_day_s_orders_teach_two_days_later() {
    // What c sells on the first day is popular from the third day on; until then the shop's sales fill the lists.
    let teach = |product: &str| line("a", "1", product, 5, "2026-01-01T10:00:00Z");
    let ask = |at: &str| line("b", "2", "x", 5, at);
    let reason = |at: &str| {
        let mut learning = learning::Learning::new();
        for event in [teach("p"), ask(at)] {
            let day = event.event.timestamp().utc_day();
            let passed = day - time("2026-01-01T00:00:00Z").utc_day();
            (0..passed).for_each(|_| learning.turn_day().unwrap());
            learning.note_event(event.event.timestamp());
        }
        learning.model().number()
    };
    assert_eq!(["2026-01-02T10:00:00Z", "2026-01-03T10:00:00Z"].map(reason), [0, 1]);
}
