//! Numbers in one canonical spelling, without losing a digit: `2.0`, `20e-1` and `2` are `2`.

use std::fmt::Write as _;

/// Decimals and trailing zeros up to which a number is written without an exponent.
const PLAIN_PLACES_MAX: i64 = 21;

/// Writes the number `text` (well-formed JSON) in its canonical spelling.
pub(super) fn write_canonical(text: &str, out: &mut String) {
    if canonical(text, out).is_none() {
        // An exponent beyond 18 digits: nothing shorter says the same.
        out.push_str(text);
    }
}

fn canonical(text: &str, out: &mut String) -> Option<()> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    if exponent.len() > 18 {
        return None;
    }
    let mut exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    exponent -= i64::try_from(fraction.len()).ok()?;
    let all = [whole, fraction].concat();
    let without_zeros = all.trim_end_matches('0');
    exponent += i64::try_from(all.len() - without_zeros.len()).ok()?;
    let digits = without_zeros.trim_start_matches('0');
    if digits.is_empty() {
        out.push('0');
        return Some(());
    }
    out.push_str(sign);
    let len = i64::try_from(digits.len()).ok()?;
    if (0..=PLAIN_PLACES_MAX - len).contains(&exponent) {
        out.push_str(digits);
        out.extend((0..exponent).map(|_| '0'));
    } else if (1 - PLAIN_PLACES_MAX..0).contains(&exponent) {
        let (whole, fraction) = match usize::try_from(len + exponent) {
            Ok(point) => digits.split_at_checked(point)?,
            Err(_) => ("", digits),
        };
        out.push_str(if whole.is_empty() { "0" } else { whole });
        out.push('.');
        let zeros = -exponent - i64::try_from(fraction.len()).ok()?;
        out.extend((0..zeros).map(|_| '0'));
        out.push_str(fraction);
    } else {
        write!(out, "{digits}e{exponent}").ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::write_canonical;

    fn canonical(text: &str) -> String {
        let mut out = String::new();
        write_canonical(text, &mut out);
        out
    }

    #[test]
    fn equal_numbers_have_one_spelling() {
        for (text, expected) in [
            ("2", "2"),
            ("2.0", "2"),
            ("20e-1", "2"),
            ("0.2E+1", "2"),
            ("-0", "0"),
            ("-0.0e9", "0"),
            ("0.5", "0.5"),
            ("-12.340", "-12.34"),
            ("0.00012", "0.00012"),
            ("1e3", "1000"),
            ("1e300", "1e300"),
            ("10e299", "1e300"),
            ("1.5e-300", "15e-301"),
            ("12345678901234567890123", "12345678901234567890123e0"),
            ("1e9999999999999999999", "1e9999999999999999999"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
            assert_eq!(canonical(expected), expected, "{text} twice");
        }
    }
}
