//! The fold: what it depends on, what it keeps, and its bytes.

#![expect(clippy::disallowed_methods, reason = "the standard library is the other route to a figure")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "tests: small figures, exact by design"
)]

use omnix_model::ProductId;
use proptest::prelude::*;

use super::*;
use crate::model::fixture::{
    START, basket, busy_day, day, interval, lane, order, product, sale, tally, taught,
};
use crate::model::{ModelLimits, Observation, Product};

fn of<'a>(model: &'a Model, id: &str) -> &'a Product {
    model.product(&product(id)).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * (1.0 + b.abs())
}

/// `C_ij` in units of a basket at the model's time; 0 for no neighbour.
fn together(model: &Model, a: &str, b: &str) -> f64 {
    let slot = |id: &str| model.slot(&ProductId::new(id).unwrap()).unwrap();
    let until = model.until().unwrap();
    let g = model.body.companions.weight_at(until, until);
    let found = model.companions(slot(a)).iter().find(|neighbour| neighbour.slot == slot(b));
    found.map_or(0.0, |neighbour| f64::from(neighbour.weight)) / g
}

/// A busy day dealt out over lanes as customers would be.
fn lanes(number: u64, count: usize) -> Vec<(Lane, Tally)> {
    let observations = busy_day(number, 80);
    let dealt = |i: usize| {
        let chunks = observations.chunks(7).skip(i).step_by(count);
        tally(&chunks.flatten().cloned().collect::<Vec<Observation>>())
    };
    (0..count).map(|i| (lane(i as u8), dealt(i))).collect()
}

#[test]
fn an_empty_epoch_makes_a_new_number_and_nothing_else() {
    let model = learn(&Model::seed(), &[], day(1));
    assert_eq!((model.number(), model.until(), model.product_count()), (1, Some(day(1)), 0));
    assert_eq!(model.intervals(), Model::seed().intervals());
    assert_eq!(model.amounts(), Model::seed().amounts());
}

#[test]
fn lanes_are_folded_in_their_order_whoever_hands_them_in() {
    let tallies = lanes(1, 8);
    let mut turned = tallies.clone();
    turned.reverse();
    let mut sharded: Vec<_> = tallies.iter().skip(1).step_by(2).cloned().collect();
    sharded.extend(tallies.iter().step_by(2).cloned());
    let hash = learn(&Model::seed(), &tallies, day(2)).hash();
    assert_eq!(hash, learn(&Model::seed(), &turned, day(2)).hash());
    assert_eq!(hash, learn(&Model::seed(), &sharded, day(2)).hash());
}

#[test]
fn another_observation_makes_another_model() {
    let mut tallies = lanes(1, 8);
    let hash = learn(&Model::seed(), &tallies, day(2)).hash();
    tallies[3].1.absorb(&[order(5.0, 0.5)]);
    assert_ne!(hash, learn(&Model::seed(), &tallies, day(2)).hash());
}

