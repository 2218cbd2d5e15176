//! Query parameters: each declared once, which makes both its check and its documentation.
//!
//! All faults of a query are reported at once; a parameter that the route does not know is one.

use std::collections::BTreeSet;
use std::fmt::Display;

use axum::extract::{FromRequestParts, Path};
use http::Uri;
use http::request::Parts;
use omnix_model::limits::{HOURS_MAX, PAGE_ENTRIES_DEFAULT, PAGE_ENTRIES_MAX};
use omnix_model::{CustomerId, ErrorCode, Fault, Timestamp};
use omnix_worker::{PageRequest, TimeRange};
use percent_encoding::percent_decode_str;

use crate::problem::Problem;

/// What a parameter's value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// A text.
    Text,
    /// A whole number within both bounds.
    Integer(u32, u32),
    /// An RFC 3339 time.
    Time,
    /// `true` or `false`.
    Flag,
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// A parameter that a route knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its value may be.
    pub(crate) values: Values,
    /// What it does.
    pub(crate) about: &'static str,
}

impl Parameter {
    /// A parameter.
    #[must_use]
    pub(crate) const fn new(name: &'static str, values: Values, about: &'static str) -> Self {
        Self { name, values, about }
    }
}

/// `?customerId=`: the twin of the path's.
pub(crate) const CUSTOMER_ID: Parameter = Parameter::new(
    "customerId",
    Values::Text,
    "the customer, for ids that proxies spoil in a path; the answer is that of the path with the id",
);
/// `?hours=`
pub(crate) const HOURS: Parameter =
    Parameter::new("hours", Values::Integer(1, HOURS_MAX), "how many hours to look back");
/// `?since=`
pub(crate) const SINCE: Parameter =
    Parameter::new("since", Values::Time, "from this instant on, in place of `hours`");
/// `?until=`
pub(crate) const UNTIL: Parameter = Parameter::new("until", Values::Time, "before this instant");
/// `?limit=`
pub(crate) const LIMIT: Parameter =
    Parameter::new("limit", Values::Integer(1, PAGE_MAX), "how many entries a page has (100)");
/// `?cursor=`
pub(crate) const CURSOR: Parameter =
    Parameter::new("cursor", Values::Text, "where the page before ended: its `nextCursor`");

#[expect(clippy::cast_possible_truncation, reason = "a page has at most 1,000 entries")]
const PAGE_MAX: u32 = PAGE_ENTRIES_MAX as u32;

