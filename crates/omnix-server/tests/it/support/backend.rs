//! A stream in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending, ready};
use omnix_engine::explain::{Input, Origin as StepOrigin, Step};
use omnix_engine::{LearnerStage, LearnerStatus, Profile, RecommendRequest, Recommendations, Recommended};
use omnix_model::{
    CustomerId, Event, EventId, EventRecord, Figure, Insight, InsightId, InsightKind, Judgement, LogId,
    Origin, Outcome, Position, Priority, ProductId, RejectedEvent, Segment, SegmentName, SegmentUpdate,
    ShardId, Timestamp,
};
use omnix_server::{Backend, CustomerFilter};
use omnix_worker::explain::{CauseKind, ExplainError, Explanation, Found, Gap, SourceEvent, Under};
use omnix_worker::{
    Counters, CustomerRow, FeedCursor, FeedMessage, FeedPage, InsightFilter, InsightPage, Interval,
    JudgeError, KnownInsight, Learner, Learning, NewEvent, Overview, PageRequest, PublishError, QueryError,
    Receipt, Refusal, RejectedFilter, RejectedRow, SegmentsReport, ShardStatus, Stored, StreamCounts,
    TimeRange,
};
use tokio::sync::broadcast;

use super::client::NOW;

/// What the stream does with what it is handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    #[default]
    Well,
    Refusing(Refusal),
    Hanging,
    Forgetful,
    /// Room for one event, and then none.
    Filling,
}

pub(crate) struct FakeStream {
    pub(crate) mood: Mutex<Mood>,
    pub(crate) stored: Mutex<Vec<NewEvent>>,
    pub(crate) rejected: Mutex<Vec<RejectedEvent>>,
    pub(crate) feed: Mutex<Vec<FeedMessage>>,
    pub(crate) has_gap: Mutex<bool>,
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) judged: Mutex<Vec<Judgement>>,
    seen: Mutex<BTreeMap<(Option<String>, EventId), u32>>,
    live: broadcast::Sender<Arc<FeedMessage>>,
    counters: Counters,
}

impl Default for FakeStream {
    fn default() -> Self {
        Self {
            mood: Mutex::default(),
            stored: Mutex::default(),
            rejected: Mutex::default(),
            feed: Mutex::default(),
            has_gap: Mutex::default(),
            asked: Mutex::default(),
            judged: Mutex::default(),
            seen: Mutex::default(),
            live: broadcast::channel(4).0,
            counters: Counters::default(),
        }
    }
}

/// An insight about `customer`, the `number`th.
pub(crate) fn insight(customer: &str, number: u64, priority: Priority) -> Insight {
    let customer_id = CustomerId::new(customer).unwrap();
    Insight {
        id: InsightId::derive(&customer_id, "test", &number.to_be_bytes()),
        customer_id,
        kind: InsightKind::BehaviorAnomaly,
        priority,
        action_required: true,
        timestamp: Timestamp::from_ms_clamped(1_767_607_200_000),
        event_timestamp: Timestamp::from_ms_clamped(1_767_607_200_000),
        revision: 0,
        model_version: 1,
        settings_version: 2,
        message_id: "test".into(),
        sentence: format!("insight {number}"),
        params: Vec::new(),
        figures: Vec::new(),
    }
}

