//! The models of a stream: numbered files, those in use held decoded, the newest in force for whoever asks.
//!
//! A file holds a model whole, or the lessons that lead to it from the model before (`models/file.rs`). A history
//! learns a model a day and several a second: of most of them only lessons are kept. To read such a model the
//! newest whole one below it is taken and the lessons since are folded again, and the names tell whether that
//! is the model that was learnt. Every 64th model is kept whole, so that this never takes long.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use omnix_engine::{Lessons, Model};
use omnix_storage::{DirectoryError, ModelFiles};

pub(crate) mod file;

use file::Kept;

/// Of so many models that are kept as lessons one is kept whole.
const WHOLE_EVERY: u64 = 64;
/// Of so many models whose lessons weigh nearly as much as they do, one is kept whole beside its lessons: how an
/// insight came about takes models of many days, and reading one is quicker than folding what leads to it.
const WAYPOINT_EVERY: u64 = 2;
/// The lessons of such a model are this part of it at the least, so that what is kept grows threefold at the most.
const WAYPOINT_PART: u64 = 4;
/// Bytes of models that only whoever asks how something came about still needs; the oldest go first.
const PAST_BYTES_MAX: u64 = 512 << 20;
/// Models held decoded, those used last: in history the one in force, the next, and the one that is learnt
/// meanwhile. Others are read again when a lane needs them.
const HELD_MAX: usize = 3;

/// Where the files of models lie. A file that was written survives power loss before `write` returns.
pub trait ModelStore: Send + Sync {
    /// Writes model `number` so that it is there whole or not at all.
    ///
    /// # Errors
    /// What went wrong.
    fn write(&self, number: u64, bytes: &[u8]) -> Result<(), ModelError>;

    /// Writes model `number`, one of many small ones that follow each other: as [`Self::write`] does, but it may
    /// be removed only together with its neighbours.
    ///
    /// # Errors
    /// What went wrong.
    fn append(&self, number: u64, bytes: &[u8]) -> Result<(), ModelError> {
        self.write(number, bytes)
    }

    /// The bytes of model `number`; none when it is not kept.
    ///
    /// # Errors
    /// What went wrong.
    fn read(&self, number: u64) -> Result<Option<Vec<u8>>, ModelError>;

    /// The numbers of the models kept, in order.
    ///
    /// # Errors
    /// What went wrong.
    fn list(&self) -> Result<Vec<u64>, ModelError>;

    /// Removes the models that `keep` does not want.
    ///
    /// # Errors
    /// What went wrong.
    fn prune(&self, keep: &dyn Fn(u64) -> bool) -> Result<usize, ModelError>;

    /// Bytes of the models from `from` on and before `to`.
    ///
    /// # Errors
    /// What went wrong.
    fn bytes(&self, from: u64, to: u64) -> Result<u64, ModelError> {
        let mut bytes = 0;
        for number in self.list()?.into_iter().filter(|number| (from..to).contains(number)) {
            bytes += self.read(number)?.map_or(0, |model| model.len() as u64);
        }
        Ok(bytes)
    }

    /// Removes the files of models that were appended as well and that `is_needless` names by number, bytes that
    /// were appended, and bytes of the file.
    ///
    /// # Errors
    /// What went wrong.
    fn drop_doubles(&self, _is_needless: &dyn Fn(u64, u64, u64) -> bool) -> Result<usize, ModelError> {
        Ok(0)
    }
}

/// Why a model cannot be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The files failed.
    #[error("the files of models failed: {0}")]
    Files(String),
    /// The log names a model that is not kept.
    #[error("model {0} is not kept")]
    Missing(u64),
    /// The file is not the model that the log names.
    #[error("model {0} is not the one that the log names")]
    Different(u64),
}

impl From<DirectoryError> for ModelError {
    fn from(error: DirectoryError) -> Self {
        Self::Files(error.to_string())
    }
}

impl ModelStore for ModelFiles {
    fn write(&self, number: u64, bytes: &[u8]) -> Result<(), ModelError> {
        Ok(self.write(number, bytes)?)
    }

    fn append(&self, number: u64, bytes: &[u8]) -> Result<(), ModelError> {
        Ok(self.append(number, bytes)?)
    }

    fn read(&self, number: u64) -> Result<Option<Vec<u8>>, ModelError> {
        Ok(self.read(number)?)
    }

