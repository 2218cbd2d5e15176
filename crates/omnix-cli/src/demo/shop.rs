//! A simulated shop with known truth: who buys what and when, drawn from a seed.
//!
//! Regulars buy each of their products when it runs out, occasional customers when they feel like it; some
//! come new, some stop. Nothing here knows how insights are found: it only knows what is true.

use std::collections::VecDeque;

use omnix_model::{
    CustomerId, DeviceType, Event, EventId, Money, OrderId, ProductId, Purchase, Quantity, Timestamp,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use smol_str::{SmolStr, format_smolstr};

use super::assortment::{ASSORTMENT, Product};

const DAY_MS: i64 = Timestamp::DAY_MS;
/// A product bought this many days before it runs out comes along.
const AHEAD_DAYS: f64 = 1.5;

/// How a customer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Buys a few products whenever they run out.
    Regular,
    /// A regular with large baskets: what a shop lives on.
    Champion,
    /// Comes now and then for something or other.
    Occasional,
    /// A till without customer cards: thousands of orders under one id.
    Till,
}

/// One simulated customer.
#[derive(Debug, Clone)]
pub(crate) struct Shopper {
    pub(crate) id: String,
    pub(crate) habit: Habit,
    /// Favourite products, how long each lasts this household, and the day on which it runs out.
    favourites: Vec<(usize, f64, f64)>,
    next_visit: f64,
    visit_days: f64,
    joins: f64,
    leaves: f64,
    location: &'static str,
    device: DeviceType,
}

/// One order.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) customer: String,
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) lines: Vec<Line>,
    location: &'static str,
    device: DeviceType,
}

/// One line of an order; a return has a negative quantity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    product: &'static Product,
    pub(crate) quantity: i64,
}

/// The shop: its customers and the day it has come to.
#[derive(Debug)]
pub(crate) struct Shop {
    rng: StdRng,
    start: Timestamp,
    day: u32,
    orders: u64,
    /// Who bought live lately, the latest last: they do not come again at once.
    lately: VecDeque<usize>,
    pub(crate) shoppers: Vec<Shopper>,
    /// Champions who stop, and the day of their last visit.
    pub(crate) leavers: Vec<(String, Timestamp)>,
}

/// How many of each kind of customer the shop has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    pub(crate) regulars: usize,
    pub(crate) champions: usize,
    pub(crate) leavers: usize,
    pub(crate) occasional: usize,
    pub(crate) newcomers: usize,
}

impl Population {
    /// About so many customers, of each kind its share; of those whom the demo needs by name, enough.
    pub(crate) fn of(customers: u32) -> Self {
        let customers = usize::try_from(customers).unwrap_or(usize::MAX);
        let share = |percent: usize| customers / 100 * percent + customers % 100 * percent / 100;
        Self {
            regulars: share(35),
            champions: share(5).max(8),
            leavers: (customers / 170).max(2),
            occasional: share(53),
            newcomers: share(7),
        }
    }
}

impl Line {
    /// What the line comes to, in cents.
    pub(crate) const fn cents(self) -> i64 {
        self.product.price * self.quantity
    }
}

impl Shop {
    /// A shop that opens at `start` and whose history is `days` long.
    pub(crate) fn new(seed: u64, start: Timestamp, days: u32, population: Population) -> Self {
        let mut shop = Self {
            rng: StdRng::seed_from_u64(seed),
            start,
            day: 0,
            orders: 0,
            lately: VecDeque::new(),
            shoppers: Vec::new(),
            leavers: Vec::new(),
        };
        let length = f64::from(days);
        for i in 0..population.champions {
            shop.add(&format!("champion-{i:02}"), Habit::Champion, 0.0, f64::INFINITY);
        }
        for i in 0..population.leavers {
            // Long enough ago that it shows, each a little later than the one before.
            let later = 6.0 * f64::from(u32::try_from(i % 5).unwrap_or(0));
            let leaves = (length - 110.0).max(length * 0.4) + later;
            shop.add(&format!("leaver-{i:02}"), Habit::Champion, 0.0, leaves);
        }
        for i in 0..population.regulars {
            shop.add(&format!("regular-{i:03}"), Habit::Regular, 0.0, f64::INFINITY);
        }
        for i in 0..population.occasional {
            shop.add(&format!("visitor-{i:03}"), Habit::Occasional, 0.0, f64::INFINITY);
        }
        for i in 0..population.newcomers {
            let joins = length - shop.rng.random_range(1.0..25.0);
            shop.add(&format!("new-{i:03}"), Habit::Regular, joins, f64::INFINITY);
        }
        shop.add("till-7", Habit::Till, 0.0, f64::INFINITY);
        shop
    }