/// How `insight` came about; forgetful, another figure came out under a model that was not the one.
fn explanation(insight: Insight, outcome: Option<Outcome>, is_forgetful: bool) -> Explanation {
    let (position, at) = (Position { log: LogId(1), frame: 7, slot: 2 }, insight.timestamp);
    let event = Event::SegmentUpdate(SegmentUpdate {
        customer_id: insight.customer_id.clone(),
        previous_segment: None,
        new_segment: SegmentName::Known(Segment::AtRisk),
        segmentation_score: 0.5,
        reason_codes: Vec::new(),
        timestamp: at,
        confidence: 0.5,
        model_version: "m".into(),
        extra: "".into(),
    });
    let record = EventRecord {
        event_id: EventId::new("e-1").unwrap(),
        origin: Origin::Client,
        fingerprint: 1,
        anonymous: false,
        event,
    };
    let step = Step {
        name: "score",
        about: "how unusual it is",
        formula: "a - b",
        inputs: vec![Input { name: "a", value: Figure::Number(2.5), origin: StepOrigin::Model }],
        value: Figure::Money(omnix_model::Money::from_millionths(1_100_000)),
    };
    let recomputed =
        Insight { priority: if is_forgetful { Priority::Low } else { insight.priority }, ..insight.clone() };
    Explanation {
        outcome,
        found: Some(Found {
            position,
            at,
            cause: CauseKind::Event,
            insight: recomputed,
            before: None,
            steps: if is_forgetful { Vec::new() } else { vec![step] },
            under: Under {
                model: 7,
                model_hash: 0x1f,
                settings: 2,
                settings_text: "a = 1\nb = 2\n".to_owned(),
                engine: 1,
            },
        }),
        sources: vec![SourceEvent { position, at, record }],
        events_read: 9,
        gaps: if is_forgetful { vec![Gap::DecidingModelGone { number: 7 }] } else { Vec::new() },
        stored: insight,
    }
}

impl FakeStream {
    /// Raises an insight: it is stored first, and heard then.
    pub(crate) fn raise(&self, frame: u64, insight: Insight) {
        let position = Position { log: LogId(1), frame, slot: 0 };
        let segment = Some(SegmentName::Known(Segment::AtRisk));
        let message = FeedMessage { position, index: 0, insight, segment };
        self.feed.lock().unwrap().push(message.clone());
        // Nobody may be listening.
        drop(self.live.send(Arc::new(message)));
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(crate) fn stored_ids(&self) -> Vec<String> {
        self.stored.lock().unwrap().iter().map(|event| event.event_id.to_string()).collect()
    }

    fn known(&self, insight: Insight) -> KnownInsight {
        let judged = self.judged.lock().unwrap();
        let last = judged.iter().rev().find(|judgement| judgement.insight == insight.id);
        KnownInsight { outcome: last.and_then(|judgement| judgement.outcome), insight }
    }

    fn note(&self, question: String) {
        self.asked.lock().unwrap().push(question);
    }

    fn store(&self, event: NewEvent) -> Receipt {
        let customer = event.event.customer().map(ToString::to_string);
        let print = event.fingerprint;
        let event_id = event.event_id.clone();
        let known = *self.seen.lock().unwrap().entry((customer, event_id.clone())).or_insert(print);
        if known != print {
            return Receipt::Conflict { event_id };
        }
        let mut stored = self.stored.lock().unwrap();
        let is_duplicate = stored.iter().any(|other| other.event_id == event_id);
        let slot = u16::try_from(stored.len()).unwrap();
        stored.push(event);
        if is_duplicate {
            stored.pop();
        }
        Receipt::Stored(Box::new(Stored {
            event_id,
            shard: ShardId(0),
            position: Position { log: LogId(1), frame: 1, slot },
            duplicate: Some(is_duplicate),
            insights: Vec::new(),
        }))
    }
}

impl Backend for FakeStream {
    fn publish(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Vec<Receipt>, PublishError>> {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Well => ready(Ok(events.into_iter().map(|event| self.store(event)).collect())).boxed(),
            Mood::Refusing(refusal) => ready(Err(PublishError { refusal, events })).boxed(),
            Mood::Hanging => pending().boxed(),
            Mood::Filling => {
                let mut receipts = Vec::new();
                for (index, event) in events.into_iter().enumerate() {
                    let event_id = event.event_id.clone();
                    let refusal = Refusal::DiskFull;
                    let is_first = index == 0;
                    receipts.push(if is_first {
                        self.store(event)
                    } else {
                        Receipt::Refused { event_id, refusal }
                    });
                }
                ready(Ok(receipts)).boxed()
            }
            Mood::Forgetful => {
                let unknown = |event: NewEvent| Receipt::Unknown { event_id: event.event_id };
                ready(Ok(events.into_iter().map(unknown).collect())).boxed()
            }
        }
    }

