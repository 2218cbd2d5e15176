//! The OpenAPI document against the contract's tables.

use std::collections::BTreeSet;

use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(omnix_server::openapi_json()).unwrap()
}

/// The routes of the contract that exist so far.
const ROUTES: &[&str] = &[
    "POST /v1/streaming/events/purchase",
    "POST /v1/streaming/events/segment-update",
    "POST /v1/streaming/events/consumption-prediction",
    "POST /v1/streaming/events/batch",
    "GET /v1/streaming/events/rejected",
    "POST /v1/streaming/events/rejected/{id}/replay",
    "GET /v1/streaming/stream/status",
    "GET /v1/streaming/stream/metrics",
    "GET /v1/streaming/streams",
    "POST /v1/streaming/stream/create",
    "GET /v1/streaming/insights/{customerId}",
    "GET /v1/streaming/insights/system/overview",
    "GET /v1/streaming/insights",
    "GET /v1/streaming/system/learning",
    "GET /v1/streaming/insights/{customerId}/{insightId}",
    "PATCH /v1/streaming/insights/{customerId}/{insightId}",
    "GET /v1/streaming/insights/{customerId}/{insightId}/explain",
    "GET /v1/streaming/customers/{customerId}",
    "GET /v1/streaming/customers",
    "GET /v1/streaming/recommendations/{customerId}",
    "GET /v1/streaming/recommendations",
    "GET /v1/streaming/segments",
    "GET /v1/streaming/feed",
    "POST /v1/streaming/feed/ticket",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /openapi.json",
    "GET /docs",
    "GET /docs/errors",
    "GET /",
];

#[test]
fn its_routes_are_those_of_the_contract() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut found = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            found.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let expected: BTreeSet<String> = ROUTES.iter().map(|route| (*route).to_owned()).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, document: &Value, count: &mut usize) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                    *count += 1;
                }
                members.values().for_each(|member| walk(member, document, count));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, document, count)),
            _ => {}
        }
    }
    let (document, mut count) = (document(), 0);
    walk(&document, &document, &mut count);
    assert!(count > 30, "{count}");
}

#[test]
fn every_operation_says_what_it_is_and_how_it_fails() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{path}");
            assert!(!operation["tags"][0].as_str().unwrap().is_empty(), "{path}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{path}");
            let errors = responses.iter().filter(|(status, _)| status.starts_with(['4', '5']));
            for (status, response) in errors {
                assert!(!response["content"]["application/problem+json"].is_null(), "{path} {status}");
            }
        }
    }
}
