//! What a data directory says of itself, as text that a person can read:
//!
//! ```text
//! omnix-data 1
//! stream omnix-ai-customer-events
//! shards 2
//! log 0 shard 0 of 1 lanes 0..64
//! log 1 shard 0 of 2 lanes 0..32
//! log 2 shard 1 of 2 lanes 32..64
//! ```
//! Each log that ever was, in the order in which they were opened: positions of a lane compare in the order
//! of its logs. The first line is the version of everything in the directory. There is one text for one
//! content: any other is refused, and the line that differs is named.

use std::fmt;
use std::str::FromStr;

use omnix_model::limits::SHARDS_MAX;
use omnix_model::{Lane, LaneRange, LogId, ShardId};

use crate::WIDE_LOG_IDS;

/// The version that this program reads and writes.
const VERSION: u32 = 1;
/// Bytes of a stream's name, as Kinesis has it.
const STREAM_BYTES_MAX: usize = 128;

/// What is wrong with what a directory says of itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It was written by a newer version of the program.
    #[error("it has format {found}, this program knows formats up to {VERSION}")]
    Newer {
        /// The version that it names.
        found: u32,
    },
    /// A line is not what it has to be.
    #[error("line {line} is damaged")]
    Damaged {
        /// The line, counted from 1.
        line: usize,
    },
    /// The stream's name is none.
    #[error("a stream's name is 1 to {STREAM_BYTES_MAX} of the characters `a-zA-Z0-9_.-`")]
    StreamName,
    /// There are too many shards, or none.
    #[error("a stream has 1 to {SHARDS_MAX} shards")]
    Shards,
    /// Every id of a log was used.
    #[error("the number of shards was changed too often")]
    LogIds,
}

/// A log: of which shard it is, under which number of shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEntry {
    /// Its id, never used again.
    pub id: LogId,
    /// The shard that writes it.
    pub shard: ShardId,
    /// How many shards there were.
    pub shards: usize,
}

impl LogEntry {
    /// The lanes whose records it holds.
    #[must_use]
    pub const fn lanes(self) -> LaneRange {
        LaneRange::of_shard(self.shard, self.shards)
    }
}

/// What a data directory says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    stream: String,
    /// Every number of shards that there was, in order, never empty: which logs there are follows from it.
    shards: Vec<usize>,
}

impl Format {
    /// A new stream in `shards` shards.
    ///
    /// # Errors
    /// [`FormatError::StreamName`], [`FormatError::Shards`]
    pub fn new(stream: &str, shards: usize) -> Result<Self, FormatError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if stream.is_empty() || stream.len() > STREAM_BYTES_MAX || !stream.bytes().all(legal) {
            return Err(FormatError::StreamName);
        }
        check_shards(shards)?;
        Ok(Self { stream: stream.to_owned(), shards: vec![shards] })
    }

    /// The same stream in `shards` shards, each with a log of its own; no change when it has as many.
    ///
    /// # Errors
    /// [`FormatError::Shards`], [`FormatError::LogIds`]
    pub fn with_shards(&self, shards: usize) -> Result<Self, FormatError> {
        check_shards(shards)?;
        let mut format = self.clone();
        if shards != self.shards() {
            format.shards.push(shards);
        }
        let logs: usize = format.shards.iter().sum();
        if logs > usize::from(*WIDE_LOG_IDS.start()) { Err(FormatError::LogIds) } else { Ok(format) }
    }

    /// The stream's name.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// How many shards it has.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.shards.last().copied().unwrap_or(1)
    }

    /// Every log that there ever was, in order.
    #[expect(clippy::cast_possible_truncation, reason = "as many logs as ids, a shard's number is below 64")]
    pub fn logs(&self) -> impl Iterator<Item = LogEntry> {
        let logs = self.shards.iter().flat_map(|&shards| (0..shards).map(move |shard| (shard, shards)));
        logs.enumerate().map(|(id, (shard, shards))| LogEntry {
            id: LogId(id as u16),
            shard: ShardId(shard as u16),
            shards,
        })
    }

    /// The logs that are being written, in the order of their shards.
    pub fn current_logs(&self) -> impl Iterator<Item = LogEntry> {
        let older = self.shards.iter().rev().skip(1).sum();
        self.logs().skip(older)
    }

    /// The logs that hold the records of `lane`, oldest first.
    pub fn logs_of_lane(&self, lane: Lane) -> impl Iterator<Item = LogEntry> {
        self.logs().filter(move |log| log.lanes().contains(lane))
    }

    /// The log with this id, if there ever was one.
    #[must_use]
    pub fn log(&self, id: LogId) -> Option<LogEntry> {
        self.logs().nth(usize::from(id.0))
    }
}