    fn add(&mut self, id: &str, habit: Habit, joins: f64, leaves: f64) {
        let rng = &mut self.rng;
        let count = match habit {
            Habit::Champion => rng.random_range(8..14),
            Habit::Regular => rng.random_range(3..7),
            Habit::Occasional | Habit::Till => 0,
        };
        let pace = match habit {
            Habit::Champion => rng.random_range(0.5..0.8),
            _ => rng.random_range(0.8..1.6),
        };
        let mut favourites: Vec<(usize, f64, f64)> = Vec::new();
        while favourites.len() < count {
            let Some(index) = pick(rng, 100.0, None) else { break };
            if favourites.iter().any(|&(known, ..)| known == index) {
                continue;
            }
            let lasts = ASSORTMENT.get(index).map_or(30.0, |product| product.lasts_days * pace);
            favourites.push((index, lasts, joins + rng.random_range(0.0..lasts)));
        }
        let visit_days = rng.random_range(20.0..70.0);
        self.shoppers.push(Shopper {
            id: id.to_owned(),
            habit,
            favourites,
            next_visit: joins + rng.random_range(0.0..visit_days),
            visit_days,
            joins,
            leaves,
            location: ["Market Square", "Station", "Web store"].choose(rng).copied().unwrap_or("Web store"),
            device: *DeviceType::ALL.choose(rng).unwrap_or(&DeviceType::Web),
        });
        if leaves.is_finite() {
            self.leavers.push((id.to_owned(), self.start.plus_ms(days_ms(leaves))));
        }
    }

    /// The orders of the next day, in order of time.
    pub(crate) fn next_day(&mut self) -> Vec<Order> {
        let today = f64::from(self.day);
        let opens = self.start.plus_ms(i64::from(self.day) * DAY_MS);
        self.day += 1;
        let mut orders = Vec::new();
        for index in 0..self.shoppers.len() {
            let visits = self.visits(index, today);
            for _ in 0..visits {
                let at = opens.plus_ms(self.rng.random_range(8 * 3_600_000..20 * 3_600_000));
                orders.extend(self.order_of(index, today, at));
            }
        }
        orders.sort_by_key(|order| order.at);
        let returns: Vec<Order> = orders.iter().filter_map(|order| self.maybe_return(order)).collect();
        orders.extend(returns);
        orders.sort_by_key(|order| order.at);
        orders
    }

    fn visits(&mut self, index: usize, today: f64) -> usize {
        let Some(shopper) = self.shoppers.get(index) else { return 0 };
        if today < shopper.joins || today >= shopper.leaves {
            return 0;
        }
        match shopper.habit {
            Habit::Till => self.rng.random_range(15..35),
            Habit::Occasional => usize::from(today >= shopper.next_visit),
            Habit::Regular | Habit::Champion => {
                usize::from(shopper.favourites.iter().any(|&(.., runs_out)| runs_out <= today))
            }
        }
    }

