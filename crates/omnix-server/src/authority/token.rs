//! Tokens: HS256, `exp` required, a role or roles. Signed here, verified here, against a `now` that is handed
//! in. No other algorithm, no keys named by the token itself, no critical extensions.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use omnix_model::Timestamp;

use super::claims::{Claims, Roles};
use super::known::KnownTokens;
use super::{Role, Secret};

/// Bytes of a token. Ours have about 150.
const TOKEN_BYTES_MAX: usize = 4 << 10;

/// How far the signer's clock may be ahead of ours, in milliseconds.
const SKEW_MS: f64 = 60_000.0;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Their roles; at least one.
    pub(crate) roles: Roles,
    /// When their token expires.
    pub(crate) expires_at: Timestamp,
}

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenFault {
    /// There is none.
    #[error("an `Authorization: Bearer` token is needed")]
    Missing,
    /// More than one header.
    #[error("more than one `Authorization` header was sent")]
    Several,
    /// Not a signed token with the claims that are needed.
    #[error("the token is not valid")]
    Malformed,
    /// Signed by somebody else, or in a way that is not accepted.
    #[error("the token's signature is not valid")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not begun.
    #[error("the token is not valid yet")]
    Early,
    /// It names no role that is known.
    #[error("the token names no role that is known")]
    NoRole,
}

impl TokenFault {
    /// Its name in logs.
    #[must_use]
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Several => "several",
            Self::Malformed => "malformed",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::Early => "early",
            Self::NoRole => "no_role",
        }
    }
}

/// A token for `role`, good for `ttl_s` seconds from `now`.
///
/// # Errors
/// The reason as a text, when it cannot be signed.
pub fn mint(secret: &Secret, role: Role, ttl_s: u32, now: Timestamp) -> Result<String, String> {
    let now_s = seconds(now);
    let claims = Claims {
        exp: now_s + f64::from(ttl_s),
        nbf: None,
        iat: Some(now_s),
        role: Some(role.name().to_owned()),
        roles: None,
    };
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .map_err(|error| error.to_string())
}

/// Tells whether a token is ours. Made once: a key and its rules cost as much as a signature.
pub(super) struct Verifier {
    key: DecodingKey,
    validation: Validation,
    known: KnownTokens,
}

/// A token whose signature is good; whether its time has come is another question, asked each time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Verified {
    roles: Roles,
    /// Seconds since 1970.
    expires_s: f64,
    /// Seconds since 1970: the later of `nbf` and `iat`.
    begins_s: f64,
}

impl Verifier {
    pub(super) fn new(secret: &Secret) -> Self {
        // Claims are checked here, against the time that is handed in.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_secret(secret.as_bytes());
        Self { key, validation, known: KnownTokens::default() }
    }

    /// The caller that `token` names at `now`.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, TokenFault> {
        if let Some(verified) = self.known.find(token) {
            return verified.at(now);
        }
        let verified = self.decode(token)?;
        let caller = verified.at(now)?;
        self.known.note(token, verified, |known| known.at(now) != Err(TokenFault::Expired));
        Ok(caller)
    }

    fn decode(&self, token: &str) -> Result<Verified, TokenFault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenFault::Malformed);
        }
        let token = match jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation) {
            Ok(token) => token,
            Err(error) => {
                return Err(match error.kind() {
                    ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => TokenFault::Signature,
                    _ => TokenFault::Malformed,
                });
            }
        };
        if token.header.crit.is_some() {
            return Err(TokenFault::Malformed);
        }
        Verified::of(&token.claims)
    }
}

impl Verified {
    fn of(claims: &Claims) -> Result<Self, TokenFault> {
        let latest_s = seconds(Timestamp::MAX);
        let is_time = |time: f64| (0.0..=latest_s).contains(&time);
        if ![Some(claims.exp), claims.nbf, claims.iat].into_iter().flatten().all(is_time) {
            return Err(TokenFault::Malformed);
        }
        let names = claims.role.iter().chain(claims.roles.iter().flatten());
        Ok(Self {
            roles: names.filter_map(|name| Role::from_name(name)).collect(),
            expires_s: claims.exp,
            begins_s: claims.nbf.into_iter().chain(claims.iat).fold(0.0, f64::max),
        })
    }

    /// The caller, if the token is good at `now`.
    fn at(self, now: Timestamp) -> Result<Caller, TokenFault> {
        let now_s = seconds(now);
        if self.expires_s <= now_s {
            return Err(TokenFault::Expired);
        }
        if self.begins_s > now_s + SKEW_MS / 1_000.0 {
            return Err(TokenFault::Early);
        }
        if self.roles.is_empty() {
            return Err(TokenFault::NoRole);
        }
        Ok(Caller { roles: self.roles, expires_at: instant(self.expires_s) })
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds until the year 9999 fit into 53 bits")]
fn seconds(instant: Timestamp) -> f64 {
    instant.ms() as f64 / 1_000.0
}

#[expect(clippy::cast_possible_truncation, reason = "checked to lie before the year 10000")]
fn instant(seconds: f64) -> Timestamp {
    Timestamp::from_ms_clamped((seconds * 1_000.0) as i64)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A token of an analyst that expires at `expires_s`.
    pub(in crate::authority) fn verified(expires_s: f64) -> Verified {
        Verified { roles: Roles::from_iter([Role::Analyst]), expires_s, begins_s: 0.0 }
    }

    #[test]
    fn a_known_token_expires_as_any_other() {
        let secret = Secret::new([7_u8; 32]).unwrap();
        let (verifier, now) = (Verifier::new(&secret), Timestamp::from_ms_clamped(1_000_000));
        let token = mint(&secret, Role::Analyst, 60, now).unwrap();
        let caller = verifier.verify(&token, now).unwrap();
        assert!(verifier.known.find(&token).is_some());
        assert_eq!(verifier.verify(&token, now.plus_ms(59_999)), Ok(caller));
        assert_eq!(verifier.verify(&token, now.plus_ms(60_000)), Err(TokenFault::Expired));
        assert_eq!(verifier.verify(&token, now.plus_ms(-60_001)), Err(TokenFault::Early));
        let foreign = mint(&Secret::new([8_u8; 32]).unwrap(), Role::Admin, 60, now).unwrap();
        assert_eq!(verifier.verify(&foreign, now), Err(TokenFault::Signature));
        assert_eq!(verifier.known.find(&foreign), None, "what is not good is not kept");
    }
}
