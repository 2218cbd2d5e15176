//! An insight is explained from the log alone: what comes out when it is raised again is what was stored, whatever
//! has happened since; and where the log or a model is gone, the answer says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use omnix_model::{
    ConsumptionPrediction, Event, Figure, Insight, LaneRange, PredictionType, ProductId, SegmentName,
    SegmentUpdate, ShardId,
};
use omnix_storage::{Atomicity, EventLog as _, StateStore as _};

use crate::explain::{CauseKind, Explainer, Explanation, Gap, KeptLog};
use crate::models::ModelStore as _;
use crate::queries::{Queries, ShardView};
use crate::testing::{Fleet, Ground, at_s, customer, new_event, purchase};
use crate::{CommitOnDemand, NewEvent, Progress};

const DAY_S: i64 = 86_400;

/// Months of a small shop: customers with a rhythm of their own, some orders of several lines, one far too large,
/// several within minutes, and long silence at the end.
fn months(is_history: bool) -> (Vec<Ground>, Fleet) {
    let grounds = Fleet::grounds(Atomicity::Commit, 2, is_history);
    let mut fleet = Fleet::open(&grounds).unwrap();
    for day in 0..150_i64 {
        let mut events = Vec::new();
        for customer in (0..8).filter(|customer| day < 100 && (day + customer) % (5 + 3 * customer) == 0) {
            let amount = if day == 90 + customer % 10 { 4_000 } else { 20 + customer };
            events.push(bought(&format!("c{customer}"), day, 0, amount));
            events.push(bought(&format!("c{customer}"), day, 1, 7));
        }
        if day == 50 {
            events.extend((0..6).map(|order| bought("c3", day, 10 + order, 25)));
        }
        if day == 60 {
            events.extend(published(day));
        }
        for ground in &grounds {
            ground.clock.set(at_s(day * DAY_S));
        }
        if is_history {
            fleet.import_events(day.unsigned_abs() * 100, events).unwrap();
            let end = || crate::history::ImportItem::DayEnd { file: 7, number: None };
            fleet.import_all(end).unwrap();
        } else {
            live_day(&grounds, &mut fleet, day, events);
        }
    }
    // What is read is read from the disk.
    fleet.shards.iter_mut().for_each(|driven| driven.shard.persist().unwrap());
    (grounds, fleet)
}

fn live_day(grounds: &[Ground], fleet: &mut Fleet, day: i64, events: Vec<NewEvent>) {
    let count = fleet.shards.len();
    for event in events {
        let shard = ShardId::of_lane(crate::shard::lane_of(&event), count);
        let _answer = fleet.shards[usize::from(shard.0)].ask(vec![event]);
        fleet.settle().unwrap();
    }
    grounds[0].clock.set(at_s(day * DAY_S + 30));
    fleet.settle().unwrap();
    for driven in &mut fleet.shards {
        let epoch = driven.shard.epoch();
        driven.shard.begin_end_of_epoch(epoch);
    }
    fleet.settle().unwrap();
}

/// What an outside model says of two customers.
fn published(day: i64) -> [NewEvent; 2] {
    let timestamp = at_s(day * DAY_S + 10);
    let update = SegmentUpdate {
        customer_id: customer("c1"),
        previous_segment: Some(SegmentName::parse("Champions")),
        new_segment: SegmentName::parse("VIP"),
        segmentation_score: 0.25,
        reason_codes: vec!["a".into()],
        timestamp,
        confidence: 0.5,
        model_version: "crm-3".into(),
        extra: "".into(),
    };
    let prediction = ConsumptionPrediction {
        customer_id: customer("c2"),
        product_id: ProductId::new("p0").unwrap(),
        predicted_consumption_date: at_s((day + 9) * DAY_S),
        confidence: 0.95,
        prediction_type: PredictionType::AiEnhanced,
        factors: vec!["x".into()],
        timestamp,
        alert_triggered: false,
        extra: "".into(),
    };
    [
        new_event(Event::SegmentUpdate(update), "update"),
        new_event(Event::ConsumptionPrediction(prediction), "prediction"),
    ]
}

