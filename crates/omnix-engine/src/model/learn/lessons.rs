//! What all lanes observed in an epoch, and the bytes of it.
//!
//! A model follows from the one before it and from these alone. So it is named by them: the name of model n
//! hashes the name of model n - 1 and what was learnt from, and no model needs to be written down to be named.
//! Whoever keeps lessons instead of models can fold them again, and sees by the name whether they are the ones.
//!
//! Version 1: `version` · until · tallies in the order of lanes (count; lane, tally).

use std::sync::Arc;

use omnix_model::{DecodeError, Lane, Reader, Timestamp, Writer};
use xxhash_rust::xxh3::xxh3_64;

use crate::model::learners::Learners;
use crate::model::{Model, Tally};

const VERSION: u64 = 1;

/// Probabilities as learnt by an epoch.
#[derive(Debug, Clone)]
pub struct Probabilities(pub(super) Arc<Learners>);

/// An epoch as it is folded.
pub(super) struct Epoch<'a> {
    /// What the model that comes out is called.
    pub(super) name: u64,
    /// What the lanes observed, in their order.
    pub(super) tallies: &'a [(Lane, Tally)],
    pub(super) until: Timestamp,
}

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
        self.fold_with(model, || self.learn_probabilities(model))
    }

    /// The same, for who has probabilities learnt meanwhile: `learnt` is asked for what
    /// [`Self::learn_probabilities`] made of the same model, when all else is done.
    #[must_use]
    pub fn fold_with(&self, model: &Model, learnt: impl FnOnce() -> Probabilities) -> Model {
        let epoch = Epoch { name: self.name_after(model), tallies: &self.tallies, until: self.until };
        super::fold(model, &epoch, learnt)
    }

    /// The part of the model that follows `model` which depends on nothing else: a good part of the work.
    #[must_use]
    pub fn learn_probabilities(&self, model: &Model) -> Probabilities {
        let mut learners = Learners::clone(&model.body.learners);
        learners.fold(self.tallies.iter().map(|(_, tally)| &tally.rows), super::end_of(model, self.until));
        Probabilities(Arc::new(learners))
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
