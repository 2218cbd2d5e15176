//! What tests drive shards with: a log in memory, one shard after another on the same disk, events.

mod fleet;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use omnix_engine::{Settings, Tally};
use omnix_model::{
    CustomerId, Event, EventId, Insight, Judgement, LaneRange, LogId, Money, OrderId, Origin, Outcome,
    Position, ProductId, Purchase, Quantity, ShardId, Timestamp,
};
use omnix_storage::{
    AppendError, Atomicity, Block, EventLog, Grain, LogReader, LogSource, MemoryDisk, ReadError, StoredBlock,
    TrimReport,
};
use tokio::sync::{broadcast, oneshot};

use crate::attempts::MarkerStore;
use crate::counters::Counters;
use crate::dedup::{IdSecret, Window};
use crate::group::Answer;
use crate::models::{MemoryModels, Models};
use crate::observed::absorb_row;
use crate::rollup::{Activity, Census, Sales, decode_row, encode_row};
use crate::shard::{Replay, Shard, ShardContext, ShardError};
use crate::stream::Room;
use crate::trainer::{Lesson, Told};
use crate::{Clock, ManualClock, NewEvent, Progress, Receipt, Refusal, Stored};
pub(crate) use fleet::Fleet;

/// 2026-01-01T00:00:00Z.
pub(crate) const START_MS: i64 = 1_767_225_600_000;

pub(crate) fn at_s(seconds: i64) -> Timestamp {
    Timestamp::from_ms_clamped(START_MS + seconds * 1_000)
}

/// A log in memory that survives its writer; the next append answers as it is told to.
#[derive(Clone)]
pub(crate) struct TestLog {
    id: LogId,
    blocks: Arc<Mutex<Vec<StoredBlock>>>,
    fault: Arc<Mutex<Option<AppendError>>>,
    /// Frames that cannot be read.
    damaged: Arc<Mutex<BTreeSet<u64>>>,
    /// Frames up to this one are not kept.
    trimmed: Arc<AtomicU64>,
    /// Blocks that were read.
    reads: Arc<AtomicU64>,
}

impl TestLog {
    pub(crate) fn new(id: u16) -> Self {
        Self {
            id: LogId(id),
            blocks: Arc::default(),
            fault: Arc::default(),
            damaged: Arc::default(),
            trimmed: Arc::default(),
            reads: Arc::default(),
        }
    }

    pub(crate) fn fail_next(&self, error: AppendError) {
        *self.fault.lock().unwrap() = Some(error);
    }

    pub(crate) fn damage(&self, frame: u64) {
        self.damaged.lock().unwrap().insert(frame);
    }

    /// Keeps nothing up to `frame`.
    pub(crate) fn trim_to(&self, frame: u64) {
        self.trimmed.store(frame, Ordering::Relaxed);
    }

    /// How many blocks were read so far.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// The block of a frame; none where there is none.
    fn read(&self, frame: u64) -> Result<Option<StoredBlock>, ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let block = frame.checked_sub(1).and_then(|at| self.blocks.lock().unwrap().get(index(at)).cloned());
        if block.is_some() && self.damaged.lock().unwrap().contains(&frame) {
            return Err(ReadError::Damaged { log: self.id, first: frame, last: frame });
        }
        Ok(block)
    }

    pub(crate) fn blocks(&self) -> Vec<StoredBlock> {
        self.blocks.lock().unwrap().clone()
    }
}

impl EventLog for TestLog {
    fn grain(&self) -> Grain {
        Grain::Shard
    }
    fn id(&self) -> LogId {
        self.id
    }
    fn append(&mut self, blocks: &[Block]) -> Vec<Result<Position, AppendError>> {
        let append = |block: &Block| {
            if let Some(error) = self.fault.lock().unwrap().take() {
                return Err(error);
            }
            let mut stored = self.blocks.lock().unwrap();
            let position = Position { log: self.id, frame: stored.len() as u64 + 1, slot: 0 };
            stored.push(StoredBlock {
                position,
                count: block.count,
                now: block.now,
                payload: block.payload.clone(),
            });
            Ok(position)
        };
        blocks.iter().map(append).collect()
    }
    fn source(&self) -> Arc<dyn LogSource> {
        Arc::new(self.clone())
    }
    fn trim(&mut self, _: Position, _: Timestamp) -> Result<TrimReport, ReadError> {
        Ok(TrimReport::default())
    }
    fn close(self: Box<Self>) -> Result<(), AppendError> {
        Ok(())
    }
}

impl LogSource for TestLog {
    fn id(&self) -> LogId {
        self.id
    }
    fn start(&self) -> Position {
        Position { frame: self.trimmed.load(Ordering::Relaxed), ..Position::start(self.id) }
    }
    fn end(&self) -> Position {
        self.blocks.lock().unwrap().last().map_or(Position::start(self.id), |block| block.position)
    }
    fn read_after(&self, after: Position) -> Result<Box<dyn LogReader>, ReadError> {
        if after.frame < self.start().frame {
            return Err(ReadError::Trimmed(after));
        }
        Ok(Box::new(TestReader { log: self.clone(), next: after.frame + 1 }))
    }
}

