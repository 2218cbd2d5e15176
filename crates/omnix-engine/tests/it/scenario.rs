//! Scenarios that a shop owner can read, and what the engine says to them.
//!
//! A scenario is a file of lines under `tests/scenarios`: what happens, and until when time passes. Its
//! snapshot lists what was said, in order, and how the customer stands at the end.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot be read is a fault of the test")]

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use omnix_engine::{RecommendRequest, profile, recommend};
use omnix_model::{Event, Figure, Insight, Money, Quantity, Suppression, Timestamp};

use crate::common::{Shop, of_order, prediction, purchase, segment_update};

macro_rules! scenarios {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            let text = include_str!(concat!("../scenarios/", stringify!($name), ".txt"));
            insta::with_settings!({ snapshot_path => "../scenarios", prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), told(text));
            });
        })+
    };
}

scenarios! {
    every_tuesday_coffee_then_nothing
    a_champion_leaves
    a_weekly_champion_falls_silent
    what_is_bought_all_the_time
    one_huge_order
    a_burst_of_orders
    a_mistyped_quantity
    a_mistyped_order
    a_busy_day
    an_ordinary_order_at_night
    a_large_order_at_night
    dates_without_a_time
    a_good_customer_slips
    a_small_customer_slips
    much_for_what_is_in_it
    a_single_small_order
    returns_only
    a_newcomer
    lines_of_one_order_one_by_one
    an_outside_model_speaks
    an_irregular_buyer
    history_sent_to_a_live_shop
    an_old_history_goes_live
    across_the_clock_change
    lists_change
}

/// Plays a scenario and tells what was said.
fn told(text: &str) -> String {
    let mut shop = Shop::history();
    let mut now = Timestamp::MIN;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        now = play(&mut shop, line, now);
    }
    let mut out = String::new();
    for insight in &shop.insights {
        writeln!(out, "{}", said(insight)).unwrap();
    }
    writeln!(out, "---").unwrap();
    let [lately, cause, budget] = Suppression::ALL.map(|reason| shop.suppressed.of(reason));
    writeln!(
        out,
        "held back: {lately} said lately, {cause} of the same cause, {budget} beyond the day's budget"
    )
    .unwrap();
    out + &standing(&shop, now)
}

/// Plays one line; the time it leads to.
fn play(shop: &mut Shop, line: &str, now: Timestamp) -> Timestamp {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["clock", "live"] => shop.is_history = false,
        ["shop", "in", zone] => shop.settings.time_zone = TimeZone::get(zone).unwrap(),
        ["learn"] => shop.learn(now),
        ["at", "most", count, "insights", "a", "day"] => {
            shop.settings.customer_insights_per_day = count.parse().unwrap();
        }
        [count, "others", "buy", product, "for", "about", amount, every @ ..] => {
            let about: i64 = amount.parse().unwrap();
            let others = (0..count.parse().unwrap()).map(|number: i64| {
                let amount = about * (8 + number % 5) / 10;
                let line = format!("{} buys {product} for {amount}", every.join(" "));
                let mut other = Shop::history();
                let end = play(&mut other, &line, now);
                shop.observations.append(&mut other.observations);
                end
            });
            let end = others.last().unwrap();
            shop.learn(end);
            return end;
        }
        ["wakes", "at", date] => {
            let now = time(date, "00:00");
            shop.wake(now);
            return now;
        }
        ["until", date] => {
            let until = time(date, "00:00");
            shop.pass(until);
            return until;
        }
        ["every", days, "days", count, "times", "from", date, clock, rest @ ..] => {
            let (days, count): (i64, i64) = (days.parse().unwrap(), count.parse().unwrap());
            let start = time(date, clock);
            let times = (0..count).map(|number| start.plus_ms(number * days * Timestamp::DAY_MS));
            return times.map(|at| happens(shop, rest, at, at)).last().unwrap();
        }
        [date, clock, rest @ .., "sent", sent_date, sent_clock] => {
            return happens(shop, rest, time(date, clock), time(sent_date, sent_clock));
        }
        [date, clock, rest @ ..] => {
            let at = time(date, clock);
            return happens(shop, rest, at, at);
        }
        _ => panic!("what does `{line}` mean?"),
    }
    now
}

