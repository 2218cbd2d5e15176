//! Chapters change nothing but the time that an explanation takes: over random histories it is the same with and
//! without them, whatever has become of log and chapters.

use std::sync::Arc;

use omnix_model::{Event, Insight, Lane, LaneRange, ShardId};
use omnix_storage::testing::Dice;
use omnix_storage::{Atomicity, EventLog as _};
use tokio::sync::oneshot;

use super::explain::{explain, explainer_of};
use crate::NewEvent;
use crate::chapters::{Chapters, Follower, MemoryChapters};
use crate::explain::{Explanation, Gap, KeptLog};
use crate::history::{ImportItem, TAIL_MS};
use crate::testing::{Fleet, Ground, at_s, customer, purchase};

const DAY_S: i64 = 86_400;

/// Customers of whom several share a lane, so that one brings time to the other.
fn names() -> Vec<String> {
    let all = (0..600).map(|number| format!("c{number}"));
    let lanes = |name: &String| Lane::of(&customer(name)).number();
    all.filter(|name| [3, 60].contains(&lanes(name))).take(14).collect()
}

/// The events of a day: orders of several lines, some far too large, some late, some of nobody.
fn day_of(dice: &mut Dice, names: &[String], day: i64) -> Vec<NewEvent> {
    let mut roll = |sides: u64| i64::try_from(dice.below(sides)).unwrap();
    let mut events = Vec::new();
    for order in 0..roll(4) {
        let name = &names[usize::try_from(roll(14)).unwrap()];
        let late = if roll(12) == 0 { roll(3) * DAY_S } else { 0 };
        let at = at_s(day * DAY_S + order * 7_000 + roll(900) - late);
        let amount = if roll(15) == 0 { 4_000 } else { 15 + roll(9) };
        for line in 0..=roll(3) {
            let mut event = purchase(name, &format!("{day}-{order}-{line}"), at, amount + line);
            if let Event::Purchase(purchase) = &mut event.event {
                purchase.order_id = Some(omnix_model::OrderId::new(&format!("o{day}-{order}")).unwrap());
                purchase.order_lines = None;
            }
            event.fingerprint = omnix_model::fingerprint(&event.event);
            event.anonymous = roll(25) == 0;
            events.push(event);
        }
    }
    events
}

/// A history that is imported and then goes on live, under models and settings that change.
fn history(seed: u64) -> (Vec<Ground>, Vec<Insight>) {
    let mut dice = Dice::new(seed);
    let (names, days) = (names(), 120);
    let imported = i64::try_from(dice.below(3)).unwrap() * 45;
    let mut grounds = Fleet::grounds(Atomicity::Commit, 1 + u16::try_from(dice.below(2)).unwrap(), true);
    let mut fleet = Fleet::open(&grounds).unwrap();
    let mut number = 0;
    for day in 0..imported {
        let events = day_of(&mut dice, &names, day);
        let count = events.len() as u64;
        fleet.import_events(number, events).unwrap();
        number += count;
        if dice.below(4) > 0 {
            fleet.import_all(|| ImportItem::DayEnd { file: 7, number: None }).unwrap();
        }
    }
    let until = at_s(imported * DAY_S).plus_ms(TAIL_MS);
    let end = || ImportItem::End { file: 7, taken: number + 1, until, done: oneshot::channel().0 };
    fleet.import_all(end).unwrap();
    drop(fleet);
    grounds.iter_mut().for_each(|ground| ground.is_history = false);
    let mut fleet = Fleet::open(&grounds).unwrap();
    for day in imported + 1..days {
        live_day(&grounds, &mut fleet, (day, day_of(&mut dice, &names, day)), &mut dice);
    }
    fleet.shards.iter_mut().for_each(|driven| driven.shard.persist().unwrap());
    let insights = fleet.insights();
    (grounds, insights)
}

fn live_day(grounds: &[Ground], fleet: &mut Fleet, (day, events): (i64, Vec<NewEvent>), dice: &mut Dice) {
    let count = fleet.shards.len();
    for (second, event) in (0..).zip(events) {
        grounds[0].clock.set(at_s(day * DAY_S + 2 * second));
        let shard = ShardId::of_lane(crate::shard::lane_of(&event), count);
        let _answer = fleet.shards[usize::from(shard.0)].ask(vec![event]);
        // Some share a block.
        if dice.below(2) == 0 {
            fleet.settle().unwrap();
        }
    }
    fleet.settle().unwrap();
    for passed in [8, 1_000].into_iter().filter(|_| dice.below(3) > 0) {
        grounds[0].clock.set(at_s(day * DAY_S + 60 + passed));
        fleet.settle().unwrap();
    }
    if dice.below(3) == 0 {
        for driven in &mut fleet.shards {
            let epoch = driven.shard.epoch();
            driven.shard.begin_end_of_epoch(epoch);
        }
        fleet.settle().unwrap();
    }
}

