//! What is common to all customers: priors, popularity, co-occurrence, thresholds.
//!
//! A [`Model`] is an immutable numbered snapshot. Lanes collect what they observe in a [`Tally`]; at the end
//! of an epoch [`learn`] folds the tallies of all lanes, in lane order, into the next model.

use omnix_model::{DecodeError, Lane, Timestamp};

/// An immutable numbered snapshot of what is common to all customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    number: u64,
}

impl Model {
    /// Model 0: what is believed before anything was seen.
    #[must_use]
    pub const fn seed() -> Self {
        Self { number: 0 }
    }

    /// Its number: 0 is the seed, each fold adds one.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The whole model as bytes, from which [`learn`] can go on.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.number.to_le_bytes().to_vec()
    }

    /// The model that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a model.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let number = bytes.first_chunk().copied().map(u64::from_le_bytes).ok_or(DecodeError::Truncated)?;
        Ok(Self { number })
    }
}

/// One thing that a record teaches about all customers.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {}

/// What one lane observed in one epoch: sufficient statistics and bounded samples, never gradients.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {}

impl Tally {
    /// Adds what a record taught.
    pub fn absorb(&mut self, observations: &[Observation]) {
        let _: &[Observation] = observations;
    }

    /// Whether nothing was observed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        true
    }

    /// The tally as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The tally that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a tally.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.is_empty() { Ok(Self {}) } else { Err(DecodeError::Invalid("tally")) }
    }
}

/// The model that follows `model` when an epoch that ended at `until` taught `tallies`, in lane order.
#[must_use]
pub fn learn(model: &Model, tallies: &[(Lane, Tally)], until: Timestamp) -> Model {
    let _: (&[(Lane, Tally)], Timestamp) = (tallies, until);
    Model { number: model.number + 1 }
}
