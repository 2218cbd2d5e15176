//! What came of insights: a record like any other, so that it outlasts whatever is computed anew.
//!
//! Who says so is answered like who publishes: after the record is durable and applied. Deliberately not here:
//! whether there is such an insight; who asks knows, and a record of one that is gone says nothing.

use std::collections::VecDeque;

use omnix_model::{InsightId, Judgement, Lane, Record};
use tokio::sync::oneshot;

use super::apply::Step;
use super::{Phase, Shard, ShardError};
use crate::keys;
use crate::publish::Refusal;
use crate::rows::{Judged, JudgementRow};
use crate::stream::Permit;

/// Somebody who waits until what they said of an insight is applied.
#[derive(Debug)]
struct Waiting {
    insight: InsightId,
    reply: Reply,
    _permit: Permit,
}

/// Where the answer goes: whether it was stored.
pub(crate) type Reply = oneshot::Sender<Result<(), Refusal>>;

/// Those who said what came of an insight.
#[derive(Debug, Default)]
pub(crate) struct Judges {
    /// Whose record is not applied yet, in the order of their records.
    waiting: VecDeque<Waiting>,
    /// Whose record is applied, and the group not noted yet.
    applied: Vec<Waiting>,
}

impl Judges {
    /// The first who waits for a record about `insight`.
    fn take(&mut self, insight: InsightId) -> Option<Waiting> {
        let place = self.waiting.iter().position(|waiting| waiting.insight == insight)?;
        self.waiting.remove(place)
    }

    /// Tells who waits for a record about `insight` that it was not stored.
    pub(super) fn refuse(&mut self, insight: InsightId, refusal: Refusal) {
        if let Some(judge) = self.take(insight) {
            let _gone = judge.reply.send(Err(refusal));
        }
    }
}

impl Shard {
    /// Takes what somebody said of an insight; they are answered when it is durable and applied.
    pub(crate) fn accept_judgement(&mut self, judgement: Judgement, reply: Reply, permit: Permit) {
        if self.is_log_damaged {
            let _gone = reply.send(Err(Refusal::LogDamaged));
            return;
        }
        self.judges.waiting.push_back(Waiting { insight: judgement.insight, reply, _permit: permit });
        let lane = Lane::of(&judgement.customer_id);
        self.control.push_back((lane, Record::Judgement(Box::new(judgement))));
    }

    /// Notes what came of an insight, and counts it in the hour in which the insight was raised.
    pub(super) fn take_judgement(&mut self, step: Step, judgement: &Judgement) -> Result<(), ShardError> {
        let lane = self.lane_mut(step.lane)?.lane;
        let key = keys::judgement(judgement.raised_at, lane, judgement.insight);
        let known = match self.early_row(&key)? {
            Some(row) => JudgementRow::decode(&row)
                .map_err(|error| ShardError::Unfit(format!("what came of an insight: {error}")))?,
            None => JudgementRow::default(),
        };
        let before = known.before(step.at);
        let judged: Judged = judgement.outcome.map(|outcome| (outcome, judgement.priority));
        self.put_early(key, JudgementRow { at: step.at, judged, before }.encode());
        let (home, hour) = (self.home_lane(), judgement.raised_at.hour());
        if let Some(row) = self.books.hours.row(hour, home, step.at, self.reader.as_ref())? {
            row.add_judgement(judgement.kind, before, judged);
        }
        if self.phase == Phase::Live {
            let waiting = self.judges.take(judgement.insight);
            self.judges.applied.extend(waiting);
        }
        Ok(())
    }

    /// Answers those whose records are applied: who asks from now on sees it.
    pub(super) fn answer_judges(&mut self) {
        for judge in self.judges.applied.drain(..) {
            // Whoever asked may have gone away: it is noted all the same.
            let _gone = judge.reply.send(Ok(()));
        }
    }
}
