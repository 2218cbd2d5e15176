//! What makes an insight.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What makes an insight. A change takes effect from the moment at which it stands in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSettings {
    /// Milliseconds for which a basket waits for another line, 100 to 600000
    /// (`OMNIX_BUFFER_FLUSH_INTERVAL_MS`; 5000).
    pub buffer_flush_interval_ms: u32,
    /// Lines after which a basket is evaluated even though more may come, 1 to 10000
    /// (`OMNIX_MAX_BUFFER_SIZE`; 50).
    pub max_buffer_size: u32,
    /// Deviation of an amount from what is usual below which nothing is reported, 0 to 100, 0.5 being half
    /// (`OMNIX_SPENDING_DEVIATION_THRESHOLD`; 0.5).
    pub spending_deviation_threshold: f64,
    /// Confidence above which a prediction is an insight, 0 to 1 (`OMNIX_HIGH_CONFIDENCE_THRESHOLD`; 0.7).
    pub high_confidence_threshold: f64,
    /// Confidence above which its priority is high, 0 to 1 (`OMNIX_CRITICAL_CONFIDENCE_THRESHOLD`; 0.9).
    pub critical_confidence_threshold: f64,
    /// Insights about one customer because of one day of the shop's calendar, 0 to 100; what an outside model publishes
    /// and what is critical is raised beyond it, and 0 is no budget (`OMNIX_CUSTOMER_INSIGHTS_PER_DAY`; 5).
    pub customer_insights_per_day: u8,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            buffer_flush_interval_ms: 5_000,
            max_buffer_size: 50,
            spending_deviation_threshold: 0.5,
            high_confidence_threshold: 0.7,
            critical_confidence_threshold: 0.9,
            customer_insights_per_day: 5,
        }
    }
}