    fn list(&self) -> Result<Vec<u64>, ModelError> {
        Ok(self.list()?)
    }

    fn prune(&self, keep: &dyn Fn(u64) -> bool) -> Result<usize, ModelError> {
        Ok(self.prune(keep)?)
    }

    fn bytes(&self, from: u64, to: u64) -> Result<u64, ModelError> {
        Ok(self.bytes(from, to)?)
    }

    fn drop_doubles(&self, is_needless: &dyn Fn(u64, u64, u64) -> bool) -> Result<usize, ModelError> {
        Ok(self.drop_doubles(is_needless)?)
    }
}

/// The same files, for whoever else reads them.
impl ModelStore for Arc<dyn ModelStore> {
    fn write(&self, number: u64, bytes: &[u8]) -> Result<(), ModelError> {
        self.as_ref().write(number, bytes)
    }

    fn append(&self, number: u64, bytes: &[u8]) -> Result<(), ModelError> {
        self.as_ref().append(number, bytes)
    }

    fn read(&self, number: u64) -> Result<Option<Vec<u8>>, ModelError> {
        self.as_ref().read(number)
    }

    fn list(&self) -> Result<Vec<u64>, ModelError> {
        self.as_ref().list()
    }

    fn prune(&self, keep: &dyn Fn(u64) -> bool) -> Result<usize, ModelError> {
        self.as_ref().prune(keep)
    }

    fn bytes(&self, from: u64, to: u64) -> Result<u64, ModelError> {
        self.as_ref().bytes(from, to)
    }

    fn drop_doubles(&self, is_needless: &dyn Fn(u64, u64, u64) -> bool) -> Result<usize, ModelError> {
        self.as_ref().drop_doubles(is_needless)
    }
}

/// Files of models in memory, for tests and simulations. Clones are the same files.
#[derive(Debug, Clone, Default)]
pub struct MemoryModels(Arc<Mutex<BTreeMap<u64, Vec<u8>>>>);

impl ModelStore for MemoryModels {
    fn write(&self, number: u64, bytes: &[u8]) -> Result<(), ModelError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number, bytes.to_vec());
        Ok(())
    }

    fn read(&self, number: u64) -> Result<Option<Vec<u8>>, ModelError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned())
    }

    fn list(&self) -> Result<Vec<u64>, ModelError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect())
    }

    fn prune(&self, keep: &dyn Fn(u64) -> bool) -> Result<usize, ModelError> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = files.len();
        files.retain(|number, _| keep(*number));
        Ok(before - files.len())
    }
}

/// The models of a stream.
pub struct Models {
    files: Box<dyn ModelStore>,
    past_bytes_max: u64,
    held: Mutex<Held>,
    /// Told when a model that was announced is there, or will not come.
    is_folded: Condvar,
    newest: Arc<ArcSwap<Model>>,
}

/// The models held decoded.
#[derive(Default)]
struct Held {
    /// The one used last stands last.
    models: VecDeque<Arc<Model>>,
    /// The model that is being folded: whoever needs it waits for that, rather than folding it once more.
    announced: Option<u64>,
}

/// A model whose lessons are kept and that is being folded; announced until this is dropped.
pub(crate) struct Announced {
    models: Arc<Models>,
    number: u64,
    lessons_bytes: u64,
}

impl Announced {
    /// The model is there: whoever waits for it goes on, and where it is a waypoint it is kept whole.
    pub(crate) fn fulfil(self, model: &Arc<Model>) {
        let (models, lessons_bytes) = (Arc::clone(&self.models), self.lessons_bytes);
        models.hold(model);
        drop(self);
        models.keep_waypoint(model, lessons_bytes);
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        let mut held = self.models.lock();
        held.announced = held.announced.filter(|number| *number != self.number);
        drop(held);
        self.models.is_folded.notify_all();
    }
}

impl Models {
    /// The models that lie in `files`.
    #[must_use]
    pub fn new(files: Box<dyn ModelStore>) -> Self {
        let newest = Arc::new(ArcSwap::from_pointee(Model::seed()));
        Self {
            files,
            past_bytes_max: PAST_BYTES_MAX,
            held: Mutex::default(),
            is_folded: Condvar::new(),
            newest,
        }
    }

    /// The same, of which those that no log needs any more take so many bytes at the most.
    #[cfg(test)]
    pub(crate) fn keeping_past(self, past_bytes_max: u64) -> Self {
        Self { past_bytes_max, ..self }
    }