/// The parameters of one request.
#[derive(Debug)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Query {
    /// The parameters of `uri`, of which `known` may be there, each once.
    #[must_use]
    pub(crate) fn of(uri: &Uri, known: &[&Parameter]) -> Self {
        let mut query = Self { pairs: Vec::new(), faults: Vec::new() };
        let mut seen = BTreeSet::new();
        for pair in uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
                query.fault("", ErrorCode::InvalidFormat, "is not percent-encoded UTF-8");
                continue;
            };
            if !known.iter().any(|parameter| parameter.name == name) {
                let names = known.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", ");
                let detail = if names.is_empty() {
                    "is not known here, nor is any other".to_owned()
                } else {
                    format!("is not known here; known are {names}")
                };
                query.fault(&name, ErrorCode::UnknownParameter, detail);
            } else if seen.insert(name.clone()) {
                query.pairs.push((name, value));
            } else {
                query.fault(&name, ErrorCode::InvalidFormat, "must stand once");
            }
        }
        query
    }

    /// Notes a fault of the parameter `name`.
    pub(crate) fn fault(
        &mut self,
        name: &str,
        code: ErrorCode,
        detail: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        self.faults.push(Fault::new(format!("?{name}"), code, detail));
    }

    /// Whether the parameter is there.
    #[must_use]
    pub(crate) fn has(&self, parameter: &Parameter) -> bool {
        self.pairs.iter().any(|(name, _)| name == parameter.name)
    }

    /// The text of a parameter.
    pub(crate) fn text(&self, parameter: &Parameter) -> Option<String> {
        self.pairs.iter().find(|(name, _)| name == parameter.name).map(|(_, value)| value.clone())
    }

    /// The parameter read by `read`, whose error is what the value must be.
    pub(crate) fn read<T, E: Display>(
        &mut self,
        parameter: &Parameter,
        code: ErrorCode,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(parameter)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(parameter.name, code, error.to_string());
                None
            }
        }
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, parameter: &Parameter) -> Option<u32> {
        let Values::Integer(low, high) = parameter.values else { return None };
        let text = self.text(parameter)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(number) if digits && (low..=high).contains(&number) => Some(number),
            _ => {
                let is_number = text.strip_prefix('-').unwrap_or(&text).bytes().all(|b| b.is_ascii_digit());
                let is_range = is_number && !text.is_empty();
                let code = if is_range { ErrorCode::OutOfRange } else { ErrorCode::WrongType };
                self.fault(parameter.name, code, format!("must be a whole number from {low} to {high}"));
                None
            }
        }
    }

    /// An instant.
    pub(crate) fn time(&mut self, parameter: &Parameter) -> Option<Timestamp> {
        self.read(parameter, ErrorCode::InvalidFormat, str::parse::<Timestamp>)
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, parameter: &Parameter) -> Option<bool> {
        self.read(parameter, ErrorCode::WrongType, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false"),
        })
    }

    /// One of the parameter's values, as `find` knows it.
    pub(crate) fn choice<T>(
        &mut self,
        parameter: &Parameter,
        find: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let Values::OneOf(names) = parameter.values else { return None };
        self.read(parameter, ErrorCode::UnknownValue, |text| {
            let found = if names.contains(&text) { find(text) } else { None };
            found.ok_or_else(|| format!("must be one of {}", names.join(", ")))
        })
    }

    /// `?customerId=`
    pub(crate) fn customer_id(&mut self) -> Option<CustomerId> {
        self.read(&CUSTOMER_ID, ErrorCode::InvalidFormat, CustomerId::new)
    }

    /// `?customerId=`, which must be there.
    ///
    /// # Errors
    /// 422 with all faults found so far, when it is missing or no id.
    pub(crate) fn needed_customer_id(&mut self) -> Result<CustomerId, Problem> {
        if !self.has(&CUSTOMER_ID) {
            self.fault(CUSTOMER_ID.name, ErrorCode::Required, "must name the customer");
        }
        self.customer_id().ok_or_else(|| Problem::of_faults(std::mem::take(&mut self.faults)))
    }

    /// `?limit=` and `?cursor=`
    pub(crate) fn page(&mut self) -> PageRequest {
        let limit =
            self.integer(&LIMIT).map_or(PAGE_ENTRIES_DEFAULT, |limit| usize::try_from(limit).unwrap_or(1));
        let is_cursor = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let cursor = self.read(&CURSOR, ErrorCode::InvalidCursor, |text| {
            if !text.is_empty() && text.chars().all(is_cursor) {
                Ok(text.to_owned())
            } else {
                Err("is not a cursor that this list gave")
            }
        });
        PageRequest { limit, cursor }
    }

    /// `?hours=`, or `?since=` and `?until=`. None of them: none.
    pub(crate) fn range(&mut self, now: Timestamp) -> Option<Span> {
        let hours = self.integer(&HOURS);
        let (since, until) = (self.time(&SINCE), self.time(&UNTIL));
        if self.has(&HOURS) {
            for other in [&SINCE, &UNTIL] {
                if self.has(other) {
                    self.fault(other.name, ErrorCode::InvalidFormat, "must not stand beside `hours`");
                }
            }
            return hours.map(|hours| Span::hours(hours, now));
        }
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            self.fault(UNTIL.name, ErrorCode::OutOfRange, "must be later than `since`");
        }
        if since.is_none() && until.is_none() {
            return None;
        }
        let range = TimeRange { from: since.unwrap_or(Timestamp::MIN), to: until.unwrap_or(Timestamp::MAX) };
        let text = match (since, until) {
            (Some(since), Some(until)) => format!("{since} to {until}"),
            (Some(since), None) => format!("since {since}"),
            (None, until) => format!("until {}", until.unwrap_or(Timestamp::MAX)),
        };
        Some(Span { range, text })
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 422 with all faults.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::of_faults(self.faults)) }
    }
}

/// A range of time and how it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// The range.
    pub(crate) range: TimeRange,
    /// In words: `24 hours`.
    pub(crate) text: String,
}

impl Span {
    /// The last `hours`. A lane's time may be ahead of the clock, so the range is open to the future.
    #[must_use]
    pub(crate) fn hours(hours: u32, now: Timestamp) -> Self {
        let from = now.plus_ms(-i64::from(hours) * Timestamp::HOUR_MS);
        Self { range: TimeRange { from, to: Timestamp::MAX }, text: format!("{hours} hours") }
    }
}

fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// What a path holds in the place of its one parameter, decoded.
pub(crate) struct InPath(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(_) => Err(Problem::new(ErrorCode::MalformedRequest, "the path is not percent-encoded UTF-8")),
        }
    }
}

/// What a path holds in the places of its two parameters, decoded.
pub(crate) struct PairInPath(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PairInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<(String, String)>::from_request_parts(parts, state).await {
            Ok(Path((first, second))) => Ok(Self(first, second)),
            Err(_) => Err(Problem::new(ErrorCode::MalformedRequest, "the path is not percent-encoded UTF-8")),
        }
    }
}

/// The customer that a path names.
///
/// # Errors
/// 422 for what is no id.
pub(crate) fn customer_in_path(text: &str) -> Result<CustomerId, Problem> {
    CustomerId::new(text).map_err(|error| {
        Problem::of_faults(vec![Fault::new("?customerId", ErrorCode::InvalidFormat, error.to_string())])
    })
}
