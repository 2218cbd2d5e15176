//! What a user may take for granted, end to end: figures that are real, counts that are true, nothing that
//! lives in memory alone, no door without a lock.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::support::{Server, omnix, purchase, text, wait_until};

const EVENTS: &str = "/v1/streaming/events";

/// Now, moved by so many days, as text.
fn day(offset: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let ms = i64::try_from(now.as_millis()).unwrap() + offset * 86_400_000;
    omnix_model::Timestamp::from_ms_clamped(ms).to_string()
}

fn in_order(mut event: Value, order: &str) -> Value {
    event["metadata"] = json!({ "orderId": order, "orderLines": 1 });
    event
}

/// A year of weekly orders of about 50, the last one a week ago.
fn weekly(customer: &str) -> Vec<Value> {
    let order = |week: i64| {
        let amount = [48.0, 50.0, 52.0][usize::try_from(week % 3).unwrap()];
        let event = purchase(&format!("{customer}-{week}"), customer, amount, &day(-7 * (40 - week)));
        in_order(event, &format!("{customer}-o{week}"))
    };
    (0..40).map(order).collect()
}

fn move_to(customer: &str, from: Option<&str>, to: &str) -> Value {
    json!({
        "eventId": format!("move-{customer}"), "customerId": customer, "previousSegment": from, "newSegment": to,
        "segmentationScore": 0.4, "reasonCodes": ["r"], "timestamp": day(0), "confidence": 0.8, "modelVersion": "v1",
    })
}

fn insights(server: &Server, customer: &str) -> Vec<Value> {
    let (status, answer) = server.get(&format!("/v1/streaming/insights/{customer}?hours=8760"));
    assert_eq!(status, 200, "{answer}");
    answer["insights"].as_array().unwrap().clone()
}

#[test]
fn what_is_counted_is_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    for n in 0..5 {
        let (status, _) = server.post(
            &format!("{EVENTS}/segment-update"),
            &move_to(&format!("a{n}"), Some("Champions"), "At Risk"),
        );
        assert_eq!(status, 201);
    }
    for n in 0..3 {
        let (status, _) =
            server.post(&format!("{EVENTS}/segment-update"), &move_to(&format!("b{n}"), None, "Champions"));
        assert_eq!(status, 201);
    }
    let (_, overview) = server.get("/v1/streaming/insights/system/overview?hours=24");
    assert_eq!(overview["totalInsights"], 8);
    assert_eq!(overview["insightsByType"]["segment_migration"], 8);
    assert_eq!(overview["insightsByPriority"]["critical"], 5);
    assert_eq!(overview["insightsByPriority"]["low"], 3);
    let (_, metrics) = server.get("/v1/streaming/stream/metrics?minutes=60");
    assert_eq!((&metrics["incomingRecords"], &metrics["outgoingRecords"]), (&json!(8), &json!(8)));
    assert_eq!(insights(&server, "a0").len(), 1);
    assert_eq!(insights(&server, "a0")[0]["priority"], "critical");
}

#[test]
fn a_batch_counts_what_is_durable_and_keeps_what_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let good = |n: u32| purchase(&format!("g{n}"), "ann", 10.0, &day(0));
    let mut bad = good(9);
    bad["price"] = json!("ten");
    let (status, answer) = server.post(&format!("{EVENTS}/batch"), &json!([good(0), bad, good(1)]));
    assert_eq!(status, 207, "{answer}");
    assert_eq!((&answer["publishedCount"], &answer["failedCount"]), (&json!(2), &json!(1)));
    let error = &answer["errors"][0];
    assert_eq!(
        (&error["index"], &error["pointer"], &error["code"]),
        (&json!(1), &json!("/price"), &json!("wrong_type"))
    );
    assert_eq!(server.customer("ann")["purchases"], 2);
    let (_, rejected) = server.get(&format!("{EVENTS}/rejected"));
    assert_eq!(rejected["rejected"].as_array().unwrap().len(), 1);
    assert_eq!(rejected["rejected"][0]["eventId"], "g9");
    let (status, problem) = server.post(&format!("{EVENTS}/purchase"), &json!({ "customerId": "ann" }));
    assert_eq!((status, &problem["code"]), (422, &json!("validation_failed")));
    assert!(problem["errors"].as_array().unwrap().len() >= 6, "{problem}");
}

