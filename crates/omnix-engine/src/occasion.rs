//! When, where and on what something is bought.
//!
//! Deliberately not here: what is sold on an occasion (`model::occasions`), and what that means for the lists
//! (`ranking`).

use jiff::tz::TimeZone;
use omnix_model::{DeviceType, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use crate::calendar;
use crate::math::low32;

/// Hours of a part of the day.
const PART_HOURS: i64 = 6;

/// When, where and on what something is bought. A place is known by a hash of its name: nobody asks what it is
/// called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Occasion {
    /// The quarter of the shop's day, 0..=3, from midnight on.
    pub day_part: u8,
    /// The device, where known.
    pub device: Option<DeviceType>,
    /// The hash of the shop's or region's name, where known.
    pub place: Option<u32>,
}

impl Occasion {
    /// The parts of a day.
    pub const DAY_PARTS: u8 = 4;

    /// An occasion at `at`, in the shop's `zone`.
    #[must_use]
    pub fn new(zone: &TimeZone, at: Timestamp, location: Option<&str>, device: Option<DeviceType>) -> Self {
        let part = calendar::hour_of(zone, at) / PART_HOURS;
        let day_part = u8::try_from(part).unwrap_or(0).min(Self::DAY_PARTS - 1);
        Self { day_part, device, place: location.map(|name| low32(xxh3_64(name.as_bytes()))) }
    }

    /// What makes it up: a part of the day, a device, a place.
    pub(crate) fn circumstances(self) -> impl Iterator<Item = Circumstance> {
        let day_part = Some(Circumstance(self.day_part.into()));
        let device = self.device.map(|device| Circumstance(u32::from(Self::DAY_PARTS - 1 + device.number())));
        [day_part, device, self.place.map(|place| Circumstance(place | Circumstance::PLACE))]
            .into_iter()
            .flatten()
    }
}

/// One circumstance of an occasion, as a stable number: parts of the day from 0, devices from 4, places from 2^31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Circumstance(pub u32);

impl Circumstance {
    const PLACE: u32 = 1 << 31;

    /// Whether it is a place: of these there is no end, of others there are seven.
    pub(crate) const fn is_place(self) -> bool {
        self.0 & Self::PLACE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_occasion_is_made_up_of_the_shops_hour_the_device_and_the_place() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at: Timestamp = "2026-05-04T22:30:00Z".parse().unwrap();
        let numbers = |zone: &TimeZone, location, device| -> Vec<u32> {
            Occasion::new(zone, at, location, device)
                .circumstances()
                .map(|circumstance| circumstance.0)
                .collect()
        };
        assert_eq!(numbers(&TimeZone::UTC, None, None), [3]);
        assert_eq!(numbers(&berlin, None, Some(DeviceType::Web)), [0, 4]);
        assert_eq!(numbers(&berlin, None, Some(DeviceType::Pos)), [0, 6]);
        let [_, place] = numbers(&berlin, Some("Leeds"), None)[..] else { panic!("two") };
        assert!(Circumstance(place).is_place() && !Circumstance(6).is_place());
        assert_ne!(numbers(&berlin, Some("York"), None)[1], place);
    }
}
