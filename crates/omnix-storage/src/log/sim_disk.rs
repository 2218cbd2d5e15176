//! A disk that exists in memory and fails on purpose: for tests of this crate and of those above it.
//!
//! What was written and not synced may be kept, lost, or kept in parts when the power fails: sector by sector,
//! in any order, also in the middle of a file; created, renamed and removed names likewise, each on its own,
//! until their directory is synced. A failed sync leaves pages that look written and are not. The same seed
//! and the same calls give the same faults.
//!
//! Deliberately not simulated: reads that fail for good, and a disk that lies about a sync it reported done.

mod fault;
mod file;
mod image;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::log::disk::{Disk, DiskFile};
use crate::log::shared::lock;

use fault::{Outcome, Planned, error_of, power_is_off};
use file::SimFile;
use image::Image;

pub use fault::{Dice, SimCall, SimFault};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    File(u64),
}

/// A change of a directory that may be lost.
#[derive(Debug, Clone)]
struct NameChange {
    dir: PathBuf,
    gone: Option<PathBuf>,
    new: Option<(PathBuf, Node)>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    now_ms: u64,
    /// Counts power cycles; a file opened before the last one is of no use.
    boot: u64,
    dead: bool,
    capacity: Option<u64>,
    nuisance: bool,
    planned: Vec<Planned>,
    calls: u64,
    images: Vec<Image>,
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    name_changes: Vec<NameChange>,
}

