//! `/v1/streaming/insights`

mod explain;
mod single;

use serde_json::{Value, json};

use crate::support::House;

const LIST: &str = "/v1/streaming/insights";

#[tokio::test]
async fn a_customers_insights_have_the_promised_envelope() {
    let house = House::new();
    let body = house.analyst().get(&format!("{LIST}/c-1")).await.expect(200);
    assert_eq!(body["customerId"], "c-1");
    assert_eq!(body["timeRange"], "24 hours");
    assert_eq!(body["nextCursor"], "next-1");
    let insight = &body["insights"][0];
    for member in
        ["id", "customerId", "insightType", "insight", "actionRequired", "priority", "timestamp", "data"]
    {
        assert!(!insight[member].is_null(), "{member}: {insight}");
    }
}

#[tokio::test]
async fn filters_reach_the_stream() {
    let house = House::new();
    let path = format!("{LIST}/c-1?hours=2&type=segment_migration&priority=low&limit=7&cursor=abc");
    house.analyst().get(&path).await.expect(200);
    let asked = house.stream.asked.lock().unwrap().pop().unwrap();
    for part in ["from: 2026-01-05T08:00:00.000Z", "SegmentMigration", "Low", "limit: 7", "\"abc\""] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    let path = format!(
        "{LIST}?since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00%2B01:00&segment=at-risk&actionRequired=true&order=asc"
    );
    house.analyst().get(&path).await.expect(200);
    let asked = house.stream.asked.lock().unwrap().pop().unwrap();
    for part in
        ["2026-01-01T00:00:00.000Z", "2026-01-01T23:00:00.000Z", "AtRisk", "Some(true)", "is_ascending: true"]
    {
        assert!(asked.contains(part), "{part}: {asked}");
    }
}

#[tokio::test]
async fn the_list_looks_back_over_everything_that_is_kept() {
    let house = House::new();
    house.analyst().get(LIST).await.expect(200);
    assert!(house.stream.asked.lock().unwrap().pop().unwrap().contains("range: None"));
}

#[tokio::test]
async fn every_bad_parameter_is_told_with_its_pointer() {
    let house = House::new();
    for (query, pointer, code) in [
        ("hours=0", "?hours", "out_of_range"),
        ("hours=-1", "?hours", "out_of_range"),
        ("hours=8761", "?hours", "out_of_range"),
        ("hours=99999999999999999999", "?hours", "out_of_range"),
        ("hours=abc", "?hours", "wrong_type"),
        ("hours=", "?hours", "wrong_type"),
        ("hours=1.5", "?hours", "wrong_type"),
        ("hours=%2B1", "?hours", "wrong_type"),
        ("limit=0", "?limit", "out_of_range"),
        ("limit=1001", "?limit", "out_of_range"),
        ("type=nonsense", "?type", "unknown_value"),
        ("priority=urgent", "?priority", "unknown_value"),
        ("cursor=%00", "?cursor", "invalid_cursor"),
        ("cursor=", "?cursor", "invalid_cursor"),
        ("since=yesterday", "?since", "invalid_format"),
        ("since=2026-01-05T10:00:00", "?since", "invalid_format"),
        ("hours=1&since=2026-01-05T10:00:00Z", "?since", "invalid_format"),
        ("since=2026-01-05T10:00:00Z&until=2026-01-05T10:00:00Z", "?until", "out_of_range"),
        ("limit=1&limit=2", "?limit", "invalid_format"),
        ("hours=%ff", "?", "invalid_format"),
        ("page=1", "?page", "unknown_parameter"),
        ("segment=at-risk", "?segment", "unknown_parameter"),
    ] {
        let faults = house.analyst().get(&format!("{LIST}/c-1?{query}")).await.faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{query}");
    }
    let faults = house.analyst().get(&format!("{LIST}?hours=0&type=x&foo=1&order=up")).await.faults();
    assert_eq!(faults.len(), 4, "{faults:?}");
    let faults = house.analyst().get(&format!("{LIST}?cursor=wrong")).await.faults();
    assert_eq!(faults, [("?cursor".to_owned(), "invalid_cursor".to_owned())]);
}

#[tokio::test]
async fn an_id_may_be_anything_in_a_path_and_has_its_twin() {
    let house = House::new();
    for (encoded, id) in [
        ("%C3%9Cn%C3%AF%2F%20%25%23%3F.%40x", "Ünï/ %#?.@x"),
        ("system", "system"),
        ("a+b", "a+b"),
        ("%2E%2E", ".."),
    ] {
        let by_path = house.analyst().get(&format!("{LIST}/{encoded}")).await.expect(200);
        assert_eq!(by_path["customerId"], id);
        let twin = encoded.replace('+', "%2B");
        let by_query = house.analyst().get(&format!("{LIST}?customerId={twin}")).await.expect(200);
        assert_eq!(by_path, by_query);
    }
    for bad in ["a%00b", &"x".repeat(257), "e%CC%81"] {
        house.analyst().get(&format!("{LIST}/{bad}")).await.problem("validation_failed");
        house.analyst().get(&format!("{LIST}?customerId={bad}")).await.problem("validation_failed");
    }
    house.analyst().get(&format!("{LIST}/%ff")).await.problem("malformed_request");
    let faults = house.analyst().get(&format!("{LIST}?customerId=c&order=asc&segment=x")).await.faults();
    assert_eq!(faults.len(), 2, "the list's own parameters are not known beside an id: {faults:?}");
}

#[tokio::test]
async fn the_overview_has_every_type_and_priority() {
    let house = House::new();
    let body = house.analyst().get(&format!("{LIST}/system/overview?hours=8760")).await.expect(200);
    assert_eq!(body["totalInsights"], 10);
    assert_eq!(body["insightsByType"]["segment_migration"], 1);
    assert_eq!(body["insightsByType"]["recommendation_update"], 4);
    assert_eq!(body["insightsByPriority"]["low"], 4);
    assert_eq!(body["insightsByPriority"]["critical"], 1);
    assert_eq!(body["suppressedInsights"], json!({ "coolDown": 7, "cause": 8, "budget": 9 }));
    assert_eq!(body["processingMetrics"]["successRate"], 75.0);
    assert_eq!(body["processingMetrics"]["errorRate"], 25.0);
    assert_eq!(body["processingMetrics"]["eventsPerSecond"], 2.0, "until now, though the range is open");
    let feedback = &body["feedback"];
    assert_eq!(
        feedback["all"],
        json!({ "judged": 4, "useful": 2, "wrong": 1, "acted": 1, "precision": 75.0 })
    );
    assert_eq!(feedback["byType"]["behavior_anomaly"]["precision"], 75.0);
    assert_eq!(feedback["byPriority"]["critical"]["judged"], 4);
    assert_eq!(feedback["byPriority"]["low"]["precision"], Value::Null);
    house.analyst().get(&format!("{LIST}/system/overview?since=2026-01-01T00:00:00Z")).await.faults();
}
