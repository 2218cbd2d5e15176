//! JSON in one spelling: keys sorted by their bytes, no blanks, least escapes, numbers as `number` writes
//! them. Two texts that say the same are the same.

use std::borrow::Cow;

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

impl From<Malformed> for CanonicalError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Appends `value` to `out`; `pointer` is where it stands.
pub(crate) fn canonical_value(
    value: &Value<'_>,
    pointer: &str,
    out: &mut String,
) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(text) => number::write_canonical(text, out),
        Value::Text(text) => write_string(text, out),
        Value::Array(text) => canonical_array(text, pointer, out)?,
        Value::Object(text) => {
            let mut scanner = Scanner::new(text);
            let mut members = Vec::new();
            scanner.members(|key, scanner| {
                members.push((key, scanner.value(0)?));
                Ok(())
            })?;
            canonical_object(members, pointer, out)?;
        }
    }
    Ok(())
}

/// Appends the object of `members` to `out`; `pointer` is where it stands.
pub(crate) fn canonical_object(
    mut members: Vec<(Cow<'_, str>, Value<'_>)>,
    pointer: &str,
    out: &mut String,
) -> Result<(), CanonicalError> {
    members.sort_by(|a, b| a.0.cmp(&b.0));
    out.push('{');
    let mut before: Option<&str> = None;
    for (key, value) in &members {
        if before == Some(key) {
            return Err(CanonicalError::RepeatedKey(format!("{pointer}/{}", escape_pointer(key))));
        }
        if before.is_some() {
            out.push(',');
        }
        write_string(key, out);
        out.push(':');
        match value {
            Value::Array(_) | Value::Object(_) => {
                canonical_value(value, &format!("{pointer}/{}", escape_pointer(key)), out)?;
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {
                canonical_value(value, "", out)?
            }
        }
        before = Some(key);
    }
    out.push('}');
    Ok(())
}

fn canonical_array(text: &str, pointer: &str, out: &mut String) -> Result<(), CanonicalError> {
    let mut elements = Vec::new();
    Scanner::new(text).elements(|scanner| {
        elements.push(scanner.value(0)?);
        Ok(())
    })?;
    out.push('[');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        canonical_value(element, &format!("{pointer}/{index}"), out)?;
    }
    out.push(']');
    Ok(())
}

/// A key as a part of a JSON pointer (RFC 6901).
pub(crate) fn escape_pointer(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) {
        Cow::Owned(key.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(key)
    }
}
