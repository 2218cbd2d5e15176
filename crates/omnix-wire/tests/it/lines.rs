//! NDJSON: lines as bytes arrive, and histories from a reader.

use std::io::BufReader;
use std::ops::ControlFlow;

use omnix_model::{ErrorCode, Timestamp};
use omnix_wire::{Line, NdjsonHistory, NdjsonSplitter, ParseSettings, parse_line};
use proptest::prelude::*;

use crate::support::{PREDICTION, PURCHASE, settings, with};

/// Lines as they are cut from chunks; `None` for one that is too long.
fn cut(chunks: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
    let mut lines = Vec::new();
    let mut splitter = NdjsonSplitter::new();
    let mut keep = |line: Line<'_>| {
        lines.push(match line {
            Line::Bytes(bytes) => Some(bytes.to_vec()),
            Line::TooLong => None,
        });
        ControlFlow::<()>::Continue(())
    };
    for chunk in chunks {
        assert!(splitter.push(chunk, &mut keep).is_continue());
    }
    assert!(splitter.finish(&mut keep).is_continue());
    lines
}

#[test]
fn blank_lines_are_skipped_and_both_ends_are_ends() {
    let lines = cut(&[b"\n{1}\r\n  \r\n\n{2", b"}\r", b"\n{3}"]);
    assert_eq!(lines, [Some(b"{1}".to_vec()), Some(b"{2}".to_vec()), Some(b"{3}".to_vec())]);
    assert!(cut(&[b"", b"\n", b" "]).is_empty());
}

#[test]
fn a_line_that_is_too_long_is_told_and_the_next_one_is_read() {
    let limit = 256 << 10;
    let just = vec![b'x'; limit];
    let more = vec![b'x'; limit + 1];
    for pieces in [1, 7, 4096] {
        let body = [just.as_slice(), b"\r\n", &more, b"\n{}\n", &more].concat();
        let chunks: Vec<&[u8]> = body.chunks(body.len().div_ceil(pieces)).collect();
        assert_eq!(cut(&chunks), [Some(just.clone()), None, Some(b"{}".to_vec()), None]);
    }
}

#[test]
fn a_visitor_can_break_off() {
    let mut splitter = NdjsonSplitter::new();
    let mut seen = 0;
    let flow = splitter.push(b"1\n2\n3\n", |_| {
        seen += 1;
        if seen == 2 { ControlFlow::Break("enough") } else { ControlFlow::Continue(()) }
    });
    assert_eq!((flow, seen), (ControlFlow::Break("enough"), 2));
}

#[test]
fn a_line_that_is_no_json_is_a_fault_of_its_own() {
    let refused = parse_line(Line::Bytes(b"{\"a\":"), &settings(None)).unwrap_err();
    let fault = &refused.faults.as_slice()[0];
    assert_eq!(fault.code, ErrorCode::MalformedJson);
    assert_eq!(fault.detail, "not JSON at column 6: the text ends too early");
    let refused = parse_line(Line::TooLong, &settings(None)).unwrap_err();
    assert_eq!(refused.faults.as_slice()[0].code, ErrorCode::TooLarge);
}

proptest! {
    #[test]
    fn chunks_do_not_matter(
        lines in prop::collection::vec("[a-c \\r]{0,6}", 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let body = lines.join("\n").into_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        at.sort_unstable();
        let ends = at.iter().copied().chain([body.len()]);
        let starts = [0].into_iter().chain(at.iter().copied());
        let chunks: Vec<&[u8]> = starts.zip(ends).map(|(start, end)| &body[start..end]).collect();
        prop_assert_eq!(cut(&chunks), cut(&[&body]));
    }
}

#[test]
fn a_history_has_no_clock_and_counts_its_lines() {
    let line = |text: &str| text.replace('\n', " ");
    let old = line(&with(PURCHASE, r#""timestamp":"1970-01-01T00:00:00Z""#));
    let future = line(&with(PREDICTION, r#""timestamp":"2199-01-01T00:00:00Z""#));
    let file = format!("{old}\r\n\n{{oops\n{future}\n{}\n{old}", "x".repeat(300_000));
    let history = ParseSettings { now: Timestamp::MAX, ..settings(None) };
    let input = BufReader::with_capacity(100, file.as_bytes());
    let lines: Vec<_> = NdjsonHistory::new(input, history).map(Result::unwrap).collect();
    let told: Vec<_> = lines.iter().map(|line| (line.number, line.outcome.is_ok())).collect();
    assert_eq!(told, [(1, true), (3, false), (4, true), (5, false), (6, true)]);
    let code = |index: usize| lines[index].outcome.as_ref().unwrap_err().faults.as_slice()[0].code;
    assert_eq!((code(1), code(3)), (ErrorCode::MalformedJson, ErrorCode::TooLarge));
    let marked = format!("\u{feff}{old}\n\u{feff}{old}");
    let history = ParseSettings { now: Timestamp::MAX, ..settings(None) };
    let marked = NdjsonHistory::new(marked.as_bytes(), history).map(|line| line.unwrap().outcome.is_ok());
    assert_eq!(marked.collect::<Vec<_>>(), [true, false], "a byte order mark begins a file, not a line");
    let with_a_clock = NdjsonHistory::new(future.as_bytes(), settings(None)).next().unwrap().unwrap();
    assert!(with_a_clock.outcome.is_err());
}
