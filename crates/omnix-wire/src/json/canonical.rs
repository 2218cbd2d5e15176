//! JSON in one spelling: keys sorted by their bytes, no blanks, least escapes, numbers as `number` writes
//! them. Two texts that say the same are the same.

use std::borrow::Cow;
use std::ops::Range;

use super::scanner::{Scanner, Value};
use super::{Malformed, number, write_string};

/// Why a text has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CanonicalError {
    /// Not JSON; cannot happen to a text that a scanner answered.
    Malformed,
    /// A key that stands twice in one object: nobody knows which one is meant. Its JSON pointer.
    RepeatedKey(String),
}

impl CanonicalError {
    /// The error, which was found within what stands at `pointer`.
    fn within(self, pointer: &str) -> Self {
        match self {
            Self::Malformed => Self::Malformed,
            Self::RepeatedKey(inner) => Self::RepeatedKey(format!("{pointer}{inner}")),
        }
    }

    /// The error, which was found within the member `key` or the element of that index.
    fn within_member(self, key: &str) -> Self {
        // RFC 6901, section 3.
        self.within(&format!("/{}", key.replace('~', "~0").replace('/', "~1")))
    }
}

impl From<Malformed> for CanonicalError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A member of an object, scanned.
pub(crate) type Member<'a> = (Cow<'a, str>, Value<'a>);

/// The canonical form of the object that `members` make up; it stands at `pointer`.
pub(crate) fn canonical_object(members: Vec<Member<'_>>, pointer: &str) -> Result<String, CanonicalError> {
    let mut canonical = Canonical { out: String::with_capacity(64) };
    let written = canonical.write_object(members);
    written.map_err(|error| error.within(pointer))?;
    Ok(canonical.out)
}
/// A member of the object that is being written: its key, and where it stands in the text.
type Part<'a> = (Cow<'a, str>, Range<usize>);

/// What has been written.
struct Canonical {
    out: String,
}

impl Canonical {
    /// Writes the object that `members` make up.
    fn write_object(&mut self, members: Vec<Member<'_>>) -> Result<(), CanonicalError> {
        let start = self.out.len();
        self.out.push('{');
        let mut parts = Vec::with_capacity(members.len());
        for (key, value) in members {
            self.member(key, &mut parts, |canonical| match value {
                Value::Array(text) | Value::Object(text) => canonical.next(&mut Scanner::new(text)),
                scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_)) => {
                    canonical.scalar(&scalar);
                    Ok(())
                }
            })?;
        }
        self.end_object(start, parts)
    }

    /// Writes the value that begins where `scanner` stands. Recursion is bounded by the depth of JSON that a
    /// scanner takes.
    fn next(&mut self, scanner: &mut Scanner<'_>) -> Result<(), CanonicalError> {
        match scanner.peek_token() {
            Some(b'{') => self.object(scanner),
            Some(b'[') => self.array(scanner),
            _ => {
                let value = scanner.value(0)?;
                self.scalar(&value);
                Ok(())
            }
        }
    }

    fn scalar(&mut self, value: &Value<'_>) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Number(text) => number::write_canonical(text, &mut self.out),
            Value::Text(text) => write_string(text, &mut self.out),
            Value::Array(_) | Value::Object(_) => debug_assert!(false, "arrays and objects are no scalars"),
        }
    }

    fn array(&mut self, scanner: &mut Scanner<'_>) -> Result<(), CanonicalError> {
        self.out.push('[');
        let mut index = 0_usize;
        scanner.elements(|scanner| {
            if index > 0 {
                self.out.push(',');
            }
            self.next(scanner).map_err(|error| error.within_member(&index.to_string()))?;
            index += 1;
            Ok::<(), CanonicalError>(())
        })?;
        self.out.push(']');
        Ok(())
    }

    fn object(&mut self, scanner: &mut Scanner<'_>) -> Result<(), CanonicalError> {
        let start = self.out.len();
        self.out.push('{');
        let mut parts = Vec::new();
        scanner.members(|key, scanner| self.member(key, &mut parts, |canonical| canonical.next(scanner)))?;
        self.end_object(start, parts)
    }

    fn member<'a>(
        &mut self,
        key: Cow<'a, str>,
        parts: &mut Vec<Part<'a>>,
        write_value: impl FnOnce(&mut Self) -> Result<(), CanonicalError>,
    ) -> Result<(), CanonicalError> {
        if !parts.is_empty() {
            self.out.push(',');
        }
        let start = self.out.len();
        write_string(&key, &mut self.out);
        self.out.push(':');
        write_value(self).map_err(|error| error.within_member(&key))?;
        parts.push((key, start..self.out.len()));
        Ok(())
    }

    /// Ends the object that began at `start`, with its members in order.
    fn end_object(&mut self, start: usize, mut parts: Vec<Part<'_>>) -> Result<(), CanonicalError> {
        if !parts.is_sorted_by(|a, b| a.0 < b.0) {
            parts.sort_by(|a, b| a.0.cmp(&b.0));
            let twice = parts.windows(2).find_map(|pair| match pair {
                [a, b] if a.0 == b.0 => Some(&a.0),
                _ => None,
            });
            if let Some(key) = twice {
                return Err(CanonicalError::RepeatedKey(String::new()).within_member(key));
            }
            let sorted: Vec<&str> =
                parts.iter().map(|(_, at)| self.out.get(at.clone()).unwrap_or_default()).collect();
            let sorted = sorted.join(",");
            self.out.truncate(start + 1);
            self.out.push_str(&sorted);
        }
        self.out.push('}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Canonical, CanonicalError, Scanner};

    fn canonical_text(text: &str, pointer: &str) -> Result<String, CanonicalError> {
        let mut canonical = Canonical { out: String::new() };
        canonical.next(&mut Scanner::new(text)).map_err(|error| error.within(pointer))?;
        Ok(canonical.out)
    }

    #[test]
    fn texts_that_say_the_same_are_the_same() {
        let canonical = r#"{"a":[1,{"x":[],"y":{}},"é\n"],"b":{"c":null,"d":true},"~/":0.5}"#;
        for text in [
            canonical,
            r#" { "b" : {"d":true, "c" : null}, "~/" : 5e-1, "a":[1.0 , {"y":{ },"x":[ ]}, "\u00e9\u000a"]} "#,
        ] {
            assert_eq!(canonical_text(text, ""), Ok(canonical.to_owned()));
        }
    }

    #[test]
    fn a_repeated_key_is_pointed_at() {
        for (text, pointer) in [
            (r#"{"a":1,"a":1}"#, "/m/a"),
            (r#"{"b":1,"a":1,"b":2}"#, "/m/b"),
            (r#"[{"a":[0,0,{"~/":1,"~/":1}]}]"#, "/m/0/a/2/~0~1"),
            (r#"{"x":{"a":1},"a":[1],"y":{"b":0,"b":0}}"#, "/m/y/b"),
        ] {
            assert_eq!(canonical_text(text, "/m"), Err(CanonicalError::RepeatedKey(pointer.to_owned())));
        }
    }
}
