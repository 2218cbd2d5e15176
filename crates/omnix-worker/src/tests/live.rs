//! The whole path with its threads: published, durable, applied, answered; and there again after a restart.

use std::sync::Arc;

use omnix_model::{LogId, Origin, ShardId};
use omnix_storage::{Atomicity, LogSettings, LsmStore, MemoryDisk, SegmentLog, SharedCaches, StoreSettings};

use crate::testing::{TestLog, at_s, customer, purchase};
use crate::{
    IdSecret, ManualClock, MemoryModels, NoMarker, Receipt, ShardParts, Stream, StreamParts, StreamSettings,
    WallClock,
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
        };
        StreamParts {
            shards: self.disks.iter().map(shard).collect(),
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
            }
        };
        let parts = StreamParts {
            shards: (0..2).map(shard).collect(),
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
