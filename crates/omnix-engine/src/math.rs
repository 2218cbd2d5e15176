//! The functions of analysis that the engine uses, from the pinned pure-Rust `libm`.
//!
//! They exist here and nowhere else, because two processors must agree to the last bit: the standard
//! library's `ln` and `exp` are whatever the platform links. Conversions between integers and floats that
//! cannot be written without a cast live here too, so that every other module is free of casts.
//!
//! Deliberately not here: statistics. What a number means is said where it is used.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the one module where floats become integers; every cast is clamped first"
)]

use omnix_model::Timestamp;

/// The natural logarithm.
#[must_use]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// The natural logarithm of 1 + `x`, exact for small `x`.
#[must_use]
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// e to the power of `x`.
#[must_use]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// 2 to the power of `x`.
#[must_use]
pub fn exp2(x: f64) -> f64 {
    libm::exp2(x)
}

/// `base` to the power of `exponent`.
#[must_use]
pub fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}

/// The square root; 0 for what is negative by rounding.
#[must_use]
pub fn sqrt(x: f64) -> f64 {
    libm::sqrt(x.max(0.0))
}

/// The probability that a standard normal value is at most `x`: erfc(-x / sqrt 2) / 2.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The standard normal value below which a share of `p` lies; `p` is clamped to 1e-12 off 0 and 1.
///
/// Acklam's rational approximation (relative error 1.2e-9) with one step of Halley's method on
/// [`normal_cdf`], which brings it to the precision of the latter.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    let p = p.clamp(1e-12, 1.0 - 1e-12);
    let x = acklam(p);
    let error = normal_cdf(x) - p;
    let step = error * sqrt(2.0 * std::f64::consts::PI) * exp(0.5 * x * x);
    x - step / (1.0 + 0.5 * x * step)
}

/// Peter Acklam's approximation of the normal quantile for 0 < `p` < 1.
fn acklam(p: f64) -> f64 {
    const TAIL: f64 = 0.024_25;
    let tail = |q: f64| polynomial(&TAIL_NUMERATOR, q) / (q * polynomial(&TAIL_DENOMINATOR, q) + 1.0);
    if p < TAIL {
        tail(sqrt(-2.0 * ln(p)))
    } else if p > 1.0 - TAIL {
        -tail(sqrt(-2.0 * ln(1.0 - p)))
    } else {
        let q = p - 0.5;
        let r = q * q;
        q * polynomial(&CENTRE_NUMERATOR, r) / (r * polynomial(&CENTRE_DENOMINATOR, r) + 1.0)
    }
}

const CENTRE_NUMERATOR: [f64; 6] = [
    -3.969_683_028_665_376e1,
    2.209_460_984_245_205e2,
    -2.759_285_104_469_687e2,
    1.383_577_518_672_69e2,
    -3.066_479_806_614_716e1,
    2.506_628_277_459_239,
];
const CENTRE_DENOMINATOR: [f64; 5] = [
    -5.447_609_879_822_406e1,
    1.615_858_368_580_409e2,
    -1.556_989_798_598_866e2,
    6.680_131_188_771_972e1,
    -1.328_068_155_288_572e1,
];
const TAIL_NUMERATOR: [f64; 6] = [
    -7.784_894_002_430_293e-3,
    -3.223_964_580_411_365e-1,
    -2.400_758_277_161_838,
    -2.549_732_539_343_734,
    4.374_664_141_464_968,
    2.938_163_982_698_783,
];
const TAIL_DENOMINATOR: [f64; 4] =
    [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];

/// A polynomial by Horner's rule, the highest power's coefficient first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// ln(p / (1 - p)), with `p` clamped to 1e-6 off 0 and 1, so that it is finite.
#[must_use]
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    ln(p / (1.0 - p))
}

/// 1 / (1 + e^-x), the inverse of [`logit`].
#[must_use]
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x.clamp(-700.0, 700.0)))
}

/// Days, with their fractions, from `earlier` to `later`; negative when `earlier` is later.
#[must_use]
pub fn days_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.ms_since(earlier) as f64 / Timestamp::DAY_MS as f64
}

/// The instant `days` after `start`, within the legal range of instants.
#[must_use]
pub fn after_days(start: Timestamp, days: f64) -> Timestamp {
    const LIMIT_MS: f64 = 4.0e14;
    let ms = (days * Timestamp::DAY_MS as f64).clamp(-LIMIT_MS, LIMIT_MS);
    start.plus_ms(ms as i64)
}

/// What is left of 1 after `days` when half is lost in `half_life_days`.
#[must_use]
pub fn decay(days: f64, half_life_days: f64) -> f64 {
    exp2(-days / half_life_days)
}

/// The number of the bin of width `width` from 0 that holds `x`, clamped to `0..bins`.
#[must_use]
pub fn bin(x: f64, width: f64, bins: usize) -> usize {
    let last = bins.saturating_sub(1);
    (x / width).clamp(0.0, last as f64) as usize
}

/// The nearest float of half the precision, clamped to what is finite.
#[must_use]
pub fn narrow(x: f64) -> f32 {
    x.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}

/// The low half of a hash.
#[must_use]
pub fn low32(hash: u64) -> u32 {
    hash as u32
}

#[cfg(test)]
mod tests;
