//! What must hold of any history.

#![expect(clippy::unwrap_used, reason = "what tests build is well-formed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use omnix_engine::{Customer, Model};
use omnix_model::{Event, Figure, Insight, Priority, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use xxhash_rust::xxh3::xxh3_64;

use crate::common::{Shop, of_order, purchase};
use crate::history::{Lines, Seed, baskets};

const END: Timestamp = Timestamp::MAX;

/// A model that has learnt from a few customers.
fn learnt_model() -> Model {
    let mut shop = Shop::history();
    for seed in 0..20 {
        let mut other = Shop { model: shop.model.clone(), ..Shop::history() };
        baskets(1_000 + seed, 20, Lines::Together).into_iter().flatten().for_each(|event| other.event(event));
        other.pass(END);
        shop.observations.append(&mut other.observations);
    }
    shop.learn("2027-01-01T00:00:00Z".parse().unwrap());
    shop.model
}

/// What was said, without when it was raised and how often it was revised.
fn said(shop: &Shop) -> BTreeSet<String> {
    let plain = |insight: &Insight| Insight { timestamp: Timestamp::MIN, revision: 0, ..insight.clone() };
    shop.insights.iter().map(|insight| format!("{:?}", plain(insight))).collect()
}

/// Whether we found it ourselves.
fn is_ours(insight: &Insight) -> bool {
    let figure =
        |name: &str| insight.figures.iter().find(|(known, _)| known == name).map(|(_, figure)| figure);
    let is_published =
        |figure: &Figure| *figure == Figure::Text("published".into()) || *figure == Figure::Text("v1".into());
    !["source", "segmentModel"].into_iter().filter_map(figure).any(is_published)
}

/// What was said to one of two shops only.
fn difference(one: &Shop, other: &Shop) -> Vec<String> {
    said(one).symmetric_difference(&said(other)).cloned().collect()
}

/// The whole state as it would be stored.
fn bytes(customer: &Customer) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in customer.touched() {
        bytes.extend_from_slice(&part.number.to_le_bytes());
        bytes.extend_from_slice(&part.bytes);
    }
    bytes
}

/// Every event is accepted at its own time, or at that of an earlier one which had a later time.
fn singly(shop: &mut Shop, history: &[Vec<Event>]) {
    let mut now = Timestamp::MIN;
    for event in history.iter().flatten() {
        now = now.max(event.timestamp());
        shop.pass(now);
        shop.accept(event.clone(), now);
    }
}

/// A basket's events are accepted together, at the time of the last of them.
fn in_batches(shop: &mut Shop, history: &[Vec<Event>]) {
    for basket in history {
        let now = basket.last().map_or(Timestamp::MIN, Event::timestamp);
        shop.pass(now);
        basket.iter().for_each(|event| shop.accept(event.clone(), now));
    }
}

