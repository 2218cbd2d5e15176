//! The thread that owns a shard: takes, hands over, applies. All waiting is here, all deciding in `shard`.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, never, select};
use omnix_model::{Position, RejectedEvent, Timestamp};
use tokio::sync::oneshot;

use crate::Clock;
use crate::group::Answer;
use crate::history::ImportItem;
use crate::log_thread::{LogDone, LogJob};
use crate::publish::NewEvent;
use crate::retention::Retention;
use crate::shard::{Shard, ShardError};
use crate::stream::Permit;
use crate::trainer::Order;

/// How long to wait when nothing is expected.
const IDLE: Duration = Duration::from_millis(500);
/// Pieces of an import that wait in the shard.
const IMPORT_BACKLOG: usize = 4;
/// How often retention is looked after.
const RETENTION_MS: i64 = Timestamp::HOUR_MS;

/// The events of one request for one shard.
pub(crate) struct Publish {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) reply: oneshot::Sender<Vec<Answer>>,
    pub(crate) accepted_us: u64,
    /// The room that the events take until they are answered.
    pub(crate) permit: Permit,
}

/// What a shard is told.
pub(crate) enum ToShard {
    Publish(Box<Publish>),
    Reject(Box<RejectedEvent>),
    Order(Order),
    AcceptLoss {
        first_frame: u64,
        last_frame: u64,
    },
    Persist(oneshot::Sender<Option<Position>>),
    /// Commit what is in hand and close.
    Stop,
}

/// The shard's ends of its channels.
pub(crate) struct Ends {
    pub(crate) inbox: Receiver<ToShard>,
    pub(crate) imports: Receiver<ImportItem>,
    pub(crate) jobs: Sender<LogJob>,
    pub(crate) done: Receiver<LogDone>,
}

pub(crate) struct ShardThread {
    shard: Shard,
    ends: Ends,
    clock: Arc<dyn Clock>,
    retention: Retention,
    next_retention: Timestamp,
    is_stopping: bool,
    is_trimming: bool,
}

impl ShardThread {
    pub(crate) fn new(shard: Shard, ends: Ends, clock: Arc<dyn Clock>, retention: Retention) -> Self {
        let next_retention = clock.now().plus_ms(60_000);
        Self { shard, ends, clock, retention, next_retention, is_stopping: false, is_trimming: false }
    }

    /// Runs until the shard is told to stop, or fails.
    pub(crate) fn run(mut self) -> Result<(), ShardError> {
        loop {
            self.drain()?;
            self.hand_over()?;
            self.retain()?;
            self.shard.commit_waiting()?;
            if self.is_stopping && self.is_done() {
                return self.close();
            }
            self.wait()?;
        }
    }

    fn is_done(&self) -> bool {
        !self.shard.is_syncing() && !self.shard.has_hand() && !self.shard.has_backlog()
    }

    /// Takes what has arrived, without waiting.
    fn drain(&mut self) -> Result<(), ShardError> {
        while !self.shard.is_hand_full() {
            let Ok(message) = self.ends.inbox.try_recv() else { break };
            self.take(message)?;
        }
        while !self.is_stopping && self.shard.import_backlog() < IMPORT_BACKLOG {
            let Ok(item) = self.ends.imports.try_recv() else { break };
            self.shard.accept_import(item);
        }
        Ok(())
    }

    fn take(&mut self, message: ToShard) -> Result<(), ShardError> {
        match message {
            ToShard::Publish(publish) => {
                let Publish { events, reply, accepted_us, permit } = *publish;
                self.shard.accept(events, reply, accepted_us, Some(permit));
                self.shard.fill()?;
            }
            ToShard::Reject(event) => self.shard.accept_rejected(*event),
            ToShard::Order(Order::EndEpoch(epoch)) => self.shard.begin_end_of_epoch(epoch),
            ToShard::Order(Order::Model { number, hash }) => self.shard.begin_model(number, hash),
            ToShard::Order(Order::Learnt { number, hash }) => self.shard.note_learnt(number, hash),
            ToShard::AcceptLoss { first_frame, last_frame } => {
                self.shard.accept_loss(first_frame, last_frame)
            }
            ToShard::Persist(reply) => {
                self.shard.persist()?;
                let _gone = reply.send(self.shard.persisted());
            }
            ToShard::Stop => {
                self.is_stopping = true;
                self.shard.break_off_import();
            }
        }
        Ok(())
    }

