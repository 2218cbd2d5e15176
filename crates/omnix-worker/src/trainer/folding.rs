//! A model in the making, beside the thread that asked for it.
//!
//! The lanes of a history wait for each day's model while a processor stands idle: what was learnt from is synced, and
//! named in the log, while it is folded, and the probabilities are learnt beside the rest.
//!
//! Deliberately not here: what a fold is (`omnix-engine`), and who may see the model when (`models`).

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use omnix_engine::{Lessons, Model};

use super::fallback::warn_of_fallbacks;

/// A model in the making.
pub(super) enum Folding {
    /// By a thread of its own.
    Beside(JoinHandle<Arc<Model>>),
    /// There was no room for one more thread: when it is asked for.
    Later(Arc<Model>, Arc<Lessons>),
}

impl Folding {
    /// Begins with the model that follows `before`.
    pub(super) fn start(before: Arc<Model>, lessons: Arc<Lessons>) -> Self {
        let of_thread = (Arc::clone(&before), Arc::clone(&lessons));
        let beside = thread::Builder::new().name("folding".to_owned());
        match beside.spawn(move || fold(&of_thread.0, &of_thread.1)) {
            Ok(thread) => Self::Beside(thread),
            Err(_) => Self::Later(before, lessons),
        }
    }

    /// The model, when it is done.
    ///
    /// # Panics
    /// When the fold did.
    pub(super) fn end(self) -> Arc<Model> {
        match self {
            Self::Beside(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Self::Later(before, lessons) => fold(&before, &lessons),
        }
    }
}

fn fold(before: &Model, lessons: &Lessons) -> Arc<Model> {
    let model = thread::scope(|scope| {
        let beside = thread::Builder::new().name("learning".to_owned());
        match beside.spawn_scoped(scope, || lessons.learn_probabilities(before)) {
            Ok(thread) => {
                lessons.fold_with(before, || thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            }
            Err(_) => lessons.fold(before),
        }
    });
    warn_of_fallbacks(before, &model);
    Arc::new(model)
}

#[cfg(test)]
mod tests {
    use omnix_model::Timestamp;

    use super::*;

    #[test]
    fn beside_and_later_are_the_same() {
        let lessons = Arc::new(Lessons::new(Vec::new(), Timestamp::MIN.plus_ms(1)));
        let before = Arc::new(Model::seed());
        let later = Folding::Later(Arc::clone(&before), Arc::clone(&lessons)).end();
        assert_eq!(Folding::start(before, lessons).end(), later);
        assert_eq!(later.number(), 1);
    }
}
