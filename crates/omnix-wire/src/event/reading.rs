//! Takes typed fields out of an event's object and collects what is wrong with them.

use std::borrow::Cow;

use omnix_model::limits::{AHEAD_MS_MAX, LIST_ENTRIES_MAX, TEXT_BYTES_MAX};
use omnix_model::{
    CustomerId, ErrorCode, EventId, EventKind, Fault, IdError, Money, NumberError, Quantity, Rounded,
    TimeError, Timestamp,
};
use smol_str::SmolStr;

use super::fields::{Fields, Key};
use super::{Faults, ParseSettings};
use crate::json::{CanonicalError, Malformed, Scanner, Value, canonical_object};

/// An event that is being read.
pub(super) struct Reading<'a, 's> {
    pub(super) fields: &'s mut Fields<'a>,
    pub(super) settings: &'s ParseSettings,
    pub(super) faults: Faults,
    /// Numbers that had to be rounded.
    pub(super) rounded: u32,
    /// The customer, once read.
    pub(super) customer_id: Option<CustomerId>,
}

impl<'a, 's> Reading<'a, 's> {
    pub(super) fn new(fields: &'s mut Fields<'a>, settings: &'s ParseSettings) -> Self {
        let mut faults = Faults::default();
        for key in fields.take_repeated() {
            faults.push(Fault::new(key.pointer(), ErrorCode::InvalidFormat, "stands there more than once"));
        }
        Self { fields, settings, faults, rounded: 0, customer_id: None }
    }

    #[cold]
    pub(super) fn fault(
        &mut self,
        pointer: impl Into<String>,
        code: ErrorCode,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.faults.push(Fault::new(pointer, code, detail));
    }

    #[cold]
    fn wrong_type(&mut self, key: Key, expected: &'static str) {
        self.fault(key.pointer(), ErrorCode::WrongType, expected);
    }

