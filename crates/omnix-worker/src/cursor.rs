//! Opaque cursors: where a page of a list ended, and where a reader of the feed stands.
//!
//! Letters, digits, `-` and `_` only, so that they stand in an address and in a header as they are.

use std::fmt::Write as _;
use std::str::FromStr;

use omnix_model::{LogId, Position};

/// Why a cursor is not one that we gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor that this list gave")]
pub struct InvalidCursor;

/// The longest cursor that is read.
const CURSOR_BYTES_MAX: usize = 2_048;

/// A key of the store as a cursor: the list's letter, and hexadecimal digits.
#[must_use]
pub(crate) fn encode_key(list: char, key: &[u8]) -> String {
    let mut text = String::with_capacity(1 + 2 * key.len());
    text.push(list);
    for byte in key {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The key that [`encode_key`] wrote for the same list.
///
/// # Errors
/// [`InvalidCursor`] for anything else.
pub(crate) fn decode_key(list: char, cursor: &str) -> Result<Vec<u8>, InvalidCursor> {
    let digits =
        cursor.strip_prefix(list).filter(|_| cursor.len() <= CURSOR_BYTES_MAX).ok_or(InvalidCursor)?;
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(InvalidCursor),
    };
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(InvalidCursor);
    }
    pairs.iter().map(|&[high, low]| Ok(digit(high)? << 4 | digit(low)?)).collect()
}

/// Where a reader of the feed stands: behind one message of each log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedCursor {
    /// The last message read of each log, by log.
    read: Vec<(Position, u16)>,
}

impl FeedCursor {
    /// The last message read of `log`.
    #[must_use]
    pub fn of_log(&self, log: LogId) -> Option<(Position, u16)> {
        self.read.iter().copied().find(|(at, _)| at.log == log)
    }

    /// Whether the message was read.
    #[must_use]
    pub fn covers(&self, at: Position, index: u16) -> bool {
        self.of_log(at.log).is_some_and(|read| (at, index) <= read)
    }

    /// Notes that the message, and all before it in its log, was read.
    pub fn advance(&mut self, at: Position, index: u16) {
        match self.read.iter_mut().find(|(read, _)| read.log == at.log) {
            Some(entry) => *entry = (at, index).max(*entry),
            None => {
                self.read.push((at, index));
                self.read.sort_unstable();
            }
        }
    }
}

/// `log-frame-slot-index` in decimal for each log, joined by `_`; `0` for the very start.
impl std::fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.read.is_empty() {
            return f.write_str("0");
        }
        for (i, (at, index)) in self.read.iter().enumerate() {
            let joint = if i == 0 { "" } else { "_" };
            write!(f, "{joint}{}-{}-{}-{index}", at.log.0, at.frame, at.slot)?;
        }
        Ok(())
    }
}

impl FromStr for FeedCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut cursor = Self::default();
        if text == "0" {
            return Ok(cursor);
        }
        if text.len() > CURSOR_BYTES_MAX {
            return Err(InvalidCursor);
        }
        for part in text.split('_') {
            let (place, index) = part.rsplit_once('-').ok_or(InvalidCursor)?;
            let at: Position = place.parse().or(Err(InvalidCursor))?;
            if cursor.of_log(at.log).is_some() || !index.bytes().all(|b| b.is_ascii_digit()) {
                return Err(InvalidCursor);
            }
            cursor.advance(at, index.parse().or(Err(InvalidCursor))?);
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(log: u16, frame: u64, slot: u16) -> Position {
        Position { log: LogId(log), frame, slot }
    }

    #[test]
    fn a_key_comes_back_only_to_its_own_list() {
        let cursor = encode_key('i', &[0, 255, 16]);
        assert_eq!(cursor, "i00ff10");
        assert_eq!(decode_key('i', &cursor), Ok(vec![0, 255, 16]));
        for wrong in ["", "i0", "ig0", "j00", "i00FF", "%00"] {
            assert_eq!(decode_key('i', wrong), Err(InvalidCursor), "{wrong}");
        }
    }

    #[test]
    fn a_feed_cursor_comes_back_and_covers_what_was_read() {
        let mut cursor = FeedCursor::default();
        assert_eq!(cursor.to_string(), "0");
        cursor.advance(at(2, 7, 3), 1);
        cursor.advance(at(1, 9, 0), 0);
        cursor.advance(at(2, 7, 2), 5);
        assert_eq!(cursor.to_string(), "1-9-0-0_2-7-3-1");
        assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
        assert!(
            cursor.covers(at(2, 7, 3), 1) && cursor.covers(at(2, 7, 3), 0) && cursor.covers(at(2, 1, 9), 9)
        );
        assert!(!cursor.covers(at(2, 7, 3), 2) && !cursor.covers(at(3, 0, 0), 0));
        for wrong in ["", "1-2-3", "1-2-3-x", "1-2-3-4_1-2-3-4", "1--3-4", "+1-2-3-4"] {
            assert_eq!(wrong.parse::<FeedCursor>(), Err(InvalidCursor), "{wrong}");
        }
    }
}
