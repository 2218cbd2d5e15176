//! The whole path with its threads: published, durable, applied, answered; and there again after a restart.

use std::sync::Arc;

use omnix_model::{LogId, Origin, ShardId};
use omnix_storage::{Atomicity, LogSettings, LsmStore, MemoryDisk, SegmentLog, SharedCaches, StoreSettings};

use crate::testing::{TestLog, at_s, customer, purchase};
use crate::{
    Clock, CustomerSort, IdSecret, ImportError, Importer, ManualClock, MemoryModels, NoMarker, PageRequest,
    Purpose, Receipt, Refusal, ShardParts, Stream, StreamParts, StreamSettings, TimeRange, WallClock,
};

#[derive(Clone)]
struct InMemory {
    disks: Vec<(TestLog, MemoryDisk)>,
    models: MemoryModels,
}

impl InMemory {
    fn new(shards: u16) -> Self {
        let disks = (1..=shards).map(|id| (TestLog::new(id), MemoryDisk::new(Atomicity::Commit)));
        Self { disks: disks.collect(), models: MemoryModels::default() }
    }

    fn parts(&self) -> StreamParts {
        let shard = |(log, disk): &(TestLog, MemoryDisk)| ShardParts {
            log: Box::new(log.clone()),
            store: Box::new(disk.open()),
            atomicity: Atomicity::Commit,
            marker: Box::new(NoMarker),
            chapters: None,
        };
        StreamParts {
            shards: self.disks.iter().map(shard).collect(),
            earlier_logs: Vec::new(),
            models: Box::new(self.models.clone()),
            secret: IdSecret::new([7; 16]),
            clock: Arc::new(ManualClock::at(at_s(0))),
        }
    }
}

fn all_stored(receipts: &[Receipt], duplicate: bool) -> bool {
    receipts.iter().all(|receipt| match receipt {
        Receipt::Stored(stored) => stored.duplicate == Some(duplicate),
        _ => false,
    })
}

#[test]
fn what_was_acknowledged_is_there_after_a_stop_and_counts_once() {
    let ground = InMemory::new(2);
    let events: Vec<_> =
        (0..500).map(|i| purchase(&format!("c{}", i % 20), &format!("e{i}"), at_s(i), 2)).collect();
    for round in 0..2 {
        let stream = Stream::start(ground.parts(), &StreamSettings::default()).unwrap();
        let handle = stream.handle();
        let receipts = handle.publish_blocking(events.clone()).unwrap();
        assert!(all_stored(&receipts, round == 1));
        for i in 0..20 {
            let profile = handle.queries().profile(&customer(&format!("c{i}"))).unwrap().unwrap();
            assert_eq!(profile.total_spent, 25 * 2_000_000);
        }
        stream.stop().unwrap();
    }
}

#[test]
fn what_was_acknowledged_is_there_after_the_process_vanished() {
    let ground = InMemory::new(2);
    let stream = Stream::start(ground.parts(), &StreamSettings::default()).unwrap();
    let events: Vec<_> = (0..100).map(|i| purchase("ann", &format!("e{i}"), at_s(i), 3)).collect();
    let receipts = stream.handle().publish_blocking(events.clone()).unwrap();
    assert!(all_stored(&receipts, false));
    // Opening the disks anew makes the old stores dead: nothing was persisted.
    let second = Stream::start(ground.parts(), &StreamSettings::default()).unwrap();
    assert!(second.replays().iter().map(|replay| replay.records).sum::<u64>() >= 100);
    let profile = second.handle().queries().profile(&customer("ann")).unwrap().unwrap();
    assert_eq!(profile.total_spent, 300 * 1_000_000);
    assert!(all_stored(&second.handle().publish_blocking(events).unwrap(), true));
    second.stop().unwrap();
}

