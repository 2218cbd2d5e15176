//! What surrounds every answer.

use http::Method;

use crate::support::{House, purchase};

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_problems() {
    let house = House::new();
    for path in ["/v1/streaming/nothing", "/v1/streaming/insights/", "/v1", "/v1/orders", "/nothing"] {
        house.analyst().get(path).await.problem("not_found");
    }
    for (method, path, allow) in [
        (Method::DELETE, "/v1/streaming/events/purchase", "POST"),
        (Method::GET, "/v1/streaming/events/batch", "POST"),
        // With the customer in the query it is the path of one insight, of which it can be said what came of it.
        (Method::PUT, "/v1/streaming/insights/c-1", "GET,HEAD,PATCH"),
        (Method::PATCH, "/v1/streaming/customers", "GET,HEAD"),
        (Method::POST, "/healthz", "GET,HEAD"),
    ] {
        let answer = house.admin().send(method, path, &[], "").await;
        answer.problem("method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
}

#[tokio::test]
async fn a_request_has_an_id_its_own_if_it_is_sound() {
    let house = House::new();
    let long = "x".repeat(129);
    for (own, is_sound) in
        [("abc-1.2:3_4", true), ("a b", false), ("a\"b", false), ("", false), (&*long, false)]
    {
        let headers = [("x-request-id", own)];
        let answer = house.analyst().send(Method::GET, "/v1/streaming/streams", &headers, "").await;
        assert_eq!(answer.header("x-request-id") == own, is_sound, "{own}");
        assert!(!answer.header("x-request-id").is_empty());
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let (one, other) = (house.nobody().get("/").await, house.nobody().get("/").await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431() {
    let house = House::new();
    let large = "x".repeat(17 << 10);
    let headers = [("x-large", large.as_str())];
    house.analyst().send(Method::GET, "/v1/streaming/streams", &headers, "").await.problem("head_too_large");
    house.analyst().get(&format!("/v1/streaming/streams?x={large}")).await.problem("head_too_large");
}

#[tokio::test]
async fn origins_are_allowed_one_by_one_and_none_by_default() {
    let origin = "https://shop.example";
    let path = "/v1/streaming/events/purchase";
    let preflight = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let house = House::new();
    let answer = house.nobody().send(Method::OPTIONS, path, &preflight, "").await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    let house = House::with(|settings| settings.http.cors_origins = vec![origin.to_owned()]);
    let answer = house.nobody().send(Method::OPTIONS, path, &preflight, "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    let headers = [("origin", origin)];
    let answer = house.publisher().send(Method::POST, path, &headers, purchase("c").to_string()).await;
    answer.expect(201);
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    assert!(answer.header("access-control-expose-headers").contains("x-request-id"));
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    let answer = house.publisher().send(Method::POST, path, &[("origin", "https://evil.example")], "").await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn deep_and_broken_json_is_400_with_its_place() {
    let house = House::new();
    for body in ["[".repeat(100_000), "{\"a\":".to_owned(), String::new(), "{\"a\":1e400x}".to_owned()] {
        let answer = house.publisher().send(Method::POST, "/v1/streaming/events/purchase", &[], body).await;
        let detail = answer.problem("malformed_json")["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("line") && detail.contains("column"), "{detail}");
    }
}
