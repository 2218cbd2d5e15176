//! Instants, as the product counts them: milliseconds since 1970-01-01T00:00:00Z.
//!
//! Deliberately without a clock: `now` is always an argument.

mod rfc3339;

use std::fmt;
use std::str::FromStr;

/// An instant in milliseconds since the Unix epoch, UTC, within the years 1970 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Whose time a block of the log is stamped with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clock {
    /// The wall clock's: all its records take effect at the block's `now`.
    Live,
    /// History's (import): an event takes effect at its own time, or at its lane's where that is later.
    History,
}

impl Clock {
    /// The stable number under which it is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Live => 0,
            Self::History => 1,
        }
    }

    /// The clock stored under `number`.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Live, Self::History].into_iter().find(|clock| clock.number() == number)
    }
}

/// Why a text is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("must be an RFC 3339 time such as `2026-01-05T10:00:00Z`")]
    Malformed,
    /// RFC 3339 but for the missing offset.
    #[error("must carry an offset: end it with `Z` or `+01:00`")]
    WithoutOffset,
    /// Outside of the years 1970 to 9999.
    #[error("must lie between the years 1970 and 9999")]
    OutOfRange,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);
    /// Milliseconds of a day of 24 hours.
    pub const DAY_MS: i64 = 86_400_000;
    /// Milliseconds of an hour.
    pub const HOUR_MS: i64 = 3_600_000;

    /// The instant `ms` milliseconds after 1970, clamped to the legal range.
    #[must_use]
    pub const fn from_ms_clamped(ms: i64) -> Self {
        if ms < Self::MIN.0 {
            Self::MIN
        } else if ms > Self::MAX.0 {
            Self::MAX
        } else {
            Self(ms)
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// This instant moved by `ms` milliseconds, clamped to the legal range.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms_clamped(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative when `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// The number of whole UTC days since 1970.
    #[must_use]
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(Self::DAY_MS)
    }

    /// The number of whole hours since 1970.
    #[must_use]
    pub const fn hour(self) -> i64 {
        self.0.div_euclid(Self::HOUR_MS)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rfc3339::write(*self, f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        rfc3339::parse(text)
    }
}
