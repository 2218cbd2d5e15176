//! What a model may hold.

use omnix_model::{DecodeError, Reader, Writer};

use crate::model::catalogue::{INDEX_BYTES, TEXT_OVERHEAD};
use crate::model::companions::{LIST_BYTES, Neighbour};
use crate::model::{Product, Pull, occasions};

/// What a model may hold. Part of the model, so that it is known wherever it is folded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelLimits {
    /// Products; the least popular are dropped.
    pub products_max: u32,
    /// Bytes of all products' ids, names and categories; the least popular products are dropped.
    pub text_bytes_max: u32,
    /// Neighbours of one product; those with the smallest cosine are dropped.
    pub neighbours_max: u32,
    /// Neighbours of all products; the longest lists are shortened.
    pub neighbour_entries_max: u32,
}

impl ModelLimits {
    /// The defaults: 100,000 products with 64 neighbours each at the most, less than 64 MiB in all.
    pub const DEFAULT: Self = Self {
        products_max: 100_000,
        text_bytes_max: 12 << 20,
        neighbours_max: 64,
        neighbour_entries_max: 2_750_000,
    };

    pub(super) fn encode(self, out: &mut Writer) {
        for limit in [self.products_max, self.text_bytes_max, self.neighbours_max, self.neighbour_entries_max]
        {
            out.uint(u64::from(limit));
        }
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut limit = || u32::try_from(from.uint()?).or(Err(DecodeError::Invalid("model limits")));
        Ok(Self {
            products_max: limit()?,
            text_bytes_max: limit()?,
            neighbours_max: limit()?,
            neighbour_entries_max: limit()?,
        })
    }
}

impl Default for ModelLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a model within the default limits takes at the most.
const BYTES_MAX: usize = {
    let limits = ModelLimits::DEFAULT;
    let product = size_of::<Option<Product>>()
        + size_of::<Pull>()
        + size_of::<f32>()
        + INDEX_BYTES
        + LIST_BYTES
        + 3 * TEXT_OVERHEAD;
    limits.products_max as usize * product
        + limits.text_bytes_max as usize
        + limits.neighbour_entries_max as usize * size_of::<Neighbour>()
        + occasions::BYTES_MAX
};
const _: () = assert!(BYTES_MAX < 64 << 20, "a model within the default limits stays below 64 MiB");
