//! `/v1/streaming/recommendations`

use crate::support::House;

const PATH: &str = "/v1/streaming/recommendations";

#[tokio::test]
async fn a_publisher_may_ask_what_to_offer() {
    let house = House::new();
    let body = house.publisher().get(&format!("{PATH}/stranger?limit=3&basket=p-1,p-2")).await.expect(200);
    assert_eq!(body["new"][0]["reason"], "popular");
    assert_eq!(body["modelVersion"], 7);
    assert_eq!(body["asOf"], "2026-01-05T10:00:00.000Z");
    let asked = house.stream.asked.lock().unwrap().pop().unwrap();
    assert!(asked.contains("limit: 3") && asked.contains("\"p-1\", \"p-2\""), "{asked}");
}

#[tokio::test]
async fn where_when_and_on_what_is_asked_for() {
    let house = House::new();
    let path = format!("{PATH}/c?location=Leeds%20North&deviceType=pos&at=2026-01-09T18:30:00%2B01:00");
    let body = house.publisher().get(&path).await.expect(200);
    assert_eq!(body["asOf"], "2026-01-09T17:30:00.000Z");
    let asked = house.stream.asked.lock().unwrap().pop().unwrap();
    assert!(asked.contains("location: Some(\"Leeds North\"), device_type: Some(Pos)"), "{asked}");
}

#[tokio::test]
async fn the_twin_needs_its_id() {
    let house = House::new();
    let twin = house.publisher().get(&format!("{PATH}?customerId=stranger")).await.expect(200);
    assert_eq!(twin, house.publisher().get(&format!("{PATH}/stranger")).await.expect(200));
    let faults = house.publisher().get(PATH).await.faults();
    assert_eq!(faults, [("?customerId".to_owned(), "required".to_owned())]);
}

#[tokio::test]
async fn bad_parameters_are_told() {
    let house = House::new();
    for query in
        ["limit=0", "limit=101", "basket=a%00", "hours=1", "location=", "deviceType=phone", "at=noon"]
    {
        assert_eq!(house.publisher().get(&format!("{PATH}/c?{query}")).await.faults().len(), 1, "{query}");
    }
    let long = "x".repeat(1_025);
    house.publisher().get(&format!("{PATH}/c?location={long}")).await.problem("validation_failed");
    let many = vec!["p"; 101].join(",");
    house.publisher().get(&format!("{PATH}/c?basket={many}")).await.problem("validation_failed");
}
