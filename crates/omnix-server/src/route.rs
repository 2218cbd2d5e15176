//! One route: what it is called, who may use it, what it takes and answers, and what handles it.
//!
//! Router and OpenAPI document are made from the same list of these, so that neither can have a route that the
//! other lacks.

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use omnix_model::ErrorCode;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::app::App;
use crate::authority::{Permission, Role};
use crate::query::Parameter;

/// Schemas by name, as the document's components hold them.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// A body that is taken or answered.
pub(crate) struct Content {
    pub(crate) media_type: &'static str,
    /// The name of its schema, if it has one of its own.
    pub(crate) schema: Option<(String, bool)>,
    pub(crate) schemas: Schemas,
}

impl Content {
    /// JSON of type `T`.
    pub(crate) fn json<T: ToSchema>() -> Self {
        Self::of::<T>("application/json", false)
    }

    /// An array of `T`.
    pub(crate) fn array<T: ToSchema>() -> Self {
        Self::of::<T>("application/json", true)
    }

    /// `T` under another media type.
    pub(crate) fn of<T: ToSchema>(media_type: &'static str, is_array: bool) -> Self {
        let mut schemas = vec![(T::name().into_owned(), <T as PartialSchema>::schema())];
        T::schemas(&mut schemas);
        Self { media_type, schema: Some((T::name().into_owned(), is_array)), schemas }
    }

    /// Text without a schema.
    pub(crate) fn text(media_type: &'static str) -> Self {
        Self { media_type, schema: None, schemas: Vec::new() }
    }
}

/// One route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) handler: MethodRouter<App>,
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    /// The permission's name and roles; none: open to everybody.
    pub(crate) permission: Option<(&'static str, &'static [Role])>,
    pub(crate) query: &'static [&'static Parameter],
    pub(crate) headers: &'static [&'static Parameter],
    pub(crate) takes: Vec<Content>,
    pub(crate) answers: Vec<(u16, &'static str, Option<Content>)>,
    pub(crate) errors: Vec<ErrorCode>,
    /// It answers as another route does, for ids that proxies spoil in a path; that one is in the document.
    pub(crate) is_twin: bool,
}

impl Route {
    /// `GET path`.
    pub(crate) fn get<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(Method::GET, path, on(MethodFilter::GET, handler))
    }

    /// `POST path`.
    pub(crate) fn post<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(Method::POST, path, on(MethodFilter::POST, handler))
    }

    /// `PATCH path`.
    pub(crate) fn patch<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Self {
        Self::new(Method::PATCH, path, on(MethodFilter::PATCH, handler))
    }

    fn new(method: Method, path: &'static str, handler: MethodRouter<App>) -> Self {
        Self {
            method,
            path,
            handler,
            tag: "",
            summary: "",
            permission: None,
            query: &[],
            headers: &[],
            takes: Vec::new(),
            answers: Vec::new(),
            errors: Vec::new(),
            is_twin: false,
        }
    }

    /// Its place in the document and what it does.
    pub(crate) fn about(self, tag: &'static str, summary: &'static str) -> Self {
        Self { tag, summary, ..self }
    }

    /// The twin of a route that names the customer in its path.
    pub(crate) fn twin(self) -> Self {
        Self { is_twin: true, ..self }
    }

    /// The permission that its handler asks for.
    pub(crate) fn needs<P: Permission>(self) -> Self {
        Self { permission: Some((P::NAME, P::ROLES)), ..self }
    }

    /// The query parameters that it knows.
    pub(crate) fn query(self, query: &'static [&'static Parameter]) -> Self {
        Self { query, ..self }
    }

    /// The headers that it knows, beside those that every route does.
    pub(crate) fn headers(self, headers: &'static [&'static Parameter]) -> Self {
        Self { headers, ..self }
    }

    /// A body that it takes.
    pub(crate) fn takes(mut self, content: Content) -> Self {
        self.takes.push(content);
        self
    }

    /// An answer that it gives.
    pub(crate) fn answers(mut self, status: u16, about: &'static str, content: Content) -> Self {
        self.answers.push((status, about, Some(content)));
        self
    }

    /// What it may fail with, beside what every route may.
    pub(crate) fn fails(mut self, errors: &[ErrorCode]) -> Self {
        self.errors.extend(errors);
        self
    }

    /// The names of the parameters in its path.
    pub(crate) fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')))
    }
}
