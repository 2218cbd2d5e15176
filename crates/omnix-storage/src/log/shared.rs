//! What the writer of a log and its readers have in common: the segments there are, and how far the log is
//! durable.
//!
//! The writer publishes a frame only after its sync; readers look at nothing beyond. No lock is held while a
//! file is touched, and the writer takes one only when a segment begins or ends, when the index grows, or when
//! somebody waits.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use omnix_model::{LogId, Position};

use crate::log::disk::Disk;
use crate::log::reader::SegmentReader;
use crate::log::segment::{Footer, IndexEntry, SegmentIndex};
use crate::log::{LogReader, LogSource, ReadError};

/// One file of the log.
#[derive(Debug)]
pub(crate) struct Segment {
    /// The number of its first frame, after which it is named.
    pub(crate) first: u64,
    pub(crate) path: PathBuf,
    next: AtomicU64,
    end: AtomicU64,
    first_ms: AtomicU64,
    last_ms: AtomicU64,
    sealed: AtomicBool,
    /// In memory while there is no footer to find it in.
    index: Mutex<Option<SegmentIndex>>,
}

/// How far a segment reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The frame behind the last one.
    pub(crate) next: u64,
    /// The offset behind the last one.
    pub(crate) end: u64,
}

impl Segment {
    /// A segment that is being written.
    pub(crate) fn open(dir: &Path, first: u64, extent: Extent) -> Self {
        Self {
            first,
            path: segment_path(dir, first),
            next: AtomicU64::new(extent.next),
            end: AtomicU64::new(extent.end),
            first_ms: AtomicU64::new(u64::MAX),
            last_ms: AtomicU64::new(0),
            sealed: AtomicBool::new(false),
            index: Mutex::new(Some(SegmentIndex::default())),
        }
    }

    /// A segment that nobody writes to any more; `index` when its footer does not hold it.
    pub(crate) fn sealed(
        dir: &Path,
        first: u64,
        footer: &Footer,
        end: u64,
        index: Option<SegmentIndex>,
    ) -> Self {
        Self {
            first,
            path: segment_path(dir, first),
            next: AtomicU64::new(footer.next),
            end: AtomicU64::new(end),
            first_ms: AtomicU64::new(footer.first_ms),
            last_ms: AtomicU64::new(footer.last_ms),
            sealed: AtomicBool::new(true),
            index: Mutex::new(index),
        }
    }

    /// How far it can be read. What lies within never changes again.
    pub(crate) fn extent(&self) -> Extent {
        // `end` is stored before `next`, so that it covers at least the frames below `next`.
        let next = self.next.load(Ordering::Acquire);
        Extent { next, end: self.end.load(Ordering::Acquire) }
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    /// The time of the youngest block, in milliseconds since 1970.
    pub(crate) fn last_ms(&self) -> u64 {
        self.last_ms.load(Ordering::Acquire)
    }

    /// Takes note of a durable frame.
    pub(crate) fn publish(&self, entry: IndexEntry, end: u64) {
        if let Some(index) = lock(&self.index).as_mut() {
            index.note(entry);
        }
        self.first_ms.fetch_min(entry.ms, Ordering::AcqRel);
        self.last_ms.fetch_max(entry.ms, Ordering::AcqRel);
        self.end.store(end, Ordering::Release);
        self.next.store(entry.frame + 1, Ordering::Release);
    }

    /// The footer it would have now.
    pub(crate) fn footer(&self) -> Footer {
        let last_ms = self.last_ms();
        Footer {
            next: self.next.load(Ordering::Acquire),
            first_ms: self.first_ms.load(Ordering::Acquire).min(last_ms),
            last_ms,
            index: lock(&self.index).clone().unwrap_or_default(),
        }
    }

    /// Takes note that the footer is durable.
    pub(crate) fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
        *lock(&self.index) = None;
    }

    /// Whether the index is in memory, and if so the last frame at or before `frame` whose place it knows.
    pub(crate) fn indexed_before(&self, frame: u64) -> Option<Option<IndexEntry>> {
        lock(&self.index).as_ref().map(|index| index.before(frame))
    }
}

