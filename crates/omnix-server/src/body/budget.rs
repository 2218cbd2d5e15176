//! The bytes that all bodies being taken in may hold at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes left for bodies. Cheap to clone; all clones draw from the same.
#[derive(Debug, Clone)]
pub(crate) struct IngestBudget(Arc<AtomicUsize>);

/// There are not as many bytes left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl IngestBudget {
    /// A budget of `bytes`.
    #[must_use]
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// Bytes left.
    #[must_use]
    pub(crate) fn left(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A share of nothing yet.
    #[must_use]
    pub(crate) fn share(&self) -> Share {
        Share { budget: self.clone(), bytes: 0 }
    }
}

/// What one request has drawn; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: IngestBudget,
    bytes: usize,
}

impl Share {
    /// Draws `bytes` more.
    ///
    /// # Errors
    /// [`Exhausted`] when there are not as many left; nothing is drawn then.
    pub(crate) fn draw(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let draw = |left: usize| left.checked_sub(bytes);
        match self.budget.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, draw) {
            Ok(_) => {
                self.bytes += bytes;
                Ok(())
            }
            Err(_) => Err(Exhausted),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Exhausted, IngestBudget};

    #[test]
    fn what_is_drawn_comes_back() {
        let budget = IngestBudget::new(10);
        let mut one = budget.share();
        assert_eq!(one.draw(8), Ok(()));
        assert_eq!(budget.share().draw(3), Err(Exhausted));
        assert_eq!(budget.left(), 2);
        drop(one);
        assert_eq!(budget.left(), 10);
    }
}