/// The logs of `grounds`, with the chapters that lie in `stores`, if any.
fn logs(grounds: &[Ground], chapters: Option<&[Arc<Chapters>]>) -> Vec<KeptLog> {
    let log = |(number, ground): (usize, &Ground)| KeptLog {
        lanes: LaneRange::of_shard(ground.shard, grounds.len()),
        source: ground.log.source(),
        chapters: chapters.map(|chapters| Arc::clone(&chapters[number])),
    };
    grounds.iter().enumerate().map(log).collect()
}

fn open(grounds: &[Ground], stores: &[MemoryChapters], records: usize) -> Vec<Arc<Chapters>> {
    let open = |(ground, store): (&Ground, &MemoryChapters)| {
        Arc::new(Chapters::open(Box::new(store.clone()), ground.log.source()).of_records(records))
    };
    grounds.iter().zip(stores).map(open).collect()
}

/// Reads behind the logs, to their ends or some steps.
fn follow(chapters: &[Arc<Chapters>], steps: usize) {
    for chapters in chapters {
        let mut follower = Follower::new(Arc::clone(chapters));
        for _ in 0..steps {
            if !follower.step().unwrap() {
                break;
            }
        }
    }
}

fn stores(grounds: &[Ground]) -> Vec<MemoryChapters> {
    grounds.iter().map(|_| MemoryChapters::default()).collect()
}

fn explained(
    grounds: &[Ground],
    chapters: Option<&[Arc<Chapters>]>,
    insights: &[Insight],
) -> Vec<Explanation> {
    let explainer = explainer_of(grounds, logs(grounds, chapters));
    insights.iter().map(|insight| explain(&explainer, insight)).collect()
}

#[track_caller]
fn assert_same(found: &[Explanation], expected: &[Explanation], of: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{of}: {:#?}", expected.stored);
    }
}

#[test]
fn an_explanation_is_the_same_with_chapters_of_any_length_and_without() {
    let (mut insights_seen, mut by_time) = (0, 0);
    for seed in 0..4 {
        let (grounds, insights) = history(seed);
        // Each explanation reads its customer's whole log, eleven times below: some of them tell as much as all.
        let insights: Vec<Insight> = insights.into_iter().step_by(4).collect();
        let expected = explained(&grounds, None, &insights);
        insights_seen += insights.len();
        by_time += expected
            .iter()
            .filter(|one| {
                one.found.as_ref().is_some_and(|found| found.cause == crate::explain::CauseKind::Time)
            })
            .count();
        assert!(expected.iter().all(Explanation::is_same), "seed {seed}");
        for (records, steps) in [(1, 9_999), (30, 9_999), (1 << 20, 9_999), (50, 4), (1 << 20, 3)] {
            let stores = stores(&grounds);
            let chapters = open(&grounds, &stores, records);
            follow(&chapters, steps);
            let of = format!("seed {seed}, chapters of {records} records, {steps} steps");
            assert_same(&explained(&grounds, Some(&chapters), &insights), &expected, &of);
            // After a start the files are all that is left.
            let again = open(&grounds, &stores, records);
            assert_same(&explained(&grounds, Some(&again), &insights), &expected, &of);
        }
    }
    assert!(insights_seen > 60 && by_time > 20, "{insights_seen} insights, {by_time} by time");
}

