//! Tokens whose signature was found to be good: whoever publishes shows the same one with every event.
//!
//! Only what was verified is kept, under the whole token, so that nothing is known of one that differs in a
//! bit. The map's hasher has a key of its own each time, and a token is compared only with one of the same
//! hash: how long a look takes says nothing of the tokens that are known. Deliberately not here: whether a
//! token's time has come, which is asked each time.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::token::Verified;

/// Tokens that are known at a time.
const TOKENS_MAX: usize = 1_024;

/// Tokens whose signature is good.
#[derive(Debug, Default)]
pub(super) struct KnownTokens(RwLock<HashMap<Box<str>, Verified>>);

impl KnownTokens {
    /// What was found when `token` was verified.
    pub(super) fn find(&self, token: &str) -> Option<Verified> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(token).copied()
    }

    /// Notes that `token` was verified. When there are too many, those go that are not `kept`; when all are,
    /// all go: they are verified again as they come.
    pub(super) fn note(&self, token: &str, verified: Verified, kept: impl Fn(Verified) -> bool) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TOKENS_MAX {
            known.retain(|_, verified| kept(*verified));
        }
        if known.len() >= TOKENS_MAX {
            known.clear();
        }
        known.insert(token.into(), verified);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::token::tests::verified;

    #[test]
    fn only_the_very_token_is_known_and_never_too_many() {
        let known = KnownTokens::default();
        known.note("a.b.c", verified(10.0), |_| true);
        assert_eq!(known.find("a.b.c"), Some(verified(10.0)));
        for other in ["", "a.b.d", "a.b.c=", "a.b"] {
            assert_eq!(known.find(other), None, "{other}");
        }
        for number in 0..TOKENS_MAX - 1 {
            known.note(&number.to_string(), verified(20.0), |_| true);
        }
        known.note("new", verified(20.0), |known| known != verified(10.0));
        assert_eq!(
            (known.find("a.b.c"), known.find("0")),
            (None, Some(verified(20.0))),
            "what expired goes first"
        );
        known.note("newer", verified(20.0), |_| true);
        assert_eq!((known.find("0"), known.find("newer")), (None, Some(verified(20.0))));
    }
}
