//! Reading what was applied: a shard gathers groups before it commits them, and commits at once when a reader
//! asks, so that whoever was answered sees what the answer speaks of.
//!
//! Deliberately not here: what is gathered, and for how long when nobody asks.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::Progress;

/// How long a reader waits: a shard that takes longer has failed, or waits for its store. Then what is
/// committed is read.
const WAIT: Duration = Duration::from_secs(2);
/// Readers that wait for a shard to hear them.
const ASKING_MAX: usize = 64;

/// Dropped when everything that was applied is committed.
pub(crate) type Asking = Sender<()>;

/// The readers' end: asks a shard to commit what it has applied. By default there is none to ask.
#[derive(Debug, Clone, Default)]
pub struct CommitOnDemand(Option<Sender<Asking>>);

/// A shard's two ends.
pub(crate) fn commit_on_demand() -> (CommitOnDemand, Receiver<Asking>) {
    let (asks, asked) = bounded(ASKING_MAX);
    (CommitOnDemand(Some(asks)), asked)
}

impl CommitOnDemand {
    /// Asks for a commit of what the shard behind `progress` has applied, if there is anything.
    ///
    /// [`Asked::wait`] waits for it, so that several shards work at the same time.
    pub(crate) fn ask(&self, progress: &Progress) -> Asked {
        let asks = self.0.as_ref().filter(|_| progress.has_uncommitted());
        Asked(asks.and_then(|asks| {
            let (asking, done) = bounded(1);
            asks.send_timeout(asking, WAIT).is_ok().then_some(done)
        }))
    }
}

/// A commit that was asked for.
#[derive(Debug)]
#[must_use]
pub(crate) struct Asked(Option<Receiver<()>>);

impl Asked {
    /// Waits for it.
    pub(crate) fn wait(self) {
        let Some(done) = self.0 else { return };
        if done.recv_timeout(WAIT) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(
                "a shard did not commit in time: what is read may be older than what was answered"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_asked_where_nothing_waits_or_nobody_is_there() {
        let (on_demand, asked) = commit_on_demand();
        let progress = Progress::default();
        on_demand.ask(&progress).wait();
        assert!(asked.is_empty(), "everything is committed");
        progress.set_uncommitted(true);
        CommitOnDemand::default().ask(&progress).wait();
        drop(asked);
        on_demand.ask(&progress).wait();
    }

    #[test]
    fn a_reader_waits_until_the_shard_has_committed() {
        let (on_demand, asked) = commit_on_demand();
        let progress = Progress::default();
        progress.set_uncommitted(true);
        let asking = on_demand.ask(&progress);
        let shard = std::thread::spawn(move || {
            let reader: Asking = asked.recv().unwrap();
            progress.set_uncommitted(false);
            drop(reader);
            progress
        });
        asking.wait();
        assert!(!shard.join().unwrap().has_uncommitted());
    }
}
