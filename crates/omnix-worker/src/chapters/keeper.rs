//! Reads behind the logs and writes their chapters: on a thread of its own, so that no shard waits for it.
//!
//! What is covered by a chapter is not read again, what a damaged or lost chapter should cover is; so that after the
//! first pass all that can be read is covered, and what cannot be read is met again by whoever asks.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use omnix_model::{Position, RecordBlock};
use omnix_storage::{LogReader, ReadError, StoredBlock};

use super::draft::Draft;
use super::{Chapter, Chapters, forget};

/// How often it is looked whether logs have grown.
const PAUSE: Duration = Duration::from_secs(1);
/// Blocks taken from one log before it is the next one's turn.
const BLOCKS: usize = 16;

/// Keeps the chapters of all logs of a stream.
pub(crate) struct Keeper {
    followers: Vec<Follower>,
    stopped: Receiver<()>,
}

impl Keeper {
    /// Of these logs; ends when the other end of `stopped` is dropped.
    pub(crate) fn new(chapters: impl Iterator<Item = Arc<Chapters>>, stopped: Receiver<()>) -> Self {
        Self { followers: chapters.map(Follower::new).collect(), stopped }
    }

    /// Runs until it is stopped.
    pub(crate) fn run(mut self) {
        loop {
            let mut is_behind = false;
            for follower in &mut self.followers {
                match follower.step() {
                    Ok(has_more) => is_behind |= has_more,
                    // Whoever asks reads the log itself, and hears of it.
                    Err(error) => tracing::debug!(%error, "chapters cannot be made"),
                }
            }
            let pause = if is_behind { Duration::ZERO } else { PAUSE };
            match self.stopped.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// Reads behind one log.
pub(crate) struct Follower {
    chapters: Arc<Chapters>,
    /// All up to this frame has been looked at.
    at: u64,
    /// Stands behind that frame.
    reader: Option<Box<dyn LogReader>>,
}

impl Follower {
    pub(crate) fn new(chapters: Arc<Chapters>) -> Self {
        Self { chapters, at: 0, reader: None }
    }

    /// Takes some blocks; says whether there may be more at once.
    pub(crate) fn step(&mut self) -> Result<bool, ReadError> {
        let start = self.chapters.source.start().frame;
        self.chapters.forget_until(start);
        if self.at < start {
            self.begin(start);
        }
        for _ in 0..BLOCKS {
            if !self.take_next()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes a block, or passes over a chapter; false at the end of the log.
    fn take_next(&mut self) -> Result<bool, ReadError> {
        let ahead = self.chapters.first_behind(self.at);
        if let Some(chapter) = ahead.as_ref().filter(|chapter| chapter.head.bounds.after <= self.at) {
            self.pass(chapter)?;
            return Ok(true);
        }
        match self.reader()?.next(Duration::ZERO) {
            Ok(None) => Ok(false),
            Ok(Some(stored)) => {
                let until = ahead.map(|chapter| chapter.head.bounds.after);
                self.take(&stored, until);
                Ok(true)
            }
            Err(ReadError::Damaged { last, .. }) => {
                self.chapters.finish();
                self.begin(last.max(self.at));
                Ok(true)
            }
            Err(error) => {
                self.reader = None;
                Err(error)
            }
        }
    }

    fn pass(&mut self, chapter: &Arc<Chapter>) -> Result<(), ReadError> {
        self.chapters.finish();
        let chapters = Arc::clone(&self.chapters);
        if chapters.is_of_log(chapter, self.reader()?.as_mut()) {
            self.begin(chapter.head.bounds.last);
        } else {
            chapters.remove(chapter);
        }
        Ok(())
    }

    fn take(&mut self, stored: &StoredBlock, until: Option<u64>) {
        let frame = stored.position.frame;
        let Ok(block) = RecordBlock::decode(&stored.payload) else {
            self.chapters.finish();
            self.begin(frame);
            return;
        };
        self.at = frame;
        if self.chapters.take(stored, &block) || until.is_some_and(|until| until <= frame) {
            self.chapters.finish();
        }
    }

    /// Goes on behind frame `at`, with an empty draft.
    fn begin(&mut self, at: u64) {
        self.at = at;
        self.reader = None;
        self.chapters.begin(at);
    }

    fn reader(&mut self) -> Result<&mut Box<dyn LogReader>, ReadError> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => {
                let source = &self.chapters.source;
                source.read_after(Position { frame: self.at, ..Position::start(source.id()) })?
            }
        };
        Ok(self.reader.insert(reader))
    }
}

impl Chapters {
    /// The first chapter that reaches beyond `frame`.
    fn first_behind(&self, frame: u64) -> Option<Arc<Chapter>> {
        let known = self.lock();
        let behind = known.finished.partition_point(|chapter| chapter.head.bounds.last <= frame);
        known.finished.get(behind).cloned()
    }

    /// Adds a block to the draft; says whether that has become a chapter's length.
    fn take(&self, stored: &StoredBlock, block: &RecordBlock) -> bool {
        let mut known = self.lock();
        known.draft.take(stored, block);
        known.draft.records() >= self.records
    }

    /// Empties the draft.
    fn begin(&self, after: u64) {
        self.lock().draft = Draft::new(after);
    }

    /// Makes a chapter of what the draft holds, and begins the next one behind it.
    fn finish(&self) {
        let (bounds, file) = {
            let known = self.lock();
            let bounds = known.draft.bounds();
            if bounds.last == bounds.after {
                return;
            }
            (bounds, known.draft.file(self.source.id()))
        };
        // Only this thread changes the draft, so it is still the same.
        let written = self.store.write(bounds.after, &file);
        let head = super::Head::decode(&file, self.source.id());
        let mut known = self.lock();
        known.draft = Draft::new(bounds.last);
        match (written, head) {
            (Ok(()), Some(head)) => {
                let at = known.finished.partition_point(|other| other.head.bounds.last <= bounds.after);
                let chapter = Chapter { head, is_of_log: true.into() };
                known.finished.insert(at, Arc::new(chapter));
            }
            (Err(error), _) => {
                tracing::warn!(%error, "a chapter cannot be written; its part of the log is read")
            }
            (Ok(()), None) => {}
        }
    }

    /// Removes a chapter that is not one of this log.
    fn remove(&self, chapter: &Arc<Chapter>) {
        self.lock().finished.retain(|other| !Arc::ptr_eq(other, chapter));
        forget(self.store.as_ref(), chapter.head.bounds.after);
    }

    /// Removes chapters of which the log keeps nothing: those up to frame `kept_after`.
    fn forget_until(&self, kept_after: u64) {
        let gone: Vec<_> = {
            let mut known = self.lock();
            let count = known.finished.partition_point(|chapter| chapter.head.bounds.last <= kept_after);
            known.finished.drain(..count).collect()
        };
        gone.iter().for_each(|chapter| forget(self.store.as_ref(), chapter.head.bounds.after));
    }
}
