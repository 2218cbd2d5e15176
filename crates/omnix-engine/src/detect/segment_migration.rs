//! `segment_migration`: a customer moved to another segment, by buying, by silence, or by an outside model's
//! word.
//!
//! An outside model's word stands until the customer's behaviour changes what our own rule says.
//!
//! Deliberately not here: the rule itself (`rule`).

pub(crate) mod rule;
pub(crate) mod stake;

use std::sync::Arc;

use omnix_model::{EventRecord, Figure, Segment, SegmentName, SegmentUpdate, Tier, Timestamp};
use smol_str::SmolStr;

use crate::basket::{Basket, OPEN_MS};
use crate::calendar::{self, Day};
use crate::customer::{Amounts, Head, Leaving, SegmentState, cut};
use crate::detect::Rule;
use crate::math;
use crate::model::probability;
use crate::priority::Case;
use crate::say::{self, Said, named};
use crate::stage::Stage;

use rule::Eyes;
use stake::Stake;

const RULE: &str = "segment_migration";
/// The version under which our own findings are published.
const MODEL_VERSION: &str = "omnix-p60-1";
/// Reasons of a published update that are kept, and bytes of each.
const REASONS_MAX: usize = 8;
const REASON_BYTES_MAX: usize = 48;
/// Bytes of an outside segment's name that are kept.
const NAME_BYTES_MAX: usize = 128;
/// A change of segment, decided.
struct Move {
    from: Option<SegmentName>,
    to: SegmentName,
    at: Timestamp,
    score: f64,
    confidence: f64,
    reason_codes: Vec<SmolStr>,
    model_version: SmolStr,
    /// What is at stake; not asked of an outside model's word.
    stake: Option<Stake>,
}

impl Move {
    /// Which row of the table of priorities it belongs to.
    fn case(&self) -> Case {
        let case = case(self.from.as_ref(), &self.to);
        match self.stake {
            Some(stake) if case == Case::CustomerDeclines => stake.decline(),
            _ => case,
        }
    }
}

/// Looks where the customer stands after a basket. What is found depends on the basket's first line and on what
/// stood before it.
pub(crate) fn at_basket_end(stage: &mut Stage<'_>, basket: &mut Basket) {
    let zone = &stage.context.settings.time_zone;
    let day = calendar::day_of(zone, basket.first_at);
    let eyes = eyes(stage, &basket.amounts_before);
    let before = eyes.head.own_segment;
    let (leaving, segment) = match before {
        None => (None, Some(eyes.segment(day))),
        // Who was given up and orders is back: that needs no week to be believed.
        Some(own) if own.tier() == Tier::Lapsed => eyes.review(own, Some(Leaving::LONG_AGO), day),
        Some(own) => eyes.review(own, eyes.head.leaving, day),
    };
    let Some(own) = segment.or(before) else { return };
    // An order is looked at five seconds after its last line or ten minutes after its first, as it is sent: if a day
    // begins in between, the customer is looked at again all the same.
    let is_recent = stage.clock.ms_since(basket.first_at) <= OPEN_MS;
    let looked_at = if is_recent { basket.first_at } else { stage.clock };
    let (leaving, next) = eyes.next_review(own, leaving.filter(|_| segment.is_none()), day, looked_at);
    let standing = standing(eyes, day);
    let head = stage.customer.head_mut();
    (head.own_segment, head.leaving, head.silence_at) = (Some(own), leaving, next);
    let Some(to) = segment else { return };
    let from = head.segment.as_ref().map(|shown| shown.name.clone());
    if before.is_none() && from.is_some() {
        // An outside model was first; its word stands.
        return;
    }
    let mut change = own_move(head, from, (before, to), basket.first_at, standing);
    change.stake = Some(Stake::of(&stage.customer.head, &basket.amounts_before, stage.context.model));
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

/// Looks where the customer stands when the day has come on which another segment may follow.
pub(crate) fn fallen_silent(stage: &mut Stage<'_>, due: Timestamp) {
    if stage.customer.head.awaits_basket(due) {
        // An order has begun that was not looked at yet: its end looks at this day too.
        stage.customer.head_mut().silence_at = None;
        return;
    }
    // Live it may have come long ago: the customer is looked at as they stand today.
    let today = if stage.moment.is_history { due } else { stage.moment.now.max(due) };
    let day = calendar::day_of(&stage.context.settings.time_zone, today);
    // Of an order that may still grow nothing counts but that it came: it may be that one line of it is in, or all.
    let amounts = *stage.customer.head.settled_amounts(due);
    let eyes = eyes(stage, &amounts);
    let Some(own) = eyes.head.own_segment else {
        stage.customer.head_mut().silence_at = None;
        return;
    };
    let before = if stage.is_fresh(due) { eyes.head.leaving } else { Some(Leaving::LONG_AGO) };
    let (leaving, segment) = eyes.review(own, before, day);
    let now = segment.unwrap_or(own);
    let (ahead, next) =
        eyes.next_review(now, leaving.filter(|_| segment.is_none()), day, stage.clock.max(due));
    let standing = standing(eyes, day);
    let head = stage.customer.head_mut();
    (head.own_segment, head.leaving, head.silence_at) = (Some(now), ahead, next);
    let Some(to) = segment else { return };
    let from = head.segment.as_ref().map(|shown| shown.name.clone());
    let mut change = own_move(head, from, (Some(own), to), due, standing);
    change.stake = Some(Stake::of(&stage.customer.head, &amounts, stage.context.model));
    if change.from.as_ref() == Some(&change.to) {
        return;
    }
    let update = update_event(stage, &change);
    let said = take_effect(stage, change);
    // What had come to pass before we heard of the customer, or long ago, is noted, not raised.
    let is_news = leaving.is_some_and(|leaving| !leaving.is_old);
    if let Some(said) = said.filter(|_| is_news) {
        let mut cause = b"silence".to_vec();
        cause.extend_from_slice(&due.ms().to_le_bytes());
        cause.push(to.number());
        let id = if is_worse(own, to) {
            stage.raise_of_silence(said, &cause, due)
        } else {
            stage.raise(said, &cause, due)
        };
        stage.derive(id, update);
    }
}

/// Segments are numbered from the best down.
fn is_worse(own: Segment, to: Segment) -> bool {
    to.number() > own.number()
}

/// The customer as the rule sees them, when these amounts count.
fn eyes<'a>(stage: &'a Stage<'_>, amounts: &'a Amounts) -> Eyes<'a> {
    let (model, zone) = (stage.context.model, &stage.context.settings.time_zone);
    Eyes { head: &stage.customer.head, amounts, model, zone }
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
        stake: None,
    };
    let is_news = change.from.as_ref() != Some(&change.to);
    let said = said(stage, &change);
    show(stage, change, shown);
    if is_news {
        let mut cause = b"event".to_vec();
        cause.extend_from_slice(record.event_id.as_str().as_bytes());
        stage.pass_on(said, &cause);
    }
}