    /// What the shopper buys on `today`, at `at`.
    fn order_of(&mut self, index: usize, today: f64, at: Timestamp) -> Option<Order> {
        let month = month_of(at);
        let rng = &mut self.rng;
        let shopper = self.shoppers.get_mut(index)?;
        let mut lines: Vec<Line> = Vec::new();
        for (product, lasts, runs_out) in &mut shopper.favourites {
            let Some(bought) = ASSORTMENT.get(*product).filter(|bought| bought.sells_in(month)) else {
                continue;
            };
            if *runs_out <= today + AHEAD_DAYS {
                let quantity = if rng.random_bool(0.1) { 2 } else { 1 };
                lines.push(Line { product: bought, quantity });
                *runs_out = today + *lasts * quantity_factor(quantity) * jitter(rng);
            }
        }
        let impulses = match shopper.habit {
            Habit::Regular | Habit::Champion => usize::from(rng.random_bool(0.3)),
            Habit::Occasional | Habit::Till => rng.random_range(1..4),
        };
        for _ in 0..impulses {
            let product = pick(rng, 300.0, Some(month)).and_then(|index| ASSORTMENT.get(index));
            lines.extend(product.map(|product| Line { product, quantity: 1 }));
        }
        shopper.next_visit = today + shopper.visit_days * jitter(rng);
        if lines.is_empty() {
            return None;
        }
        self.orders += 1;
        let (customer, location, device) = (shopper.id.clone(), shopper.location, shopper.device);
        Some(Order { customer, id: format!("o-{:06}", self.orders), at, lines, location, device })
    }

    /// One order in sixty comes back in part, an hour or two later.
    fn maybe_return(&mut self, order: &Order) -> Option<Order> {
        if !self.rng.random_bool(1.0 / 60.0) {
            return None;
        }
        let line = *order.lines.first()?;
        self.orders += 1;
        Some(Order {
            id: format!("o-{:06}", self.orders),
            at: order.at.plus_ms(self.rng.random_range(3_600_000..2 * 3_600_000)),
            lines: vec![Line { quantity: -1, ..line }],
            ..order.clone()
        })
    }

    /// An order at `at` by one of those who are due soonest.
    pub(crate) fn next_live(&mut self, at: Timestamp) -> Option<Order> {
        let today = f64::from(self.day);
        let due = |shopper: &Shopper| match shopper.habit {
            Habit::Till => today,
            Habit::Occasional => shopper.next_visit,
            Habit::Regular | Habit::Champion => {
                shopper.favourites.iter().map(|&(.., runs_out)| runs_out).fold(f64::INFINITY, f64::min)
            }
        };
        let mut soonest: Vec<(f64, usize)> = self
            .shoppers
            .iter()
            .enumerate()
            .filter(|(index, shopper)| today < shopper.leaves && !self.lately.contains(index))
            .map(|(index, shopper)| (due(shopper), index))
            .collect();
        soonest.sort_by(|a, b| a.0.total_cmp(&b.0));
        soonest.truncate(40);
        let &(due, index) = soonest.choose(&mut self.rng)?;
        self.lately.push_back(index);
        if self.lately.len() > self.shoppers.len() / 2 {
            self.lately.pop_front();
        }
        self.order_of(index, today.max(due), at)
    }

    /// An order of this customer for so many espresso machines.
    pub(crate) fn unusual(&mut self, customer: &str, pieces: i64, at: Timestamp) -> Option<Order> {
        let index = self.shoppers.iter().position(|shopper| shopper.id == customer)?;
        let product = ASSORTMENT.iter().find(|product| product.id == "coffee-machine")?;
        let shopper = self.shoppers.get(index)?;
        self.orders += 1;
        Some(Order {
            customer: shopper.id.clone(),
            id: format!("o-{:06}", self.orders),
            at,
            lines: vec![Line { product, quantity: pieces }],
            location: shopper.location,
            device: shopper.device,
        })
    }
}

