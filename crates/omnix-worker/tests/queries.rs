//! What can be asked of a stream, over rows written by hand.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use omnix_engine::{Model, Settings};
use omnix_model::{
    CustomerId, ErrorCode, Fault, Insight, InsightId, InsightKind, Lane, LaneRange, LogId, Money, Position,
    Priority, RejectedEvent, SegmentName, ShardId, Suppressed, Timestamp,
};
use omnix_storage::{Atomicity, Commit, MemoryStore, StateStore, Write};
use omnix_worker::book::Book;
use omnix_worker::rollup::{Activity, Census, Sales, encode_row};
use omnix_worker::rows::{FeedEntry, IndexEntry};
use omnix_worker::{
    CommitOnDemand, FeedCursor, InsightFilter, Interval, ManualClock, PageRequest, Progress, Queries,
    QueryError, RejectedFilter, ShardView, TimeRange, keys,
};

const SHARDS: usize = 3;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms_clamped(ms)
}

fn insight(customer: &str, number: u8, ms: i64) -> Insight {
    Insight {
        id: InsightId([number; 16]),
        customer_id: CustomerId::new(customer).unwrap(),
        kind: InsightKind::ALL[usize::from(number % 4)],
        priority: Priority::ALL[usize::from(number / 4 % 4)],
        action_required: number.is_multiple_of(2),
        timestamp: at(ms),
        event_timestamp: at(ms),
        revision: 0,
        model_version: 0,
        settings_version: 0,
        message_id: "m".into(),
        sentence: format!("insight {number}"),
        params: Vec::new(),
        figures: Vec::new(),
    }
}

struct Bench {
    stores: Vec<MemoryStore>,
    progress: Vec<Arc<Progress>>,
}

impl Bench {
    fn new() -> Self {
        let stores = (0..SHARDS).map(|_| MemoryStore::new(Atomicity::Commit)).collect();
        Self { stores, progress: (0..SHARDS).map(|_| Arc::default()).collect() }
    }

    fn put(&mut self, lane: Lane, writes: Vec<(Vec<u8>, Vec<u8>)>) {
        let shard = usize::from(ShardId::of_lane(lane, SHARDS).0);
        let effects = writes.into_iter().map(|(key, value)| Write::Put { key, value }).collect();
        self.stores[shard].commit(&Commit { effects, ..Commit::default() }).unwrap();
    }

    fn raise(&mut self, insight: &Insight, position: Position) {
        let lane = Lane::of(&insight.customer_id);
        let (raised_at, id) = (insight.timestamp, insight.id);
        let entry =
            FeedEntry { lane, customer_id: insight.customer_id.clone(), raised_at, id, segment: None };
        self.put(
            lane,
            vec![
                (keys::insight(lane, &insight.customer_id, raised_at, id), insight.encode()),
                (keys::insight_by_time(raised_at, lane, id), IndexEntry::of(insight).encode()),
                (keys::feed(position, 0), entry.encode()),
            ],
        );
    }

    fn queries(&self) -> Queries {
        let view = |(index, store): (usize, &MemoryStore)| {
            let number = u16::try_from(index).unwrap();
            ShardView {
                shard: ShardId(number),
                log: LogId(number),
                lanes: LaneRange::of_shard(ShardId(number), SHARDS),
                store: store.reader(),
                progress: Arc::clone(&self.progress[index]),
                on_demand: CommitOnDemand::default(),
            }
        };
        let views = self.stores.iter().enumerate().map(view).collect();
        let model = Arc::new(ArcSwap::from_pointee(Model::seed()));
        Queries::new(views, model, Arc::new(Settings::default()), Arc::new(ManualClock::at(at(10_000_000))))
    }
}

/// Where the `frame`-th message of the shard of `customer` stands.
fn position_of(customer: &str, frame: u64) -> Position {
    let lane = Lane::of(&CustomerId::new(customer).unwrap());
    Position { log: LogId(ShardId::of_lane(lane, SHARDS).0), frame, slot: 0 }
}

