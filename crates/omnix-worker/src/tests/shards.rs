//! The number of shards decides nothing: the same input gives the same states, insights and models.

use std::collections::BTreeMap;

use omnix_model::ShardId;
use omnix_storage::Atomicity;
use tokio::sync::oneshot;

use crate::history::{ImportItem, TAIL_MS};
use crate::models::{ModelStore as _, Models};
use crate::shard::lane_of;
use crate::testing::{Fleet, Ground, at_s, purchase};
use crate::{NewEvent, state_row};

/// Two months of a small shop, day by day.
fn days() -> Vec<Vec<NewEvent>> {
    (0..60_i64)
        .map(|day| {
            (0..12_i64)
                .filter(|line| (day * 7 + line * 5) % 3 != 0)
                .map(|line| {
                    let at = at_s(day * 86_400 + line * 600);
                    let mut event = purchase(
                        &format!("c{}", (day + line * line) % 17),
                        &format!("{day}-{line}"),
                        at,
                        10 + line,
                    );
                    event.anonymous = line == 11;
                    event
                })
                .collect()
        })
        .collect()
}

type Meaning = (BTreeMap<Vec<u8>, Vec<u8>>, BTreeMap<u64, Vec<u8>>);

/// Where an import is broken off and taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    /// Nowhere.
    Never,
    /// Between the events of every fifth day and its end; the stores fall back to nothing.
    BeforeDayEnd,
    /// When one shard has ended every fifth day and the others have only taken half of it.
    AmidDay,
    /// After every fifth day, whose rows survive.
    AfterDayEnd,
}

/// What an import means: states as the engine encodes them, insights, the index; and the models.
fn import(shards: u16, broken: Break) -> Meaning {
    let grounds = Fleet::grounds(Atomicity::Commit, shards, true);
    let mut fleet = Fleet::open(&grounds).unwrap();
    let (mut number, mut last) = (0, at_s(0));
    for (day, events) in days().into_iter().enumerate() {
        last = events.iter().map(|event| event.event.timestamp()).max().unwrap_or(last);
        let count = events.len() as u64;
        let is_broken = |at: Break| at == broken && day % 5 == 2;
        if is_broken(Break::AmidDay) {
            fleet = import_broken_day(fleet, &grounds, number, events);
        } else {
            fleet.import_events(number, events).unwrap();
            if is_broken(Break::BeforeDayEnd) {
                fleet = Fleet::open(&grounds).unwrap();
                fleet.settle().unwrap();
            }
            fleet.import_all(day_end).unwrap();
        }
        number += count;
        if is_broken(Break::AfterDayEnd) {
            fleet.shards.iter_mut().for_each(|driven| driven.shard.persist().unwrap());
            fleet = Fleet::open(&grounds).unwrap();
            fleet.settle().unwrap();
        }
    }
    let until = last.plus_ms(TAIL_MS);
    fleet
        .import_all(|| ImportItem::End { file: 7, taken: number + 1, until, done: oneshot::channel().0 })
        .unwrap();
    let mut rows = fleet.rows();
    rows.retain(|key, _| matches!(key.first(), Some(b's' | b'i' | b'j')));
    for (key, value) in &mut rows {
        // The shell's part holds positions, and those are of a log.
        if key.first() == Some(&b's') && key.ends_with(&[0, 0, 0]) {
            *value = state_row::split(value).unwrap().1.to_vec();
        }
    }
    // Whether a model is kept whole or as lessons is not what it means.
    let models = Models::new(Box::new(grounds[0].models.clone()));
    let read = |number: u64| (number, models.by_number(number).unwrap().unwrap().encode());
    (rows, grounds[0].models.list().unwrap().into_iter().map(read).collect())
}

/// Takes a day of which one shard had come to the end when the process died, and the others to its middle.
fn import_broken_day(mut fleet: Fleet, grounds: &[Ground], first: u64, events: Vec<NewEvent>) -> Fleet {
    let is_of_first = |event: &NewEvent| ShardId::of_lane(lane_of(event), grounds.len()) == ShardId(0);
    let (ahead, mut behind): (Vec<_>, Vec<_>) = events.into_iter().partition(is_of_first);
    let rest = behind.split_off(behind.len() / 2);
    assert!(!rest.is_empty());
    fleet.import_events(first, ahead).unwrap();
    fleet.import_events(first, behind).unwrap();
    fleet.shards[0].shard.accept_import(day_end());
    fleet.shards[0].settle().unwrap();
    let mut fleet = Fleet::open(grounds).unwrap();
    fleet.settle().unwrap();
    fleet.import_events(first, rest).unwrap();
    fleet.shards.iter_mut().skip(1).for_each(|driven| driven.shard.accept_import(day_end()));
    fleet.settle().unwrap();
    fleet
}

