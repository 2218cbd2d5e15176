//! The tasks of a server: the only place that starts any.
//!
//! A long task has a name and a time within which it must have ended once it is told to stop. A long task
//! that ends before that ends the server. Short ones (a connection) are counted, and end with the server.
//! Deliberately not here: what the tasks do.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Why a server ended although nobody stopped it, or did not end in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// A long task ended by itself.
    #[error("the task `{task}` ended: {reason}")]
    Ended {
        /// Its name.
        task: &'static str,
        /// Why.
        reason: String,
    },
    /// Tasks had not ended when their time was over; they were cut off.
    #[error("{count} tasks of `{task}` were cut off at the end of their time")]
    Overdue {
        /// Their name.
        task: &'static str,
        /// How many.
        count: usize,
    },
}

/// Whether the server is to stop, as a task sees it.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Ends when the server is to stop.
    pub(crate) async fn requested(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }

    /// Whether it is to stop.
    #[must_use]
    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }
}

/// A set of tasks of one kind that are told to stop together.
#[derive(Debug)]
struct Group {
    name: &'static str,
    budget: Duration,
    tasks: JoinSet<()>,
}

/// The tasks of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Lifecycle {
    stop: watch::Sender<bool>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    groups: Mutex<Vec<Group>>,
    first_end: watch::Sender<Option<LifecycleError>>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        let shared = Shared { groups: Mutex::new(Vec::new()), first_end: watch::Sender::new(None) };
        Self { stop: watch::Sender::new(false), shared: Arc::new(shared) }
    }
}

impl Lifecycle {
    /// What tells a task to stop.
    #[must_use]
    pub(crate) fn stop(&self) -> Stop {
        Stop(self.stop.subscribe())
    }

    /// Starts the long task `name`, which ends within `budget` once it is told to stop.
    pub(crate) fn start<F>(&self, name: &'static str, budget: Duration, task: F)
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let (lifecycle, stop) = (self.clone(), self.stop());
        self.join(name, budget, async move {
            // Told apart from a return: a panic drops the sender.
            let (done, ended) = oneshot::channel();
            let watcher = async move { ended.await.unwrap_or_else(|_| Err("it panicked".to_owned())) };
            lifecycle.join(name, budget, async move {
                let result = task.await;
                // The watcher waits as long as the server lives.
                drop(done.send(result));
            });
            let reason = match watcher.await {
                Ok(()) => "it had nothing left to do".to_owned(),
                Err(reason) => reason,
            };
            if !stop.is_requested() {
                tracing::error!(task = name, reason, "a task ended by itself");
                let error = LifecycleError::Ended { task: name, reason };
                lifecycle.shared.first_end.send_if_modified(|first| {
                    let is_first = first.is_none();
                    first.get_or_insert(error);
                    is_first
                });
            }
        });
    }

    /// Starts a short task of the kind `name`; all of a kind end within `budget` once they are told to stop.
    pub(crate) fn join<F>(&self, name: &'static str, budget: Duration, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut groups = self.shared.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let index = groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
            groups.push(Group { name, budget, tasks: JoinSet::new() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(index) {
            // Those that have ended are let go of here, so that the set does not grow.
            while group.tasks.try_join_next().is_some() {}
            group.tasks.spawn(task);
        }
    }

    /// Ends when a long task has ended by itself.
    pub(crate) async fn failed(&self) -> LifecycleError {
        let mut first_end = self.shared.first_end.subscribe();
        match first_end.wait_for(Option::is_some).await {
            Ok(error) => error.clone().unwrap_or(LifecycleError::Overdue { task: "", count: 0 }),
            Err(_) => std::future::pending().await,
        }
    }

    /// Tells all tasks to stop and waits for them, each kind for its time.
    ///
    /// # Errors
    /// [`LifecycleError::Overdue`] for the first kind whose time was over; its tasks are cut off.
    pub(crate) async fn shut_down(&self) -> Result<(), LifecycleError> {
        self.stop.send_replace(true);
        let start = Instant::now();
        let mut result = Ok(());
        loop {
            let group = self.shared.groups.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut group) = group else { return result };
            let ended =
                timeout_at(start + group.budget, async { while group.tasks.join_next().await.is_some() {} });
            if ended.await.is_err() {
                let count = group.tasks.len();
                group.tasks.shutdown().await;
                result = result.and(Err(LifecycleError::Overdue { task: group.name, count }));
            }
        }
    }
}
