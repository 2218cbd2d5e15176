//! The shop's days: which day an instant belongs to, where a day begins, how a date is written.
//!
//! Days are numbered from 1970-01-01 in the shop's time zone, clock changes included.

use jiff::tz::TimeZone;
use omnix_model::Timestamp;

/// A day of the shop's calendar, counted from 1970-01-01.
pub(crate) type Day = i32;

/// Hours of a day.
pub(crate) const HOURS: usize = 24;
/// Hours on either side of one that are near it.
const NEAR_HOURS: usize = 3;

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

/// The same, where a time of day is known: an instant that is midnight to the millisecond, in the shop's zone or in
/// UTC, is a date and no more.
pub(crate) fn known_hour_of(zone: &TimeZone, at: Timestamp) -> Option<u8> {
    let offset = offset_ms(zone, at);
    let is_midnight = |ms: i64| ms.rem_euclid(Timestamp::DAY_MS) == 0;
    if is_midnight(at.ms()) || is_midnight(at.ms().saturating_add(offset)) {
        return None;
    }
    u8::try_from(hour_of(zone, at)).ok()
}

/// The hours that lie within three of `hour`, round the clock.
pub(crate) fn near_hours(hour: u8) -> impl Iterator<Item = usize> {
    let first = usize::from(hour) + HOURS - NEAR_HOURS;
    (first..=first + 2 * NEAR_HOURS).map(|hour| hour % HOURS)
}

/// The time of the shop's day at `at`, as a person writes it: `03:12`.
pub(crate) fn clock_text(zone: &TimeZone, at: Timestamp) -> String {
    let minutes = at.ms().saturating_add(offset_ms(zone, at)).rem_euclid(Timestamp::DAY_MS) / 60_000;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
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
    fn a_date_alone_has_no_hour() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let hour = |zone: &TimeZone, text: &str| known_hour_of(zone, at(text));
        assert_eq!(hour(&berlin, "2026-05-04T00:00:00Z"), None);
        assert_eq!(hour(&berlin, "2026-05-04T22:00:00Z"), None, "midnight in Berlin");
        assert_eq!(hour(&TimeZone::UTC, "2026-05-04T22:00:00Z"), Some(22));
        assert_eq!(hour(&berlin, "2026-05-04T00:00:01Z"), Some(2));
        assert_eq!(clock_text(&berlin, at("2026-05-04T22:07:59Z")), "00:07");
    }

    #[test]
    fn the_same_hour_of_the_shops_day_in_summer_and_in_winter() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(known_hour_of(&berlin, at("2026-03-28T08:00:00Z")), Some(9));
        assert_eq!(known_hour_of(&berlin, at("2026-03-30T07:00:00Z")), Some(9));
        assert_eq!(near_hours(1).collect::<Vec<_>>(), [22, 23, 0, 1, 2, 3, 4]);
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
