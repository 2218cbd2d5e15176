//! The thread that only writes and syncs: it owns a shard's log.

use crossbeam_channel::{Receiver, Sender};
use omnix_model::{Position, Timestamp};
use omnix_storage::{AppendError, Block, EventLog, ReadError, TrimReport};

/// What the log's thread is asked to do.
pub(crate) enum LogJob {
    /// Append a block and sync.
    Append(Block),
    /// Remove what is no longer needed.
    Trim { keep_from: Position, older_than: Timestamp },
    /// End the log cleanly, and the thread with it.
    Close,
}

/// What it answers.
pub(crate) enum LogDone {
    /// The block is durable, or not.
    Appended(Result<Position, AppendError>),
    /// What trimming did.
    Trimmed(Result<TrimReport, ReadError>),
    /// The log is closed.
    Closed(Result<(), AppendError>),
}

/// Runs until it is told to close, or until nobody is left to tell it.
#[expect(clippy::needless_pass_by_value, reason = "the thread owns its ends of the channels")]
pub(crate) fn run(mut log: Box<dyn EventLog>, jobs: Receiver<LogJob>, done: Sender<LogDone>) {
    while let Ok(job) = jobs.recv() {
        let answer = match job {
            LogJob::Append(block) => {
                let answer = log.append(std::slice::from_ref(&block)).pop();
                let missing = || Err(AppendError::Unknown("the log gave no answer".to_owned()));
                LogDone::Appended(answer.unwrap_or_else(missing))
            }
            LogJob::Trim { keep_from, older_than } => LogDone::Trimmed(log.trim(keep_from, older_than)),
            LogJob::Close => {
                let _shard_gone = done.send(LogDone::Closed(log.close()));
                return;
            }
        };
        if done.send(answer).is_err() {
            return;
        }
    }
}