fn check_shards(shards: usize) -> Result<(), FormatError> {
    if (1..=SHARDS_MAX).contains(&shards) { Ok(()) } else { Err(FormatError::Shards) }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "omnix-data {VERSION}\nstream {}\nshards {}", self.stream, self.shards())?;
        for log in self.logs() {
            let lanes = log.lanes();
            let first = lanes.iter().next().map_or(0, Lane::index);
            write!(f, "log {} shard {} of {}", log.id.0, log.shard.0, log.shards)?;
            writeln!(f, " lanes {first}..{}", first + lanes.len())?;
        }
        Ok(())
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let mut lines = text.lines();
        let version = lines.next().and_then(|line| line.strip_prefix("omnix-data "));
        let version: u32 = version.and_then(|v| v.parse().ok()).ok_or(FormatError::Damaged { line: 1 })?;
        if version > VERSION {
            return Err(FormatError::Newer { found: version });
        }
        let stream = lines.next().and_then(|line| line.strip_prefix("stream "));
        let stream = stream.ok_or(FormatError::Damaged { line: 2 })?;
        // The first shard of each dealing tells how many there were; that all else is as it should be shows
        // when the text is written anew.
        let dealt = lines.filter_map(|line| {
            let (_, shards) = line.strip_prefix("log ")?.split_once(" shard 0 of ")?;
            shards.split(' ').next()?.parse::<usize>().ok()
        });
        let mut dealt = dealt.filter(|&shards| check_shards(shards).is_ok());
        let mut format = Self::new(stream, dealt.next().ok_or(FormatError::Damaged { line: 4 })?)?;
        for shards in dealt {
            format = format.with_shards(shards)?;
        }
        let expected = format.to_string();
        if expected == text {
            return Ok(format);
        }
        let same = expected.lines().zip(text.lines()).take_while(|(expected, line)| expected == line).count();
        Err(FormatError::Damaged { line: same + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format() -> Format {
        Format::new("shop", 1).and_then(|format| format.with_shards(2)).unwrap()
    }

    const TEXT: &str = "omnix-data 1\nstream shop\nshards 2\nlog 0 shard 0 of 1 lanes 0..64\n\
                        log 1 shard 0 of 2 lanes 0..32\nlog 2 shard 1 of 2 lanes 32..64\n";

    #[test]
    fn it_is_written_so_and_read_again() {
        assert_eq!(format().to_string(), TEXT);
        assert_eq!(TEXT.parse(), Ok(format()));
        for shards in 1..=SHARDS_MAX {
            let format = format().with_shards(shards).unwrap();
            assert_eq!(format.to_string().parse(), Ok(format));
        }
    }

    #[test]
    fn any_change_of_the_text_is_refused() {
        for (at, _) in TEXT.char_indices() {
            let mut bytes = TEXT.as_bytes().to_vec();
            bytes.remove(at);
            let damaged = String::from_utf8(bytes).unwrap();
            let read = damaged.parse::<Format>();
            let name_changed = matches!(&read, Ok(format) if format.stream() != "shop");
            assert!(name_changed || read.is_err(), "{damaged}");
        }
    }

    #[test]
    fn a_damaged_line_is_named() {
        let damaged = TEXT.replace("lanes 0..32", "lanes 0..31");
        assert_eq!(damaged.parse::<Format>(), Err(FormatError::Damaged { line: 5 }));
        let cut = TEXT.replace("log 2 shard 1 of 2 lanes 32..64\n", "");
        assert_eq!(cut.parse::<Format>(), Err(FormatError::Damaged { line: 6 }));
        assert_eq!("".parse::<Format>(), Err(FormatError::Damaged { line: 1 }));
    }

    #[test]
    fn a_newer_format_is_refused() {
        let newer = "omnix-data 2\nwhatever it may say\n";
        assert_eq!(newer.parse::<Format>(), Err(FormatError::Newer { found: 2 }));
    }

    #[test]
    fn a_lane_knows_its_logs_in_order() {
        let format = format().with_shards(4).unwrap().with_shards(2).unwrap();
        let ids = |lane| -> Vec<u16> {
            format.logs_of_lane(Lane::new(lane).unwrap()).map(|log| log.id.0).collect()
        };
        assert_eq!(ids(0), [0, 1, 3, 7]);
        assert_eq!(ids(20), [0, 1, 4, 7]);
        assert_eq!(ids(63), [0, 2, 6, 8]);
        let current: Vec<_> = format.current_logs().map(|log| (log.id.0, log.shard.0)).collect();
        assert_eq!(current, [(7, 0), (8, 1)]);
        assert_eq!(format.log(LogId(4)).map(|log| (log.shard, log.shards)), Some((ShardId(1), 4)));
        assert_eq!(format.log(LogId(9)), None);
    }

    #[test]
    fn names_and_numbers_have_limits() {
        assert_eq!(Format::new("", 1), Err(FormatError::StreamName));
        assert_eq!(Format::new("two words", 1), Err(FormatError::StreamName));
        assert_eq!(Format::new(&"x".repeat(129), 1), Err(FormatError::StreamName));
        assert_eq!(Format::new("shop", 0), Err(FormatError::Shards));
        assert_eq!(Format::new("shop", 65), Err(FormatError::Shards));
        assert_eq!(format().with_shards(2), Ok(format()), "as many as before are no change");
    }

    #[test]
    fn no_log_has_an_id_of_wider_positions() {
        let mut format = format();
        let full = loop {
            let shards = if format.shards() == 64 { 63 } else { 64 };
            match format.with_shards(shards) {
                Ok(next) => format = next,
                Err(error) => break error,
            }
        };
        assert_eq!(full, FormatError::LogIds);
        let last = format.logs().last().unwrap().id.0;
        assert!((WIDE_LOG_IDS.start() - 64..*WIDE_LOG_IDS.start()).contains(&last), "the last is {last}");
    }
}
