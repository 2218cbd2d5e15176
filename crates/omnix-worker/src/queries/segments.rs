//! All segments, what moved between them, and how they did hour by hour or day by day.
//!
//! How many customers a segment has is kept for the present alone; how many it had follows from that and the moves
//! since. Moves count by the lanes' time, sales by the events' own.

use std::collections::BTreeMap;

use omnix_model::{Segment, SegmentName, Timestamp};
use omnix_storage::StoreError;
use smol_str::SmolStr;

use super::overview::end_of;
use super::{
    Interval, Queries, QueryError, SegmentFlow, SegmentOfPeriod, SegmentPeriod, SegmentRow, SegmentsReport,
    TimeRange,
};
use crate::keys;
use crate::rollup::{Activity, Census, Row, Sales, SegmentSales, decode_row};

/// What went on in one hour or day.
#[derive(Debug, Default)]
struct Period {
    moves: BTreeMap<(SmolStr, SmolStr), u64>,
    sales: BTreeMap<SmolStr, SegmentSales>,
}

/// Hours or days by their first instants.
type Periods = BTreeMap<Timestamp, Period>;

impl Queries {
    /// Every segment with its customers now, the moves of `range`, and its hours or days.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn segments(&self, range: TimeRange, interval: Interval) -> Result<SegmentsReport, QueryError> {
        self.catch_up();
        let census = self.census()?;
        let (periods, since) = self.periods(range, interval)?;
        let mut all = Period::default();
        periods.values().for_each(|period| all.merge(period));
        let mut segments: Vec<SegmentRow> =
            Segment::ALL.map(|segment| row(SegmentName::Known(segment), &census, &all)).into();
        let outside = census.segments.keys().chain(all.labels());
        for label in outside.filter(|label| !label.is_empty()) {
            let name = SegmentName::parse(label);
            if !segments.iter().any(|known| known.name == name) {
                segments.push(row(name, &census, &all));
            }
        }
        let customers =
            census.segments.values().map(|entry| u64::try_from(entry.customers).unwrap_or(0)).sum();
        let flows = all.moves.iter().map(|((from, to), &customers)| SegmentFlow {
            from: Some(from).filter(|label| !label.is_empty()).map(|label| SegmentName::parse(label)),
            to: SegmentName::parse(to),
            customers,
        });
        let flows = flows.collect();
        let periods = followed(&census, &since, periods, &segments);
        Ok(SegmentsReport { segments, flows, customers, periods })
    }

    /// What went on in the hours or days of `range`, and which moves there were since.
    fn periods(&self, range: TimeRange, interval: Interval) -> Result<(Periods, Period), StoreError> {
        let begins = |hour: i64| {
            let at = Timestamp::from_ms_clamped(hour.saturating_mul(Timestamp::HOUR_MS));
            match interval {
                Interval::Hour => at,
                Interval::Day => self.settings.start_of_day(self.settings.day_of(at)),
            }
        };
        let (mut periods, mut since) = (Periods::new(), Period::default());
        let (from, to) = (range.from.hour(), end_of(range.to, Timestamp::HOUR_MS));
        // Those behind the range are needed to count back from the present.
        self.each_row(b'a', (from, i64::MAX), &mut |hour, row: &Activity| {
            let period = if hour < to { periods.entry(begins(hour)).or_default() } else { &mut since };
            row.moves.iter().for_each(|(key, count)| *period.moves.entry(key.clone()).or_default() += count);
        })?;
        self.each_row(b'r', (from, to), &mut |hour, row: &Sales| {
            let period = periods.entry(begins(hour)).or_default();
            row.segments.iter().for_each(|(label, sales)| period.sell(label, *sales));
        })?;
        fill(&mut periods, range.to.min(self.clock.now()), &begins);
        Ok((periods, since))
    }

    fn census(&self) -> Result<Census, StoreError> {
        let mut sum = Census::default();
        for shard in self.shards.iter() {
            for lane in shard.lanes.iter() {
                if let Some(bytes) = shard.store.get(&keys::census(lane))? {
                    let (row, _) =
                        decode_row::<Census>(&bytes).map_err(|error| StoreError(error.to_string()))?;
                    sum.merge(&row);
                }
            }
        }
        Ok(sum)
    }
}

