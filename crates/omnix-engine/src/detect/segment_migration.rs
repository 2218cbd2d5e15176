//! `segment_migration`: a customer moved to another segment, by buying, by silence, or by an outside model's
//! word.
//!
//! Our own rule looks at two things: on how many days a customer has ordered, and how long ago the last order
//! is. Each class of frequency is a ladder of segments that silence leads down. A customer climbs at once,
//! because an order is a fact; one slides only when the silence has lasted a fifth longer than the ladder
//! says, and three days more, so that labels do not flap. For who orders often, the first two steps come
//! sooner: five of their own usual intervals without an order mean what 60 days mean for others.
//!
//! An outside model's word stands until the customer's behaviour changes what our own rule says.
//!
//! Deliberately not here: probabilities of ordering again.

use std::sync::Arc;

use omnix_model::{EventRecord, Figure, InsightId, Segment, SegmentName, SegmentUpdate, Tier, Timestamp};
use smol_str::SmolStr;

use crate::basket::Basket;
use crate::customer::{Head, SegmentState, cut};
use crate::detect::Rule;
use crate::math;
use crate::priority::Case;
use crate::say::{self, Said, named};
use crate::stage::Stage;

const RULE: &str = "segment_migration";
/// The version under which our own findings are published.
const MODEL_VERSION: &str = "omnix-days-1";
/// Reasons of a published update that are kept, and bytes of each.
const REASONS_MAX: usize = 8;
const REASON_BYTES_MAX: usize = 48;
/// Bytes of an outside segment's name that are kept.
const NAME_BYTES_MAX: usize = 128;
/// By how much longer than the ladder's days silence must last: a factor, and days.
const MARGIN: f64 = 1.2;
const MARGIN_DAYS: f64 = 3.0;

/// Silence that the first two steps of the ladders of frequent customers are made for, in days.
const PACE_DAYS: f64 = 60.0;
/// Usual intervals that mean the same for who orders more often.
const PACE_INTERVALS: f64 = 5.0;
/// But four weeks at the least: whoever orders every day may be on holiday.
const PACE_DAYS_MIN: f64 = 28.0;

/// Down to which segment silence of so many days leads; the last has no end.
type Ladder = [(f64, Segment)];

const ONCE: &Ladder = &[
    (30.0, Segment::New),
    (90.0, Segment::NeedAttention),
    (180.0, Segment::Hibernating),
    (f64::INFINITY, Segment::Lost),
];
const FEW: &Ladder = &[
    (60.0, Segment::PotentialLoyalists),
    (120.0, Segment::NeedAttention),
    (240.0, Segment::Hibernating),
    (f64::INFINITY, Segment::Lost),
];
const REGULAR: &Ladder = &[
    (60.0, Segment::Loyal),
    (90.0, Segment::NeedAttention),
    (180.0, Segment::AtRisk),
    (365.0, Segment::Hibernating),
    (f64::INFINITY, Segment::Lost),
];
const BEST: &Ladder = &[
    (30.0, Segment::Champions),
    (60.0, Segment::Loyal),
    (120.0, Segment::AtRisk),
    (365.0, Segment::CannotLose),
    (f64::INFINITY, Segment::Lost),
];

/// The ladder of a customer who ordered on so many days.
const fn ladder(order_days: u32) -> &'static Ladder {
    match order_days {
        0 | 1 => ONCE,
        2 | 3 => FEW,
        4 | 5 => REGULAR,
        _ => BEST,
    }
}

/// A change of segment, decided.
struct Move {
    from: Option<SegmentName>,
    to: SegmentName,
    at: Timestamp,
    score: f64,
    confidence: f64,
    reason_codes: Vec<SmolStr>,
    model_version: SmolStr,
}

/// Looks where the customer stands after a basket: at the top of the ladder.
pub(crate) fn at_basket_end(stage: &mut Stage<'_>, basket: &mut Basket) {
    let head = stage.customer.head_mut();
    let Some((_, segment)) = ladder(head.order_days).first().copied() else { return };
    let before = head.own_segment.replace(segment);
    let settled_at = stage.clock;
    schedule_silence(head, settled_at);
    if before == Some(segment) {
        return;
    }
    let from = head.segment.as_ref().map(|shown| shown.name.clone());
    if before.is_none() && from.is_some() {
        // An outside model was first; its word stands.
        return;
    }
    // The basket's first line: further ones do not change the moment.
    let change = own_move(head, from, segment, basket.first_at, "recent_purchase");
    if change.from.as_ref() == Some(&change.to) {
        return;
    }
    let update = update_event(stage, &change);
    let said = take_effect(stage, change);
    // The first segment of a newcomer is no news.
    if let Some(said) = said {
        let id = stage.raise_for(basket, Rule::Segment, said);
        stage.derive(id, update);
    }
}

