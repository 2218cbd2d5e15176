//! One simulated file: what the process sees, what is on the platter, and the changes in between.

use std::collections::BTreeSet;

use super::Dice;

/// A change of a file that was not synced yet.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write {
        offset: u64,
        bytes: Vec<u8>,
    },
    /// Cut, or lengthened by zeros.
    Resize(u64),
    /// Lengthened by zeros, never cut.
    GrowTo(u64),
}

/// A file's bytes in memory and on the platter.
#[derive(Debug, Default)]
pub(super) struct Image {
    pub(super) seen: Vec<u8>,
    stable: Vec<u8>,
    pending: Vec<Change>,
}

impl Image {
    /// A file that is on the platter as it is seen.
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        Self { seen: bytes.clone(), stable: bytes, pending: Vec::new() }
    }

    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.stable);
        }
    }

    /// Some dirty pages reach the platter, the others never will, and all are taken for clean.
    pub(super) fn fail_sync(&mut self, dice: &mut Dice) {
        self.stable = self.torn(dice);
        self.pending.clear();
    }

    pub(super) fn lose_power(&mut self, dice: &mut Dice) {
        self.stable = self.torn(dice);
        self.pending.clear();
        self.seen.clone_from(&self.stable);
    }

    /// Clean pages may be dropped from memory at any time; they are read again from the platter.
    pub(super) fn evict(&mut self, dice: &mut Dice) {
        if self.pending.is_empty() && dice.once_in(2) {
            self.seen.clone_from(&self.stable);
        }
    }

    /// A file as it may stand on the platter at this moment: of every sector some earlier state since the last
    /// sync, each sector and the length by itself.
    fn torn(&self, dice: &mut Dice) -> Vec<u8> {
        let mut image = self.stable.clone();
        let count = self.pending.len() as u64;
        let mood = dice.below(4);
        let how_many = |dice: &mut Dice| match mood {
            0 => 0,
            1 => count,
            _ => dice.below(count + 1),
        };
        if count == 0 || mood == 0 {
            return image;
        }
        let sector_bytes = if dice.once_in(2) { 512 } else { 4096 };
        let bytes_kept = self.length_after(how_many(dice));
        image.resize(image.len().max(self.seen.len()).max(bytes_kept), 0);
        for sector in self.dirty_sectors(sector_bytes) {
            let kept = usize::try_from(how_many(dice)).unwrap_or(usize::MAX);
            let from = sector * sector_bytes;
            let mut bytes = vec![0; sector_bytes];
            copy_over(&mut bytes, self.stable.get(from..).unwrap_or_default());
            for change in self.pending.iter().take(kept) {
                change.apply_within(&mut bytes, from);
            }
            copy_over(image.get_mut(from..).unwrap_or_default(), &bytes);
        }
        image.resize(bytes_kept, 0);
        image
    }

    fn length_after(&self, changes: u64) -> usize {
        let mut length = self.stable.len();
        for change in self.pending.iter().take(usize::try_from(changes).unwrap_or(usize::MAX)) {
            length = change.length(length);
        }
        length
    }

    fn dirty_sectors(&self, sector_bytes: usize) -> BTreeSet<usize> {
        let mut length = self.stable.len();
        let mut sectors = BTreeSet::new();
        for change in &self.pending {
            let (from, to) = match change {
                Change::Write { offset, bytes } => (index(*offset), index(*offset) + bytes.len()),
                Change::Resize(to) => (index(*to).min(length), length),
                Change::GrowTo(_) => (0, 0),
            };
            length = change.length(length);
            if from < to {
                sectors.extend(from / sector_bytes..to.div_ceil(sector_bytes));
            }
        }
        sectors
    }
}

impl Change {
    /// The file's length after this change.
    fn length(&self, before: usize) -> usize {
        match self {
            Self::Write { offset, bytes } => before.max(index(*offset) + bytes.len()),
            Self::Resize(to) => index(*to),
            Self::GrowTo(to) => before.max(index(*to)),
        }
    }

    fn apply(&self, file: &mut Vec<u8>) {
        file.resize(self.length(file.len()), 0);
        if let Self::Write { offset, bytes } = self {
            copy_over(file.get_mut(index(*offset)..).unwrap_or_default(), bytes);
        }
    }

    /// What this change does to the sector `bytes` that begins at `from`.
    fn apply_within(&self, sector: &mut [u8], from: usize) {
        match self {
            Self::Write { offset, bytes } => {
                let offset = index(*offset);
                let skipped = from.saturating_sub(offset);
                let place = sector.get_mut(offset.saturating_sub(from)..).unwrap_or_default();
                copy_over(place, bytes.get(skipped..).unwrap_or_default());
            }
            Self::Resize(to) => {
                sector.get_mut(index(*to).saturating_sub(from)..).unwrap_or_default().fill(0);
            }
            Self::GrowTo(_) => {}
        }
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Copies as many bytes as both have; answers with their number.
pub(super) fn copy_over(place: &mut [u8], bytes: &[u8]) -> usize {
    let length = place.len().min(bytes.len());
    if let (Some(place), Some(bytes)) = (place.get_mut(..length), bytes.get(..length)) {
        place.copy_from_slice(bytes);
    }
    length
}
