//! What is kept, where and for how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is kept, where and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// The directory of log, store and secret (`OMNIX_DATA_DIR`, `--data-dir`; `omnix-data`).
    pub data_dir: String,
    /// Bytes of customers' states held in memory (`OMNIX_CACHE_BYTES`; 32 MiB).
    pub cache_bytes: u64,
    /// Bytes of what is not written to the store yet (`OMNIX_STORE_BYTES`; 48 MiB).
    pub store_bytes: u64,
    /// Free bytes of the disk below which nothing is taken (`OMNIX_DISK_RESERVE_BYTES`; 64 MiB).
    pub disk_reserve_bytes: u64,
    /// Days for which events are kept, 1 to 36500 (`OMNIX_ARCHIVE_DAYS`; 400).
    pub archive_days: u32,
    /// Days for which insights are kept, 1 to 36500 (`OMNIX_INSIGHT_DAYS`; 400).
    pub insight_days: u32,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            data_dir: "omnix-data".to_owned(),
            cache_bytes: 32 << 20,
            store_bytes: 48 << 20,
            disk_reserve_bytes: 64 << 20,
            archive_days: 400,
            insight_days: 400,
        }
    }
}
