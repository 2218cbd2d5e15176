//! What the demo's terminal shows: everything critical, and of the rest as much as can be read along.
//!
//! Pure: it is told what time it is. Nothing is lost by it, the page and the API show all.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

/// One insight of a kind in so long, but for critical ones.
const KIND_EVERY: Duration = Duration::from_secs(2);
/// How often it is said how many were not shown.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Chooses what is shown.
#[derive(Debug)]
pub(crate) struct Terminal {
    shown: BTreeMap<String, Instant>,
    hidden: BTreeMap<String, u64>,
    told: Instant,
}

impl Terminal {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { shown: BTreeMap::new(), hidden: BTreeMap::new(), told: now }
    }

    /// Whether `insight` is shown; otherwise it is counted.
    pub(crate) fn shows(&mut self, insight: &Value, now: Instant) -> bool {
        let word = |name: &str| insight.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = word("insightType");
        let is_due =
            self.shown.get(kind).is_none_or(|last| now.saturating_duration_since(*last) >= KIND_EVERY);
        if !is_due && word("priority") != "critical" {
            *self.hidden.entry(kind.to_owned()).or_default() += 1;
            return false;
        }
        if is_due {
            self.shown.insert(kind.to_owned(), now);
        }
        true
    }

    /// A line that says how many were not shown, now and then.
    pub(crate) fn rest(&mut self, now: Instant) -> Option<String> {
        if self.hidden.is_empty() || now.saturating_duration_since(self.told) < TOLD_EVERY {
            return None;
        }
        self.told = now;
        let hidden = std::mem::take(&mut self.hidden);
        let total: u64 = hidden.values().sum();
        let kinds: Vec<String> =
            hidden.iter().map(|(kind, count)| format!("{count} {}", kind.replace('_', " "))).collect();
        Some(format!("          … and {total} more, all on the page: {}", kinds.join(", ")))
    }
}

/// An insight as one line for people: the time of day, what it is worth, what it says.
pub(crate) fn line(insight: &Value, time: &str) -> String {
    let word = |name: &str| insight.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{time}  {:<8}  {}", word("priority"), word("insight"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_critical_is_always_shown_and_the_rest_counted() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut terminal = Terminal::new(start);
        let dull = json!({ "insightType": "consumption_prediction", "priority": "high" });
        let other = json!({ "insightType": "behavior_anomaly", "priority": "low" });
        let grave = json!({ "insightType": "consumption_prediction", "priority": "critical" });
        assert!(terminal.shows(&dull, at(0)));
        assert!(!terminal.shows(&dull, at(100)));
        assert!(terminal.shows(&other, at(100)), "another kind has a turn of its own");
        assert!(terminal.shows(&grave, at(200)));
        assert!(!terminal.shows(&dull, at(1_999)));
        assert!(terminal.shows(&dull, at(2_000)));
        assert_eq!(terminal.rest(at(9_999)), None);
        let rest = terminal.rest(at(10_000)).unwrap();
        assert!(rest.ends_with("2 more, all on the page: 2 consumption prediction"), "{rest}");
        assert_eq!(terminal.rest(at(30_000)), None, "nothing was left out since");
    }

    #[test]
    fn a_line_begins_with_the_time() {
        let insight = json!({ "priority": "high", "insight": "Customer a has moved." });
        assert_eq!(line(&insight, "12:30:05"), "12:30:05  high      Customer a has moved.");
    }
}