fn index(frame: u64) -> usize {
    usize::try_from(frame).unwrap()
}

struct TestReader {
    log: TestLog,
    next: u64,
}

impl LogReader for TestReader {
    fn next(&mut self, _: Duration) -> Result<Option<StoredBlock>, ReadError> {
        let read = self.log.read(self.next);
        if !matches!(read, Ok(None)) {
            self.next += 1;
        }
        read
    }
    fn block_at(&mut self, position: Position) -> Result<Option<StoredBlock>, ReadError> {
        if position.frame <= self.log.start().frame { Ok(None) } else { self.log.read(position.frame) }
    }
}

/// A marker in memory that survives its shard.
#[derive(Clone, Default)]
pub(crate) struct KeptMarker(pub(crate) Arc<Mutex<Vec<u8>>>);

impl MarkerStore for KeptMarker {
    fn read(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
    fn write(&mut self, marker: &[u8]) {
        *self.0.lock().unwrap() = marker.to_vec();
    }
}

/// What survives a shard: its disk, its log, the models, the clock.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) disk: MemoryDisk,
    pub(crate) log: TestLog,
    pub(crate) models: MemoryModels,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) shard: ShardId,
    pub(crate) shards: usize,
    pub(crate) is_history: bool,
    pub(crate) window: Window,
    pub(crate) cache_bytes: usize,
    pub(crate) marker: KeptMarker,
}

impl Ground {
    pub(crate) fn new(atomicity: Atomicity) -> Self {
        Self::of_shard(atomicity, 0, 1)
    }

    pub(crate) fn of_shard(atomicity: Atomicity, shard: u16, shards: usize) -> Self {
        Self {
            disk: MemoryDisk::new(atomicity),
            log: TestLog::new(shard + 1),
            models: MemoryModels::default(),
            clock: Arc::new(ManualClock::at(at_s(0))),
            shard: ShardId(shard),
            shards,
            is_history: false,
            window: Window::default(),
            cache_bytes: 8 << 20,
            marker: KeptMarker::default(),
        }
    }

    /// A shard on what survived, replayed and ready.
    pub(crate) fn open(&self) -> Driven {
        self.try_open().expect("the shard opens")
    }

    pub(crate) fn try_open(&self) -> Result<Driven, ShardError> {
        let (tell, told) = crossbeam_channel::bounded(1 << 16);
        let (live, heard) = broadcast::channel(1 << 12);
        let counters = Arc::new(Counters::default());
        let context = ShardContext {
            shard: self.shard,
            lanes: LaneRange::of_shard(self.shard, self.shards),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            models: Arc::new(Models::new(Box::new(self.models.clone()))),
            settings: Arc::new(Settings::default()),
            window: self.window,
            secret: IdSecret::new([7; 16]),
            cache_bytes: self.cache_bytes,
            cache_ttl_ms: i64::MAX / 2,
            is_history: self.is_history,
            atomicity: self.disk.atomicity(),
            counters: Arc::clone(&counters),
            progress: Arc::new(Progress::default()),
            live,
            lessons: tell,
            rejected_waiting: Arc::new(AtomicUsize::new(0)),
            has_observed: Arc::new(AtomicBool::new(false)),
        };
        let mut shard = Shard::open(context, Box::new(self.disk.open()), Box::new(self.marker.clone()))?;
        let replay = shard.replay(&self.log)?;
        let lessons = shard.go_live()?;
        let log = self.log.clone();
        Ok(Driven { shard, log, told, heard, counters, replay, lessons })
    }
}

/// A shard that a test drives, without threads.
pub(crate) struct Driven {
    pub(crate) shard: Shard,
    pub(crate) log: TestLog,
    pub(crate) told: crossbeam_channel::Receiver<Told>,
    pub(crate) heard: broadcast::Receiver<Arc<crate::FeedMessage>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) replay: Replay,
    pub(crate) lessons: Vec<Lesson>,
}

impl Driven {
    /// Appends and applies until nothing is left to do, and commits it, as for a reader.
    pub(crate) fn settle(&mut self) -> Result<(), ShardError> {
        self.settle_uncommitted()?;
        self.shard.commit_gathered()
    }

    /// Appends and applies until nothing is left to do.
    pub(crate) fn settle_uncommitted(&mut self) -> Result<(), ShardError> {
        while self.step()? {}
        Ok(())
    }

    /// Appends and applies one block; false when there is nothing to do.
    pub(crate) fn step(&mut self) -> Result<bool, ShardError> {
        self.shard.fill()?;
        self.shard.begin_ticks()?;
        self.shard.fill()?;
        let Some(block) = self.shard.seal() else { return Ok(false) };
        let answer = self.log.append(std::slice::from_ref(&block)).pop().unwrap();
        self.shard.synced(answer)?;
        self.shard.apply_synced(&mut |_| Ok(()))?;
        Ok(true)
    }

