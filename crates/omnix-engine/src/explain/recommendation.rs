//! What to offer the customer has changed.

use omnix_model::Figure;

use super::{Decision, Origin, Step, step, text};
use crate::Recommended;
use crate::detect::recommendation_update::{Asked, lists};

const RULE: &str = "recommendation_update";

pub(super) fn steps(decision: &Decision<'_>) -> Vec<Step> {
    let Some((basket, customer)) = decision.basket(RULE) else { return Vec::new() };
    let lists = lists(Some(customer), decision.context.model, &Asked::after_order(basket.last_at));
    let mut steps: Vec<Step> = Vec::new();
    steps.extend(lists.again.iter().map(|product| {
        of_product(
            "again",
            "a product that the customer has bought before: by how often, how lately, and whether it is due",
            product,
        )
    }));
    steps.extend(lists.new.iter().map(|product| {
        of_product(
            "new",
            "a product that the customer has not bought: by what those buy who buy the same, and by how it sells, as \
             this shop's orders teach",
            product,
        )
    }));
    let weights = decision.context.model.choices().weights();
    steps.push(
        step(
            "new.score",
            "what a product's company, as a part of the best one's, and its sales, as parts of the best-selling \
             product's, are worth",
            "(company + companyFloor) * (lately + 0.001)^latelyWeight * (long + 0.001)^longWeight",
            text("best first"),
        )
        .number("companyFloor", weights.floor, Origin::Model)
        .number("latelyWeight", weights.short, Origin::Model)
        .number("longWeight", weights.long, Origin::Model),
    );
    let is_first = decision.before.is_none_or(|before| before.head.listed.is_none());
    steps.push(
        step(
            "isTold",
            "told for the first time, or because after the order before 3 of the first 5 products of either list were \
             not among those last told",
            "",
            Figure::Flag(true),
        )
        .with("isFirst", Figure::Flag(is_first), Origin::State)
        .count("orders", i64::from(basket.number), Origin::State),
    );
    steps
}

fn of_product(name: &'static str, about: &'static str, product: &Recommended) -> Step {
    step(name, about, "the products with the highest score, best first", text(product.product_id.as_str()))
        .with("productName", text(&product.product_name), Origin::Model)
        .number("score", product.score, Origin::Model)
        .with("reason", text(product.reason), Origin::Model)
}
