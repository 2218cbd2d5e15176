//! Every limit of the product, in one place, with the relations between them asserted at compile time.
//!
//! A limit that a user may change is a setting; its default and its bounds stand here all the same.

/// Lanes of a stream: units of order, fixed when the stream is made.
pub const LANES: usize = 64;
/// Shards of a stream: ranges of lanes, so never more than lanes.
pub const SHARDS_MAX: usize = LANES;

/// Bytes of a customer's, product's or order's id.
pub const ID_BYTES_MAX: usize = 256;
/// Bytes of a client's own event id.
pub const EVENT_ID_BYTES_MAX: usize = 128;
/// Bytes of a product's name or category, of a location, payment method, reason or factor.
pub const TEXT_BYTES_MAX: usize = 1024;
/// Entries of `reasonCodes` and `factors`.
pub const LIST_ENTRIES_MAX: usize = 32;

/// Events of one batch.
pub const BATCH_EVENTS_MAX: usize = 10_000;
/// Decompressed bytes of a request's body.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// Bytes of one event's JSON.
pub const EVENT_BYTES_MAX: usize = 256 << 10;
/// Depth of nested JSON.
pub const JSON_DEPTH_MAX: usize = 64;
/// Faults listed in one answer.
pub const FAULTS_MAX: usize = 50;

/// Events of one block, the unit of a group commit.
pub const BLOCK_EVENTS_MAX: usize = 2_000;
/// Raw bytes of one block before compression; the last record may take it past this by one record.
pub const BLOCK_BYTES_MAX: usize = 512 << 10;

/// Events that wait for a shard, those of the group in hand and in flight among them.
pub const QUEUE_EVENTS_MAX: usize = 40_000;
/// About the bytes of these events in memory.
pub const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Requests that these events belong to.
pub const QUEUE_REQUESTS_MAX: usize = 8_192;
/// Rejected events that wait to be kept, per shard; those beyond are counted and dropped.
pub const REJECTED_WAITING_MAX: usize = 1_024;
/// Bytes of rejected events that a shard keeps; the oldest go first.
pub const REJECTED_BYTES_MAX: usize = 64 << 20;
/// Messages of the feed that a live subscriber may lie behind before it is told that it missed some.
pub const FEED_BACKLOG_MAX: usize = 4_096;

/// How far an event's own time may lie ahead of the clock, in milliseconds.
pub const AHEAD_MS_MAX: i64 = 5 * 60 * 1000;

/// Customers of the rankings by value and by last seen.
pub const RANKED_CUSTOMERS_MAX: usize = 10_000;
/// Labels of one rollup dimension; further ones are counted as `other`.
pub const ROLLUP_LABELS_MAX: usize = 200;

/// Entries of a page of a list, when the client names none.
pub const PAGE_ENTRIES_DEFAULT: usize = 100;
/// Entries of a page of a list at the most.
pub const PAGE_ENTRIES_MAX: usize = 1_000;
/// Hours that a query may look back.
pub const HOURS_MAX: u32 = 8_760;

const _: () = assert!(SHARDS_MAX <= LANES && LANES <= 256, "a lane is one byte, a shard a range of lanes");
const _: () = assert!(EVENT_BYTES_MAX <= BODY_BYTES_MAX, "an event that is allowed fits into a body");
const _: () = assert!(EVENT_BYTES_MAX <= BLOCK_BYTES_MAX, "an event that is allowed fits into a block");
const _: () =
    assert!(BATCH_EVENTS_MAX <= QUEUE_EVENTS_MAX, "a batch that is allowed fits into an empty queue");
const _: () = assert!(2 * BODY_BYTES_MAX <= QUEUE_BYTES_MAX, "so does a body, parsed");
const _: () = assert!(EVENT_ID_BYTES_MAX <= ID_BYTES_MAX, "an event's id is an id");
const _: () = assert!(PAGE_ENTRIES_DEFAULT <= PAGE_ENTRIES_MAX, "the default page is a legal page");
const _: () = assert!(BLOCK_EVENTS_MAX <= u16::MAX as usize, "a slot is two bytes");
