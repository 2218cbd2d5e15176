//! The live feed's messages.

use serde::Serialize;
use utoipa::ToSchema;

use super::Time;

/// One message of the feed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeedMessage)]
pub struct FeedMessage<P> {
    /// An opaque cursor, the same after any restart; null for what is not kept, such as `pong`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The channels of the subscription that it matches.
    pub channels: Vec<String>,
    /// `insight`, `metrics`, `alert`, `connected`, `lagged`, `gap`, …
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What the type says.
    #[schema(value_type = Object)]
    pub payload: P,
    /// When.
    pub timestamp: Time,
}

/// The first message of a connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Connected {
    /// The oldest message that is kept; null when there is none.
    pub oldest_id: Option<String>,
    /// The newest message; null when there is none.
    pub newest_id: Option<String>,
    /// How often something is said when nothing happens.
    pub heartbeat_ms: u64,
    /// When the token ends, and with it the connection.
    pub expires_at: Option<Time>,
}

/// The client did not keep up.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Lagged {
    /// How many messages it missed.
    pub missed: u64,
}

/// The client asked for more than is kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The oldest message that is kept; null when there is none.
    pub oldest_id: Option<String>,
}

/// A ticket for a connection from a browser, to be used once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedTicket {
    /// For `?ticket=`.
    pub ticket: String,
    /// Until when it can be used.
    pub expires_at: Time,
}