/// Adds the hours or days in which nothing went on, up to `until`.
fn fill(periods: &mut Periods, until: Timestamp, begins: &dyn Fn(i64) -> Timestamp) {
    let Some((&first, _)) = periods.first_key_value() else { return };
    let last = periods.last_key_value().map_or(first, |(&last, _)| last).max(until);
    for hour in first.hour()..=last.hour() {
        periods.entry(begins(hour)).or_default();
    }
}

impl Period {
    fn sell(&mut self, label: &SmolStr, sales: SegmentSales) {
        let sum = self.sales.entry(label.clone()).or_default();
        sum.orders += sales.orders;
        sum.lines += sales.lines;
        sum.revenue += sales.revenue;
    }

    fn merge(&mut self, other: &Self) {
        other.moves.iter().for_each(|(key, count)| *self.moves.entry(key.clone()).or_default() += count);
        other.sales.iter().for_each(|(label, sales)| self.sell(label, *sales));
    }

    fn labels(&self) -> impl Iterator<Item = &SmolStr> {
        self.moves.keys().flat_map(|(from, to)| [from, to]).chain(self.sales.keys())
    }

    fn moved_in(&self, label: &str) -> u64 {
        self.moves.iter().filter(|((_, to), _)| to == label).map(|(_, count)| count).sum()
    }

    fn moved_out(&self, label: &str) -> u64 {
        self.moves.iter().filter(|((from, _), _)| from == label).map(|(_, count)| count).sum()
    }
}

fn row(name: SegmentName, census: &Census, all: &Period) -> SegmentRow {
    let label = name.label();
    let count = census.segments.get(label).copied().unwrap_or_default();
    let sales = all.sales.get(label).copied().unwrap_or_default();
    SegmentRow {
        customers: u64::try_from(count.customers).unwrap_or(0),
        revenue: count.revenue,
        moved_in: all.moved_in(label),
        moved_out: all.moved_out(label),
        orders: sales.orders,
        sales: sales.revenue,
        name,
    }
}

/// The periods, oldest first. What is counted back is never below nothing: moves of very many outside names count
/// as `other`.
fn followed(
    census: &Census,
    since: &Period,
    periods: Periods,
    segments: &[SegmentRow],
) -> Vec<SegmentPeriod> {
    let change = |period: &Period, label: &str| {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        count(period.moved_in(label)) - count(period.moved_out(label))
    };
    let names: Vec<&SegmentName> = segments.iter().map(|segment| &segment.name).collect();
    let mut sizes: Vec<i64> = names
        .iter()
        .map(|name| {
            let now = census.segments.get(name.label()).map_or(0, |entry| entry.customers);
            now - change(since, name.label())
        })
        .collect();
    let mut followed = Vec::with_capacity(periods.len());
    for (from, period) in periods.into_iter().rev() {
        let mut of_period = Vec::new();
        for (name, size) in names.iter().zip(&mut sizes) {
            let label = name.label();
            let sales = period.sales.get(label).copied().unwrap_or_default();
            let (moved_in, moved_out) = (period.moved_in(label), period.moved_out(label));
            let segment = SegmentOfPeriod {
                name: (*name).clone(),
                customers: u64::try_from(*size).unwrap_or(0),
                moved_in,
                moved_out,
                orders: sales.orders,
                sales: sales.revenue,
            };
            let is_idle =
                segment.customers == 0 && moved_in + moved_out == 0 && sales == SegmentSales::default();
            if !is_idle {
                of_period.push(segment);
            }
            *size -= change(&period, label);
        }
        followed.push(SegmentPeriod { from, segments: of_period });
    }
    followed.reverse();
    followed
}
