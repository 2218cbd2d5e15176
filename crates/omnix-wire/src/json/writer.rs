//! Writes JSON into a text, in the order in which it is told.

use std::fmt::{Display, Write as _};

/// Appends `text` as a JSON string: only what must be escaped is.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < 0x20) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => push_display(out, format_args!("\\u{:04x}", u32::from(control))),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Writes a JSON object or array member by member; commas take care of themselves.
#[derive(Debug, Default)]
pub struct JsonWriter {
    out: String,
    needs_comma: bool,
}

impl JsonWriter {
    /// Nothing written yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written.
    #[must_use]
    pub fn into_text(self) -> String {
        self.out
    }

    /// Begins an object (`{`) or an array (`[`).
    pub fn open(&mut self, bracket: char) {
        self.separate();
        self.out.push(bracket);
        self.needs_comma = false;
    }

    /// Ends an object (`}`) or an array (`]`).
    pub fn close(&mut self, bracket: char) {
        self.out.push(bracket);
        self.needs_comma = true;
    }

    /// A member's key; its value must follow.
    pub fn key(&mut self, key: &str) {
        self.separate();
        write_string(key, &mut self.out);
        self.out.push(':');
        self.needs_comma = false;
    }

    /// A string.
    pub fn text(&mut self, text: &str) {
        self.separate();
        write_string(text, &mut self.out);
        self.needs_comma = true;
    }

    /// What is JSON as it displays itself: an exact amount, a whole number, `true`, a JSON text.
    pub fn raw(&mut self, value: impl Display) {
        self.separate();
        push_display(&mut self.out, value);
        self.needs_comma = true;
    }

    /// A float, shortest; `null` when it is not finite, which JSON cannot say.
    pub fn float(&mut self, value: f64) {
        match serde_json::Number::from_f64(value) {
            Some(number) => self.raw(number),
            None => self.raw("null"),
        }
    }

    /// Members of a JSON object that stands in `object` as text, one after the other.
    pub fn members_of(&mut self, object: &str) {
        let inner = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        if !inner.is_empty() {
            self.raw(inner);
        }
    }

    fn separate(&mut self) {
        if self.needs_comma {
            self.out.push(',');
        }
    }
}

fn push_display(out: &mut String, value: impl Display) {
    let written = write!(out, "{value}");
    debug_assert!(written.is_ok(), "a String takes everything");
}