/// A line of an order: lines below 10 belong to one order a day, the others are orders of their own, minutes apart.
fn bought(name: &str, day: i64, line: i64, amount: i64) -> NewEvent {
    let at = at_s(day * DAY_S + 5 + 60 * (line / 10) * line);
    let mut event = purchase(name, &format!("{name}-{day}-{line}"), at, amount);
    if let Event::Purchase(purchase) = &mut event.event {
        let order = if line < 10 { 0 } else { line };
        purchase.order_id = Some(omnix_model::OrderId::new(&format!("{name}-{day}-{order}")).unwrap());
        purchase.order_lines = None;
    }
    event.fingerprint = omnix_model::fingerprint(&event.event);
    event
}

fn explainer(grounds: &[Ground]) -> Explainer {
    let log = |ground: &Ground| KeptLog {
        lanes: LaneRange::of_shard(ground.shard, grounds.len()),
        source: ground.log.source(),
        chapters: None,
    };
    explainer_of(grounds, grounds.iter().map(log).collect())
}

/// An explainer of what stands on `grounds`, which reads `logs`.
pub(super) fn explainer_of(grounds: &[Ground], logs: Vec<KeptLog>) -> Explainer {
    let view = |ground: &Ground| ShardView {
        shard: ground.shard,
        log: ground.log.id(),
        lanes: LaneRange::of_shard(ground.shard, grounds.len()),
        store: ground.disk.open().reader(),
        progress: Arc::new(Progress::default()),
        on_demand: CommitOnDemand::default(),
    };
    let clock = Arc::clone(&grounds[0].clock) as Arc<dyn crate::Clock>;
    let queries = Queries::new(
        grounds.iter().map(view).collect(),
        Arc::new(arc_swap::ArcSwap::from_pointee(omnix_engine::Model::seed())),
        Arc::new(omnix_engine::Settings::default()),
        Arc::clone(&clock),
    );
    Explainer::new(queries, logs, Arc::new(grounds[0].models.clone()), clock)
}

pub(super) fn explain(explainer: &Explainer, insight: &Insight) -> Explanation {
    explainer.explain(&insight.customer_id, insight.id, &|| false).unwrap().expect("the insight is known")
}

fn by_message(insights: &[Insight]) -> BTreeMap<String, Insight> {
    insights.iter().map(|insight| (insight.message_id.to_string(), insight.clone())).collect()
}

#[test]
fn every_insight_comes_out_again_as_it_is_stored() {
    for is_history in [false, true] {
        let (grounds, fleet) = months(is_history);
        let insights = fleet.insights();
        let kinds: Vec<String> = by_message(&insights).into_keys().collect();
        for kind in ["anomaly.amount", "consumption.", "recommendation.changed", "segment."] {
            assert!(kinds.iter().any(|known| known.starts_with(kind)), "{kind} is not among {kinds:?}");
        }
        let explainer = explainer(&grounds);
        for insight in &insights {
            let explanation = explain(&explainer, insight);
            assert!(explanation.is_same(), "{insight:#?} came out as {:#?}", explanation.found);
            assert_eq!(explanation.gaps, []);
            let found = explanation.found.unwrap();
            assert!(!found.steps.is_empty(), "{}", insight.message_id);
            assert_eq!(
                (found.under.model, found.under.settings),
                (insight.model_version, insight.settings_version)
            );
            let is_published = found.steps.iter().any(|step| step.name == "published");
            let names_outside = ["crm-3", "ai-enhanced"].map(|text| Figure::Text(text.into()));
            let says_so = insight.figures.iter().any(|(_, figure)| names_outside.contains(figure));
            assert_eq!((is_published, says_so), (says_so, is_published), "{insight:#?}");
            assert!(!explanation.sources.is_empty());
            assert!(explanation.sources.is_sorted_by_key(|source| (source.at, source.position)));
            assert!(explanation.sources.iter().all(|source| {
                source.record.event.customer() == Some(&insight.customer_id)
                    && source.position <= found.position
            }));
            if found.cause == CauseKind::Event {
                assert_eq!(
                    explanation.sources.last().unwrap().position,
                    found.position,
                    "the cause comes last"
                );
            }
        }
    }
}