/// Nothing falls due before the history's end but by the next event, and all of it arrives in one block.
fn imported(shop: &mut Shop, history: &[Vec<Event>]) {
    let now = history.iter().flatten().map(Event::timestamp).max().unwrap_or(Timestamp::MIN);
    history.iter().flatten().for_each(|event| shop.accept(event.clone(), now));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn of_one_day_no_more_is_said_than_its_budget(seed: u64, count in 1_usize..40, budget in 1_u8..4) {
        let history = baskets(seed, count, Lines::Together);
        let mut shop = Shop { model: learnt_model(), ..Shop::live() };
        shop.settings.customer_insights_per_day = budget;
        singly(&mut shop, &history);
        shop.pass(END);
        let mut days: BTreeMap<i64, u8> = BTreeMap::new();
        for insight in shop.insights.iter().filter(|insight| is_ours(insight) && insight.priority < Priority::Critical) {
            *days.entry(insight.event_timestamp.utc_day()).or_default() += 1;
        }
        prop_assert!(days.values().all(|&said| said <= budget), "{days:?}");
    }

    #[test]
    fn a_replay_gives_the_same_bytes(seed: u64, count in 1_usize..40) {
        let history = baskets(seed, count, Lines::Together);
        let (mut first, mut second) = (Shop::live(), Shop::live());
        singly(&mut first, &history);
        singly(&mut second, &history);
        prop_assert_eq!(bytes(first.state()), bytes(second.state()));
        prop_assert_eq!(&first.insights, &second.insights);
    }

    #[test]
    fn a_snapshot_and_the_tail_equal_the_whole(seed: u64, count in 1_usize..40, lines: bool) {
        let lines = if lines { Lines::Together } else { Lines::Apart };
        let mut warm = Shop::live();
        let mut cold = Shop::live();
        let mut store: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
        for event in baskets(seed, count, lines).into_iter().flatten() {
            warm.event(event.clone());
            cold.event(event);
            // Only what was touched is written, and everything is read again.
            store.extend(cold.state().touched().into_iter().map(|part| (part.number, part.bytes)));
            let parts = store.iter().map(|(number, bytes)| (*number, bytes.as_slice()));
            cold.customer = Some(Customer::decode(parts).unwrap());
            prop_assert_eq!(cold.state(), warm.state());
        }
        warm.pass(END);
        cold.pass(END);
        prop_assert_eq!(cold.state(), warm.state());
        prop_assert_eq!(cold.insights, warm.insights);
        prop_assert_eq!(cold.derived, warm.derived);
        prop_assert_eq!(cold.observations, warm.observations);
    }

    #[test]
    fn singly_in_batches_or_imported_the_same_is_said(seed: u64, count in 1_usize..40, learnt: bool, budget in 0_u8..4) {
        let history = baskets(seed, count, Lines::Together);
        let model = if learnt { learnt_model() } else { Model::seed() };
        let (mut one, mut batch, mut import) = (Shop::live(), Shop::live(), Shop::history());
        for shop in [&mut one, &mut batch, &mut import] {
            shop.model = model.clone();
            shop.settings.customer_insights_per_day = budget;
        }
        singly(&mut one, &history);
        in_batches(&mut batch, &history);
        imported(&mut import, &history);
        for shop in [&mut one, &mut batch, &mut import] {
            shop.pass(END);
        }
        prop_assert_eq!(difference(&batch, &one), Vec::<String>::new());
        prop_assert_eq!(difference(&import, &one), Vec::<String>::new());
    }

    #[test]
    fn lines_that_trickle_in_say_the_same_in_the_end(
        seed: u64,
        count in 1_usize..40,
        learnt: bool,
        jumbled: bool,
        budget in 0_u8..4,
    ) {
        let history = baskets(seed, count, if jumbled { Lines::Jumbled } else { Lines::Apart });
        let (mut live, mut import) = (Shop::live(), Shop::history());
        live.settings.customer_insights_per_day = budget;
        import.settings.customer_insights_per_day = budget;
        if learnt {
            live.model = learnt_model();
            import.model = live.model.clone();
        }
        singly(&mut live, &history);
        imported(&mut import, &history);
        live.pass(END);
        import.pass(END);
        prop_assert_eq!(difference(&live, &import), Vec::<String>::new());
    }

    #[test]
    fn a_history_does_not_depend_on_when_timers_fire(seed: u64, count in 1_usize..40) {
        let history = baskets(seed, count, Lines::Together);
        let (mut early, mut late) = (Shop::history(), Shop::history());
        singly(&mut early, &history);
        imported(&mut late, &history);
        early.pass(END);
        late.pass(END);
        prop_assert_eq!(&early.insights, &late.insights);
        prop_assert_eq!(bytes(early.state()), bytes(late.state()));
    }

    #[test]
    fn anything_can_be_applied(seed: u64, steps in 1_usize..60) {
        let mut shop = if seed % 2 == 0 { Shop::live() } else { Shop::history() };
        let mut seed = Seed(seed);
        for step in 0..steps {
            let range = if seed.next(2) == 0 { u64::MAX >> 1 } else { 90_000_000_000 };
            let at = Timestamp::from_ms_clamped(seed.next(range).cast_signed());
            let mut line = purchase(&format!("p{}", seed.next(5)), 1, at);
            line.total_amount = omnix_model::Money::from_millionths(seed.next(9_200_000_000_000_000_000).cast_signed());
            line.quantity = omnix_model::Quantity::from_thousandths(seed.next(u64::MAX >> 1).cast_signed());
            line.order_lines = (seed.next(3) == 0).then(|| u32::try_from(seed.next(4)).unwrap());
            if seed.next(2) == 0 {
                line = of_order(&format!("o{}", step / 3), line);
            }
            shop.accept(Event::Purchase(line), Timestamp::from_ms_clamped(seed.next(90_000_000_000_000).cast_signed()));
            prop_assert_eq!(&shop.stored(), shop.state(), "all that is kept is finite");
        }
    }
}

/// In a test run a few cases, the same ones each time; as many new ones as the gate asks for.
fn config() -> ProptestConfig {
    match option_env!("OMNIX_PROPERTY_CASES").and_then(|text| text.parse().ok()) {
        Some(cases) => ProptestConfig { cases, ..ProptestConfig::default() },
        None => ProptestConfig { cases: 48, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() },
    }
}

/// Changes when the same events come to mean something else: then the engine's version changes with it.
#[test]
fn a_fixed_history_means_what_it_always_meant() {
    let mut all = String::new();
    let mut model = Model::seed();
    for epoch in 0..3 {
        let mut teacher = Shop { model: model.clone(), ..Shop::history() };
        for customer in 0..40 {
            let mut shop = Shop { model: model.clone(), ..Shop::history() };
            singly(&mut shop, &baskets(epoch * 100 + customer, 25, Lines::Together));
            shop.pass(END);
            for insight in &shop.insights {
                writeln!(all, "{insight:?}").unwrap();
            }
            writeln!(all, "{:?} {:x}", shop.derived, xxh3_64(&bytes(shop.state()))).unwrap();
            teacher.observations.append(&mut shop.observations);
        }
        teacher.learn("2027-06-01T00:00:00Z".parse().unwrap());
        model = teacher.model;
    }
    assert_eq!(format!("{:016x}", xxh3_64(all.as_bytes())), "f618ec37a32348df");
}