const fn day_end() -> ImportItem {
    ImportItem::DayEnd { file: 7, number: None }
}

#[test]
fn one_two_four_and_eight_shards_mean_the_same() {
    let (rows, models) = import(1, Break::Never);
    assert!(rows.keys().any(|key| key.first() == Some(&b'i')), "the history raises something");
    assert_eq!(models.len(), 60, "a model a day");
    for shards in [2, 4, 8] {
        let (other_rows, other_models) = import(shards, Break::Never);
        assert_eq!(other_models, models, "{shards} shards");
        assert_eq!(other_rows.keys().collect::<Vec<_>>(), rows.keys().collect::<Vec<_>>(), "{shards} shards");
        for (key, value) in &rows {
            assert_eq!(other_rows.get(key), Some(value), "{shards} shards, {}", String::from_utf8_lossy(key));
        }
    }
}

#[test]
fn an_import_that_is_broken_off_and_taken_up_means_the_same() {
    let (rows, models) = import(2, Break::Never);
    for broken in [Break::BeforeDayEnd, Break::AmidDay, Break::AfterDayEnd] {
        let (other_rows, other_models) = import(2, broken);
        assert_eq!(other_models, models, "{broken:?}");
        assert_eq!(other_rows.len(), rows.len(), "{broken:?}");
        for (key, value) in &rows {
            assert_eq!(other_rows.get(key), Some(value), "{broken:?}, {}", String::from_utf8_lossy(key));
        }
    }
}

#[test]
fn the_model_of_a_day_comes_into_force_at_the_end_of_the_next() {
    let grounds = Fleet::grounds(Atomicity::Commit, 2, true);
    let mut fleet = Fleet::open(&grounds).unwrap();
    for day in 0..4_u64 {
        fleet.import_all(day_end).unwrap();
        for driven in &fleet.shards {
            let lanes = driven.shard.lane_rows();
            assert!(lanes.iter().all(|(_, row)| (row.epoch, row.model) == (day + 1, day)), "{lanes:?}");
        }
    }
}

#[test]
fn a_group_of_a_history_waits_for_more_unless_others_wait_for_it() {
    let grounds = Fleet::grounds(Atomicity::Commit, 1, true);
    let mut fleet = Fleet::open(&grounds).unwrap();
    let driven = &mut fleet.shards[0];
    let mut days = days().into_iter().map(|events| (0..).zip(events).collect::<Vec<_>>());
    let mut next_day = || ImportItem::Events { file: 7, events: days.next().unwrap().into_iter() };
    assert!(!driven.shard.awaits_import(), "nothing is imported");
    driven.shard.accept_import(next_day());
    driven.shard.fill().unwrap();
    assert!(driven.shard.awaits_import(), "the day may go on");
    driven.shard.accept_import(day_end());
    driven.shard.fill().unwrap();
    assert!(!driven.shard.awaits_import(), "the trainer learns from its end");
    driven.settle().unwrap();
    // The first day is not learnt from.
    driven.shard.accept_import(day_end());
    driven.shard.fill().unwrap();
    assert_eq!(driven.shard.import_backlog(), 1);
    assert!(driven.shard.awaits_import(), "what follows from events goes with the next day");
    let (done, mut ended) = oneshot::channel();
    fleet.settle().unwrap();
    let driven = &mut fleet.shards[0];
    driven.shard.accept_import(next_day());
    driven.shard.accept_import(ImportItem::End { file: 7, taken: 9, until: at_s(0).plus_ms(TAIL_MS), done });
    driven.shard.fill().unwrap();
    assert!(!driven.shard.awaits_import(), "nothing comes any more");
    driven.settle().unwrap();
    assert!(ended.try_recv().is_ok());
}

#[test]
fn an_import_raises_nothing_on_the_live_feed() {
    let grounds = Fleet::grounds(Atomicity::Commit, 2, true);
    let mut fleet = Fleet::open(&grounds).unwrap();
    for (number, events) in (0..).step_by(100).zip(days()) {
        fleet.import_events(number, events).unwrap();
        fleet.import_all(day_end).unwrap();
    }
    fleet.shards.iter_mut().for_each(|driven| driven.shard.persist().unwrap());
    assert!(fleet.rows().keys().any(|key| key.first() == Some(&b'i')));
    assert!(!fleet.rows().keys().any(|key| key.first() == Some(&b'f')));
    assert!(fleet.shards.iter_mut().all(|driven| driven.heard.try_recv().is_err()));
}
