//! What all lanes observed in an epoch, and the bytes of it.
//!
//! A model follows from the one before it and from these alone. So it is named by them: the name of model n
//! hashes the name of model n - 1 and what was learnt from, and no model needs to be written down to be named.
//! Whoever keeps lessons instead of models can fold them again, and sees by the name whether they are the ones.
//!
//! Version 1: `version` · until · tallies in the order of lanes (count; lane, tally).

use omnix_model::{DecodeError, Lane, Reader, Timestamp, Writer};
use xxhash_rust::xxh3::xxh3_64;

use crate::model::{Model, Tally};

const VERSION: u64 = 1;

/// What all lanes observed in an epoch: with the model before it, all that the next model follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct Lessons {
    until: Timestamp,
    tallies: Vec<(Lane, Tally)>,
    bytes: Vec<u8>,
}

impl Lessons {
    /// What lanes observed in an epoch that ended at `until`: in the order of lanes, whatever the order in which
    /// they are handed in; two tallies of one lane in the order in which they stand.
    #[must_use]
    pub fn new(mut tallies: Vec<(Lane, Tally)>, until: Timestamp) -> Self {
        tallies.sort_by_key(|(lane, _)| *lane);
        // In memory a tally takes more than its bytes do.
        let room = tallies.iter().map(|(_, tally)| tally.memory_bytes()).sum();
        let mut out = Writer::append_to(Vec::with_capacity(room));
        out.uint(VERSION);
        out.time(until);
        out.uint(tallies.len() as u64);
        for (lane, tally) in &tallies {
            out.u8(lane.number());
            tally.write(&mut out);
        }
        Self { until, tallies, bytes: out.into_bytes() }
    }

    /// The lessons as bytes: exact, the same lessons give the same bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The lessons that have these bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when no lessons have these bytes.
    pub fn decode(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        let mut from = Reader::new(&bytes);
        match from.uint()? {
            VERSION => {}
            version => return Err(DecodeError::Unknown(version)),
        }
        let until = from.time()?;
        let mut tallies = Vec::new();
        for _ in 0..from.count()? {
            let lane = Lane::new(from.u8()?).ok_or(DecodeError::Invalid("lane"))?;
            tallies.push((lane, Tally::read(&mut from)?));
        }
        if !from.is_empty() || !tallies.is_sorted_by_key(|(lane, _)| *lane) {
            return Err(DecodeError::Invalid("lessons"));
        }
        Ok(Self { until, tallies, bytes })
    }

    /// The model that follows `model` when an epoch taught these lessons.
    #[must_use]
    pub fn fold(&self, model: &Model) -> Model {
        super::fold(model, self.name_after(model), &self.tallies, self.until)
    }

    /// The name of the model that follows `model`: XXH3, 64 bits, of the name of `model`, its limits, and the hash
    /// of these lessons.
    #[must_use]
    pub fn name_after(&self, model: &Model) -> u64 {
        let mut out = Writer::new();
        out.fixed64(model.hash());
        model.limits().encode(&mut out);
        out.fixed64(xxh3_64(&self.bytes));
        xxh3_64(out.as_bytes())
    }
}
