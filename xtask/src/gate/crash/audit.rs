//! Holds a server that is up, with publishers at rest, to the ledgers and to the feed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::super::decimal::millionths;
use super::super::http::Client;
use super::super::server::pause;
use super::feed::{Assembly, Delivered, Insight, next};
use super::ledger::{Customer, Expected, Kind, Ledger, STARTER, segment_number};

/// Events of a request that sends acknowledged ones again.
const RESEND_EVENTS: usize = 500;

/// How long an insight that can be read may take to come over the feed, baskets' ends included.
const FEED_BUDGET: Duration = Duration::from_secs(20);

/// How long reading the whole feed again may take.
const REPLAY_BUDGET: Duration = Duration::from_secs(120);

/// Entries of a page.
const PAGE: usize = 1000;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What is new since the last audit.
    News,
    /// Everything since the first event.
    Everything,
}

/// Findings of an audit, one list a question.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Counts, sums and last purchases of buyers.
    pub(crate) figures: Vec<String>,
    /// Acknowledged events that the server does not know.
    pub(crate) window: Vec<String>,
    /// Order and number of the movers' insights.
    pub(crate) order: Vec<String>,
    /// Insights that can be read and did not come over the feed, or the other way round.
    pub(crate) feed: Vec<String>,
}

/// What an audit asks with, and what it compares with.
pub(crate) struct Audit<'a> {
    /// Shows an analyst's token.
    pub(crate) analyst: Client,
    /// Shows a publisher's token.
    pub(crate) publisher: Client,
    /// What was sent.
    pub(crate) ledgers: &'a [Arc<Mutex<Ledger>>],
    /// What came over the feed.
    pub(crate) delivered: &'a Mutex<Delivered>,
    /// How much is looked at.
    pub(crate) scope: Scope,
}

