//! Events and settings that the tests begin with.

use omnix_model::{EventKind, Timestamp};
use omnix_wire::{ParseSettings, Parsed, Refused, parse_event};

pub(crate) const PURCHASE: &str = r#"{"customerId":"c-1","productId":"p-1","productCategory":"Coffee",
"productName":"Espresso beans","quantity":2,"price":12.5,"totalAmount":25.0,
"timestamp":"2026-01-05T10:00:00Z"}"#;

pub(crate) const SEGMENT_UPDATE: &str = r#"{"customerId":"c-1","previousSegment":"Champions",
"newSegment":"At Risk","segmentationScore":0.2,"reasonCodes":["x"],"timestamp":"2026-01-05T10:00:00Z",
"confidence":0.85,"modelVersion":"v1"}"#;

pub(crate) const PREDICTION: &str = r#"{"customerId":"c-1","productId":"p-1",
"predictedConsumptionDate":"2026-01-20T00:00:00Z","confidence":0.9,"predictionType":"pattern-based",
"factors":["rhythm"],"timestamp":"2026-01-05T10:00:00Z","alertTriggered":true}"#;

/// At noon of the day of the events above.
pub(crate) fn settings(expected: Option<EventKind>) -> ParseSettings {
    ParseSettings {
        now: "2026-01-05T12:00:00Z".parse::<Timestamp>().unwrap(),
        currency: "EUR".into(),
        anonymous_empty_allowed: false,
        expected,
    }
}

/// The event with `member` (`"key":value`) added or put in place of the one of its key.
pub(crate) fn with(event: &str, member: &str) -> String {
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(event).unwrap();
    let change: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&format!("{{{member}}}")).unwrap();
    object.extend(change);
    serde_json::to_string(&object).unwrap()
}

/// The event without the member `key`.
pub(crate) fn without(event: &str, key: &str) -> String {
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(event).unwrap();
    assert!(object.remove(key).is_some(), "{key}");
    serde_json::to_string(&object).unwrap()
}

pub(crate) fn parse(text: &str) -> Result<Parsed, Refused> {
    parse_event(text.as_bytes(), &settings(None)).unwrap()
}
