//! A house under test and those who call.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use omnix_model::Timestamp;
use omnix_server::{Role, Secret, Server, Settings, mint};
use omnix_worker::ManualClock;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::FakeStream;

/// 2026-01-05T10:00:00Z
pub(crate) const NOW: Timestamp = Timestamp::from_ms_clamped(1_767_607_200_000);
pub(crate) const SECRET: &str = "a secret for tests, of 32 bytes or more";

/// A server in process and what it stands on.
pub(crate) struct House {
    pub(crate) stream: Arc<FakeStream>,
    pub(crate) clock: Arc<ManualClock>,
    router: Router,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(set: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        set(&mut settings);
        Self::on(settings, true)
    }

    /// A house whose disk is below its reserve.
    pub(crate) fn without_room() -> Self {
        Self::on(Settings::default(), false)
    }

    fn on(settings: Settings, has_room: bool) -> Self {
        let stream = Arc::new(FakeStream::default());
        let clock = Arc::new(ManualClock::at(NOW));
        let server = Server {
            settings,
            backend: Arc::clone(&stream) as Arc<_>,
            secret: Secret::new(SECRET).unwrap(),
            clock: Arc::clone(&clock) as Arc<_>,
            has_room: Arc::new(move || has_room),
        };
        Self { stream, clock, router: server.into_router() }
    }

    pub(crate) fn publisher(&self) -> Client {
        self.client(Role::Publisher)
    }

    pub(crate) fn analyst(&self) -> Client {
        self.client(Role::Analyst)
    }

    pub(crate) fn admin(&self) -> Client {
        self.client(Role::Admin)
    }

    pub(crate) fn client(&self, role: Role) -> Client {
        let token = mint(&Secret::new(SECRET).unwrap(), role, 3_600, NOW).unwrap();
        self.bearer(&token)
    }

    pub(crate) fn bearer(&self, token: &str) -> Client {
        Client { router: self.router.clone(), token: Some(token.to_owned()) }
    }

    pub(crate) fn nobody(&self) -> Client {
        Client { router: self.router.clone(), token: None }
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    router: Router,
    token: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer's body, which must come with this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status.as_u16(), status, "{text}");
        self.json()
    }

    /// The problem of this code, which must be whole.
    #[track_caller]
    pub(crate) fn problem(&self, code: &str) -> Value {
        let expected = omnix_model::ErrorCode::from_name(code).expect("a known code");
        let body = self.expect(expected.status());
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], expected.status());
        assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
        assert_eq!(body["type"], format!("/docs/errors#{code}"));
        assert_eq!(body["instance"], format!("urn:omnix:request:{}", self.header("x-request-id")));
        body
    }

    /// The codes of a 422's faults, by pointer.
    #[track_caller]
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let body = self.problem("validation_failed");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let faults = body["errors"].as_array().unwrap().iter();
        faults.map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect()
    }
}

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, &[], body.to_string()).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let response = self.open(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    /// Sends, and leaves the answer's body to be read.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> http::Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap()
    }
}

/// A purchase that nothing is wrong with.
pub(crate) fn purchase(customer: &str) -> Value {
    json!({
        "customerId": customer, "productId": "p-1", "productCategory": "beverages", "productName": "Coffee",
        "quantity": 1, "price": 10.0, "totalAmount": 10.0, "timestamp": "2026-01-05T10:00:00Z",
    })
}
