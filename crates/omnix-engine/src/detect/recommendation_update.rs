//! `recommendation_update`: what to offer a customer has changed in what a person would notice.
//!
//! At a basket's end, from the customer's second basket on and once a model knows 3 products: the first time,
//! and when after the basket before 3 of the first 5 products of either list were not among those last told. The
//! basket itself does not decide whether it speaks: with each of its lines the lists come nearer to those last
//! told, or farther, and what a growing basket has said cannot be taken back.
//!
//! The lists are those that hold wherever the customer comes next: with those of the place and device of the order
//! that is over, a customer of two shops would be told of a change at every order.
//!
//! Deliberately not here: how the lists are made (`ranking`).

use std::sync::Arc;

use omnix_model::{Figure, ProductId, Timestamp};

use crate::basket::Basket;
use crate::customer::{Customer, LISTED, Product, key};
use crate::detect::Rule;
use crate::math;
use crate::model::ChoiceSums;
use crate::priority::Case;
use crate::ranking::{self, NEWS_MIN, OwnItem, RankQuery, Ranking, rank, rank_on};
use crate::say::{self, Said, named};
use crate::stage::Stage;
use crate::{Model, Occasion, Recommendations, Recommended};

const RULE: &str = "recommendation_update";

/// Says what to offer the customer, if that has changed, and notes whether it has by now.
pub(crate) fn at_basket_end(stage: &mut Stage<'_>, basket: &mut Basket) {
    let model = stage.context.model;
    if basket.number < 2 || model.popular().nth(NEWS_MIN - 1).is_none() {
        return;
    }
    if !speaks(&stage.customer, basket) {
        let have_changed = have_changed(&stage.customer, model, basket.last_at);
        stage.customer.head_mut().lists_changed = have_changed;
        return;
    }
    if !basket.lets_speak(Rule::Recommendation) {
        // They are told with the next basket that may.
        return stage.hold_back(basket, Rule::Recommendation);
    }
    let lists = lists(Some(&*stage.customer), model, &Asked::after_order(basket.last_at));
    let head = stage.customer.head_mut();
    head.listed = Some(Arc::new([&lists.again, &lists.new].map(|list| keys(list))));
    head.lists_changed = false;
    let said = said(stage, basket, &lists);
    stage.raise_for(basket, Rule::Recommendation, said);
}

/// Whether enough products of either list are not among those last told; the second is only worked out where
/// the first does not tell.
fn have_changed(customer: &Customer, model: &Model, now: Timestamp) -> bool {
    let Some([again, new]) = customer.head.listed.as_deref() else { return false };
    let (own, intervals) = (own_items(customer), customer.intervals());
    let query = RankQuery { own: &own, intervals, basket: &[], limit: LISTED, now };
    let Some(mut ranking) = Ranking::of(model, &query) else { return false };
    ranking.is_again_changed(again) || ranking.is_new_changed(new)
}

/// Whether the basket tells what the lists are: settled when it is first evaluated, by what stood before it.
fn speaks(customer: &Customer, basket: &Basket) -> bool {
    if basket.lines_evaluated > 0 {
        return basket.raised(Rule::Recommendation).is_some();
    }
    customer.head.lists_changed || customer.head.listed.is_none()
}

/// What is asked of both lists.
pub(crate) struct Asked<'a> {
    /// Where, when and on what they are shown; none: wherever the customer comes next.
    pub occasion: Option<Occasion>,
    /// What is in the basket already.
    pub basket: &'a [ProductId],
    /// How many of each list.
    pub limit: usize,
    pub at: Timestamp,
}

impl Asked<'_> {
    /// What is told, and explained, after an order at `at`.
    pub(crate) const fn after_order(at: Timestamp) -> Self {
        Self { occasion: None, basket: &[], limit: LISTED, at }
    }
}

