//! Tokens: HS256, `exp` required, a role or roles. Signed here, verified here, against a `now` that is handed
//! in. No other algorithm, no keys named by the token itself, no critical extensions.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use omnix_model::Timestamp;

use super::claims::Claims;
use super::{Role, Secret};

/// Bytes of a token. Ours have about 150.
const TOKEN_BYTES_MAX: usize = 4 << 10;

/// How far the signer's clock may be ahead of ours, in milliseconds.
const SKEW_MS: f64 = 60_000.0;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Their roles; at least one.
    pub(crate) roles: Vec<Role>,
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
}

impl Verifier {
    pub(super) fn new(secret: &Secret) -> Self {
        // Claims are checked here, against the time that is handed in.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self { key: DecodingKey::from_secret(secret.as_bytes()), validation }
    }

    /// The caller that `token` names at `now`.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, TokenFault> {
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
        let claims = token.claims;
        check_times(&claims, now)?;
        let names = claims.role.iter().chain(claims.roles.iter().flatten());
        let roles: Vec<Role> = names.filter_map(|name| Role::from_name(name)).collect();
        if roles.is_empty() {
            return Err(TokenFault::NoRole);
        }
        Ok(Caller { roles, expires_at: instant(claims.exp) })
    }
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), TokenFault> {
    let now_s = seconds(now);
    let latest_s = seconds(Timestamp::MAX);
    let is_time = |time: f64| (0.0..=latest_s).contains(&time);
    if ![Some(claims.exp), claims.nbf, claims.iat].into_iter().flatten().all(is_time) {
        return Err(TokenFault::Malformed);
    }
    if claims.exp <= now_s {
        return Err(TokenFault::Expired);
    }
    let begins_s = claims.nbf.into_iter().chain(claims.iat).fold(0.0, f64::max);
    if begins_s > now_s + SKEW_MS / 1_000.0 { Err(TokenFault::Early) } else { Ok(()) }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds until the year 9999 fit into 53 bits")]
fn seconds(instant: Timestamp) -> f64 {
    instant.ms() as f64 / 1_000.0
}

#[expect(clippy::cast_possible_truncation, reason = "checked to lie before the year 10000")]
fn instant(seconds: f64) -> Timestamp {
    Timestamp::from_ms_clamped((seconds * 1_000.0) as i64)
}
