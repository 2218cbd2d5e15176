//! Events that were refused or could not be applied.

use std::borrow::Cow;

use omnix_model::Fault;
use serde::Serialize;
use utoipa::ToSchema;

use super::Time;

/// Rejected events, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedList {
    /// The events.
    pub rejected: Vec<RejectedEntry>,
    /// The next page; null on the last.
    pub next_cursor: Option<String>,
}

/// One rejected event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedEntry {
    /// Its id, under which it can be replayed.
    pub id: String,
    /// When it arrived.
    pub received_at: Time,
    /// The code of its first fault.
    pub code: &'static str,
    /// All its faults.
    pub errors: Vec<FaultEntry>,
    /// Null where it cannot be read.
    pub customer_id: Option<String>,
    /// Null where it has none, or it cannot be read.
    pub event_id: Option<String>,
    /// What arrived, when it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What arrived, when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

/// One thing wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FaultEntry {
    /// Where: a JSON pointer.
    pub pointer: String,
    /// What, for programs.
    pub code: &'static str,
    /// What, for people.
    pub detail: Cow<'static, str>,
}

impl From<&Fault> for FaultEntry {
    fn from(fault: &Fault) -> Self {
        Self { pointer: fault.pointer.clone(), code: fault.code.name(), detail: fault.detail.clone() }
    }
}
