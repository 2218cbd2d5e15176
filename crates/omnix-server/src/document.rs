//! The OpenAPI 3.1 document, made from the routes themselves.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use http::Method;
use omnix_model::ErrorCode;
use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{
    ArrayBuilder, ComponentsBuilder, KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Schema};

use crate::authority::Role;
use crate::problem::{self, ProblemBody};
use crate::query::{Parameter, Values};
use crate::route::{Content, Route, Schemas};
use crate::routes;

/// The name of the security scheme.
const BEARER: &str = "bearer";

/// What every route may fail with, and every route that needs a token.
const ERRORS_OF_ALL: &[ErrorCode] =
    &[ErrorCode::MalformedRequest, ErrorCode::HeadTooLarge, ErrorCode::Internal];
const ERRORS_OF_AUTHORITY: &[ErrorCode] = &[ErrorCode::Unauthenticated, ErrorCode::Forbidden];

/// The document as JSON.
pub(crate) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| serde_json::to_string(&document()).unwrap_or_default())
}

/// The document.
pub(crate) fn document() -> OpenApi {
    let mut paths = Paths::new();
    let mut components = ComponentsBuilder::new();
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components = components.security_scheme(BEARER, SecurityScheme::Http(scheme));
    let mut schemas: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
    let mut note = |found: &Schemas| schemas.extend(found.iter().cloned());
    note(&Content::json::<ProblemBody>().schemas);
    let all = [routes::api(), routes::health(), routes::pages()];
    for route in all.into_iter().flatten().filter(|route| !route.is_twin) {
        route.takes.iter().for_each(|content| note(&content.schemas));
        let answers = route.answers.iter().filter_map(|(_, _, content)| content.as_ref());
        answers.for_each(|content| note(&content.schemas));
        let method = match route.method {
            Method::POST => HttpMethod::Post,
            Method::PATCH => HttpMethod::Patch,
            _ => HttpMethod::Get,
        };
        let item = PathItem::new(method, operation(&route));
        match paths.paths.get_mut(route.path) {
            Some(known) => known.merge_operations(item),
            None => drop(paths.paths.insert(route.path.to_owned(), item)),
        }
    }
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let about = "Real-time customer events of a shop and what they mean. Amounts are exact JSON numbers; times \
                 are RFC 3339, answered in UTC with three decimals; errors are `application/problem+json` with a \
                 stable `code`, all of them listed at `/docs/errors`.";
    let info = InfoBuilder::new()
        .title("Omnix Streaming")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about));
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

fn operation(route: &Route) -> utoipa::openapi::path::Operation {
    let mut operation = OperationBuilder::new()
        .tag(route.tag)
        .summary(Some(route.summary))
        .operation_id(Some(operation_id(route)));
    let mut errors: Vec<ErrorCode> = [ERRORS_OF_ALL, &route.errors].concat();
    let (permission, roles): (&str, Vec<&str>) = match route.permission {
        Some((name, roles)) => {
            errors.extend(ERRORS_OF_AUTHORITY);
            operation = operation.security(SecurityRequirement::new(BEARER, [] as [&str; 0]));
            let roles = Role::ALL.into_iter().filter(|role| roles.contains(role) || *role == Role::Admin);
            (name, roles.map(Role::name).collect())
        }
        None => ("public", Vec::new()),
    };
    let extensions: [(&str, Value); 2] = [("x-permission", json!(permission)), ("x-roles", json!(roles))];
    operation = operation.extensions(Some(Extensions::from_iter(extensions)));
    for name in route.path_parameters() {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some("percent-encoded"))
                .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String)))),
        );
    }
    for (parameters, place) in [(route.query, ParameterIn::Query), (route.headers, ParameterIn::Header)] {
        for parameter in parameters {
            operation = operation.parameter(parameter_of(parameter, place.clone()));
        }
    }
    if !route.takes.is_empty() {
        let body = route.takes.iter().fold(RequestBodyBuilder::new(), |body, content| {
            body.content(content.media_type, content_of(content))
        });
        let is_needed = if route.path.ends_with("/replay") { Required::False } else { Required::True };
        operation = operation.request_body(Some(body.required(Some(is_needed)).build()));
    }
    for (status, about, content) in &route.answers {
        let mut response = ResponseBuilder::new().description(*about);
        if let Some(content) = content {
            response = response.content(content.media_type, content_of(content));
        }
        operation = operation.response(status.to_string(), response);
    }
    for (status, codes) in by_status(&errors) {
        let names = codes.iter().map(|code| format!("`{}`", code.name())).collect::<Vec<_>>().join(", ");
        let schema = Ref::from_schema_name("Problem");
        let response = ResponseBuilder::new()
            .description(names)
            .content(problem::MEDIA_TYPE, ContentBuilder::new().schema(Some(schema)).build());
        operation = operation.response(status.to_string(), response);
    }
    operation.build()
}

fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '-', '.']).filter(|part| !part.is_empty());
    let mut id = route.method.as_str().to_ascii_lowercase();
    for word in words.filter(|word| !matches!(*word, "v1" | "streaming")) {
        let plain = word.trim_matches(['{', '}']);
        let mut letters = plain.chars();
        id.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        id.push_str(letters.as_str());
    }
    id
}

fn by_status(errors: &[ErrorCode]) -> BTreeMap<u16, Vec<ErrorCode>> {
    let mut grouped: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in errors {
        grouped.entry(code.status()).or_default().push(*code);
    }
    grouped
}

fn content_of(content: &Content) -> utoipa::openapi::Content {
    let builder = ContentBuilder::new();
    match &content.schema {
        None => {
            let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
            builder.schema(Some(text)).build()
        }
        Some((name, false)) => builder.schema(Some(Ref::from_schema_name(name))).build(),
        Some((name, true)) => {
            let items = ArrayBuilder::new().items(Ref::from_schema_name(name));
            builder
                .schema(Some(items.min_items(Some(1)).max_items(Some(omnix_model::limits::BATCH_EVENTS_MAX))))
                .build()
        }
    }
}

fn parameter_of(parameter: &Parameter, place: ParameterIn) -> ParameterBuilder {
    let object = ObjectBuilder::new();
    let text = SchemaType::new(Type::String);
    let schema = match parameter.values {
        Values::Text => object.schema_type(text),
        Values::Integer(low, high) => {
            let integer = object.schema_type(SchemaType::new(Type::Integer));
            integer.minimum(Some(f64::from(low))).maximum(Some(f64::from(high)))
        }
        Values::Time => {
            object.schema_type(text).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        }
        Values::Flag => object.schema_type(SchemaType::new(Type::Boolean)),
        Values::OneOf(names) => object.schema_type(text).enum_values(Some(names.iter().copied())),
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(parameter.about))
        .schema(Some(schema))
}