    /// Hands events in without driving the shard.
    pub(crate) fn ask(&mut self, events: Vec<NewEvent>) -> oneshot::Receiver<Vec<Answer>> {
        let (reply, answer) = oneshot::channel();
        self.shard.accept(events, reply, 0, None);
        answer
    }

    /// Says what came of an insight without driving the shard.
    pub(crate) fn judge(
        &mut self,
        insight: &Insight,
        outcome: Option<Outcome>,
    ) -> oneshot::Receiver<Result<(), Refusal>> {
        let (reply, answer) = oneshot::channel();
        let permit = Arc::new(Room::default()).reserve(1, 1).unwrap();
        let judgement = Judgement {
            customer_id: insight.customer_id.clone(),
            insight: insight.id,
            raised_at: insight.timestamp,
            kind: insight.kind,
            priority: insight.priority,
            outcome,
        };
        self.shard.accept_judgement(judgement, reply, permit);
        answer
    }

    /// Publishes events as one request and gives their receipts.
    pub(crate) fn publish(&mut self, events: Vec<NewEvent>) -> Result<Vec<Receipt>, ShardError> {
        let answer = self.ask(events);
        self.settle()?;
        Ok(receipts(answer))
    }

    /// Accepts the loss of a frame, then publishes one event that must be stored.
    pub(crate) fn store_after_loss(&mut self, frame: u64, event: NewEvent) -> Stored {
        self.shard.accept_loss(frame, frame);
        self.store(event)
    }

    /// Publishes one event that must be stored.
    pub(crate) fn store(&mut self, event: NewEvent) -> Stored {
        match self.publish(vec![event]).unwrap().pop().unwrap() {
            Receipt::Stored(stored) => *stored,
            other => panic!("not stored: {other:?}"),
        }
    }
}

pub(crate) fn receipts(mut answer: oneshot::Receiver<Vec<Answer>>) -> Vec<Receipt> {
    let answers = answer.try_recv().expect("the request is answered");
    let receipt = |answer| match answer {
        Answer::Receipt(receipt) => receipt,
        Answer::Refused(event, refusal) => Receipt::Refused { event_id: event.event_id, refusal },
    };
    answers.into_iter().map(receipt).collect()
}

pub(crate) fn customer(name: &str) -> CustomerId {
    CustomerId::new(name).unwrap()
}

/// A purchase of `customer` at `at`, worth `amount` of the currency, under `id`.
pub(crate) fn purchase(name: &str, id: &str, at: Timestamp, amount: i64) -> NewEvent {
    new_event(
        Event::Purchase(Purchase {
            customer_id: Some(customer(name)),
            product_id: ProductId::new(&format!("p{}", amount % 7)).unwrap(),
            product_category: "food".into(),
            product_name: "Thing".into(),
            quantity: Quantity::from_thousandths(1_000),
            price: Money::from_millionths(amount * 1_000_000),
            total_amount: Money::from_millionths(amount * 1_000_000),
            timestamp: at,
            location: None,
            payment_method: None,
            device_type: None,
            order_id: Some(OrderId::new(&format!("o-{id}")).unwrap()),
            order_lines: Some(1),
            metadata: "".into(),
            extra: "".into(),
        }),
        id,
    )
}

/// `event` as a client hands it in under `id`.
pub(crate) fn new_event(event: Event, id: &str) -> NewEvent {
    let fingerprint = omnix_model::fingerprint(&event);
    NewEvent {
        event,
        event_id: EventId::new(id).unwrap(),
        origin: Origin::Client,
        fingerprint,
        anonymous: false,
    }
}

/// Rows without what depends on when somebody was answered (latencies are measured, not applied) and on how
/// groups were dealt over commits: up to where a row was added to, and in how many pieces observations stand.
pub(crate) fn comparable(rows: BTreeMap<Vec<u8>, Vec<u8>>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut comparable = BTreeMap::new();
    let mut observed: BTreeMap<Vec<u8>, Tally> = BTreeMap::new();
    for (key, value) in rows {
        match key.first() {
            Some(b'a' | b'b') => {
                let mut row = decode_row::<Activity>(&value).unwrap().0;
                (row.latency, row.latency_us) = Default::default();
                if row != Activity::default() {
                    comparable.insert(key, encode_row(&row, Position::default()));
                }
            }
            Some(b'r') => {
                let row = decode_row::<Sales>(&value).unwrap().0;
                comparable.insert(key, encode_row(&row, Position::default()));
            }
            Some(b'c') => {
                let row = decode_row::<Census>(&value).unwrap().0;
                comparable.insert(key, encode_row(&row, Position::default()));
            }
            Some(b'o') => {
                let of_epoch = key[..key.len() - Position::BYTES].to_vec();
                absorb_row(observed.entry(of_epoch).or_default(), &value).unwrap();
            }
            _ => {
                comparable.insert(key, value);
            }
        }
    }
    comparable.extend(observed.into_iter().map(|(key, tally)| (key, tally.encode())));
    comparable
}