    fn reject(&self, event: RejectedEvent) {
        self.rejected.lock().unwrap().push(event);
    }

    fn not_ready(&self) -> Option<Refusal> {
        match *self.mood.lock().unwrap() {
            Mood::Refusing(refusal) => Some(refusal),
            Mood::Well | Mood::Hanging | Mood::Forgetful | Mood::Filling => None,
        }
    }

    fn counters(&self) -> &Counters {
        &self.counters
    }

    fn live(&self) -> broadcast::Receiver<Arc<FeedMessage>> {
        self.live.subscribe()
    }

    fn insights_of(
        &self,
        customer: &CustomerId,
        filter: &InsightFilter,
        page: &PageRequest,
    ) -> Result<InsightPage, QueryError> {
        self.note(format!("insights of {customer}: {filter:?} {page:?}"));
        let insights = vec![self.known(insight(customer.as_str(), 1, Priority::High))];
        Ok(InsightPage { insights, next: Some("next-1".to_owned()) })
    }

    fn insights(&self, filter: &InsightFilter, page: &PageRequest) -> Result<InsightPage, QueryError> {
        self.note(format!("insights: {filter:?} {page:?}"));
        if page.cursor.as_deref() == Some("wrong") {
            return Err(QueryError::InvalidCursor);
        }
        Ok(InsightPage::default())
    }

    fn insight(&self, customer: &CustomerId, id: InsightId) -> Result<Option<KnownInsight>, QueryError> {
        let only = insight(customer.as_str(), 1, Priority::High);
        Ok(Some(only).filter(|only| only.id == id).map(|only| self.known(only)))
    }

    fn explain(
        &self,
        customer: &CustomerId,
        id: InsightId,
        is_abandoned: &dyn Fn() -> bool,
    ) -> Result<Option<Explanation>, ExplainError> {
        let mood = *self.mood.lock().unwrap();
        if mood == Mood::Hanging {
            while !is_abandoned() {
                std::thread::yield_now();
            }
            self.note("abandoned".to_owned());
            return Err(ExplainError::Abandoned);
        }
        if let Mood::Refusing(_) = mood {
            return Err(ExplainError::Busy);
        }
        let Some(KnownInsight { insight, outcome }) = self.insight(customer, id)? else { return Ok(None) };
        Ok(Some(explanation(insight, outcome, mood == Mood::Forgetful)))
    }

    fn judge(&self, judgement: Judgement) -> BoxFuture<'_, Result<(), JudgeError>> {
        match *self.mood.lock().unwrap() {
            Mood::Well | Mood::Filling => {
                self.judged.lock().unwrap().push(judgement);
                ready(Ok(())).boxed()
            }
            Mood::Refusing(refusal) => ready(Err(JudgeError::Refused(refusal))).boxed(),
            Mood::Hanging => pending().boxed(),
            Mood::Forgetful => ready(Err(JudgeError::Unknown)).boxed(),
        }
    }

    fn overview(&self, _range: TimeRange) -> Result<Overview, QueryError> {
        let since = NOW.plus_ms(-1_500);
        let mut overview = Overview { applied: 3, failed: 1, since, ..Overview::default() };
        overview.insights.by_kind = [1, 2, 3, 4];
        overview.insights.by_priority = [4, 3, 2, 1];
        overview.judged.0[2][3] = [2, 1, 1];
        overview.suppressed.0 = [7, 8, 9];
        Ok(overview)
    }

    fn profile(&self, customer: &CustomerId) -> Result<Option<Profile>, QueryError> {
        self.note(format!("profile of {customer}"));
        assert!(customer.as_str() != "cursed", "a question that panics");
        if customer.as_str() == "nobody" {
            return Ok(None);
        }
        Ok(Some(Profile {
            purchases: 2,
            orders: 1,
            units: 2_000,
            total_spent: 30_100_000,
            average_order_value: Some(30_100_000),
            first_purchase_at: None,
            last_purchase_at: None,
            recency_days: None,
            segment: None,
            spending: None,
            products: Vec::new(),
        }))
    }

