//! What was measured, beside what must be reached.

use serde_json::{Value, json};

/// In which direction a figure is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Higher,
    Lower,
}

/// What a figure is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) better: Better,
    pub(crate) must: f64,
    pub(crate) goal: f64,
    pub(crate) ambitious: f64,
}

impl Target {
    pub(crate) const fn at_least(must: f64, goal: f64, ambitious: f64) -> Self {
        Self { better: Better::Higher, must, goal, ambitious }
    }

    pub(crate) const fn at_most(must: f64, goal: f64, ambitious: f64) -> Self {
        Self { better: Better::Lower, must, goal, ambitious }
    }

    /// The best level that `value` reaches.
    pub(crate) fn level(&self, value: f64) -> &'static str {
        let reaches = |limit: f64| match self.better {
            Better::Higher => value >= limit,
            Better::Lower => value <= limit,
        };
        if reaches(self.ambitious) {
            "ambitious"
        } else if reaches(self.goal) {
            "goal"
        } else if reaches(self.must) {
            "must"
        } else {
            "MISSED"
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The figure that is held to the target: a ratio, bytes or seconds.
    pub(crate) values: Vec<f64>,
    pub(crate) unit: &'static str,
    pub(crate) target: Target,
    /// Both sides, in words.
    pub(crate) sides: String,
}

impl Row {
    pub(crate) fn json(&self) -> Value {
        let (low, middle, high) = spread(&self.values);
        json!({
            "name": self.name, "median": middle, "min": low, "max": high, "unit": self.unit,
            "must": self.target.must, "goal": self.target.goal, "ambitious": self.target.ambitious,
            "level": self.target.level(middle), "sides": self.sides,
        })
    }

    pub(crate) fn print(&self) {
        let (low, middle, high) = spread(&self.values);
        let level = self.target.level(middle);
        let (must, goal, unit) = (figure(self.target.must), figure(self.target.goal), self.unit);
        println!(
            "{:<28} {:>9} {unit:<9} ({}..{})  must {must}, goal {goal}: {level}",
            self.name,
            figure(middle),
            figure(low),
            figure(high)
        );
        println!("{:<28} {}", "", self.sides);
    }
}

fn figure(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

/// Minimum, median and maximum.
pub(crate) fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(sorted.len() / 2), at(sorted.len().saturating_sub(1)))
}

/// The value below which a share `q` of `sorted` lies.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a few million latencies"
    )]
    let index = ((sorted.len() as f64 * q) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_the_best_that_is_reached() {
        let more = Target::at_least(1.0, 2.0, 3.0);
        assert_eq!(
            [0.5, 1.0, 2.5, 3.0].map(|value| more.level(value)),
            ["MISSED", "must", "goal", "ambitious"]
        );
        let less = Target::at_most(3.0, 2.0, 1.0);
        assert_eq!(
            [3.5, 3.0, 1.5, 1.0].map(|value| less.level(value)),
            ["MISSED", "must", "goal", "ambitious"]
        );
        assert_eq!(less.level(f64::NAN), "MISSED");
    }

    #[test]
    fn the_median_counts() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), (1.0, 2.0, 3.0));
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0], 0.99) - 4.0).abs() < 1e-9);
    }
}