    /// The newest model in force in any lane.
    #[must_use]
    pub fn newest(&self) -> Arc<ArcSwap<Model>> {
        Arc::clone(&self.newest)
    }

    /// The model that the log names by number and hash.
    pub(crate) fn named(&self, number: u64, hash: u64) -> Result<Arc<Model>, ModelError> {
        let model = self.by_number(number)?.ok_or(ModelError::Missing(number))?;
        if model.hash() == hash { Ok(model) } else { Err(ModelError::Different(number)) }
    }

    /// The oldest model kept that is newer than `number`, else the newest there is, else the seed.
    pub(crate) fn nearest(&self, number: u64) -> Result<Arc<Model>, ModelError> {
        let kept = self.files.list()?;
        let newer = kept.iter().copied().filter(|&other| other > number);
        for other in newer.chain(kept.iter().rev().copied()) {
            match self.by_number(other) {
                Ok(Some(model)) => return Ok(model),
                // Lessons without the model that they follow; or damaged.
                Ok(None) | Err(ModelError::Missing(_) | ModelError::Different(_)) => {}
                Err(error @ ModelError::Files(_)) => return Err(error),
            }
        }
        Ok(Arc::new(Model::seed()))
    }

    /// The hash of the model with this number; none when it is not kept.
    pub(crate) fn hash_of(&self, number: u64) -> Result<Option<u64>, ModelError> {
        Ok(self.by_number(number)?.map(|model| model.hash()))
    }

    /// The model with this number; none when it is not kept.
    pub(crate) fn by_number(&self, number: u64) -> Result<Option<Arc<Model>>, ModelError> {
        let mut at = number;
        let mut model = loop {
            if let Some(model) = self.held(at) {
                break model;
            }
            let Some(bytes) = self.files.read(at)? else { return Ok(None) };
            if !file::is_lessons(&bytes) {
                break Arc::new(whole(at, &bytes)?);
            }
            at -= 1;
        };
        if model.number() > 0 {
            self.hold(&model);
        }
        // One by one: the lessons of a month of a large shop take far more memory than its model.
        while model.number() < number {
            model = Arc::new(self.taught(&model)?);
            self.hold(&model);
        }
        Ok(Some(model))
    }

    /// The model that follows `model`, of which lessons are kept.
    fn taught(&self, model: &Model) -> Result<Model, ModelError> {
        let number = model.number() + 1;
        let bytes = self.files.read(number)?.ok_or(ModelError::Missing(number))?;
        match file::read(&bytes) {
            Ok(Kept::Lessons { name, lessons }) if lessons.name_after(model) == name => {
                Ok(lessons.fold(model))
            }
            _ => Err(ModelError::Different(number)),
        }
    }

    /// Keeps a model whole: it survives power loss when this returns.
    fn keep(&self, model: &Arc<Model>) -> Result<(), ModelError> {
        self.files.write(model.number(), &file::of_model(model))?;
        self.hold(model);
        Ok(())
    }

    /// Keeps the lessons after which model `number` is named `name`, and announces it: whoever asks for it waits until
    /// it is held, or until it is no longer announced. None where the model has to be kept whole.
    pub(crate) fn announce(
        self: &Arc<Self>,
        number: u64,
        name: u64,
        lessons: &Lessons,
    ) -> Result<Option<Announced>, ModelError> {
        if number.is_multiple_of(WHOLE_EVERY) {
            return Ok(None);
        }
        let bytes = file::of_lessons(name, lessons);
        self.files.append(number, &bytes)?;
        self.lock().announced = Some(number);
        Ok(Some(Announced { models: Arc::clone(self), number, lessons_bytes: bytes.len() as u64 }))
    }

    /// Keeps a model whole beside its lessons, if it is a waypoint. Without it the lessons are folded.
    fn keep_waypoint(&self, model: &Model, lessons_bytes: u64) {
        let number = model.number();
        if !number.is_multiple_of(WAYPOINT_EVERY) {
            return;
        }
        // Mostly lessons are a small part of their model: nothing is encoded only to see that.
        if !is_waypoint(number, lessons_bytes, model.encoded_bytes_min() as u64) {
            return;
        }
        let whole = file::of_model(model);
        if is_waypoint(number, lessons_bytes, whole.len() as u64)
            && let Err(error) = self.files.write(number, &whole)
        {
            tracing::warn!(number, %error, "a model is kept as lessons only");
        }
    }

