//! One insight for one cause, and no more of a day than its budget.

use omnix_model::{CustomerId, Figure};

use super::*;
use crate::priority::Case;
use crate::{Model, Settings};

const DAY: i32 = 20_000;

fn said(case: Case) -> Said {
    let row = case.row();
    Said {
        rule: row.message_id,
        case,
        event_timestamp: Timestamp::MIN,
        sentence: format!("About {}.", row.message_id),
        params: Vec::new(),
        figures: Vec::new(),
    }
}

/// Has `what` done to a customer on a day, and tells what followed.
fn on_day(
    customer: &mut Customer,
    per_day: u8,
    day: i32,
    what: impl FnOnce(&mut Stage<'_>, Timestamp),
) -> Effects {
    let (model, customer_id) = (Model::seed(), CustomerId::new("c").unwrap());
    let settings = Settings { customer_insights_per_day: per_day, ..Settings::default() };
    let context = Context { model: &model, settings: &settings, customer_id: &customer_id };
    let due = settings.start_of_day(day);
    let mut stage =
        Stage::new(customer, Moment { now: due, is_history: true }, &context, &crate::watch::Nobody);
    stage.clock = due;
    what(&mut stage, due);
    stage.keep()
}

/// Says `cases` of a customer's silence at one moment of a day.
fn silent(customer: &mut Customer, day: i32, cases: &[Case]) -> Effects {
    on_day(customer, 5, day, |stage, due| {
        for &case in cases {
            stage.raise_of_silence(said(case), b"cause", due);
        }
    })
}

fn message_ids(effects: &Effects) -> Vec<&str> {
    effects.insights.iter().map(|insight| insight.message_id.as_str()).collect()
}

fn covers(insight: &Insight) -> Option<&Figure> {
    insight.figures.iter().find(|(name, _)| name == "covers").map(|(_, figure)| figure)
}

#[test]
fn of_what_is_found_at_one_moment_the_most_urgent_speaks_for_all() {
    for cases in [
        [Case::ProductOverdue, Case::CoreCustomerLost, Case::SmallDeclines],
        [Case::SmallDeclines, Case::ProductOverdue, Case::CoreCustomerLost],
        [Case::CoreCustomerLost, Case::SmallDeclines, Case::ProductOverdue],
    ] {
        let effects = silent(&mut Customer::default(), DAY, &cases);
        assert_eq!(message_ids(&effects), ["segment.core_lost"], "{cases:?}");
        let Some(Figure::List(covered)) = covers(&effects.insights[0]) else { panic!("{cases:?}") };
        assert!(covered.contains(&Figure::Text("consumption.overdue".into())), "{cases:?}: {covered:?}");
        assert_eq!(effects.facts.suppressed.of(Suppression::Cause), 2, "{cases:?}");
    }
}

#[test]
fn one_silence_is_said_again_only_when_it_is_more_urgent() {
    let mut customer = Customer::default();
    let mut say = |days, case| {
        let effects = silent(&mut customer, DAY + days, &[case]);
        (effects.insights.len(), effects.facts.suppressed.of(Suppression::Cause))
    };
    assert_eq!(say(0, Case::ProductOverdue), (1, 0));
    assert_eq!(say(10, Case::CustomerDeclines), (0, 1), "no more urgent");
    assert_eq!(say(20, Case::CoreCustomerLost), (1, 0));
    assert_eq!(say(30, Case::FormerBestSilent), (0, 1), "less urgent");
}

#[test]
fn what_is_critical_goes_beyond_the_budget_and_the_next_day_has_its_own() {
    let mut customer = Customer::default();
    let mut raise = |days, cases: &[Case]| {
        let effects = on_day(&mut customer, 1, DAY + days, |stage, due| {
            for &case in cases {
                stage.raise(said(case), b"cause", due);
            }
        });
        let ids = message_ids(&effects).into_iter().map(str::to_owned).collect::<Vec<_>>();
        (ids, effects.facts.suppressed.of(Suppression::Budget))
    };
    let all = [Case::CustomerMoves, Case::CustomerDeclines, Case::CoreCustomerLost];
    assert_eq!(raise(0, &all), (vec!["segment.moves".to_owned(), "segment.core_lost".to_owned()], 1));
    assert_eq!(raise(1, &all[..1]), (vec!["segment.moves".to_owned()], 0));
}

#[test]
fn what_the_budget_held_back_is_no_word_of_the_silence() {
    let mut customer = Customer::default();
    on_day(&mut customer, 1, DAY, |stage, due| {
        stage.raise(said(Case::CustomerMoves), b"cause", due);
        stage.raise_of_silence(said(Case::CustomerDeclines), b"cause", due);
    });
    assert_eq!(
        message_ids(&silent(&mut customer, DAY + 1, &[Case::ProductOverdue])),
        ["consumption.overdue"]
    );
}
