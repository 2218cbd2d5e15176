//! A small shop of which the truth is known: what the learners make of it.

use super::pair::KeptPair;
use super::visit::KeptVisit;
use super::*;
use crate::model::fixture::day;

fn pair(mu: f64) -> PairFigures {
    PairFigures {
        mu,
        sd: 0.8,
        lasted: 0.0,
        purchase_days: 4.0,
        exposure: 90.0,
        silent: 0.0,
        visit_mu: 2.5,
        visit_sd: 0.8,
        orders: 12.0,
        orders_since_first: 9.0,
        orders_since_last: 0.0,
        ln_last: mu,
        trend: 0.0,
        season: 0.0,
        quantity: 0.0,
        incidence: 0.4,
        intervals: 20.0,
    }
}

/// A day of 40 pairs bought, half of them often; and what was bought again that day.
fn taught_day(number: Day) -> RowSample {
    let mut sample = RowSample::default();
    for who in 0..40_u32 {
        let often = who % 2 == 0;
        let figures = KeptPair::of(&pair(if often { 2.0 } else { 4.5 }));
        let key = RowKey { what: who * 7_919, who };
        sample.expects.push(PairRow { key, day: number, figures });
        // Nine of ten of the frequent come back after 5 days, one of ten of the others after 50.
        let comes = (who / 2 + number.unsigned_abs()) % 10;
        let (after, is_coming) = if often { (5, comes != 0) } else { (50, comes == 0) };
        if is_coming && number >= 20_000 + after {
            sample.bought.push(Bought { key, since: number - after, day: number });
        }
        let figures = VisitFigures {
            silent: if often { 3.0 } else { 90.0 },
            mu: 3.0,
            sd: 0.8,
            order_days: 4.0,
            age: 200.0,
            rate: 1.5,
            ln_amount: 4.0,
        };
        if next_look(who, number - 1) == number {
            let key = RowKey { what: 0, who };
            sample.stands.push(VisitRow { key, day: number, figures: KeptVisit::of(&figures) });
        }
        if often && number % 9 == 0 {
            sample.ordered.push(Ordered { who, since: number - 9, day: number });
        }
    }
    sample
}

fn taught(days: Day) -> Learners {
    let mut learners = Learners::seed();
    for number in 0..days {
        // The day after: the epoch ends in it, and the day before is over.
        let until = day(i64::from(number) + 1);
        let start = Day::try_from(day(0).utc_day()).unwrap();
        let mut sample = taught_day(20_000 + number);
        let shift = start - 20_000;
        sample.expects.iter_mut().for_each(|row| row.day += shift);
        sample.stands.iter_mut().for_each(|row| row.day += shift);
        for bought in &mut sample.bought {
            bought.since += shift;
            bought.day += shift;
        }
        for ordered in &mut sample.ordered {
            ordered.since += shift;
            ordered.day += shift;
        }
        learners.fold(std::iter::once(&sample), until);
    }
    learners
}

#[test]
fn what_comes_back_often_is_told_from_what_does_not() {
    let learners = taught(120);
    let (often, seldom) = (learners.bought(&pair(2.0)), learners.bought(&pair(4.5)));
    assert!(often.is_sorted() && seldom.is_sorted());
    assert!((often[1] - 0.9).abs() < 0.06, "within a week: {often:?}");
    assert!(seldom[1] < 0.06 && (seldom[7] - 0.1).abs() < 0.06, "within 60 days: {seldom:?}");
    let learnt = learners.status().into_iter().filter(|(_, _, status)| status.stage == LearnerStage::Learnt);
    assert!(learnt.count() >= 4, "{:?}", learners.status());
}

#[test]
fn a_young_shop_says_what_the_analytic_form_says() {
    let pair = pair(3.0);
    let [.., analytic, _] = pair.features(30.0);
    assert!((Learners::seed().bought(&pair)[5] - probability(analytic)).abs() < 1e-12);
    let young = taught(20);
    assert!(young.status().iter().all(|(_, days, status)| *days < 20 || status.labels == 0.0));
}

#[test]
fn nothing_is_learnt_before_its_horizon_has_ended() {
    let labels = |days: Day| taught(days).bought[7].status().labels;
    assert!(labels(60) < 0.5, "the rows of the first day are labelled at the end of the 61st");
    assert!((labels(61) - 40.0).abs() < 0.5);
}

#[test]
fn when_too_many_rows_wait_every_second_is_let_go() {
    let mut learners = Learners::seed();
    let start = Day::try_from(day(0).utc_day()).unwrap();
    let rows = (0..20_000_u32).map(|number| PairRow {
        key: RowKey { what: number.wrapping_mul(0x9e37_79b9), who: number },
        day: start,
        figures: KeptPair::of(&pair(3.0)),
    });
    let sample = RowSample { expects: rows.collect(), ..RowSample::default() };
    learners.fold(std::iter::once(&sample), day(0));
    assert!((4_000..=WAITING_MAX).contains(&learners.waiting()), "{}", learners.waiting());
    let gates = learners.gates();
    let taken = sample.expects.iter().filter(|row| gates.take_expects(row.key)).count();
    assert_eq!(taken, learners.waiting(), "lanes send what is kept");
}

#[test]
fn the_order_in_which_rows_come_does_not_show() {
    let sample = taught_day(20_060);
    let mut turned = sample.clone();
    turned.expects.reverse();
    turned.stands.reverse();
    turned.bought.reverse();
    let fold = |sample: &RowSample| {
        let mut learners = Learners::seed();
        (0..5).for_each(|number| learners.fold(std::iter::once(sample), day(number * 30)));
        learners
    };
    assert_eq!(fold(&sample), fold(&turned));
}

#[test]
fn bytes_are_the_learners() {
    let learners = taught(70);
    let mut out = Writer::new();
    learners.encode(&mut out);
    let bytes = out.into_bytes();
    let mut from = Reader::new(&bytes);
    assert_eq!(Learners::decode(&mut from), Ok(learners));
    assert!(from.is_empty());
}
