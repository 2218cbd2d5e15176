//! `/v1/streaming/customers`

use serde_json::Value;

use crate::support::House;

const LIST: &str = "/v1/streaming/customers";

#[tokio::test]
async fn a_profile_has_exact_amounts() {
    let house = House::new();
    let answer = house.analyst().get(&format!("{LIST}/c-1")).await;
    let body = answer.expect(200);
    assert_eq!(body["customerId"], "c-1");
    assert_eq!(body["currency"], "EUR");
    assert!(String::from_utf8(answer.bytes.clone()).unwrap().contains("\"totalSpent\":30.1,"));
    assert_eq!(body["recommendations"]["new"][0]["productId"], "p-9");
    assert_eq!(body["segment"], Value::Null);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_customer_never_seen_is_404_by_path_and_by_query() {
    let house = House::new();
    let by_path = house.analyst().get(&format!("{LIST}/nobody")).await;
    let problem = by_path.problem("not_found");
    assert!(!problem.to_string().contains("nobody"), "an error names no person");
    house.analyst().get(&format!("{LIST}?customerId=nobody")).await.problem("not_found");
    house.analyst().get(&format!("{LIST}?customerId=c&sort=id")).await.problem("validation_failed");
    house.analyst().get(&format!("{LIST}/c?hours=1")).await.problem("validation_failed");
}

#[tokio::test]
async fn a_fault_of_ours_is_500_and_tells_nothing_of_the_inside() {
    let house = House::new();
    let problem = house.analyst().get(&format!("{LIST}/cursed")).await.problem("internal");
    assert_eq!(problem["detail"], "the question could not be answered");
    house.analyst().get(&format!("{LIST}/c-1")).await.expect(200);
}

#[tokio::test]
async fn the_list_sorts_and_filters() {
    let house = House::new();
    house.analyst().get(&format!("{LIST}?sort=lastSeen&prefix=c-&segment=Loyal+Customers")).await.expect(200);
    let asked = house.stream.asked.lock().unwrap().pop().unwrap();
    for part in ["LastSeen", "\"c-\"", "Loyal"] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    let faults = house.analyst().get(&format!("{LIST}?sort=name")).await.faults();
    assert_eq!(faults, [("?sort".to_owned(), "unknown_value".to_owned())]);
}