impl Audit<'_> {
    /// Asks everything; an error is a server that does not answer as the contract says.
    pub(crate) fn run(&mut self, since: Option<jiff::Timestamp>) -> anyhow::Result<Findings> {
        let mut findings = Findings::default();
        for ledger in self.ledgers {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            let everything = self.scope == Scope::Everything;
            let in_scope = |customer: &&Customer| everything || !customer.news().is_empty();
            for customer in ledger.customers().iter().filter(in_scope) {
                match customer.kind {
                    Kind::Buyer => findings.figures.extend(self.figures(customer)?),
                    Kind::Mover => findings.order.extend(self.order(customer)?),
                }
            }
            findings.window.extend(self.resend(&ledger)?);
            for customer in ledger.customers().iter().filter(in_scope) {
                if customer.kind == Kind::Buyer {
                    findings.figures.extend(self.figures(customer)?);
                }
            }
            ledger.customers_mut().iter_mut().for_each(Customer::audited);
        }
        findings.feed.extend(self.feed(since)?);
        Ok(findings)
    }

    fn get<T: DeserializeOwned>(&mut self, path: &str) -> anyhow::Result<T> {
        let response = self.analyst.get(path).with_context(|| path.to_owned())?;
        ensure!(response.status == 200, "GET {path}: {}", response.brief());
        serde_json::from_slice(&response.body)
            .map_err(|error| anyhow!("GET {path}: {error}: {}", response.brief()))
    }

    fn figures(&mut self, customer: &Customer) -> anyhow::Result<Option<String>> {
        let Some(expected) = customer.expected() else { return Ok(None) };
        let view: View = self.get(&format!("/v1/streaming/customers/{}", customer.id))?;
        let found = view.parse()?;
        let differs = found != expected;
        Ok(differs.then(|| format!("`{}` has {found:?}, acknowledged were {expected:?}", customer.id)))
    }

    /// Every acknowledged event in scope once more: each has to be known.
    fn resend(&mut self, ledger: &Ledger) -> anyhow::Result<Vec<String>> {
        let mut findings = Vec::new();
        for customer in ledger.customers() {
            let range = match self.scope {
                Scope::News => customer.news(),
                Scope::Everything => 0..customer.acknowledged(),
            };
            let numbers: Vec<usize> = range.collect();
            for part in numbers.chunks(RESEND_EVENTS) {
                let events: Vec<String> = part.iter().map(|number| customer.json(*number)).collect();
                let body = format!("[{}]", events.join(","));
                let response = self.publisher.post_known("/v1/streaming/events/batch", body.as_bytes())?;
                let answer: Option<Counts> = serde_json::from_slice(&response.body).ok();
                let known = answer.map_or(0, |counts| counts.duplicate_count);
                if response.status != 201 || known != part.len() {
                    let (id, first) = (&customer.id, part.first().copied().unwrap_or_default());
                    let brief = response.brief();
                    findings
                        .push(format!("`{id}` from {first}: {known} of {} are known: {brief}", part.len()));
                }
            }
        }
        Ok(findings)
    }

    /// A mover's insights are one for each acknowledged event, in the events' order. Newest come first, so
    /// that the pages are read back to where the last audit stood.
    fn order(&mut self, customer: &Customer) -> anyhow::Result<Option<String>> {
        let from = match self.scope {
            Scope::News => customer.news().start,
            Scope::Everything => 0,
        };
        let path =
            format!("/v1/streaming/insights/{}?hours=8760&type=segment_migration&limit={PAGE}", customer.id);
        let mut moves = Moves::new(from);
        let mut cursor = None;
        loop {
            let page: Page = self.get(&with_cursor(&path, cursor.as_deref()))?;
            for insight in &page.insights {
                if let Some(number) = segment_number(insight.get()) {
                    let Raised { timestamp } = serde_json::from_str(insight.get())?;
                    moves.take(number, timestamp);
                }
            }
            cursor = page.next_cursor;
            if moves.is_done() || cursor.is_none() {
                let fault = moves.judge(customer.acknowledged());
                return Ok(fault.map(|fault| format!("`{}`: {fault}", customer.id)));
            }
        }
    }

    /// Of all that can be read the feed told, once of each saying; and what it told of can be read.
    fn feed(&mut self, since: Option<jiff::Timestamp>) -> anyhow::Result<Vec<String>> {
        let end = Instant::now() + FEED_BUDGET;
        loop {
            let listed = self.listed(since)?;
            let delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
            let mut findings: Vec<String> = Vec::new();
            let amiss = listed.iter().find(|(id, revision)| !delivered.told(id).is_whole(**revision));
            findings.extend(amiss.map(|(id, revision)| {
                format!(
                    "insight `{id}` stands at revision {revision}, the feed told {:?}",
                    delivered.told(id)
                )
            }));
            if self.scope == Scope::Everything {
                let lost = delivered.all().keys().find(|id| !listed.contains_key(*id));
                findings
                    .extend(lost.map(|id| format!("the feed told of insight `{id}`, which cannot be read")));
            }
            drop(delivered);
            if findings.is_empty() || Instant::now() >= end {
                return Ok(findings);
            }
            pause(Duration::from_millis(200));
        }
    }

    /// All insights raised since then (`None`: all) and the revisions at which they stand.
    fn listed(&mut self, since: Option<jiff::Timestamp>) -> anyhow::Result<HashMap<String, u64>> {
        let since = since.map_or_else(String::new, |since| format!("since={since:.3}&"));
        let path = format!("/v1/streaming/insights?{since}order=asc&limit={PAGE}");
        let (mut listed, mut cursor) = (HashMap::new(), None);
        loop {
            let page: Page = self.get(&with_cursor(&path, cursor.as_deref()))?;
            for insight in &page.insights {
                let insight: Insight = serde_json::from_str(insight.get())?;
                if insight.customer != STARTER {
                    let before = listed.insert(insight.id.clone(), insight.revision());
                    ensure!(before.is_none(), "the list names insight `{}` twice", insight.id);
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(listed);
            }
        }
    }
}

/// Resumes the feed after its very first cursor: of each insight it has to tell as often as it did live. The
/// cursors themselves may be others, where insights of several shards come in another turn.
pub(crate) fn replay(client: &Client, delivered: &Delivered) -> anyhow::Result<Vec<String>> {
    let Some(anchor) = &delivered.anchor else { bail!("no insight came over the feed") };
    let mut left: HashMap<&str, u64> =
        delivered.all().iter().map(|(id, told)| (id.as_str(), told.times)).collect();
    let mut count: u64 = left.values().sum();
    let mut events =
        client.events("/v1/streaming/feed?channels=insights", Some(anchor), Duration::from_millis(200))?;
    let mut assembly = Assembly::default();
    let end = Instant::now() + REPLAY_BUDGET;
    while count > 0 {
        let Some(message) = next(&mut events, &mut assembly, || Instant::now() >= end)? else { break };
        if message.kind != "insight" {
            continue;
        }
        let insight: Insight = serde_json::from_str(&message.payload)?;
        if insight.customer == STARTER {
            continue;
        }
        match left.get_mut(insight.id.as_str()) {
            Some(times) if *times > 0 => *times -= 1,
            _ => {
                return Ok(vec![format!(
                    "on resuming, the feed told of `{}` once more than live",
                    insight.id
                )]);
            }
        }
        count -= 1;
    }
    let missing = left.iter().find(|(_, times)| **times > 0);
    Ok(missing
        .map(|(id, _)| format!("on resuming, {count} messages are missing, one of `{id}`"))
        .into_iter()
        .collect())
}

