//! The thread that only writes and syncs, while the shard's thread applies.
//!
//! The log belongs to whoever works with it: it goes to this thread with a job and comes back with the answer.
//! While it is at home, the shard's thread may append to it without waking anybody.

use crossbeam_channel::{Receiver, Sender};
use omnix_model::{Position, Timestamp};
use omnix_storage::{AppendError, Block, EventLog, ReadError, TrimReport};

/// A log, with whoever works with it.
pub(crate) type OwnedLog = Box<dyn EventLog>;

/// A log, and what is to be done with it.
pub(crate) struct LogJob {
    pub(crate) log: OwnedLog,
    pub(crate) task: LogTask,
}

/// What the log's thread is asked to do.
pub(crate) enum LogTask {
    /// Append a block and sync.
    Append(Block),
    /// Remove what is no longer needed.
    Trim { keep_from: Position, older_than: Timestamp },
}

/// The log, and what became of the job.
pub(crate) struct LogDone {
    pub(crate) log: OwnedLog,
    pub(crate) outcome: LogOutcome,
}

/// What became of a job.
pub(crate) enum LogOutcome {
    /// The block is durable, or not.
    Appended(Result<Position, AppendError>),
    /// What trimming did.
    Trimmed(Result<TrimReport, ReadError>),
}

/// Runs until nobody is left to tell it anything.
#[expect(clippy::needless_pass_by_value, reason = "the thread owns its ends of the channels")]
pub(crate) fn run(jobs: Receiver<LogJob>, done: Sender<LogDone>) {
    while let Ok(LogJob { mut log, task }) = jobs.recv() {
        let outcome = match task {
            LogTask::Append(block) => LogOutcome::Appended(append(log.as_mut(), &block)),
            LogTask::Trim { keep_from, older_than } => LogOutcome::Trimmed(log.trim(keep_from, older_than)),
        };
        if done.send(LogDone { log, outcome }).is_err() {
            return;
        }
    }
}

/// Appends one block and syncs.
pub(crate) fn append(log: &mut dyn EventLog, block: &Block) -> Result<Position, AppendError> {
    let missing = || Err(AppendError::Unknown("the log gave no answer".to_owned()));
    log.append(std::slice::from_ref(block)).pop().unwrap_or_else(missing)
}
