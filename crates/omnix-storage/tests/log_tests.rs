//! The embedded log, one file a subject under `log/`; one program, so that it is linked once.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "tests"
)]

#[path = "log/conformance.rs"]
mod conformance;
#[path = "log/crash.rs"]
mod crash;
#[path = "log/damage.rs"]
mod damage;
#[path = "log/faults.rs"]
mod faults;
#[path = "log/format.rs"]
mod format;
#[path = "log/inspect.rs"]
mod inspect;
#[path = "log/segments.rs"]
mod segments;
#[path = "log/support.rs"]
mod support;
