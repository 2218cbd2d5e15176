//! What every [`EventLog`] must do, as checks that run over any implementation.
//!
//! A check panics with what was violated. A backend in another crate implements [`Bench`] and calls [`run`] in
//! a test of its own. Checks tolerate blocks that are not taken at once ([`AppendError::Full`],
//! [`AppendError::Refused`]): they try again; only the random history provokes unknown outcomes on purpose,
//! by being run over a backend that has them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use omnix_model::limits::LANES;
use omnix_model::{Lane, Position, Timestamp};

use crate::testing::Dice;
use crate::{AppendError, Block, EventLog, Grain, LogReader, LogSource, ReadError, StoredBlock};

/// How often an append that was not taken is tried again.
const TRIES_MAX: u32 = 200;
/// Longer than any backend takes for a block that is on its way.
const PATIENCE: Duration = Duration::from_secs(30);

/// A place on which logs are opened, one after the other.
pub trait Bench {
    /// Opens the log on what survived. The one that was open before was closed, or dropped without another
    /// word as when its process is killed.
    fn open(&mut self) -> Box<dyn EventLog>;
}

/// A check, by name.
pub type Check = (&'static str, fn(&mut dyn Bench));

/// All checks; each wants a bench of its own, on which nothing was ever opened.
pub const CHECKS: &[Check] = &[
    ("a_new_log_is_empty", a_new_log_is_empty),
    ("what_was_acknowledged_is_read_byte_for_byte", what_was_acknowledged_is_read_byte_for_byte),
    ("blocks_of_one_append_keep_their_order", blocks_of_one_append_keep_their_order),
    ("every_kind_of_payload_comes_back", every_kind_of_payload_comes_back),
    ("a_log_goes_on_where_it_was_closed", a_log_goes_on_where_it_was_closed),
    ("a_log_goes_on_where_it_was_killed", a_log_goes_on_where_it_was_killed),
    ("reading_begins_behind_the_block", reading_begins_behind_the_block),
    ("any_block_is_had_by_its_position", any_block_is_had_by_its_position),
    ("reading_at_the_tail_waits", reading_at_the_tail_waits),
    ("readers_follow_a_writer_on_another_thread", readers_follow_a_writer_on_another_thread),
    ("trimming_takes_only_what_is_below_and_old", trimming_takes_only_what_is_below_and_old),
    ("a_random_history_is_what_the_model_says", a_random_history_is_what_the_model_says),
];

/// Runs every check, each on a bench that `make` makes.
pub fn run<B: Bench>(mut make: impl FnMut() -> B) {
    for (_name, check) in CHECKS {
        check(&mut make());
    }
}

/// Block number `number`, in a lane that follows from the number, as all of it does.
fn block(number: u64) -> Block {
    let mut dice = Dice::new(number);
    let bytes = dice.below(400);
    sized_block(number, bytes)
}

fn sized_block(number: u64, bytes: u64) -> Block {
    let mut dice = Dice::new(!number);
    let lane = u8::try_from(number % LANES as u64).ok().and_then(Lane::new).unwrap_or(Lane::FIRST);
    let [count, ..] = dice.roll().to_le_bytes();
    let mut payload = number.to_le_bytes().to_vec();
    payload.extend((0..bytes).map(|_| dice.roll().to_le_bytes()[0] & 0x1f));
    let now = Timestamp::from_ms_clamped(1_000_000 + i64::try_from(number).unwrap_or(0) * 1_000);
    Block { lane, count: u16::from(count) + 1, now, payload }
}

/// Appends one block, again as long as it is not taken.
fn append(log: &mut dyn EventLog, block: &Block) -> Position {
    for _ in 0..TRIES_MAX {
        let mut answers = log.append(std::slice::from_ref(block));
        assert_eq!(answers.len(), 1, "one answer a block");
        match answers.pop().expect("there is one") {
            Ok(position) => return position,
            Err(AppendError::Full | AppendError::Refused(_)) => {}
            Err(e @ AppendError::Unknown(_)) => panic!("nothing was to fail here: {e}"),
        }
    }
    panic!("a block was not taken {TRIES_MAX} times");
}

fn append_all(log: &mut dyn EventLog, numbers: std::ops::Range<u64>) -> BTreeMap<Position, Block> {
    numbers.map(|number| (append(log, &block(number)), block(number))).collect()
}

fn same(stored: &StoredBlock, position: Position, block: &Block) -> bool {
    stored.position == position
        && stored.count == block.count
        && stored.now == block.now
        && stored.payload == block.payload
}

/// All that can be read behind `after` now.
fn read_all(source: &dyn LogSource, after: Position) -> Vec<StoredBlock> {
    let mut reader = source.read_after(after).expect("it is kept");
    let mut stored = Vec::new();
    while let Some(block) = reader.next(Duration::ZERO).expect("nothing is damaged") {
        stored.push(block);
    }
    stored
}

fn assert_holds(log: &dyn EventLog, expected: &BTreeMap<Position, Block>) {
    let stored = read_all(&*log.source(), log.source().start());
    assert_eq!(stored.len(), expected.len(), "as many blocks as were acknowledged");
    for (stored, (position, block)) in stored.iter().zip(expected) {
        assert!(same(stored, *position, block), "{} holds what was appended at {position}", stored.position);
    }
    if let Some((last, _)) = expected.last_key_value() {
        assert_eq!(log.end(), *last, "the end is the last block");
    }
}

fn a_new_log_is_empty(bench: &mut dyn Bench) {
    let log = bench.open();
    let start = Position::start(log.id());
    assert_eq!((log.end(), log.source().start(), log.source().end()), (start, start, start));
    let mut reader = log.read_after(start).expect("the start is kept");
    assert_eq!(reader.next(Duration::ZERO).expect("nothing is damaged"), None);
    assert_eq!(reader.block_at(start).expect("nothing is damaged"), None);
    log.close().expect("an empty log can be closed");
    let log = bench.open();
    assert_eq!(log.end(), start);
}

fn what_was_acknowledged_is_read_byte_for_byte(bench: &mut dyn Bench) {
    let mut log = bench.open();
    let mut last = log.end();
    let mut expected = BTreeMap::new();
    for number in 1..=200 {
        let position = append(&mut *log, &block(number));
        assert!(position > last && position.log == log.id(), "positions grow");
        assert_eq!(position.slot, 0, "a block's position is that of its first record");
        assert_eq!(log.end(), position);
        last = position;
        expected.insert(position, block(number));
    }
    assert_holds(&*log, &expected);
}

fn blocks_of_one_append_keep_their_order(bench: &mut dyn Bench) {
    let mut log = bench.open();
    let mut expected: BTreeMap<Position, Block> = BTreeMap::new();
    for round in 0..10 {
        let blocks: Vec<Block> = (round * 40..round * 40 + 40).map(block).collect();
        let answers = log.append(&blocks);
        assert_eq!(answers.len(), blocks.len(), "one answer a block");
        let mut last = expected.last_key_value().map_or(Position::start(log.id()), |(position, _)| *position);
        let mut stopped: Vec<Lane> = Vec::new();
        for (answer, block) in answers.iter().zip(&blocks) {
            let Ok(position) = answer else {
                stopped.push(block.lane);
                continue;
            };
            let is_stopped = match log.grain() {
                Grain::Shard => !stopped.is_empty(),
                Grain::Lane => stopped.contains(&block.lane),
            };
            assert!(!is_stopped, "nothing of a lane is stored behind a block that was not");
            assert!(*position > last, "positions grow in the order of the blocks");
            last = *position;
            expected.insert(*position, block.clone());
        }
    }
    assert_holds(&*log, &expected);
}

fn every_kind_of_payload_comes_back(bench: &mut dyn Bench) {
    let mut log = bench.open();
    let mut dice = Dice::new(5);
    let noise: Vec<u8> = (0..40_000).map(|_| dice.roll().to_le_bytes()[0]).collect();
    let payloads = [
        Vec::new(),
        vec![0],
        vec![0; 300_000],
        vec![0xff; 4_096],
        noise,
        b"OMNXSEG1".repeat(600),
        vec![0; 3],
    ];
    let mut expected = BTreeMap::new();
    for (payload, count) in payloads.into_iter().zip([0, 1, 2_000, u16::MAX, 7, 1, 1]) {
        let block = Block { payload, count, ..block(9) };
        expected.insert(append(&mut *log, &block), block);
    }
    assert_holds(&*log, &expected);
    drop(log);
    assert_holds(&*bench.open(), &expected);
}

fn a_log_goes_on_where_it_was_closed(bench: &mut dyn Bench) {
    let mut expected = BTreeMap::new();
    for round in 0..4 {
        let mut log = bench.open();
        assert_holds(&*log, &expected);
        expected.append(&mut append_all(&mut *log, round * 30..round * 30 + 30));
        assert_eq!(expected.len() as u64, round * 30 + 30, "no position is used twice");
        log.close().expect("nothing failed");
    }
    assert_holds(&*bench.open(), &expected);
}

fn a_log_goes_on_where_it_was_killed(bench: &mut dyn Bench) {
    let mut expected = BTreeMap::new();
    for round in 0..4 {
        let mut log = bench.open();
        assert_holds(&*log, &expected);
        expected.append(&mut append_all(&mut *log, round * 30..round * 30 + 30));
        assert_eq!(expected.len() as u64, round * 30 + 30, "no position is used twice");
    }
    assert_holds(&*bench.open(), &expected);
}

fn reading_begins_behind_the_block(bench: &mut dyn Bench) {
    let mut log = bench.open();
    let positions: Vec<Position> = append_all(&mut *log, 1..50).into_keys().collect();
    for (position, next) in positions.iter().zip(positions.iter().skip(1)) {
        for slot in [0, 1, u16::MAX] {
            let mut reader = log.read_after(Position { slot, ..*position }).expect("it is kept");
            let found = reader.next(Duration::ZERO).expect("nothing is damaged");
            assert_eq!(found.map(|block| block.position), Some(*next));
        }
    }
    let mut reader = log.read_after(log.end()).expect("the end is kept");
    assert_eq!(reader.next(Duration::ZERO).expect("nothing is damaged"), None);
}

fn any_block_is_had_by_its_position(bench: &mut dyn Bench) {
    let mut log = bench.open();
    let expected = append_all(&mut *log, 1..300);
    let mut reader = log.read_after(log.end()).expect("the end is kept");
    let check = |reader: &mut dyn LogReader| {
        for (position, block) in expected.iter().rev().step_by(3).chain(expected.iter().step_by(7)) {
            let asked = Position { slot: block.count - 1, ..*position };
            let found = reader.block_at(asked).expect("nothing is damaged").expect("it is kept");
            assert!(same(&found, *position, block), "the block of {asked}");
        }
        let beyond = Position { frame: log.end().frame + 1_000, ..log.end() };
        assert_eq!(reader.block_at(beyond).expect("nothing is damaged"), None);
        assert_eq!(reader.block_at(Position::start(log.id())).expect("nothing is damaged"), None);
    };
    check(&mut *reader);
    let first = append(&mut *bench_reopened(bench, log), &block(300));
    let log = bench.open();
    let mut reader = log.read_after(first).expect("the end is kept");
    for (position, block) in expected.iter().step_by(5) {
        let found = reader.block_at(*position).expect("nothing is damaged").expect("it is kept");
        assert!(same(&found, *position, block), "the block of {position}, after two starts");
    }
}

fn bench_reopened(bench: &mut dyn Bench, log: Box<dyn EventLog>) -> Box<dyn EventLog> {
    drop(log);
    bench.open()
}

fn reading_at_the_tail_waits(bench: &mut dyn Bench) {
    let mut log = bench.open();
    append(&mut *log, &block(1));
    let mut reader = log.read_after(log.end()).expect("the end is kept");
    let began = Instant::now();
    assert_eq!(reader.next(Duration::from_millis(30)).expect("nothing is damaged"), None);
    assert!(began.elapsed() >= Duration::from_millis(29), "it waits as long as it may");
    let waiting = thread::spawn(move || {
        let began = Instant::now();
        let found = reader.next(PATIENCE).expect("nothing is damaged");
        (found, began.elapsed())
    });
    let position = append(&mut *log, &block(2));
    let (found, waited) = waiting.join().expect("the reader does not panic");
    assert!(same(&found.expect("it came"), position, &block(2)));
    assert!(waited < PATIENCE, "it is woken");
}

fn readers_follow_a_writer_on_another_thread(bench: &mut dyn Bench) {
    let mut log = bench.open();
    let source: Arc<dyn LogSource> = log.source();
    let follow = move |source: Arc<dyn LogSource>| {
        let mut reader = source.read_after(source.start()).expect("the start is kept");
        for number in 1..=150 {
            let found = reader.next(PATIENCE).expect("nothing is damaged").expect("it comes");
            assert_eq!(found.payload, block(number).payload, "in order, none twice");
        }
    };
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let source = Arc::clone(&source);
            thread::spawn(move || follow(source))
        })
        .collect();
    for number in 1..=150 {
        append(&mut *log, &block(number));
    }
    for reader in readers {
        reader.join().expect("each reader found what was appended");
    }
    assert_eq!(source.end(), log.end());
}

