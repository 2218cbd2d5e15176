//! A follower of the live feed that resumes wherever it was cut off, and what it has to find true.
//!
//! [`Delivered`] is the bookkeeping, a pure data structure; [`follow`] is the thread that feeds it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::http::{Client, Events};
use super::super::server::pause;
use super::control::Control;
use super::ledger::{STARTER, segment_number};

/// How often a silent stream is asked whether the run is over.
const POLL: Duration = Duration::from_millis(100);

/// One message of the feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its cursor.
    pub(crate) cursor: String,
    /// Its type.
    pub(crate) kind: String,
    /// Its payload, as text.
    pub(crate) payload: String,
}

/// What of an insight is needed here.
#[derive(Debug, Deserialize)]
pub(crate) struct Insight {
    /// Its id.
    pub(crate) id: String,
    /// Whom it is about.
    #[serde(rename = "customerId")]
    pub(crate) customer: String,
    #[serde(default)]
    data: Revision,
}

#[derive(Debug, Default, Deserialize)]
struct Revision {
    #[serde(default)]
    revision: u64,
}

impl Insight {
    /// Which saying of it this is: 0 is the first.
    pub(crate) fn revision(&self) -> u64 {
        self.data.revision
    }
}

/// How often the feed told of an insight: of its first saying, and of each revision, once.
///
/// Told late, a saying may already be the revised one: the feed says that there was something to say, and says
/// it as it stands. So it is not the sayings that are compared but how many there were.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// Messages.
    pub(crate) times: u64,
    /// The highest revision among them.
    pub(crate) revision: u64,
}

impl Told {
    /// Whether all has been told of an insight that stands at `revision`, and each thing once.
    pub(crate) fn is_whole(self, revision: u64) -> bool {
        self == Self { times: revision + 1, revision }
    }

    fn note(&mut self, revision: u64) {
        self.times += 1;
        self.revision = self.revision.max(revision);
    }
}

/// All insights that came over the feed.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// The first cursor of all, an insight about the customer [`STARTER`].
    pub(crate) anchor: Option<String>,
    /// The cursors of insights about all others, in the order in which they came.
    pub(crate) cursors: Vec<String>,
    known: HashSet<String>,
    insights: HashMap<String, Told>,
    /// The number of the last event that an insight about a mover named.
    movers: HashMap<String, usize>,
    /// What the server may not do.
    pub(crate) violations: Vec<String>,
}

impl Delivered {
    /// Takes down a message.
    pub(crate) fn take(&mut self, message: &Message) {
        match message.kind.as_str() {
            "insight" => self.insight(message),
            "gap" | "lagged" | "error" => {
                self.violations
                    .push(format!("the feed says {} to one who keeps up: {}", message.kind, message.payload));
            }
            _ => {}
        }
    }

    fn insight(&mut self, message: &Message) {
        let insight: Insight = match serde_json::from_str(&message.payload) {
            Ok(insight) => insight,
            Err(error) => {
                return self.violations.push(format!("not an insight ({error}): {}", message.payload));
            }
        };
        if insight.customer == STARTER {
            self.anchor.get_or_insert_with(|| message.cursor.clone());
            return;
        }
        if !self.known.insert(message.cursor.clone()) {
            self.violations
                .push(format!("cursor `{}` came twice, with insight `{}`", message.cursor, insight.id));
            return;
        }
        self.cursors.push(message.cursor.clone());
        self.insights.entry(insight.id.clone()).or_default().note(insight.revision());
        let Some(number) = segment_number(&message.payload) else { return };
        let expected = self.movers.get(&insight.customer).map_or(0, |last| last + 1);
        if number != expected {
            let customer = &insight.customer;
            self.violations
                .push(format!("`{customer}`: the feed tells of move {number}, {expected} was next"));
        }
        self.movers.insert(insight.customer, number);
    }

    /// What was told of an insight.
    pub(crate) fn told(&self, id: &str) -> Told {
        self.insights.get(id).copied().unwrap_or_default()
    }

    /// What was told of all insights, by id.
    pub(crate) fn all(&self) -> &HashMap<String, Told> {
        &self.insights
    }
}

/// Puts messages together from the lines of server-sent events.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    id: String,
    event: String,
    data: String,
    /// The last id that a whole event had, of those without data too.
    last: Option<String>,
}

/// A message as the feed's data has it.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

