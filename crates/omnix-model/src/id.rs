//! Ids that come from outside: of customers, products, orders and events.
//!
//! Each is 1 to 256 bytes (an event's 128) of NFC text without control characters. They are never changed
//! on the way in: what is not well-formed is refused.

use std::borrow::Borrow;
use std::fmt;

use smol_str::SmolStr;
use unicode_normalization::is_nfc;

use crate::limits::{EVENT_ID_BYTES_MAX, ID_BYTES_MAX};

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// No byte.
    #[error("must not be empty")]
    Empty,
    /// More bytes than allowed.
    #[error("must not be longer than {max} bytes")]
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// A control character.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// Not in Unicode's normalisation form C.
    #[error("must be in Unicode normalisation form C (NFC)")]
    NotNfc,
}

fn check(text: &str, max: usize) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > max {
        return Err(IdError::TooLong { max });
    }
    // Nearly all of them; looked at to the end, without a branch a byte.
    if text.bytes().fold(true, |is_plain, byte| is_plain & matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    if text.chars().any(char::is_control) {
        return Err(IdError::ControlCharacter);
    }
    if is_nfc(text) { Ok(()) } else { Err(IdError::NotNfc) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// The id `text`, when it is well-formed.
            ///
            /// # Errors
            /// [`IdError`] says what is wrong with it.
            pub fn new(text: &str) -> Result<Self, IdError> {
                check(text, $max)?;
                Ok(Self(SmolStr::new(text)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = IdError;
            fn try_from(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
    };
}

id!(
    /// A customer, as the retailer names them.
    CustomerId,
    ID_BYTES_MAX
);
id!(
    /// A product, as the retailer names it.
    ProductId,
    ID_BYTES_MAX
);
id!(
    /// An order: the lines that were bought together.
    OrderId,
    ID_BYTES_MAX
);
id!(
    /// An event of one customer: with the customer's id it is the identity under which an event counts once.
    ///
    /// A client's own is at most 128 bytes; so are those that the server makes.
    EventId,
    EVENT_ID_BYTES_MAX
);
