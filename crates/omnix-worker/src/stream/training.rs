//! The trainer's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, select};

use super::StreamHandle;
use crate::models::ModelError;
use crate::shard::ShardError;
use crate::trainer::{Order, Told, Trainer};

/// How often the end of an epoch is looked for.
const TICK: Duration = Duration::from_millis(250);
/// Models learnt from a history after which those that nobody needs are removed.
const PRUNE_EVERY: u64 = 16;
/// How long to wait after the files of models failed.
const RETRY: Duration = Duration::from_secs(5);

pub(super) struct Training {
    pub(super) trainer: Trainer,
    pub(super) told: Receiver<Told>,
    pub(super) stopped: Receiver<()>,
    pub(super) has_observed: Arc<AtomicBool>,
    pub(super) handle: StreamHandle,
    pub(super) is_history: bool,
}

impl Training {
    pub(super) fn run(mut self) -> Result<(), ShardError> {
        let orders = self.trainer.resume();
        self.carry_out(orders)?;
        loop {
            select! {
                recv(self.told) -> told => match told {
                    Ok(told) => {
                        let order = self.trainer.tell(told);
                        self.carry_out(order.map(Vec::from_iter))?;
                    }
                    // All shards have ended.
                    Err(_) => return Ok(()),
                },
                recv(self.stopped) -> _ => {
                    if self.is_history {
                        self.end_history();
                    }
                    return self.drain();
                }
                default(TICK) => self.tick(),
            }
        }
    }

    /// After the stop shards may still tell something: they must not wait for a trainer that has gone.
    fn drain(&self) -> Result<(), ShardError> {
        while self.told.recv().is_ok() {}
        Ok(())
    }

    fn tick(&mut self) {
        // History's epochs end with its days.
        if self.is_history {
            return;
        }
        let has_observed = self.has_observed.load(Ordering::Relaxed);
        if let Some(order) = self.trainer.tick(self.handle.clock().now(), has_observed) {
            self.has_observed.store(false, Ordering::Relaxed);
            self.handle.note_training(true);
            self.handle.order(order);
        }
    }

    fn carry_out(&mut self, orders: Result<Vec<Order>, ModelError>) -> Result<(), ShardError> {
        let orders = match orders {
            Ok(orders) => orders,
            // The tallies are kept; the fold is done again after the next start. A history cannot go on without.
            Err(error @ ModelError::Files(_)) if !self.is_history => {
                tracing::error!(%error, "a model could not be kept");
                self.handle.note_training(false);
                let _stopped = self.stopped.recv_timeout(RETRY);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let has_learnt = !orders.is_empty();
        for order in orders {
            if let Order::Model { number, .. } | Order::Learnt { number, .. } = order {
                tracing::info!(model = number, "a model was learnt");
                self.handle.counters().models.add(1);
            }
            self.handle.order(order);
        }
        self.trainer.fold();
        let is_busy = self.trainer.is_busy();
        self.handle.note_training(is_busy);
        // A history learns several models a second: they go by the dozen.
        let is_pruning = if self.is_history {
            has_learnt && self.trainer.epoch().is_multiple_of(PRUNE_EVERY)
        } else {
            !is_busy
        };
        if is_pruning {
            self.prune();
        }
        Ok(())
    }

    fn end_history(&mut self) {
        if let Err(error) = self.trainer.end_history() {
            tracing::warn!(%error, "the last models were not written whole");
        }
        self.prune();
    }

    fn prune(&mut self) {
        let needed = self.handle.oldest_model_needed();
        if let Err(error) = self.trainer.prune(needed) {
            tracing::warn!(%error, "models were not pruned");
        }
    }
}
