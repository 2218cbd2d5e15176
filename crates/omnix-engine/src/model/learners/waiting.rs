//! Rows that wait for their labels, by the day on which they stood.
//!
//! A batch holds the rows of a day in the order of their keys, so that nothing depends on the order in which
//! they came. What comes about is noted beside the row; when a horizon has ended, its label is known. Batches
//! are shared between models: only what changes is copied.
//!
//! Deliberately not here: what is learnt from a labelled row (`learners`), and which rows are taken (the gates).

use std::collections::VecDeque;
use std::sync::Arc;

use omnix_model::{DecodeError, Reader, Writer};

use super::row::{Row, RowKey};
use crate::calendar::Day;

/// Nothing has come about yet.
const NOT_YET: u8 = 0;

/// The rows of all days that wait for a label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Waiting<R> {
    batches: VecDeque<Batch<R>>,
}

/// The rows of a day.
#[derive(Debug, Clone, PartialEq)]
struct Batch<R> {
    day: Day,
    /// In the order of their keys.
    rows: Arc<Vec<R>>,
    /// By row: on which day after `day` it came about; 0: not yet.
    after: Arc<Vec<u8>>,
    /// How many horizons have been learnt from.
    learnt: u8,
}

impl<R> Default for Waiting<R> {
    fn default() -> Self {
        Self { batches: VecDeque::new() }
    }
}

impl<R: Row> Waiting<R> {
    /// How many rows wait.
    pub(crate) fn len(&self) -> usize {
        self.batches.iter().map(|batch| batch.rows.len()).sum()
    }

    /// About how many bytes of memory they take.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.len() * (size_of::<R>() + 1)
    }

    /// Takes rows up. One that stands there is kept; one of a day whose labels are being told comes too late.
    pub(crate) fn add(&mut self, mut rows: Vec<R>) {
        rows.sort_by_key(|row| (row.day(), row.key()));
        rows.dedup_by_key(|row| (row.day(), row.key()));
        for rows in rows.chunk_by(|a, b| a.day() == b.day()) {
            if let Some(day) = rows.first().map(Row::day) {
                self.add_to(day, rows);
            }
        }
    }

    fn add_to(&mut self, day: Day, rows: &[R]) {
        let at = self.batches.partition_point(|batch| batch.day < day);
        match self.batches.get_mut(at) {
            Some(batch) if batch.day == day => {
                if batch.learnt == 0 {
                    batch.add(rows);
                }
            }
            Some(_) | None => {
                let after = Arc::new(vec![NOT_YET; rows.len()]);
                self.batches.insert(at, Batch { day, rows: Arc::new(rows.to_vec()), after, learnt: 0 });
            }
        }
    }

    /// Notes what came about for the row `key` of `day`, if it waits: on the `after`th day, the first time.
    pub(crate) fn note(&mut self, day: Day, key: RowKey, after: i64) {
        let Some(after) = u8::try_from(after).ok().filter(|after| *after != NOT_YET) else { return };
        let Ok(at) = self.batches.binary_search_by_key(&day, |batch| batch.day) else { return };
        let Some(batch) = self.batches.get_mut(at) else { return };
        let Ok(row) = batch.rows.binary_search_by_key(&key, Row::key) else { return };
        if batch.after.get(row) == Some(&NOT_YET)
            && let Some(noted) = Arc::make_mut(&mut batch.after).get_mut(row)
        {
            *noted = after;
        }
    }

    /// Hands over what is known by the end of `closed`, the day of a row not among its days if `counts_next`:
    /// each row, the number of its horizon among `horizons`, and whether it came about in time.
    pub(crate) fn label(
        &mut self,
        closed: Day,
        horizons: &[u8],
        counts_next: bool,
        mut learn: impl FnMut(&R, usize, bool),
    ) {
        for batch in &mut self.batches {
            while let Some(&days) = horizons.get(usize::from(batch.learnt)) {
                let last = batch.day.saturating_add(i32::from(days) - i32::from(!counts_next));
                if last > closed {
                    break;
                }
                for (row, after) in batch.rows.iter().zip(&*batch.after) {
                    learn(row, usize::from(batch.learnt), *after != NOT_YET && *after <= days);
                }
                batch.learnt += 1;
            }
        }
        self.batches.retain(|batch| usize::from(batch.learnt) < horizons.len());
    }

    /// Lets go of the rows that are not `wanted`.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&R) -> bool) {
        for batch in &mut self.batches {
            let kept = batch.rows.iter().zip(&*batch.after).filter(|(row, _)| wanted(row));
            let (rows, after) = kept.map(|(row, after)| (*row, *after)).unzip();
            (batch.rows, batch.after) = (Arc::new(rows), Arc::new(after));
        }
        self.batches.retain(|batch| !batch.rows.is_empty());
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        out.uint(self.batches.len() as u64);
        for batch in &self.batches {
            out.u8(batch.learnt);
            out.uint(batch.rows.len() as u64);
            batch.rows.iter().for_each(|row| row.encode(out));
            out.raw(&batch.after);
        }
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const WRONG: DecodeError = DecodeError::Invalid("waiting rows");
        let mut batches = VecDeque::new();
        for _ in 0..from.count()? {
            let learnt = from.u8()?;
            let rows = (0..from.count()?).map(|_| R::decode(from)).collect::<Result<Vec<R>, _>>()?;
            let after = from.raw(rows.len())?.to_vec();
            let day = rows.first().map(Row::day).ok_or(WRONG)?;
            let is_sound = rows.iter().all(|row| row.day() == day)
                && rows.is_sorted_by(|a, b| a.key() < b.key())
                && batches.back().is_none_or(|before: &Batch<R>| before.day < day);
            if !is_sound {
                return Err(WRONG);
            }
            batches.push_back(Batch { day, rows: Arc::new(rows), after: Arc::new(after), learnt });
        }
        Ok(Self { batches })
    }
}

