//! A lane: where it stands, and under what it is applied.
//!
//! Everything that decides what a record comes to mean beside the customer's own state: the lane's time, the
//! model, the settings and the version of the engine last read from the log.

use std::sync::Arc;

use omnix_engine::{Model, Observation, Settings, Tally};
use omnix_model::{DecodeError, Lane, Position, Reader, Timestamp, Writer};

use crate::shell::read_position;
use crate::timers::Timers;

const VERSION: u8 = 1;

/// A lane as stored. It is written behind the states of its customers: a group that is applied again finds
/// the lane as it stood before the group.
///
/// # Format, version 1
/// `version u8`, `position 12 bytes`, then the other fields in order: times and counts as varints, hashes as
/// eight bytes; `epoch_began` is 0 for none, else ms + 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LaneRow {
    /// The last record applied in the lane.
    pub position: Position,
    /// The lane's time.
    pub now: Timestamp,
    /// The epoch that the lane is in.
    pub epoch: u64,
    /// When that epoch began; none before the lane's first record.
    pub epoch_began: Option<Timestamp>,
    /// The number of the model in force; 0 is the seed.
    pub model: u64,
    /// The hash of that model; 0 for the seed.
    pub model_hash: u64,
    /// The hash of the settings in force; 0 for the defaults.
    pub settings: u64,
    /// The version of the engine in force; 0 before the first was named.
    pub engine: u32,
}

impl LaneRow {
    /// The row as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::append_to(Vec::with_capacity(64));
        out.u8(VERSION);
        out.raw(&self.position.to_bytes());
        out.time(self.now);
        out.uint(self.epoch);
        out.uint(self.epoch_began.map_or(0, |began| began.ms().unsigned_abs() + 1));
        out.uint(self.model);
        out.fixed64(self.model_hash);
        out.fixed64(self.settings);
        out.uint(u64::from(self.engine));
        out.into_bytes()
    }

    /// The row that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            VERSION => {}
            version => return Err(DecodeError::Unknown(u64::from(version))),
        }
        Ok(Self {
            position: read_position(&mut reader)?,
            now: reader.time()?,
            epoch: reader.uint()?,
            epoch_began: match reader.uint()? {
                0 => None,
                began => Some(Timestamp::from_ms_clamped(
                    i64::try_from(began - 1).or(Err(DecodeError::Invalid("time")))?,
                )),
            },
            model: reader.uint()?,
            model_hash: reader.fixed64()?,
            settings: reader.fixed64()?,
            engine: u32::try_from(reader.uint()?).or(Err(DecodeError::Invalid("version")))?,
        })
    }
}

/// A lane as its shard holds it.
#[derive(Debug)]
pub(crate) struct LaneState {
    pub(crate) lane: Lane,
    pub(crate) row: LaneRow,
    pub(crate) timers: Timers,
    /// The model in force.
    pub(crate) model: Arc<Model>,
    /// The settings in force.
    pub(crate) settings: Arc<Settings>,
    /// What was observed in the epoch that the lane is in.
    pub(crate) tally: Tally,
    /// What was observed since the last commit and the last end of epoch.
    pub(crate) observed: Vec<Observation>,
    /// What was observed in epochs that ended since the last commit: the epoch, where it ended, and what.
    pub(crate) observed_before: Vec<(u64, Position, Vec<Observation>)>,
    /// The rows of what was observed and is not learnt: epoch and key, in order.
    pub(crate) observed_rows: Vec<(u64, Vec<u8>)>,
    /// Whether the row changed since the last commit.
    pub(crate) is_dirty: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnix_model::LogId;

    #[test]
    fn a_row_comes_back_and_a_cut_one_does_not() {
        let row = LaneRow {
            position: Position { log: LogId(2), frame: 300, slot: 4 },
            now: Timestamp::from_ms_clamped(1_767_225_600_123),
            epoch: 3,
            epoch_began: Some(Timestamp::from_ms_clamped(0)),
            model: 3,
            model_hash: u64::MAX,
            settings: 9,
            engine: 1,
        };
        let bytes = row.encode();
        assert_eq!(LaneRow::decode(&bytes), Ok(row));
        for cut in 0..bytes.len() {
            assert!(LaneRow::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