impl Order {
    /// The events of the order, one a line.
    pub(crate) fn events(&self) -> Vec<(EventId, Event)> {
        let lines = u32::try_from(self.lines.len()).ok();
        let event = |(number, line): (usize, &Line)| {
            let id = EventId::new(&format!("demo:{}:{}", self.id, number + 1)).ok()?;
            let amount = Money::from_millionths(line.product.price * 10_000 * line.quantity);
            let purchase = Purchase {
                customer_id: Some(CustomerId::new(&self.customer).ok()?),
                product_id: ProductId::new(line.product.id).ok()?,
                product_category: SmolStr::new_static(line.product.category),
                product_name: SmolStr::new_static(line.product.name),
                quantity: Quantity::from_thousandths(line.quantity * 1_000),
                price: Money::from_millionths(line.product.price * 10_000),
                total_amount: amount,
                timestamp: self.at,
                location: Some(SmolStr::new_static(self.location)),
                payment_method: Some(SmolStr::new_static("card")),
                device_type: Some(self.device),
                order_id: Some(OrderId::new(&self.id).ok()?),
                order_lines: lines,
                metadata: format_smolstr!(r#"{{"orderId":"{}","orderLines":{}}}"#, self.id, self.lines.len()),
                extra: SmolStr::default(),
            };
            Some((id, Event::Purchase(purchase)))
        };
        self.lines.iter().enumerate().filter_map(event).collect()
    }
}

/// A product, the earlier ones of the assortment more often; `spread` is how far down one looks.
fn pick(rng: &mut StdRng, spread: f64, month: Option<i8>) -> Option<usize> {
    let weight = |(rank, product): (usize, &Product)| {
        let sells = month.is_none_or(|month| product.sells_in(month))
            && (month.is_some() || product.lasts_days < 100.0);
        let season = if product.season.is_some() && month.is_some() { 3.0 } else { 1.0 };
        if sells {
            season / (1.0 + f64::from(u32::try_from(rank).unwrap_or(u32::MAX)) * 10.0 / spread)
        } else {
            0.0
        }
    };
    let weights: Vec<f64> = ASSORTMENT.iter().enumerate().map(weight).collect();
    let mut left = rng.random_range(0.0..weights.iter().sum());
    weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    })
}

/// Around 1, off by a quarter either way.
fn jitter(rng: &mut StdRng) -> f64 {
    let bell: f64 = (0..4).map(|_| rng.random_range(-1.0..1.0)).sum();
    (0.22 * bell).exp()
}

/// Who buys two at once comes back later, though not twice as late.
fn quantity_factor(quantity: i64) -> f64 {
    if quantity > 1 { 1.8 } else { 1.0 }
}

#[expect(clippy::cast_possible_truncation, reason = "a number of days within a few years")]
fn days_ms(days: f64) -> i64 {
    (days * 86_400_000.0) as i64
}

/// The month of a UTC date, 1..=12.
fn month_of(at: Timestamp) -> i8 {
    let instant = jiff::Timestamp::from_millisecond(at.ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::TimeZone::UTC.to_datetime(instant).month()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(seed: u64) -> Vec<(String, Timestamp, usize)> {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut shop = Shop::new(seed, start, 150, Population::of(850));
        let days = (0..150).flat_map(|_| shop.next_day()).collect::<Vec<_>>();
        days.iter().map(|order| (order.customer.clone(), order.at, order.lines.len())).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_shop() {
        assert_eq!(orders(7), orders(7));
        assert_ne!(orders(7), orders(8));
    }

    #[test]
    fn who_leaves_does_not_come_back_and_the_others_do() {
        let all = orders(1);
        let last = |id: &str| all.iter().filter(|(who, ..)| who == id).map(|(_, at, _)| *at).max().unwrap();
        let end: Timestamp = "2026-05-31T00:00:00Z".parse().unwrap();
        assert!(end.ms_since(last("leaver-00")) > 80 * DAY_MS);
        assert!(end.ms_since(last("champion-00")) < 20 * DAY_MS);
        assert!(all.len() > 5_000);
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (date, month) in
            [("2026-01-31", 1), ("2026-02-28", 2), ("2024-02-29", 2), ("2026-12-31", 12), ("2000-03-01", 3)]
        {
            assert_eq!(month_of(format!("{date}T12:00:00Z").parse().unwrap()), month, "{date}");
        }
    }
}
