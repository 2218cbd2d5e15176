//! One figure of an evaluation: what was found, what a simple rule reaches on the same rows, and the goal.
//!
//! The goals are those that a reference reached on the data set "Online Retail"; on another shop's history they
//! say little, the simple rule all the more.

use serde_json::{Value, json};

use crate::bench::table::{Better, Target};

/// A figure.
#[derive(Debug, Clone)]
pub(crate) struct Measure {
    /// Its name in JSON: it stays.
    pub(crate) key: &'static str,
    /// Its name in words.
    pub(crate) name: &'static str,
    better: Better,
    /// What it is computed from: predictions, orders, customers.
    pub(crate) rows: usize,
    /// None where nothing could be computed.
    pub(crate) value: Option<f64>,
    /// A simple rule, and what it reaches on the same rows.
    pub(crate) rule: Option<(&'static str, Option<f64>)>,
    /// The standard error of the difference between the two, were other customers drawn.
    error: Option<f64>,
    goals: Option<Target>,
}

/// How a figure stands to that of the simple rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Better,
    Worse,
    /// Within what chance alone brings about, or too little to matter.
    Equal,
}

/// Standard errors that a difference must have to be more than chance.
const ERRORS_MIN: f64 = 2.0;

impl Measure {
    /// A figure that is good when it is high.
    pub(crate) const fn high(key: &'static str, name: &'static str) -> Self {
        Self { key, name, better: Better::Higher, rows: 0, value: None, rule: None, error: None, goals: None }
    }

    /// A figure that is good when it is low.
    pub(crate) const fn low(key: &'static str, name: &'static str) -> Self {
        Self { better: Better::Lower, ..Self::high(key, name) }
    }

    /// With what it has to reach.
    pub(crate) const fn goals(mut self, must: f64, goal: f64, ambitious: f64) -> Self {
        self.goals = Some(Target { better: self.better, must, goal, ambitious });
        self
    }

    /// With what was found on so many rows.
    pub(crate) fn found(mut self, rows: usize, value: impl Into<Option<f64>>) -> Self {
        self.rows = rows;
        self.value = value.into();
        self
    }

    /// With what a simple rule reaches.
    pub(crate) fn against(mut self, rule: &'static str, value: impl Into<Option<f64>>) -> Self {
        self.rule = Some((rule, value.into()));
        self
    }

    /// With how much of the difference to the rule is chance.
    pub(crate) const fn within(mut self, error: Option<f64>) -> Self {
        self.error = error;
        self
    }

    /// Whether it is better than the simple rule by more than `tie`, and by more than chance.
    pub(crate) fn standing(&self, tie: f64) -> Option<Standing> {
        let gain = self.gain()?;
        let limit = self.error.map_or(tie, |error| tie.max(ERRORS_MIN * error));
        Some(match gain {
            gain if gain > limit => Standing::Better,
            gain if gain < -limit => Standing::Worse,
            _ => Standing::Equal,
        })
    }

    /// The gain and twice its error, as a reader sees them.
    pub(crate) fn gain_text(&self) -> String {
        let Some(gain) = self.gain() else { return String::new() };
        let sign = if gain < 0.0 { '-' } else { '+' };
        let error = self.error.map(|error| format!(" ±{}", figure(ERRORS_MIN * error)));
        format!("{sign}{}{}", figure(gain.abs()), error.unwrap_or_default())
    }

    /// How much better than the simple rule it is, in the figure's own unit; negative when it is worse.
    pub(crate) fn gain(&self) -> Option<f64> {
        let (value, rule) = (self.value?, self.rule?.1?);
        Some(if self.better == Better::Higher { value - rule } else { rule - value })
    }

    /// Without what a reference reached elsewhere.
    pub(crate) const fn without_goals(mut self) -> Self {
        self.goals = None;
        self
    }

    /// The best goal that is reached; empty without goals or without a figure.
    pub(crate) fn level(&self) -> &'static str {
        match (self.value, self.goals) {
            (Some(value), Some(goals)) => goals.level(value),
            _ => "",
        }
    }

    /// Must and goal, as a reader sees them.
    pub(crate) fn goals_text(&self) -> String {
        let sign = if self.better == Better::Higher { "≥" } else { "≤" };
        self.goals.map_or_else(String::new, |goals| {
            format!("{sign} {} / {}", figure(goals.must), figure(goals.goal))
        })
    }

    pub(crate) fn json(&self) -> Value {
        let rule = self.rule.map(|(name, value)| json!({"name": name, "value": value}));
        let goals = self.goals.map(|goals| {
            json!({"must": goals.must, "goal": goals.goal, "ambitious": goals.ambitious, "level": self.level()})
        });
        json!({
            "key": self.key, "name": self.name, "rows": self.rows, "value": self.value, "rule": rule,
            "gain": self.gain(), "gainError": self.error,
            "better": if self.better == Better::Higher { "higher" } else { "lower" }, "goals": goals,
        })
    }
}

/// A figure with as many decimals as it deserves.
pub(crate) fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 2.0 => 2,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

/// A figure, or a dash.
pub(crate) fn figure_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), figure)
}

/// One of the four kinds of predictions, evaluated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    pub(crate) title: &'static str,
    pub(crate) measures: Vec<Measure>,
    /// How many predictions the history calls for in the hold-out.
    pub(crate) expected: usize,
    /// How many of them the file has.
    pub(crate) found: usize,
}

impl Findings {
    /// The figure with this key.
    pub(crate) fn measure(&self, key: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.key == key)
    }

    /// The value of the figure with this key.
    pub(crate) fn value(&self, key: &str) -> Option<f64> {
        self.measure(key)?.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_good_in_either_direction() {
        let high = Measure::high("a", "a").found(1, 0.8).against("rule", 0.7).goals(0.5, 0.8, 0.9);
        assert!((high.gain().unwrap() - 0.1).abs() < 1e-9);
        assert_eq!(high.level(), "goal");
        let low = Measure::low("a", "a").found(1, 0.8).against("rule", 0.7).goals(0.9, 0.7, 0.6);
        assert!((low.gain().unwrap() + 0.1).abs() < 1e-9);
        assert_eq!(low.level(), "must");
        assert_eq!(Measure::low("a", "a").goals(1.0, 1.0, 1.0).level(), "");
    }

    #[test]
    fn a_difference_counts_when_it_is_more_than_a_tie_and_than_chance() {
        let measure = |value: f64, error: f64| {
            let measure = Measure::high("a", "a").found(1, value).against("rule", 0.5).within(Some(error));
            measure.standing(0.005).unwrap()
        };
        assert_eq!(measure(0.6, 0.04), Standing::Better);
        assert_eq!(measure(0.6, 0.06), Standing::Equal);
        assert_eq!(measure(0.504, 0.001), Standing::Equal);
        assert_eq!(measure(0.4, 0.04), Standing::Worse);
    }

    #[test]
    fn a_gain_is_told_with_what_may_be_chance() {
        let measure = Measure::low("a", "a").found(1, 12.0).against("rule", 12.5).within(Some(0.1));
        assert_eq!(measure.gain_text(), "+0.5000 ±0.2000");
        assert_eq!(Measure::high("a", "a").found(1, 1.0).against("rule", 430.0).gain_text(), "-429");
        assert_eq!(Measure::high("a", "a").gain_text(), "");
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(
            [398.3, 12.93, 3.5, 0.80941, -0.1].map(figure),
            ["398", "12.9", "3.50", "0.8094", "-0.1000"]
        );
    }
}
