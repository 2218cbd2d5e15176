//! Whether a connection has anything to do: requests whose answers are not yet out.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<Seen>>);

#[derive(Debug)]
struct Seen {
    in_flight: usize,
    idle_since: Instant,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Seen { in_flight: 0, idle_since: Instant::now() })))
    }

    /// A request has arrived; it is in flight until the guard is gone.
    pub(super) fn begin(&self) -> InFlight {
        self.with(|seen| seen.in_flight += 1);
        InFlight(self.clone())
    }

    /// Ends when there has been nothing in flight for `limit`.
    pub(super) async fn idle_for(&self, limit: Duration) {
        loop {
            let until = self.with(|seen| {
                let since = if seen.in_flight == 0 { seen.idle_since } else { Instant::now() };
                since + limit
            });
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A request in flight.
pub(super) struct InFlight(Activity);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.with(|seen| {
            seen.in_flight = seen.in_flight.saturating_sub(1);
            seen.idle_since = Instant::now();
        });
    }
}

impl InFlight {
    /// Keeps the request in flight until `body` is out or given up.
    pub(super) fn until_end_of(self, body: Body) -> Body {
        Body::new(Guarded { body, _guard: self })
    }
}

struct Guarded {
    body: Body,
    _guard: InFlight,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
