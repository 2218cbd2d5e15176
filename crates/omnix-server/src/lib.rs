//! The HTTP server: everything between a socket and the worker.
//!
//! Invariants: a handler parses, asks for its authority, makes one call and converts the answer; every route
//! names its permission; nothing of a body is decompressed or parsed before its sender was found to be allowed
//! to send it; every body, connection, subscription and queue has a limit; no log line, label or error holds a
//! personal datum; every error is a problem with a stable code; 429 and 503 mean that nothing was stored.
//!
//! Deliberately not here: what an event looks like (`omnix-wire`), what is done with it (`omnix-worker`), the
//! command line. Knows no AWS.

pub mod settings;

mod server;
mod lifecycle;
mod listener;
mod router;
mod route;
mod routes;
mod app;
mod authority;
mod backend;
mod body;
mod query;
mod problem;
mod envelope;
mod feed;
mod metrics;
mod document;
mod pages;

pub use authority::{Role, Secret, SecretError, mint};
pub use backend::{Backend, CustomerFilter};
pub use lifecycle::LifecycleError;
pub use server::{HasRoom, Running, Server, StartError};
pub use settings::Settings;

/// The OpenAPI 3.1 document as JSON.
#[must_use]
pub fn openapi_json() -> &'static str {
    document::text()
}
