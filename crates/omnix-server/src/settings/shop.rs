//! The shop: its calendar and its money.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The shop whose events they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShopSettings {
    /// The IANA time zone whose days are the shop's (`OMNIX_TIME_ZONE`; `UTC`).
    pub time_zone: String,
    /// The currency of all amounts, ISO 4217 (`OMNIX_CURRENCY`; `EUR`).
    pub currency: String,
}

impl Default for ShopSettings {
    fn default() -> Self {
        Self { time_zone: "UTC".to_owned(), currency: "EUR".to_owned() }
    }
}
