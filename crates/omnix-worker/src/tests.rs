//! The shard's core, driven without threads, and the stream with them.

mod duplicates;
mod kill;
mod live;
mod replay;
mod shards;
mod explain;
mod chapters;
mod faults;
mod judgement;
mod order;
mod suppressed;