/// Both lists for a customer (none: a stranger).
pub(crate) fn lists(customer: Option<&Customer>, model: &Model, asked: &Asked<'_>) -> Recommendations {
    let own = customer.map(own_items).unwrap_or_default();
    let intervals = customer.map(Customer::intervals).unwrap_or_default();
    let &Asked { occasion, basket, limit, at } = asked;
    let query = RankQuery { own: &own, intervals, basket, limit, now: at };
    let mut lists = match occasion {
        Some(occasion) => rank_on(model, &query, occasion),
        None => rank(model, &query),
    };
    // A product that the model has not met yet is known by the name that the customer saw.
    for item in lists.again.iter_mut().filter(|item| item.product_name == item.product_id.as_str()) {
        let known = customer.and_then(|customer| customer.product(&item.product_id));
        if let Some(product) = known {
            item.product_name = product.shown_name(model);
        }
    }
    lists
}

/// What an order that has ended says of how customers choose among what is new to them.
pub(crate) fn taken(customer: &Customer, model: &Model, basket: &Basket) -> Option<ChoiceSums> {
    let is_new = |product: &&Product| product.first_basket == basket.number;
    let taken: Vec<u32> =
        customer.products().filter(is_new).filter_map(|product| model.slot(&product.id)).collect();
    let items = own_items(customer).into_iter();
    // What the order holds was bought no basket ago.
    let own = items.map(|item| ranking::before(&item, item.baskets_since_last == 0));
    let own: Vec<OwnItem<'_>> = own.filter(|item| item.baskets > 0).collect();
    let query = RankQuery {
        own: &own,
        intervals: customer.intervals(),
        basket: &[],
        limit: LISTED,
        now: basket.first_at,
    };
    ranking::choice(model, &query, &taken)
}

/// What the customer's state says of their products, as the lists need it.
fn own_items(customer: &Customer) -> Vec<OwnItem<'_>> {
    let baskets = customer.head.baskets;
    let mut items = Vec::with_capacity(customer.product_count());
    items.extend(customer.products_under_hashes().map(|(hash, product)| OwnItem {
        product_id: &product.id,
        hash,
        baskets: product.baskets,
        baskets_since_first: baskets.saturating_sub(product.first_basket).saturating_add(1),
        baskets_since_last: baskets.saturating_sub(product.last_basket),
        last_at: product.last_at,
        intervals: product.interval_sums(),
    }));
    items
}

/// The first products of a list, as they are remembered.
fn keys(list: &[Recommended]) -> [u32; LISTED] {
    let mut keys = [0; LISTED];
    for (place, product) in keys.iter_mut().zip(list) {
        *place = math::low32(key(&product.product_id));
    }
    keys
}

fn said(stage: &Stage<'_>, basket: &Basket, lists: &Recommendations) -> Said {
    let customer = stage.context.customer_id.as_str();
    let names = |list: &[Recommended], count: usize| -> String {
        let names: Vec<&str> = list.iter().take(count).map(|product| product.product_name.as_str()).collect();
        names.join(", ")
    };
    let sentence = match (names(&lists.again, 3), names(&lists.new, 3)) {
        (again, new) if new.is_empty() => format!("Offer customer {customer} again: {again}."),
        (again, new) if again.is_empty() => format!("Offer customer {customer} something new: {new}."),
        (again, new) => format!("Offer customer {customer} again: {again}; and something new: {new}."),
    };
    let ids = |list: &[Recommended]| {
        Figure::List(list.iter().map(|product| say::text(product.product_id.as_str())).collect())
    };
    let texts = |list: &[Recommended]| {
        Figure::List(list.iter().map(|product| say::text(&product.product_name)).collect())
    };
    Said {
        rule: RULE,
        case: Case::ListsChanged,
        event_timestamp: basket.last_at,
        sentence,
        params: named([
            ("customerId", say::text(customer)),
            ("again", texts(&lists.again)),
            ("new", texts(&lists.new)),
        ]),
        figures: named([
            ("again", ids(&lists.again)),
            ("new", ids(&lists.new)),
            ("baskets", Figure::Count(stage.customer.head.baskets.into())),
        ]),
    }
}