#[test]
fn on_a_real_disk_with_many_publishers() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let shard = |number: u16| {
            let log_dir = dir.path().join(format!("log{number}"));
            std::fs::create_dir_all(&log_dir).unwrap();
            let settings = LogSettings {
                reserve_bytes: 0,
                segment_bytes: 1 << 20,
                segment_age_ms: 3_600_000,
                compress: true,
            };
            let (log, _) = SegmentLog::open(&log_dir, LogId(number + 1), ShardId(number), settings).unwrap();
            let caches = SharedCaches::new(1 << 20, 64);
            let settings = StoreSettings { memtable_bytes: 1 << 20, caches, expire: None };
            let store = LsmStore::open(&dir.path().join(format!("state{number}")), settings).unwrap();
            ShardParts {
                log: Box::new(log),
                store: Box::new(store),
                atomicity: Atomicity::Commit,
                marker: Box::new(crate::MarkerFile::new(dir.path().join(format!("applying{number}")))),
                chapters: None,
            }
        };
        let parts = StreamParts {
            shards: (0..2).map(shard).collect(),
            earlier_logs: Vec::new(),
            models: Box::new(MemoryModels::default()),
            secret: IdSecret::new([7; 16]),
            clock: Arc::new(WallClock),
        };
        Stream::start(parts, &StreamSettings::default()).unwrap()
    };
    let stream = open();
    std::thread::scope(|scope| {
        for publisher in 0..8 {
            let handle = stream.handle();
            scope.spawn(move || {
                for i in 0..50 {
                    let mut event =
                        purchase(&format!("c{}", i % 10), &format!("p{publisher}-{i}"), at_s(i), 1);
                    event.origin = Origin::Client;
                    assert!(all_stored(&handle.publish_blocking(vec![event]).unwrap(), false));
                }
            });
        }
    });
    assert_eq!(stream.handle().counters().applied.get(), 400);
    stream.stop().unwrap();
    let stream = open();
    assert!(
        stream.replays().iter().all(|replay| replay.blocks == 0),
        "a clean stop leaves nothing to replay"
    );
    let customers = (0..10).map(|i| stream.handle().queries().profile(&customer(&format!("c{i}"))).unwrap());
    assert!(customers.into_iter().all(|profile| profile.unwrap().total_spent == 40 * 1_000_000));
    stream.stop().unwrap();
}

#[test]
fn a_queue_that_is_full_hands_everything_back_and_stores_nothing() {
    let ground = InMemory::new(1);
    let stream = Stream::start(ground.parts(), &StreamSettings::default()).unwrap();
    let handle = stream.handle();
    let most = omnix_model::limits::QUEUE_EVENTS_MAX;
    let too_many: Vec<_> =
        (0..=most).map(|i| purchase(&format!("c{}", i % 50), &format!("e{i}"), at_s(0), 1)).collect();
    let error = handle.publish_blocking(too_many.clone()).unwrap_err();
    assert_eq!(error.refusal, Refusal::Full);
    assert_eq!(error.events, too_many, "in their order");
    assert_eq!(handle.counters().refused.get(), most as u64 + 1);
    assert_eq!(handle.queued(), 0);
    assert!(handle.queries().profile(&customer("c1")).unwrap().is_none());
    assert!(all_stored(&handle.publish_blocking(vec![too_many[0].clone()]).unwrap(), false));
    stream.stop().unwrap();
    assert_eq!(handle.publish_blocking(too_many).unwrap_err().refusal, Refusal::Unavailable);
}

#[test]
fn a_shard_that_fails_fails_the_stream() {
    let ground = InMemory::new(1);
    let stream = Stream::start(ground.parts(), &StreamSettings::default()).unwrap();
    let handle = stream.handle();
    assert!(all_stored(&handle.publish_blocking(vec![purchase("ann", "e1", at_s(0), 1)]).unwrap(), false));
    ground.disks[0].0.fail_next(omnix_storage::AppendError::Unknown("sync".to_owned()));
    let receipts = handle.publish_blocking(vec![purchase("ann", "e2", at_s(0), 1)]).unwrap();
    assert!(matches!(&receipts[..], [Receipt::Unknown { .. }]));
    let error = stream.stop().unwrap_err();
    assert!(error.to_string().contains("durable"), "{error}");
}

fn history() -> StreamSettings {
    StreamSettings { purpose: Purpose::History, ..StreamSettings::default() }
}

fn file() -> Vec<crate::NewEvent> {
    (0..3_000_i64)
        .map(|i| {
            let mut event = purchase(&format!("c{}", i % 40), &format!("e{i}"), at_s(i * 300), 1 + i % 9);
            event.origin = Origin::Import;
            event
        })
        .collect()
}

/// Imports the first `count` events of the file, and ends it when `ends`.
fn import(ground: &InMemory, count: usize, ends: bool) -> (crate::ImportReport, u64) {
    let stream = Stream::start(ground.parts(), &history()).unwrap();
    let mut importer = Importer::new(stream.handle(), 99).unwrap();
    for event in file().into_iter().take(count) {
        importer.push(event).unwrap();
    }
    let report = if ends { importer.finish().unwrap() } else { crate::ImportReport::default() };
    let applied = stream.handle().counters().applied.get();
    stream.stop().unwrap();
    (report, applied)
}

fn total_spent(ground: &InMemory) -> Vec<i128> {
    let stream = Stream::start(ground.parts(), &history()).unwrap();
    let of = |i| stream.handle().queries().profile(&customer(&format!("c{i}"))).unwrap().unwrap().total_spent;
    let all = (0..40).map(of).collect();
    stream.stop().unwrap();
    all
}

