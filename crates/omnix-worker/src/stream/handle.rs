//! The handle of a stream: cheap to clone, from any thread or task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crossbeam_channel::Sender;
use omnix_model::limits::{LANES, REJECTED_WAITING_MAX};
use omnix_model::{EventId, Judgement, Lane, Position, RejectedEvent, ShardId};
use tokio::sync::{broadcast, oneshot};

use super::health::{Health, Watch};
use super::room::{Permit, Room};
use super::{Newest, Purpose};
use crate::counters::Counters;
use crate::explain::Explainer;
use crate::group::Answer;
use crate::history::ImportItem;
use crate::publish::{JudgeError, NewEvent, PublishError, Receipt, Refusal, weight};
use crate::queries::{FeedMessage, Queries, minute_of};
use crate::shard::lane_of;
use crate::shard_thread::{Judge, Publish, ToShard};
use crate::trainer::Order;
use crate::{Clock, Progress};

/// The ends of a shard's channels that the handle holds.
pub(super) struct ShardEnd {
    pub(super) inbox: Sender<ToShard>,
    pub(super) imports: Sender<ImportItem>,
    pub(super) room: Arc<Room>,
    pub(super) rejected: Arc<AtomicUsize>,
    pub(super) progress: Arc<Progress>,
}

pub(super) struct Core {
    pub(super) shards: Vec<ShardEnd>,
    pub(super) queries: Queries,
    pub(super) explainer: Explainer,
    pub(super) live: broadcast::Sender<Arc<FeedMessage>>,
    pub(super) counters: Arc<Counters>,
    pub(super) watch: Arc<Watch>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) purpose: Purpose,
    pub(super) newest: Newest,
    /// Whether an epoch that ended waits for its model.
    pub(super) is_training: AtomicBool,
}

/// The handle of a stream.
#[derive(Clone)]
pub struct StreamHandle {
    core: Arc<Core>,
    /// The shard of each lane.
    shard_of: Arc<[usize; LANES]>,
}

/// The events of a request that go to one shard, and where they stood in the request.
#[derive(Default)]
struct Part {
    events: Vec<NewEvent>,
    indices: Vec<usize>,
    bytes: usize,
}

/// A request on its way: the answers of each shard, and where they belong.
struct Sent {
    ids: Vec<EventId>,
    replies: Vec<(Vec<usize>, oneshot::Receiver<Vec<Answer>>)>,
}

impl StreamHandle {
    pub(super) fn new(core: Core) -> Self {
        let count = core.shards.len();
        let mut shard_of = [0; LANES];
        for (lane, shard) in Lane::all().zip(shard_of.iter_mut()) {
            *shard = usize::from(ShardId::of_lane(lane, count).0);
        }
        Self { core: Arc::new(core), shard_of: Arc::new(shard_of) }
    }

    /// Hands events in; the answer follows their arrival on stable storage and the commit of what they caused.
    ///
    /// Receipts stand in the order of the events.
    ///
    /// # Errors
    /// [`PublishError`]: nothing was stored, and the events come back.
    pub async fn publish(&self, events: Vec<NewEvent>) -> Result<Vec<Receipt>, PublishError> {
        let Sent { ids, replies } = self.send(events)?;
        let mut answers = Vec::with_capacity(replies.len());
        for (indices, reply) in replies {
            answers.push((indices, reply.await.ok()));
        }
        merge(&ids, answers)
    }

    /// As [`Self::publish`], for a thread that may block.
    ///
    /// # Errors
    /// [`PublishError`]
    pub fn publish_blocking(&self, events: Vec<NewEvent>) -> Result<Vec<Receipt>, PublishError> {
        let Sent { ids, replies } = self.send(events)?;
        let wait =
            |(indices, reply): (Vec<usize>, oneshot::Receiver<_>)| (indices, reply.blocking_recv().ok());
        merge(&ids, replies.into_iter().map(wait).collect())
    }

    fn send(&self, events: Vec<NewEvent>) -> Result<Sent, PublishError> {
        let core = &self.core;
        if let Some(refusal) = self.refusal() {
            return Err(self.refuse(refusal, events));
        }
        let ids = events.iter().map(|event| event.event_id.clone()).collect();
        let count = events.len() as u64;
        let parts = self.deal(events);
        // The room of a request is decided for the whole before anything is queued.
        let mut permits: Vec<Option<Permit>> = Vec::with_capacity(parts.len());
        for (part, shard) in parts.iter().zip(&core.shards) {
            let is_empty = part.events.is_empty();
            let permit = if is_empty { None } else { shard.room.reserve(part.events.len(), part.bytes) };
            if permit.is_none() && !is_empty {
                return Err(self.refuse(Refusal::Full, gather(parts)));
            }
            permits.push(permit);
        }
        let accepted_us = core.clock.ticks_us();
        let mut replies = Vec::new();
        for ((part, permit), shard) in parts.into_iter().zip(permits).zip(&core.shards) {
            let Some(permit) = permit else { continue };
            let (reply, answer) = oneshot::channel();
            let publish = Publish { events: part.events, reply, accepted_us, permit };
            // A shard that has gone drops the request, which then nobody can say anything about.
            let _gone = shard.inbox.send(ToShard::Publish(Box::new(publish)));
            replies.push((part.indices, answer));
        }
        core.counters.accepted.add(count);
        Ok(Sent { ids, replies })
    }

