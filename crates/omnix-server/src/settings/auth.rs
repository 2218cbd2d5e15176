//! Tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tokens.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// The secret that signs tokens, at least 32 bytes; empty: one is made in the data directory at the first
    /// start (`OMNIX_JWT_SECRET`; empty).
    pub jwt_secret: String,
    /// A file that holds the secret, in place of the secret itself (`OMNIX_JWT_SECRET_FILE`; empty).
    pub jwt_secret_file: String,
}

/// The secret is not shown.
impl std::fmt::Debug for AuthSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthSettings").field("jwt_secret_file", &self.jwt_secret_file).finish_non_exhaustive()
    }
}