/// The file of the segment that begins with frame `first`.
pub(crate) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.seg"))
}

/// The first frame of the segment file called `name`, if it is one.
pub(crate) fn segment_first(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg").filter(|d| d.len() == 20)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// The state that writer and readers share.
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) id: LogId,
    segments: RwLock<Vec<Arc<Segment>>>,
    durable: AtomicU64,
    waiting: AtomicUsize,
    gate: Mutex<()>,
    grown: Condvar,
}

impl Shared {
    /// The log whose last durable frame is `durable`.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        dir: &Path,
        id: LogId,
        segments: Vec<Arc<Segment>>,
        durable: u64,
    ) -> Self {
        Self {
            disk,
            dir: dir.to_path_buf(),
            id,
            segments: RwLock::new(segments),
            durable: AtomicU64::new(durable),
            waiting: AtomicUsize::new(0),
            gate: Mutex::new(()),
            grown: Condvar::new(),
        }
    }

    /// The number of the last acknowledged frame.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::SeqCst)
    }

    /// Lets readers see frames up to `frame`.
    pub(crate) fn advance(&self, frame: u64) {
        self.durable.store(frame, Ordering::SeqCst);
        // Either this load sees who waits, or who waits sees the store: both are sequentially consistent.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            drop(lock(&self.gate));
            self.grown.notify_all();
        }
    }

    /// Waits until `frame` is durable, at most for `wait`; says whether it is.
    pub(crate) fn wait_for(&self, frame: u64, wait: Duration) -> bool {
        if self.durable() >= frame {
            return true;
        }
        if wait.is_zero() {
            return false;
        }
        let deadline = Instant::now().checked_add(wait);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut gate = lock(&self.gate);
        while self.durable() < frame {
            let left = deadline.map_or(wait, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            gate = self.grown.wait_timeout(gate, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(gate);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.durable() >= frame
    }

    /// The segments there are, in order.
    pub(crate) fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of the first frame that is kept.
    pub(crate) fn first_kept(&self) -> u64 {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.first().map_or_else(|| self.durable() + 1, |segment| segment.first)
    }

    /// The segment that holds `frame` or, if it is missing, the next one.
    pub(crate) fn segment_of(&self, frame: u64) -> Option<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let behind = segments.partition_point(|segment| segment.extent().next <= frame);
        segments.get(behind).cloned()
    }

    /// Adds a segment at the end, in the place of one of the same name that was empty.
    pub(crate) fn push(&self, segment: Arc<Segment>) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        segments.retain(|other| other.first != segment.first);
        segments.push(segment);
    }

    /// Takes the oldest segment out of the list.
    pub(crate) fn pop_oldest(&self) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        if !segments.is_empty() {
            segments.remove(0);
        }
    }

    pub(crate) fn position(&self, frame: u64) -> Position {
        Position { log: self.id, frame, slot: 0 }
    }
}

/// A handle to a log's readers.
pub(crate) struct SegmentSource(pub(crate) Arc<Shared>);

impl LogSource for SegmentSource {
    fn id(&self) -> LogId {
        self.0.id
    }

    fn start(&self) -> Position {
        self.0.position(self.0.first_kept().saturating_sub(1))
    }

    fn end(&self) -> Position {
        self.0.position(self.0.durable())
    }

    fn read_after(&self, after: Position) -> Result<Box<dyn LogReader>, ReadError> {
        if after.log != self.0.id {
            let (asked, own) = (after.log.0, self.0.id.0);
            return Err(ReadError::Failed(format!("a position of log {asked} was asked of log {own}")));
        }
        let next = after.frame.saturating_add(1);
        if next < self.0.first_kept() {
            return Err(ReadError::Trimmed(after));
        }
        Ok(Box::new(SegmentReader::new(Arc::clone(&self.0), next)))
    }
}

/// A failed read of a file, as readers report it.
#[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
pub(crate) fn failed(error: io::Error) -> ReadError {
    ReadError::Failed(error.to_string())
}

/// Locks, also after a panic elsewhere: what is guarded here is never left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