/// The insights of all customers without what tells when and by which model they were raised.
fn essence(server: &Server, customers: &[&str]) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for insight in customers.iter().flat_map(|customer| insights(server, customer)) {
        let kept = ["customerId", "insightType", "priority", "actionRequired", "insight"];
        let essence: Value = kept.iter().map(|name| ((*name).to_owned(), insight[*name].clone())).collect();
        all.insert(insight["id"].as_str().unwrap().to_owned(), essence);
    }
    all
}

#[test]
fn the_same_events_mean_the_same_singly_and_in_batches() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [single, batch] = dirs.each_ref().map(|dir| Server::start(dir.path()));
    let customers = ["ann", "bob"];
    let mut events: Vec<Value> = customers.iter().flat_map(|customer| weekly(customer)).collect();
    for customer in customers {
        events.push(in_order(
            purchase(&format!("{customer}-big"), customer, 4_800.0, &day(0)),
            &format!("{customer}-big"),
        ));
        events.push(move_to(customer, Some("Champions"), "At Risk"));
    }
    for event in &events {
        let kind = if event.get("newSegment").is_some() { "segment-update" } else { "purchase" };
        assert_eq!(single.post(&format!("{EVENTS}/{kind}"), event).0, 201);
    }
    assert_eq!(batch.post(&format!("{EVENTS}/batch"), &json!(events)).0, 201);
    let told = essence(&single, &customers);
    assert!(told.values().any(|insight| insight["insightType"] == "behavior_anomaly"), "{told:?}");
    assert_eq!(told, essence(&batch, &customers));
}

#[test]
fn an_unusual_order_is_told_from_purchases_alone_and_in_its_direction() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    assert_eq!(server.post(&format!("{EVENTS}/batch"), &json!(weekly("ann"))).0, 201);
    let profile = server.customer("ann");
    assert_eq!((&profile["purchases"], &profile["recencyDays"]), (&json!(40), &json!(7)));
    let order = in_order(purchase("big", "ann", 4_800.0, &day(0)), "big");
    assert_eq!(server.post(&format!("{EVENTS}/purchase"), &order).0, 201);
    let told = insights(&server, "ann");
    let anomaly = told.iter().find(|insight| insight["insightType"] == "behavior_anomaly").unwrap();
    let sentence = anomaly["insight"].as_str().unwrap();
    assert!(sentence.contains("more than") && !sentence.contains("less"), "{sentence}");
    assert_eq!(anomaly["actionRequired"], true);
}

#[test]
fn one_large_purchase_of_a_stranger_is_neither_a_segment_nor_a_recommendation() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let order = in_order(purchase("first", "new", 5_000.0, &day(0)), "first");
    let (status, answer) = server.post(&format!("{EVENTS}/purchase"), &order);
    assert_eq!((status, &answer["insights"]), (201, &json!([])));
    assert_eq!(insights(&server, "new"), Vec::<Value>::new());
}

#[test]
fn only_an_admin_makes_a_stream_and_only_staff_follows_the_feed() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path());
    let token = |role: &str| {
        let output = omnix(&["token", "--role", role, "--data-dir", text(dir.path())]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let create = "/v1/streaming/stream/create";
    assert_eq!(server.post(create, &json!({})).0, 201);
    for role in ["publisher", "analyst"] {
        server.token = token(role);
        assert_eq!(server.post(create, &json!({})).0, 403, "{role}");
    }
    let channel = server.get("/v1/streaming/feed?channels=user.ann");
    assert_eq!((channel.0, &channel.1["errors"][0]["pointer"]), (422, &json!("?channels")));
    server.token = token("publisher");
    for path in [
        "/v1/streaming/feed?channels=insights",
        "/v1/streaming/feed?channels=customer.ann",
        "/v1/streaming/insights/ann",
    ] {
        assert_eq!(server.get(path).0, 403, "{path}");
    }
    server.token = "nonsense".to_owned();
    assert_eq!(server.get("/v1/streaming/streams").0, 401);
}

#[test]
fn a_basket_that_was_open_when_the_process_died_is_told_of_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    assert_eq!(server.post(&format!("{EVENTS}/batch"), &json!(weekly("ann"))).0, 201);
    // How many lines the order has is not said: it waits for more when the process dies.
    let mut line = purchase("late", "ann", 50.0, &day(0));
    line["metadata"] = json!({ "orderId": "open" });
    assert_eq!(server.post(&format!("{EVENTS}/purchase"), &line).0, 201);
    server.kill();
    let server = Server::start(dir.path());
    assert_eq!(server.customer("ann")["purchases"], 41);
    wait_until("the end of the basket", || {
        server.customer("ann")["orders"] == 41 && !insights(&server, "ann").is_empty()
    });
}