fn page(limit: usize, cursor: Option<String>) -> PageRequest {
    PageRequest { limit, cursor }
}

fn filled() -> (Bench, Vec<Insight>) {
    let mut bench = Bench::new();
    let insights: Vec<Insight> =
        (0..60).map(|n| insight(&format!("c{}", n % 7), n, i64::from(n / 3) * 1_000)).collect();
    for (frame, insight) in insights.iter().enumerate() {
        bench.raise(insight, position_of(insight.customer_id.as_str(), frame as u64 + 1));
    }
    (bench, insights)
}

#[test]
fn paging_over_all_insights_has_no_gap_and_no_repeat_in_either_direction() {
    let (bench, insights) = filled();
    let queries = bench.queries();
    for is_ascending in [false, true] {
        let filter = InsightFilter { is_ascending, ..InsightFilter::default() };
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let found = queries.insights(&filter, &page(7, cursor)).unwrap();
            seen.extend(found.insights.into_iter().map(|known| known.insight));
            cursor = found.next;
            if cursor.is_none() {
                break;
            }
        }
        let times: Vec<Timestamp> = seen.iter().map(|insight| insight.timestamp).collect();
        let mut sorted = times.clone();
        sorted.sort_unstable();
        if !is_ascending {
            sorted.reverse();
        }
        assert_eq!(times, sorted);
        let ids: BTreeSet<InsightId> = seen.iter().map(|insight| insight.id).collect();
        assert_eq!((ids.len(), seen.len()), (insights.len(), insights.len()));
    }
}

#[test]
fn filters_hold_for_one_customer_and_for_all() {
    let (bench, insights) = filled();
    let queries = bench.queries();
    let filter = InsightFilter {
        range: Some(TimeRange { from: at(2_000), to: at(15_000) }),
        kind: Some(InsightKind::BehaviorAnomaly),
        action_required: Some(true),
        ..InsightFilter::default()
    };
    let passes = |insight: &&Insight| {
        (at(2_000)..at(15_000)).contains(&insight.timestamp)
            && insight.kind == InsightKind::BehaviorAnomaly
            && insight.action_required
    };
    let ids = |insights: Vec<&Insight>| insights.iter().map(|insight| insight.id).collect::<BTreeSet<_>>();
    let all = queries.insights(&filter, &page(1_000, None)).unwrap();
    assert_eq!(
        ids(all.insights.iter().map(|known| &known.insight).collect()),
        ids(insights.iter().filter(passes).collect())
    );
    assert!(!all.insights.is_empty());
    let whose = CustomerId::new("c2").unwrap();
    let of_one = queries.insights_of(&whose, &filter, &page(1_000, None)).unwrap();
    let expected = insights.iter().filter(passes).filter(|insight| insight.customer_id == whose).collect();
    assert_eq!(ids(of_one.insights.iter().map(|known| &known.insight).collect()), ids(expected));
}

#[test]
fn a_customers_insights_come_newest_first_page_by_page() {
    let (bench, insights) = filled();
    let queries = bench.queries();
    let whose = CustomerId::new("c3").unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let found = queries.insights_of(&whose, &InsightFilter::default(), &page(2, cursor)).unwrap();
        seen.extend(found.insights.iter().map(|known| known.insight.timestamp));
        cursor = found.next;
        if cursor.is_none() {
            break;
        }
    }
    let mut expected: Vec<Timestamp> = insights
        .iter()
        .filter(|insight| insight.customer_id == whose)
        .map(|insight| insight.timestamp)
        .collect();
    expected.reverse();
    assert_eq!(seen, expected);
    assert_eq!(
        queries.insight(&whose, insights[3].id).unwrap().map(|known| known.insight).as_ref(),
        Some(&insights[3])
    );
    assert_eq!(queries.insight(&whose, InsightId([255; 16])).unwrap(), None);
}

