//! The tests of the vocabulary: one file a behaviour.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod arbitrary;
mod block_golden;
mod block_round_trip;
mod block_size;
mod fingerprints;
mod ids;
mod lanes;
mod money;
mod positions;
mod stored;
mod time;
