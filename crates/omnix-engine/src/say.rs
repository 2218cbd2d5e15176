//! What is said: sentences a shop manager understands, and the figures behind them.
//!
//! Deliberately not here: what is worth saying (`detect`), and how urgent it is (`priority`).

use omnix_model::{Figure, Figures, Money, Priority, Quantity, Timestamp};
use smol_str::SmolStr;

use crate::priority::Case;

/// What is to be said of a customer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// The rule that found it; part of the insight's id.
    pub rule: &'static str,
    pub case: Case,
    /// The cause's own time.
    pub event_timestamp: Timestamp,
    pub sentence: String,
    pub params: Figures,
    pub figures: Figures,
}

impl Said {
    /// How urgent it is.
    pub(crate) fn priority(&self) -> Priority {
        self.case.row().priority
    }

    /// The stable name of its sentence.
    pub(crate) fn message_id(&self) -> &'static str {
        self.case.row().message_id
    }

    /// Speaks for another one of the same cause, too.
    pub(crate) fn cover(&mut self, message_id: &str, sentence: String) {
        cover(&mut self.figures, message_id, sentence);
    }
}

/// Notes among the figures of an insight that it speaks for another one, too: which, and what that would have said.
pub(crate) fn cover(figures: &mut Figures, message_id: &str, sentence: String) {
    for (name, value) in [("covers", text(message_id)), ("coveredSentences", Figure::Text(sentence.into()))] {
        match figures.iter_mut().find(|(known, _)| known == name) {
            Some((_, Figure::List(values))) => values.push(value),
            _ => figures.push((SmolStr::new_static(name), Figure::List(vec![value]))),
        }
    }
}

/// Named figures.
pub(crate) fn named<const N: usize>(figures: [(&'static str, Figure); N]) -> Figures {
    figures.into_iter().map(|(name, figure)| (SmolStr::new_static(name), figure)).collect()
}

/// A text among figures.
pub(crate) fn text(text: &str) -> Figure {
    Figure::Text(SmolStr::new(text))
}

/// A number among figures; what is not finite is not known.
pub(crate) const fn number(value: f64) -> Figure {
    if value.is_finite() { Figure::Number(value) } else { Figure::Unknown }
}

/// A sum of money among figures; beyond what an amount can hold, the nearest that it can.
pub(crate) fn money(millionths: i128) -> Figure {
    Figure::Money(Money::from_millionths(clamped(millionths)))
}

/// The nearest amount that fits.
pub(crate) fn clamped(millionths: i128) -> i64 {
    i64::try_from(millionths).unwrap_or(if millionths < 0 { i64::MIN } else { i64::MAX })
}

/// A sum of money as a person writes it, rounded to hundredths: `4,800.00 EUR`.
pub(crate) fn money_text(millionths: i128, currency: &str) -> String {
    let hundredths = millionths.unsigned_abs().saturating_add(5_000) / 10_000;
    let sign = if millionths < 0 { "-" } else { "" };
    let (whole, cents) = (grouped(hundredths / 100), hundredths % 100);
    format!("{sign}{whole}.{cents:02} {currency}")
}

/// A quantity as a person writes it: `1,200`, `0.75`.
pub(crate) fn quantity_text(quantity: Quantity) -> String {
    let thousandths = quantity.thousandths().unsigned_abs();
    let sign = if quantity.thousandths() < 0 { "-" } else { "" };
    let (whole, rest) = (grouped((thousandths / 1_000).into()), thousandths % 1_000);
    let text = format!("{sign}{whole}.{rest:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn grouped(whole: u128) -> String {
    let digits = whole.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as a whole percentage: `97 %`.
pub(crate) fn percent_text(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A probability as a whole percentage; nothing that lies ahead is certain, so 99 % at the most.
pub(crate) fn chance_text(probability: f64) -> String {
    percent_text(probability.min(0.99))
}

/// An amount in units of the currency as millionths, rounded, within what can be held.
#[expect(clippy::cast_possible_truncation, reason = "clamped to what fits; rounding is what is asked for")]
pub(crate) fn millionths(units: f64) -> i128 {
    (units * 1e6).clamp(-9.2e18, 9.2e18).round() as i128
}

/// A sum in millionths as units of the currency, for statistics.
#[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
pub(crate) fn units(millionths: i128) -> f64 {
    millionths as f64 / 1e6
}

/// A number of days, rounded to whole ones, at least one.
#[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
pub(crate) fn whole_days(days: f64) -> i32 {
    days.clamp(1.0, 100_000.0).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_for_people() {
        assert_eq!(money_text(4_800_000_000, "EUR"), "4,800.00 EUR");
        assert_eq!(money_text(-1_234_567_895_000, "USD"), "-1,234,567.90 USD");
        assert_eq!(money_text(990_000, "EUR"), "0.99 EUR");
    }

    #[test]
    fn quantities_are_written_for_people() {
        let text = |thousandths| quantity_text(Quantity::from_thousandths(thousandths));
        let texts = [1_200_000, 750, 10_000, -2_500, 0].map(text);
        assert_eq!(texts, ["1,200", "0.75", "10", "-2.5", "0"]);
    }

    #[test]
    fn nothing_ahead_is_certain() {
        assert_eq!([0.706, 0.994, 0.9999, 1.0].map(chance_text), ["71 %", "99 %", "99 %", "99 %"]);
        assert_eq!(percent_text(1.5), "150 %");
    }

    #[test]
    fn conversions_stay_within_bounds() {
        assert_eq!(millionths(f64::MAX), 9_200_000_000_000_000_000);
        assert_eq!(millionths(f64::NAN), 0);
        assert_eq!(whole_days(f64::NAN), 0_i32.max(whole_days(f64::NAN)));
        assert_eq!(whole_days(0.2), 1);
    }
}
