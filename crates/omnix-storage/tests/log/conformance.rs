//! Every log of this crate keeps the contract.

use std::path::Path;
use std::sync::Arc;

use omnix_model::LogId;
use omnix_storage::conformance::log::{Bench, run};
use omnix_storage::testing::{MemoryBlocks, MemoryLogSettings, SimDisk};
use omnix_storage::{EventLog, Grain, LogSettings, SegmentLog};

use crate::support::{LOG, SHARD, SMALL};

struct RealBench {
    dir: tempfile::TempDir,
    settings: LogSettings,
}

impl Bench for RealBench {
    fn open(&mut self) -> Box<dyn EventLog> {
        let (log, report) = SegmentLog::open(self.dir.path(), LOG, SHARD, self.settings).unwrap();
        assert!(report.damaged.is_empty() && report.blemishes.is_empty());
        Box::new(log)
    }
}

struct SimBench(SimDisk);

impl Bench for SimBench {
    fn open(&mut self) -> Box<dyn EventLog> {
        self.0.kill();
        let disk = Arc::new(self.0.clone());
        Box::new(SegmentLog::open_on(disk, Path::new("/log"), LOG, SHARD, SMALL).unwrap().0)
    }
}

struct MemoryBench(MemoryBlocks);

impl Bench for MemoryBench {
    fn open(&mut self) -> Box<dyn EventLog> {
        Box::new(self.0.open())
    }
}

fn memory(settings: MemoryLogSettings) -> MemoryBench {
    MemoryBench(MemoryBlocks::new(LogId(9), settings))
}

fn real(settings: LogSettings) -> RealBench {
    RealBench { dir: tempfile::tempdir().unwrap(), settings }
}

#[test]
fn segments_on_the_real_disk() {
    run(|| real(SMALL));
}

#[test]
fn segments_on_the_real_disk_as_they_are_by_default_without_compression() {
    run(|| real(LogSettings { compress: false, ..LogSettings::default() }));
}

#[test]
fn segments_on_a_simulated_disk_that_is_a_nuisance() {
    let mut seed = 0;
    run(|| {
        seed += 1;
        let disk = SimDisk::new(seed);
        disk.set_nuisance(true);
        SimBench(disk)
    });
}

#[test]
fn memory_by_shard() {
    run(|| memory(MemoryLogSettings::calm(Grain::Shard)));
}

#[test]
fn memory_by_lane_with_gaps() {
    run(|| memory(MemoryLogSettings { gap_frames_max: 9, ..MemoryLogSettings::calm(Grain::Lane) }));
}

#[test]
fn memory_with_faults_keeps_what_it_acknowledged() {
    let (_, check) = omnix_storage::conformance::log::CHECKS.last().unwrap();
    for seed in 0..20 {
        for grain in [Grain::Shard, Grain::Lane] {
            let settings = MemoryLogSettings { grain, seed, gap_frames_max: 3, faults_per_mille: 100 };
            check(&mut memory(settings));
        }
    }
}
