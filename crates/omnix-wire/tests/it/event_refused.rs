//! Events that are refused: every code, every pointer, all faults at once.

use omnix_model::limits::FAULTS_MAX;
use omnix_model::{ErrorCode, EventKind};
use omnix_wire::parse_event;

use crate::support::{PREDICTION, PURCHASE, SEGMENT_UPDATE, parse, settings, with, without};

fn faults(text: &str) -> Vec<(String, ErrorCode)> {
    let refused = parse(text).expect_err(text);
    refused.faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

/// A base event, a change of it, and the one fault that follows.
type Case = (&'static str, &'static str, &'static str, ErrorCode);

fn check(cases: &[Case]) {
    for (base, change, pointer, code) in cases {
        assert_eq!(faults(&with(base, change)), [((*pointer).to_owned(), *code)], "{change}");
    }
}

#[test]
fn what_must_be_there_is_missed() {
    for (base, fields) in [
        (PURCHASE, "customerId productId productCategory productName quantity price totalAmount timestamp"),
        (
            SEGMENT_UPDATE,
            "customerId previousSegment newSegment segmentationScore reasonCodes timestamp confidence modelVersion",
        ),
        (
            PREDICTION,
            "customerId productId predictedConsumptionDate confidence predictionType factors timestamp alertTriggered",
        ),
    ] {
        for field in fields.split(' ') {
            let expected = [(format!("/{field}"), ErrorCode::Required)];
            assert_eq!(faults(&without(base, field)), expected);
            if field != "previousSegment" {
                assert_eq!(faults(&with(base, &format!("\"{field}\":null"))), expected);
            }
        }
    }
}

#[test]
fn another_type_is_pointed_at() {
    use ErrorCode::WrongType;
    check(&[
        (PURCHASE, r#""customerId":7"#, "/customerId", WrongType),
        (PURCHASE, r#""productId":["p"]"#, "/productId", WrongType),
        (PURCHASE, r#""productName":{}"#, "/productName", WrongType),
        (PURCHASE, r#""quantity":"2""#, "/quantity", WrongType),
        (PURCHASE, r#""price":"12.5""#, "/price", WrongType),
        (PURCHASE, r#""totalAmount":true"#, "/totalAmount", WrongType),
        (PURCHASE, r#""timestamp":1767607200000"#, "/timestamp", WrongType),
        (PURCHASE, r#""location":1"#, "/location", WrongType),
        (PURCHASE, r#""deviceType":1"#, "/deviceType", WrongType),
        (PURCHASE, r#""metadata":[1]"#, "/metadata", WrongType),
        (PURCHASE, r#""metadata":"{}""#, "/metadata", WrongType),
        (PURCHASE, r#""metadata":{"orderId":7}"#, "/metadata/orderId", WrongType),
        (PURCHASE, r#""metadata":{"orderLines":"7"}"#, "/metadata/orderLines", WrongType),
        (PURCHASE, r#""currency":978"#, "/currency", WrongType),
        (PURCHASE, r#""eventId":7"#, "/eventId", WrongType),
        (SEGMENT_UPDATE, r#""previousSegment":1"#, "/previousSegment", WrongType),
        (SEGMENT_UPDATE, r#""segmentationScore":"1""#, "/segmentationScore", WrongType),
        (SEGMENT_UPDATE, r#""reasonCodes":"x""#, "/reasonCodes", WrongType),
        (SEGMENT_UPDATE, r#""reasonCodes":["x",1]"#, "/reasonCodes/1", WrongType),
        (PREDICTION, r#""alertTriggered":"true""#, "/alertTriggered", WrongType),
        (PREDICTION, r#""factors":{}"#, "/factors", WrongType),
    ]);
}

#[test]
fn a_range_is_kept() {
    use ErrorCode::OutOfRange;
    check(&[
        (PURCHASE, r#""customerId":"""#, "/customerId", OutOfRange),
        (PURCHASE, r#""eventId":"""#, "/eventId", OutOfRange),
        (PURCHASE, r#""price":-0.01"#, "/price", OutOfRange),
        (PURCHASE, r#""price":1e300"#, "/price", OutOfRange),
        (PURCHASE, r#""totalAmount":9.3e12"#, "/totalAmount", OutOfRange),
        (PURCHASE, r#""quantity":1e300"#, "/quantity", OutOfRange),
        (PURCHASE, r#""timestamp":"1969-12-31T23:59:59Z""#, "/timestamp", OutOfRange),
        (PURCHASE, r#""metadata":{"orderId":""}"#, "/metadata/orderId", OutOfRange),
        (PURCHASE, r#""metadata":{"orderLines":0}"#, "/metadata/orderLines", OutOfRange),
        (PURCHASE, r#""metadata":{"orderLines":1.5}"#, "/metadata/orderLines", OutOfRange),
        (PURCHASE, r#""metadata":{"orderLines":-1}"#, "/metadata/orderLines", OutOfRange),
        (PURCHASE, r#""metadata":{"orderLines":1e9}"#, "/metadata/orderLines", OutOfRange),
        (SEGMENT_UPDATE, r#""confidence":1.01"#, "/confidence", OutOfRange),
        (SEGMENT_UPDATE, r#""confidence":-0.01"#, "/confidence", OutOfRange),
        (SEGMENT_UPDATE, r#""newSegment":"""#, "/newSegment", OutOfRange),
        (SEGMENT_UPDATE, r#""previousSegment":"""#, "/previousSegment", OutOfRange),
        (PREDICTION, r#""confidence":2"#, "/confidence", OutOfRange),
    ]);
    let huge_score = SEGMENT_UPDATE.replace("0.2", "1e400");
    assert_eq!(faults(&huge_score), [("/segmentationScore".to_owned(), OutOfRange)]);
}

#[test]
fn lengths_are_kept_to_the_byte() {
    for (field, max) in [("customerId", 256), ("productId", 256), ("eventId", 128), ("productName", 1024)] {
        let just = with(PURCHASE, &format!("\"{field}\":\"{}\"", "x".repeat(max)));
        assert!(parse(&just).is_ok(), "{field}");
        let more = with(PURCHASE, &format!("\"{field}\":\"{}\"", "x".repeat(max + 1)));
        assert_eq!(faults(&more), [(format!("/{field}"), ErrorCode::OutOfRange)]);
    }
    let list = |len: usize| with(PREDICTION, &format!("\"factors\":[{}]", vec!["\"f\""; len].join(",")));
    assert!(parse(&list(32)).is_ok());
    assert_eq!(faults(&list(33)), [("/factors".to_owned(), ErrorCode::OutOfRange)]);
    let long = with(PREDICTION, &format!("\"factors\":[\"f\",\"{}\"]", "x".repeat(1025)));
    assert_eq!(faults(&long), [("/factors/1".to_owned(), ErrorCode::OutOfRange)]);
    let large = with(PURCHASE, &format!("\"x\":\"{}\"", "x".repeat(256 << 10)));
    assert_eq!(faults(&large), [(String::new(), ErrorCode::TooLarge)]);
}

#[test]
fn a_form_is_asked_for() {
    use ErrorCode::InvalidFormat;
    check(&[
        (PURCHASE, r#""customerId":"a\u0000b""#, "/customerId", InvalidFormat),
        (PURCHASE, r#""customerId":"a\u007fb""#, "/customerId", InvalidFormat),
        (PURCHASE, r#""productId":"e\u0301""#, "/productId", InvalidFormat),
        (PURCHASE, r#""timestamp":"yesterday""#, "/timestamp", InvalidFormat),
        (PURCHASE, r#""timestamp":"2026-01-05T10:00:00""#, "/timestamp", InvalidFormat),
        (PURCHASE, r#""timestamp":"2026-01-05""#, "/timestamp", InvalidFormat),
        (PURCHASE, r#""currency":"euro""#, "/currency", InvalidFormat),
        (PURCHASE, r#""currency":"eur""#, "/currency", InvalidFormat),
        (PREDICTION, r#""predictedConsumptionDate":"soon""#, "/predictedConsumptionDate", InvalidFormat),
    ]);
}

#[test]
fn a_key_that_stands_twice_is_refused_at_any_depth() {
    let twice = PURCHASE.replacen('{', r#"{"quantity":1,"quantity":3,"#, 1);
    assert_eq!(faults(&twice), [("/quantity".to_owned(), ErrorCode::InvalidFormat)]);
    for (change, pointer) in [
        (r#""metadata":{"a":{"b/c":1,"b/c":1}}"#, "/metadata/a/b~1c"),
        (r#""metadata":{"orderId":"a","orderId":"a"}"#, "/metadata/orderId"),
        (r#""x":[0,{"y":1,"y":2}]"#, "/x/1/y"),
        (r#""x":1,"x":1"#, "/x"),
    ] {
        let text = PURCHASE.replacen('{', &format!("{{{change},"), 1);
        assert_eq!(faults(&text), [(pointer.to_owned(), ErrorCode::InvalidFormat)]);
    }
}

#[test]
fn other_codes_have_their_cases() {
    use ErrorCode::{AmountContradicted, CurrencyMismatch, TimestampAhead, UnknownValue};
    check(&[
        (PURCHASE, r#""deviceType":"fridge""#, "/deviceType", UnknownValue),
        (PURCHASE, r#""deviceType":"Web""#, "/deviceType", UnknownValue),
        (PREDICTION, r#""predictionType":"guess""#, "/predictionType", UnknownValue),
        (PURCHASE, r#""currency":"USD""#, "/currency", CurrencyMismatch),
        (PURCHASE, r#""timestamp":"2026-01-05T12:05:00.001Z""#, "/timestamp", TimestampAhead),
        (SEGMENT_UPDATE, r#""timestamp":"2027-01-05T12:05:00Z""#, "/timestamp", TimestampAhead),
        (PURCHASE, r#""quantity":-1"#, "/totalAmount", AmountContradicted),
        (PURCHASE, r#""totalAmount":-25"#, "/totalAmount", AmountContradicted),
        (PURCHASE, r#""quantity":0,"totalAmount":-1"#, "/totalAmount", AmountContradicted),
    ]);
}

#[test]
fn the_kind_must_be_clear_and_not_contradicted() {
    use ErrorCode::{KindContradicted, KindUnknown, UnknownValue, WrongType};
    check(&[
        (PURCHASE, r#""eventType":"segment_update""#, "/eventType", KindContradicted),
        (PREDICTION, r#""eventType":"purchase""#, "/eventType", KindContradicted),
        (PURCHASE, r#""eventType":"refund""#, "/eventType", UnknownValue),
        (PURCHASE, r#""eventType":1"#, "/eventType", WrongType),
        (PURCHASE, r#""newSegment":"x","segmentationScore":1,"reasonCodes":[]"#, "", KindUnknown),
    ]);
    let bare = r#"{"customerId":"c","timestamp":"2026-01-05T10:00:00Z"}"#;
    assert_eq!(faults(bare), [(String::new(), KindUnknown)]);
    // A route that takes one kind.
    let only = settings(Some(EventKind::Purchase));
    let on_route = |text: &str| {
        let refused = parse_event(text.as_bytes(), &only).unwrap().unwrap_err();
        refused.faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
    };
    assert_eq!(on_route(SEGMENT_UPDATE), [(String::new(), KindContradicted)]);
    let named = with(SEGMENT_UPDATE, r#""eventType":"segment_update""#);
    assert_eq!(on_route(&named), [("/eventType".to_owned(), KindContradicted)]);
    assert_eq!(on_route(r#"{"customerId":"x"}"#).len(), 7);
}

#[test]
fn all_faults_come_at_once() {
    let text = r#"{"eventType":"purchase","eventId":"","customerId":7,"productName":"x","price":-1,"quantity":"2",
        "timestamp":"2026-01-05T10:00:00","deviceType":"fridge","metadata":{"orderId":1,"orderLines":0}}"#;
    let expected = [
        ("/eventId", ErrorCode::OutOfRange),
        ("/customerId", ErrorCode::WrongType),
        ("/productId", ErrorCode::Required),
        ("/productCategory", ErrorCode::Required),
        ("/quantity", ErrorCode::WrongType),
        ("/totalAmount", ErrorCode::Required),
        ("/price", ErrorCode::OutOfRange),
        ("/timestamp", ErrorCode::InvalidFormat),
        ("/deviceType", ErrorCode::UnknownValue),
        ("/metadata/orderId", ErrorCode::WrongType),
        ("/metadata/orderLines", ErrorCode::OutOfRange),
    ];
    let expected: Vec<_> = expected.map(|(pointer, code)| (pointer.to_owned(), code)).into();
    assert_eq!(faults(text), expected);
    let many = with(PREDICTION, &format!("\"factors\":[{}]", vec!["1"; 80].join(",")));
    assert_eq!(faults(&many).len(), FAULTS_MAX);
}

#[test]
fn what_could_be_read_is_told() {
    let text = with(PURCHASE, r#""eventId":"e-1","quantity":"2""#);
    let refused = parse(&text).unwrap_err();
    assert_eq!(refused.customer_id.unwrap().as_str(), "c-1");
    assert_eq!(refused.event_id.unwrap().as_str(), "e-1");
}

#[test]
fn other_json_than_an_object_is_no_event() {
    for text in ["[]", "1", "\"x\"", "null", "true"] {
        assert_eq!(faults(text), [(String::new(), ErrorCode::WrongType)], "{text}");
    }
}

#[test]
fn what_is_not_json_is_told_with_line_and_column() {
    for (text, line, column) in [
        ("", 1, 1),
        ("{\"customerId\": ", 1, 16),
        ("{\n  \"ä\": 1,\n  \"é\" 2}", 3, 7),
        ("{\"a\":01}", 1, 7),
        ("{\"a\":1.}", 1, 8),
        ("{\"a\":-}", 1, 7),
        ("{\"a\":1e}", 1, 8),
        ("{\"a\":tru}", 1, 6),
        ("{\"a\":1,}", 1, 8),
        ("{a:1}", 1, 2),
        ("{\"a\":1} x", 1, 9),
        ("{\"a\":\"\t\"}", 1, 7),
        ("{\"a\":\"\\x\"}", 1, 8),
        ("{\"a\":\"\\u12g4\"}", 1, 8),
        ("{\"a\":\"\\ud800\"}", 1, 8),
        ("{\"a\":\"\\udc00\"}", 1, 8),
        ("{\"a\":\"b", 1, 8),
        ("{\"a\":[1 2]}", 1, 9),
        ("\u{feff}{}", 1, 1),
    ] {
        let malformed = parse_event(text.as_bytes(), &settings(None)).expect_err(text);
        assert_eq!((malformed.line, malformed.column), (line, column), "{text}: {malformed}");
    }
    let malformed = parse_event(b"{\"a\":\"\xff\"}", &settings(None)).unwrap_err();
    assert_eq!((malformed.line, malformed.column), (1, 7));
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| with(PURCHASE, &format!("\"x\":{}1{}", "[".repeat(depth), "]".repeat(depth)));
    assert!(parse(&nested(63)).is_ok());
    assert!(parse_event(nested(64).as_bytes(), &settings(None)).is_err());
    assert!(parse_event("[".repeat(100_000).as_bytes(), &settings(None)).is_err());
    assert!(parse_event("{\"x\":".repeat(40_000).as_bytes(), &settings(None)).is_err());
}
