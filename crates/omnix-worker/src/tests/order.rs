//! A customer's events are applied in the order in which they were acknowledged, whatever happens between.

use omnix_model::{Position, Record, RecordBlock, Timestamp};
use omnix_storage::{AppendError, Atomicity};

use crate::testing::{Ground, at_s, purchase};
use crate::{LaneRow, Receipt, keys};

#[test]
fn positions_of_a_customer_grow_as_acknowledged_and_the_log_holds_each_once() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    let mut acknowledged: Vec<(Position, String)> = Vec::new();
    for round in 0..60_i64 {
        if round % 7 == 3 {
            ground.log.fail_next(AppendError::Full);
        }
        if round % 11 == 5 {
            shard = ground.open();
        }
        let events: Vec<_> =
            (0..3).map(|i| purchase("ann", &format!("e{round}-{i}"), at_s(round), 1)).collect();
        for receipt in shard.publish(events).unwrap() {
            if let Receipt::Stored(stored) = receipt {
                acknowledged.push((stored.position, stored.event_id.to_string()));
            }
        }
    }
    assert!(acknowledged.len() > 120 && acknowledged.is_sorted());
    let in_log: Vec<String> = ground
        .log
        .blocks()
        .iter()
        .flat_map(|block| RecordBlock::decode(&block.payload).unwrap().entries)
        .filter_map(|(_, record)| match record {
            Record::Event(event) => Some(event.event_id.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(in_log, acknowledged.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
}

#[test]
fn a_lane_never_goes_back_in_time_though_the_clock_does() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    shard.store(purchase("ann", "e1", at_s(100), 1));
    let lane = omnix_model::Lane::of(&crate::testing::customer("ann"));
    let now = || LaneRow::decode(&ground.disk.rows()[&keys::lane(lane)]).unwrap().now;
    ground.clock.set(at_s(50));
    shard.store(purchase("ann", "e2", at_s(100), 1));
    assert_eq!(now(), at_s(50));
    ground.clock.set(at_s(10));
    shard.store(purchase("ann", "e3", at_s(100), 1));
    assert_eq!(now(), at_s(50));
    let shard = ground.open();
    assert!(shard.shard.lane_rows().iter().all(|(_, row)| row.now <= at_s(50)));
}

#[test]
fn an_idle_lane_is_ticked_when_its_basket_ends_and_not_before() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    let mut event = purchase("ann", "e1", at_s(0), 10);
    if let omnix_model::Event::Purchase(purchase) = &mut event.event {
        // Nobody says how many lines the order has: the basket waits for more.
        purchase.order_lines = None;
    }
    shard.store(event);
    let due = shard.shard.wake_at().expect("the basket waits for more lines");
    assert!(due > at_s(0) && due <= at_s(6), "{due}");
    let blocks = ground.log.blocks().len();
    shard.settle().unwrap();
    assert_eq!(ground.log.blocks().len(), blocks, "nothing is due yet");
    ground.clock.set(due);
    shard.settle().unwrap();
    assert_eq!(ground.log.blocks().len(), blocks + 1);
    assert_eq!(shard.counters.ticks.get(), 1);
    assert!(shard.shard.wake_at().is_none_or(|next| next > due), "the timer has moved on");
    // The hour of a later timer comes when nothing else happens.
    let mut steps = 0;
    while let Some(next) = shard.shard.wake_at() {
        ground.clock.set(next.max(ground_now(&ground)));
        shard.settle().unwrap();
        steps += 1;
        assert!(steps < 100, "timers come to an end");
    }
    assert_eq!(shard.counters.timers_stuck.get(), 0);
}

#[test]
fn after_a_long_rest_a_block_moves_on_only_so_many_lanes() {
    let ground = Ground::new(Atomicity::Commit);
    let mut shard = ground.open();
    let names: Vec<String> = (0..2_600).map(|i| format!("c{i}")).collect();
    for some in names.chunks(500) {
        shard.publish(some.iter().map(|name| purchase(name, "e1", at_s(0), 10)).collect()).unwrap();
    }
    let later = at_s(400 * 86_400);
    ground.clock.set(later);
    // Customers of all lanes come at once, at the start of the process and later.
    let mut shard = ground.open();
    let mut fired = Vec::new();
    for order in ["e2", "e3"] {
        let events = names.iter().step_by(10).map(|name| purchase(name, order, later, 10)).collect();
        let answer = shard.ask(events);
        let mut before = shard.counters.timers.get();
        while shard.step().unwrap() {
            fired.push(shard.counters.timers.get() - before);
            before += fired.last().unwrap();
        }
        let receipts = crate::testing::receipts(answer);
        assert!(receipts.iter().all(|receipt| matches!(receipt, Receipt::Stored(_))));
        assert_eq!(receipts.len(), 260);
    }
    assert!(fired.iter().sum::<u64>() >= 2_600, "all are due: {fired:?}");
    assert!(fired.iter().all(|fired| *fired < 700), "one lane of forty may be too many: {fired:?}");
}

fn ground_now(ground: &Ground) -> Timestamp {
    use crate::Clock as _;
    ground.clock.now()
}
