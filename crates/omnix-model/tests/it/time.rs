//! Instants: RFC 3339 in, three decimals and `Z` out.

use omnix_model::{TimeError, Timestamp};
use proptest::prelude::*;

fn parse(text: &str) -> Result<String, TimeError> {
    text.parse::<Timestamp>().map(|time| time.to_string())
}

#[test]
fn times_with_an_offset_are_read() {
    for (text, expected) in [
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00.000Z"),
        ("2026-01-05t10:00:00z", "2026-01-05T10:00:00.000Z"),
        ("2026-01-05 10:00:00Z", "2026-01-05T10:00:00.000Z"),
        ("2026-01-05T10:00:00+01:00", "2026-01-05T09:00:00.000Z"),
        ("2026-01-01T00:30:00+05:45", "2025-12-31T18:45:00.000Z"),
        ("2026-01-05T10:00:00-00:00", "2026-01-05T10:00:00.000Z"),
        ("2026-01-05T23:30:00-08:00", "2026-01-06T07:30:00.000Z"),
        ("2026-01-05T10:00:00.1Z", "2026-01-05T10:00:00.100Z"),
        ("2026-01-05T10:00:00.123999999999Z", "2026-01-05T10:00:00.123Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn other_texts_are_refused_with_the_reason() {
    for text in [
        "",
        "yesterday",
        "2026-01-05",
        "2026-01-05T10:00Z",
        "2026-1-5T10:00:00Z",
        "2026-01-05T10:00:00.Z",
        "2026-01-05T10:00:00,5Z",
        "2026-01-05T10:00:00+0100",
        "2026-01-05T10:00:00+01",
        "2026-01-05T10:00:00+24:00",
        "2026-01-05T10:00:00Z[Europe/Berlin]",
        "2026-01-05T10:00:00ZZ",
        "2026-02-29T10:00:00Z",
        "2026-00-01T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-01-32T10:00:00Z",
        "2026-01-00T10:00:00Z",
        "2026-01-05T24:00:00Z",
        "2026-01-05T10:60:00Z",
        "2026-01-05T10:00:61Z",
        "+2026-01-05T10:00:00Z",
        "２026-01-05T10:00:00Z",
    ] {
        assert_eq!(parse(text), Err(TimeError::Malformed), "{text}");
    }
    for text in ["2026-01-05T10:00:00", "2026-01-05T10:00:00.123"] {
        assert_eq!(parse(text), Err(TimeError::WithoutOffset), "{text}");
    }
    for text in ["1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00+01:00", "0000-01-01T00:00:00Z"] {
        assert_eq!(parse(text), Err(TimeError::OutOfRange), "{text}");
    }
}

#[test]
fn days_and_hours_are_counted_in_utc() {
    let time: Timestamp = "1970-01-02T01:30:00Z".parse().unwrap();
    assert_eq!((time.utc_day(), time.hour()), (1, 25));
    assert_eq!(time.plus_ms(-Timestamp::DAY_MS).utc_day(), 0);
    assert_eq!(time.plus_ms(i64::MIN), Timestamp::MIN);
    assert_eq!(time.plus_ms(i64::MAX), Timestamp::MAX);
}

#[test]
fn the_calendar_has_no_gaps() {
    // The calendar repeats itself every 400 years: the first of them, and the last years there are.
    let days_of_400_years = 146_097;
    let last = Timestamp::MAX.utc_day();
    for days in [0..days_of_400_years + 1, last - 1_500..last + 1] {
        let mut before = String::new();
        for day in days {
            let time = Timestamp::MIN.plus_ms(day * Timestamp::DAY_MS);
            let text = time.to_string();
            assert!(before < text && text.parse() == Ok(time), "{text}");
            before = text;
        }
    }
    let day = |day: i64| Timestamp::MIN.plus_ms(day * Timestamp::DAY_MS).to_string();
    assert_eq!(day(days_of_400_years), "2370-01-01T00:00:00.000Z");
    assert_eq!(day(last), "9999-12-31T00:00:00.000Z");
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(ms in 0..=Timestamp::MAX.ms()) {
        let time = Timestamp::from_ms_clamped(ms);
        let text = time.to_string();
        prop_assert_eq!(text.len(), 24);
        prop_assert_eq!(text.parse::<Timestamp>(), Ok(time));
    }

    #[test]
    fn text_order_is_time_order(a in 0..=Timestamp::MAX.ms(), b in 0..=Timestamp::MAX.ms()) {
        let (a, b) = (Timestamp::from_ms_clamped(a), Timestamp::from_ms_clamped(b));
        prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
    }

    #[test]
    fn any_text_is_a_time_or_an_error(text in ".{0,40}") {
        let _: Result<Timestamp, TimeError> = text.parse();
    }
}