fn trimming_takes_only_what_is_below_and_old(bench: &mut dyn Bench) {
    let mut log = bench.open();
    let mut expected: BTreeMap<Position, Block> = (0..300)
        .map(|number| (append(&mut *log, &sized_block(number, 900)), sized_block(number, 900)))
        .collect();
    let keep_from = *expected.keys().nth(200).expect("there are 300");
    log.trim(keep_from, Timestamp::MIN).expect("nothing failed");
    assert_holds(&*log, &expected);
    log.trim(Position::start(log.id()), Timestamp::MAX).expect("nothing failed");
    assert_holds(&*log, &expected);
    let old = sized_block(100, 0).now;
    for older_than in [old, Timestamp::MAX] {
        log.trim(keep_from, older_than).expect("nothing failed");
        let start = log.source().start();
        let kept = expected.split_off(&Position { slot: u16::MAX, ..start });
        assert!(expected.values().all(|gone| gone.now < older_than), "what is young enough is kept");
        assert!(expected.keys().all(|gone| *gone < keep_from), "what must be kept is kept");
        if let Some((first_gone, _)) = expected.first_key_value() {
            let before = Position::start(first_gone.log);
            assert!(
                matches!(log.read_after(before), Err(ReadError::Trimmed(_))),
                "it says that some is gone"
            );
            let mut reader = log.read_after(log.end()).expect("the end is kept");
            assert_eq!(reader.block_at(*first_gone).expect("nothing is damaged"), None);
        }
        expected = kept;
        assert_holds(&*log, &expected);
    }
    let start = log.source().start();
    drop(log);
    let mut log = bench.open();
    assert_eq!(log.source().start(), start, "what is trimmed stays trimmed");
    let next = append(&mut *log, &block(300));
    assert!(expected.keys().all(|position| *position < next), "positions go on");
}

