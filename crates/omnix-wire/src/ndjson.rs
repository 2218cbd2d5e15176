//! One event a line, as the bytes arrive: lines are cut from chunks of any size.
//!
//! Blank lines are skipped, `\r\n` ends a line as `\n` does, the last line needs no end. Memory is bounded by
//! the longest line that is allowed.

use std::ops::ControlFlow;

use omnix_model::limits::EVENT_BYTES_MAX;
use omnix_model::{ErrorCode, Fault};

use crate::event::{ParseSettings, Parsed, Refused, parse_event};

/// A line that is not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// The line, without its end.
    Bytes(&'a [u8]),
    /// A line of more than `EVENT_BYTES_MAX` bytes, thrown away.
    TooLong,
}

/// Cuts chunks into lines.
#[derive(Debug, Default)]
pub struct NdjsonSplitter {
    /// The line that has begun, as far as it arrived.
    begun: Vec<u8>,
    /// Whether that line is already too long: the rest of it is thrown away.
    is_too_long: bool,
}

impl NdjsonSplitter {
    /// Nothing arrived yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `each` for every line that `chunk` completes, until it breaks; after a break the splitter must
    /// not be used again.
    pub fn push<B>(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(Line<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = behind.get(1..).unwrap_or_default();
            if self.begun.is_empty() && !self.is_too_long {
                visit(line, &mut each)?;
            } else {
                self.extend(line);
                self.end_line(&mut each)?;
            }
        }
        self.extend(rest);
        ControlFlow::Continue(())
    }

    /// Calls `each` for the last line, when it did not end.
    pub fn finish<B>(&mut self, mut each: impl FnMut(Line<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
        self.end_line(&mut each)
    }

    fn extend(&mut self, bytes: &[u8]) {
        // One byte more than allowed: a `\r` at the end does not count.
        if self.begun.len() + bytes.len() > EVENT_BYTES_MAX + 1 {
            self.is_too_long = true;
            self.begun.clear();
        }
        if !self.is_too_long {
            self.begun.extend_from_slice(bytes);
        }
    }

    fn end_line<B>(&mut self, each: &mut impl FnMut(Line<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
        let outcome = if self.is_too_long { each(Line::TooLong) } else { visit(&self.begun, each) };
        self.is_too_long = false;
        self.begun.clear();
        outcome
    }
}

fn visit<B>(line: &[u8], each: &mut impl FnMut(Line<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > EVENT_BYTES_MAX {
        return each(Line::TooLong);
    }
    if line.iter().all(u8::is_ascii_whitespace) {
        return ControlFlow::Continue(());
    }
    each(Line::Bytes(line))
}

/// Reads the event of one line; what is no JSON is a fault of this line alone.
///
/// # Errors
/// [`Refused`], with every fault.
pub fn parse_line(line: Line<'_>, settings: &ParseSettings) -> Result<Parsed, Refused> {
    let Line::Bytes(bytes) = line else { return Err(Refused::too_large()) };
    parse_event(bytes, settings).unwrap_or_else(|malformed| {
        let detail = format!("not JSON at column {}: {}", malformed.column, malformed.reason);
        Err(Refused::of(Fault::new("", ErrorCode::MalformedJson, detail)))
    })
}