    /// Why nothing can be taken at present, if so.
    fn refusal(&self) -> Option<Refusal> {
        match self.core.watch.health() {
            Health::Ready if self.core.purpose == Purpose::Live => None,
            Health::LogDamaged => Some(Refusal::LogDamaged),
            Health::Ready | Health::Stopping | Health::Failed(_) => Some(Refusal::Unavailable),
        }
    }

    fn refuse(&self, refusal: Refusal, events: Vec<NewEvent>) -> PublishError {
        self.core.counters.refused.add(events.len() as u64);
        if let (Refusal::Full | Refusal::DiskFull, Some(shard)) = (refusal, self.core.shards.first()) {
            shard.progress.note_throttled(minute_of(self.core.clock.now()));
        }
        PublishError { refusal, events }
    }

    fn deal(&self, events: Vec<NewEvent>) -> Vec<Part> {
        let mut parts: Vec<Part> = self.core.shards.iter().map(|_| Part::default()).collect();
        for (index, event) in events.into_iter().enumerate() {
            let shard = self.shard_index(lane_of(&event));
            if let Some(part) = parts.get_mut(shard) {
                part.bytes += weight(&event.event);
                part.indices.push(index);
                part.events.push(event);
            }
        }
        parts
    }

    pub(super) fn shard_index(&self, lane: Lane) -> usize {
        self.shard_of.get(lane.index()).copied().unwrap_or(0)
    }

    /// Notes what came of an insight; the answer follows its arrival on stable storage, and who asks then sees it.
    ///
    /// # Errors
    /// [`JudgeError`]
    pub async fn judge(&self, judgement: Judgement) -> Result<(), JudgeError> {
        if let Some(refusal) = self.refusal() {
            return Err(JudgeError::Refused(refusal));
        }
        let lane = Lane::of(&judgement.customer_id);
        let shard = self.core.shards.get(self.shard_index(lane));
        let shard = shard.ok_or(JudgeError::Refused(Refusal::Unavailable))?;
        let permit =
            shard.room.reserve(1, size_of::<Judgement>()).ok_or(JudgeError::Refused(Refusal::Full))?;
        let (reply, answer) = oneshot::channel();
        let judge = Judge { judgement, reply, permit };
        // A shard that has gone drops it, and then nobody can say anything about it.
        let _gone = shard.inbox.send(ToShard::Judge(Box::new(judge)));
        match answer.await {
            Ok(stored) => stored.map_err(JudgeError::Refused),
            Err(_gone) => Err(JudgeError::Unknown),
        }
    }

    /// Keeps an event that was refused, if there is room for it; counts it otherwise.
    pub fn reject(&self, event: RejectedEvent) {
        let lane = event.customer_id.as_ref().map_or(Lane::FIRST, Lane::of);
        let Some(shard) = self.core.shards.get(self.shard_index(lane)) else { return };
        if shard.rejected.fetch_add(1, Ordering::Relaxed) < REJECTED_WAITING_MAX
            && shard.inbox.try_send(ToShard::Reject(Box::new(event))).is_ok()
        {
            return;
        }
        shard.rejected.fetch_sub(1, Ordering::Relaxed);
        self.core.counters.rejected_dropped.add(1);
    }

    /// Answers what can be asked of the stream.
    #[must_use]
    pub fn queries(&self) -> &Queries {
        &self.core.queries
    }

    /// Works out how insights came about.
    #[must_use]
    pub fn explainer(&self) -> &Explainer {
        &self.core.explainer
    }

    /// What is raised from now on. A subscriber that falls too far behind is told how many it missed.
    #[must_use]
    pub fn live(&self) -> broadcast::Receiver<Arc<FeedMessage>> {
        self.core.live.subscribe()
    }

    /// How the stream is.
    #[must_use]
    pub fn health(&self) -> Health {
        self.core.watch.health()
    }

