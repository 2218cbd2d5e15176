//! What a user may set of the engine. Part of the log: a lane is applied under the last settings read.

use std::cell::RefCell;

use jiff::tz::TimeZone;
use omnix_model::{DecodeError, Timestamp};
use smol_str::SmolStr;

use crate::calendar;

/// The settings that `apply` depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The shop's time zone: its days are what is counted.
    pub time_zone: TimeZone,
    /// The installation's currency (ISO 4217).
    pub currency: SmolStr,
    /// Deviation of an amount from what is usual below which nothing is reported (0.5 = 50 %).
    pub spending_deviation_threshold: f64,
    /// Confidence above which a prediction is an insight.
    pub high_confidence_threshold: f64,
    /// Confidence above which the insight's priority is high.
    pub critical_confidence_threshold: f64,
    /// How long a basket waits for another line after its last, in milliseconds of the lane's time.
    pub buffer_flush_interval_ms: i64,
    /// Lines after which a basket is evaluated even though more may come.
    pub buffer_lines_max: u32,
    /// Insights of our own about one customer because of one day of the shop's calendar; critical ones are raised
    /// beyond it. 0: as many as there are.
    pub customer_insights_per_day: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::UTC,
            currency: SmolStr::new_static("EUR"),
            spending_deviation_threshold: 0.5,
            high_confidence_threshold: 0.7,
            critical_confidence_threshold: 0.9,
            buffer_flush_interval_ms: 5_000,
            buffer_lines_max: 50,
            customer_insights_per_day: 5,
        }
    }
}

impl Settings {
    /// The day of the shop's calendar in which `at` lies, counted from 1970-01-01.
    #[must_use]
    pub fn day_of(&self, at: Timestamp) -> i32 {
        calendar::day_of(&self.time_zone, at)
    }

    /// The instant at which such a day begins.
    #[must_use]
    pub fn start_of_day(&self, day: i32) -> Timestamp {
        calendar::start_of(&self.time_zone, day)
    }

    /// The settings as canonical text, one `name = value` a line: the body of the log's settings record.
    #[must_use]
    pub fn to_text(&self) -> String {
        let zone = self.time_zone.iana_name().unwrap_or("UTC");
        format!(
            "time_zone = {zone}\ncurrency = {}\nspending_deviation_threshold = {}\nhigh_confidence_threshold = {}\n\
             critical_confidence_threshold = {}\nbuffer_flush_interval_ms = {}\nbuffer_lines_max = {}\n\
             customer_insights_per_day = {}\n",
            self.currency,
            self.spending_deviation_threshold,
            self.high_confidence_threshold,
            self.critical_confidence_threshold,
            self.buffer_flush_interval_ms,
            self.buffer_lines_max,
            self.customer_insights_per_day,
        )
    }

    /// The settings that [`Self::to_text`] wrote; names that it does not hold keep their defaults.
    ///
    /// # Errors
    /// [`DecodeError`] for a name or value that was never written.
    pub fn from_text(text: &str) -> Result<Self, DecodeError> {
        let mut settings = Self::default();
        for line in text.lines() {
            let (name, value) = line.split_once(" = ").ok_or(DecodeError::Invalid("settings"))?;
            match name {
                "time_zone" => {
                    settings.time_zone = TimeZone::get(value).or(Err(DecodeError::Invalid("time zone")))?
                }
                "currency" => settings.currency = SmolStr::new(value),
                "spending_deviation_threshold" => settings.spending_deviation_threshold = number(value)?,
                "high_confidence_threshold" => settings.high_confidence_threshold = number(value)?,
                "critical_confidence_threshold" => settings.critical_confidence_threshold = number(value)?,
                "buffer_flush_interval_ms" => settings.buffer_flush_interval_ms = number(value)?,
                "buffer_lines_max" => settings.buffer_lines_max = number(value)?,
                "customer_insights_per_day" => settings.customer_insights_per_day = number(value)?,
                _ => return Err(DecodeError::Invalid("settings")),
            }
        }
        Ok(settings)
    }

    /// The hash under which insights and the log name these settings.
    #[must_use]
    pub fn hash(&self) -> u64 {
        thread_local! {
            /// The settings asked for last: every insight names them, and they hardly ever change.
            static LAST: RefCell<Option<(Settings, u64)>> = const { RefCell::new(None) };
        }
        LAST.with_borrow_mut(|last| match last {
            Some((settings, hash)) if settings == self => *hash,
            _ => {
                let hash = xxhash_rust::xxh3::xxh3_64(self.to_text().as_bytes());
                *last = Some((self.clone(), hash));
                hash
            }
        })
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, DecodeError> {
    text.parse().or(Err(DecodeError::Invalid("settings")))
}
