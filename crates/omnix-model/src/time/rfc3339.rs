//! Reads the times of RFC 3339, section 5.6, and nothing else: no dates alone, no time zones by name. Writes
//! them in UTC with exactly three decimals.
//!
//! By hand because it is on the path of every event, and because general parsers take more than the RFC.

use std::fmt;

use super::{TimeError, Timestamp};

/// The instant that `text` names, what is finer than a millisecond cut off. A leap second is the second
/// before it.
pub(super) fn parse(text: &str) -> Result<Timestamp, TimeError> {
    let bytes = text.as_bytes();
    let (date_time, rest) = bytes.split_first_chunk::<19>().ok_or(TimeError::Malformed)?;
    let [
        y3,
        y2,
        y1,
        y0,
        b'-',
        mo1,
        mo0,
        b'-',
        d1,
        d0,
        b'T' | b't' | b' ',
        h1,
        h0,
        b':',
        m1,
        m0,
        b':',
        s1,
        s0,
    ] = *date_time
    else {
        return Err(TimeError::Malformed);
    };
    let (year_high, year_low) = (two_digits(y3, y2)?, two_digits(y1, y0)?);
    let (month, day) = (two_digits(mo1, mo0)?, two_digits(d1, d0)?);
    let (hour, minute, second) = (two_digits(h1, h0)?, two_digits(m1, m0)?, two_digits(s1, s0)?);
    let year = year_high * 100 + year_low;
    if !(1..=days_of_month(year, month)).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return Err(TimeError::Malformed);
    }
    let (fraction_ms, offset) = fraction(rest)?;
    let offset_minutes = offset_minutes(offset)?;
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    let ms = (minutes * 60 + second.min(59)) * 1000 + fraction_ms;
    if (Timestamp::MIN.ms()..=Timestamp::MAX.ms()).contains(&ms) {
        Ok(Timestamp::from_ms_clamped(ms))
    } else {
        Err(TimeError::OutOfRange)
    }
}

/// The milliseconds of `.123456`, where there is such, and what follows.
fn fraction(rest: &[u8]) -> Result<(i64, &[u8]), TimeError> {
    let Some(b'.') = rest.first() else { return Ok((0, rest)) };
    let digits = rest.get(1..).unwrap_or_default();
    let len = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(len).unwrap_or((digits, &[]));
    if digits.is_empty() {
        return Err(TimeError::Malformed);
    }
    let ms = digits.iter().chain([b'0'; 3].iter()).take(3);
    Ok((ms.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0')), rest))
}

fn offset_minutes(offset: &[u8]) -> Result<i64, TimeError> {
    let (sign, h1, h0, m1, m0) = match *offset {
        [] => return Err(TimeError::WithoutOffset),
        [b'Z' | b'z'] => return Ok(0),
        [b'+', h1, h0, b':', m1, m0] => (1, h1, h0, m1, m0),
        [b'-', h1, h0, b':', m1, m0] => (-1, h1, h0, m1, m0),
        _ => return Err(TimeError::Malformed),
    };
    let (hours, minutes) = (two_digits(h1, h0)?, two_digits(m1, m0)?);
    if hours > 23 || minutes > 59 {
        return Err(TimeError::Malformed);
    }
    Ok(sign * (hours * 60 + minutes))
}

fn two_digits(tens: u8, ones: u8) -> Result<i64, TimeError> {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        Ok(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    } else {
        Err(TimeError::Malformed)
    }
}

/// 0 for no such month.
const fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

/// The days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - 719_468
}

/// Writes `time` as `2026-01-05T10:00:00.000Z`.
pub(super) fn write(time: Timestamp, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (year, month, day) = date_of(time.utc_day());
    let ms = time.ms().rem_euclid(Timestamp::DAY_MS);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

/// Year, month and day, so many days after 1970-01-01: the inverse of [`days_since_1970`].
const fn date_of(days: i64) -> (i64, i64, i64) {
    // Days of 400, of 100, of 4 years and of one; years begin in March.
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = days.div_euclid(146_097) * 400 + year_of_era;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}
