//! Histories made from a seed: the same seed gives the same history, on every machine.

use omnix_model::{Event, Purchase, Timestamp};

use crate::common::{at, of_order, prediction, purchase, segment_update};

/// Numbers from a seed (`SplitMix64`).
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }

    fn signed(&mut self, below: u64) -> i64 {
        self.next(below).cast_signed()
    }
}

/// How the lines of one order follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// Within a second, so that every one of them is in before the basket ends.
    Together,
    /// Up to two minutes apart.
    Apart,
    /// The same, and with times of their own before those of lines that came earlier.
    Jumbled,
}

/// Baskets of one customer, in the order of time; each is a list of events.
pub(crate) fn baskets(seed: u64, count: usize, lines: Lines) -> Vec<Vec<Event>> {
    let mut seed = Seed(seed);
    let mut now = at("2026-01-05T08:00:00Z").plus_ms(seed.signed(86_400_000));
    let rhythm_days = 1 + seed.signed(20);
    let mut baskets = Vec::new();
    for number in 0..count {
        now = now.plus_ms(gap_ms(&mut seed, rhythm_days));
        baskets.push(match seed.next(20) {
            0 => vec![update(&mut seed, now)],
            1 => vec![Event::Purchase(returned(&mut seed, now))],
            2 => vec![prediction("p3", 0.5 + 0.05 * (number % 10) as f64, number % 2 == 0, now)],
            _ => order(&mut seed, number, &mut now, lines),
        });
    }
    baskets
}

fn gap_ms(seed: &mut Seed, rhythm_days: i64) -> i64 {
    let day = Timestamp::DAY_MS;
    match seed.next(12) {
        0 => 700_000 + seed.signed(3_600_000),
        1 => seed.signed(200).saturating_mul(day) + 700_000,
        _ => rhythm_days * day + seed.signed(8 * 3_600_000) + 700_000,
    }
}

fn order(seed: &mut Seed, number: usize, now: &mut Timestamp, lines: Lines) -> Vec<Event> {
    let is_huge = seed.next(15) == 0;
    let has_id = seed.next(4) != 0;
    let count = if seed.next(20) == 0 { 60 } else { 1 + seed.next(4) };
    let mut events = Vec::new();
    for index in 0..count {
        let amount = if is_huge { 2_000 } else { 5 + seed.signed(40) };
        let product = format!("p{}", seed.next(7) + if seed.next(5) == 0 { 7 + seed.next(40) } else { 0 });
        let back = if lines == Lines::Jumbled && index > 0 { seed.signed(90_000) } else { 0 };
        let mut line = purchase(&product, amount, now.plus_ms(-back));
        if has_id || lines != Lines::Together {
            line = of_order(&format!("o{number}"), line);
        }
        events.push(Event::Purchase(line));
        if index + 1 < count {
            *now = now.plus_ms(match lines {
                Lines::Together => seed.signed(15),
                Lines::Apart | Lines::Jumbled => seed.signed(9_000),
            });
        }
    }
    events
}

fn returned(seed: &mut Seed, now: Timestamp) -> Purchase {
    purchase(&format!("p{}", seed.next(7)), -1 - seed.signed(20), now)
}

fn update(seed: &mut Seed, now: Timestamp) -> Event {
    const NAMES: [&str; 5] = ["Champions", "At Risk", "Lost", "VIP", "Loyal Customers"];
    let name = |number: u64| NAMES.get(usize::try_from(number).unwrap_or(0)).copied().unwrap_or("Lost");
    let from = (seed.next(2) == 0).then(|| name(seed.next(5)));
    segment_update(from, name(seed.next(5)), now)
}
