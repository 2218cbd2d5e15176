//! What a handler leaves of a request's body.
//!
//! A connection that is closed while its sender still sends is reset, and a reset may overtake the answer: the
//! sender would never learn why. So what is left is read and thrown away, within bounds, before the answer
//! goes out.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, header};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::timeout;

/// Bytes that are thrown away at the most.
const BYTES_MAX: usize = 32 << 20;
/// How long that may take at the most.
const PATIENCE_MAX: Duration = Duration::from_secs(2);

/// The body of one request, held by its handler and by those who clean up behind it.
#[derive(Clone)]
pub(super) struct Remainder {
    body: Arc<Mutex<Incoming>>,
    /// Its sender waits to be told to go on: silence spares it the body.
    is_waiting: bool,
}

impl Remainder {
    /// The request with a body that can be looked at from both sides.
    pub(super) fn split(request: Request<Incoming>) -> (Request<Body>, Self) {
        let is_waiting = request.headers().contains_key(header::EXPECT);
        let (parts, body) = request.into_parts();
        let remainder = Self { body: Arc::new(Mutex::new(body)), is_waiting };
        (Request::from_parts(parts, Body::new(remainder.clone())), remainder)
    }

    /// Throws away what is left, for `patience` at the most.
    pub(super) async fn discard(mut self, patience: Duration) {
        if self.is_waiting || self.is_end_stream() {
            return;
        }
        let rest = async {
            let mut left = BYTES_MAX;
            while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(bytes) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        if timeout(patience.min(PATIENCE_MAX), rest).await.is_err() {
            tracing::debug!("a body was not read to its end");
        }
    }
}

impl HttpBody for Remainder {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}
