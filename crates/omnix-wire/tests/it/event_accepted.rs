//! Events that are taken, and what is made of them.

use omnix_model::{
    ConsumptionPrediction, DeviceType, Event, EventKind, Money, PredictionType, Purchase, Quantity, Segment,
    SegmentName, SegmentUpdate,
};
use omnix_wire::{ParseSettings, parse_event};

use crate::support::{PREDICTION, PURCHASE, SEGMENT_UPDATE, parse, settings, with, without};

fn purchase(text: &str) -> Purchase {
    match parse(text).unwrap().event {
        Event::Purchase(purchase) => purchase,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_purchase_with_everything() {
    let text = with(
        PURCHASE,
        r#""location":"Store A","paymentMethod":"card","deviceType":"pos","currency":"EUR",
        "eventType":"purchase","eventId":"e-1","metadata":{"orderLines":3.0,"till":7e0,"orderId":"o\u002d1"},
        "campaign":{"b":[1,2.50],"a":null}"#,
    );
    let parsed = parse(&text).unwrap();
    assert_eq!(parsed.event_id.unwrap().as_str(), "e-1");
    assert_eq!(parsed.rounded, 0);
    let Event::Purchase(event) = parsed.event else { panic!("no purchase") };
    assert_eq!(event.customer_id.unwrap().as_str(), "c-1");
    assert_eq!(event.quantity, Quantity::from_thousandths(2000));
    assert_eq!(event.price, Money::from_millionths(12_500_000));
    assert_eq!(event.total_amount, Money::from_millionths(25_000_000));
    assert_eq!(event.timestamp.to_string(), "2026-01-05T10:00:00.000Z");
    assert_eq!(event.location.as_deref(), Some("Store A"));
    assert_eq!(event.payment_method.as_deref(), Some("card"));
    assert_eq!(event.device_type, Some(DeviceType::Pos));
    assert_eq!(event.order_id.unwrap().as_str(), "o-1");
    assert_eq!(event.order_lines, Some(3));
    assert_eq!(event.metadata, r#"{"orderId":"o-1","orderLines":3,"till":7}"#);
    assert_eq!(event.extra, r#"{"campaign":{"a":null,"b":[1,2.5]}}"#);
}

#[test]
fn a_segment_update() {
    let Event::SegmentUpdate(event) = parse(SEGMENT_UPDATE).unwrap().event else { panic!("no update") };
    let SegmentUpdate { previous_segment, new_segment, reason_codes, model_version, .. } = event;
    assert_eq!(previous_segment, Some(SegmentName::Known(Segment::Champions)));
    assert_eq!(new_segment, SegmentName::Known(Segment::AtRisk));
    assert_eq!((reason_codes, model_version.as_str()), (vec!["x".into()], "v1"));
    let first = with(SEGMENT_UPDATE, r#""previousSegment":null,"newSegment":"VIP 7""#);
    let Event::SegmentUpdate(event) = parse(&first).unwrap().event else { panic!("no update") };
    assert_eq!(event.previous_segment, None);
    assert_eq!(event.new_segment, SegmentName::Other("VIP 7".into()));
}

#[test]
fn a_prediction() {
    let Event::ConsumptionPrediction(event) = parse(PREDICTION).unwrap().event else { panic!("none") };
    let ConsumptionPrediction { predicted_consumption_date, prediction_type, alert_triggered, .. } = event;
    assert_eq!(predicted_consumption_date.to_string(), "2026-01-20T00:00:00.000Z");
    assert_eq!((prediction_type, alert_triggered), (PredictionType::PatternBased, true));
}

#[test]
fn null_is_as_if_absent() {
    let nulls = r#""location":null,"paymentMethod":null,"deviceType":null,"metadata":null,"currency":null,
        "eventType":null,"eventId":null"#;
    assert_eq!(parse(&with(PURCHASE, nulls)), parse(PURCHASE));
    let known = r#""metadata":{"orderId":null,"orderLines":null}"#;
    assert_eq!(purchase(&with(PURCHASE, known)).order_id, None);
}

#[test]
fn money_is_exact_and_rounding_is_counted() {
    let text = PURCHASE
        .replace("12.5", "0.30000000000000004")
        .replace("25.0", "-0")
        .replace("\"quantity\":2", "\"quantity\":1.2345");
    let parsed = parse(&text).unwrap();
    assert_eq!(parsed.rounded, 2);
    let event = purchase(&text);
    assert_eq!(event.price, Money::from_millionths(300_000));
    assert_eq!(event.quantity, Quantity::from_thousandths(1234));
    assert_eq!(event.total_amount, Money::ZERO);
}

#[test]
fn a_return_is_negative_as_a_whole() {
    let event = purchase(&with(PURCHASE, r#""quantity":-2,"totalAmount":-25"#));
    assert!(event.is_return());
    assert!(parse(&with(PURCHASE, r#""quantity":-2,"totalAmount":0"#)).is_ok());
}

#[test]
fn a_time_a_little_ahead_is_now_and_a_retry_is_known_again() {
    let text = with(PURCHASE, r#""timestamp":"2026-01-05T12:05:00Z""#);
    let first = parse(&text).unwrap();
    assert_eq!(first.event.timestamp().to_string(), "2026-01-05T12:00:00.000Z");
    let later = ParseSettings { now: "2026-01-05T12:03:00Z".parse().unwrap(), ..settings(None) };
    let second = parse_event(text.as_bytes(), &later).unwrap().unwrap();
    assert_eq!(second.event.timestamp(), later.now);
    assert_eq!(first.fingerprint, second.fingerprint);
}

#[test]
fn an_absent_customer_is_legal_where_the_settings_say_so() {
    let allowed = ParseSettings { anonymous_empty_allowed: true, ..settings(None) };
    let absent = without(PURCHASE, "customerId");
    for text in [&absent, &with(&absent, r#""customerId":null"#), &with(&absent, r#""customerId":"""#)] {
        assert!(parse(text).is_err());
        let parsed = parse_event(text.as_bytes(), &allowed).unwrap().unwrap();
        assert_eq!(parsed.event.customer(), None);
    }
    assert!(parse_event(without(SEGMENT_UPDATE, "customerId").as_bytes(), &allowed).unwrap().is_err());
}

#[test]
fn the_kind_follows_from_the_fields_or_from_the_type() {
    for (text, kind) in [
        (PURCHASE, EventKind::Purchase),
        (SEGMENT_UPDATE, EventKind::SegmentUpdate),
        (PREDICTION, EventKind::ConsumptionPrediction),
    ] {
        assert_eq!(parse(text).unwrap().event.kind(), kind);
        let named = with(text, &format!("\"eventType\":\"{}\"", kind.name()));
        assert_eq!(parse(&named), parse(text));
        assert!(parse_event(text.as_bytes(), &settings(Some(kind))).unwrap().is_ok());
    }
    // A field of another kind is an unknown field.
    let event = purchase(&with(PURCHASE, r#""confidence":0.5,"newSegment":"x""#));
    assert_eq!(event.extra, r#"{"confidence":0.5,"newSegment":"x"}"#);
    // All the fields of two kinds: the type decides.
    let both = with(PURCHASE, r#""newSegment":"x","segmentationScore":1,"reasonCodes":[]"#);
    assert!(parse(&both).is_err());
    assert!(parse(&with(&both, r#""eventType":"purchase""#)).is_ok());
}

#[test]
fn spelling_does_not_change_the_fingerprint() {
    let plain = parse(&with(PURCHASE, r#""metadata":{"a":2,"b":"é"},"x":[1,{"y":0.5}]"#)).unwrap();
    let other = r#" {"x" : [1.0, {"y": 5e-1}] , "metadata":{ "b":"\u00e9","a":2.0 },"eventId":"other",
        "timestamp":"2026-01-05T11:00:00.000+01:00","totalAmount":25,"price":1.25e1,"quantity":2.000,
        "productName":"Espresso\u0020beans","productCategory":"Coffee","productId":"p-1","customerId":"c-1"} "#;
    let other = parse(other).unwrap();
    assert_eq!(plain.fingerprint, other.fingerprint);
    assert_eq!(plain.event, other.event);
    let changed = parse(&with(PURCHASE, r#""metadata":{"a":3,"b":"é"},"x":[1,{"y":0.5}]"#)).unwrap();
    assert_ne!(plain.fingerprint, changed.fingerprint);
}
