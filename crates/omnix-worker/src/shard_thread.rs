//! The thread that owns a shard: takes, hands over, applies. All waiting is here, all deciding in `shard`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, never, select};
use omnix_model::{Judgement, Position, RejectedEvent, Timestamp};
use omnix_storage::{AppendError, Block};
use tokio::sync::oneshot;

use crate::Clock;
use crate::group::Answer;
use crate::history::ImportItem;
use crate::log_thread::{LogDone, LogJob, LogOutcome, LogTask, OwnedLog, append};
use crate::on_demand::Asking;
use crate::publish::NewEvent;
use crate::retention::Retention;
use crate::shard::{JudgeReply, Shard, ShardError};
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

/// What somebody said of an insight.
pub(crate) struct Judge {
    pub(crate) judgement: Judgement,
    pub(crate) reply: JudgeReply,
    /// The room that it takes until it is answered.
    pub(crate) permit: Permit,
}

/// What a shard is told.
pub(crate) enum ToShard {
    Publish(Box<Publish>),
    Reject(Box<RejectedEvent>),
    Judge(Box<Judge>),
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
    /// Readers that wait until what was applied is committed.
    pub(crate) asked: Receiver<Asking>,
}

pub(crate) struct ShardThread {
    shard: Shard,
    /// The log, unless it is with its thread.
    log: Option<OwnedLog>,
    ends: Ends,
    clock: Arc<dyn Clock>,
    retention: Retention,
    next_retention: Timestamp,
    /// What is to be trimmed as soon as the log is at home.
    to_trim: Option<LogTask>,
    /// What arrived while a group was applied, before what is in the inbox.
    postponed: VecDeque<ToShard>,
    is_stopping: bool,
}

impl ShardThread {
    pub(crate) fn new(
        shard: Shard,
        log: OwnedLog,
        ends: Ends,
        clock: Arc<dyn Clock>,
        retention: Retention,
    ) -> Self {
        let next_retention = clock.now().plus_ms(60_000);
        Self {
            shard,
            log: Some(log),
            ends,
            clock,
            retention,
            next_retention,
            to_trim: None,
            postponed: VecDeque::new(),
            is_stopping: false,
        }
    }

    /// Runs until the shard is told to stop, or fails.
    pub(crate) fn run(mut self) -> Result<(), ShardError> {
        loop {
            self.drain()?;
            let has_applied = self.append_and_apply()?;
            self.retain()?;
            self.shard.commit_waiting()?;
            self.hear_readers()?;
            if self.is_stopping && self.is_done() {
                return self.close();
            }
            // What came while it was applied may be ready to be appended.
            if !has_applied {
                self.wait()?;
            }
        }
    }

    fn is_done(&self) -> bool {
        !self.shard.is_syncing() && !self.shard.has_hand() && !self.shard.has_backlog()
    }

