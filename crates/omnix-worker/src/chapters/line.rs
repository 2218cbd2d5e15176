//! What a chapter says of one frame in one lane: whom it is about, and what decides the meaning of what follows.
//!
//! # Format, version 1
//! ```text
//! frame     varint: minus that of the lane's line before; of the first: minus the frame that the chapter follows
//! head      varint: twice the number of steps, and 1 on history's clock
//! steps     kind 1 byte, then
//!           0 time: varint with sign, ms since the time before; of a chapter's first: since 1970
//!           1 model: number varint, hash 8 bytes      2 settings: length and text      3 engine: varint
//! mentions  varint: how many; then 2 bytes each, ascending
//! ```
//! Within a frame a lane's records are told in groups, divided by the marks that decide something: of the events of
//! a group only the latest time is kept. That is enough, because what falls due on history's clock fires at its own
//! time, and live at the block's.

use omnix_model::{CustomerId, DecodeError, Reader, Record, Timestamp, Writer};
use xxhash_rust::xxh3::xxh3_64;

const TIME: u8 = 0;
const MODEL: u8 = 1;
const SETTINGS: u8 = 2;
const ENGINE: u8 = 3;

/// Bytes by which a customer is mentioned.
const MENTION_BYTES: usize = 2;

/// Something that a lane met in a frame, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// Records, the latest at this time.
    Time(Timestamp),
    /// From here on the lane works with this model.
    Model {
        /// Its number.
        number: u64,
        /// Its name.
        hash: u64,
    },
    /// From here on the lane works with these settings.
    Settings(&'a str),
    /// From here on the lane is applied by this version of the engine.
    Engine(u32),
}

impl<'a> Step<'a> {
    /// The mark that a record is, if it is one: what decides the meaning of the lane's records behind it.
    pub(crate) fn of_mark(record: &'a Record) -> Option<Self> {
        match record {
            Record::Model { number, hash } => Some(Self::Model { number: *number, hash: *hash }),
            Record::Settings { body, .. } => Some(Self::Settings(body)),
            Record::EngineVersion { version } => Some(Self::Engine(*version)),
            Record::Event(_)
            | Record::Tick
            | Record::EpochEnd { .. }
            | Record::LossAccepted { .. }
            | Record::Imported { .. }
            | Record::Judgement(_)
            | Record::Erased => None,
        }
    }
}

/// What a frame holds of one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// The frame.
    pub(crate) frame: u64,
    /// Whether its block is on history's clock.
    pub(crate) is_history: bool,
    /// What the lane met in it.
    pub(crate) steps: Vec<Step<'a>>,
    mentions: &'a [u8],
}

impl Line<'_> {
    /// Whether it may hold an event of the customer; where it does, it always says so.
    pub(crate) fn mentions(&self, mention: Mention) -> bool {
        self.mentions.chunks_exact(MENTION_BYTES).any(|bytes| bytes == mention.0)
    }

    /// The latest time in it.
    pub(crate) fn latest(&self) -> Timestamp {
        let time = |step: &Step<'_>| match step {
            Step::Time(time) => Some(*time),
            Step::Model { .. } | Step::Settings(_) | Step::Engine(_) => None,
        };
        self.steps.iter().filter_map(time).max().unwrap_or(Timestamp::MIN)
    }
}

/// A customer as lines name one: of 65,536 customers two are called the same, which costs time and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mention([u8; MENTION_BYTES]);

impl Mention {
    pub(crate) fn of(customer: &CustomerId) -> Self {
        // The upper bits: by the lower ones a customer is dealt to a lane.
        let [first, second, ..] = xxh3_64(customer.as_str().as_bytes()).to_be_bytes();
        Self([first, second])
    }
}

/// The lines of one lane as they are written.
#[derive(Debug, Default)]
pub(crate) struct LineWriter {
    written: Writer,
    /// The frame and the time written last.
    frame: u64,
    ms: i64,
    line: Open,
}

/// The line of a frame that is not complete yet.
#[derive(Debug, Default)]
struct Open {
    steps: Writer,
    step_count: u64,
    /// The latest time since the last mark.
    latest: Timestamp,
    mentions: Vec<Mention>,
}

impl LineWriter {
    /// Without lines, in a chapter that follows frame `after`.
    pub(crate) fn new(after: u64) -> Self {
        Self { frame: after, ..Self::default() }
    }

