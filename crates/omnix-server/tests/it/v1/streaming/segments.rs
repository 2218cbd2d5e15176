//! `/v1/streaming/segments`

use crate::support::House;

#[tokio::test]
async fn segments_are_answered_over_a_range() {
    let house = House::new();
    let body = house.analyst().get("/v1/streaming/segments?hours=48").await.expect(200);
    assert_eq!(body["timeRange"], "48 hours");
    assert!(body["segments"].is_array() && body["matrix"].is_array());
    house.analyst().get("/v1/streaming/segments?limit=1").await.problem("validation_failed");
}