fn happens(shop: &mut Shop, words: &[&str], at: Timestamp, sent: Timestamp) -> Timestamp {
    let event = match words {
        ["buys", product, "for", amount, rest @ ..] => {
            let mut line = purchase(product, 0, at);
            line.total_amount = Money::parse(amount).unwrap().0;
            if let ["order", order, rest @ ..] = rest {
                line = of_order(order, line);
                if let ["of", lines, ..] = rest {
                    line.order_lines = Some(lines.parse().unwrap());
                }
            }
            Event::Purchase(line)
        }
        ["buys", quantity, "of", product, "for", amount, "order", order] => {
            let mut line = of_order(order, purchase(product, 0, at));
            line.quantity = Quantity::from_thousandths(1_000 * quantity.parse::<i64>().unwrap());
            line.total_amount = Money::parse(amount).unwrap().0;
            Event::Purchase(line)
        }
        ["returns", product, "for", amount] => {
            Event::Purchase(purchase(product, -amount.parse::<i64>().unwrap(), at))
        }
        ["moves", "from", rest @ ..] => {
            let names = rest.join(" ");
            let (from, to) = names.split_once(" to ").unwrap();
            segment_update((from != "none").then_some(from), to, at)
        }
        ["is", "predicted", product, confidence, rest @ ..] => {
            prediction(product, confidence.parse().unwrap(), *rest == ["alert"], at)
        }
        _ => panic!("what does `{}` mean?", words.join(" ")),
    };
    shop.pass(sent);
    shop.accept(event, sent);
    sent
}

fn time(date: &str, clock: &str) -> Timestamp {
    let clock = if clock.len() == 5 { format!("{clock}:00") } else { clock.to_owned() };
    format!("{date}T{clock}Z").parse().unwrap()
}

fn said(insight: &Insight) -> String {
    let covered = insight.figures.iter().find(|(name, _)| name == "coveredSentences");
    let covered = match covered {
        Some((_, Figure::List(sentences))) => sentences.iter().map(covered_line).collect(),
        _ => String::new(),
    };
    format!(
        "{} {} {}{}{}\n    {}{covered}",
        insight.timestamp,
        insight.message_id,
        insight.priority.name(),
        if insight.action_required { ", action required" } else { "" },
        if insight.revision > 0 { format!(", revision {}", insight.revision) } else { String::new() },
        insight.sentence
    )
}

fn covered_line(sentence: &Figure) -> String {
    match sentence {
        Figure::Text(sentence) => format!("\n    + {sentence}"),
        _ => panic!("a sentence is a text"),
    }
}

fn standing(shop: &Shop, now: Timestamp) -> String {
    let profile = profile(shop.state(), &shop.model, &shop.settings, now);
    let mut out = format!(
        "{} purchases, {} orders, {} spent; segment {}; last purchase {} days ago; next due {}\n",
        profile.purchases,
        profile.orders,
        Money::sum_text(profile.total_spent),
        profile.segment.map_or_else(
            || "none".to_owned(),
            |segment| {
                format!(
                    "{} since {} ({})",
                    segment.name.label(),
                    segment.since,
                    segment.reason_codes.join(", ")
                )
            }
        ),
        profile.recency_days.map_or_else(|| "-".to_owned(), |days| days.to_string()),
        shop.state().due().map_or_else(|| "never".to_owned(), |due| due.to_string()),
    );
    if let Some(spending) = profile.spending {
        let text = |millionths| Money::sum_text(i128::from(millionths) / 10_000 * 10_000);
        let (usual, low, high) = (text(spending.usual), text(spending.low), text(spending.high));
        writeln!(out, "usually {usual} an order ({low} to {high})").unwrap();
    }
    for product in profile.products.iter().take(5) {
        let interval = product.usual_interval_days.map_or("-".to_owned(), |days| format!("{days:.1}"));
        let confidence = product.confidence.map_or("-".to_owned(), |share| format!("{share:.3}"));
        let next = product.next_expected_at.map_or("-".to_owned(), |at| at.to_string());
        let (name, purchases) = (&product.product_name, product.purchases);
        writeln!(
            out,
            "{name}: {purchases} purchases, every {interval} days, next {next}, {confidence} within 30 days"
        )
        .unwrap();
    }
    let request = RecommendRequest { limit: 5, ..RecommendRequest::default() };
    let lists = recommend(Some(shop.state()), &shop.model, &shop.settings, &request, now);
    let names = |list: &[omnix_engine::Recommended]| {
        list.iter()
            .map(|item| format!("{} ({})", item.product_name, item.reason))
            .collect::<Vec<_>>()
            .join(", ")
    };
    writeln!(out, "again: {}\nnew: {}", names(&lists.again), names(&lists.new)).unwrap();
    out
}
