//! Exact amounts: money in millionths, quantities in thousandths, both parsed from a number's text.
//!
//! A float never stands between the wire and a sum. What has more decimals than we keep is rounded half to
//! even, and says so, so that it can be counted.

use std::fmt;

/// Why a number is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a JSON number.
    #[error("must be a number")]
    Malformed,
    /// Larger than can be kept.
    #[error("must not be beyond 9.2e12")]
    OutOfRange,
}

/// Whether a parsed number had more decimals than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounded {
    /// Kept exactly.
    No,
    /// Rounded half to even.
    Yes,
}

/// An amount of money in millionths of the installation's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

/// A number of pieces, kilograms or litres, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i64);

macro_rules! decimal {
    ($name:ident, $decimals:expr, $unit:ident, $from:ident) => {
        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// Decimals that are kept.
            pub const DECIMALS: u32 = $decimals;

            /// The amount of so many of its smallest units.
            #[must_use]
            pub const fn $from(units: i64) -> Self {
                Self(units)
            }

            /// The amount in its smallest units.
            #[must_use]
            pub const fn $unit(self) -> i64 {
                self.0
            }

            /// The amount that the text of a JSON number says, and whether it had to be rounded.
            ///
            /// # Errors
            /// [`NumberError`] when it is no number, or beyond what can be kept.
            pub fn parse(text: &str) -> Result<(Self, Rounded), NumberError> {
                parse_decimal(text, $decimals).map(|(units, rounded)| (Self(units), rounded))
            }

            /// The nearest float, for statistics; never for sums.
            #[must_use]
            #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
            pub fn as_f64(self) -> f64 {
                self.0 as f64 / 10_f64.powi($decimals)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_decimal(f, i128::from(self.0), $decimals)
            }
        }
    };
}

decimal!(Money, 6, millionths, from_millionths);
decimal!(Quantity, 3, thousandths, from_thousandths);

impl Money {
    /// Writes a sum of money, in millionths, as the shortest decimal text.
    #[must_use]
    pub fn sum_text(millionths: i128) -> String {
        struct Sum(i128);
        impl fmt::Display for Sum {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_decimal(f, self.0, Money::DECIMALS)
            }
        }
        Sum(millionths).to_string()
    }
}

/// Writes `units` of 10^-`decimals` without trailing zeros: `12.5`, `0.1`, `-3`.
fn write_decimal(f: &mut fmt::Formatter<'_>, units: i128, decimals: u32) -> fmt::Result {
    let scale = 10_u128.pow(decimals);
    let (whole, mut fraction) = (units.unsigned_abs() / scale, units.unsigned_abs() % scale);
    if units < 0 {
        f.write_str("-")?;
    }
    write!(f, "{whole}")?;
    if fraction == 0 {
        return Ok(());
    }
    let mut width = decimals as usize;
    while fraction % 10 == 0 {
        fraction /= 10;
        width -= 1;
    }
    write!(f, ".{fraction:0width$}")
}

/// Parses a JSON number (RFC 8259, section 6) into units of 10^-`decimals`, rounding half to even.
fn parse_decimal(text: &str, decimals: u32) -> Result<(i64, Rounded), NumberError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    // Most numbers have no exponent: bytes are looked at faster than characters.
    let (mantissa, exponent) = if digits.bytes().any(|b| matches!(b, b'e' | b'E')) {
        let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
        (mantissa, parse_exponent(exponent)?)
    } else {
        (digits, 0)
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(NumberError::Malformed),
        None => (mantissa, ""),
    };
    let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty()
        || !is_digits(whole)
        || !is_digits(fraction)
        || (whole.len() > 1 && whole.starts_with('0'))
    {
        return Err(NumberError::Malformed);
    }
    // The digit at index `i` of whole+fraction is worth 10^(keep - 1 - i) units.
    let keep = i64::try_from(whole.len()).map_err(out_of_range)? + i64::from(exponent) + i64::from(decimals);
    let (mut units, mut index) = (0_i64, 0_i64);
    let (mut half, mut beyond) = (0_u8, false);
    for digit in whole.bytes().chain(fraction.bytes()).map(|b| b - b'0') {
        if index < keep {
            units = push_digit(units, digit)?;
        } else if index == keep {
            half = digit;
        } else {
            beyond |= digit != 0;
        }
        index += 1;
    }
    while index < keep && units != 0 {
        units = push_digit(units, 0)?;
        index += 1;
    }
    let rounded = if half != 0 || beyond { Rounded::Yes } else { Rounded::No };
    if half > 5 || (half == 5 && (beyond || units % 2 == 1)) {
        units = units.checked_add(1).ok_or(NumberError::OutOfRange)?;
    }
    if units > 9_200_000_000_000_000_000 {
        return Err(NumberError::OutOfRange);
    }
    Ok((if negative { -units } else { units }, rounded))
}

fn push_digit(units: i64, digit: u8) -> Result<i64, NumberError> {
    units.checked_mul(10).and_then(|u| u.checked_add(i64::from(digit))).ok_or(NumberError::OutOfRange)
}

fn parse_exponent(text: &str) -> Result<i32, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NumberError::Malformed);
    }
    let size: i32 = digits.trim_start_matches('0').parse().unwrap_or(if digits.bytes().all(|b| b == b'0') {
        0
    } else {
        99_999
    });
    Ok(if text.starts_with('-') { -size.min(99_999) } else { size.min(99_999) })
}

fn out_of_range(_: std::num::TryFromIntError) -> NumberError {
    NumberError::OutOfRange
}
