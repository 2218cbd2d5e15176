//! What all customers teach: tallies by lane, a model a day, each in force a day later.
//!
//! The model of a day is learnt on a thread of its own while the next day is applied, as in an import; it comes
//! into force at a midnight, never in between, so that nothing depends on how fast the thread is.

use std::collections::BTreeMap;
use std::thread::JoinHandle;

use omnix_engine::{Model, Observation, Tally, learn};
use omnix_model::{Lane, Timestamp};

use crate::failure::Failure;

/// Model, tallies, and the model that is being learnt.
#[derive(Debug)]
pub(super) struct Learning {
    /// The model in force.
    model: Model,
    /// The model that comes into force at the next midnight.
    next: Option<JoinHandle<Model>>,
    /// What was observed since the last midnight.
    tallies: BTreeMap<Lane, Tally>,
    /// The latest event since the last midnight; none on a day without events.
    last_event_at: Option<Timestamp>,
}

impl Learning {
    pub(super) fn new() -> Self {
        Self { model: Model::seed(), next: None, tallies: BTreeMap::new(), last_event_at: None }
    }

    /// The model in force.
    pub(super) const fn model(&self) -> &Model {
        &self.model
    }

    /// Notes that something happens today.
    pub(super) fn note_event(&mut self, at: Timestamp) {
        self.last_event_at = self.last_event_at.max(Some(at));
    }

    /// Takes in what a record of `lane` taught.
    pub(super) fn absorb(&mut self, lane: Lane, observations: &[Observation]) {
        if !observations.is_empty() {
            self.tallies.entry(lane).or_default().absorb(observations);
        }
    }

    /// A day has ended: the model of the day before it comes into force, and the day itself is learnt from.
    pub(super) fn turn_day(&mut self) -> Result<(), Failure> {
        if let Some(next) = self.next.take() {
            self.model = next.join().map_err(|_panic| anyhow::anyhow!("a model could not be learnt"))?;
        }
        if let Some(until) = self.last_event_at.take() {
            let model = self.model.clone();
            let tallies: Vec<(Lane, Tally)> = std::mem::take(&mut self.tallies).into_iter().collect();
            self.next = Some(std::thread::spawn(move || learn(&model, &tallies, until)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_s_model_is_in_force_a_day_later_and_a_day_without_events_teaches_nothing() {
        let mut learning = Learning::new();
        let mut numbers = Vec::new();
        for has_events in [true, true, false, false, true, false] {
            if has_events {
                learning.note_event(Timestamp::from_ms_clamped(5));
            }
            learning.turn_day().unwrap();
            numbers.push(learning.model().number());
        }
        assert_eq!(numbers, [0, 1, 2, 2, 2, 3]);
    }
}
