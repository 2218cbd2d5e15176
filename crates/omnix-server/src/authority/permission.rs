//! The table of permissions: each a type, so that a handler's signature says which one it needs.

use super::Role;

/// Something that a caller may be allowed to do. `admin` may do everything.
pub(crate) trait Permission: Send + Sync + 'static {
    /// Its name in the OpenAPI document and in refusals.
    const NAME: &'static str;
    /// The roles that have it, beside `admin`.
    const ROLES: &'static [Role];
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $type:ident = $name:literal, [$($role:ident),*];)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $type;

        impl Permission for $type {
            const NAME: &'static str = $name;
            const ROLES: &'static [Role] = &[$(Role::$role),*];
        }
    )+};
}

permissions! {
    /// Publish events.
    Publish = "events:publish", [Publisher];
    /// See and replay rejected events.
    Rejected = "events:rejected", [];
    /// See how the stream does.
    Stream = "stream:read", [Analyst];
    /// Make a stream.
    StreamAdmin = "stream:create", [];
    /// Read insights.
    Insights = "insights:read", [Analyst];
    /// Say what came of an insight.
    Judge = "insights:judge", [Analyst];
    /// Read how the whole system does.
    Overview = "overview:read", [Analyst];
    /// Read customers.
    Customers = "customers:read", [Analyst];
    /// Read recommendations.
    Recommendations = "recommendations:read", [Publisher, Analyst];
    /// Read segments.
    Segments = "segments:read", [Analyst];
    /// Subscribe to the live feed.
    Feed = "feed:subscribe", [Analyst];
}
