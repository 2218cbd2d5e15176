//! The trainer: ends epochs, folds what all lanes observed into the next model, orders it into force.
//!
//! A state machine that is told what lanes did and says what they are to do; `stream` gives it a thread, and
//! `folding` one to each fold. It decides when an epoch ends, and nothing else: what a model is follows from the log
//! alone.

mod fallback;
mod folding;

use std::collections::BTreeMap;
use std::sync::Arc;

use omnix_engine::{Lessons, Tally};
use omnix_model::limits::LANES;
use omnix_model::{Lane, Timestamp};

use crate::models::{Announced, ModelError, Models};
use folding::Folding;

/// The first epoch of a young shop, in milliseconds; each is twice as long as the last.
const FIRST_EPOCH_MS: i64 = 5_000;
/// An epoch at the longest.
const EPOCH_MS_MAX: i64 = Timestamp::HOUR_MS;
/// Models kept whatever their age.
const MODELS_KEPT: u64 = 48;

/// What a lane observed in an epoch that ended.
#[derive(Debug)]
pub(crate) struct Lesson {
    pub(crate) lane: Lane,
    pub(crate) epoch: u64,
    pub(crate) tally: Tally,
    /// The lane's time at the end of the epoch.
    pub(crate) until: Timestamp,
}

/// What the trainer is told.
#[derive(Debug)]
pub(crate) enum Told {
    /// Lanes ended an epoch.
    Lessons(Vec<Lesson>),
    /// Lanes work with these models from now on.
    InForce(Vec<(Lane, u64)>),
}

/// What the shards are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// End this epoch in every lane.
    EndEpoch(u64),
    /// Bring this model into force in every lane.
    Model { number: u64, hash: u64 },
    /// Know that this model is learnt: history brings it into force at the end of the next day.
    Learnt { number: u64, hash: u64 },
}

/// A model of a history that is named, and being folded.
struct Fold {
    folding: Folding,
    /// Until it is dropped, whoever needs the model waits.
    announced: Announced,
}

/// The trainer.
pub(crate) struct Trainer {
    models: Arc<Models>,
    /// Tallies of epochs that not all lanes have ended.
    lessons: BTreeMap<u64, BTreeMap<Lane, (Tally, Timestamp)>>,
    /// The model of each lane.
    in_force: Vec<u64>,
    /// The epoch that is under way.
    epoch: u64,
    /// The epoch of the lane that is furthest behind, at the start.
    oldest_epoch: u64,
    began: Option<Timestamp>,
    /// Whether days of a history end the epochs, and models come into force a day later.
    is_history: bool,
    /// The epoch whose end was ordered and whose model is not in force everywhere.
    ordered: Option<u64>,
    /// The model that all lanes of a history are to work with before anything is taken.
    awaited: u64,
    /// Models before this one are gone.
    pruned_below: u64,
    to_fold: Option<Fold>,
}

impl Trainer {
    /// A trainer of lanes that stand in `epoch`, which began at `began`, and work with these models.
    pub(crate) fn new(
        models: Arc<Models>,
        epoch: u64,
        began: Option<Timestamp>,
        lanes: impl IntoIterator<Item = (Lane, u64)>,
    ) -> Self {
        let mut in_force = vec![0; LANES];
        for (lane, number) in lanes {
            if let Some(place) = in_force.get_mut(lane.index()) {
                *place = number;
            }
        }
        Self {
            models,
            lessons: BTreeMap::new(),
            in_force,
            epoch,
            oldest_epoch: epoch,
            began,
            is_history: false,
            ordered: None,
            awaited: 0,
            pruned_below: 0,
            to_fold: None,
        }
    }

    /// A trainer of lanes of which some still stand in `oldest_epoch`.
    pub(crate) const fn behind_from(mut self, oldest_epoch: u64) -> Self {
        self.oldest_epoch = oldest_epoch;
        self
    }

    /// A trainer of a history: its days end the epochs.
    pub(crate) const fn of_history(mut self, is_history: bool) -> Self {
        self.is_history = is_history;
        self
    }

