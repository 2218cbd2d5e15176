//! A JSON array of events, read item by item: each is taken or refused on its own.

use std::ops::Range;

use omnix_model::limits::{BATCH_EVENTS_MAX, EVENT_BYTES_MAX};
use omnix_model::{ErrorCode, Fault};

use crate::event::{ParseSettings, Parsed, Refused, parse_next};
use crate::json::{Malformed, Scanner, text_of};

/// One item of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchItem {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Where it stands in the body.
    pub bytes: Range<usize>,
    /// The event, or why it is none.
    pub outcome: Result<Parsed, Refused>,
}

/// Why a body is no batch at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Not JSON: nothing of it can be trusted.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// JSON, but no array.
    #[error("a batch must be an array of events")]
    NotAnArray,
    /// An array without items.
    #[error("a batch must have at least one event")]
    Empty,
    /// More items than allowed.
    #[error("a batch must not have more than {BATCH_EVENTS_MAX} events")]
    TooMany,
}

impl BatchError {
    /// The fault, for the answer.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let code = match self {
            Self::Malformed(_) => ErrorCode::MalformedJson,
            Self::NotAnArray => ErrorCode::WrongType,
            Self::Empty => ErrorCode::OutOfRange,
            Self::TooMany => ErrorCode::TooLarge,
        };
        Fault::new("", code, self.to_string())
    }
}

/// Reads the items of `body` in order and answers how many there are: 1 to `BATCH_EVENTS_MAX`.
///
/// # Errors
/// [`BatchError`] when the body is no batch; `each` may have seen items by then, which are to be forgotten.
pub fn parse_batch(
    body: &[u8],
    settings: &ParseSettings,
    mut each: impl FnMut(BatchItem),
) -> Result<usize, BatchError> {
    let mut scanner = Scanner::new(text_of(body)?);
    if scanner.peek_token() != Some(b'[') {
        drop(scanner.value(0)?);
        scanner.expect_end()?;
        return Err(BatchError::NotAnArray);
    }
    let mut count = 0_usize;
    scanner.elements(|scanner| {
        // Behind the last item that is allowed only the syntax is looked at.
        if count >= BATCH_EVENTS_MAX {
            count += 1;
            return scanner.value(0).map(drop);
        }
        scanner.skip_blanks();
        let start = scanner.offset();
        let outcome = parse_next(scanner, settings)?;
        let bytes = start..scanner.offset();
        let outcome = if bytes.len() > EVENT_BYTES_MAX { Err(Refused::too_large()) } else { outcome };
        each(BatchItem { index: count, bytes, outcome });
        count += 1;
        Ok(())
    })?;
    scanner.expect_end()?;
    match count {
        0 => Err(BatchError::Empty),
        1..=BATCH_EVENTS_MAX => Ok(count),
        _ => Err(BatchError::TooMany),
    }
}
