//! A publisher: sends, and sends again under the same ids until it is acknowledged.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::super::http::{CallError, Client, Response};
use super::super::random::Random;
use super::super::server::pause;
use super::control::Control;
use super::ledger::{Kind, Ledger, Outcome, Unit};

/// Events of a batch at the most.
const BATCH_EVENTS_MAX: u64 = 40;

/// Between a request that was not taken and the next try.
const RETRY: Duration = Duration::from_millis(5);

/// How a publisher sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// One event a request.
    Single,
    /// Several, with pauses, so that batches do not crowd out the single ones.
    Batch,
}

/// One of the publishers of a run.
pub(crate) struct Publisher {
    /// How it sends.
    pub(crate) manner: Manner,
    /// Its token.
    pub(crate) token: String,
    /// What it sent.
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    /// What it chooses.
    pub(crate) random: Random,
}

impl Publisher {
    /// Sends until the run is over.
    pub(crate) fn run(mut self, control: &Control) {
        let mut unit: Option<Unit> = None;
        let mut client: Option<Client> = None;
        while let Some(address) = control.address_for_publisher(unit.is_some()) {
            if client.as_ref().is_none_or(|client| client.address() != address) {
                client = Some(Client::new(address, &self.token));
            }
            let Some(client) = &mut client else { continue };
            let mut current = unit.take().unwrap_or_else(|| self.issue());
            let (path, body) = self.request(&current);
            let outcome = outcome(client.post(path, body.as_bytes()), current.items.len() as u64);
            if self.lock().settle(&mut current, outcome) {
                self.rest();
            } else {
                unit = Some(current);
                pause(RETRY);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issue(&mut self) -> Unit {
        let count = match self.manner {
            Manner::Single => 1,
            Manner::Batch => self.random.between(2, BATCH_EVENTS_MAX),
        };
        let now_ms = jiff::Timestamp::now().as_millisecond();
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).issue(count, now_ms, &mut self.random)
    }

    fn request(&self, unit: &Unit) -> (&'static str, String) {
        let ledger = self.lock();
        let path = match (self.manner, ledger.kind(unit)) {
            (Manner::Batch, _) => "/v1/streaming/events/batch",
            (Manner::Single, Some(Kind::Mover)) => "/v1/streaming/events/segment-update",
            (Manner::Single, _) => "/v1/streaming/events/purchase",
        };
        (path, ledger.body(unit))
    }

    fn rest(&mut self) {
        if self.manner == Manner::Batch {
            pause(self.random.duration_ms(0, 40));
        }
    }
}

/// What of an acknowledgement is needed here: of a single event, or of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Acknowledgement {
    sequence_number: Option<String>,
    duplicate: Option<bool>,
    published_count: Option<u64>,
    duplicate_count: Option<u64>,
    #[serde(default)]
    errors: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    retryable: bool,
}

/// What an answer, or the lack of one, means for a request of `events` sound events.
pub(crate) fn outcome(answer: Result<Response, CallError>, events: u64) -> Outcome {
    let response = match answer {
        Err(CallError::NotSent(_)) => return Outcome::NotStored,
        Err(CallError::Unknown(_)) => return Outcome::Unknown,
        Ok(response) => response,
    };
    match response.status {
        408 | 429 | 503 => Outcome::NotStored,
        504 => Outcome::Unknown,
        200 | 201 | 207 => acknowledged(&response, events),
        _ => Outcome::Refused(response.brief()),
    }
}

fn acknowledged(response: &Response, events: u64) -> Outcome {
    let Ok(answer) = serde_json::from_slice::<Acknowledgement>(&response.body) else {
        return Outcome::Refused(response.brief());
    };
    if let Some(published) = answer.published_count {
        let duplicates = answer.duplicate_count.unwrap_or_default();
        return match response.status {
            207 if answer.errors.iter().all(|refusal| refusal.retryable) => Outcome::Unknown,
            201 if published == events && answer.errors.is_empty() => {
                Outcome::Acknowledged { duplicates, position: None }
            }
            _ => Outcome::Refused(response.brief()),
        };
    }
    match answer.duplicate {
        Some(true) => Outcome::Acknowledged { duplicates: 1, position: None },
        Some(false) if response.status == 201 => {
            Outcome::Acknowledged { duplicates: 0, position: answer.sequence_number }
        }
        _ => Outcome::Refused(response.brief()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str, events: u64) -> Outcome {
        outcome(Ok(Response::made(status, body)), events)
    }

    #[test]
    fn what_an_answer_means() {
        let single = r#"{"message":"m","eventId":"e","shardId":"s","sequenceNumber":"7","duplicate":false}"#;
        let position = Some("7".to_owned());
        assert_eq!(answered(201, single, 1), Outcome::Acknowledged { duplicates: 0, position });
        let again = r#"{"sequenceNumber":"7","duplicate":true}"#;
        assert_eq!(answered(200, again, 1), Outcome::Acknowledged { duplicates: 1, position: None });
        let batch = r#"{"publishedCount":5,"duplicateCount":2,"failedCount":0,"errors":[]}"#;
        assert_eq!(answered(201, batch, 5), Outcome::Acknowledged { duplicates: 2, position: None });
        assert!(matches!(answered(201, batch, 6), Outcome::Refused(_)));
        assert_eq!(answered(429, "", 1), Outcome::NotStored);
        assert_eq!(answered(503, "", 1), Outcome::NotStored);
        assert_eq!(answered(504, "", 1), Outcome::Unknown);
        assert!(matches!(answered(409, "{}", 1), Outcome::Refused(_)));
        assert!(matches!(answered(500, "{}", 1), Outcome::Refused(_)));
    }

    #[test]
    fn a_batch_refused_in_part_is_sent_again_only_when_that_may_help() {
        let errors =
            |retryable| format!(r#"{{"publishedCount":1,"errors":[{{"index":1,"retryable":{retryable}}}]}}"#);
        assert_eq!(answered(207, &errors(true), 2), Outcome::Unknown);
        assert!(matches!(answered(207, &errors(false), 2), Outcome::Refused(_)));
    }
}
