//! Which record was being applied when the process died: a record that keeps killing it is set aside.
//!
//! A marker names the block being applied. After an unclean end the block it names is applied again record by
//! record, each named in the marker first; a record at which the process then dies twice is set aside. So an
//! innocent block costs a few writes once, and a kill from outside would have to hit the same record twice.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use omnix_model::{Position, Reader, Writer};

use crate::shell::read_position;

/// Deaths at one record after which it is set aside.
const DEATHS_MAX: u64 = 2;

/// Where a marker is kept. It has to survive the process, not the machine.
pub trait MarkerStore: Send {
    /// The marker; empty when there is none.
    fn read(&self) -> Vec<u8>;
    /// Sets the marker; empty for none.
    fn write(&mut self, marker: &[u8]);
}

/// A marker in a file.
#[derive(Debug)]
pub struct MarkerFile {
    path: PathBuf,
    file: Option<fs::File>,
}

impl MarkerFile {
    /// The marker in the file at `path`, which need not exist.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }
}

impl MarkerStore for MarkerFile {
    fn read(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap_or_default()
    }

    /// A marker that cannot be written only means that a poisonous record is not found: it is no reason to stop.
    fn write(&mut self, marker: &[u8]) {
        use std::io::Seek as _;
        if marker.is_empty() {
            self.file = None;
            let _absent = fs::remove_file(&self.path);
            return;
        }
        if self.file.is_none() {
            self.file = fs::File::options().create(true).truncate(false).write(true).open(&self.path).ok();
        }
        if let Some(file) = &mut self.file {
            let _unmarked = file.rewind().and_then(|()| file.write_all(marker));
        }
    }
}

/// No marker at all, for tests and for stores that bring their own.
#[derive(Debug, Default)]
pub struct NoMarker;

impl MarkerStore for NoMarker {
    fn read(&self) -> Vec<u8> {
        Vec::new()
    }

    fn write(&mut self, _: &[u8]) {}
}

/// The block or record that was being applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marker {
    at: Position,
    /// How often the process died at exactly this record; 0 for a whole block.
    deaths: u64,
    /// Whether it names a record.
    is_record: bool,
}

impl Marker {
    fn encode(self) -> Vec<u8> {
        let mut out = Writer::append_to(Vec::with_capacity(16));
        out.raw(&self.at.to_bytes());
        out.flag(self.is_record);
        out.u8(u8::try_from(self.deaths).unwrap_or(u8::MAX));
        out.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let at = read_position(&mut reader).ok()?;
        let is_record = reader.flag().ok()?;
        Some(Self { at, is_record, deaths: u64::from(reader.u8().ok()?) })
    }
}

/// A marker that names a record at which the process died `deaths` times before the last, for tests.
#[cfg(test)]
pub(crate) fn marker_of(at: Position, deaths: u64) -> Vec<u8> {
    Marker { at, deaths, is_record: true }.encode()
}

/// What to do with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Apply it.
    Apply,
    /// Do not apply it: the process died at it again and again.
    SetAside,
}

/// The attempts at applying blocks and records.
pub(crate) struct Attempts {
    store: Box<dyn MarkerStore>,
    /// What was being applied when the process died before.
    died_at: Option<Marker>,
}

impl Attempts {
    /// Reads what was being applied when the process ended; nothing after a clean end.
    pub(crate) fn new(store: Box<dyn MarkerStore>) -> Self {
        let died_at = Marker::decode(&store.read())
            .map(|marker| Marker { deaths: if marker.is_record { marker.deaths + 1 } else { 0 }, ..marker });
        Self { store, died_at }
    }

    /// Notes that the block at `at` is being applied, unless its records are to be noted one by one.
    pub(crate) fn begin_block(&mut self, at: Position) {
        if !self.is_suspect(at) {
            self.store.write(&Marker { at, deaths: 0, is_record: false }.encode());
        }
    }

