//! Nothing that arrives makes a parser panic.

use std::ops::ControlFlow;

use omnix_wire::{NdjsonSplitter, OnlineRetail, parse_batch, parse_event, parse_line};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{PREDICTION, PURCHASE, SEGMENT_UPDATE, settings, with};

fn feed_everything(bytes: &[u8]) {
    let settings = settings(None);
    drop(parse_event(bytes, &settings));
    drop(parse_batch(bytes, &settings, drop));
    let flow = NdjsonSplitter::new().push(bytes, |line| {
        drop(parse_line(line, &settings));
        ControlFlow::<()>::Continue(())
    });
    assert!(flow.is_continue());
    if let Ok(rows) = OnlineRetail::new(bytes) {
        rows.for_each(drop);
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        feed_everything(&bytes);
    }

    #[test]
    fn anything_that_looks_like_json(text in "[\\[\\]{}:,\"\\\\a0e.\\-+u1 \ntfn]{0,60}") {
        feed_everything(text.as_bytes());
    }

    #[test]
    fn events_with_changed_bytes(
        base in 0..3_usize,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let full = r#""metadata":{"orderId":"o","orderLines":2,"é":["\u00e9\ud83d\ude00"]},"x":1e9"#;
        let mut bytes = with([PURCHASE, SEGMENT_UPDATE, PREDICTION][base], full).into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        feed_everything(&bytes);
        feed_everything(&[b"[", bytes.as_slice(), b"]"].concat());
    }

    #[test]
    fn accepts_exactly_the_json_that_another_parser_accepts(text in "[\\[\\]{}:,\"\\\\a0e.\\-+u1 tfn]{0,16}") {
        let body = format!("{{\"x\":{text}}}");
        let ours = parse_event(body.as_bytes(), &settings(None)).is_ok();
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&body).is_ok();
        prop_assert_eq!(ours, theirs, "{}", body);
    }
}
