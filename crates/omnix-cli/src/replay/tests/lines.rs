//! Which lines there are, and that they agree with each other and with the history.

use std::collections::{BTreeMap, BTreeSet};

use omnix_model::{CustomerId, EventId};
use serde_json::json;

use super::shop::{history, line, purchase};
use super::*;

/// Purchases of known customers: customer, order (none: not named), product, amount in millionths, time.
fn purchases(events: &[HistoryEvent]) -> impl Iterator<Item = (&str, Option<&str>, &str, i128, Timestamp)> {
    events.iter().filter(|event| !event.is_anonymous).filter_map(|event| match &event.event {
        Event::Purchase(line) if !line.is_return() => Some((
            line.customer_id.as_ref().map_or("", CustomerId::as_str),
            line.order_id.as_ref().map(|id| id.as_str()),
            line.product_id.as_str(),
            line.total_amount.millionths().into(),
            line.timestamp,
        )),
        _ => None,
    })
}

fn dates() -> Dates {
    Dates::new(Some(day("2026-02-01")), [day("2026-02-22"), day("2026-04-05"), day("2026-06-30")])
}

fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line[key].as_str().unwrap()
}

#[test]
fn there_is_a_line_for_every_second_purchase_day_and_none_for_others() {
    let events = history(1, 120);
    let mut days: BTreeMap<(&str, &str), BTreeSet<i64>> = BTreeMap::new();
    let mut expected = Vec::new();
    for (customer, _, product, _, at) in purchases(&events) {
        let days = days.entry((customer, product)).or_default();
        if days.insert(at.utc_day()) && days.len() >= 2 {
            expected.push((customer.to_owned(), product.to_owned(), days.len() as u64, at.utc_day()));
        }
    }
    let written = Written::of(&events, dates());
    let consumption = written.all(Kind::Consumption);
    let mut said: Vec<(String, String, u64, i64)> = consumption
        .iter()
        .map(|line| {
            let day = time(text(line, "at")).utc_day();
            let owned = |key| text(line, key).to_owned();
            (owned("customerId"), owned("productId"), line["purchaseDays"].as_u64().unwrap(), day)
        })
        .collect();
    expected.sort_unstable();
    said.sort_unstable();
    assert_eq!(said, expected);
    for line in &consumption {
        let p = ["7", "14", "30", "60"].map(|days| line["p"][days].as_f64().unwrap());
        assert!(p.is_sorted() && p[0] >= 0.0 && p[3] <= 1.0);
        assert_eq!(line["medianDays"].is_null(), p[3] < 0.5);
    }
    assert_due(&written, &days);
}

