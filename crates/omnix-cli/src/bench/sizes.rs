//! How much of everything a run of the bench takes.

use std::time::Duration;

use super::events::Population;

/// The sizes of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Windows of each measurement; the median counts.
    pub(crate) windows: u32,
    /// How long one lasts.
    pub(crate) window: Duration,
    /// After this an idle server's memory is looked at.
    pub(crate) idle: Duration,
    /// What is imported.
    pub(crate) shop: Population,
    /// What the engine alone is given.
    pub(crate) engine: Population,
    /// Whose memory is measured: the products of each are its favourites.
    pub(crate) held: Population,
    /// Few customers, to compare with many.
    pub(crate) few: Population,
    /// Many customers, as many events.
    pub(crate) many: Population,
    /// What lies behind a restart.
    pub(crate) behind: Population,
}

impl Sizes {
    /// What counts.
    pub(crate) const fn full(windows: u32, window: Duration) -> Self {
        let few =
            Population { events: 2_000_000, customers: 10_000, favourites: 20, products: 3_700, days: 60 };
        Self {
            windows,
            window,
            idle: Duration::from_secs(3),
            shop: Population::SHOP,
            engine: Population { events: 200_000, ..Population::SHOP },
            held: Population {
                events: 6_000_000,
                customers: 100_000,
                favourites: 60,
                products: 5_000,
                days: 180,
            },
            few,
            many: Population { customers: 1_000_000, ..few },
            behind: Population {
                events: 10_000_000,
                customers: 100_000,
                favourites: 40,
                products: 5_000,
                days: 200,
            },
        }
    }

    /// As little as shows that everything runs.
    pub(crate) const fn quick() -> Self {
        let few = Population { events: 1_000, customers: 50, favourites: 5, products: 100, days: 10 };
        Self {
            windows: 1,
            window: Duration::from_millis(200),
            idle: Duration::ZERO,
            shop: few,
            engine: few,
            held: few,
            few,
            many: Population { customers: 500, ..few },
            behind: few,
        }
    }
}
