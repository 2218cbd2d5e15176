//! The models of a stream: numbered files, those in use held decoded, the newest in force for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use omnix_engine::Model;
use omnix_storage::{DirectoryError, ModelFiles};
use xxhash_rust::xxh3::xxh3_64;

/// Models held decoded; older ones are read again when a lane still needs them.
const HELD_MAX: usize = 4;

/// Where the files of models lie. A file that was written survives power loss before `write` returns.
pub trait ModelStore: Send + Sync {
    /// Writes model `number` so that it is there whole or not at all.
    ///
    /// # Errors
    /// What went wrong.
    fn write(&self, number: u64, bytes: &[u8]) -> Result<(), ModelError>;

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

    fn read(&self, number: u64) -> Result<Option<Vec<u8>>, ModelError> {
        Ok(self.read(number)?)
    }

    fn list(&self) -> Result<Vec<u64>, ModelError> {
        Ok(self.list()?)
    }

    fn prune(&self, keep: &dyn Fn(u64) -> bool) -> Result<usize, ModelError> {
        Ok(self.prune(keep)?)
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

/// A model and the hash of its file, which is dear to compute.
#[derive(Clone)]
struct Held {
    model: Arc<Model>,
    hash: u64,
}

/// The models of a stream.
pub struct Models {
    files: Box<dyn ModelStore>,
    held: Mutex<BTreeMap<u64, Held>>,
    newest: Arc<ArcSwap<Model>>,
}

impl Models {
    /// The models that lie in `files`.
    #[must_use]
    pub fn new(files: Box<dyn ModelStore>) -> Self {
        let newest = Arc::new(ArcSwap::from_pointee(Model::seed()));
        Self { files, held: Mutex::default(), newest }
    }

    /// The newest model in force in any lane.
    #[must_use]
    pub fn newest(&self) -> Arc<ArcSwap<Model>> {
        Arc::clone(&self.newest)
    }

    /// The files.
    pub(crate) fn files(&self) -> &dyn ModelStore {
        self.files.as_ref()
    }

    /// The model that the log names by number and hash.
    pub(crate) fn named(&self, number: u64, hash: u64) -> Result<Arc<Model>, ModelError> {
        let held = self.find(number)?.ok_or(ModelError::Missing(number))?;
        if number > 0 && held.hash != hash {
            return Err(ModelError::Different(number));
        }
        Ok(held.model)
    }

    /// The hash of the model with this number; none when it is not kept.
    pub(crate) fn hash_of(&self, number: u64) -> Result<Option<u64>, ModelError> {
        Ok(self.find(number)?.map(|held| held.hash))
    }

    /// The model with this number; none when it is not kept.
    pub(crate) fn by_number(&self, number: u64) -> Result<Option<Arc<Model>>, ModelError> {
        Ok(self.find(number)?.map(|held| held.model))
    }

    fn find(&self, number: u64) -> Result<Option<Held>, ModelError> {
        if let Some(held) = self.lock().get(&number) {
            return Ok(Some(held.clone()));
        }
        let held = if number == 0 {
            Held { model: Arc::new(Model::seed()), hash: 0 }
        } else {
            let Some(bytes) = self.files.read(number)? else { return Ok(None) };
            let model = Model::decode(&bytes).map_err(|_broken| ModelError::Different(number))?;
            Held { model: Arc::new(model), hash: xxh3_64(&bytes) }
        };
        self.hold(number, held.clone());
        Ok(Some(held))
    }

    /// Keeps a model that was learnt: it survives power loss when this returns.
    pub(crate) fn keep(&self, model: &Arc<Model>) -> Result<(), ModelError> {
        let bytes = model.encode();
        self.files.write(model.number(), &bytes)?;
        self.hold(model.number(), Held { model: Arc::clone(model), hash: xxh3_64(&bytes) });
        Ok(())
    }

    /// Notes that a lane works with `model`.
    pub(crate) fn note_in_force(&self, model: &Arc<Model>) {
        if self.newest.load().number() < model.number() {
            self.newest.store(Arc::clone(model));
        }
    }

    fn hold(&self, number: u64, model: Held) {
        let mut held = self.lock();
        held.insert(number, model);
        while held.len() > HELD_MAX {
            held.pop_first();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