    /// Keeps a model that was learnt, whole, and the lessons that led to it, which are all that will be left of it.
    pub(crate) fn keep_live(&self, model: &Arc<Model>, lessons: &Lessons) -> Result<(), ModelError> {
        let number = model.number();
        if !number.is_multiple_of(WHOLE_EVERY) {
            self.files.append(number, &file::of_lessons(model.hash(), lessons))?;
        }
        self.keep(model)
    }

    /// Keeps the model `in_force` and the newest one whole, so that they are quickly read.
    pub(crate) fn keep_whole(&self, in_force: u64) -> Result<(), ModelError> {
        for number in std::iter::once(in_force).chain(self.files.list()?.last().copied()) {
            if self.is_lessons(number)?
                && let Some(model) = self.by_number(number)?
            {
                self.keep(&model)?;
            }
        }
        Ok(())
    }

    /// Removes models below `keep_from`: of those that lessons tell of, the lessons and every 64th model stay as far
    /// back as there is room for them, and always those from which the ones above are read.
    pub(crate) fn prune(&self, keep_from: u64) -> Result<usize, ModelError> {
        let is_lessons = self.is_lessons(keep_from)?;
        let start = if is_lessons { keep_from - keep_from % WHOLE_EVERY } else { keep_from };
        let mut from = start;
        let stays = |number: u64, lessons: u64, whole: u64| {
            number >= start || number.is_multiple_of(WHOLE_EVERY) || is_waypoint(number, lessons, whole)
        };
        let doubles = self.files.drop_doubles(&|number, lessons, whole| !stays(number, lessons, whole))?;
        let oldest = self.files.list()?.first().copied().unwrap_or(from);
        let mut bytes = 0;
        while oldest < from {
            // As many as follow from one whole model.
            let start = (from - 1) - (from - 1) % WHOLE_EVERY;
            bytes += self.files.bytes(start, from)?;
            if bytes > self.past_bytes_max {
                break;
            }
            from = start;
        }
        Ok(doubles + self.files.prune(&|number| number >= from)?)
    }

    fn is_lessons(&self, number: u64) -> Result<bool, ModelError> {
        Ok(self.files.read(number)?.is_some_and(|bytes| file::is_lessons(&bytes)))
    }

    /// Notes that a lane works with `model`.
    pub(crate) fn note_in_force(&self, model: &Arc<Model>) {
        if self.newest.load().number() < model.number() {
            self.newest.store(Arc::clone(model));
        }
    }

    /// Lets go of decoded models below `number`, the oldest that a lane works with.
    pub(crate) fn let_go_below(&self, number: u64) {
        self.lock().models.retain(|model| model.number() >= number);
    }

    fn held(&self, number: u64) -> Option<Arc<Model>> {
        if number == 0 {
            return Some(Arc::new(Model::seed()));
        }
        let is_coming = |held: &mut Held| held.announced == Some(number);
        let waited = self.is_folded.wait_while(self.lock(), is_coming);
        let models = &mut waited.unwrap_or_else(PoisonError::into_inner).models;
        let at = models.iter().position(|model| model.number() == number)?;
        let model = models.remove(at)?;
        models.push_back(Arc::clone(&model));
        Some(model)
    }

    /// Holds a model for whoever asks for it next.
    pub(crate) fn hold(&self, model: &Arc<Model>) {
        let models = &mut self.lock().models;
        models.retain(|other| other.number() != model.number());
        models.push_back(Arc::clone(model));
        while models.len() > HELD_MAX {
            models.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a model of so many bytes, after so many of lessons, is kept whole beside these.
const fn is_waypoint(number: u64, lessons_bytes: u64, whole_bytes: u64) -> bool {
    number.is_multiple_of(WAYPOINT_EVERY) && lessons_bytes.saturating_mul(WAYPOINT_PART) >= whole_bytes
}

/// The model that is kept whole under `number`.
fn whole(number: u64, bytes: &[u8]) -> Result<Model, ModelError> {
    match file::read(bytes) {
        Ok(Kept::Whole(model)) if model.number() == number => Ok(model),
        _ => Err(ModelError::Different(number)),
    }
}

#[cfg(test)]
mod tests;
