//! A small shop's history, sent through: which lines there are, and what they may depend on.

mod lines;
mod past;
mod shop;

use omnix_engine::Settings;
use omnix_model::{Event, Timestamp};
use serde_json::Value;

use super::*;

/// A prediction file, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written(Vec<String>);

impl Written {
    fn of(events: &[HistoryEvent], dates: Dates) -> Self {
        let settings =
            ReplaySettings { engine: Settings::default(), dedup_window_ms: 7 * Timestamp::DAY_MS, dates };
        let mut replay = Replay::new(settings, Lines::new(Vec::new()));
        events.iter().for_each(|event| replay.event(event.clone()).unwrap());
        let (_, lines) = replay.finish().unwrap();
        Self(String::from_utf8(lines.into_inner()).unwrap().lines().map(str::to_owned).collect())
    }

    /// The lines of a kind.
    fn all(&self, kind: Kind) -> Vec<Value> {
        let begin = format!("{{\"kind\":\"{}\"", kind.name());
        let lines = self.0.iter().filter(|line| line.starts_with(&begin));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> i64 {
    date(text).unwrap()
}

/// An event as a file would give it, without an id of its own.
fn event(event: Event) -> HistoryEvent {
    HistoryEvent { number: 1, event, event_id: None, fingerprint: 0, is_anonymous: false }
}