/// A simulated disk; clones are the same disk.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// An empty disk whose faults follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            dice: Dice::new(seed),
            now_ms: 1_700_000_000_000,
            boot: 0,
            dead: false,
            capacity: None,
            nuisance: false,
            planned: Vec::new(),
            calls: 0,
            images: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            name_changes: Vec::new(),
        })))
    }

    /// Makes the `nth` call of this kind from now on (1 is the next) fail once.
    pub fn fail(&self, call: SimCall, nth: u64, fault: SimFault) {
        self.state().planned.push(Planned { call, left: nth, fault });
    }

    /// Forgets the faults that were planned and have not happened.
    pub fn forget_faults(&self) {
        self.state().planned.clear();
    }

    /// Limits the bytes of all files; `None` lifts the limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// From now on reads and writes are now and then short or interrupted, which must not matter to anybody.
    pub fn set_nuisance(&self, on: bool) {
        self.state().nuisance = on;
    }

    /// Moves the clock.
    pub fn set_now_ms(&self, now_ms: u64) {
        self.state().now_ms = now_ms;
    }

    /// How many calls changed something, or tried to.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Bytes of all files that have a name.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.state().used()
    }

    /// The power fails and comes back: what was not synced is kept, lost or torn.
    pub fn power_cycle(&self) {
        let mut state = self.state();
        let State { dice, images, .. } = &mut *state;
        for image in images {
            image.lose_power(dice);
        }
        let changes = std::mem::take(&mut state.name_changes);
        let mood = state.dice.below(4);
        let mut names = std::mem::take(&mut state.durable_names);
        for change in changes {
            if mood == 0 || (mood > 1 && state.dice.once_in(2)) {
                change.apply(&mut names);
            }
        }
        // What lies in a directory that was lost is lost with it.
        let lost = |path: &Path| path.parent().is_some_and(|dir| !is_root(dir) && !names.contains_key(dir));
        let orphans: Vec<PathBuf> = names.keys().filter(|path| lost(path)).cloned().collect();
        for path in orphans {
            names.remove(&path);
        }
        state.names = names.clone();
        state.durable_names = names;
        state.dead = false;
        state.begin_again();
    }

    /// The process dies and the machine goes on: what was written is there, but for pages of failed syncs that
    /// happen to be evicted.
    pub fn kill(&self) {
        let mut state = self.state();
        let State { dice, images, .. } = &mut *state;
        for image in images {
            image.evict(dice);
        }
        state.begin_again();
    }

    /// Whether the power has failed and not come back.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.state().dead
    }

    /// The paths of all files.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let state = self.state();
        state.names.iter().filter(|(_, node)| **node != Node::Dir).map(|(path, _)| path.clone()).collect()
    }

    /// The bytes of a file, as the process sees them.
    #[must_use]
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        Some(state.image(path).ok()?.seen.clone())
    }

    /// Replaces the bytes of a file, durably: what a failing disk or a hand may do.
    pub fn set_contents(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        if let Ok(number) = state.number(path)
            && let Some(image) = state.images.get_mut(number)
        {
            *image = Image::durable(bytes.to_vec());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

fn is_root(dir: &Path) -> bool {
    dir.as_os_str().is_empty() || dir == Path::new("/")
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        if let Some(path) = &self.gone {
            names.remove(path);
        }
        if let Some((path, node)) = &self.new {
            names.insert(path.clone(), *node);
        }
    }
}

impl State {
    fn used(&self) -> u64 {
        let files = self.names.values().filter_map(|node| match node {
            Node::File(number) => self.images.get(usize::try_from(*number).ok()?),
            Node::Dir => None,
        });
        files.map(|image| image.seen.len() as u64).sum()
    }

    fn room(&self) -> u64 {
        self.capacity.map_or(1 << 40, |capacity| capacity.saturating_sub(self.used()))
    }

    fn number(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(number)) => Ok(usize::try_from(*number).unwrap_or(usize::MAX)),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn image(&self, path: &Path) -> io::Result<&Image> {
        self.images.get(self.number(path)?).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Nothing of before is of use any more: neither open files nor those without a name.
    fn begin_again(&mut self) {
        self.boot += 1;
        self.planned.clear();
        let lost = self.name_changes.iter().filter_map(|change| change.new.as_ref().map(|(_, node)| *node));
        let named = self.names.values().chain(self.durable_names.values()).copied().chain(lost);
        let named: BTreeSet<u64> = named
            .filter_map(|node| if let Node::File(number) = node { Some(number) } else { None })
            .collect();
        for (number, image) in (0..).zip(&mut self.images) {
            if !named.contains(&number) {
                *image = Image::default();
            }
        }
    }

    /// Counts a call and says how it is to fail, if it is.
    fn strike(&mut self, call: SimCall) -> io::Result<Option<SimFault>> {
        if self.dead {
            return Err(power_is_off());
        }
        self.calls += 1;
        let mut struck = None;
        for planned in &mut self.planned {
            if planned.call == SimCall::Any || planned.call == call {
                planned.left = planned.left.saturating_sub(1);
                if planned.left == 0 {
                    struck = struck.or(Some(planned.fault));
                }
            }
        }
        self.planned.retain(|planned| planned.left > 0);
        if struck == Some(SimFault::PowerLoss) {
            self.dead = true;
        }
        Ok(struck)
    }

    /// As [`Self::strike`], for calls that fail before they do anything. Without power they may have been done.
    fn gate(&mut self, call: SimCall) -> io::Result<Outcome> {
        match self.strike(call)? {
            None => Ok(Outcome::Done),
            Some(SimFault::PowerLoss) if self.dice.once_in(2) => Ok(Outcome::DoneUnheard),
            Some(fault) => Err(error_of(fault)),
        }
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.dead {
            return Err(power_is_off());
        }
        let mut ancestors: Vec<&Path> = dir.ancestors().filter(|dir| !is_root(dir)).collect();
        ancestors.reverse();
        for dir in ancestors {
            state.names.insert(dir.to_path_buf(), Node::Dir);
            state.durable_names.insert(dir.to_path_buf(), Node::Dir);
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        if state.dead {
            return Err(power_is_off());
        }
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let outcome = state.gate(SimCall::Create)?;
        let number = state.images.len();
        state.images.push(Image::default());
        let node = Node::File(number as u64);
        let dir = path.parent().unwrap_or(Path::new("")).to_path_buf();
        state.change_name(NameChange { dir, gone: None, new: Some((path.to_path_buf(), node)) });
        outcome.answer()?;
        Ok(Box::new(SimFile { disk: self.clone(), number, boot: state.boot }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let state = self.state();
        if state.dead {
            return Err(power_is_off());
        }
        let number = state.number(path)?;
        Ok(Box::new(SimFile { disk: self.clone(), number, boot: state.boot }))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let number = state.number(from)?;
        let outcome = state.gate(SimCall::Rename)?;
        let dir = to.parent().unwrap_or(Path::new("")).to_path_buf();
        let new = Some((to.to_path_buf(), Node::File(number as u64)));
        state.change_name(NameChange { dir, gone: Some(from.to_path_buf()), new });
        outcome.answer()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.number(path)?;
        let outcome = state.gate(SimCall::Remove)?;
        let dir = path.parent().unwrap_or(Path::new("")).to_path_buf();
        state.change_name(NameChange { dir, gone: Some(path.to_path_buf()), new: None });
        outcome.answer()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        let outcome = state.gate(SimCall::SyncDir)?;
        let changes = std::mem::take(&mut state.name_changes);
        let (here, elsewhere): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| change.dir == dir);
        for change in here {
            change.apply(&mut state.durable_names);
        }
        state.name_changes = elsewhere;
        outcome.answer()
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        Ok(self.state().room())
    }

    fn now_ms(&self) -> u64 {
        self.state().now_ms
    }
}
