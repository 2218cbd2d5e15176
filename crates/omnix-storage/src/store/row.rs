//! Which rows a commit may hold, and in which order they are written: the same for every store.
//!
//! Deliberately not here: what a key means. Keys are bytes of the caller's own, but for one prefix.

use std::ops::Bound;

use super::{Commit, KeyRange, Write};

/// Keys that begin with this byte are the store's own: a commit that holds one is refused, readers never see one.
pub const RESERVED_PREFIX: u8 = b'm';

/// Bytes of a key at the most; it has at least one.
///
/// What `DynamoDB` takes as a sort key. Our own longest, a derived event's under ids of full length, has 515.
pub const KEY_BYTES_MAX: usize = 1_024;

/// Whether the row under `key` is the store's own.
pub(super) fn is_reserved(key: &[u8]) -> bool {
    key.first() == Some(&RESERVED_PREFIX)
}

impl Write {
    /// The key of the row that it changes.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }
}

impl Commit {
    /// Its writes in an order in which they may be applied; only the checkpoint comes after them.
    pub fn writes(&self) -> impl Iterator<Item = &Write> {
        self.effects.iter().chain(self.states.iter().flatten()).chain(&self.last)
    }

    /// What is wrong with its rows, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        self.writes().find_map(|write| {
            let key = write.key();
            if key.is_empty() || key.len() > KEY_BYTES_MAX {
                Some(format!("a key has {} bytes, allowed are 1 to {KEY_BYTES_MAX}", key.len()))
            } else if is_reserved(key) {
                Some("a key begins with the prefix that is the store's own".to_owned())
            } else {
                None
            }
        })
    }
}

/// Both ends of a range of keys.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

impl KeyRange {
    /// The range as bounds; `None` when no key can lie in it.
    pub(super) fn bounds(&self) -> Option<Bounds<'_>> {
        let from = self.from.as_slice();
        let to = match self.to.as_slice() {
            [] => Bound::Unbounded,
            to if to <= from => return None,
            to => Bound::Excluded(to),
        };
        Some((Bound::Included(from), to))
    }
}
