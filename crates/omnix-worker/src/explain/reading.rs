//! Which blocks of a log are read for an explanation, and in which order.
//!
//! Where there are chapters, the blocks that mention the customer, and those in which the insight is raised because
//! its time has come; of the others the lines of the customer's lane. Where there are none, all blocks. The
//! answer is the same, with one exception: a block that was damaged after its chapter was made and that holds nothing
//! of the customer is not missed.

use std::ops::ControlFlow;
use std::time::Duration;

use omnix_model::Position;
use omnix_storage::{LogReader, LogSource, ReadError};

use super::replay::Replay;
use super::{ExplainError, Gap, KeptLog};
use crate::chapters::{Chapters, Lines, Stretch};

/// Says whether it is worth going on.
pub(super) type GoesOn<'a> = dyn FnMut() -> Result<bool, ExplainError> + 'a;

/// Reads one log for one explanation.
pub(super) struct Reading<'a, 'b> {
    replay: &'a mut Replay<'b>,
    source: &'a dyn LogSource,
    goes_on: &'a mut GoesOn<'a>,
    /// Reads blocks out of the middle.
    reader: Box<dyn LogReader>,
    /// All up to this frame was read or passed over.
    at: u64,
}

/// Whether the answer is found, or given up.
type Progress = Result<ControlFlow<()>, ExplainError>;

impl<'a, 'b> Reading<'a, 'b> {
    /// Reads `log`; breaks off once the insight was found, or time has run out.
    pub(super) fn run(log: &'a KeptLog, replay: &'a mut Replay<'b>, goes_on: &'a mut GoesOn<'a>) -> Progress {
        let source = log.source.as_ref();
        let start = source.start();
        if start != Position::start(source.id()) {
            replay.note_gap(Gap::LogTrimmed { position: start });
        }
        let reader = source.read_after(start)?;
        let mut reading = Self { replay, source, goes_on, reader, at: start.frame };
        if let Some(chapters) = &log.chapters
            && reading.chapters(chapters)?.is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
        reading.row(u64::MAX)
    }

    /// Reads as far as there are chapters, and what lies between them.
    fn chapters(&mut self, chapters: &Chapters) -> Progress {
        let lane = self.replay.lane();
        for stretch in chapters.stretches(lane) {
            let bounds = stretch.bounds();
            if bounds.last <= self.at {
                continue;
            }
            if self.at < bounds.after && self.row(bounds.after)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if !self.is_worth_it()? {
                return Ok(ControlFlow::Break(()));
            }
            if self.stretch(chapters, stretch)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Goes through the lines of a chapter. Where they cannot be had, or break off, nothing more is passed over: the
    /// rest is read in a row with what follows.
    fn stretch(&mut self, chapters: &Chapters, stretch: Stretch) -> Progress {
        let bounds = stretch.bounds();
        let Some(bytes) = chapters.lines(stretch, self.replay.lane(), self.reader.as_mut()) else {
            return Ok(ControlFlow::Continue(()));
        };
        let mut lines = Lines::new(&bytes, bounds.after);
        loop {
            let Ok(line) = lines.next() else { return Ok(ControlFlow::Continue(())) };
            let Some(line) = line else { break };
            if line.frame <= self.at {
                continue;
            }
            let position = Position { frame: line.frame, ..Position::start(self.source.id()) };
            if self.replay.pass(&line, position)?.is_break() && self.block(position)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.at = line.frame;
        }
        self.at = bounds.last;
        Ok(ControlFlow::Continue(()))
    }

    /// Reads one block.
    fn block(&mut self, position: Position) -> Progress {
        if !self.is_worth_it()? {
            return Ok(ControlFlow::Break(()));
        }
        match self.reader.block_at(position) {
            Ok(Some(stored)) => self.replay.take_block(&stored),
            Ok(None) => Err(ReadError::Trimmed(position).into()),
            Err(ReadError::Damaged { first, last, .. }) => {
                self.replay.note_gap(Gap::LogDamaged { first, last });
                Ok(ControlFlow::Continue(()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads all blocks from here up to frame `until`.
    fn row(&mut self, until: u64) -> Progress {
        let at = Position { frame: self.at, ..Position::start(self.source.id()) };
        let mut reader = self.source.read_after(at)?;
        while self.at < until {
            if !self.is_worth_it()? {
                return Ok(ControlFlow::Break(()));
            }
            match reader.next(Duration::ZERO) {
                Ok(None) => break,
                Ok(Some(stored)) => {
                    self.at = stored.position.frame;
                    if self.replay.take_block(&stored)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Err(ReadError::Damaged { first, last, .. }) => {
                    self.at = last;
                    self.replay.note_gap(Gap::LogDamaged { first, last });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether there is time left, and somebody who waits.
    fn is_worth_it(&mut self) -> Result<bool, ExplainError> {
        let goes_on = (self.goes_on)()?;
        if !goes_on {
            self.replay.note_gap(Gap::TimeRanOut);
        }
        Ok(goes_on)
    }
}