    fn customers(
        &self,
        filter: &CustomerFilter,
        page: &PageRequest,
    ) -> Result<(Vec<CustomerRow>, Option<String>), QueryError> {
        self.note(format!("customers: {filter:?} {page:?}"));
        Ok((Vec::new(), None))
    }

    fn recommend(
        &self,
        customer: &CustomerId,
        request: &RecommendRequest,
    ) -> Result<(Recommendations, u64), QueryError> {
        self.note(format!("recommend {customer}: {request:?}"));
        let popular = Recommended {
            product_id: ProductId::new("p-9").unwrap(),
            product_name: "Tea".into(),
            score: 0.5,
            reason: "popular",
        };
        Ok((Recommendations { again: Vec::new(), new: vec![popular] }, 7))
    }

    fn segments(&self, range: TimeRange, interval: Interval) -> Result<SegmentsReport, QueryError> {
        self.note(format!("segments: {range:?} {interval:?}"));
        Ok(SegmentsReport::default())
    }

    fn shards(&self) -> Vec<ShardStatus> {
        let at = Position::start(LogId(1));
        let (first_hash_key, last_hash_key) = (0, u128::MAX);
        let shard = ShardId(0);
        vec![ShardStatus {
            shard,
            first_hash_key,
            last_hash_key,
            latest: at,
            checkpoint: at,
            iterator_age_ms: 5,
        }]
    }

    fn learning(&self) -> Learning {
        let learner = |name, days, labels, loss, stage| Learner {
            name,
            days,
            status: LearnerStatus { labels, loss, fallback_loss: 0.5, stage },
        };
        Learning {
            model: 7,
            until: Some(Timestamp::from_ms_clamped(1_767_607_200_000)),
            products: 12,
            rows_waiting: 345,
            learners: vec![
                learner("bought_again", 30, 900.0, 0.45, LearnerStage::Learnt),
                learner("due", 7, 700.0, 0.6, LearnerStage::Straightened),
                learner("order", 60, 20.0, 0.4, LearnerStage::Analytic),
            ],
        }
    }

    fn counts(&self, minutes: u32) -> Result<StreamCounts, QueryError> {
        Ok(StreamCounts { incoming_records: minutes.into(), ..StreamCounts::default() })
    }

    fn rejected(
        &self,
        filter: &RejectedFilter,
        _page: &PageRequest,
    ) -> Result<(Vec<RejectedRow>, Option<String>), QueryError> {
        let rejected = self.rejected.lock().unwrap();
        let rows = rejected
            .iter()
            .enumerate()
            .rev()
            .map(|(i, event)| RejectedRow { id: format!("q{i}"), event: event.clone() });
        Ok((rows.filter(|row| filter.code.is_none_or(|code| code == row.event.code())).collect(), None))
    }

    fn rejected_by_id(&self, id: &str) -> Result<Option<RejectedRow>, QueryError> {
        let rejected = self.rejected.lock().unwrap();
        let index = id.strip_prefix('q').and_then(|digits| digits.parse::<usize>().ok());
        let event = index.and_then(|index| rejected.get(index)).cloned();
        Ok(event.map(|event| RejectedRow { id: id.to_owned(), event }))
    }

    fn feed_after(&self, after: &FeedCursor, limit: usize) -> Result<FeedPage, QueryError> {
        let feed = self.feed.lock().unwrap();
        let mut page =
            FeedPage { next: after.clone(), has_gap: *self.has_gap.lock().unwrap(), ..FeedPage::default() };
        for message in feed.iter().filter(|m| !after.covers(m.position, m.index)).take(limit) {
            page.next.advance(message.position, message.index);
            page.messages.push(message.clone());
        }
        Ok(page)
    }

    fn feed_bounds(&self) -> Result<(FeedCursor, FeedCursor), QueryError> {
        let mut newest = FeedCursor::default();
        for message in self.feed.lock().unwrap().iter() {
            newest.advance(message.position, message.index);
        }
        Ok((FeedCursor::default(), newest))
    }
}