fn with_cursor(path: &str, cursor: Option<&str>) -> String {
    cursor.map_or_else(|| path.to_owned(), |cursor| format!("{path}&cursor={cursor}"))
}

/// The moves of one mover, as its insights tell of them, newest first.
///
/// Those that were raised at the same time may come in any order; the feed tells theirs.
#[derive(Debug)]
struct Moves {
    from: usize,
    numbers: BTreeSet<usize>,
    /// Number and time of the last one taken.
    last: Option<(usize, String)>,
    /// Whether one that was raised before all those asked for has come.
    done: bool,
    fault: Option<String>,
}

impl Moves {
    /// Those from number `from` on are asked for.
    fn new(from: usize) -> Self {
        Self { from, numbers: BTreeSet::new(), last: None, done: false, fault: None }
    }

    fn take(&mut self, number: usize, timestamp: String) {
        if let Some((last, at)) = &self.last {
            if timestamp > *at || (timestamp < *at && number > *last) {
                self.fault.get_or_insert(format!("insight of move {number} is listed after that of {last}"));
            }
            self.done |= number < self.from && timestamp < *at;
        }
        if number >= self.from && !self.numbers.insert(number) {
            self.fault.get_or_insert(format!("two insights of move {number}"));
        }
        self.last = Some((number, timestamp));
    }

    fn is_done(&self) -> bool {
        self.done || self.fault.is_some()
    }

    /// What is wrong with them, where moves up to `end` (excluded) were acknowledged.
    fn judge(self, end: usize) -> Option<String> {
        let missing = (self.from..end).find(|number| !self.numbers.contains(number));
        let unknown = self.numbers.iter().find(|number| **number >= end);
        self.fault
            .or_else(|| missing.map(|number| format!("no insight of move {number}")))
            .or_else(|| unknown.map(|number| format!("insight of move {number}, which was not acknowledged")))
    }
}

#[derive(Deserialize)]
struct Raised {
    timestamp: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    insights: Vec<Box<RawValue>>,
    #[serde(default)]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    duplicate_count: usize,
}

/// What of a customer is needed here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct View {
    purchases: u64,
    total_spent: Box<RawValue>,
    last_purchase_at: Option<String>,
}

impl View {
    /// The figures, exactly as they were written.
    pub(crate) fn parse(&self) -> anyhow::Result<Expected> {
        let spent_millionths =
            millionths(self.total_spent.get()).with_context(|| format!("totalSpent {}", self.total_spent))?;
        let last: jiff::Timestamp = self.last_purchase_at.as_deref().context("no lastPurchaseAt")?.parse()?;
        Ok(Expected { purchases: self.purchases, spent_millionths, last_at_ms: last.as_millisecond() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_complete_and_in_order_but_for_those_of_one_moment() {
        let judged = |moves: &[(usize, &str)], from, end| {
            let mut seen = Moves::new(from);
            moves.iter().for_each(|(number, at)| seen.take(*number, (*at).to_owned()));
            seen.judge(end)
        };
        assert_eq!(judged(&[(3, "c"), (1, "b"), (2, "b"), (0, "a")], 0, 4), None);
        assert_eq!(judged(&[(3, "c"), (2, "b")], 2, 4), None);
        assert!(judged(&[(3, "c"), (1, "a"), (2, "a")], 0, 4).unwrap().contains("no insight of move 0"));
        assert!(judged(&[(0, "b"), (1, "a")], 0, 2).unwrap().contains("after that of"));
        assert!(judged(&[(1, "b"), (1, "b"), (0, "a")], 0, 2).unwrap().contains("two insights"));
        assert!(judged(&[(2, "c"), (1, "b"), (0, "a")], 0, 2).unwrap().contains("not acknowledged"));
    }

    #[test]
    fn pages_are_read_until_one_that_was_raised_before() {
        let mut moves = Moves::new(2);
        moves.take(2, "b".to_owned());
        moves.take(1, "b".to_owned());
        assert!(!moves.is_done());
        moves.take(0, "a".to_owned());
        assert!(moves.is_done());
    }

    #[test]
    fn figures_are_read_from_a_customer() {
        let json =
            r#"{"purchases":3,"totalSpent":0.30,"lastPurchaseAt":"2026-01-01T00:00:00.250Z","segment":null}"#;
        let view: View = serde_json::from_str(json).unwrap();
        let expected = Expected { purchases: 3, spent_millionths: 300_000, last_at_ms: 1_767_225_600_250 };
        assert_eq!(view.parse().unwrap(), expected);
    }
}
