//! Which call is to fail, and how; and the dice by which everything else is decided.

use std::io;

/// A source of pseudo-random numbers: splitmix64.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The sequence that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll().checked_rem(end).unwrap_or_default()
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A kind of call to a [`SimDisk`](super::SimDisk) that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimCall {
    /// Any of those below.
    Any,
    /// A file is made.
    Create,
    /// Bytes are written.
    Write,
    /// Space is taken.
    Allocate,
    /// A file's length is set.
    Resize,
    /// A file is synced.
    Sync,
    /// A directory is synced.
    SyncDir,
    /// A file gets another name.
    Rename,
    /// A name is taken away.
    Remove,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimFault {
    /// No space; of a write, half of the bytes are written first.
    NoSpace,
    /// An input or output error.
    Io,
    /// The call is interrupted before it does anything.
    Interrupted,
    /// The power fails: this call is done or not, and nothing works until it comes back.
    PowerLoss,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    pub(super) call: SimCall,
    pub(super) left: u64,
    pub(super) fault: SimFault,
}

/// What became of a call that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// It was done, and nobody was there any more to hear of it.
    DoneUnheard,
}

impl Outcome {
    pub(super) fn answer(self) -> io::Result<()> {
        if self == Self::Done { Ok(()) } else { Err(power_is_off()) }
    }
}

pub(super) fn error_of(fault: SimFault) -> io::Error {
    match fault {
        SimFault::NoSpace => io::ErrorKind::StorageFull.into(),
        SimFault::Io => io::Error::other("simulated input/output error"),
        SimFault::Interrupted => io::ErrorKind::Interrupted.into(),
        SimFault::PowerLoss => power_is_off(),
    }
}

pub(super) fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}
