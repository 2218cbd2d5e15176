//! What came of an insight: durable before it is answered, counted once, and not lost by whatever is raised or
//! computed again.

use omnix_model::{Insight, Outcome, Timestamp};
use omnix_storage::{AppendError, Atomicity};

use crate::rollup::{Activity, Verdicts, decode_row};
use crate::rows::JudgementRow;
use crate::testing::{Fleet, Ground, at_s, comparable, purchase};
use crate::{NewEvent, Refusal, keys};

const WEEK_S: i64 = 7 * 86_400;

/// A shop in which an order of `ann` was far too large, and the insight that says so.
fn shop(atomicity: Atomicity) -> (Vec<Ground>, Fleet, Insight) {
    let grounds = Fleet::grounds(atomicity, 1, false);
    let mut fleet = Fleet::open(&grounds).unwrap();
    for week in 0..8_i64 {
        let amount = if week == 7 { 5_000 } else { 10 };
        buy(&grounds, &mut fleet, week, amount, 3);
    }
    let anomaly = |insight: &Insight| insight.message_id.starts_with("anomaly.amount");
    let insight = fleet.insights().into_iter().find(anomaly).expect("the order is unusual");
    (grounds, fleet, insight)
}

/// A line of the order of a week; of the lines announced others may follow.
fn line(week: i64, number: u32, amount: i64, lines: u32) -> NewEvent {
    let mut event = purchase("ann", &format!("w{week}-{number}"), at_s(week * WEEK_S), amount);
    if let omnix_model::Event::Purchase(purchase) = &mut event.event {
        purchase.order_id = Some(omnix_model::OrderId::new(&format!("o{week}")).unwrap());
        purchase.order_lines = Some(lines);
    }
    event.fingerprint = omnix_model::fingerprint(&event.event);
    event
}

fn buy(grounds: &[Ground], fleet: &mut Fleet, week: i64, amount: i64, lines: u32) {
    grounds[0].clock.set(at_s(week * WEEK_S));
    let _answer = fleet.shards[0].ask(vec![line(week, 0, amount, lines)]);
    fleet.settle().unwrap();
    grounds[0].clock.set(at_s(week * WEEK_S + 8));
    fleet.settle().unwrap();
}

fn outcome(fleet: &Fleet, insight: &Insight) -> Option<Outcome> {
    let lane = omnix_model::Lane::of(&insight.customer_id);
    let row = fleet.rows().remove(&keys::judgement(insight.timestamp, lane, insight.id))?;
    JudgementRow::decode(&row).unwrap().judged.map(|(outcome, _)| outcome)
}

/// What is counted in the hour in which the insight was raised, of its kind and priority.
fn verdicts(fleet: &Fleet, insight: &Insight, raised_at: Timestamp) -> Verdicts {
    let row = fleet.rows().remove(&keys::activity_of_hour(raised_at.hour(), omnix_model::Lane::FIRST));
    let row = decode_row::<Activity>(&row.unwrap()).unwrap().0;
    row.judged.get(&(insight.kind.number(), insight.priority.number())).copied().unwrap_or_default()
}

#[test]
fn it_is_answered_when_it_is_applied_and_counts_once_whatever_is_said_again() {
    for atomicity in [Atomicity::Commit, Atomicity::Row] {
        let (_, mut fleet, insight) = shop(atomicity);
        let says = [
            (Some(Outcome::Useful), [1, 0, 0]),
            (Some(Outcome::Useful), [1, 0, 0]),
            (Some(Outcome::Wrong), [0, 1, 0]),
            (None, [0, 0, 0]),
            (Some(Outcome::Acted), [0, 0, 1]),
        ];
        for (said, counted) in says {
            let mut answer = fleet.shards[0].judge(&insight, said);
            assert!(answer.try_recv().is_err(), "nothing is appended yet");
            fleet.settle().unwrap();
            assert_eq!(answer.try_recv(), Ok(Ok(())));
            assert_eq!(outcome(&fleet, &insight), said);
            assert_eq!(verdicts(&fleet, &insight, insight.timestamp), counted, "{said:?}");
        }
    }
}

#[test]
fn two_that_are_said_before_a_commit_count_as_the_last() {
    let (_, mut fleet, insight) = shop(Atomicity::Commit);
    for said in [Outcome::Useful, Outcome::Wrong, Outcome::Acted] {
        let _answer = fleet.shards[0].judge(&insight, Some(said));
        fleet.settle_uncommitted().unwrap();
    }
    fleet.settle().unwrap();
    assert_eq!(outcome(&fleet, &insight), Some(Outcome::Acted));
    assert_eq!(verdicts(&fleet, &insight, insight.timestamp), [0, 0, 1]);
}

#[test]
fn a_revision_of_the_insight_does_not_lose_it() {
    let (grounds, mut fleet, insight) = shop(Atomicity::Commit);
    let _answer = fleet.shards[0].judge(&insight, Some(Outcome::Wrong));
    fleet.settle().unwrap();
    // A further line of the same order.
    let _answer = fleet.shards[0].ask(vec![line(7, 1, 100, 3)]);
    fleet.settle().unwrap();
    grounds[0].clock.set(at_s(7 * WEEK_S + 20));
    fleet.settle().unwrap();
    let revised = fleet.insights().into_iter().find(|other| other.id == insight.id).unwrap();
    assert!(revised.revision > insight.revision, "the order grew");
    assert_eq!(outcome(&fleet, &revised), Some(Outcome::Wrong));
}

#[test]
fn it_is_in_the_log_so_that_nothing_but_the_log_is_needed() {
    let (grounds, mut fleet, insight) = shop(Atomicity::Commit);
    let _answer = fleet.shards[0].judge(&insight, Some(Outcome::Acted));
    fleet.settle().unwrap();
    let live = comparable(fleet.rows());
    // Nothing was persisted: the store is empty again, and the log brings it forward.
    let again = Fleet::open(&grounds).unwrap();
    assert!(again.shards[0].replay.records > 0);
    assert_eq!(comparable(again.rows()), live);
    assert_eq!(outcome(&again, &insight), Some(Outcome::Acted));
    assert_eq!(verdicts(&again, &insight, insight.timestamp), [0, 0, 1]);
}

#[test]
fn what_the_log_does_not_take_is_not_noted_and_who_said_it_is_told() {
    let (_, mut fleet, insight) = shop(Atomicity::Commit);
    fleet.shards[0].log.fail_next(AppendError::Full);
    let mut answer = fleet.shards[0].judge(&insight, Some(Outcome::Acted));
    fleet.settle().unwrap();
    assert_eq!(answer.try_recv(), Ok(Err(Refusal::DiskFull)));
    fleet.settle().unwrap();
    assert_eq!(outcome(&fleet, &insight), None);
}
