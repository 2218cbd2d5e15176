//! Who may do what.
//!
//! A token names a role, a role has permissions, a handler's first argument names the permission that it
//! needs: [`Authority<P>`] exists only where the caller has it. Deliberately not here: sessions, keys, users.

mod claims;
mod known;
mod permission;
mod secret;
mod token;

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use http::{HeaderMap, header};
use omnix_model::{ErrorCode, Timestamp};
use omnix_worker::Clock;

pub use claims::Role;
#[cfg(test)]
pub(crate) use claims::Roles;
pub(crate) use permission::{
    Customers, Feed, Insights, Judge, Overview, Permission, Publish, Recommendations, Rejected, Segments,
    Stream, StreamAdmin,
};
pub use secret::{Secret, SecretError};
pub(crate) use token::Caller;
pub use token::mint;
use token::{TokenFault, Verifier};

use crate::problem::Problem;

/// What is needed to tell whether a token is good.
#[derive(Clone)]
pub(crate) struct Authorities {
    verifier: Arc<Verifier>,
    clock: Arc<dyn Clock>,
}

impl Authorities {
    /// Tokens signed with `secret` are good until they expire by `clock`.
    #[must_use]
    pub(crate) fn new(secret: &Secret, clock: Arc<dyn Clock>) -> Self {
        Self { verifier: Arc::new(Verifier::new(secret)), clock }
    }

    /// The caller that the headers name.
    ///
    /// # Errors
    /// 401 without exactly one good token.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let now: Timestamp = self.clock.now();
        bearer(headers).and_then(|token| self.verifier.verify(token, now)).map_err(|fault| {
            tracing::debug!(reason = fault.name(), "a token was refused");
            Problem::new(ErrorCode::Unauthenticated, fault.to_string())
        })
    }
}

/// The token of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<&str, TokenFault> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(if headers.contains_key(header::AUTHORIZATION) {
            TokenFault::Several
        } else {
            TokenFault::Missing
        });
    };
    let value = value.to_str().or(Err(TokenFault::Malformed))?;
    let (scheme, token) = value.split_once(' ').ok_or(TokenFault::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenFault::Malformed);
    }
    Ok(token.trim_matches(' '))
}

/// A caller who has the permission `P`.
#[derive(Debug, Clone)]
pub(crate) struct Authority<P> {
    /// Who it is.
    pub(crate) caller: Caller,
    permission: PhantomData<P>,
}

impl<P, S> FromRequestParts<S> for Authority<P>
where
    P: Permission,
    S: Send + Sync,
    Authorities: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Authorities::from_ref(state).caller(&parts.headers)?;
        Self::of(caller)
    }
}

impl<P: Permission> Authority<P> {
    /// The authority of `caller`.
    ///
    /// # Errors
    /// 403 where the caller's roles do not have the permission.
    pub(crate) fn of(caller: Caller) -> Result<Self, Problem> {
        if caller.roles.contains(Role::Admin) || P::ROLES.iter().any(|role| caller.roles.contains(*role)) {
            return Ok(Self { caller, permission: PhantomData });
        }
        Err(Problem::new(ErrorCode::Forbidden, format!("the token's role does not permit `{}`", P::NAME)))
    }
}
