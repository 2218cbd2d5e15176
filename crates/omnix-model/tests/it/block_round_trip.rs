//! What was written into a block is read from it; what was not written is refused, without a panic.

use omnix_model::limits::{BLOCK_BYTES_MAX, BLOCK_EVENTS_MAX};
use omnix_model::{BlockFull, Clock, Lane, Record, RecordBlock, RecordBlockWriter, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::arbitrary::{entry, time};

fn block() -> impl Strategy<Value = RecordBlock> {
    (time(), any::<bool>(), vec(entry(), 0..30)).prop_map(|(now, live, entries)| RecordBlock {
        now,
        clock: if live { Clock::Live } else { Clock::History },
        entries,
    })
}

proptest! {
    #[test]
    fn what_is_decoded_is_what_was_encoded(block in block()) {
        prop_assert_eq!(RecordBlock::decode(&block.encode()), Ok(block));
    }

    #[test]
    fn a_writer_used_again_writes_the_same(first in block(), second in block()) {
        let mut writer = RecordBlockWriter::new(second.clock);
        for block in [&first, &second] {
            for (slot, (lane, record)) in (0..).zip(&block.entries) {
                prop_assert_eq!(writer.push(*lane, record), Ok(slot));
            }
            prop_assert_eq!(usize::from(writer.count()), block.entries.len());
            let bytes = writer.take(block.now);
            prop_assert_eq!(RecordBlock::decode(&bytes).unwrap().entries, block.entries.clone());
        }
    }

    #[test]
    fn hostile_bytes_are_an_error_or_a_block(bytes in vec(any::<u8>(), 0..300)) {
        drop(RecordBlock::decode(&bytes));
        drop(RecordBlock::decode(&[&[1, 0], bytes.as_slice()].concat()));
    }

    #[test]
    fn a_changed_byte_never_panics(block in block(), at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut bytes = block.encode();
        let at = at.index(bytes.len());
        bytes[at] = value;
        if let Ok(other) = RecordBlock::decode(&bytes) {
            prop_assert_eq!(RecordBlock::decode(&other.encode()), Ok(other));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn every_prefix_is_refused(block in block()) {
        let bytes = block.encode();
        for len in 0..bytes.len() {
            prop_assert!(RecordBlock::decode(&bytes[..len]).is_err(), "{len} of {}", bytes.len());
        }
        let longer = [bytes, vec![0]].concat();
        prop_assert!(RecordBlock::decode(&longer).is_err());
    }
}

#[test]
fn an_erased_record_leaves_its_slot_empty() {
    let lane = Lane::new(5).unwrap();
    let entries = vec![(lane, Record::EpochEnd { epoch: 1 }), (lane, Record::EpochEnd { epoch: 2 })];
    let mut block = RecordBlock { now: Timestamp::MIN, clock: Clock::Live, entries };
    block.entries[0].1 = Record::Erased;
    let read = RecordBlock::decode(&block.encode()).unwrap();
    assert_eq!(read.entries, [(lane, Record::Erased), (lane, Record::EpochEnd { epoch: 2 })]);
}

#[test]
fn a_full_block_takes_nothing_more() {
    let mut writer = RecordBlockWriter::new(Clock::Live);
    for _ in 0..BLOCK_EVENTS_MAX {
        writer.push(Lane::FIRST, &Record::Tick).unwrap();
    }
    assert_eq!(writer.push(Lane::FIRST, &Record::Tick), Err(BlockFull));
    let read = RecordBlock::decode(&writer.take(Timestamp::MIN)).unwrap();
    assert_eq!(read.entries.len(), BLOCK_EVENTS_MAX);

    let large = Record::Settings { hash: 1, body: "x".repeat(BLOCK_BYTES_MAX) };
    writer.push(Lane::FIRST, &Record::Tick).unwrap();
    writer.push(Lane::FIRST, &large).unwrap();
    assert_eq!(writer.push(Lane::FIRST, &Record::Tick), Err(BlockFull));
    assert_eq!(RecordBlock::decode(&writer.finish(Timestamp::MIN)).unwrap().entries[1].1, large);
}

#[test]
fn huge_counts_in_few_bytes_are_refused_at_once() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    for head in [&[1, 0, 0][..], &[1, 0, 0, 1], &[1, 0, 0, 1, 0], &[1, 0, 0, 1, 0, 0, 0, 0]] {
        assert!(RecordBlock::decode(&[head, &huge].concat()).is_err());
    }
}

#[test]
fn an_unknown_version_is_told_from_damage() {
    assert_eq!(RecordBlock::decode(&[2]), Err(omnix_model::DecodeError::Unknown(2)));
}

#[test]
fn time_follows_the_clock() {
    let at = Timestamp::from_ms_clamped;
    let live = RecordBlock { now: at(100), clock: Clock::Live, entries: Vec::new() };
    assert_eq!(live.time_of(&Record::Tick, at(50)), at(100));
    assert_eq!(live.time_of(&Record::Erased, at(150)), at(150));
    let history = RecordBlock { clock: Clock::History, ..live };
    assert_eq!(history.time_of(&Record::Tick, at(50)), at(100));
    assert_eq!(history.time_of(&Record::EpochEnd { epoch: 1 }, at(50)), at(50));
}
