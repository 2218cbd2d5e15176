//! Where a record stands in a log: opaque to users, ordered within one log, with gaps.

use std::fmt;
use std::str::FromStr;

/// One shard's log under one number of shards; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogId(pub u16);

/// The place of one record: log, frame, slot within the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The log.
    pub log: LogId,
    /// The frame, counted from 1; 0 stands before all frames.
    pub frame: u64,
    /// The slot within the frame.
    pub slot: u16,
}

impl Position {
    /// Bytes of a stored position.
    pub const BYTES: usize = 12;

    /// The position before the first record of `log`.
    #[must_use]
    pub const fn start(log: LogId) -> Self {
        Self { log, frame: 0, slot: 0 }
    }

    /// The position as 12 bytes, big-endian, so that bytes sort as positions do.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let [l0, l1] = self.log.0.to_be_bytes();
        let [f0, f1, f2, f3, f4, f5, f6, f7] = self.frame.to_be_bytes();
        let [s0, s1] = self.slot.to_be_bytes();
        [l0, l1, f0, f1, f2, f3, f4, f5, f6, f7, s0, s1]
    }

    /// The position that [`Self::to_bytes`] wrote.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [l0, l1, f0, f1, f2, f3, f4, f5, f6, f7, s0, s1] = bytes;
        Self {
            log: LogId(u16::from_be_bytes([l0, l1])),
            frame: u64::from_be_bytes([f0, f1, f2, f3, f4, f5, f6, f7]),
            slot: u16::from_be_bytes([s0, s1]),
        }
    }
}

/// `log-frame-slot` in decimal, zero-padded so that texts of one log sort as positions do.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}-{:020}-{:05}", self.log.0, self.frame, self.slot)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let (Some(log), Some(frame), Some(slot), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(());
        };
        let number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
        if ![log, frame, slot].into_iter().all(number) {
            return Err(());
        }
        let (Ok(log), Ok(frame), Ok(slot)) = (log.parse(), frame.parse(), slot.parse()) else {
            return Err(());
        };
        Ok(Self { log: LogId(log), frame, slot })
    }
}
