//! A history of events, one a line, in the form of the HTTP contract: `--format ndjson`.
//!
//! Any year from 1970 is accepted; no clock is looked at unless the settings carry one.

use std::io::{self, BufRead};

use omnix_model::limits::EVENT_BYTES_MAX;

use crate::event::{ParseSettings, Parsed, Refused};
use crate::ndjson::{Line, parse_line};

/// One line that is not blank.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryLine {
    /// Its number in the file, from 1, blank ones counted.
    pub number: u64,
    /// The event, or why it is none.
    pub outcome: Result<Parsed, Refused>,
}

/// Reads a history line by line.
#[derive(Debug)]
pub struct NdjsonHistory<R> {
    input: R,
    settings: ParseSettings,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> NdjsonHistory<R> {
    /// The history that `input` holds. `settings.now` should be [`omnix_model::Timestamp::MAX`], so that no
    /// event is ahead of it.
    pub const fn new(input: R, settings: ParseSettings) -> Self {
        Self { input, settings, line: Vec::new(), number: 0 }
    }

    /// Reads up to the end of the line, of which at most `EVENT_BYTES_MAX` and its end are kept; `false` at
    /// the end of the input.
    fn fill(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let mut is_too_long = false;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok((!self.line.is_empty() || is_too_long).then_some(is_too_long));
            }
            let end = memchr::memchr(b'\n', chunk);
            let (used, _) =
                chunk.split_at_checked(end.map_or(chunk.len(), |end| end + 1)).unwrap_or((chunk, &[]));
            // The line's end may be two bytes more.
            if self.line.len() + used.len() <= EVENT_BYTES_MAX + 2 {
                self.line.extend_from_slice(used);
            } else {
                is_too_long = true;
            }
            let len = used.len();
            self.input.consume(len);
            if end.is_some() {
                return Ok(Some(is_too_long));
            }
        }
    }
}

impl<R: BufRead> Iterator for NdjsonHistory<R> {
    type Item = io::Result<HistoryLine>;

    fn next(&mut self) -> Option<io::Result<HistoryLine>> {
        loop {
            let is_too_long = match self.fill() {
                Ok(Some(is_too_long)) => is_too_long,
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            };
            self.number += 1;
            let line = self.line.as_slice();
            // Some editors begin a file with a byte order mark; it is no part of the first line.
            let line = match line.strip_prefix(b"\xef\xbb\xbf") {
                Some(rest) if self.number == 1 => rest,
                _ => line,
            };
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !is_too_long && line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let is_too_long = is_too_long || line.len() > EVENT_BYTES_MAX;
            let line = if is_too_long { Line::TooLong } else { Line::Bytes(line) };
            let outcome = parse_line(line, &self.settings);
            return Some(Ok(HistoryLine { number: self.number, outcome }));
        }
    }
}