impl Assembly {
    /// Takes a line; gives a message when the line ends one.
    pub(crate) fn line(&mut self, line: &str) -> Option<Message> {
        if line.is_empty() {
            return self.end();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut self.id),
            "event" => value.clone_into(&mut self.event),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            _ => {}
        }
        None
    }

    fn end(&mut self) -> Option<Message> {
        if !self.id.is_empty() {
            self.last = Some(self.id.clone());
        }
        let (data, event) = (std::mem::take(&mut self.data), std::mem::take(&mut self.event));
        if data.is_empty() {
            return None;
        }
        let envelope: Option<Envelope<'_>> = serde_json::from_str(&data).ok();
        let (id, kind, payload) = envelope.map_or((None, None, None), |found| {
            (found.id, found.kind, found.payload.map(|payload| payload.get().to_owned()))
        });
        let cursor = if self.id.is_empty() { id.unwrap_or_default() } else { self.id.clone() };
        Some(Message { cursor, kind: kind.unwrap_or(event), payload: payload.unwrap_or(data) })
    }
}

/// Follows the feed until the run is over, over as many connections as it takes.
pub(crate) fn follow(control: &Control, token: &str, delivered: &Arc<Mutex<Delivered>>) {
    let mut last: Option<String> = None;
    while let Some(address) = control.address_for_follower() {
        let client = Client::new(address, token);
        let Ok(mut events) = client.events("/v1/streaming/feed?channels=insights", last.as_deref(), POLL)
        else {
            pause(Duration::from_millis(5));
            continue;
        };
        let mut assembly = Assembly::default();
        while let Ok(message) = next(&mut events, &mut assembly, || control.is_over()) {
            let Some(message) = message else { return };
            delivered.lock().unwrap_or_else(PoisonError::into_inner).take(&message);
        }
        last = assembly.last.or(last);
    }
}

/// The next message; `None` when `is_over` says so; an error when the connection is.
pub(crate) fn next(
    events: &mut Events,
    assembly: &mut Assembly,
    is_over: impl Fn() -> bool,
) -> io::Result<Option<Message>> {
    loop {
        match events.line()? {
            Some(line) => {
                if let Some(message) = assembly.line(&line) {
                    return Ok(Some(message));
                }
            }
            None if is_over() => return Ok(None),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(cursor: &str, id: &str, customer: &str, text: &str) -> Message {
        let payload = format!(
            r#"{{"id":"{id}","customerId":"{customer}","insight":"{text}","data":{{"revision":1}}}}"#
        );
        Message { cursor: cursor.to_owned(), kind: "insight".to_owned(), payload }
    }

    #[test]
    fn messages_are_put_together_from_lines() {
        let mut assembly = Assembly::default();
        let lines = [": heartbeat", "", "id: 7", "event: insight"];
        assert!(lines.iter().all(|line| assembly.line(line).is_none()));
        assert_eq!(
            assembly.line(r#"data: {"id":"7","channels":[],"type":"insight","payload":{"a": 1}}"#),
            None
        );
        let expected = Message { cursor: "7".into(), kind: "insight".into(), payload: r#"{"a": 1}"#.into() };
        assert_eq!(assembly.line(""), Some(expected));
        assert!(assembly.line("id: 8").is_none());
        assert_eq!(assembly.last.as_deref(), Some("7"), "an event that is not whole has no say");
        assert_eq!(assembly.line(""), None);
        assert_eq!(assembly.last.as_deref(), Some("8"));
    }

    #[test]
    fn a_cursor_that_comes_twice_is_a_fault_and_sayings_are_counted() {
        let mut delivered = Delivered::default();
        delivered.take(&message("1", "a", "c", "x"));
        delivered.take(&message("2", "b", "c", "x"));
        assert!(delivered.violations.is_empty());
        assert!(!delivered.told("a").is_whole(1), "a first saying is missing");
        delivered.take(&message("3", "a", "c", "x"));
        assert!(delivered.told("a").is_whole(1));
        delivered.take(&message("3", "a", "c", "x"));
        assert_eq!(delivered.violations.len(), 1);
        delivered.take(&message("4", "a", "c", "x"));
        assert!(!delivered.told("a").is_whole(1), "one too many");
        assert!(!delivered.told("nobody").is_whole(0));
    }

    #[test]
    fn a_mover_s_moves_are_told_one_by_one_in_their_order() {
        let told = |numbers: &[usize]| {
            let mut delivered = Delivered::default();
            for (cursor, number) in numbers.iter().enumerate() {
                let id = cursor.to_string();
                delivered.take(&message(&id, &id, "m", &format!("to Gate {number:07}")));
            }
            delivered.violations.len()
        };
        assert_eq!(told(&[0, 1, 2]), 0);
        assert_eq!(told(&[0, 2]), 1);
        assert_eq!(told(&[0, 1, 1]), 1);
        assert_eq!(told(&[1]), 1);
    }

    #[test]
    fn one_who_keeps_up_missed_nothing() {
        let mut delivered = Delivered::default();
        delivered.take(&Message { kind: "connected".into(), ..Message::default() });
        assert!(delivered.violations.is_empty());
        delivered.take(&Message { kind: "gap".into(), ..Message::default() });
        assert_eq!(delivered.violations.len(), 1);
    }
}