    /// Takes what has arrived, without waiting.
    fn drain(&mut self) -> Result<(), ShardError> {
        while !self.shard.is_hand_full() {
            let postponed = self.postponed.pop_front();
            let Some(message) = postponed.or_else(|| self.ends.inbox.try_recv().ok()) else { break };
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
            ToShard::Judge(judge) => {
                let Judge { judgement, reply, permit } = *judge;
                self.shard.accept_judgement(judgement, reply, permit);
            }
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

    /// Commits what was applied, if readers wait for it.
    fn hear_readers(&mut self) -> Result<(), ShardError> {
        let waiting: Vec<Asking> = self.ends.asked.try_iter().collect();
        self.commit_for(waiting)
    }

    fn commit_for(&mut self, readers: impl IntoIterator<Item = Asking>) -> Result<(), ShardError> {
        let mut readers = readers.into_iter().peekable();
        if readers.peek().is_some() {
            self.shard.commit_gathered()?;
        }
        // Those who are let go are told by it.
        readers.for_each(drop);
        Ok(())
    }

    /// Gives the group in hand to the log's thread, if the log is at home.
    fn hand_over(&mut self) -> Result<(), ShardError> {
        let Some((log, block)) = self.sealed()? else { return Ok(()) };
        self.send(LogJob { log, task: LogTask::Append(block) })
    }

    /// Appends the group in hand and applies it: with nothing else to apply meanwhile, nobody is woken for it. Says
    /// whether there was one.
    fn append_and_apply(&mut self) -> Result<bool, ShardError> {
        let Some((mut log, block)) = self.sealed()? else { return Ok(false) };
        let answer = append(log.as_mut(), &block);
        self.log = Some(log);
        self.appended(answer)?;
        Ok(true)
    }

    /// The log and the block of the group in hand, if the log is at home and there is anything in hand.
    fn sealed(&mut self) -> Result<Option<(OwnedLog, Block)>, ShardError> {
        self.shard.fill()?;
        if self.shard.awaits_import() && !self.is_stopping {
            return Ok(None);
        }
        let Some(log) = self.log.take() else { return Ok(None) };
        self.shard.begin_ticks()?;
        self.shard.fill()?;
        match self.shard.seal() {
            Some(block) => Ok(Some((log, block))),
            None => {
                self.log = Some(log);
                Ok(None)
            }
        }
    }

    fn send(&self, job: LogJob) -> Result<(), ShardError> {
        send(&self.ends, job)
    }

    fn wait(&mut self) -> Result<(), ShardError> {
        let (no_message, no_item) = (never(), never());
        // Requests that arrive during a sync are taken together behind it: to be woken for each of them costs
        // more than to take it.
        let takes_messages = self.log.is_some() && !self.shard.is_hand_full();
        let inbox = if takes_messages { &self.ends.inbox } else { &no_message };
        let has_room =
            !self.is_stopping && self.shard.import_backlog() < IMPORT_BACKLOG && !self.shard.is_hand_full();
        let imports = if has_room { &self.ends.imports } else { &no_item };
        select! {
            recv(self.ends.done) -> done => done.map_err(|_ended| gone()).and_then(|done| self.done(done)),
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
            recv(self.ends.asked) -> asking => match asking {
                Ok(asking) => self.commit_for([asking]),
                Err(_) => { self.ends.asked = never(); Ok(()) }
            },
            default(self.patience()) => Ok(()),
        }
    }

    /// How long to wait at the most.
    fn patience(&self) -> Duration {
        let commit = self.shard.commit_in().unwrap_or(IDLE);
        let Some(wake) = self.shard.wake_at().filter(|_| self.log.is_some()) else { return IDLE.min(commit) };
        let ms = wake.ms_since(self.clock.now()).max(1);
        IDLE.min(commit).min(Duration::from_millis(ms.unsigned_abs()))
    }

    fn done(&mut self, done: LogDone) -> Result<(), ShardError> {
        self.log = Some(done.log);
        match done.outcome {
            LogOutcome::Appended(answer) => self.appended(answer),
            LogOutcome::Trimmed(Ok(report)) => {
                tracing::info!(segments = report.segments, bytes = report.bytes, "trimmed");
                Ok(())
            }
            LogOutcome::Trimmed(Err(error)) => {
                tracing::warn!(%error, "the log could not be trimmed");
                Ok(())
            }
        }
    }

    fn appended(&mut self, answer: Result<Position, AppendError>) -> Result<(), ShardError> {
        self.shard.synced(answer)?;
        self.trim()?;
        // The next group is synced while this one is applied.
        self.drain()?;
        self.hand_over()?;
        if self.shard.is_history() { self.apply_history() } else { self.shard.apply_synced(&mut |_| Ok(())) }
    }

    /// Applies the group that was synced last. Its first records end a day; the model that the next day begins with
    /// is often named before its last ones are applied, and the next group is synced meanwhile.
    fn apply_history(&mut self) -> Result<(), ShardError> {
        let Self { shard, log, ends, postponed, is_stopping, .. } = self;
        shard.apply_synced(&mut |shard| {
            if *is_stopping || log.is_none() {
                return Ok(());
            }
            while let Ok(message) = ends.inbox.try_recv() {
                match message {
                    ToShard::Order(Order::Learnt { number, hash }) => shard.note_learnt(number, hash),
                    // It may commit, which is for whole groups.
                    other => postponed.push_back(other),
                }
            }
            while shard.import_backlog() < IMPORT_BACKLOG {
                let Ok(item) = ends.imports.try_recv() else { break };
                shard.accept_import(item);
            }
            shard.fill()?;
            // Until this block is applied, the group may still grow: a group is a sync.
            if shard.import_backlog() == 0 || shard.awaits_import() {
                return Ok(());
            }
            let Some(at_home) = log.take() else { return Ok(()) };
            match shard.seal() {
                Some(block) => send(ends, LogJob { log: at_home, task: LogTask::Append(block) }),
                None => {
                    *log = Some(at_home);
                    Ok(())
                }
            }
        })
    }

    fn retain(&mut self) -> Result<(), ShardError> {
        let now = self.clock.now();
        if now < self.next_retention || self.is_stopping {
            return Ok(());
        }
        self.next_retention = now.plus_ms(RETENTION_MS);
        self.shard.retain(&self.retention, now)?;
        let older_than = self.retention.archive_horizon(now);
        self.to_trim = self.shard.persisted().map(|keep_from| LogTask::Trim { keep_from, older_than });
        self.trim()
    }

    /// Lets the log's thread trim, if that is due and the log is at home.
    fn trim(&mut self) -> Result<(), ShardError> {
        match (self.log.take(), self.to_trim.take()) {
            (Some(log), Some(task)) => self.send(LogJob { log, task }),
            (log, task) => {
                (self.log, self.to_trim) = (log, task);
                Ok(())
            }
        }
    }

    fn close(mut self) -> Result<(), ShardError> {
        self.shard.close()?;
        let log = match self.log.take() {
            Some(log) => log,
            None => self.ends.done.recv().map_err(|_ended| gone())?.log,
        };
        log.close().map_err(|error| ShardError::Sync(error.to_string()))
    }
}

fn send(ends: &Ends, job: LogJob) -> Result<(), ShardError> {
    ends.jobs.send(job).map_err(|_ended| gone())
}

fn gone() -> ShardError {
    ShardError::Sync("the log's thread has ended".to_owned())
}