#[test]
fn a_cursor_of_another_list_is_refused() {
    let (bench, _) = filled();
    let queries = bench.queries();
    let filter = InsightFilter::default();
    let all = queries.insights(&filter, &page(1, None)).unwrap().next;
    let whose = CustomerId::new("c3").unwrap();
    let of_one = queries.insights_of(&whose, &filter, &page(1, None)).unwrap().next;
    assert!(all.is_some() && of_one.is_some());
    assert_eq!(queries.insights(&filter, &page(1, of_one.clone())), Err(QueryError::InvalidCursor));
    assert_eq!(queries.insights_of(&whose, &filter, &page(1, all)), Err(QueryError::InvalidCursor));
    let other = CustomerId::new("c4").unwrap();
    assert_eq!(queries.insights_of(&other, &filter, &page(1, of_one)), Err(QueryError::InvalidCursor));
}

#[test]
fn the_feed_resumes_anywhere_without_gap_or_double() {
    let (bench, insights) = filled();
    let queries = bench.queries();
    for limit in [1, 4, 100] {
        let (mut cursor, mut seen) = (FeedCursor::default(), Vec::new());
        loop {
            let found = queries.feed_after(&cursor.to_string().parse().unwrap(), limit).unwrap();
            assert!(!found.has_gap);
            if found.messages.is_empty() {
                break;
            }
            seen.extend(found.messages.iter().map(|message| message.insight.id));
            cursor = found.next;
        }
        assert_eq!(seen.len(), insights.len());
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), insights.len());
    }
}

#[test]
fn a_reader_behind_what_is_kept_is_told() {
    let (mut bench, _) = filled();
    let lane = Lane::of(&CustomerId::new("c1").unwrap());
    let horizon = position_of("c1", 20);
    bench.put(lane, vec![(keys::feed_horizon(horizon.log), horizon.to_bytes().to_vec())]);
    let queries = bench.queries();
    let mut cursor = FeedCursor::default();
    assert!(queries.feed_after(&cursor, 10).unwrap().has_gap);
    cursor.advance(position_of("c1", 19), 0);
    assert!(queries.feed_after(&cursor, 10).unwrap().has_gap);
    cursor.advance(horizon, 0);
    assert!(!queries.feed_after(&cursor, 10).unwrap().has_gap);
    let (oldest, _) = queries.feed_bounds().unwrap();
    assert!(!queries.feed_after(&oldest, 10).unwrap().has_gap);
}

#[test]
fn rejected_events_are_listed_newest_first_and_found_by_id() {
    let mut bench = Bench::new();
    for n in 0..10_i64 {
        let code = if n % 2 == 0 { ErrorCode::Required } else { ErrorCode::WrongType };
        let event = RejectedEvent {
            received_at: at(n * 1_000),
            faults: vec![Fault::new("/price", code, "is missing")],
            customer_id: None,
            event_id: None,
            body: n.to_string().into_bytes(),
        };
        let lane = Lane::new(u8::try_from(n * 6).unwrap()).unwrap();
        bench.put(lane, vec![(keys::rejected(event.received_at, lane, 0), event.encode())]);
    }
    let queries = bench.queries();
    let (rows, next) = queries.rejected(&RejectedFilter::default(), &page(4, None)).unwrap();
    assert_eq!(rows.iter().map(|row| row.event.body.clone()).collect::<Vec<_>>(), [b"9", b"8", b"7", b"6"]);
    let (rest, last) = queries.rejected(&RejectedFilter::default(), &page(100, next)).unwrap();
    assert_eq!((rest.len(), last), (6, None));
    assert_eq!(queries.rejected_by_id(&rest[0].id).unwrap().as_ref(), Some(&rest[0]));
    assert_eq!(queries.rejected_by_id("q00").unwrap(), None);
    let only = RejectedFilter { code: Some(ErrorCode::Required) };
    assert_eq!(queries.rejected(&only, &page(100, None)).unwrap().0.len(), 5);
}

