//! The names under which settings are known: in a file, in the environment, as a flag.

/// What a value is, so that a text from the environment can be read as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number within both bounds.
    Integer(u64, u64),
    /// A number within both bounds.
    Number(f64, f64),
    /// `true` or `false`.
    Flag,
    /// Texts, separated by commas where there is no list.
    List,
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Its place in a file: `section.field`.
    pub path: &'static str,
    /// Its name in the environment.
    pub env: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Whether its value is shown to nobody.
    pub is_secret: bool,
}

impl Key {
    const fn new(path: &'static str, env: &'static str, kind: Kind) -> Self {
        Self { path, env, kind, is_secret: false }
    }

    /// Section and field.
    #[must_use]
    pub fn split(&self) -> (&'static str, &'static str) {
        self.path.split_once('.').unwrap_or((self.path, ""))
    }
}

const MIB: u64 = 1 << 20;
const BYTES_MAX: u64 = 1 << 50;

/// All settings, by section.
pub const KEYS: &[Key] = &[
    Key::new("stream.name", "KINESIS_STREAM_NAME", Kind::Text),
    Key::new("stream.region", "AWS_REGION", Kind::Text),
    Key::new("stream.shard_count", "KINESIS_SHARD_COUNT", Kind::Integer(1, 64)),
    Key::new("stream.retention_hours", "KINESIS_RETENTION_HOURS", Kind::Integer(1, 8_760)),
    Key::new("stream.enable_compression", "KINESIS_ENABLE_COMPRESSION", Kind::Flag),
    Key::new("stream.batch_size", "KINESIS_BATCH_SIZE", Kind::Integer(1, 500)),
    Key::new("stream.max_latency_ms", "KINESIS_MAX_LATENCY_MS", Kind::Integer(0, 10_000)),
    Key::new("stream.dedup_window_hours", "OMNIX_DEDUP_WINDOW_HOURS", Kind::Integer(1, 8_760)),
    Key::new("shop.time_zone", "OMNIX_TIME_ZONE", Kind::Text),
    Key::new("shop.currency", "OMNIX_CURRENCY", Kind::Text),
    Key::new("customers.anonymous", "OMNIX_CUSTOMERS_ANONYMOUS", Kind::List),
    Key::new("segments.aliases", "OMNIX_SEGMENT_ALIASES", Kind::List),
    Key::new(
        "engine.buffer_flush_interval_ms",
        "OMNIX_BUFFER_FLUSH_INTERVAL_MS",
        Kind::Integer(100, 600_000),
    ),
    Key::new("engine.max_buffer_size", "OMNIX_MAX_BUFFER_SIZE", Kind::Integer(1, 10_000)),
    Key::new(
        "engine.spending_deviation_threshold",
        "OMNIX_SPENDING_DEVIATION_THRESHOLD",
        Kind::Number(0.0, 100.0),
    ),
    Key::new("engine.high_confidence_threshold", "OMNIX_HIGH_CONFIDENCE_THRESHOLD", Kind::Number(0.0, 1.0)),
    Key::new(
        "engine.critical_confidence_threshold",
        "OMNIX_CRITICAL_CONFIDENCE_THRESHOLD",
        Kind::Number(0.0, 1.0),
    ),
    Key::new("engine.customer_insights_per_day", "OMNIX_CUSTOMER_INSIGHTS_PER_DAY", Kind::Integer(0, 100)),
    Key::new("store.data_dir", "OMNIX_DATA_DIR", Kind::Text),
    Key::new("store.cache_bytes", "OMNIX_CACHE_BYTES", Kind::Integer(MIB, BYTES_MAX)),
    Key::new("store.store_bytes", "OMNIX_STORE_BYTES", Kind::Integer(MIB, BYTES_MAX)),
    Key::new("store.disk_reserve_bytes", "OMNIX_DISK_RESERVE_BYTES", Kind::Integer(0, BYTES_MAX)),
    Key::new("store.archive_days", "OMNIX_ARCHIVE_DAYS", Kind::Integer(1, 36_500)),
    Key::new("store.insight_days", "OMNIX_INSIGHT_DAYS", Kind::Integer(1, 36_500)),
    Key::new("http.listen", "OMNIX_HTTP_LISTEN", Kind::Text),
    Key::new("http.admin_listen", "OMNIX_ADMIN_LISTEN", Kind::Text),
    Key::new("http.cors_origins", "OMNIX_HTTP_CORS_ORIGINS", Kind::List),
    Key::new("http.ingest_bytes", "OMNIX_INGEST_BYTES", Kind::Integer(16 * MIB, BYTES_MAX)),
    Key::new("http.ack_timeout_ms", "OMNIX_ACK_TIMEOUT_MS", Kind::Integer(10, 600_000)),
    Key::new("http.connections_max", "OMNIX_HTTP_CONNECTIONS_MAX", Kind::Integer(1, 1_000_000)),
    Key::new("http.head_timeout_ms", "OMNIX_HTTP_HEAD_TIMEOUT_MS", Kind::Integer(10, 600_000)),
    Key::new("http.stall_timeout_ms", "OMNIX_HTTP_STALL_TIMEOUT_MS", Kind::Integer(10, 600_000)),
    Key::new("http.drain_timeout_ms", "OMNIX_HTTP_DRAIN_TIMEOUT_MS", Kind::Integer(0, 600_000)),
    Key::new("http.feed_connections_max", "OMNIX_FEED_CONNECTIONS_MAX", Kind::Integer(0, 100_000)),
    Key { is_secret: true, ..Key::new("auth.jwt_secret", "OMNIX_JWT_SECRET", Kind::Text) },
    Key::new("auth.jwt_secret_file", "OMNIX_JWT_SECRET_FILE", Kind::Text),
];
