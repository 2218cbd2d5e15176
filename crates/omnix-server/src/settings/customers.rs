//! Whose events are nobody's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose events are nobody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CustomersSettings {
    /// Ids that stand for no customer, compared without case and surrounding blanks; with an empty one in it a
    /// purchase may come without a customer (`OMNIX_CUSTOMERS_ANONYMOUS`, separated by commas; `0`, `guest`,
    /// `anonymous`, `unknown`, `walk-in`).
    pub anonymous: Vec<String>,
}

impl Default for CustomersSettings {
    fn default() -> Self {
        Self { anonymous: ["0", "guest", "anonymous", "unknown", "walk-in"].map(str::to_owned).to_vec() }
    }
}