    /// What is left of the time before the process ended: an epoch that some lanes have ended and others have
    /// not, a model that is not in force everywhere, an epoch that ended and is not learnt from.
    ///
    /// A day of a history that only some shards have ended is left to the importer: the others have not taken
    /// the whole of it.
    pub(crate) fn resume(&mut self) -> Result<Vec<Order>, ModelError> {
        let mut orders = Vec::new();
        let newest = self.in_force.iter().copied().max().unwrap_or(0);
        if self.is_history && self.oldest_epoch < self.epoch {
            // It comes into force where that day is yet to end.
            if newest > 0 {
                orders.push(self.order_learnt(newest)?);
            }
            self.lessons.retain(|epoch, _| *epoch >= newest);
        } else {
            orders.extend((self.oldest_epoch..self.epoch).map(Order::EndEpoch));
            let due = newest.max(self.due_in_history());
            if self.oldest_in_force() < due {
                orders.push(self.order_model(due)?);
                self.ordered = Some(due - 1);
                self.awaited = due;
            } else if let Some(&epoch) = self.lessons.keys().next() {
                self.ordered = Some(epoch);
            }
        }
        let whole: Vec<u64> =
            self.lessons.iter().filter(|(_, of)| of.len() == LANES).map(|(epoch, _)| *epoch).collect();
        for epoch in whole {
            orders.extend(self.learn(epoch)?);
        }
        Ok(orders)
    }

    /// The model that every lane of a history has, once all have ended the same days.
    const fn due_in_history(&self) -> u64 {
        if self.is_history { self.epoch.saturating_sub(1) } else { 0 }
    }

    fn oldest_in_force(&self) -> u64 {
        self.in_force.iter().copied().min().unwrap_or(0)
    }

    /// Takes what a lane says.
    pub(crate) fn tell(&mut self, told: Told) -> Result<Option<Order>, ModelError> {
        match told {
            Told::Lessons(lessons) => {
                lessons.into_iter().for_each(|lesson| self.note(lesson));
                // A lane ends no epoch before the model of the last but one is learnt: at most one is whole.
                let whole = self.lessons.iter().find(|(_, of)| of.len() == LANES);
                if let Some((&epoch, _)) = whole {
                    return self.learn(epoch);
                }
            }
            Told::InForce(in_force) => {
                for (lane, number) in in_force {
                    if let Some(place) = self.in_force.get_mut(lane.index()) {
                        *place = number.max(*place);
                    }
                }
                let oldest = self.oldest_in_force();
                self.models.let_go_below(oldest);
                // Some lanes may have told of an epoch that was learnt from before the process died.
                self.lessons.retain(|epoch, _| *epoch >= oldest);
                if self.ordered.is_some_and(|epoch| oldest > epoch) {
                    self.ordered = None;
                }
            }
        }
        Ok(None)
    }

    /// Notes a tally without folding it: for those found at the start.
    pub(crate) fn note(&mut self, lesson: Lesson) {
        self.lessons.entry(lesson.epoch).or_default().insert(lesson.lane, (lesson.tally, lesson.until));
    }

    /// Ends the epoch if its time is over and something was observed in it.
    pub(crate) fn tick(&mut self, now: Timestamp, has_observed: bool) -> Option<Order> {
        if !has_observed || self.ordered.is_some() {
            return None;
        }
        let began = *self.began.get_or_insert(now);
        if now.ms_since(began) < epoch_ms(self.epoch) {
            return None;
        }
        self.ordered = Some(self.epoch);
        Some(Order::EndEpoch(self.epoch))
    }

    /// The epoch that is under way.
    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether something ordered is not done everywhere; a history waits only for what was left undone before it.
    pub(crate) fn is_busy(&self) -> bool {
        if self.is_history { self.oldest_in_force() < self.awaited } else { self.ordered.is_some() }
    }