/// A segment's name as it is kept: one that is not ours may be long.
fn kept(name: &SegmentName) -> SegmentName {
    match name {
        SegmentName::Known(segment) => SegmentName::Known(*segment),
        SegmentName::Other(name) => SegmentName::Other(cut(name, NAME_BYTES_MAX)),
    }
}

fn own_move(
    head: &Head,
    from: Option<SegmentName>,
    (own, to): (Option<Segment>, Segment),
    at: Timestamp,
    (score, confidence): (f64, f64),
) -> Move {
    let is_worse = own.is_some_and(|own| is_worse(own, to));
    let frequency = match head.order_days {
        0 | 1 => "one_order_day",
        2 | 3 => "few_order_days",
        4 | 5 => "regular_orders",
        _ => "frequent_orders",
    };
    let reason = if is_worse { "no_recent_purchase" } else { "recent_purchase" };
    Move {
        from,
        to: SegmentName::Known(to),
        at,
        score,
        confidence,
        reason_codes: vec![SmolStr::new_static(reason), SmolStr::new_static(frequency)],
        model_version: SmolStr::default(),
        stake: None,
    }
}

/// Score and confidence of our own rule, both 0..=1: the probability of an order within 60 days; and the more
/// order days, the surer.
pub(crate) fn standing(eyes: Eyes<'_>, day: Day) -> (f64, f64) {
    let days = f64::from(eyes.head.order_days);
    (probability(eyes.logit(day)), (days + 1.0) / (days + 3.0))
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

/// Which row of the table of priorities a move belongs to, whoever moves.
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
    let case = change.case();
    let sentence = match (from, case) {
        (None, _) => format!("Customer {customer} is now in the segment {to}."),
        (Some(from), Case::CoreCustomerLost | Case::FormerBestSilent) => {
            format!("Customer {customer} has moved from {from} to {to}: get in touch before they are gone.")
        }
        (Some(from), Case::WorthyDeclines) => {
            let worth = change.stake.map(|stake| stake.text(&stage.context.settings.currency));
            let worth = worth.unwrap_or_default();
            format!("Customer {customer} is slipping, and with them {worth}: from {from} to {to}.")
        }
        (Some(from), Case::CoreCustomerSlips | Case::CustomerDeclines | Case::SmallDeclines) => {
            format!("Customer {customer} is slipping: from {from} to {to}.")
        }
        (Some(from), _) => format!("Customer {customer} has moved from {from} to {to}."),
    };
    let from = from.map_or(Figure::Unknown, say::text);
    let head = &stage.customer.head;
    let silent_days =
        head.settled_purchase_at(change.at).map(|last| math::days_between(last, change.at).max(0.0));
    let model = if change.model_version.is_empty() { MODEL_VERSION } else { &change.model_version };
    let mut figures = named([
        ("previousSegment", from.clone()),
        ("newSegment", say::text(to)),
        ("segmentationScore", say::number(change.score)),
        ("confidence", say::number(change.confidence)),
        ("reasonCodes", Figure::List(change.reason_codes.iter().map(|code| say::text(code)).collect())),
        ("orderDays", Figure::Count(head.order_days.into())),
        ("daysSinceLastPurchase", silent_days.map_or(Figure::Unknown, say::number)),
        ("segmentModel", say::text(model)),
    ]);
    figures.extend(change.stake.iter().flat_map(Stake::figures));
    Said {
        rule: RULE,
        case,
        event_timestamp: change.at,
        sentence,
        params: named([("customerId", say::text(customer)), ("from", from), ("to", say::text(to))]),
        figures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