#[test]
fn a_group_applied_again_adds_nothing_to_rows_that_hold_it() {
    let mut store = MemoryStore::new(Atomicity::Commit);
    let lane = Lane::FIRST;
    let position = |frame| Position { log: LogId(1), frame, slot: 0 };
    let mut apply = |frames: std::ops::RangeInclusive<u64>| {
        let mut book = Book::<Activity>::new(keys::activity_of_hour, 10);
        let reader = store.reader();
        let until = position(*frames.end());
        for frame in frames {
            if let Some(row) = book.row(5, lane, position(frame), reader.as_ref()).unwrap() {
                row.applied += 1;
            }
        }
        let effects = book.take_writes(until);
        store.commit(&Commit { effects, checkpoint: until, ..Commit::default() }).unwrap();
        omnix_worker::rollup::decode_row::<Activity>(
            &store.reader().get(&keys::activity_of_hour(5, lane)).unwrap().unwrap(),
        )
        .unwrap()
        .0
        .applied
    };
    assert_eq!(apply(1..=3), 3);
    assert_eq!(apply(1..=3), 3);
    assert_eq!(apply(2..=5), 5);
}

#[test]
fn the_census_follows_moves_and_money() {
    let champions = SegmentName::parse("Champions");
    let mut census = Census::default();
    census.note(None, (None, 10));
    census.note(None, (None, 5));
    census.note(Some((None, 10)), (Some(&champions), 30));
    census.note(Some((Some(&champions), 30)), (Some(&champions), 35));
    let count = |label: &str| census.segments.get(label).map(|entry| (entry.customers, entry.revenue));
    assert_eq!((count(""), count("Champions")), (Some((1, 5)), Some((1, 35))));
    census.note(Some((None, 5)), (Some(&champions), 5));
    assert_eq!(census.segments.get("").copied(), None);
}

#[test]
fn the_overview_counts_from_when_anything_went_on() {
    let mut bench = Bench::new();
    let hour = Timestamp::HOUR_MS;
    let row = Activity { applied: 7_200, suppressed: Suppressed([3, 2, 1]), ..Activity::default() };
    let until = Position { log: LogId(0), frame: 1, slot: 0 };
    let value = omnix_worker::rollup::encode_row(&row, until);
    bench.put(Lane::FIRST, vec![(keys::activity_of_hour(10, Lane::FIRST), value)]);
    let range = TimeRange { from: at(0), to: at(11 * hour) };
    let overview = bench.queries().overview(range).unwrap();
    assert_eq!((overview.applied, overview.since), (7_200, at(10 * hour)));
    let range = TimeRange { from: at(10 * hour + 1), to: Timestamp::MAX };
    assert_eq!(bench.queries().overview(range).unwrap().since, range.from);
    assert_eq!(overview.suppressed, Suppressed([3, 2, 1]));
}

/// From (none: in none before) and to.
type Moves<'a> = &'a [(Option<&'a str>, &'a str)];

/// A segment's name, its size and its sales.
type Followed = (String, u64, i128);

