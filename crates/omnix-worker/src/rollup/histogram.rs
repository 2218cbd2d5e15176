//! How often which values came, without the values.

use std::collections::BTreeMap;

use omnix_model::{DecodeError, Reader, Writer};

/// Buckets of a histogram of microseconds or of cents: each a factor of 2^(1/4) wider than the last.
const BUCKETS: usize = 128;
const BUCKETS_PER_OCTAVE: f64 = 4.0;

/// A histogram over powers of 2^(1/4) from 1 on: any quantile is off by at most 19 %.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    counts: BTreeMap<u8, u64>,
}

impl Histogram {
    /// Counts `value`; what is below 1 counts as 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the buckets")]
    pub fn add(&mut self, value: f64) {
        let bucket = (value.max(1.0).log2() * BUCKETS_PER_OCTAVE).clamp(0.0, BUCKETS as f64 - 1.0);
        *self.counts.entry(bucket as u8).or_default() += 1;
    }

    /// How many values were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The middle of the bucket that holds the value below which a share `q` of all lies; 0 when empty.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts stay far below 2^52"
    )]
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = ((self.total() as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        for (&bucket, &count) in &self.counts {
            seen += count;
            if seen >= rank {
                return ((f64::from(bucket) + 0.5) / BUCKETS_PER_OCTAVE).exp2();
            }
        }
        0.0
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.uint(self.counts.len() as u64);
        for (&bucket, &count) in &self.counts {
            out.u8(bucket);
            out.uint(count);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = reader.count()?;
        let counts =
            (0..len).map(|_| Ok((reader.u8()?, reader.uint()?))).collect::<Result<_, DecodeError>>()?;
        Ok(Self { counts })
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (&bucket, &count) in &other.counts {
            *self.counts.entry(bucket).or_default() += count;
        }
    }
}
