//! What is said of an order that is unlike the customer: one insight, by the most urgent of what was found.
//!
//! A mistyped quantity makes the amount unusual too: two insights would say one thing. What else was found stands in
//! the figures as what the insight covers, an unusual hour among it. It is revised while the order grows; that it
//! speaks stands.
//!
//! Deliberately not here: what is found (`amount`, `line`, `hour`).

use omnix_model::Suppression;

use crate::basket::Basket;
use crate::detect::Rule;
use crate::say::Said;
use crate::stage::Stage;

use super::{amount, hour, line};

/// Says what was found of the order, unless that was said of these lines; `is_new`: its amount was found to be odd
/// since.
pub(super) fn say(stage: &mut Stage<'_>, basket: &mut Basket, is_new: bool) {
    if is_new && basket.odd_line.is_some() {
        count_second(stage);
    }
    let is_said = basket.raised(Rule::Order).is_some_and(|raised| raised.lines == basket.lines);
    if is_said && !is_new {
        return;
    }
    // Of two that are as urgent that of the line goes first: it names the product.
    let found = [line::said(stage, basket), amount::said(stage, basket)].into_iter().flatten();
    let lead = found.reduce(|lead, other| {
        if other.priority() > lead.priority() { cover(other, lead) } else { cover(lead, other) }
    });
    if let Some(mut said) = lead {
        hour::tell_with(&mut said, stage, basket);
        stage.raise_for(basket, Rule::Order, said);
    }
}

/// Amount and line were both found to be odd: one of them is told with the other.
pub(super) fn count_second(stage: &mut Stage<'_>) {
    stage.suppress(Suppression::Cause, 1);
}

fn cover(mut lead: Said, other: Said) -> Said {
    lead.cover(other.message_id(), other.sentence);
    lead
}
