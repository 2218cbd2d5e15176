//! The types describe themselves for the published document.

use omnix_wire::api::events::AnyEvent;
use omnix_wire::api::feed::FeedMessage;
use omnix_wire::api::insight::{InsightBody, SystemOverview};
use omnix_wire::api::publish::PublishReceipt;
use serde_json::Value;
use utoipa::{PartialSchema, ToSchema};

fn schema<T: PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).unwrap()
}

#[test]
fn numbers_and_times_are_said_to_be_such() {
    let event = schema::<omnix_wire::api::events::PurchaseEvent>();
    let mut schemas = Vec::new();
    <omnix_wire::api::events::PurchaseEvent as ToSchema>::schemas(&mut schemas);
    let found = |name: &str| {
        let (_, schema) = schemas.iter().find(|(found, _)| found == name).unwrap();
        serde_json::to_value(schema).unwrap()
    };
    assert_eq!(event["properties"]["price"]["$ref"], "#/components/schemas/Amount");
    assert_eq!(found("Amount")["type"], "number");
    assert_eq!(found("Units")["type"], "number");
    assert_eq!(found("Time")["format"], "date-time");
    let required: Vec<&str> =
        event["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let expected = [
        "customerId",
        "productId",
        "productCategory",
        "productName",
        "quantity",
        "price",
        "totalAmount",
        "timestamp",
    ];
    assert_eq!(required, expected);
    assert_eq!(schema::<AnyEvent>()["oneOf"].as_array().unwrap().len(), 3);
}

#[test]
fn names_are_those_of_the_contract() {
    assert_eq!(InsightBody::name(), "Insight");
    let insight = schema::<InsightBody>();
    for field in
        ["id", "customerId", "insightType", "insight", "actionRequired", "priority", "timestamp", "data"]
    {
        assert!(insight["required"].as_array().unwrap().contains(&field.into()), "{field}");
    }
    let receipt = schema::<PublishReceipt>();
    for field in ["message", "eventId", "shardId", "sequenceNumber", "duplicate", "insights"] {
        assert!(receipt["properties"].get(field).is_some(), "{field}");
    }
    assert!(schema::<SystemOverview>()["properties"].get("processingMetrics").is_some());
    assert_eq!(schema::<FeedMessage<Value>>()["properties"]["payload"]["type"], "object");
}