#[test]
fn a_file_is_imported_once_however_often_it_is_begun() {
    let whole = InMemory::new(2);
    let (report, _) = import(&whole, 3_000, true);
    assert_eq!((report.events, report.known, report.days), (3_000, 0, 10));
    let expected = total_spent(&whole);
    let amounts = (0..3_000_i128).map(|i| (1 + i % 9) * 1_000_000);
    assert_eq!(expected.iter().sum::<i128>(), amounts.sum::<i128>());

    let (report, applied) = import(&whole, 3_000, true);
    assert_eq!((report.known, applied), (3_000, 0), "the same file twice adds nothing");
    assert_eq!(total_spent(&whole), expected);

    let broken_off = InMemory::new(2);
    import(&broken_off, 1_234, false);
    import(&broken_off, 2_345, false);
    let (report, _) = import(&broken_off, 3_000, true);
    assert!(report.known > 0 && report.known < 3_000, "{report:?}");
    assert_eq!(total_spent(&broken_off), expected);
}

#[test]
fn a_stream_for_history_takes_no_live_events_and_the_other_way_round() {
    let ground = InMemory::new(1);
    let stream = Stream::start(ground.parts(), &history()).unwrap();
    let refused = stream.handle().publish_blocking(vec![purchase("ann", "e1", at_s(0), 1)]).unwrap_err();
    assert_eq!(refused.refusal, Refusal::Unavailable);
    stream.stop().unwrap();
    let stream = Stream::start(ground.parts(), &StreamSettings::default()).unwrap();
    assert!(matches!(Importer::new(stream.handle(), 1), Err(ImportError::NotHistory)));
    stream.stop().unwrap();
}

#[test]
fn a_young_shop_learns_after_five_seconds_and_again_after_a_restart() {
    let ground = InMemory::new(2);
    let clock = Arc::new(ManualClock::at(at_s(0)));
    let parts = || StreamParts { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..ground.parts() };
    for round in 0..2_u64 {
        let stream = Stream::start(parts(), &StreamSettings::default()).unwrap();
        let handle = stream.handle();
        assert_eq!(handle.model_number(), round);
        for i in 0..20 {
            let event = purchase(&format!("c{i}"), &format!("r{round}-{i}"), clock.now(), 5);
            handle.publish_blocking(vec![event]).unwrap();
        }
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while handle.model_number() == round {
            clock.advance_ms(1_000);
            assert!(std::time::Instant::now() < deadline, "no model was learnt");
            let _tick = crossbeam_channel::after(std::time::Duration::from_millis(20)).recv();
        }
        stream.stop().unwrap();
    }
}

#[test]
fn whoever_was_answered_sees_it_in_every_figure() {
    let ground = InMemory::new(2);
    let stream = Stream::start(ground.parts(), &StreamSettings::default()).unwrap();
    let handle = stream.handle();
    let day = TimeRange { from: at_s(-43_200), to: at_s(43_200) };
    for i in 0..40 {
        let name = format!("c{i}");
        let receipts = handle.publish_blocking(vec![purchase(&name, &format!("e{i}"), at_s(0), 2)]).unwrap();
        assert!(all_stored(&receipts, false));
        // Nobody has asked before: each of these has to find what was gathered.
        let applied = match i % 4 {
            0 => handle.queries().counts(60).unwrap().outgoing_records,
            1 => handle.queries().overview(day).unwrap().applied,
            2 => handle.queries().segments(day, crate::Interval::Hour).unwrap().customers,
            _ => {
                let page = PageRequest { limit: 100, cursor: None };
                handle.queries().customers("", None, CustomerSort::Id, &page).unwrap().0.len() as u64
            }
        };
        assert_eq!(applied, i + 1);
    }
    stream.stop().unwrap();
}

#[test]
fn what_nobody_asks_for_is_committed_all_the_same() {
    let ground = InMemory::new(1);
    let mut parts = ground.parts();
    parts.clock = Arc::new(WallClock);
    let stream = Stream::start(parts, &StreamSettings::default()).unwrap();
    let event = purchase("ann", "e1", WallClock.now(), 2);
    assert!(all_stored(&stream.handle().publish_blocking(vec![event]).unwrap(), false));
    let is_there = || ground.disks[0].1.rows().keys().any(|key| key.first() == Some(&b's'));
    let patience = std::time::Instant::now();
    while !is_there() && patience.elapsed().as_secs() < 10 {
        std::thread::yield_now();
    }
    assert!(is_there());
    stream.stop().unwrap();
}