fn assert_due(written: &Written, days: &BTreeMap<(&str, &str), BTreeSet<i64>>) {
    let grid = (day("2026-02-01")..=day("2026-04-30")).step_by(7);
    let mut expected = Vec::new();
    for date in grid {
        for ((customer, product), days) in days {
            let before: Vec<i64> = days.range(..date).copied().collect();
            let elapsed = before.last().map_or(0, |last| date - last);
            if before.len() >= 3 && elapsed <= 180 {
                expected.push(json!([date, customer, product, before.len(), elapsed]));
            }
        }
    }
    let said = written.all(Kind::Due).into_iter().map(|line| {
        assert!(text(&line, "at").ends_with("T00:00:00Z"));
        let date = time(text(&line, "at")).utc_day();
        json!([date, line["customerId"], line["productId"], line["purchaseDays"], line["elapsedDays"]])
    });
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

#[test]
fn there_is_one_line_an_order_with_all_of_its_amount() {
    let events = history(1, 120);
    let mut amounts: BTreeMap<&str, i128> = BTreeMap::new();
    purchases(&events)
        .filter_map(|(_, order, _, amount, _)| Some((order?, amount)))
        .for_each(|(order, amount)| *amounts.entry(order).or_default() += amount);
    let written = Written::of(&events, dates());
    let orders = written.all(Kind::Order);
    let named = orders.iter().filter(|line| !text(line, "orderId").starts_with("basket-"));
    let said: BTreeMap<&str, i128> = named
        .map(|line| {
            (text(line, "orderId"), line["amount"].as_i64().map_or(0, |whole| i128::from(whole) * 1_000_000))
        })
        .collect();
    assert_eq!(said, amounts);
    let all: i128 = orders.iter().map(|line| i128::from(line["amount"].as_i64().unwrap())).sum();
    assert_eq!(all * 1_000_000, purchases(&events).map(|(.., amount, _)| amount).sum::<i128>());
    let key = |line: &Value| (text(line, "customerId").to_owned(), text(line, "orderId").to_owned());
    let unique: BTreeSet<_> = orders.iter().map(key).collect();
    assert_eq!(unique.len(), orders.len(), "exactly one line an order");
    let recommended: BTreeSet<_> = written.all(Kind::Recommendation).iter().map(key).collect();
    assert_eq!(recommended, unique);
    assert!(orders.iter().all(|line| !line["score"].is_null() || line["alert"] == false));
    assert!(orders.iter().any(|line| line["alert"] == true), "an order twenty times as large");
    let first: Vec<_> =
        orders.iter().filter(|line| line["score"].is_null()).map(|line| key(line).0).collect();
    assert_eq!(
        first.iter().collect::<BTreeSet<_>>().len(),
        first.len(),
        "only the first has too little history"
    );
}

#[test]
fn lists_are_full_and_new_is_what_was_never_bought() {
    let events = history(1, 120);
    let written = Written::of(&events, dates());
    let mut sold: BTreeSet<&str> = BTreeSet::new();
    let mut owned: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut order_days: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    let mut asked: BTreeMap<(&str, &str), Value> = BTreeMap::new();
    let lines = written.all(Kind::Recommendation);
    for line in &lines {
        asked.insert((text(line, "customerId"), text(line, "orderId")), line.clone());
    }
    for event in &events {
        let Event::Purchase(purchase) = &event.event else { continue };
        let (customer, product) =
            (purchase.customer_id.as_ref().unwrap().as_str(), purchase.product_id.as_str());
        let order = purchase.order_id.as_ref().map_or("", |id| id.as_str());
        if let Some(line) = asked.remove(&(customer, order)) {
            let list = |key: &str| -> Vec<String> {
                line[key].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
            };
            let own = owned.entry(customer).or_default();
            assert_eq!(list("items").len(), sold.len().min(10));
            assert_eq!(list("newItems").len(), sold.difference(own).count().min(10));
            assert!(list("newItems").iter().all(|id| !own.contains(id.as_str())));
            assert_eq!(list("items").iter().collect::<BTreeSet<_>>().len(), list("items").len());
            let days = order_days.entry(customer).or_default();
            assert_eq!(line["baskets"].as_u64().unwrap(), days.len() as u64);
        }
        if !purchase.is_return() {
            sold.insert(product);
            if !event.is_anonymous {
                owned.entry(customer).or_default().insert(product);
                order_days.entry(customer).or_default().insert(purchase.timestamp.utc_day());
            }
        }
    }
    assert!(asked.keys().all(|(_, order)| order.starts_with("basket-")), "every named order was asked for");
}

#[test]
fn segments_are_those_that_migrations_lead_to() {
    let events = history(1, 120);
    let written = Written::of(&events, dates());
    let mut at: BTreeMap<String, Vec<(Timestamp, String)>> = BTreeMap::new();
    for line in written.all(Kind::Migration) {
        let chain = at.entry(text(&line, "customerId").to_owned()).or_default();
        let from = chain.last().map(|(_, to)| to.as_str());
        assert_eq!(line["from"].as_str(), from, "{line}");
        assert_ne!(line["from"], line["to"]);
        let moved_at = time(text(&line, "at"));
        assert!(chain.last().is_none_or(|(before, _)| *before <= moved_at), "{line}");
        chain.push((moved_at, text(&line, "to").to_owned()));
    }
    let names: BTreeSet<&str> = at.values().flatten().map(|(_, to)| to.as_str()).collect();
    assert!(names.contains("VIP") && names.len() > 5, "{names:?}");
    let snapshots = written.all(Kind::Segment);
    let customers: BTreeSet<&str> = purchases(&events).map(|(customer, ..)| customer).collect();
    assert_eq!(snapshots.len(), 3 * customers.len(), "also after the last event");
    for line in snapshots {
        let date = time(text(&line, "at"));
        let chain = &at[text(&line, "customerId")];
        let last = chain.iter().rfind(|(moved_at, _)| *moved_at <= date).unwrap();
        assert_eq!(text(&line, "segment"), last.1, "{line}");
        assert!((0.0..=1.0).contains(&line["p60"].as_f64().unwrap()));
    }
}

#[test]
fn an_order_is_one_however_many_lines_it_has_and_what_comes_between() {
    let mut events: Vec<HistoryEvent> =
        (0..130).map(|number| line("a", "big", &format!("p{number}"), 1, "2026-01-05T10:00:00Z")).collect();
    events.push(super::event(Event::Purchase(purchase("a", "p0", -1, time("2026-01-05T10:01:00Z")))));
    events.push(line("b", "other", "p0", 1, "2026-01-05T10:02:00Z"));
    events.push(line("a", "big", "late", 7, "2026-01-05T10:03:00Z"));
    let orders = Written::of(&events, Dates::default()).all(Kind::Order);
    let sums: BTreeMap<&str, u64> =
        orders.iter().map(|line| (text(line, "orderId"), line["amount"].as_u64().unwrap())).collect();
    assert_eq!(sums, BTreeMap::from([("big", 137), ("other", 1)]));
}

#[test]
fn orders_of_one_minute_are_separate_and_each_knows_those_before() {
    let events = [
        line("a", "1", "tea", 1, "2026-01-05T10:00:00Z"),
        line("a", "2", "tea", 2, "2026-01-05T10:00:00Z"),
        line("a", "2", "milk", 2, "2026-01-05T10:00:00Z"),
        // A line of an order that was complete: it belongs to it, and begins none.
        line("a", "1", "jam", 9, "2026-01-05T10:00:00Z"),
        line("a", "3", "tea", 3, "2026-01-06T10:00:00Z"),
        line("a", "3", "tea", 3, "2026-01-06T10:05:00Z"),
        line("a", "4", "tea", 3, "2026-01-06T18:00:00Z"),
    ];
    let written = Written::of(&events, Dates::default());
    let orders: Vec<Value> =
        written.all(Kind::Order).iter().map(|line| json!([line["orderId"], line["amount"]])).collect();
    assert_eq!(orders, [json!(["1", 1]), json!(["2", 4]), json!(["3", 6]), json!(["4", 3])]);
    let known: Vec<Value> = written
        .all(Kind::Recommendation)
        .iter()
        .map(|line| json!([line["orderId"], line["baskets"], line["items"]]))
        .collect();
    assert_eq!(known[0], json!(["1", 0, []]));
    assert_eq!(known[1], json!(["2", 1, ["tea"]]));
    assert_eq!((&known[2][1], &known[3][1]), (&json!(1), &json!(2)));
    let consumption = written.all(Kind::Consumption);
    assert_eq!(consumption.len(), 1, "a product bought again on the same day causes no further line");
    assert_eq!(text(&consumption[0], "at"), "2026-01-06T10:00:00Z");
}

#[test]
fn a_basket_without_an_order_s_id_has_one_of_its_own() {
    let events = [
        line("a", "", "tea", 1, "2026-01-05T10:00:00Z"),
        line("a", "", "milk", 1, "2026-01-05T10:00:04Z"),
        line("a", "", "tea", 1, "2026-01-05T10:00:30Z"),
    ];
    let written = Written::of(&events, Dates::default());
    let ids = |kind| -> Vec<String> {
        written.all(kind).iter().map(|line| text(line, "orderId").to_owned()).collect()
    };
    assert_eq!(ids(Kind::Order), ["basket-1", "basket-2"]);
    assert_eq!(ids(Kind::Order), ids(Kind::Recommendation));
    assert_eq!(written.all(Kind::Order)[0]["amount"], 2);
}

#[test]
fn nobody_and_what_comes_late_or_twice_causes_no_line() {
    let tea = || line("a", "1", "tea", 1, "2026-01-05T10:00:00Z");
    let named =
        |event: HistoryEvent, id: &str| HistoryEvent { event_id: Some(EventId::new(id).unwrap()), ..event };
    let of = |events: &[HistoryEvent]| Written::of(events, Dates::default());
    let amount = |events: &[HistoryEvent]| of(events).all(Kind::Order)[0]["amount"].clone();
    assert_eq!(amount(&[tea(), tea()]), 2, "alike, and not the same");
    assert_eq!(amount(&[named(tea(), "e"), named(tea(), "e")]), 1);
    assert_eq!(amount(&[named(tea(), "e"), named(tea(), "f")]), 2);
    let guest = HistoryEvent { is_anonymous: true, ..tea() };
    assert_eq!(of(&[guest]).0, Vec::<String>::new());
    let late = line("a", "0", "tea", 1, "2026-01-04T10:00:00Z");
    assert_eq!(of(&[tea(), late]), of(&[tea()]));
}

#[test]
fn silence_moves_customers_at_its_own_moment_also_after_the_last_event() {
    let events = [line("a", "1", "tea", 5, "2026-01-05T10:00:00Z")];
    let written = Written::of(&events, Dates::new(None, [day("2027-01-01")]));
    let moves = written.all(Kind::Migration);
    assert_eq!((&moves[0]["from"], &moves[0]["to"]), (&Value::Null, &json!("New Customer")));
    assert_eq!(text(&moves[0], "at"), "2026-01-05T10:00:00Z");
    assert!(moves.len() > 2, "{moves:?}");
    // New for 30 days; from the day after on it is another segment, and that for a week.
    assert_eq!(text(&moves[1], "at"), "2026-02-12T00:00:00Z");
    assert_eq!(written.all(Kind::Segment)[0]["segment"], moves.last().unwrap()["to"]);
    assert_eq!(
        Written::of(&events, Dates::default()).all(Kind::Migration).len(),
        1,
        "nobody asked for later"
    );
}

#[test]
fn an_order_over_midnight_belongs_to_the_day_of_its_first_line() {
    let events = [
        line("a", "1", "tea", 1, "2026-01-05T23:58:00Z"),
        line("a", "1", "jam", 2, "2026-01-06T00:02:00Z"),
        line("a", "2", "tea", 1, "2026-01-06T10:00:00Z"),
    ];
    let written = Written::of(&events, Dates::new(None, [day("2026-01-06")]));
    let orders = written.all(Kind::Order);
    assert_eq!((&orders[0]["amount"], text(&orders[0], "at")), (&json!(3), "2026-01-05T23:58:00Z"));
    assert_eq!(written.all(Kind::Recommendation)[1]["baskets"], 1);
    let snapshot = &written.all(Kind::Segment)[0];
    assert_eq!(snapshot["segment"], "New Customer", "one whose first order is still open is new");
    assert_eq!(text(&written.all(Kind::Migration)[0], "at"), "2026-01-05T23:58:00Z");
}

#[test]
fn what_is_new_is_new_also_to_who_has_bought_more_than_the_engine_holds() {
    let product = |number: u64| format!("p{number:04}");
    let mut events: Vec<HistoryEvent> = (0..1_200)
        .map(|number| line("till", &format!("o{}", number / 40), &product(number), 5, "2026-01-05T10:00:00Z"))
        .collect();
    events.extend((0..30).map(|number| line("b", "b", &product(1_190 + number), 5, "2026-01-05T10:00:00Z")));
    events.push(line("b", "c", "p0000", 5, "2026-01-07T10:00:00Z"));
    events.push(line("till", "last", "p0000", 5, "2026-01-08T10:00:00Z"));
    let asked = Written::of(&events, Dates::default()).all(Kind::Recommendation);
    let last = asked.iter().find(|line| line["orderId"] == "last").unwrap();
    let new: Vec<&str> = last["newItems"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(new.len(), 10);
    assert!(new.iter().all(|id| ("p1200"..="p1219").contains(id)), "{new:?}");
}
