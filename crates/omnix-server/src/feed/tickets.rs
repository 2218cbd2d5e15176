//! Tickets: what a browser, which cannot set a header, shows in place of a token. Good once, for 30 seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use omnix_model::Timestamp;

use crate::authority::Caller;

/// How long a ticket is good, in milliseconds.
const TICKET_MS: i64 = 30_000;

/// Tickets that are good at a time.
pub(crate) const TICKETS_MAX: usize = 10_000;

/// The tickets that have been given out and not shown yet.
#[derive(Debug, Default)]
pub(crate) struct Tickets(Mutex<BTreeMap<String, (Timestamp, Caller)>>);

impl Tickets {
    /// A ticket for `caller`; none when too many are out.
    pub(crate) fn give(&self, caller: Caller, now: Timestamp) -> Option<(String, Timestamp)> {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|_, (until, _)| *until > now);
        if tickets.len() >= TICKETS_MAX {
            return None;
        }
        let ticket = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
        let until = now.plus_ms(TICKET_MS).min(caller.expires_at);
        tickets.insert(ticket.clone(), (until, caller));
        Some((ticket, until))
    }

    /// The caller whose ticket this is; it is not good a second time.
    pub(crate) fn take(&self, ticket: &str, now: Timestamp) -> Option<Caller> {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.remove(ticket).filter(|(until, _)| *until > now).map(|(_, caller)| caller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Role, Roles};

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms_clamped(ms)
    }

    #[test]
    fn a_ticket_is_good_once_and_not_for_long() {
        let tickets = Tickets::default();
        let caller = Caller { roles: Roles::from_iter([Role::Analyst]), expires_at: at(1_000_000) };
        let (ticket, until) = tickets.give(caller, at(0)).unwrap();
        assert_eq!(until, at(TICKET_MS));
        assert_eq!(tickets.take(&ticket, at(1)), Some(caller));
        assert_eq!(tickets.take(&ticket, at(1)), None);
        let (late, _) = tickets.give(caller, at(0)).unwrap();
        assert_eq!(tickets.take(&late, at(TICKET_MS)), None);
        assert_eq!(tickets.take("", at(0)), None);
    }
}