/// The customer has been silent for so long that another segment follows.
pub(crate) fn fallen_silent(stage: &mut Stage<'_>, due: Timestamp) {
    let settled_at = stage.customer.head.settled_at;
    let head = stage.customer.head_mut();
    let Some((crossing, segment)) = next_step(head) else {
        head.silence_at = None;
        return;
    };
    if crossing > due {
        // A basket that has not ended yet broke the silence.
        head.silence_at = Some(crossing);
        return;
    }
    head.own_segment = Some(segment);
    schedule_silence(head, settled_at);
    let at = crossing.max(settled_at).min(due);
    let from = head.segment.as_ref().map(|shown| shown.name.clone());
    let change = own_move(head, from, segment, at, "no_recent_purchase");
    if change.from.as_ref() == Some(&change.to) {
        return;
    }
    let update = update_event(stage, &change);
    let said = take_effect(stage, change);
    // What had come to pass before we heard of the customer, or long ago, is noted, not raised.
    if let Some(said) = said.filter(|_| crossing > settled_at && stage.is_fresh(crossing)) {
        let mut cause = b"silence".to_vec();
        cause.extend_from_slice(&crossing.ms().to_le_bytes());
        cause.push(segment.number());
        let id = stage.raise(said, &cause);
        stage.derive(id, update);
    }
}

/// Takes an outside model's word for the customer's segment.
pub(crate) fn published(stage: &mut Stage<'_>, record: &EventRecord, update: &SegmentUpdate) {
    if update.timestamp < stage.customer.head.segment_update_at {
        stage.effects.facts.is_late = true;
        return;
    }
    stage.catch_up(update.timestamp);
    let head = stage.customer.head_mut();
    head.segment_update_at = update.timestamp;
    let shown = head.segment.as_ref().map(|shown| shown.name.clone());
    let reasons = update.reason_codes.iter().take(REASONS_MAX);
    let change = Move {
        from: update.previous_segment.as_ref().map(kept).or_else(|| shown.clone()),
        to: kept(&update.new_segment),
        at: update.timestamp,
        score: update.segmentation_score,
        confidence: update.confidence,
        reason_codes: reasons.map(|reason| cut(reason, REASON_BYTES_MAX)).collect(),
        model_version: cut(&update.model_version, REASON_BYTES_MAX),
    };
    let is_news = change.from.as_ref() != Some(&change.to);
    let said = said(stage, &change);
    show(stage, change, shown);
    if is_news {
        let mut cause = b"event".to_vec();
        cause.extend_from_slice(record.event_id.as_str().as_bytes());
        let _: InsightId = stage.raise(said, &cause);
    }
}

/// A segment's name as it is kept: one that is not ours may be long.
fn kept(name: &SegmentName) -> SegmentName {
    match name {
        SegmentName::Known(segment) => SegmentName::Known(*segment),
        SegmentName::Other(name) => SegmentName::Other(cut(name, NAME_BYTES_MAX)),
    }
}

/// Sets when silence leads a step further down, from what the head now says.
fn schedule_silence(head: &mut Head, settled_at: Timestamp) {
    let crossing = next_step(head).map(|(crossing, _)| crossing);
    // What lies behind us is looked at a day from now, so that the customer's history can come in first.
    let earliest = settled_at.plus_ms(Timestamp::DAY_MS);
    head.silence_at = crossing.map(|crossing| if crossing > settled_at { crossing } else { earliest });
}

/// The next step down the ladder: when, and where to; none at its foot.
fn next_step(head: &Head) -> Option<(Timestamp, Segment)> {
    let (last, own) = (head.last_purchase_at?, head.own_segment?);
    let ladder = ladder(head.order_days);
    let rung = ladder.iter().position(|(_, segment)| *segment == own)?;
    let (days, _) = ladder.get(rung)?;
    let (_, below) = ladder.get(rung + 1)?;
    let days = if rung < 2 { days * pace(head) } else { *days };
    Some((math::after_days(last, days * MARGIN + MARGIN_DAYS), *below))
}