    /// Learns from the epoch: what all lanes observed in it is kept before anything is ordered.
    fn learn(&mut self, epoch: u64) -> Result<Option<Order>, ModelError> {
        self.fold();
        let Some(lessons) = self.lessons.remove(&epoch) else { return Ok(None) };
        let until = lessons.values().map(|(_, until)| *until).max().unwrap_or(Timestamp::MIN);
        self.epoch = self.epoch.max(epoch + 1);
        self.began = Some(until);
        self.ordered = Some(epoch);
        let number = epoch + 1;
        // A fold that was written before the process died is not done again.
        if self.models.by_number(number)?.is_none() {
            let before = self.models.by_number(epoch)?.ok_or(ModelError::Missing(epoch))?;
            let tallies: Vec<(Lane, Tally)> =
                lessons.into_iter().map(|(lane, (tally, _))| (lane, tally)).collect();
            let lessons = Arc::new(Lessons::new(tallies, until));
            let hash = lessons.name_after(&before);
            let folding = Folding::start(before, Arc::clone(&lessons));
            if self.is_history
                && let Some(announced) = self.models.announce(number, hash, &lessons)?
            {
                self.to_fold = Some(Fold { folding, announced });
                return Ok(Some(Order::Learnt { number, hash }));
            }
            self.models.keep_live(&folding.end(), &lessons)?;
        }
        if self.is_history {
            return self.order_learnt(number).map(Some);
        }
        self.order_model(number).map(Some)
    }

    /// Brings out the model that was ordered last, if that is still to be done. A history's next block names it, and
    /// is synced, meanwhile.
    pub(crate) fn fold(&mut self) {
        if let Some(Fold { folding, announced }) = self.to_fold.take() {
            announced.fulfil(&folding.end());
        }
    }

    fn order_learnt(&self, number: u64) -> Result<Order, ModelError> {
        let hash = self.models.hash_of(number)?.ok_or(ModelError::Missing(number))?;
        Ok(Order::Learnt { number, hash })
    }

    fn order_model(&self, number: u64) -> Result<Order, ModelError> {
        let hash = self.models.hash_of(number)?.ok_or(ModelError::Missing(number))?;
        Ok(Order::Model { number, hash })
    }

    /// Ends a history: the live shop is to start at once.
    pub(crate) fn end_history(&self) -> Result<(), ModelError> {
        self.models.keep_whole(self.oldest_in_force())
    }

    /// Removes models that nobody needs; `oldest_needed` is the oldest that a lane would work with if the
    /// process died now and applied its log again.
    pub(crate) fn prune(&mut self, oldest_needed: u64) -> Result<usize, ModelError> {
        let newest = self.oldest_in_force();
        let keep_from = oldest_needed.min(newest.saturating_sub(MODELS_KEPT));
        if keep_from <= self.pruned_below {
            return Ok(0);
        }
        self.pruned_below = keep_from;
        self.models.prune(keep_from)
    }
}

