//! How a command fails, and with which exit code: 1 failure, 2 usage, 3 not found, 4 not permitted,
//! 5 conflict, 6 unavailable.

use std::fmt;
use std::process::ExitCode;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self { code: 2, error: anyhow::anyhow!("{text}") }
    }

    pub(crate) fn not_found(text: impl fmt::Display) -> Self {
        Self { code: 3, error: anyhow::anyhow!("{text}") }
    }

    pub(crate) fn not_permitted(text: impl fmt::Display) -> Self {
        Self { code: 4, error: anyhow::anyhow!("{text}") }
    }

    pub(crate) fn conflict(text: impl fmt::Display) -> Self {
        Self { code: 5, error: anyhow::anyhow!("{text}") }
    }

    pub(crate) fn unavailable(text: impl fmt::Display) -> Self {
        Self { code: 6, error: anyhow::anyhow!("{text}") }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { code: 1, error: error.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}
