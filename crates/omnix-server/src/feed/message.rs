//! Messages of the feed as frames of server-sent events.

use bytes::Bytes;
use omnix_model::Timestamp;
use omnix_wire::api::Time;
use omnix_wire::api::feed::FeedMessage;
use omnix_worker::FeedCursor;
use serde::Serialize;

/// The message `kind`, behind which a reader stands at `at`.
pub(super) fn message<P>(
    kind: &'static str,
    at: &FeedCursor,
    timestamp: Timestamp,
    payload: P,
) -> FeedMessage<P> {
    FeedMessage { id: Some(at.to_string()), channels: Vec::new(), kind, payload, timestamp: Time(timestamp) }
}

/// The message as one server-sent event.
pub(super) fn frame<P: Serialize>(message: &FeedMessage<P>) -> Bytes {
    let data = serde_json::to_string(message).unwrap_or_default();
    let id = message.id.as_deref().unwrap_or("");
    Bytes::from(format!("id: {id}\nevent: {}\ndata: {data}\n\n", message.kind))
}

/// A sign of life; with a place, when the reader has come further without a message.
pub(super) fn heartbeat(at: Option<&FeedCursor>) -> Bytes {
    match at {
        Some(at) => Bytes::from(format!(": heartbeat\nid: {at}\n\n")),
        None => Bytes::from_static(b": heartbeat\n\n"),
    }
}