impl<R: Row> Batch<R> {
    fn add(&mut self, rows: &[R]) {
        let mut all: Vec<(R, u8)> = self.rows.iter().copied().zip(self.after.iter().copied()).collect();
        all.extend(rows.iter().map(|row| (*row, NOT_YET)));
        // Stable: of two with one key the one that stood there stays.
        all.sort_by_key(|(row, _)| row.key());
        all.dedup_by_key(|(row, _)| row.key());
        let (rows, after) = all.into_iter().unzip();
        (self.rows, self.after) = (Arc::new(rows), Arc::new(after));
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair::KeptPair;
    use super::super::row::PairRow;
    use super::*;

    fn row(what: u32, day: Day) -> PairRow {
        let bytes = [0_u8; 34];
        let figures = KeptPair::decode(&mut Reader::new(&bytes)).unwrap();
        PairRow { key: RowKey { what, who: 7 }, day, figures }
    }

    fn labels(waiting: &mut Waiting<PairRow>, closed: Day, counts_next: bool) -> Vec<(u32, usize, bool)> {
        let mut told = Vec::new();
        waiting.label(closed, &[3, 7], counts_next, |row, horizon, came| {
            told.push((row.key.what, horizon, came));
        });
        told
    }

    #[test]
    fn a_label_is_known_when_its_horizon_has_ended_and_not_before() {
        let mut waiting = Waiting::default();
        waiting.add(vec![row(2, 10), row(1, 10)]);
        waiting.note(10, RowKey { what: 2, who: 7 }, 5);
        assert_eq!(labels(&mut waiting, 12, true), []);
        assert_eq!(labels(&mut waiting, 13, true), [(1, 0, false), (2, 0, false)]);
        assert_eq!(labels(&mut waiting, 16, true), []);
        assert_eq!(labels(&mut waiting, 30, true), [(1, 1, false), (2, 1, true)]);
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn where_the_day_itself_counts_the_horizon_ends_a_day_earlier() {
        let mut waiting = Waiting::default();
        waiting.add(vec![row(1, 10)]);
        assert_eq!(labels(&mut waiting, 12, false), [(1, 0, false)]);
    }

    #[test]
    fn the_first_thing_that_comes_about_counts_and_rows_are_taken_once() {
        let mut waiting = Waiting::default();
        waiting.add(vec![row(1, 10), row(1, 10)]);
        waiting.note(10, RowKey { what: 1, who: 7 }, 2);
        waiting.note(10, RowKey { what: 1, who: 7 }, 9);
        waiting.add(vec![row(1, 10), row(3, 10), row(1, 11)]);
        assert_eq!(waiting.len(), 3);
        assert_eq!(labels(&mut waiting, 13, true), [(1, 0, true), (3, 0, false)]);
        waiting.add(vec![row(4, 10)]);
        assert_eq!(waiting.len(), 3, "too late");
        waiting.keep(|row| row.key.what == 1);
        assert_eq!(waiting.len(), 2);
    }

    #[test]
    fn bytes_are_what_waits() {
        let mut waiting = Waiting::default();
        waiting.add(vec![row(1, 10), row(2, 10), row(1, 15)]);
        waiting.note(15, RowKey { what: 1, who: 7 }, 2);
        let mut out = Writer::new();
        waiting.encode(&mut out);
        assert_eq!(Waiting::decode(&mut Reader::new(out.as_bytes())), Ok(waiting));
        assert!(Waiting::<PairRow>::decode(&mut Reader::new(&out.as_bytes()[3..])).is_err());
    }
}
