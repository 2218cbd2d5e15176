//! Ids are taken as they are or not at all.

use omnix_model::{CustomerId, EventId, IdError, OrderId, ProductId};
use proptest::prelude::*;

#[test]
fn a_sound_id_is_never_changed() {
    for text in
        ["0", " ", " a ", "00042", "85123a", "C\u{a0}1", "käse", "日本", "a/b?c#d%20", "\u{1f600}", "'\"\\"]
    {
        assert_eq!(CustomerId::new(text).unwrap().as_str(), text);
    }
}

#[test]
fn lengths_are_counted_in_bytes() {
    let text = |len: usize| "é".repeat(len / 2);
    assert!(CustomerId::new(&text(256)).is_ok());
    assert_eq!(CustomerId::new(&text(258)), Err(IdError::TooLong { max: 256 }));
    assert_eq!(ProductId::new(&"x".repeat(257)), Err(IdError::TooLong { max: 256 }));
    assert_eq!(OrderId::new(&"x".repeat(257)), Err(IdError::TooLong { max: 256 }));
    assert!(EventId::new(&text(128)).is_ok());
    assert_eq!(EventId::new(&text(130)), Err(IdError::TooLong { max: 128 }));
    assert_eq!(EventId::new(""), Err(IdError::Empty));
}

#[test]
fn control_characters_and_other_forms_are_refused() {
    for text in ["\0", "a\nb", "a\u{7f}", "é\u{85}", "é\t"] {
        assert_eq!(CustomerId::new(text), Err(IdError::ControlCharacter), "{text:?}");
    }
    for text in ["e\u{301}", "\u{212b}", "\u{1100}\u{1161}"] {
        assert_eq!(CustomerId::new(text), Err(IdError::NotNfc), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_an_id_or_an_error(text in "\\PC{0,80}") {
        if let Ok(id) = CustomerId::new(&text) {
            prop_assert_eq!(id.as_str(), text);
        }
    }
}
