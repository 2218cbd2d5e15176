//! What went wrong, in words that clients may rely on.

use std::borrow::Cow;

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $status:literal, $retryable:literal;)+) => {
        /// Why a request, or an item of a batch, was refused. Codes are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode { $($(#[doc = $doc])+ $variant,)+ }

        impl ErrorCode {
            /// All codes, in the order in which the documentation lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The HTTP status of a request that fails with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// Whether the same request may succeed later, unchanged.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)+ }
            }

            /// What it means, in a sentence or two: the text of `/docs/errors`.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }

            /// The code with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }
        }
    };
}

error_codes! {
    /// The body is not JSON; the detail names line and column.
    MalformedJson = "malformed_json", 400, false;
    /// The request itself cannot be read: its head, its path or a header.
    MalformedRequest = "malformed_request", 400, false;
    /// No token, or one that is not valid (any more).
    Unauthenticated = "unauthenticated", 401, false;
    /// The token's role does not permit this.
    Forbidden = "forbidden", 403, false;
    /// Nothing is known under this path or id.
    NotFound = "not_found", 404, false;
    /// The path exists, the method does not; `Allow` lists those that do.
    MethodNotAllowed = "method_not_allowed", 405, false;
    /// The request's body did not arrive in time; nothing was stored.
    RequestTimeout = "request_timeout", 408, true;
    /// The customer has another event under this `eventId`: the first one stays.
    EventConflict = "event_conflict", 409, false;
    /// The body, a batch or an event is larger than allowed.
    TooLarge = "too_large", 413, false;
    /// The content type or coding is not one that is read here.
    UnsupportedMediaType = "unsupported_media_type", 415, false;
    /// Several faults in one body or query: `errors` lists them.
    ValidationFailed = "validation_failed", 422, false;
    /// A field is missing.
    Required = "required", 422, false;
    /// A field has another type.
    WrongType = "wrong_type", 422, false;
    /// A number, time or length is outside its range.
    OutOfRange = "out_of_range", 422, false;
    /// A text is not of the form asked for.
    InvalidFormat = "invalid_format", 422, false;
    /// A value is not one of those allowed.
    UnknownValue = "unknown_value", 422, false;
    /// `eventType` says another kind than the fields.
    KindContradicted = "kind_contradicted", 422, false;
    /// Neither the fields nor `eventType` say which kind of event it is.
    KindUnknown = "kind_unknown", 422, false;
    /// The event's time lies more than five minutes ahead of ours.
    TimestampAhead = "timestamp_ahead", 422, false;
    /// The currency is not that of the installation.
    CurrencyMismatch = "currency_mismatch", 422, false;
    /// Quantity, price and amount contradict each other.
    AmountContradicted = "amount_contradicted", 422, false;
    /// A query parameter that this route does not know.
    UnknownParameter = "unknown_parameter", 422, false;
    /// The cursor is not one that this list gave.
    InvalidCursor = "invalid_cursor", 422, false;
    /// The event is stored, but could not be applied.
    NotApplied = "not_applied", 422, false;
    /// The request's head is larger than allowed.
    HeadTooLarge = "head_too_large", 431, false;
    /// More arrives than can be taken. Nothing was stored: send it again later.
    Overloaded = "overloaded", 429, true;
    /// A fault of ours.
    Internal = "internal", 500, true;
    /// The disk is full. Nothing was stored: send it again later.
    DiskFull = "disk_full", 503, true;
    /// The log is damaged above the last checkpoint: it takes nothing until an operator has decided.
    LogDamaged = "log_damaged", 503, true;
    /// The server is starting, stopping or too busy. Nothing was stored: send it again later.
    Unavailable = "unavailable", 503, true;
    /// The event may or may not be stored: send it again under the same `eventId`.
    OutcomeUnknown = "outcome_unknown", 504, true;
}

/// One thing wrong with a body or query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901), or `?name` for a query parameter.
    pub pointer: String,
    /// What, for programs.
    pub code: ErrorCode,
    /// What, for people: lower case, without a full stop.
    pub detail: Cow<'static, str>,
}

impl Fault {
    /// A fault at `pointer`.
    #[must_use]
    pub fn new(pointer: impl Into<String>, code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}
