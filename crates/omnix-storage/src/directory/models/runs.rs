//! Runs of models: many small ones one behind the other in a file, each durable by one sync.
//!
//! A file of its own takes two syncs, for its bytes and for its name. What is appended to a run takes one, and the
//! run's name one for all. A run is only ever appended to by the process that began it: what a torn append
//! left at its end is never written behind, and never read.
//!
//! `{first}.run`: frame after frame of `number u64` · `bytes u32` · CRC32C of both and of the model `u32` · the model;
//! little-endian.
//!
//! Deliberately not here: which models are appended, and models that stand alone.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::super::durable::sync_dir;

const HEAD_BYTES: usize = 16;
const SUFFIX: &str = ".run";

/// Where a model stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The number of the run's first model.
    run: u64,
    /// Of its frame.
    offset: u64,
    /// Of the model.
    bytes: u32,
}

/// The run that is appended to.
#[derive(Debug)]
struct Open {
    first: u64,
    last: u64,
    file: File,
    end: u64,
}

/// The runs of one directory.
#[derive(Debug)]
pub(super) struct Runs {
    dir: PathBuf,
    places: BTreeMap<u64, Place>,
    open: Option<Open>,
}

impl Runs {
    /// The runs that lie in `dir`.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let mut runs = Self { dir: dir.to_owned(), places: BTreeMap::new(), open: None };
        let mut firsts = Vec::new();
        for entry in fs::read_dir(dir)? {
            firsts.extend(entry?.file_name().to_str().and_then(parse_name));
        }
        firsts.sort_unstable();
        for first in firsts {
            runs.read_places(first)?;
        }
        Ok(runs)
    }

    /// Notes which models a run holds; what was not finished at its end is none.
    fn read_places(&mut self, run: u64) -> io::Result<()> {
        let file = File::open(self.path(run))?;
        let (mut offset, bytes) = (0, file.metadata()?.len());
        for number in run.. {
            let Some(head) = Head::read(&file, offset)?.filter(|head| head.number == number) else { break };
            let end = offset + HEAD_BYTES as u64 + u64::from(head.bytes);
            // All but the last were synced before the next was written.
            if end > bytes || (end == bytes && head.model(&file, offset).is_err()) {
                break;
            }
            self.places.insert(number, Place { run, offset, bytes: head.bytes });
            offset = end;
        }
        Ok(())
    }

    /// Stores model `number` behind the one before it, or at the head of a new run; it is durable when this returns.
    pub(super) fn append(&mut self, number: u64, model: &[u8]) -> io::Result<()> {
        let bytes = u32::try_from(model.len()).map_err(io::Error::other)?;
        let mut frame = Vec::with_capacity(HEAD_BYTES + model.len());
        frame.extend(number.to_le_bytes());
        frame.extend(bytes.to_le_bytes());
        frame.extend(checksum(number, bytes, model).to_le_bytes());
        frame.extend(model);
        // After a failure nobody knows what the file holds: the next model begins another.
        let follows = self.open.take().filter(|open| number == open.last + 1);
        let (mut open, is_new) = match follows {
            Some(open) => (open, false),
            None => (Open { first: number, last: number, file: self.create(number)?, end: 0 }, true),
        };
        open.file.write_all_at(&frame, open.end)?;
        open.file.sync_data()?;
        if is_new {
            sync_dir(&self.dir)?;
        }
        self.places.insert(number, Place { run: open.first, offset: open.end, bytes });
        open.end += frame.len() as u64;
        open.last = number;
        self.open = Some(open);
        Ok(())
    }

    fn create(&mut self, first: u64) -> io::Result<File> {
        // Whatever followed from another model of this number is of no use any more.
        self.places.retain(|_, place| place.run != first);
        OpenOptions::new().write(true).create(true).truncate(true).open(self.path(first))
    }

    /// Reads model `number`; none when no run holds it.
    pub(super) fn read(&self, number: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(&Place { run, offset, .. }) = self.places.get(&number) else { return Ok(None) };
        let file = File::open(self.path(run))?;
        let head = Head::read(&file, offset)?.filter(|head| head.number == number);
        head.ok_or_else(damaged)?.model(&file, offset).map(Some)
    }

    /// The numbers of the models that runs hold, ascending.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.places.keys().copied()
    }

    /// Bytes of the models from `from` on and before `to`.
    pub(super) fn bytes(&self, from: u64, to: u64) -> u64 {
        self.places.range(from..to).map(|(_, place)| u64::from(place.bytes)).sum()
    }

    /// Removes the runs of which `keep` wants no model; answers how many models they held.
    pub(super) fn prune(&mut self, keep: impl Fn(u64) -> bool) -> io::Result<usize> {
        let mut wanted: BTreeMap<u64, bool> = BTreeMap::new();
        for (number, place) in &self.places {
            *wanted.entry(place.run).or_default() |= keep(*number);
        }
        let before = self.places.len();
        for (run, _) in wanted.into_iter().filter(|(_, is_wanted)| !is_wanted) {
            self.open = self.open.take().filter(|open| open.first != run);
            fs::remove_file(self.path(run))?;
            self.places.retain(|_, place| place.run != run);
        }
        Ok(before - self.places.len())
    }

    fn path(&self, first: u64) -> PathBuf {
        self.dir.join(format!("{first}{SUFFIX}"))
    }
}

/// The first number of the run of this name, if it is one.
fn parse_name(name: &str) -> Option<u64> {
    let first = name.strip_suffix(SUFFIX)?;
    first.parse().ok().filter(|number: &u64| number.to_string() == first)
}

/// What stands before a model.
struct Head {
    number: u64,
    bytes: u32,
    checksum: u32,
}

impl Head {
    /// The head at `offset`; none at the end of the file, or where it is cut.
    fn read(file: &File, offset: u64) -> io::Result<Option<Self>> {
        let mut head = [0; HEAD_BYTES];
        match file.read_exact_at(&mut head, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = head;
        Ok(Some(Self {
            number: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            bytes: u32::from_le_bytes([i, j, k, l]),
            checksum: u32::from_le_bytes([m, n, o, p]),
        }))
    }

    /// The model behind the head at `offset`.
    fn model(&self, file: &File, offset: u64) -> io::Result<Vec<u8>> {
        let mut model = vec![0; usize::try_from(self.bytes).map_err(io::Error::other)?];
        file.read_exact_at(&mut model, offset + HEAD_BYTES as u64)?;
        if checksum(self.number, self.bytes, &model) == self.checksum { Ok(model) } else { Err(damaged()) }
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a run of models is damaged")
}

fn checksum(number: u64, bytes: u32, model: &[u8]) -> u32 {
    let head = crc32c::crc32c(&number.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(head, &bytes.to_le_bytes()), model)
}