    /// Notes that the record at `at` is being applied, where its block is suspect, and says whether to.
    pub(crate) fn begin_record(&mut self, at: Position) -> Attempt {
        if !self.is_suspect(at) {
            return Attempt::Apply;
        }
        let deaths =
            self.died_at.filter(|died| died.is_record && died.at == at).map_or(0, |died| died.deaths);
        if deaths >= DEATHS_MAX {
            return Attempt::SetAside;
        }
        self.store.write(&Marker { at, deaths, is_record: true }.encode());
        Attempt::Apply
    }

    /// Notes that the block at `at` was applied: if it was suspect, it is so no longer. Without this a process
    /// that is killed while it has nothing to do would seem to have died at the last record of its log.
    pub(crate) fn end_block(&mut self, at: Position) {
        if self.is_suspect(at) {
            self.store.write(&[]);
            self.died_at = None;
        }
    }

    /// Notes that the process ends cleanly.
    pub(crate) fn end(&mut self) {
        self.store.write(&[]);
    }

    fn is_suspect(&self, at: Position) -> bool {
        self.died_at.is_some_and(|died| died.at.log == at.log && died.at.frame == at.frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    use omnix_model::LogId;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl MarkerStore for Kept {
        fn read(&self) -> Vec<u8> {
            self.0.lock().unwrap().clone()
        }
        fn write(&mut self, marker: &[u8]) {
            *self.0.lock().unwrap() = marker.to_vec();
        }
    }

    fn at(frame: u64, slot: u16) -> Position {
        Position { log: LogId(1), frame, slot }
    }

    /// Applies frames 7 and 8 and dies at `poison`; says which records were applied and which set aside.
    fn run(kept: &Kept, poison: Option<Position>) -> (Vec<Position>, Vec<Position>) {
        run_until(kept, poison, true)
    }

    fn run_until(
        kept: &Kept,
        poison: Option<Position>,
        ends_cleanly: bool,
    ) -> (Vec<Position>, Vec<Position>) {
        let mut attempts = Attempts::new(Box::new(kept.clone()));
        let (mut applied, mut aside) = (Vec::new(), Vec::new());
        for frame in [7, 8] {
            attempts.begin_block(at(frame, 0));
            for slot in 0..3 {
                match attempts.begin_record(at(frame, slot)) {
                    Attempt::SetAside => aside.push(at(frame, slot)),
                    Attempt::Apply if poison == Some(at(frame, slot)) => return (applied, aside),
                    Attempt::Apply => applied.push(at(frame, slot)),
                }
            }
            attempts.end_block(at(frame, 0));
        }
        if ends_cleanly {
            attempts.end();
        }
        (applied, aside)
    }

    #[test]
    fn a_record_at_which_the_process_died_twice_is_set_aside() {
        let kept = Kept::default();
        let poison = at(8, 1);
        // The death that nobody saw coming: only the block is known.
        assert_eq!(run(&kept, Some(poison)).1, []);
        for start in 1..=2 {
            assert_eq!(run(&kept, Some(poison)).1, [], "start {start}");
        }
        let (applied, aside) = run(&kept, Some(poison));
        assert_eq!(aside, [poison]);
        assert_eq!(applied.len(), 5);
        assert_eq!(run(&kept, None).1, [], "after a clean end nothing is suspect");
    }

    #[test]
    fn kills_from_outside_at_different_records_set_nothing_aside() {
        let kept = Kept::default();
        for slot in [0, 1, 2, 0, 1, 2] {
            assert_eq!(run(&kept, Some(at(8, slot))).1, []);
        }
        assert_eq!(run(&kept, None).0.len(), 6);
    }

    #[test]
    fn kills_while_nothing_is_applied_set_nothing_aside() {
        let kept = Kept::default();
        for start in 0..6 {
            let (applied, aside) = run_until(&kept, None, false);
            assert_eq!((applied.len(), aside.len()), (6, 0), "start {start}");
        }
    }

    #[test]
    fn a_marker_in_a_file_survives_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("applying");
        let mut file = MarkerFile::new(path.clone());
        file.write(b"abc");
        file.write(b"xyz");
        assert_eq!(MarkerFile::new(path.clone()).read(), b"xyz");
        file.write(&[]);
        assert!(!path.exists());
        assert_eq!(MarkerFile::new(path).read(), b"");
    }
}
