//! JSON as this product reads and writes it: exact numbers, limited depth, no intermediate tree.
//!
//! The scanner borrows from the body; numbers stay text until somebody knows what they are. Not a general
//! library: it reads complete texts, and strings that are no Unicode text (lone surrogates) are malformed.

mod canonical;
mod number;
mod scanner;
mod writer;

pub(crate) use canonical::{CanonicalError, Member, canonical_object};
pub(crate) use scanner::{Scanner, Value};
pub use writer::{JsonWriter, write_string};

/// A body that is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at line {line}, column {column}: {reason}")]
pub struct Malformed {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What was wrong there: lower case, without a full stop.
    pub reason: &'static str,
}

impl Malformed {
    /// The fault `reason` at byte `offset` of `bytes`.
    pub(crate) fn at(bytes: &[u8], offset: usize, reason: &'static str) -> Self {
        let before = bytes.get(..offset).unwrap_or(bytes);
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let in_line = before.get(line_start..).unwrap_or_default();
        // Continuation bytes of UTF-8 are no characters of their own.
        let column = in_line.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() + 1;
        Self { line, column, reason }
    }
}

/// `bytes` as text.
///
/// # Errors
/// [`Malformed`] where they are not UTF-8.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes)
        .map_err(|error| Malformed::at(bytes, error.valid_up_to(), "the text is not UTF-8"))
}