#[test]
fn popularity_halves_in_its_half_life() {
    let model = taught(&[(0, vec![sale("a", day(0)), sale("a", day(0))]), (14, vec![sale("b", day(0))])]);
    assert!(close(of(&model, "a").popularity().short, 1.0) && close(of(&model, "b").popularity().short, 0.5));
    assert!(close(of(&model, "a").popularity().long, 2.0 * 0.5_f64.powf(0.25)));
    assert!(close(of(&model, "a").popularity().sales, 2.0));
    let names: Vec<&str> = model.popular().map(|product| product.id().as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn how_time_is_cut_into_epochs_does_not_matter_to_popularity() {
    let sales: Vec<_> = (0..30).map(|i| sale("a", day(i))).collect();
    let once = taught(&[(30, sales.clone())]);
    let daily: Vec<_> = sales.into_iter().zip(1..).map(|(sale, until)| (until, vec![sale])).collect();
    let (a, b) = (*of(&once, "a").popularity(), *of(&taught(&daily), "a").popularity());
    assert!(close(a.long, b.long) && close(a.short, b.short), "{a:?} {b:?}");
}

#[test]
fn baskets_tie_products_by_their_lengths() {
    let model =
        taught(&[(1, vec![basket(1, &["a", "b"], day(1)), basket(2, &["a", "b", "c", "d"], day(1))])]);
    assert!(close(together(&model, "a", "b"), 0.5_f64.sqrt() + 0.5));
    assert!(close(together(&model, "b", "a"), 0.5_f64.sqrt() + 0.5));
    assert!(close(together(&model, "a", "c"), 0.5) && close(together(&model, "c", "c"), 0.5));
    assert!(close(of(&model, "a").baskets, 2.0) && close(of(&model, "c").baskets, 1.0));
}

#[test]
fn what_was_bought_together_fades_by_half_in_90_days() {
    let model =
        taught(&[(0, vec![basket(1, &["a", "b"], day(0))]), (90, vec![basket(2, &["c", "d"], day(90))])]);
    assert!(close(together(&model, "a", "b"), 0.5 * 0.5_f64.sqrt()));
    assert!(close(together(&model, "c", "d"), 0.5_f64.sqrt()));
}

#[test]
fn a_list_that_nothing_touched_is_shared_with_the_model_before() {
    let before = taught(&[(1, vec![basket(1, &["a", "b"], day(1)), basket(2, &["c", "d"], day(1))])]);
    let after = learn(&before, &[(lane(0), tally(&[basket(3, &["a", "e"], day(2))]))], day(2));
    let shares =
        |id: &str| after.body.companions.shares(&before.body.companions, before.slot(&product(id)).unwrap());
    assert!(shares("b") && shares("c") && shares("d") && !shares("a"));
}

#[test]
fn the_cosine_decides_which_neighbours_stay() {
    // With `x` more often than with `rare`, but `x` is in every other basket too.
    let mut observations = vec![basket(1, &["a", "rare"], day(1)), basket(2, &["a", "rare"], day(1))];
    observations.extend((3..7).map(|key| basket(key, &["a", "x"], day(1))));
    observations.extend((10..200).map(|key| basket(key, &["x", "y"], day(1))));
    let limits = ModelLimits { neighbours_max: 2, ..ModelLimits::DEFAULT };
    let seed = Model::seed().with_limits(limits);
    let model = learn(&seed, &[(lane(0), tally(&observations))], day(1));
    assert!(together(&model, "a", "a") > 0.0 && together(&model, "a", "rare") > 0.0);
    assert!(close(together(&model, "a", "x"), 0.0), "by count it would have stayed");
}

#[test]
fn scaling_weights_anew_changes_no_list() {
    // 16 half-lives of 90 days later the anchor moves; only the ratio to a basket of that day counts.
    let later = 16 * 90 + 1;
    let epochs = |shift: i64| {
        let model = taught(&[
            (0, vec![]),
            (shift, busy_day(shift as u64, 40)),
            (shift + 20, busy_day(shift as u64 + 20, 40)),
        ]);
        (model.until().unwrap(), model)
    };
    let (_, moved) = epochs(later);
    let anchored = learn(&Model::seed(), &[(lane(0), tally(&busy_day(later as u64, 40)))], day(later));
    let anchored = learn(&anchored, &[(lane(0), tally(&busy_day(later as u64 + 20, 40)))], day(later + 20));
    for i in 0..23 {
        let id = format!("p{i}");
        assert!(close(together(&moved, "p1", &id), together(&anchored, "p1", &id)), "{id}");
    }
    let old = taught(&[(0, busy_day(0, 40)), (later, vec![])]);
    assert!(old.product_count() > 0 && together(&old, "p1", "p1") < 1e-3);
}

#[test]
fn the_least_popular_are_dropped_and_their_slots_used_again() {
    let limits = ModelLimits { products_max: 3, ..ModelLimits::DEFAULT };
    let seed = Model::seed().with_limits(limits);
    let first = vec![
        sale("a", day(1)),
        sale("b", day(1)),
        sale("b", day(1)),
        sale("c", day(1)),
        sale("c", day(1)),
        sale("d", day(1)),
        sale("d", day(1)),
        basket(1, &["a", "b", "c", "d"], day(1)),
    ];
    let model = learn(&seed, &[(lane(0), tally(&first))], day(1));
    assert!(model.product(&product("a")).is_none() && model.product_count() == 3);
    let a = 0;
    for id in ["b", "c", "d"] {
        assert!(
            model.companions(model.slot(&product(id)).unwrap()).iter().all(|other| other.slot != a),
            "{id}"
        );
    }
    assert_eq!(Model::decode(&model.encode()).unwrap(), model, "a hole is kept");
    let second = vec![sale("e", day(2)), sale("e", day(2)), sale("e", day(2))];
    let model = learn(&model, &[(lane(0), tally(&second))], day(2));
    assert_eq!(model.slot(&product("e")), Some(0), "the hole is taken");
    let third = learn(
        &model,
        &[(lane(0), tally(&[sale("f", day(2)), sale("f", day(2)), sale("f", day(2))]))],
        day(2),
    );
    assert_eq!((third.slot(&product("f")), third.product_count()), (Some(3), 3));
}

#[test]
fn texts_and_neighbours_are_bounded() {
    let limits = ModelLimits { text_bytes_max: 60, neighbour_entries_max: 10, ..ModelLimits::DEFAULT };
    let model = learn(&Model::seed().with_limits(limits), &lanes(1, 4), day(2));
    let text: usize = model.body.catalogue.iter().map(|(_, product)| product.text_bytes()).sum();
    assert!(text <= 60 && model.product_count() > 0);
    assert!(model.body.companions.entries() <= 10);
}

#[test]
fn a_long_name_is_cut_between_characters() {
    let name = "ä".repeat(200);
    let Observation::Sale(sale) = sale("a", START) else { unreachable!() };
    let sale = Observation::Sale(crate::model::Sale { product_name: name.into(), ..sale });
    let model = taught(&[(1, vec![sale])]);
    assert_eq!(of(&model, "a").name().as_str(), "ä".repeat(128));
}

#[test]
fn the_last_label_wins_over_lanes_and_epochs() {
    let named = |name: &str, at| {
        let Observation::Sale(sale) = sale("a", at) else { unreachable!() };
        tally(&[Observation::Sale(crate::model::Sale { product_name: name.into(), ..sale })])
    };
    let model =
        learn(&Model::seed(), &[(lane(0), named("late", day(3))), (lane(1), named("early", day(1)))], day(4));
    assert_eq!(of(&model, "a").name(), "late");
    let model = learn(&model, &[(lane(0), named("imported", day(2)))], day(5));
    assert_eq!((of(&model, "a").name().as_str(), of(&model, "a").last_sold_at()), ("late", day(3)));
}

#[test]
fn intervals_and_orders_reach_their_priors() {
    let model = taught(&[(1, vec![interval("a", 8.0, Some(0.2)), order(6.0, 3.0)])]);
    assert!(close(of(&model, "a").intervals().ln_days, 8.0_f64.ln()));
    assert!(close(model.intervals().mean(), (30.0_f64.ln() + 8.0_f64.ln()) / 2.0));
    assert!(close(model.intervals().within_variance(), 0.45));
    assert!(close(model.amounts().whole().mean(), (0.1 * 300.0_f64.ln() + 6.0) / 1.1));
    let nobody = crate::IntervalSums::default();
    assert!(model.prior_mean(&product("a"), nobody) < model.prior_mean(&product("unknown"), nobody));
}

#[test]
fn thinned_baskets_stand_for_those_let_go() {
    let ids: Vec<String> = (0..40).map(|i| format!("p{i}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let baskets: Vec<_> = (0..1_000).map(|key| basket(key, &ids, day(1))).collect();
    let model = taught(&[(1, baskets)]);
    // One in 2^level is kept and counts 2^level: about a thousand, give or take the luck of the hash.
    assert!((600.0..1_500.0).contains(&of(&model, "p1").baskets), "{}", of(&model, "p1").baskets);
}

#[test]
fn time_that_runs_back_decays_nothing() {
    let model = taught(&[(10, vec![sale("a", day(9))]), (3, vec![sale("a", day(3))])]);
    assert_eq!((model.number(), model.until()), (2, Some(day(10))));
    assert!(of(&model, "a").popularity().short.is_finite());
}

#[test]
fn its_bytes_give_it_back_and_learning_goes_on_alike() {
    let model = learn(&Model::seed(), &lanes(1, 8), day(2));
    let restored = Model::decode(&model.encode()).unwrap();
    assert_eq!(restored, model);
    assert_eq!((restored.encode(), restored.hash()), (model.encode(), model.hash()));
    assert!(model.encoded_bytes_min() > 0 && model.encoded_bytes_min() <= model.encode().len());
    let next = learn(&model, &lanes(2, 8), day(3));
    assert_eq!(learn(&restored, &lanes(2, 8), day(3)).encode(), next.encode());
    assert_eq!(Model::decode(&Model::seed().encode()).unwrap(), Model::seed());
}

#[test]
fn a_fixed_fold_has_a_fixed_hash() {
    let model =
        (0..5).fold(Model::seed(), |model, number| learn(&model, &lanes(number, 8), day(number as i64 + 1)));
    let hashes = format!("{:016x} {:016x}", model.hash(), xxhash_rust::xxh3::xxh3_64(&model.encode()));
    assert_eq!((model.product_count(), hashes.as_str()), (23, GOLDEN));
}

/// The name of what was learnt, and the hash of what came of it. Changes only with the version of the engine.
const GOLDEN: &str = "dd8e14bba7f733ed 75dad7c9feaa6a99";

#[test]
fn a_model_is_named_by_all_that_it_learnt_from() {
    let (first, second) = (Lessons::new(lanes(1, 8), day(2)), Lessons::new(lanes(2, 8), day(3)));
    let (one, other) = (first.fold(&Model::seed()), second.fold(&Model::seed()));
    let names = [second.fold(&one), first.fold(&other), first.fold(&one)].map(|model| model.hash());
    assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2]);
    assert_eq!(second.name_after(&one), names[0], "known before it is folded");
    let limits = ModelLimits { products_max: 7, ..ModelLimits::DEFAULT };
    assert_ne!(second.fold(&one.with_limits(limits)).hash(), names[0]);
    assert_ne!(Lessons::new(lanes(2, 8), day(4)).fold(&one).hash(), names[0]);
    assert_eq!(Model::seed().hash(), 0);
}

#[test]
fn lessons_come_back_from_their_bytes_and_damaged_ones_have_another_name() {
    let lessons = Lessons::new(lanes(1, 3), day(2));
    let bytes = lessons.as_bytes().to_vec();
    assert_eq!(Lessons::decode(bytes.clone()), Ok(lessons.clone()));
    let name = lessons.name_after(&Model::seed());
    for at in (0..bytes.len()).step_by(11) {
        assert!(Lessons::decode(bytes[..at].to_vec()).is_err(), "cut at {at}");
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        if let Ok(read) = Lessons::decode(damaged) {
            assert_ne!(read.name_after(&Model::seed()), name, "byte {at}");
        }
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(Lessons::decode(longer).is_err());
}

#[test]
fn what_version_1_wrote_is_read_and_written_alike() {
    let model = learn(&Model::seed(), &lanes(1, 2), day(2));
    assert_eq!(Model::decode(MODEL_1).unwrap(), model);
    assert_eq!(model.encode(), MODEL_1, "a stored format may only change with its version");
}

/// Written by version 1; never to be changed.
const MODEL_1: &[u8] = include_bytes!("../fixture/model-1.bin");

#[test]
fn damaged_bytes_are_refused_or_read_but_never_panic() {
    let bytes = learn(&Model::seed(), &lanes(1, 2), day(2)).encode();
    for len in (0..bytes.len()).step_by(5) {
        assert!(Model::decode(&bytes[..len]).is_err(), "cut at {len}");
    }
    let step = 41;
    for at in (0..bytes.len()).step_by(step) {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            if let Ok(model) = Model::decode(&damaged) {
                let next = learn(&model, &lanes(2, 2), day(3));
                assert!(Model::decode(&next.encode()).is_ok(), "byte {at} ^ {flip}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_figure_stays_finite(days in prop::collection::vec((0_i64..4_000, 1_u64..40), 1..6)) {
        let mut model = Model::seed();
        for (at, count) in days {
            let tallies = [(lane(0), tally(&busy_day(at as u64, count)))];
            model = learn(&model, &tallies, day(at + 1));
            prop_assert!(model.amounts().alert_scores().amount.is_finite());
            // Decoding refuses whatever is not finite.
            let restored = Model::decode(&model.encode());
            prop_assert_eq!(restored.unwrap().encode(), model.encode());
        }
    }

    #[test]
    fn no_figure_however_wild_spoils_the_model(
        figures in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>(), any::<i64>()), 1..30),
    ) {
        let mut seen = Vec::new();
        for (a, b, c, ms) in figures {
            let at = Timestamp::from_ms_clamped(ms);
            let score = crate::model::Score { z: c, line: Some(a), is_alert: a > b };
            let whole = crate::model::Measured { y: a, within: Some(b), residual: Some(c) };
            let for_lines = crate::model::Measured { y: b, within: Some(c), residual: Some(a) };
            let order = crate::model::Order { whole, for_lines, score: Some(score) };
            seen.extend([sale("a", at), basket(ms.unsigned_abs(), &["a", "b"], at), interval("b", a, Some(b))]);
            seen.push(Observation::Order(order));
        }
        let model = learn(&Model::seed(), &[(lane(0), tally(&seen))], day(1));
        let model = learn(&model, &[(lane(0), tally(&seen))], Timestamp::MAX);
        prop_assert_eq!(Model::decode(&model.encode()).unwrap().encode(), model.encode());
        let expected = model.amounts().whole().expect(crate::AmountHistory::default());
        prop_assert!(expected.score(5.0).is_finite() && model.amounts().alert_scores().amount.is_finite());
        let nothing = crate::IntervalSums::default();
        prop_assert!(model.intervals().posterior(model.prior_mean(&product("b"), nothing), nothing).sd > 0.0);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Model::decode(&bytes).is_ok();
        let _ = Tally::decode(&bytes).is_ok();
        let _ = Lessons::decode(bytes).is_ok();
    }
}
