//! Chapters: what stretches of a log hold, told lane by lane beside it, so that whoever looks for one customer passes
//! over what is not theirs.
//!
//! A chapter tells of some hundred thousand records: of every frame and lane which customers it mentions, the time
//! that the lane reached, and which model, settings and engine were named ([`line`]). Acknowledged frames never
//! change, so a chapter is made once, of the log alone, by a thread that reads behind it ([`keeper`]); the last one,
//! not finished yet, is in memory and is read there.
//!
//! Invariants: a chapter that does not mention a customer in a frame is right about it (it may mention one who is not
//! there); nothing rests on chapters: where there is none, or a damaged one, or one of another log, the log itself is
//! read. Frames that cannot be read are in no chapter, so that whoever reads meets the damage.
//!
//! Deliberately not here: what is looked for (`explain`), where the files lie (`omnix-storage`). A log whose
//! positions are wider than a frame's number has no chapters.

mod draft;
mod file;
mod keeper;
mod line;
mod store;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use omnix_model::{Lane, Position};
use omnix_storage::{LogReader, LogSource};

use draft::Draft;
use file::{HEAD_BYTES, Head, fingerprint};

pub(crate) use file::Bounds;
#[cfg(test)]
pub(crate) use keeper::Follower;
pub(crate) use keeper::Keeper;
pub(crate) use line::{Line, Lines, Mention, Step};
pub use store::{ChapterStore, MemoryChapters};

/// Records of a chapter at the least, when it is finished: fewer make more files, more take more memory meanwhile.
const RECORDS: usize = 1 << 18;

/// The chapters of one log.
pub(crate) struct Chapters {
    store: Box<dyn ChapterStore>,
    source: Arc<dyn LogSource>,
    records: usize,
    known: Mutex<Known>,
}

struct Known {
    /// In order, none over another.
    finished: Vec<Arc<Chapter>>,
    draft: Draft,
}

/// A finished chapter.
#[derive(Debug)]
pub(crate) struct Chapter {
    head: Head,
    /// Whether it is one of this log, once that was looked at.
    is_of_log: OnceLock<bool>,
}

/// Lines of one lane, or where they stand.
#[derive(Debug, Clone)]
pub(crate) enum Stretch {
    /// In a file.
    Finished(Arc<Chapter>),
    /// Copied from the chapter that is being written.
    Draft(Bounds, Vec<u8>),
}

impl Stretch {
    /// Which blocks it tells of.
    pub(crate) fn bounds(&self) -> Bounds {
        match self {
            Self::Finished(chapter) => chapter.head.bounds,
            Self::Draft(bounds, _) => *bounds,
        }
    }
}

impl Chapters {
    /// Those that lie in `store`, of the log that `source` reads.
    pub(crate) fn open(store: Box<dyn ChapterStore>, source: Arc<dyn LogSource>) -> Self {
        let mut finished: Vec<Arc<Chapter>> = Vec::new();
        for after in store.list().unwrap_or_default() {
            let head =
                store.read(after, 0, HEAD_BYTES).ok().and_then(|bytes| Head::decode(&bytes, source.id()));
            let end = finished.last().map_or(0, |before| before.head.bounds.last);
            match head.filter(|head| head.bounds.after == after && end <= after) {
                Some(head) => finished.push(Arc::new(Chapter { head, is_of_log: OnceLock::new() })),
                // It is written again.
                None => forget(store.as_ref(), after),
            }
        }
        let known = Mutex::new(Known { finished, draft: Draft::new(0) });
        Self { store, source, records: RECORDS, known }
    }

    /// The same, with chapters of so many records.
    #[cfg(test)]
    pub(crate) fn of_records(self, records: usize) -> Self {
        Self { records, ..self }
    }

    /// What there is of a lane, in the order of the log.
    pub(crate) fn stretches(&self, lane: Lane) -> Vec<Stretch> {
        let known = self.lock();
        let draft = known.draft.bounds();
        let lines = Stretch::Draft(draft, known.draft.lines(lane).to_vec());
        let (before, behind): (Vec<_>, Vec<_>) = known
            .finished
            .iter()
            .map(|chapter| Stretch::Finished(Arc::clone(chapter)))
            .partition(|chapter| chapter.bounds().last <= draft.after);
        let draft = (draft.last > draft.after).then_some(lines);
        before.into_iter().chain(draft).chain(behind).collect()
    }

    /// The lines of a lane; none where they cannot be had, or are not of this log, which `reader` reads.
    pub(crate) fn lines(&self, stretch: Stretch, lane: Lane, reader: &mut dyn LogReader) -> Option<Vec<u8>> {
        match stretch {
            Stretch::Draft(_, lines) => Some(lines),
            Stretch::Finished(chapter) => {
                let section = chapter.head.section(lane)?;
                if !self.is_of_log(&chapter, reader) {
                    return None;
                }
                let after = chapter.head.bounds.after;
                let lines = self.store.read(after, section.offset, section.len).ok()?;
                section.is_sound(&lines).then_some(lines)
            }
        }
    }

    /// Whether the chapter's last block is what it was when the chapter was made.
    fn is_of_log(&self, chapter: &Chapter, reader: &mut dyn LogReader) -> bool {
        if let Some(known) = chapter.is_of_log.get() {
            return *known;
        }
        let Bounds { last, fingerprint: expected, .. } = chapter.head.bounds;
        let last = Position { frame: last, ..Position::start(self.source.id()) };
        // A read that failed may not fail next time.
        let Ok(block) = reader.block_at(last) else { return false };
        let is_same = block.is_some_and(|block| fingerprint(&block) == expected);
        *chapter.is_of_log.get_or_init(|| is_same)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Nothing in it is left half changed that somebody would take for whole: a draft's bounds are set last.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a file that is of no use; one that stays is in nobody's way.
fn forget(store: &dyn ChapterStore, after: u64) {
    if let Err(error) = store.remove(after) {
        tracing::warn!(after, %error, "a chapter cannot be removed");
    }
}