/// What the ladder's days are multiplied by for this customer: 1, less for who has ordered on at least four
/// days, over more than four weeks, and usually within 12 days again.
fn pace(head: &Head) -> f64 {
    let span = f64::from(head.last_order_day.saturating_sub(head.first_order_day));
    if head.order_days < 4 || span < PACE_DAYS_MIN {
        return 1.0;
    }
    let usual = span / f64::from(head.order_days - 1);
    (PACE_INTERVALS * usual).clamp(PACE_DAYS_MIN, PACE_DAYS) / PACE_DAYS
}

fn own_move(
    head: &Head,
    from: Option<SegmentName>,
    to: Segment,
    at: Timestamp,
    reason: &'static str,
) -> Move {
    let (score, confidence) = standing(head, at);
    let frequency = match head.order_days {
        0 | 1 => "one_order_day",
        2 | 3 => "few_order_days",
        4 | 5 => "regular_orders",
        _ => "frequent_orders",
    };
    Move {
        from,
        to: SegmentName::Known(to),
        at,
        score,
        confidence,
        reason_codes: vec![SmolStr::new_static(reason), SmolStr::new_static(frequency)],
        model_version: SmolStr::default(),
    }
}

/// Score and confidence of our own rule, both 0..=1: half recency (halved in 60 days), half frequency
/// (`f/(f+3)`); and the more order days, the surer.
pub(crate) fn standing(head: &Head, at: Timestamp) -> (f64, f64) {
    let silent_days = head.last_purchase_at.map_or(0.0, |last| math::days_between(last, at).max(0.0));
    let days = f64::from(head.order_days);
    (0.5 * math::decay(silent_days, 60.0) + 0.5 * days / (days + 3.0), (days + 1.0) / (days + 3.0))
}

/// Shows the new segment, and what is to be said of it; nothing for the first one.
fn take_effect(stage: &mut Stage<'_>, change: Move) -> Option<Said> {
    let said = change.from.is_some().then(|| said(stage, &change));
    let from = change.from.clone();
    show(stage, change, from);
    said
}

fn show(stage: &mut Stage<'_>, change: Move, shown: Option<SegmentName>) {
    let head = stage.customer.head_mut();
    let since = match &head.segment {
        Some(before) if before.name == change.to => before.since,
        Some(_) | None => change.at,
    };
    if shown.as_ref() != Some(&change.to) {
        let facts = &mut stage.effects.facts;
        // Of several steps in one record the rollups see one move, from the first to the last.
        let from = facts.segment_move.take().map_or(shown, |(from, _)| from);
        facts.segment_move = Some((from, change.to.clone()));
    }
    head.segment = Some(Arc::new(SegmentState {
        name: change.to,
        score: change.score,
        confidence: change.confidence,
        since,
        reason_codes: change.reason_codes,
        model_version: change.model_version,
    }));
}

fn update_event(stage: &Stage<'_>, change: &Move) -> omnix_model::Event {
    omnix_model::Event::SegmentUpdate(SegmentUpdate {
        customer_id: stage.context.customer_id.clone(),
        previous_segment: change.from.clone(),
        new_segment: change.to.clone(),
        segmentation_score: change.score,
        reason_codes: change.reason_codes.clone(),
        timestamp: change.at,
        confidence: change.confidence,
        model_version: SmolStr::new_static(MODEL_VERSION),
        extra: SmolStr::default(),
    })
}

/// Which row of the table of priorities a move belongs to.
fn case(from: Option<&SegmentName>, to: &SegmentName) -> Case {
    let (Some(from), Some(new)) = (from.and_then(SegmentName::tier), to.tier()) else {
        return Case::CustomerMoves;
    };
    match to.known() {
        Some(Segment::NeedAttention) if from == Tier::Core => Case::CoreCustomerSlips,
        Some(_) if from == Tier::Core && new <= Tier::Slipping => Case::CoreCustomerLost,
        Some(Segment::CannotLose) => Case::FormerBestSilent,
        Some(_) | None if new < from => Case::CustomerDeclines,
        Some(_) | None => Case::CustomerMoves,
    }
}

