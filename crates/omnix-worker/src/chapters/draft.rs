//! A chapter that is being written: it takes the blocks of a log one after another.

use omnix_model::limits::LANES;
use omnix_model::{Clock, Lane, LogId, Record, RecordBlock, Timestamp};
use omnix_storage::StoredBlock;

use super::file::{Bounds, encode, fingerprint};
use super::line::{LineWriter, Mention, Step};

/// A chapter that is being written.
#[derive(Debug)]
pub(crate) struct Draft {
    bounds: Bounds,
    records: usize,
    lanes: Vec<LineWriter>,
}

impl Draft {
    /// A chapter that follows frame `after` and holds nothing yet.
    pub(crate) fn new(after: u64) -> Self {
        Self {
            bounds: Bounds { after, last: after, fingerprint: 0 },
            records: 0,
            lanes: (0..LANES).map(|_| LineWriter::new(after)).collect(),
        }
    }

    /// What it covers so far.
    pub(crate) const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// How many records it tells of.
    pub(crate) const fn records(&self) -> usize {
        self.records
    }

    /// The lines of a lane.
    pub(crate) fn lines(&self, lane: Lane) -> &[u8] {
        self.lanes.get(lane.index()).map(LineWriter::as_bytes).unwrap_or_default()
    }

    /// The file that it becomes.
    pub(crate) fn file(&self, log: LogId) -> Vec<u8> {
        encode(log, self.bounds, self.lanes.iter().map(LineWriter::as_bytes))
    }

    /// Takes the next block of the log.
    pub(crate) fn take(&mut self, stored: &StoredBlock, block: &RecordBlock) {
        let mut touched = [false; LANES];
        for (lane, record) in &block.entries {
            let (Some(writer), Some(is_touched)) =
                (self.lanes.get_mut(lane.index()), touched.get_mut(lane.index()))
            else {
                continue;
            };
            *is_touched = true;
            writer.time(block.time_of(record, Timestamp::MIN));
            note(writer, record);
        }
        let frame = stored.position.frame;
        let is_history = block.clock == Clock::History;
        for (writer, _) in self.lanes.iter_mut().zip(touched).filter(|(_, is_touched)| *is_touched) {
            writer.end(frame, is_history);
        }
        self.records += block.entries.len();
        self.bounds.last = frame;
        self.bounds.fingerprint = fingerprint(stored);
    }
}

fn note(writer: &mut LineWriter, record: &Record) {
    if let Some(mark) = Step::of_mark(record) {
        writer.mark(mark);
    } else if let Record::Event(event) = record
        && !event.anonymous
        && let Some(customer) = event.event.customer()
    {
        writer.mention(Mention::of(customer));
    }
}
