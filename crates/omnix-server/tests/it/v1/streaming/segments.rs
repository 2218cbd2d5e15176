//! `/v1/streaming/segments`

use serde_json::json;

use crate::support::House;

const SEGMENTS: &str = "/v1/streaming/segments";

#[tokio::test]
async fn segments_are_answered_over_a_range() {
    let house = House::new();
    let body = house.analyst().get(&format!("{SEGMENTS}?hours=48")).await.expect(200);
    assert_eq!(body["timeRange"], "48 hours");
    assert!(body["segments"].is_array() && body["matrix"].is_array());
    assert_eq!(body["performance"], json!({ "interval": "hour", "periods": [] }));
    house.analyst().get(&format!("{SEGMENTS}?limit=1")).await.problem("validation_failed");
}

#[tokio::test]
async fn a_longer_time_is_followed_by_the_day_unless_asked_otherwise() {
    let house = House::new();
    for (query, interval, asked) in [
        ("", "hour", "from: 2026-01-04T10:00:00.000Z"),
        ("?hours=49", "day", "Day"),
        ("?hours=1000&interval=hour", "hour", "Hour"),
        ("?hours=3&interval=day", "day", "Day"),
        ("?since=2025-01-01T00:00:00Z&until=2025-02-01T00:00:00Z", "day", "2025-02-01T00:00:00.000Z"),
    ] {
        let body = house.analyst().get(&format!("{SEGMENTS}{query}")).await.expect(200);
        assert_eq!(body["performance"]["interval"], interval, "{query}");
        let question = house.stream.asked.lock().unwrap().pop().unwrap();
        assert!(question.contains(asked), "{asked}: {question}");
    }
}

#[tokio::test]
async fn more_than_can_be_followed_is_refused() {
    let house = House::new();
    for (query, pointer, code) in [
        ("hours=1001&interval=hour", "?interval", "out_of_range"),
        ("since=2020-01-01T00:00:00Z", "?since", "out_of_range"),
        ("until=2026-01-01T00:00:00Z", "?since", "out_of_range"),
        ("interval=week", "?interval", "unknown_value"),
        ("hours=0", "?hours", "out_of_range"),
    ] {
        let faults = house.analyst().get(&format!("{SEGMENTS}?{query}")).await.faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{query}");
    }
    house.publisher().get(SEGMENTS).await.problem("forbidden");
}