fn said(stage: &Stage<'_>, change: &Move) -> Said {
    let customer = stage.context.customer_id.as_str();
    let (from, to) = (change.from.as_ref().map(SegmentName::label), change.to.label());
    let case = case(change.from.as_ref(), &change.to);
    let sentence = match (from, case) {
        (None, _) => format!("Customer {customer} is now in the segment {to}."),
        (Some(from), Case::CoreCustomerLost | Case::FormerBestSilent) => {
            format!("Customer {customer} has moved from {from} to {to}: get in touch before they are gone.")
        }
        (Some(from), Case::CoreCustomerSlips | Case::CustomerDeclines) => {
            format!("Customer {customer} is slipping: from {from} to {to}.")
        }
        (Some(from), _) => format!("Customer {customer} has moved from {from} to {to}."),
    };
    let from = from.map_or(Figure::Unknown, say::text);
    let head = &stage.customer.head;
    let silent_days = head.last_purchase_at.map(|last| math::days_between(last, change.at).max(0.0));
    Said {
        rule: RULE,
        case,
        event_timestamp: change.at,
        sentence,
        params: named([("customerId", say::text(customer)), ("from", from.clone()), ("to", say::text(to))]),
        figures: named([
            ("previousSegment", from),
            ("newSegment", say::text(to)),
            ("segmentationScore", say::number(change.score)),
            ("confidence", say::number(change.confidence)),
            ("reasonCodes", Figure::List(change.reason_codes.iter().map(|code| say::text(code)).collect())),
            ("orderDays", Figure::Count(head.order_days.into())),
            ("daysSinceLastPurchase", silent_days.map_or(Figure::Unknown, say::number)),
            (
                "segmentModel",
                say::text(if change.model_version.is_empty() {
                    MODEL_VERSION
                } else {
                    &change.model_version
                }),
            ),
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LADDERS: [&Ladder; 4] = [ONCE, FEW, REGULAR, BEST];

    #[test]
    fn every_ladder_leads_down_to_lost() {
        for ladder in LADDERS {
            assert_eq!(ladder.last().unwrap().1, Segment::Lost);
            for pair in ladder.windows(2) {
                assert!(pair[0].0 < pair[1].0, "longer silence");
                assert!(pair[0].1.tier() >= pair[1].1.tier(), "never to a better tier");
            }
        }
    }

    #[test]
    fn silence_must_last_a_fifth_longer_and_three_days() {
        let last = Timestamp::from_ms_clamped(1_700_000_000_000);
        let head = Head {
            last_purchase_at: Some(last),
            order_days: 8,
            own_segment: Some(Segment::Champions),
            ..Head::default()
        };
        let expected = last.plus_ms(39 * Timestamp::DAY_MS);
        assert_eq!(next_step(&head), Some((expected, Segment::Loyal)));
    }

    #[test]
    fn who_orders_often_is_missed_sooner() {
        let last = Timestamp::from_ms_clamped(1_700_000_000_000);
        let silence = |days: i32, orders: u32, segment: Segment| {
            let head = Head {
                first_order_day: 20_000,
                last_order_day: 20_000 + days,
                last_purchase_at: Some(last),
                order_days: orders,
                own_segment: Some(segment),
                ..Head::default()
            };
            next_step(&head).map(|(at, below)| (math::days_between(last, at).floor(), below))
        };
        // Weekly: 35 days count as 60.
        assert_eq!(silence(70, 11, Segment::Champions), Some((24.0, Segment::Loyal)));
        assert_eq!(silence(70, 11, Segment::Loyal), Some((45.0, Segment::AtRisk)));
        assert_eq!(silence(70, 11, Segment::AtRisk), Some((147.0, Segment::CannotLose)));
        // Daily: four weeks. Every other week, or all within three weeks: as the ladder says.
        assert_eq!(silence(40, 41, Segment::Loyal), Some((36.0, Segment::AtRisk)));
        assert_eq!(silence(140, 11, Segment::Loyal), Some((75.0, Segment::AtRisk)));
        assert_eq!(silence(21, 11, Segment::Loyal), Some((75.0, Segment::AtRisk)));
    }

    #[test]
    fn nothing_comes_after_lost_or_for_who_never_bought() {
        let lost = Head {
            last_purchase_at: Some(Timestamp::MIN),
            order_days: 8,
            own_segment: Some(Segment::Lost),
            ..Head::default()
        };
        assert_eq!(next_step(&lost), None);
        assert_eq!(next_step(&Head::default()), None);
    }

    #[test]
    fn a_move_is_as_urgent_as_what_is_at_stake() {
        let case =
            |from: Segment, to: Segment| case(Some(&SegmentName::Known(from)), &SegmentName::Known(to));
        for from in Segment::ALL {
            for to in Segment::ALL {
                let expected_critical = from.tier() == Tier::Core
                    && matches!(
                        to,
                        Segment::AtRisk | Segment::CannotLose | Segment::Hibernating | Segment::Lost
                    );
                assert_eq!(case(from, to) == Case::CoreCustomerLost, expected_critical, "{from} {to}");
                if to.tier() > from.tier() && to != Segment::CannotLose {
                    assert_eq!(case(from, to), Case::CustomerMoves, "{from} {to}");
                }
            }
        }
    }
}