fn a_random_history_is_what_the_model_says(bench: &mut dyn Bench) {
    let mut dice = Dice::new(77);
    let mut log = bench.open();
    let mut expected: BTreeMap<Position, Block> = BTreeMap::new();
    let mut doubtful: Vec<Block> = Vec::new();
    let mut number = 0;
    for _ in 0..300 {
        let blocks: Vec<Block> = (0..=dice.below(4))
            .map(|_| {
                number += 1;
                block(number)
            })
            .collect();
        let mut is_poisoned = false;
        for (answer, block) in log.append(&blocks).into_iter().zip(blocks) {
            match answer {
                Ok(position) => assert_eq!(expected.insert(position, block), None, "no position twice"),
                Err(AppendError::Full | AppendError::Refused(_)) => {}
                Err(AppendError::Unknown(_)) => {
                    doubtful.push(block);
                    is_poisoned = log.grain() == Grain::Shard;
                }
            }
        }
        if is_poisoned {
            let refused = log.append(&[sized_block(0, 0)]);
            assert!(
                matches!(refused.as_slice(), [Err(AppendError::Refused(_))]),
                "it takes nothing any more"
            );
        }
        if is_poisoned || dice.once_in(40) {
            log = bench_reopened(bench, log);
        }
    }
    drop(log);
    let log = bench.open();
    let mut stored = read_all(&*log.source(), log.source().start());
    assert!(stored.windows(2).all(|pair| matches!(pair, [a, b] if a.position < b.position)), "in order");
    stored.retain(|found| {
        let is_expected = expected.contains_key(&found.position);
        let is_doubtful = doubtful.iter().any(|block| same(found, found.position, block));
        assert!(is_expected || is_doubtful, "{} was never appended, or was refused", found.position);
        is_expected
    });
    assert_eq!(stored.len(), expected.len(), "all that was acknowledged is there");
    for (found, (position, block)) in stored.iter().zip(&expected) {
        assert!(same(found, *position, block), "{position} holds what was appended");
    }
}