/// Moves by the hour and sales by the hour, and the census that they have led to.
fn followed(bench: &mut Bench) {
    let name = |label: &str| SegmentName::parse(label);
    let until = Position { log: LogId(0), frame: 1, slot: 0 };
    let hours: [(i64, Moves<'_>); 4] = [
        (10, &[(None, "New Customer"), (None, "New Customer"), (None, "VIP")]),
        (12, &[(Some("New Customer"), "Champions")]),
        (35, &[(Some("Champions"), "At Risk"), (None, "Champions")]),
        (60, &[(Some("At Risk"), "Lost")]),
    ];
    let mut census = Census::default();
    for (hour, moves) in hours {
        let mut row = Activity::default();
        for (from, to) in moves {
            let from = from.map(name);
            row.add_move(from.as_ref(), &name(to));
            let before = from.as_ref().map(|from| (Some(from), 0));
            census.note(before, (Some(&name(to)), 0));
        }
        bench.put(Lane::FIRST, vec![(keys::activity_of_hour(hour, Lane::FIRST), encode_row(&row, until))]);
    }
    for (hour, segment, amount) in [(11, None, 5), (12, Some("New Customer"), 7), (36, Some("Champions"), -2)]
    {
        let mut row = Sales::default();
        let amount = Money::from_millionths(amount);
        row.add_to_segment(segment.map(name).as_ref(), amount > Money::ZERO, amount);
        bench.put(Lane::FIRST, vec![(keys::sales(hour, Lane::FIRST), encode_row(&row, until))]);
    }
    bench.put(Lane::FIRST, vec![(keys::census(Lane::FIRST), encode_row(&census, until))]);
}

#[test]
fn segments_are_followed_back_from_the_present() {
    let mut bench = Bench::new();
    followed(&mut bench);
    let queries = bench.queries();
    let hour = |hour: i64| at(hour * Timestamp::HOUR_MS);
    let range = TimeRange { from: hour(0), to: hour(50) };
    let sizes = |interval: Interval| -> Vec<(i64, Vec<Followed>)> {
        let report = queries.segments(range, interval).unwrap();
        let of = |segments: Vec<omnix_worker::SegmentOfPeriod>| {
            segments.into_iter().map(|s| (s.name.label().to_owned(), s.customers, s.sales)).collect()
        };
        report.periods.into_iter().map(|period| (period.from.hour(), of(period.segments))).collect()
    };
    let named = |rows: &[(&str, u64, i128)]| -> Vec<Followed> {
        rows.iter().map(|(name, size, sales)| ((*name).to_owned(), *size, *sales)).collect()
    };
    let days = sizes(Interval::Day);
    assert_eq!(days[0], (0, named(&[("Champions", 1, 0), ("New Customer", 1, 7), ("VIP", 1, 0)])));
    assert_eq!(
        days[1],
        (24, named(&[("Champions", 1, -2), ("New Customer", 1, 0), ("At Risk", 1, 0), ("VIP", 1, 0)]))
    );
    let hours = sizes(Interval::Hour);
    assert_eq!(
        (hours[0].0, hours.last().unwrap().0),
        (10, 36),
        "from the first to the last that says anything"
    );
    assert_eq!(hours[0].1, named(&[("New Customer", 2, 0), ("VIP", 1, 0)]));
    assert_eq!(hours.len(), 27, "hours in which nothing went on are there too");
    let report = queries.segments(range, Interval::Day).unwrap();
    let row = |label: &str| report.segments.iter().find(|row| row.name.label() == label).unwrap();
    assert_eq!((row("New Customer").orders, row("New Customer").sales), (1, 7));
    assert_eq!((row("Lost").customers, row("Lost").moved_in), (1, 0), "a later move is not of the range");
    let flows: Vec<_> =
        report.flows.iter().map(|flow| (flow.from.is_some(), flow.to.label(), flow.customers)).collect();
    assert!(
        flows.contains(&(false, "New Customer", 2)) && flows.contains(&(true, "At Risk", 1)),
        "{flows:?}"
    );
}

#[test]
fn however_many_outside_segments_there_are_ours_are_counted() {
    let mut sales = Sales::default();
    for number in 0..500 {
        let name = SegmentName::parse(&format!("outside-{number}"));
        sales.add_to_segment(Some(&name), true, Money::from_millionths(1));
    }
    let ours = SegmentName::parse("Champions");
    sales.add_to_segment(Some(&ours), true, Money::from_millionths(3));
    assert_eq!((sales.segments["other"].orders, sales.segments["Champions"].revenue), (300, 3));
    let (back, _) =
        omnix_worker::rollup::decode_row::<Sales>(&encode_row(&sales, Position::default())).unwrap();
    assert_eq!(back, sales);
}
