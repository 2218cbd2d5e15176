//! Sockets, bodies, time limits.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sockets, bodies, time limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Address and port to listen on; port 0 picks one (`OMNIX_HTTP_LISTEN`, `--listen`; `127.0.0.1:8080`).
    pub listen: String,
    /// Address and port for health and metrics alone; empty: they stay with the rest
    /// (`OMNIX_ADMIN_LISTEN`; empty).
    pub admin_listen: String,
    /// Origins whose pages may call the API, separated by commas in the environment
    /// (`OMNIX_HTTP_CORS_ORIGINS`; none).
    pub cors_origins: Vec<String>,
    /// Bytes of all bodies being taken in at a time (`OMNIX_INGEST_BYTES`; 64 MiB, at least 16 MiB).
    pub ingest_bytes: u64,
    /// Milliseconds after which a publisher is told that the outcome is not known, 10 to 600000
    /// (`OMNIX_ACK_TIMEOUT_MS`; 5000).
    pub ack_timeout_ms: u32,
    /// Connections at a time, 1 to 1000000 (`OMNIX_HTTP_CONNECTIONS_MAX`; 4096).
    pub connections_max: u32,
    /// Milliseconds for the head of a request, and for which a connection may stand idle, 10 to 600000
    /// (`OMNIX_HTTP_HEAD_TIMEOUT_MS`; 15000).
    pub head_timeout_ms: u32,
    /// Milliseconds for which a body may stall, and a reader of an answer, 10 to 600000
    /// (`OMNIX_HTTP_STALL_TIMEOUT_MS`; 10000).
    pub stall_timeout_ms: u32,
    /// Milliseconds for requests to finish when the server stops, 0 to 600000
    /// (`OMNIX_HTTP_DRAIN_TIMEOUT_MS`; 10000).
    pub drain_timeout_ms: u32,
    /// Subscribers of the live feed at a time, 0 to 100000 (`OMNIX_FEED_CONNECTIONS_MAX`; 1000).
    pub feed_connections_max: u32,
}

impl HttpSettings {
    /// How long the head of a request may take, and a connection stand idle.
    #[must_use]
    pub fn head_timeout(&self) -> Duration {
        Duration::from_millis(self.head_timeout_ms.into())
    }

    /// How long a body or a reader may stall.
    #[must_use]
    pub fn stall_timeout(&self) -> Duration {
        Duration::from_millis(self.stall_timeout_ms.into())
    }

    /// How long requests have to finish when the server stops.
    #[must_use]
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms.into())
    }

    /// How long a publisher waits for an acknowledgement.
    #[must_use]
    pub fn ack_timeout(&self) -> Duration {
        Duration::from_millis(self.ack_timeout_ms.into())
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            admin_listen: String::new(),
            cors_origins: Vec::new(),
            ingest_bytes: 64 << 20,
            ack_timeout_ms: 5_000,
            connections_max: 4_096,
            head_timeout_ms: 15_000,
            stall_timeout_ms: 10_000,
            drain_timeout_ms: 10_000,
            feed_connections_max: 1_000,
        }
    }
}