#[test]
fn a_log_that_was_trimmed_or_damaged_before_is_explained_as_without_chapters() {
    for seed in 20..22 {
        let mut dice = Dice::new(seed);
        let (grounds, insights) = history(seed);
        let stores = stores(&grounds);
        follow(&open(&grounds, &stores, 40), 5);
        for ground in &grounds {
            let frames = ground.log.blocks().len() as u64;
            (0..dice.below(5)).for_each(|_| ground.log.damage(frames / 2 + dice.below(frames / 2)));
            ground.log.trim_to(dice.below(frames / 3));
        }
        // Those made before are still there, and what they cover is gone in part; the others are made of what is left.
        let expected = explained(&grounds, None, &insights);
        let chapters = open(&grounds, &stores, 40);
        assert_same(
            &explained(&grounds, Some(&chapters), &insights),
            &expected,
            &format!("seed {seed}, before"),
        );
        follow(&chapters, 9_999);
        assert_same(
            &explained(&grounds, Some(&chapters), &insights),
            &expected,
            &format!("seed {seed}, after"),
        );
        for (ground, store) in grounds.iter().zip(&stores) {
            let start = ground.log.source().start().frame;
            let files = store.files();
            let lasts = files.values().map(|file| u64::from_le_bytes(*file[20..].first_chunk().unwrap()));
            assert!(lasts.clone().all(|last| last > start), "what tells of nothing that is kept is gone");
        }
    }
}

#[test]
fn a_block_that_is_damaged_afterwards_is_missed_or_not_of_the_customer() {
    let (mut is_missed, mut is_not) = (0, 0);
    for seed in 40..42 {
        let (grounds, insights) = history(seed);
        let chapters = open(&grounds, &stores(&grounds), 60);
        follow(&chapters, 9_999);
        let whole = explained(&grounds, None, &insights);
        let mut dice = Dice::new(seed);
        let frames = grounds[0].log.blocks().len() as u64;
        let frame = 1 + dice.below(frames);
        grounds[0].log.damage(frame);
        let damaged = explained(&grounds, None, &insights);
        let found = explained(&grounds, Some(&chapters), &insights);
        for (found, (whole, damaged)) in found.iter().zip(whole.iter().zip(&damaged)) {
            if found.gaps.contains(&Gap::LogDamaged { first: frame, last: frame }) {
                is_missed += 1;
                assert_eq!(found, damaged);
            } else {
                is_not += 1;
                assert_eq!(found, whole);
            }
        }
    }
    assert!(is_missed > 0 && is_not > 0, "{is_missed} and {is_not}");
}

#[test]
fn chapters_that_are_damaged_lost_or_of_another_log_are_made_again() {
    for seed in 60..62 {
        let mut dice = Dice::new(seed);
        let (grounds, insights) = history(seed);
        let expected = explained(&grounds, None, &insights);
        let stores = stores(&grounds);
        follow(&open(&grounds, &stores, 40), 9_999);
        let made: Vec<_> = stores.iter().map(|store| store.files().clone()).collect();
        let (others, _) = history(seed + 1_000);
        let of_another = MemoryChapters::default();
        let source = others[0].log.source();
        follow(&[Arc::new(Chapters::open(Box::new(of_another.clone()), source).of_records(40))], 9_999);
        for store in &stores {
            let mut files = store.files();
            let known: Vec<u64> = files.keys().copied().collect();
            assert!(known.len() > 5, "{}", known.len());
            for after in known {
                match dice.below(4) {
                    0 => drop(files.remove(&after)),
                    1 => {
                        let file = files.get_mut(&after).unwrap();
                        let at = usize::try_from(dice.below(file.len() as u64)).unwrap();
                        file[at] ^= 1 << dice.below(8);
                    }
                    _ => {}
                }
            }
            files.extend(of_another.files().clone());
        }
        let chapters = open(&grounds, &stores, 40);
        assert_same(
            &explained(&grounds, Some(&chapters), &insights),
            &expected,
            &format!("seed {seed}, damaged"),
        );
        follow(&chapters, 9_999);
        assert_same(
            &explained(&grounds, Some(&chapters), &insights),
            &expected,
            &format!("seed {seed}, again"),
        );
        assert!(!made.is_empty());
    }
}

#[test]
fn of_a_log_with_chapters_only_blocks_of_the_customer_are_read() {
    let (grounds, insights) = history(80);
    let chapters = open(&grounds, &stores(&grounds), 100);
    follow(&chapters, 9_999);
    let (mut read, mut whole) = (0, 0);
    for insight in &insights {
        let before = reads(&grounds);
        let _explained = explained(&grounds, Some(&chapters), std::slice::from_ref(insight));
        let with = reads(&grounds);
        let _explained = explained(&grounds, None, std::slice::from_ref(insight));
        (read, whole) = (read + with - before, whole + reads(&grounds) - with);
    }
    assert!(read * 3 < whole, "{read} blocks instead of {whole}");
}

fn reads(grounds: &[Ground]) -> u64 {
    grounds.iter().map(|ground| ground.log.reads()).sum()
}
