//! Segments: what outside models call them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What outside models call segments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SegmentsSettings {
    /// Outside names that mean one of our segments, such as `VIP = Champions` (`OMNIX_SEGMENT_ALIASES`,
    /// separated by commas; none). Other outside names are kept as they are, without a tier.
    pub aliases: Vec<String>,
}