    /// The complete lines.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.written.as_bytes()
    }

    /// Takes note of a record's own time; [`Timestamp::MIN`] where it has none.
    pub(crate) fn time(&mut self, time: Timestamp) {
        self.line.latest = self.line.latest.max(time);
    }

    /// Takes note of an event of a customer.
    pub(crate) fn mention(&mut self, mention: Mention) {
        self.line.mentions.push(mention);
    }

    /// Takes note of what decides the meaning of what follows.
    pub(crate) fn mark(&mut self, step: Step<'_>) {
        self.end_group();
        self.step(step);
    }

    /// Ends the line of a frame of which something was noted.
    pub(crate) fn end(&mut self, frame: u64, is_history: bool) {
        self.end_group();
        self.written.uint(frame.saturating_sub(self.frame));
        self.frame = frame;
        self.written.uint(self.line.step_count * 2 + u64::from(is_history));
        self.written.raw(self.line.steps.as_bytes());
        self.line.mentions.sort_unstable();
        self.line.mentions.dedup();
        self.written.uint(self.line.mentions.len() as u64);
        self.line.mentions.iter().for_each(|mention| self.written.raw(&mention.0));
        self.line.steps.clear();
        self.line.step_count = 0;
        self.line.mentions.clear();
    }

    fn end_group(&mut self) {
        let latest = std::mem::take(&mut self.line.latest);
        if latest > Timestamp::MIN {
            self.step(Step::Time(latest));
        }
    }

    fn step(&mut self, step: Step<'_>) {
        let steps = &mut self.line.steps;
        match step {
            Step::Time(time) => {
                steps.u8(TIME);
                steps.int(time.ms() - self.ms);
                self.ms = time.ms();
            }
            Step::Model { number, hash } => {
                steps.u8(MODEL);
                steps.uint(number);
                steps.fixed64(hash);
            }
            Step::Settings(body) => {
                steps.u8(SETTINGS);
                steps.text(body);
            }
            Step::Engine(version) => {
                steps.u8(ENGINE);
                steps.uint(u64::from(version));
            }
        }
        self.line.step_count += 1;
    }
}

/// The lines of one lane as they are read, in order.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    reader: Reader<'a>,
    frame: u64,
    ms: i64,
}

impl<'a> Lines<'a> {
    /// Those that `bytes` hold, of a chapter that follows frame `after`.
    pub(crate) fn new(bytes: &'a [u8], after: u64) -> Self {
        Self { reader: Reader::new(bytes), frame: after, ms: 0 }
    }

    /// The next line; none behind the last.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'a>>, DecodeError> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let skipped = self.reader.uint()?;
        self.frame = self.frame.checked_add(skipped).ok_or(DecodeError::Invalid("frame"))?;
        let head = self.reader.uint()?;
        let mut steps = Vec::new();
        for _ in 0..head / 2 {
            steps.push(self.step()?);
        }
        let mentioned = self.reader.count()?;
        let mentions = self.reader.raw(mentioned.saturating_mul(MENTION_BYTES))?;
        Ok(Some(Line { frame: self.frame, is_history: head % 2 == 1, steps, mentions }))
    }

    fn step(&mut self) -> Result<Step<'a>, DecodeError> {
        Ok(match self.reader.u8()? {
            TIME => {
                let passed = self.reader.int()?;
                self.ms = self.ms.checked_add(passed).ok_or(DecodeError::Invalid("time"))?;
                Step::Time(Timestamp::from_ms_clamped(self.ms))
            }
            MODEL => Step::Model { number: self.reader.uint()?, hash: self.reader.fixed64()? },
            SETTINGS => Step::Settings(self.reader.text()?),
            ENGINE => {
                let version = self.reader.uint()?;
                Step::Engine(u32::try_from(version).or(Err(DecodeError::Invalid("version")))?)
            }
            other => return Err(DecodeError::Unknown(u64::from(other))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(name: &str) -> Mention {
        Mention::of(&CustomerId::new(name).unwrap())
    }

    #[test]
    fn lines_come_back_as_they_were_written() {
        let at = |ms: i64| Timestamp::from_ms_clamped(1_767_225_600_000 + ms);
        let mut writer = LineWriter::new(40);
        writer.time(at(0));
        writer.mention(customer("a"));
        writer.mention(customer("b"));
        writer.mention(customer("a"));
        writer.end(42, false);
        writer.time(at(900));
        writer.time(at(500));
        writer.mark(Step::Model { number: 7, hash: u64::MAX });
        writer.mark(Step::Settings("a = 1\n"));
        writer.time(at(200));
        writer.mark(Step::Engine(3));
        writer.end(60, true);
        let mut lines = Lines::new(writer.as_bytes(), 40);
        let first = lines.next().unwrap().unwrap();
        assert_eq!((first.frame, first.is_history, first.latest()), (42, false, at(0)));
        assert_eq!(first.steps, [Step::Time(at(0))]);
        assert!(first.mentions(customer("a")) && first.mentions(customer("b")));
        assert_eq!(first.mentions.len(), 2 * MENTION_BYTES, "each once");
        let second = lines.next().unwrap().unwrap();
        assert_eq!((second.frame, second.is_history, second.latest()), (60, true, at(900)));
        let model = Step::Model { number: 7, hash: u64::MAX };
        let expected =
            [Step::Time(at(900)), model, Step::Settings("a = 1\n"), Step::Time(at(200)), Step::Engine(3)];
        assert_eq!(second.steps, expected);
        assert!(!second.mentions(customer("a")));
        assert_eq!(lines.next(), Ok(None));
    }

    #[test]
    fn a_line_that_breaks_off_is_refused() {
        let mut writer = LineWriter::new(0);
        writer.time(Timestamp::from_ms_clamped(5));
        writer.mention(customer("a"));
        writer.end(1, false);
        let bytes = writer.as_bytes();
        for len in 1..bytes.len() {
            assert!(Lines::new(&bytes[..len], 0).next().is_err(), "{len}");
        }
    }
}
