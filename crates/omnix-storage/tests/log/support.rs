//! Blocks that know their number, so that what is read can be told from what should have been.

use std::time::Duration;

use omnix_model::{Lane, LogId, Position, ShardId, Timestamp};
use omnix_storage::{Block, EventLog, LogSettings, SegmentLog, StoredBlock};

pub(crate) const LOG: LogId = LogId(7);
pub(crate) const SHARD: ShardId = ShardId(3);

pub(crate) const SMALL: LogSettings =
    LogSettings { reserve_bytes: 0, segment_bytes: 16 << 10, segment_age_ms: u64::MAX, compress: true };

const BLOCK_BYTES: u64 = 700;

/// Block number `number`: everything in it follows from the number.
pub(crate) fn block(number: u64) -> Block {
    sized_block(number, BLOCK_BYTES)
}

/// As [`block`], with a payload of `bytes` bytes that compress a little.
pub(crate) fn sized_block(number: u64, bytes: u64) -> Block {
    let payload = (0..bytes).map(|i| (number.wrapping_mul(i * i + 31) >> 3) as u8 & 0x3f).collect();
    let now = Timestamp::from_ms_clamped(1_700_000_000_000 + number as i64);
    Block { lane: Lane::FIRST, count: (number % 9) as u16 + 1, now, payload }
}

pub(crate) fn position(frame: u64) -> Position {
    Position { log: LOG, frame, slot: 0 }
}

pub(crate) fn assert_is(stored: &StoredBlock, expected: &Block, frame: u64) {
    assert_eq!(stored.position, position(frame));
    assert_eq!((stored.count, stored.now), (expected.count, expected.now), "frame {frame}");
    assert!(stored.payload == expected.payload, "frame {frame} holds other bytes");
}

pub(crate) fn append(log: &mut SegmentLog, numbers: std::ops::RangeInclusive<u64>) {
    append_on(log, numbers, BLOCK_BYTES);
}

/// Appends blocks of `bytes` bytes, each as the frame of its number.
pub(crate) fn append_on(log: &mut SegmentLog, numbers: std::ops::RangeInclusive<u64>, bytes: u64) {
    for number in numbers {
        let answers = log.append(&[sized_block(number, bytes)]);
        assert_eq!(answers.len(), 1);
        assert_eq!(*answers[0].as_ref().unwrap(), position(number));
    }
}

/// The log holds exactly these blocks, in a row and one by one.
pub(crate) fn assert_holds(log: &SegmentLog, numbers: std::ops::RangeInclusive<u64>) {
    let mut reader = log.read_after(log.source().start()).unwrap();
    for number in numbers.clone() {
        let stored = reader.next(Duration::ZERO).unwrap().unwrap();
        assert_is(&stored, &block(number), number);
        let again = reader.block_at(Position { slot: 5, ..stored.position }).unwrap().unwrap();
        assert_eq!(again, stored);
    }
    assert!(reader.next(Duration::ZERO).unwrap().is_none());
    assert_eq!(log.end().frame, *numbers.end());
}
