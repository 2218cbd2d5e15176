//! Positions sort as their bytes and their texts do.

use omnix_model::{LogId, Position};
use proptest::prelude::*;

prop_compose! {
    fn position()(log in prop_oneof![0..3_u16, any::<u16>()], frame in prop_oneof![0..300_u64, any::<u64>()], slot in any::<u16>()) -> Position {
        Position { log: LogId(log), frame, slot }
    }
}

proptest! {
    #[test]
    fn bytes_sort_as_positions_do(a in position(), b in position()) {
        prop_assert_eq!(a.to_bytes().cmp(&b.to_bytes()), a.cmp(&b));
        prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
        prop_assert_eq!(Position::from_bytes(a.to_bytes()), a);
        prop_assert_eq!(a.to_string().parse(), Ok(a));
    }

    #[test]
    fn any_text_is_a_position_or_an_error(text in "[0-9+-]{0,40}") {
        if let Ok(position) = text.parse::<Position>() {
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }
    }
}

#[test]
fn texts_that_are_no_position_are_refused() {
    for text in [
        "",
        "1",
        "1-2",
        "1-2-3-4",
        "--",
        "1--3",
        "-1-2-3",
        "+1-2-3",
        "65536-0-0",
        "0-0-65536",
        "a-b-c",
        "1-2-3 ",
    ] {
        assert!(text.parse::<Position>().is_err(), "{text:?}");
    }
    assert!(Position::start(LogId(1)) < Position { log: LogId(1), frame: 0, slot: 1 });
}