    /// Waits until the stream has failed for good, and says why.
    pub async fn failed(&self) -> String {
        let mut health = self.core.watch.subscribe();
        loop {
            if let Health::Failed(why) = &*health.borrow_and_update() {
                return why.clone();
            }
            if health.changed().await.is_err() {
                return "the stream is gone".to_owned();
            }
        }
    }

    /// What the stream counts of itself.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.core.counters
    }

    /// Events that wait in the queues.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.core.shards.iter().map(|shard| shard.room.events()).sum()
    }

    /// The number of the newest model in force.
    #[must_use]
    pub fn model_number(&self) -> u64 {
        self.core.newest.load().number()
    }

    /// How many shards there are.
    #[must_use]
    pub fn shard_count(&self) -> usize {
        self.core.shards.len()
    }

    /// Records that an operator accepts the loss of the damaged frames, and takes events again.
    pub fn accept_loss(&self) {
        for (runs, shard) in self.core.watch.accept_loss().into_iter().zip(&self.core.shards) {
            for (first_frame, last_frame) in runs {
                let _gone = shard.inbox.send(ToShard::AcceptLoss { first_frame, last_frame });
            }
        }
    }

    /// Makes everything committed so far survive a crash without the log; blocks until it does.
    #[must_use]
    pub fn persist_blocking(&self) -> Vec<Option<Position>> {
        let ask = |shard: &ShardEnd| {
            let (reply, answer) = oneshot::channel();
            let _gone = shard.inbox.send(ToShard::Persist(reply));
            answer
        };
        let answers: Vec<_> = self.core.shards.iter().map(ask).collect();
        answers.into_iter().map(|answer| answer.blocking_recv().ok().flatten()).collect()
    }

    pub(super) fn order(&self, order: Order) {
        for shard in &self.core.shards {
            let _gone = shard.inbox.send(ToShard::Order(order));
        }
    }

    pub(super) fn import(&self, shard: usize, item: ImportItem) -> bool {
        self.core.shards.get(shard).is_some_and(|shard| shard.imports.send(item).is_ok())
    }

    /// Waits until no epoch that ended waits for its model.
    pub(super) fn wait_for_trainer(&self) {
        while self.core.is_training.load(Ordering::Acquire) && self.health() == Health::Ready {
            let _tick = crossbeam_channel::after(std::time::Duration::from_millis(5)).recv();
        }
    }

    /// The oldest model that a lane would work with if the process died now and applied its log again.
    pub(super) fn oldest_model_needed(&self) -> u64 {
        self.core.shards.iter().map(|shard| shard.progress.persisted_model()).min().unwrap_or(0)
    }

    pub(super) fn note_training(&self, is_busy: bool) {
        self.core.is_training.store(is_busy, Ordering::Release);
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.core.clock.as_ref()
    }

    pub(super) fn purpose(&self) -> Purpose {
        self.core.purpose
    }

    pub(super) fn begin_stop(&self) {
        self.core.watch.begin_stop();
        for shard in &self.core.shards {
            let _gone = shard.inbox.send(ToShard::Stop);
        }
    }
}

fn gather(parts: Vec<Part>) -> Vec<NewEvent> {
    let mut all: Vec<(usize, NewEvent)> =
        parts.into_iter().flat_map(|part| part.indices.into_iter().zip(part.events)).collect();
    all.sort_unstable_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, event)| event).collect()
}

/// The answers of all shards, in the order of the events. When every event was refused, nothing was stored.
fn merge(
    ids: &[EventId],
    parts: Vec<(Vec<usize>, Option<Vec<Answer>>)>,
) -> Result<Vec<Receipt>, PublishError> {
    let mut answers: Vec<Option<Answer>> = ids.iter().map(|_| None).collect();
    for (indices, part) in parts {
        for (index, answer) in indices.into_iter().zip(part.into_iter().flatten()) {
            if let Some(place) = answers.get_mut(index) {
                *place = Some(answer);
            }
        }
    }
    if let Some(Some(Answer::Refused(_, refusal))) = answers.first()
        && answers.iter().all(|answer| matches!(answer, Some(Answer::Refused(..))))
    {
        let refusal = *refusal;
        let back = answers.into_iter().flatten().filter_map(|answer| match answer {
            Answer::Refused(event, _) => Some(*event),
            Answer::Receipt(_) => None,
        });
        return Err(PublishError { refusal, events: back.collect() });
    }
    let receipts = answers.into_iter().zip(ids).map(|(answer, id)| match answer {
        Some(Answer::Receipt(receipt)) => receipt,
        Some(Answer::Refused(event, refusal)) => Receipt::Refused { event_id: event.event_id, refusal },
        // The shard went away with the event: it may be stored.
        None => Receipt::Unknown { event_id: id.clone() },
    });
    Ok(receipts.collect())
}
