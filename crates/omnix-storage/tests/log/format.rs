//! The bytes of format version 1, which every later version must be able to read.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use omnix_model::{Lane, Timestamp};
use omnix_storage::testing::SimDisk;
use omnix_storage::{Block, EventLog, LogSettings, SegmentLog};

use crate::support::{LOG, SHARD, SMALL};

const PATH: &str = "/log/00000000000000000001.seg";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn open(disk: &SimDisk, compress: bool) -> SegmentLog {
    let settings = LogSettings { compress, ..SMALL };
    let (log, report) =
        SegmentLog::open_on(Arc::new(disk.clone()), Path::new("/log"), LOG, SHARD, settings).unwrap();
    assert!(report.damaged.is_empty() && report.blemishes.is_empty() && report.torn_tail.is_none());
    log
}

fn block(count: u16, now_ms: i64, payload: &[u8]) -> Block {
    let now = Timestamp::from_ms_clamped(now_ms);
    Block { lane: Lane::FIRST, count, now, payload: payload.to_vec() }
}

/// The blocks of the golden file.
fn blocks() -> [Block; 3] {
    [
        block(1, 1_750_000_000_000, b"one"),
        block(2, 1_750_000_000_007, b""),
        block(2_000, 1_750_000_000_007, b"three"),
    ]
}

const HEADER: &str = "4f4d4e5853454731 0100 0300 0100000000000000 0068e5cf8b010000";
const HEADER_CRC: &str = "9e39036a";
const FRAMES: [&str; 3] = [
    "2b000000 69b7aaa8 0100000000000000 01000000 0000 0000 00dc207497010000 00dc207497010000 6f6e65",
    "28000000 7609b3d7 0200000000000000 02000000 0000 0000 07dc207497010000 07dc207497010000",
    "2d000000 bbb44ba7 0300000000000000 d0070000 0000 0000 07dc207497010000 07dc207497010000 7468726565",
];
const FOOTER: &str = "48000000 772cb63c 0400000000000000 01000000 0000 0100 00dc207497010000 07dc207497010000
    0100000000000000 00dc207497010000 0010000000000000 8010000000000000";

fn golden() -> Vec<u8> {
    let mut file = unhex(HEADER);
    file.resize(4092, 0);
    file.extend(unhex(HEADER_CRC));
    for part in FRAMES.iter().chain([&FOOTER]) {
        file.extend(unhex(part));
    }
    file
}

#[test]
fn a_segment_is_written_as_version_1_says() {
    let disk = SimDisk::new(1);
    let mut log = open(&disk, false);
    for answer in log.append(&blocks()) {
        answer.unwrap();
    }
    Box::new(log).close().unwrap();
    let file = disk.contents(Path::new(PATH)).unwrap();
    assert_eq!(hex(&file[..28]), hex(&unhex(HEADER)));
    assert!(file[28..4092].iter().all(|byte| *byte == 0));
    assert_eq!(hex(&file[4092..4096]), HEADER_CRC);
    assert_eq!(hex(&file[4096..]), hex(&golden()[4096..]));
}

#[test]
fn checksums_cover_what_version_1_says() {
    let file = golden();
    let crc = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!(crc(4092), crc32c::crc32c(&file[..4092]));
    let mut at = 4096;
    while at < file.len() {
        let len = crc(at) as usize;
        let covered = [&file[at..at + 4], &file[at + 8..at + len]].concat();
        assert_eq!(crc(at + 4), crc32c::crc32c(&covered));
        at += len;
    }
    assert_eq!(at, file.len());
}

fn assert_reads(disk: &SimDisk, expected: &[Block]) {
    let log = open(disk, true);
    let mut reader = log.read_after(log.source().start()).unwrap();
    for block in expected {
        let stored = reader.next(Duration::ZERO).unwrap().unwrap();
        assert_eq!((stored.count, stored.now, &stored.payload), (block.count, block.now, &block.payload));
    }
    assert!(reader.next(Duration::ZERO).unwrap().is_none());
}

fn disk_with(file: &[u8]) -> SimDisk {
    let disk = SimDisk::new(1);
    drop(omnix_storage::Disk::create(&disk, Path::new(PATH)).unwrap());
    disk.set_contents(Path::new(PATH), file);
    disk
}

#[test]
fn a_segment_of_version_1_is_read() {
    assert_reads(&disk_with(&golden()), &blocks());
}

/// A frame that was compressed when version 1 was made: the compressor may change, what it wrote may not.
const COMPRESSED: &str =
    "43000000 de3c0a5b 0100000000000000 09000000 0100 0000 00dc207497010000 00dc207497010000
    28b52ffd602c008d 000050616761696e 20616e642001001f 550b12";

#[test]
fn a_compressed_frame_of_version_1_is_read() {
    let mut file = golden();
    file.truncate(4096);
    file.extend(unhex(COMPRESSED));
    assert_reads(&disk_with(&file), &[block(9, 1_750_000_000_000, &b"again and ".repeat(30))]);
}

#[test]
fn a_later_version_is_left_alone() {
    let mut file = golden();
    file[8] = 2;
    let crc = crc32c::crc32c(&file[..4092]).to_le_bytes();
    file[4092..4096].copy_from_slice(&crc);
    let disk = disk_with(&file);
    let opened = SegmentLog::open_on(Arc::new(disk.clone()), Path::new("/log"), LOG, SHARD, SMALL);
    assert!(matches!(opened, Err(omnix_storage::OpenError::Format { found: 2, .. })));
    assert_eq!(disk.contents(Path::new(PATH)).unwrap(), file);
}

#[test]
fn the_footer_indexes_every_64_kib() {
    let disk = SimDisk::new(1);
    let settings = LogSettings { segment_bytes: 1 << 20, compress: false, ..SMALL };
    let (mut log, _) =
        SegmentLog::open_on(Arc::new(disk.clone()), Path::new("/log"), LOG, SHARD, settings).unwrap();
    for number in 0..300 {
        log.append(&[block(1, number, &[7; 960])])[0].as_ref().unwrap();
    }
    Box::new(log).close().unwrap();
    let file = disk.contents(Path::new(PATH)).unwrap();
    let footer = 4096 + 300 * 1000;
    let u64_at = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap());
    assert_eq!(u64_at(file.len() - 8), footer as u64);
    let entries: Vec<(u64, u64, u64)> = (footer + 40..file.len() - 8)
        .step_by(24)
        .map(|at| (u64_at(at), u64_at(at + 8), u64_at(at + 16)))
        .collect();
    let expected: Vec<(u64, u64, u64)> =
        (0..5).map(|i| i * 66).map(|frame| (frame + 1, frame, 4096 + frame * 1000)).collect();
    assert_eq!(entries, expected);
}
