//! The router: all routes, and what surrounds them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::app::App;
use crate::envelope;
use crate::route::Route;
use crate::routes;

/// Which routes an address serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    /// All of them.
    All,
    /// All but health and metrics, which have an address of their own.
    WithoutHealth,
    /// Health and metrics.
    HealthOnly,
}

/// The router over `app`.
pub(crate) fn router(app: App, served: Served) -> Router {
    let mut router = Router::new();
    if served != Served::HealthOnly {
        router = add(router, routes::api());
        router = add(router, routes::pages()).merge(routes::assets());
    }
    if served != Served::WithoutHealth {
        router = add(router, routes::health());
    }
    router = router.fallback(envelope::not_found).method_not_allowed_fallback(envelope::method_not_allowed);
    let origins = &app.shared.settings.http.cors_origins;
    if !origins.is_empty() {
        router = router.layer(cors(origins));
    }
    // Bodies have limits of their own, which count what comes out of their coding.
    router
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(app.clone(), envelope::surround))
        .with_state(app)
}

fn add(router: Router<App>, routes: Vec<Route>) -> Router<App> {
    routes.into_iter().fold(router, |router, route| router.route(route.path, route.handler))
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let sent = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("last-event-id"),
        HeaderName::from_static("prefer"),
        envelope::REQUEST_ID,
    ];
    let shown = [
        header::RETRY_AFTER,
        HeaderName::from_static("ratelimit"),
        HeaderName::from_static("ratelimit-policy"),
        envelope::REQUEST_ID,
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PATCH])
        .allow_headers(sent)
        .expose_headers(shown)
        .max_age(std::time::Duration::from_secs(2 * 3_600))
}
