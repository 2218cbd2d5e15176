//! An open file of the simulated disk.

use std::io;

use super::fault::{SimCall, SimFault, error_of, power_is_off};
use super::image::{Change, copy_over};
use super::{SimDisk, State};
use crate::log::disk::DiskFile;

/// A file that was opened on a [`SimDisk`].
pub(super) struct SimFile {
    pub(super) disk: SimDisk,
    pub(super) number: usize,
    pub(super) boot: u64,
}

impl SimFile {
    /// Calls `act` on the file's image, unless it was opened before the last crash.
    fn with<T>(&self, act: impl FnOnce(&mut State, usize) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        if state.dead || state.boot != self.boot {
            return Err(power_is_off());
        }
        act(&mut state, self.number)
    }

    fn change(&self, call: SimCall, change: Change, room_needed: u64) -> io::Result<()> {
        self.with(|state, number| {
            let outcome = state.gate(call)?;
            let bytes = state.images.get(number).map_or(0, |image| image.seen.len() as u64);
            if room_needed > bytes && room_needed - bytes > state.room() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            if let Some(image) = state.images.get_mut(number) {
                image.change(change);
            }
            outcome.answer()
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|state, number| {
            let fault = state.strike(SimCall::Sync)?;
            let State { dice, images, .. } = state;
            let Some(image) = images.get_mut(number) else { return Ok(()) };
            match fault {
                None => {
                    image.sync();
                    Ok(())
                }
                Some(SimFault::PowerLoss) => Err(power_is_off()),
                Some(fault) => {
                    image.fail_sync(dice);
                    Err(error_of(fault))
                }
            }
        })
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|state, number| {
            if state.nuisance && state.dice.once_in(64) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let is_short = state.nuisance && state.dice.once_in(16);
            let Some(image) = state.images.get(number) else { return Ok(0) };
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            let source = image.seen.get(from..).unwrap_or_default();
            let length = source.len().min(buffer.len());
            let length = if is_short { length.div_ceil(2) } else { length };
            Ok(copy_over(buffer, source.get(..length).unwrap_or_default()))
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.with(|state, number| {
            if state.nuisance && state.dice.once_in(32) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let fault = state.strike(SimCall::Write)?;
            let mut length = bytes.len();
            if state.nuisance && state.dice.once_in(8) {
                length = length.div_ceil(3);
            }
            if fault.is_some() {
                let part = state.dice.below(bytes.len() as u64 + 1);
                length = usize::try_from(part).unwrap_or(length);
            }
            let room = state.room();
            let Some(image) = state.images.get_mut(number) else { return Ok(0) };
            let fits = (image.seen.len() as u64 + room).saturating_sub(offset);
            length = length.min(usize::try_from(fits).unwrap_or(usize::MAX));
            if fault != Some(SimFault::Interrupted) {
                let written = bytes.get(..length).unwrap_or_default();
                image.change(Change::Write { offset, bytes: written.to_vec() });
            }
            match fault {
                Some(fault) => Err(error_of(fault)),
                None if length == 0 && !bytes.is_empty() => Err(io::ErrorKind::StorageFull.into()),
                None => Ok(length),
            }
        })
    }

    fn bytes(&self) -> io::Result<u64> {
        self.with(|state, number| Ok(state.images.get(number).map_or(0, |image| image.seen.len() as u64)))
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        self.change(SimCall::Resize, Change::Resize(bytes), bytes)
    }

    fn allocate(&self, _from: u64, to: u64) -> io::Result<()> {
        self.change(SimCall::Allocate, Change::GrowTo(to), to)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }
}