    /// The field, which must be there.
    fn required(&mut self, key: Key) -> Option<Value<'a>> {
        let value = self.fields.take(key);
        if value.is_none() {
            self.fault(key.pointer(), ErrorCode::Required, "must be there");
        }
        value
    }

    fn text_in(&mut self, key: Key, value: Value<'a>) -> Option<Cow<'a, str>> {
        let Value::Text(text) = value else {
            self.wrong_type(key, "must be a string");
            return None;
        };
        Some(text)
    }

    fn short_text_in(&mut self, key: Key, value: Value<'a>) -> Option<SmolStr> {
        let text = self.text_in(key, value)?;
        if text.len() > TEXT_BYTES_MAX {
            self.fault(key.pointer(), ErrorCode::OutOfRange, too_long());
            return None;
        }
        Some(SmolStr::new(text))
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, key: Key) -> Option<SmolStr> {
        let value = self.required(key)?;
        self.short_text_in(key, value)
    }

    /// A text that may be absent; with a fault it is, too.
    pub(super) fn optional_text(&mut self, key: Key) -> Option<SmolStr> {
        let value = self.fields.take(key)?;
        self.short_text_in(key, value)
    }

    /// A text of at least one byte that must be there.
    pub(super) fn filled_text(&mut self, key: Key) -> Option<SmolStr> {
        let text = self.text(key)?;
        if text.is_empty() {
            self.fault(key.pointer(), ErrorCode::OutOfRange, "must not be empty");
            return None;
        }
        Some(text)
    }

    fn id_in<T>(
        &mut self,
        key: Key,
        value: Value<'a>,
        parse: impl Fn(&str) -> Result<T, IdError>,
    ) -> Option<T> {
        let text = self.text_in(key, value)?;
        match parse(&text) {
            Ok(id) => Some(id),
            Err(error) => {
                self.fault(key.pointer(), id_code(error), error.to_string());
                None
            }
        }
    }

    /// An id that must be there.
    pub(super) fn id<T>(&mut self, key: Key, parse: impl Fn(&str) -> Result<T, IdError>) -> Option<T> {
        let value = self.required(key)?;
        self.id_in(key, value, parse)
    }

    /// The client's own id of the event.
    pub(super) fn event_id(&mut self) -> Option<EventId> {
        let value = self.fields.take(Key::EventId)?;
        self.id_in(Key::EventId, value, EventId::new)
    }

    /// The customer, who must be there.
    pub(super) fn customer(&mut self) -> Option<CustomerId> {
        self.customer_id = self.id(Key::CustomerId, CustomerId::new);
        self.customer_id.clone()
    }

    /// The customer of a purchase: none where the settings allow it; the outer `None` is a fault.
    pub(super) fn optional_customer(&mut self) -> Option<Option<CustomerId>> {
        if !self.settings.anonymous_empty_allowed {
            return self.customer().map(Some);
        }
        match self.fields.take(Key::CustomerId) {
            None => Some(None),
            Some(Value::Text(text)) if text.is_empty() => Some(None),
            Some(value) => {
                self.customer_id = self.id_in(Key::CustomerId, value, CustomerId::new);
                self.customer_id.clone().map(Some)
            }
        }
    }

    /// `eventType`; a fault where it names none of the kinds.
    pub(super) fn event_type(&mut self) -> Option<EventKind> {
        let value = self.fields.take(Key::EventType)?;
        let text = self.text_in(Key::EventType, value)?;
        let kind = EventKind::from_name(&text);
        if kind.is_none() {
            self.unknown_value(Key::EventType, EventKind::ALL.map(EventKind::name).as_slice());
        }
        kind
    }

    #[cold]
    fn unknown_value(&mut self, key: Key, names: &[&str]) {
        let detail = format!("must be one of `{}`", names.join("`, `"));
        self.fault(key.pointer(), ErrorCode::UnknownValue, detail);
    }

    /// One of a closed set of words that must be there.
    pub(super) fn word<T>(
        &mut self,
        key: Key,
        names: &[&str],
        from_name: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.required(key)?;
        self.word_in(key, value, names, from_name)
    }

    /// One of a closed set of words that may be absent.
    pub(super) fn optional_word<T>(
        &mut self,
        key: Key,
        names: &[&str],
        from_name: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.fields.take(key)?;
        self.word_in(key, value, names, from_name)
    }

    fn word_in<T>(
        &mut self,
        key: Key,
        value: Value<'a>,
        names: &[&str],
        from_name: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text_in(key, value)?;
        let word = from_name(&text);
        if word.is_none() {
            self.unknown_value(key, names);
        }
        word
    }

    fn number(&mut self, key: Key) -> Option<&'a str> {
        match self.required(key)? {
            Value::Number(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::Array(_) | Value::Object(_) => {
                self.wrong_type(key, "must be a number");
                None
            }
        }
    }

    fn exact<T>(&mut self, key: Key, parse: impl Fn(&str) -> Result<(T, Rounded), NumberError>) -> Option<T> {
        let text = self.number(key)?;
        match parse(text) {
            Ok((value, rounded)) => {
                self.rounded += u32::from(rounded == Rounded::Yes);
                Some(value)
            }
            Err(error) => {
                let code = match error {
                    NumberError::Malformed => ErrorCode::WrongType,
                    NumberError::OutOfRange => ErrorCode::OutOfRange,
                };
                self.fault(key.pointer(), code, error.to_string());
                None
            }
        }
    }

    /// An amount of money that must be there.
    pub(super) fn money(&mut self, key: Key) -> Option<Money> {
        self.exact(key, Money::parse)
    }

    /// A quantity that must be there.
    pub(super) fn quantity(&mut self, key: Key) -> Option<Quantity> {
        self.exact(key, Quantity::parse)
    }

    /// A finite float that must be there; never `-0`.
    pub(super) fn float(&mut self, key: Key) -> Option<f64> {
        let text = self.number(key)?;
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Some(value + 0.0),
            Ok(_) | Err(_) => {
                self.fault(key.pointer(), ErrorCode::OutOfRange, "must be within the range of a double");
                None
            }
        }
    }

    /// A float of 0..=1 that must be there.
    pub(super) fn confidence(&mut self) -> Option<f64> {
        let value = self.float(Key::Confidence)?;
        if (0.0..=1.0).contains(&value) {
            return Some(value);
        }
        self.fault(Key::Confidence.pointer(), ErrorCode::OutOfRange, "must lie between 0 and 1");
        None
    }

    /// Yes or no that must be there.
    pub(super) fn flag(&mut self, key: Key) -> Option<bool> {
        match self.required(key)? {
            Value::Bool(value) => Some(value),
            Value::Null | Value::Number(_) | Value::Text(_) | Value::Array(_) | Value::Object(_) => {
                self.wrong_type(key, "must be `true` or `false`");
                None
            }
        }
    }

    /// An instant that must be there, whenever it is.
    pub(super) fn time(&mut self, key: Key) -> Option<Timestamp> {
        let value = self.required(key)?;
        let text = self.text_in(key, value)?;
        match text.parse::<Timestamp>() {
            Ok(time) => Some(time),
            Err(error) => {
                let code = match error {
                    TimeError::Malformed | TimeError::WithoutOffset => ErrorCode::InvalidFormat,
                    TimeError::OutOfRange => ErrorCode::OutOfRange,
                };
                self.fault(key.pointer(), code, error.to_string());
                None
            }
        }
    }

    /// The event's own time, at most a little ahead.
    pub(super) fn timestamp(&mut self) -> Option<Timestamp> {
        let time = self.time(Key::Timestamp)?;
        if time.ms_since(self.settings.now) <= AHEAD_MS_MAX {
            return Some(time);
        }
        let detail = format!(
            "must not lie more than {} minutes ahead of the server's time {}",
            AHEAD_MS_MAX / 60_000,
            self.settings.now
        );
        self.fault(Key::Timestamp.pointer(), ErrorCode::TimestampAhead, detail);
        None
    }

    /// A list of texts that must be there.
    pub(super) fn texts(&mut self, key: Key) -> Option<Vec<SmolStr>> {
        let Value::Array(array) = self.required(key)? else {
            self.wrong_type(key, "must be an array of strings");
            return None;
        };
        let mut texts = Vec::new();
        let mut index = 0_usize;
        let scanned = Scanner::new(array).elements(|scanner| {
            match scanner.value(1)? {
                Value::Text(text) if text.len() <= TEXT_BYTES_MAX => texts.push(SmolStr::new(text)),
                Value::Text(_) => {
                    self.fault(format!("{}/{index}", key.pointer()), ErrorCode::OutOfRange, too_long());
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    let pointer = format!("{}/{index}", key.pointer());
                    self.fault(pointer, ErrorCode::WrongType, "must be a string");
                }
            }
            index += 1;
            Ok::<(), Malformed>(())
        });
        if index > LIST_ENTRIES_MAX {
            let detail = format!("must not have more than {LIST_ENTRIES_MAX} entries");
            self.fault(key.pointer(), ErrorCode::OutOfRange, detail);
        }
        (scanned.is_ok() && texts.len() == index && index <= LIST_ENTRIES_MAX).then_some(texts)
    }

    /// Everything not taken so far, as one canonical object; empty when there is nothing.
    pub(super) fn rest(&mut self) -> SmolStr {
        let rest = self.fields.take_rest();
        if rest.is_empty() {
            return SmolStr::default();
        }
        self.canonical(canonical_object(rest, ""))
    }

    /// The canonical text; where there is none the fault is noted.
    pub(super) fn canonical(&mut self, text: Result<String, CanonicalError>) -> SmolStr {
        match text {
            Ok(text) => text.into(),
            Err(CanonicalError::RepeatedKey(pointer)) => {
                self.fault(pointer, ErrorCode::InvalidFormat, "stands there more than once");
                SmolStr::default()
            }
            Err(CanonicalError::Malformed) => {
                debug_assert!(false, "what was scanned can be scanned again");
                SmolStr::default()
            }
        }
    }

    /// What all kinds have in common, for its faults: where the kind cannot be told.
    pub(super) fn common(&mut self) {
        if self.settings.anonymous_empty_allowed {
            self.optional_customer();
        } else {
            self.customer();
        }
        self.timestamp();
    }
}

pub(super) const fn id_code(error: IdError) -> ErrorCode {
    match error {
        IdError::Empty | IdError::TooLong { .. } => ErrorCode::OutOfRange,
        IdError::ControlCharacter | IdError::NotNfc => ErrorCode::InvalidFormat,
    }
}

fn too_long() -> String {
    format!("must not be longer than {TEXT_BYTES_MAX} bytes")
}
