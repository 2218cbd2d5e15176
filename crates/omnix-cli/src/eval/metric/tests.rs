//! Every measure against a value worked out by hand.

use super::*;

#[track_caller]
fn near(found: impl Into<Option<f64>>, expected: f64) {
    let found = found.into().unwrap();
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn auc_counts_pairs_and_half_of_the_ties() {
    // Three that came (0.9, 0.5, 0.5), two that did not (0.5, 0.1): of the six pairs four are won, two tied.
    let rows = [(0.9, true), (0.5, true), (0.5, true), (0.5, false), (0.1, false)];
    near(auc(rows), 5.0 / 6.0);
    near(auc(rows.map(|(p, came)| (-p, came))), 1.0 / 6.0);
    near(auc([(0.3, true), (0.3, false)]), 0.5);
    near(auc([(-0.0, true), (0.0, false)]), 0.5);
    assert_eq!(auc([(0.3, true)]), None);
    assert_eq!(auc([]), None);
}

#[test]
fn log_loss_and_brier_of_two_rows() {
    let rows = [(0.8, true), (0.4, false)];
    near(log_loss(&rows), f64::midpoint(-0.8_f64.ln(), -0.6_f64.ln()));
    near(brier(&rows), f64::midpoint(0.04, 0.16));
    // Being certain and wrong is dear, but not infinitely so.
    near(log_loss(&[(0.0, true)]), -1e-6_f64.ln());
    assert_eq!(log_loss(&[]), None);
}

#[test]
fn calibration_is_judged_in_ten_equal_bins() {
    // Bin 0.1..0.2: stated 0.15, observed 1/2, two rows. Bin 0.9..1.0: stated 0.95, observed 1, two rows.
    let rows = [(0.1, true), (0.2 - 1e-12, false), (0.9, true), (1.0, true)];
    let bins = tenths(&rows);
    assert_eq!((bins[1].rows, bins[9].rows), (2, 2));
    near(bins[9].stated, 0.95);
    let found = calibration_error(&rows).unwrap();
    assert!((found - (2.0 * 0.35 + 2.0 * 0.05) / 4.0).abs() < 1e-9, "{found}");
    assert_eq!(calibration_error(&[]), None);
}

#[test]
fn the_edge_of_a_bin_belongs_to_the_upper_one() {
    for (p, bin) in [(0.0, 0), (0.3, 3), (0.7, 7), (0.7 - 1e-9, 6), (1.0, 9)] {
        assert_eq!(tenths(&[(p, true)])[bin].rows, 1, "{p}");
    }
}

#[test]
fn confidence_has_a_share_a_precision_and_a_recall() {
    let rows = [(0.9, true), (0.7, false), (0.69, true), (0.2, false), (0.1, true)];
    let found = confident(&rows, 0.7);
    near(found.share, 0.4);
    near(found.precision, 0.5);
    near(found.recall, 1.0 / 3.0);
    assert_eq!(confident(&rows, 0.95).precision, None);
}

#[test]
fn what_lies_beyond_the_cap_counts_as_the_cap() {
    near(capped_error(Some(20.0), Some(12.0), 60.0), 8.0);
    near(capped_error(Some(20.0), None, 60.0), 40.0);
    near(capped_error(None, Some(100.0), 60.0), 0.0);
    near(capped_error(Some(90.0), Some(45.0), 60.0), 15.0);
}

#[test]
fn a_list_is_judged_by_what_was_bought_of_it_and_where_it_stood() {
    // Hits at the first and the third place, of a basket of four.
    let score = list_score(&[7, 1, 3, 2], &[3, 5, 7, 9], 10);
    near(score.recall, 0.5);
    let (second, third, fourth) = (1.0 / 3_f64.log2(), 0.5, 1.0 / 5_f64.log2());
    near(score.ndcg, 1.5 / (1.0 + second + third + fourth));
    near(score.ndcg_whole, score.ndcg);
    assert!(score.hit);
    // Cut at two: one hit, and the best two places are the measure; the whole basket is another.
    let cut = list_score(&[7, 1, 3, 2], &[3, 5, 7, 9], 2);
    near(cut.recall, 0.25);
    near(cut.ndcg, 1.0 / (1.0 + second));
    near(cut.ndcg_whole, 1.0 / (1.0 + second + third + fourth));
    assert_eq!(list_score(&[1], &[], 10), ListScore::default());
}

#[test]
fn recall_at_a_rate_sets_the_limit_by_the_ordinary() {
    let ordinary: Vec<f64> = (0..100).map(f64::from).collect();
    // Two in a hundred pass: 98 and 99 lie above 97.
    near(recall_at_rate(&ordinary, &[97.0, 97.5, 150.0, 3.0], 0.02), 0.5);
    assert_eq!(recall_at_rate(&[], &[1.0], 0.01), None);
}

#[test]
fn gains_rise_from_nothing_to_all() {
    let rows = [(0.9, true), (0.5, false), (0.5, true), (0.1, false)];
    assert_eq!(gains(&rows), [(0.0, 0.0), (0.25, 0.5), (0.75, 1.0), (1.0, 1.0)]);
    assert_eq!(gains(&[(0.5, false)]), [(0.0, 0.0)]);
}