#[test]
fn the_steps_lead_to_the_figures_of_the_insight() {
    let (grounds, fleet) = months(false);
    let explainer = explainer(&grounds);
    let insights = fleet.insights();
    let mut led_to: BTreeSet<(String, String)> = BTreeSet::new();
    for insight in &insights {
        let steps = explain(&explainer, insight).found.unwrap().steps;
        for (name, figure) in &insight.figures {
            // A list is told product by product.
            if let Some(step) =
                steps.iter().find(|step| step.name == name && !matches!(figure, Figure::List(_)))
            {
                assert_eq!(&step.value, figure, "{}: {name}", insight.message_id);
                led_to.insert((insight.message_id.to_string(), name.to_string()));
            }
        }
    }
    for (message, names) in [
        ("anomaly.amount.extreme", &["amount", "usual", "deviation", "score"][..]),
        ("anomaly.burst", &["ordersInShortTime", "usual"]),
        ("consumption.certain", &["usualIntervalDays", "purchaseDays"]),
        ("consumption.overdue", &["usualIntervalDays", "purchaseDays"]),
        ("segment.core_lost", &["orderDays", "segmentationScore", "confidence"]),
    ] {
        for name in names {
            let key = (message.to_owned(), (*name).to_owned());
            assert!(led_to.contains(&key), "{key:?} of {led_to:#?}");
        }
    }
}

#[test]
fn a_model_that_is_gone_is_said_to_be_and_its_arithmetic_left_out() {
    let (grounds, fleet) = months(false);
    let insights = fleet.insights();
    let late = insights.iter().max_by_key(|insight| insight.timestamp).unwrap();
    let deciding = late.model_version;
    grounds[0].models.prune(&|number| number >= deciding).unwrap();
    let explanation = explain(&explainer(&grounds), late);
    assert!(
        matches!(explanation.gaps[..], [Gap::ModelsGone { last, .. }] if last < deciding),
        "{:?}",
        explanation.gaps
    );
    assert!(!explanation.found.unwrap().steps.is_empty(), "the model of the decision is there");
    grounds[0].models.prune(&|number| number > deciding).unwrap();
    let explanation = explain(&explainer(&grounds), late);
    assert!(
        explanation.gaps.contains(&Gap::DecidingModelGone { number: deciding }),
        "{:?}",
        explanation.gaps
    );
    assert!(explanation.found.is_none_or(|found| found.steps.is_empty()));
}

#[test]
fn damage_in_the_log_is_said() {
    let (grounds, fleet) = months(false);
    let insight = fleet.insights().into_iter().max_by_key(|insight| insight.timestamp).unwrap();
    grounds.iter().for_each(|ground| ground.log.damage(3));
    let explanation = explain(&explainer(&grounds), &insight);
    assert!(explanation.gaps.contains(&Gap::LogDamaged { first: 3, last: 3 }), "{:?}", explanation.gaps);
}

#[test]
fn what_is_not_there_or_nobody_waits_for_is_not_explained() {
    let (grounds, fleet) = months(false);
    let insight = fleet.insights().into_iter().max_by_key(|insight| insight.timestamp).unwrap();
    let explainer = explainer(&grounds);
    let unknown = omnix_model::InsightId([1; 16]);
    assert!(explainer.explain(&insight.customer_id, unknown, &|| false).unwrap().is_none());
    let gone = explainer.explain(&insight.customer_id, insight.id, &|| true);
    assert!(matches!(gone, Err(crate::explain::ExplainError::Abandoned)), "{gone:?}");
}
