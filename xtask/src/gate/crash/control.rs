//! What the threads of a run have to agree on: where the server is, and whether to send, to rest or to end.

use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Publishers send.
    Load,
    /// Publishers bring what is in doubt to its end, and rest.
    Drain,
    /// Everybody ends.
    Over,
}

#[derive(Debug)]
struct State {
    address: Option<SocketAddr>,
    phase: Phase,
    /// Publishers that rest.
    resting: usize,
}

/// Shared by all threads of a run.
#[derive(Debug)]
pub(crate) struct Control {
    state: Mutex<State>,
    changed: Condvar,
}

impl Control {
    /// No server yet; publishers will send as soon as there is one.
    pub(crate) fn new() -> Self {
        let state = State { address: None, phase: Phase::Load, resting: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// The server listens here.
    pub(crate) fn up(&self, address: SocketAddr) {
        self.change(|state| state.address = Some(address));
    }

    /// The server is dead.
    pub(crate) fn down(&self) {
        self.change(|state| state.address = None);
    }

    /// Publishers go on.
    pub(crate) fn resume(&self) {
        self.change(|state| state.phase = Phase::Load);
    }

    /// Everybody ends.
    pub(crate) fn end(&self) {
        self.change(|state| state.phase = Phase::Over);
    }

    /// Whether everybody is to end.
    pub(crate) fn is_over(&self) -> bool {
        self.lock().phase == Phase::Over
    }

    /// Has publishers bring what they have in doubt to its end; says whether all `publishers` rest in time.
    pub(crate) fn drain(&self, publishers: usize, budget: Duration) -> bool {
        self.change(|state| state.phase = Phase::Drain);
        let end = Instant::now() + budget;
        let mut state = self.lock();
        while state.resting < publishers {
            let Some(left) = end.checked_duration_since(Instant::now()) else { return false };
            (state, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// Where a publisher is to send; rests here while there is no server, or when it has nothing in doubt and
    /// is to rest. `None`: the run is over.
    pub(crate) fn address_for_publisher(&self, in_doubt: bool) -> Option<SocketAddr> {
        let mut state = self.lock();
        loop {
            match (state.phase, state.address) {
                (Phase::Over, _) => return None,
                (Phase::Drain, _) if !in_doubt => {
                    state.resting += 1;
                    self.changed.notify_all();
                    while state.phase == Phase::Drain {
                        state = self.wait(state);
                    }
                    state.resting -= 1;
                }
                (_, Some(address)) => return Some(address),
                (_, None) => state = self.wait(state),
            }
        }
    }

    /// Where the follower is to connect; waits for a server. `None`: the run is over.
    pub(crate) fn address_for_follower(&self) -> Option<SocketAddr> {
        let mut state = self.lock();
        loop {
            match (state.phase, state.address) {
                (Phase::Over, _) => return None,
                (_, Some(address)) => return Some(address),
                (_, None) => state = self.wait(state),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn draining_waits_for_what_is_in_doubt_and_ends_when_all_rest() {
        let control = Arc::new(Control::new());
        control.up(SocketAddr::from(([127, 0, 0, 1], 1)));
        let resting = Arc::clone(&control);
        let one = std::thread::spawn(move || {
            while resting.address_for_publisher(false).is_some() {
                std::thread::yield_now();
            }
        });
        assert!(control.address_for_publisher(true).is_some());
        assert!(control.drain(1, Duration::from_secs(10)));
        assert!(control.address_for_publisher(true).is_some(), "what is in doubt is still sent");
        assert!(!control.drain(2, Duration::from_millis(20)));
        control.end();
        one.join().unwrap();
        assert_eq!(control.address_for_publisher(true), None);
    }
}
