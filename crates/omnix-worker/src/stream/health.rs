//! How a stream is: what `/readyz` says, and what ends the process.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::shard::ShardError;

/// How a stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It takes events.
    Ready,
    /// A log is damaged above what is applied: nothing is taken until an operator accepts the loss.
    LogDamaged,
    /// It ends: nothing is taken any more.
    Stopping,
    /// A shard failed for good: the process must end.
    Failed(String),
}

/// Watches over the threads of a stream.
#[derive(Debug)]
pub(crate) struct Watch {
    health: watch::Sender<Health>,
    /// Damaged runs of frames of each shard whose loss nobody has accepted.
    damaged: Mutex<Vec<Vec<(u64, u64)>>>,
}

impl Watch {
    pub(crate) fn new(damaged: Vec<Vec<(u64, u64)>>) -> Self {
        let is_damaged = damaged.iter().any(|runs| !runs.is_empty());
        let health = if is_damaged { Health::LogDamaged } else { Health::Ready };
        Self { health: watch::Sender::new(health), damaged: Mutex::new(damaged) }
    }

    pub(crate) fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Takes the damaged runs of all shards: their loss is accepted.
    pub(crate) fn accept_loss(&self) -> Vec<Vec<(u64, u64)>> {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        self.health.send_if_modified(|health| {
            let was_damaged = *health == Health::LogDamaged;
            if was_damaged {
                *health = Health::Ready;
            }
            was_damaged
        });
        damaged.iter_mut().map(std::mem::take).collect()
    }

    pub(crate) fn begin_stop(&self) {
        self.health.send_if_modified(|health| {
            let runs = !matches!(health, Health::Failed(_));
            if runs {
                *health = Health::Stopping;
            }
            runs
        });
    }

    /// Runs a thread's work; when it fails or panics, the stream has failed.
    pub(crate) fn guard(&self, work: impl FnOnce() -> Result<(), ShardError>) {
        let why = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "a thread panicked".to_owned(),
        };
        tracing::error!(why, "the stream has failed");
        self.health.send_if_modified(|health| {
            let is_first = !matches!(health, Health::Failed(_));
            if is_first {
                *health = Health::Failed(why);
            }
            is_first
        });
    }
}