/// How long an epoch lasts.
fn epoch_ms(epoch: u64) -> i64 {
    let doublings = u32::try_from(epoch).unwrap_or(u32::MAX).min(20);
    (FIRST_EPOCH_MS << doublings).min(EPOCH_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{MemoryModels, ModelStore as _};

    fn at(s: i64) -> Timestamp {
        Timestamp::from_ms_clamped(s * 1_000)
    }

    fn lesson(lane: Lane, epoch: u64) -> Told {
        Told::Lessons(vec![Lesson { lane, epoch, tally: Tally::default(), until: at(10) }])
    }

    fn trainer(files: &MemoryModels) -> Trainer {
        Trainer::new(Arc::new(Models::new(Box::new(files.clone()))), 0, None, [])
    }

    fn told_by_all(
        trainer: &mut Trainer,
        lanes: impl Iterator<Item = Lane>,
        told: impl Fn(Lane) -> Told,
    ) -> Vec<Order> {
        lanes.filter_map(|lane| trainer.tell(told(lane)).unwrap()).collect()
    }

    #[test]
    fn epochs_double_up_to_an_hour() {
        assert_eq!(
            [0, 1, 2, 9, 10, 500].map(epoch_ms),
            [5_000, 10_000, 20_000, 2_560_000, 3_600_000, 3_600_000]
        );
    }

    #[test]
    fn an_epoch_ends_when_its_time_is_over_and_something_was_observed() {
        let files = MemoryModels::default();
        let mut trainer = trainer(&files);
        assert_eq!(trainer.tick(at(0), false), None);
        assert_eq!(trainer.tick(at(0), true), None, "the epoch begins with the first event");
        assert_eq!(trainer.tick(at(4), true), None);
        assert_eq!(trainer.tick(at(5), false), None);
        assert_eq!(trainer.tick(at(5), true), Some(Order::EndEpoch(0)));
        assert_eq!(trainer.tick(at(500), true), None, "one at a time");
        let orders = told_by_all(&mut trainer, Lane::all(), |lane| lesson(lane, 0));
        assert!(matches!(orders[..], [Order::Model { number: 1, .. }]), "{orders:?}");
        assert_eq!(files.list().unwrap(), [1], "the model is kept before it is ordered");
        assert!(trainer.is_busy());
        told_by_all(&mut trainer, Lane::all(), |lane| Told::InForce(vec![(lane, 1)]));
        assert!(!trainer.is_busy());
        assert_eq!(
            trainer.tick(at(19), true),
            None,
            "the second lasts ten seconds, from the end of the first"
        );
        assert_eq!(trainer.tick(at(20), true), Some(Order::EndEpoch(1)));
    }

    #[test]
    fn what_was_left_undone_is_taken_up() {
        let files = MemoryModels::default();
        let mut first = trainer(&files);
        told_by_all(&mut first, Lane::all(), |lane| lesson(lane, 0));
        // The process died when half of the lanes had the model.
        let lanes = Lane::all().map(|lane| (lane, u64::from(lane.number() < 32)));
        let mut second = Trainer::new(Arc::new(Models::new(Box::new(files.clone()))), 1, None, lanes);
        assert!(matches!(second.resume().unwrap()[..], [Order::Model { number: 1, .. }]));
        // And when half of the lanes had ended the epoch.
        let files = MemoryModels::default();
        let models = Arc::new(Models::new(Box::new(files)));
        let mut third = Trainer::new(models, 1, None, []).behind_from(0);
        Lane::all().take(32).for_each(|lane| {
            third.note(Lesson { lane, epoch: 0, tally: Tally::default(), until: at(9) });
        });
        assert_eq!(third.resume().unwrap(), [Order::EndEpoch(0)]);
        let orders = told_by_all(&mut third, Lane::all().skip(32), |lane| lesson(lane, 0));
        assert_eq!(orders.len(), 1);
    }

    #[test]
    fn a_day_that_only_some_shards_have_ended_is_left_to_the_importer() {
        let files = MemoryModels::default();
        let mut first = trainer(&files).of_history(true);
        for epoch in 0..2 {
            told_by_all(&mut first, Lane::all(), |lane| lesson(lane, epoch));
        }
        // Half of the lanes have ended the second day, and brought what the first one taught into force.
        let has_ended = |lane: Lane| lane.number() < 32;
        let lanes = Lane::all().map(|lane| (lane, u64::from(has_ended(lane))));
        let models = Arc::new(Models::new(Box::new(files.clone())));
        let mut second = Trainer::new(models, 2, None, lanes).behind_from(1).of_history(true);
        for lane in Lane::all() {
            let epoch = u64::from(has_ended(lane));
            second.note(Lesson { lane, epoch, tally: Tally::default(), until: at(10) });
        }
        assert!(matches!(second.resume().unwrap()[..], [Order::Learnt { number: 1, .. }]));
        assert!(!second.is_busy(), "the import may go on");
        let orders = told_by_all(&mut second, Lane::all().skip(32), |lane| lesson(lane, 1));
        assert!(matches!(orders[..], [Order::Learnt { number: 2, .. }]), "{orders:?}");
    }

    #[test]
    fn models_go_when_no_log_needs_them_and_the_last_ones_stay() {
        let files = MemoryModels::default();
        for number in 1..=100 {
            files.write(number, b"model").unwrap();
        }
        let lanes = Lane::all().map(|lane| (lane, 100));
        let models = Models::new(Box::new(files.clone())).keeping_past(0);
        let mut trainer = Trainer::new(Arc::new(models), 100, None, lanes);
        assert_eq!(trainer.prune(20).unwrap(), 19, "a log that is applied again from there needs model 20");
        assert_eq!(trainer.prune(100).unwrap(), 32);
        assert_eq!(files.list().unwrap(), (52..=100).collect::<Vec<_>>());
    }
}
