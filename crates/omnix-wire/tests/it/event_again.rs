//! What was accepted and is written again is read again as the same event.

use omnix_model::Event;
use omnix_wire::{event_to_json, parse_event};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{PREDICTION, PURCHASE, SEGMENT_UPDATE, settings};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,3}", "[ -~]{0,20}", "\\PC{0,8}", Just("\u{1}\n\"\\/é".to_owned())].boxed()
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        (-100_000..100_000_i32).prop_map(|cents| json!(f64::from(cents) / 100.0)),
        (0..4_i32).prop_map(|number| json!(number)),
    ]
    .boxed()
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number(),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((text(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}

const FIELDS: [&str; 26] = [
    "customerId",
    "productId",
    "productCategory",
    "productName",
    "quantity",
    "price",
    "totalAmount",
    "timestamp",
    "location",
    "paymentMethod",
    "deviceType",
    "metadata",
    "currency",
    "previousSegment",
    "newSegment",
    "segmentationScore",
    "reasonCodes",
    "confidence",
    "modelVersion",
    "predictedConsumptionDate",
    "predictionType",
    "factors",
    "alertTriggered",
    "eventType",
    "eventId",
    "another",
];

/// A good event with some of its fields changed.
fn changed_event() -> impl Strategy<Value = Value> {
    let base = prop_oneof![Just(PURCHASE), Just(SEGMENT_UPDATE), Just(PREDICTION)];
    let sound = prop_oneof![
        text().prop_map(Value::String),
        number(),
        vec(text(), 0..4).prop_map(|texts| json!(texts)),
        option::of(text()).prop_map(|order| json!({ "orderId": order, "orderLines": 3 })),
        Just(json!("web")),
        Just(json!("1999-12-31T23:59:59.9994+14:00")),
        anything(),
    ]
    .boxed();
    (base, vec((0..FIELDS.len(), sound), 0..5))
        .prop_map(|(base, changes)| {
            let mut event: Map<String, Value> = serde_json::from_str(base).unwrap();
            event.extend(changes.into_iter().map(|(field, value)| (FIELDS[field].to_owned(), value)));
            Value::Object(event)
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn accepted_written_and_read_again_is_the_same(event in changed_event()) {
        let body = serde_json::to_vec(&event).unwrap();
        let outcome = parse_event(&body, &settings(None)).unwrap();
        if let Ok(parsed) = outcome {
            let again = event_to_json(&parsed.event, parsed.event_id.as_ref());
            let read = parse_event(again.as_bytes(), &settings(None)).unwrap();
            prop_assert_eq!(read.as_ref().map(|parsed| &parsed.event), Ok(&parsed.event), "{}", again);
            let read = read.unwrap();
            prop_assert_eq!(read.event_id, parsed.event_id);
            prop_assert_eq!(read.fingerprint, parsed.fingerprint);
            prop_assert_eq!(read.rounded, 0);
        } else if let Err(refused) = outcome {
            prop_assert!(!refused.faults.as_slice().is_empty());
        }
    }
}

#[test]
fn the_form_is_that_of_the_contract() {
    let parsed = parse_event(PURCHASE.as_bytes(), &settings(None)).unwrap().unwrap();
    assert_eq!(
        event_to_json(&parsed.event, None),
        concat!(
            r#"{"eventType":"purchase","customerId":"c-1","productId":"p-1","productCategory":"Coffee","#,
            r#""productName":"Espresso beans","quantity":2,"price":12.5,"totalAmount":25,"#,
            r#""timestamp":"2026-01-05T10:00:00.000Z"}"#
        )
    );
    let parsed = parse_event(SEGMENT_UPDATE.as_bytes(), &settings(None)).unwrap().unwrap();
    assert!(matches!(parsed.event, Event::SegmentUpdate(_)));
    assert_eq!(
        event_to_json(&parsed.event, None),
        concat!(
            r#"{"eventType":"segment_update","customerId":"c-1","previousSegment":"Champions","#,
            r#""newSegment":"At Risk","segmentationScore":0.2,"reasonCodes":["x"],"#,
            r#""timestamp":"2026-01-05T10:00:00.000Z","confidence":0.85,"modelVersion":"v1"}"#
        )
    );
}
