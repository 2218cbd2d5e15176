//! The shop's days: which day an instant belongs to, where a day begins, how a date is written.
//!
//! Days are numbered from 1970-01-01 in the shop's time zone, clock changes included.

use jiff::tz::TimeZone;
use omnix_model::Timestamp;

/// A day of the shop's calendar, counted from 1970-01-01.
pub(crate) type Day = i32;

/// The day that `at` belongs to.
pub(crate) fn day_of(zone: &TimeZone, at: Timestamp) -> Day {
    let local_ms = at.ms().saturating_add(offset_ms(zone, at));
    // Years 1970 to 9999 have fewer than 3 million days.
    i32::try_from(local_ms.div_euclid(Timestamp::DAY_MS)).unwrap_or(0)
}

/// The hour of the shop's day in which `at` lies, 0..24.
pub(crate) fn hour_of(zone: &TimeZone, at: Timestamp) -> i64 {
    let local_ms = at.ms().saturating_add(offset_ms(zone, at));
    local_ms.rem_euclid(Timestamp::DAY_MS) / Timestamp::HOUR_MS
}

/// The first instant of `day`.
pub(crate) fn start_of(zone: &TimeZone, day: Day) -> Timestamp {
    let local = Timestamp::from_ms_clamped(i64::from(day).saturating_mul(Timestamp::DAY_MS));
    let guess = local.plus_ms(-offset_ms(zone, local));
    let mut start = local.plus_ms(-offset_ms(zone, guess));
    // Where clocks are put forward at midnight the day begins later than 00:00.
    for _ in 0..3 {
        if day_of(zone, start) >= day {
            break;
        }
        start = start.plus_ms(Timestamp::HOUR_MS);
    }
    start
}

/// The date of `day`, as a person writes it: `5 May 2026`.
pub(crate) fn date_text(day: Day) -> String {
    let ms = i64::from(day).saturating_mul(Timestamp::DAY_MS);
    let instant = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let date = TimeZone::UTC.to_datetime(instant).date();
    date.strftime("%-d %B %Y").to_string()
}

fn offset_ms(zone: &TimeZone, at: Timestamp) -> i64 {
    let instant = jiff::Timestamp::from_millisecond(at.ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    i64::from(zone.to_offset(instant).seconds()) * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_the_shops_own() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let late_evening = at("2026-05-04T22:30:00Z");
        assert_eq!(date_text(day_of(&TimeZone::UTC, late_evening)), "4 May 2026");
        assert_eq!(date_text(day_of(&berlin, late_evening)), "5 May 2026");
    }

    #[test]
    fn every_day_begins_with_its_first_instant() {
        for name in ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Auckland"] {
            let zone = TimeZone::get(name).unwrap();
            for day in 17_000..17_800 {
                let start = start_of(&zone, day);
                assert_eq!(day_of(&zone, start), day, "{name} {day}");
                assert_eq!(day_of(&zone, start.plus_ms(-1)), day - 1, "{name} {day}");
            }
        }
    }
}
