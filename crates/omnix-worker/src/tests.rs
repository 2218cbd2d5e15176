//! The shard's core, driven without threads, and the stream with them.

mod duplicates;
mod live;
