//! Arrays of events: each item on its own, the array as a whole.

use omnix_model::ErrorCode;
use omnix_wire::api::publish::ItemError;
use omnix_wire::{BatchError, BatchItem, parse_batch};

use crate::support::{PREDICTION, PURCHASE, SEGMENT_UPDATE, settings, with};

fn items(body: &str) -> Result<Vec<BatchItem>, BatchError> {
    let mut items = Vec::new();
    let count = parse_batch(body.as_bytes(), &settings(None), |item| items.push(item))?;
    assert_eq!(count, items.len());
    Ok(items)
}

#[test]
fn kinds_are_mixed_and_bad_items_do_not_harm_the_others() {
    let bad = with(PURCHASE, r#""eventId":"e-9","quantity":"2","price":-1"#);
    let body = format!("\n[ {PURCHASE},{bad} ,\n{SEGMENT_UPDATE},7,{PREDICTION}]\n");
    let items = items(&body).unwrap();
    let good: Vec<bool> = items.iter().map(|item| item.outcome.is_ok()).collect();
    assert_eq!(good, [true, false, true, false, true]);
    assert_eq!(&body[items[0].bytes.clone()], PURCHASE);
    assert_eq!(&body[items[1].bytes.clone()], bad);
    assert_eq!(&body[items[3].bytes.clone()], "7");
    let refused = items[1].outcome.as_ref().unwrap_err();
    let error = serde_json::to_string(&ItemError::of_refused(items[1].index, refused)).unwrap();
    assert_eq!(
        error,
        concat!(
            r#"{"index":1,"eventId":"e-9","code":"wrong_type","pointer":"/quantity","#,
            r#""detail":"must be a number","retryable":false}"#
        )
    );
}

#[test]
fn a_body_that_is_no_batch_has_one_fault() {
    for (body, code) in [
        ("", ErrorCode::MalformedJson),
        ("[", ErrorCode::MalformedJson),
        ("[{}", ErrorCode::MalformedJson),
        ("[{},]", ErrorCode::MalformedJson),
        ("[{}] []", ErrorCode::MalformedJson),
        ("[]", ErrorCode::OutOfRange),
        (PURCHASE, ErrorCode::WrongType),
        ("7", ErrorCode::WrongType),
    ] {
        assert_eq!(items(body).unwrap_err().fault().code, code, "{body}");
    }
    let malformed = items("[{},\n{]").unwrap_err().to_string();
    assert_eq!(malformed, "not JSON at line 2, column 2: a key is expected");
    assert!(matches!(items(&"[".repeat(100_000)), Err(BatchError::Malformed(_))));
}

#[test]
fn ten_thousand_items_are_allowed_and_no_more() {
    let body = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    assert_eq!(items(&body(10_000)).unwrap().len(), 10_000);
    let mut seen = 0;
    let outcome = parse_batch(body(10_001).as_bytes(), &settings(None), |_| seen += 1);
    assert_eq!((outcome, seen), (Err(BatchError::TooMany), 10_000));
    assert_eq!(BatchError::TooMany.fault().code, ErrorCode::TooLarge);
}

#[test]
fn an_item_may_be_as_large_as_a_single_event() {
    let sized = |bytes: usize| {
        let frame = with(PURCHASE, "\"x\":\"\"").len();
        with(PURCHASE, &format!("\"x\":\"{}\"", "x".repeat(bytes - frame)))
    };
    assert_eq!(sized(256 << 10).len(), 256 << 10);
    let body = format!("[{},{}]", sized(256 << 10), sized((256 << 10) + 1));
    let items = items(&body).unwrap();
    assert!(items[0].outcome.is_ok());
    let refused = items[1].outcome.as_ref().unwrap_err();
    assert_eq!(refused.faults.as_slice()[0].code, ErrorCode::TooLarge);
}
