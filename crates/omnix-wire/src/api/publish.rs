//! Answers to those who publish.

use std::borrow::Cow;

use omnix_model::{ErrorCode, EventId, Fault};
use serde::Serialize;
use utoipa::ToSchema;

use super::insight::InsightBody;
use crate::Refused;

/// The answer to one event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishReceipt {
    /// Contains `published successfully`.
    pub message: Cow<'static, str>,
    /// The event's id: the client's own, or one that the server made; null after a dry run.
    pub event_id: Option<String>,
    /// The shard that took it; null after a dry run.
    pub shard_id: Option<String>,
    /// Where it stands in the shard's log; null after a dry run.
    pub sequence_number: Option<String>,
    /// Whether it was there already; null where the log cannot know at acknowledgement.
    pub duplicate: Option<bool>,
    /// What this very event caused.
    pub insights: Vec<InsightBody>,
}

/// The answer to a batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchResult {
    /// Contains `published successfully` when any event is in.
    pub message: Cow<'static, str>,
    /// Events that are in, duplicates among them.
    pub published_count: usize,
    /// Events that were in already.
    pub duplicate_count: usize,
    /// Events that were refused.
    pub failed_count: usize,
    /// One entry a refused item, its first fault.
    pub errors: Vec<ItemError>,
    /// With `?echo=ids`: the id of each item in order; null for a refused one without an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_ids: Option<Vec<Option<String>>>,
}

/// Why one item of a batch was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemError {
    /// The item's place in the batch, from 0.
    pub index: usize,
    /// The item's id, if it has a sound one.
    pub event_id: Option<String>,
    /// What, for programs.
    pub code: &'static str,
    /// Where in the item: a JSON pointer.
    pub pointer: String,
    /// What, for people.
    pub detail: Cow<'static, str>,
    /// Whether the same item may be taken later, unchanged.
    pub retryable: bool,
}

impl ItemError {
    /// Item `index`, refused for `fault`.
    #[must_use]
    pub fn new(index: usize, event_id: Option<&EventId>, fault: &Fault) -> Self {
        Self {
            index,
            event_id: event_id.map(ToString::to_string),
            code: fault.code.name(),
            pointer: fault.pointer.clone(),
            detail: fault.detail.clone(),
            retryable: fault.code.is_retryable(),
        }
    }

    /// Item `index`, refused for the first of its faults.
    #[must_use]
    pub fn of_refused(index: usize, refused: &Refused) -> Self {
        match refused.faults.as_slice().first() {
            Some(fault) => Self::new(index, refused.event_id.as_ref(), fault),
            None => {
                let fault =
                    Fault::new("", ErrorCode::ValidationFailed, ErrorCode::ValidationFailed.meaning());
                Self::new(index, refused.event_id.as_ref(), &fault)
            }
        }
    }
}