    /// Gives the group in hand to the log, if the log is free.
    fn hand_over(&mut self) -> Result<(), ShardError> {
        self.shard.fill()?;
        if self.shard.is_syncing() {
            return Ok(());
        }
        self.shard.begin_ticks()?;
        self.shard.fill()?;
        if let Some(block) = self.shard.seal() {
            let gone = |_| ShardError::Sync("the log's thread has ended".to_owned());
            self.ends.jobs.send(LogJob::Append(block)).map_err(gone)?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<(), ShardError> {
        let (no_message, no_item) = (never(), never());
        let inbox = if self.shard.is_hand_full() { &no_message } else { &self.ends.inbox };
        let has_room =
            !self.is_stopping && self.shard.import_backlog() < IMPORT_BACKLOG && !self.shard.is_hand_full();
        let imports = if has_room { &self.ends.imports } else { &no_item };
        select! {
            recv(self.ends.done) -> done => match done {
                Ok(done) => self.done(done),
                Err(_) => Err(ShardError::Sync("the log's thread has ended".to_owned())),
            },
            recv(inbox) -> message => match message {
                Ok(message) => self.take(message),
                // Nobody can reach the shard any more.
                Err(_) => { self.is_stopping = true; Ok(()) }
            },
            recv(imports) -> item => {
                if let Ok(item) = item {
                    self.shard.accept_import(item);
                }
                Ok(())
            },
            default(self.patience()) => Ok(()),
        }
    }

    /// How long to wait at the most.
    fn patience(&self) -> Duration {
        let Some(wake) = self.shard.wake_at().filter(|_| !self.shard.is_syncing()) else { return IDLE };
        let ms = wake.ms_since(self.clock.now()).max(1);
        IDLE.min(Duration::from_millis(ms.unsigned_abs()))
    }

    fn done(&mut self, done: LogDone) -> Result<(), ShardError> {
        match done {
            LogDone::Appended(answer) => {
                self.shard.synced(answer)?;
                // The next group is synced while this one is applied.
                self.drain()?;
                self.hand_over()?;
                self.shard.apply_synced()
            }
            LogDone::Trimmed(result) => {
                self.is_trimming = false;
                match result {
                    Ok(report) => tracing::info!(segments = report.segments, bytes = report.bytes, "trimmed"),
                    Err(error) => tracing::warn!(%error, "the log could not be trimmed"),
                }
                Ok(())
            }
            LogDone::Closed(_) => Ok(()),
        }
    }

    fn retain(&mut self) -> Result<(), ShardError> {
        let now = self.clock.now();
        if now < self.next_retention || self.is_stopping {
            return Ok(());
        }
        self.next_retention = now.plus_ms(RETENTION_MS);
        self.shard.retain(&self.retention, now)?;
        if let Some(keep_from) = self.shard.persisted().filter(|_| !self.is_trimming) {
            let older_than = self.retention.archive_horizon(now);
            self.is_trimming = self.ends.jobs.send(LogJob::Trim { keep_from, older_than }).is_ok();
        }
        Ok(())
    }

    fn close(mut self) -> Result<(), ShardError> {
        self.shard.close()?;
        let gone = || ShardError::Sync("the log's thread has ended".to_owned());
        self.ends.jobs.send(LogJob::Close).map_err(|_ended| gone())?;
        loop {
            match self.ends.done.recv() {
                Ok(LogDone::Closed(result)) => {
                    return result.map_err(|error| ShardError::Sync(error.to_string()));
                }
                Ok(_) => {}
                Err(_) => return Err(gone()),
            }
        }
    }
}
