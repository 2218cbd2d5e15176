//! Tokens, and every route times every role.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use omnix_model::Timestamp;
use omnix_server::{Role, Secret, mint};
use serde_json::{Value, json};

use crate::support::{House, NOW, SECRET};

const PATH: &str = "/v1/streaming/streams";

fn now_s() -> i64 {
    NOW.ms() / 1_000
}

fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn token(claims: &Value) -> String {
    signed(Algorithm::HS256, SECRET, claims)
}

/// A token whose header is `header`, signed by us all the same.
fn with_header(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

#[tokio::test]
async fn good_tokens_are_good() {
    let house = House::new();
    let exp = now_s() + 60;
    for claims in [
        json!({ "role": "analyst", "exp": exp }),
        json!({ "roles": ["publisher", "analyst"], "exp": exp }),
        json!({ "role": "admin", "exp": exp, "iat": now_s(), "nbf": now_s() + 60, "sub": "x", "aud": ["a"] }),
        json!({ "role": "analyst", "roles": [], "exp": exp, "iss": "me" }),
        json!({ "role": "analyst", "exp": now_s() as f64 + 0.5 }),
        json!({ "role": "somebody", "roles": ["else", "analyst"], "exp": 4_102_444_800_i64 }),
    ] {
        let answer = house.bearer(&token(&claims)).get(PATH).await;
        assert_eq!(answer.status, StatusCode::OK, "{claims}");
    }
    let minted = mint(&Secret::new(SECRET).unwrap(), Role::Analyst, 1, NOW).unwrap();
    house.bearer(&minted).get(PATH).await.expect(200);
    house.clock.set(NOW.plus_ms(1_000));
    house.bearer(&minted).get(PATH).await.problem("unauthenticated");
    house.clock.set(NOW);
    let headers = [("authorization", format!("bEaReR {minted}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    house.nobody().send(Method::GET, PATH, &headers, "").await.expect(200);
}

#[tokio::test]
async fn bad_claims_are_no_claims() {
    let house = House::new();
    let exp = now_s() + 60;
    for claims in [
        json!({ "role": "admin" }),
        json!({ "role": "admin", "exp": null }),
        json!({ "role": "admin", "exp": exp.to_string() }),
        json!({ "role": "admin", "exp": [exp] }),
        json!({ "role": "admin", "exp": true }),
        json!({ "role": "admin", "exp": 1e300 }),
        json!({ "role": "admin", "exp": -1 }),
        json!({ "role": "admin", "exp": now_s() }),
        json!({ "role": "admin", "exp": now_s() - 3_600 }),
        json!({ "role": "admin", "exp": exp, "nbf": now_s() + 61 }),
        json!({ "role": "admin", "exp": exp, "nbf": (now_s() - 60).to_string() }),
        json!({ "role": "admin", "exp": exp, "nbf": null }),
        json!({ "role": "admin", "exp": exp, "iat": now_s() + 3_600 }),
        json!({ "role": "admin", "exp": exp, "iat": "now" }),
        json!({ "role": "superuser", "exp": exp }),
        json!({ "role": "Admin", "exp": exp }),
        json!({ "role": ["admin"], "exp": exp }),
        json!({ "role": null, "exp": exp }),
        json!({ "roles": "admin", "exp": exp }),
        json!({ "roles": [], "exp": exp }),
        json!({ "roles": [1], "exp": exp }),
        json!({ "exp": exp }),
        json!([]),
        json!("admin"),
    ] {
        let answer = house.bearer(&token(&claims)).get(PATH).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{claims}");
        answer.problem("unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{claims}");
    }
}

#[tokio::test]
async fn only_our_own_signature_counts() {
    let house = House::new();
    let claims = json!({ "role": "admin", "exp": now_s() + 60 });
    let good = token(&claims);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = |name: &str| format!("{}.{}.", part(&json!({ "alg": name })), part(&claims));
    let more = json!({ "role": "admin", "exp": now_s() + 9_999 });
    let other_claims =
        format!("{}.{}.{signature}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&more));
    let mut bad = vec![
        String::new(),
        "abc".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        none("none"),
        none("None"),
        none("NONE"),
        none("HS256"),
        message.to_owned(),
        format!("{message}."),
        format!("{message}.{}", &signature[1..]),
        format!("{message}.{signature}AAAA"),
        format!("{message}.{signature}="),
        format!("{message}.{}", URL_SAFE_NO_PAD.encode([0_u8; 32])),
        format!("{good}.{signature}"),
        other_claims,
        signed(Algorithm::HS256, "another secret, also of 32 bytes or more", &claims),
        signed(Algorithm::HS256, "", &claims),
        signed(Algorithm::HS384, SECRET, &claims),
        signed(Algorithm::HS512, SECRET, &claims),
        with_header(&json!({ "alg": "HS384" }), &claims),
        with_header(&json!({ "alg": "RS256" }), &claims),
        with_header(&json!({ "alg": "HS256", "crit": ["exp"] }), &claims),
        with_header(&json!({ "typ": "JWT" }), &claims),
        format!("{}{good}", "a".repeat(1 << 12)),
        format!("{good} {good}"),
    ];
    for (index, letter) in good.char_indices().filter(|(_, letter)| *letter != '.') {
        let mut tampered = good.clone();
        tampered.replace_range(index..=index, if letter == 'A' { "Q" } else { "A" });
        bad.push(tampered);
    }
    let mut refused = 0;
    for token in bad {
        let answer = house.bearer(&token).get(PATH).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token}");
        refused += 1;
    }
    assert!(refused > 100);
    // Keys that a token brings along are not looked at.
    let headers = json!({
        "alg": "HS256", "kid": "../../etc/passwd", "jku": "http://localhost", "x5u": "file:///", "typ": "JWT",
    });
    house.bearer(&with_header(&headers, &claims)).get(PATH).await.expect(200);
}

#[tokio::test]
async fn there_is_one_header_of_one_scheme() {
    let house = House::new();
    let good = token(&json!({ "role": "admin", "exp": now_s() + 60 }));
    house.nobody().get(PATH).await.problem("unauthenticated");
    for value in
        ["Basic YTpi", "Bearer", "Bearer ", &good, &format!("Token {good}"), &format!("Bearer\t{good}")]
    {
        let answer = house.nobody().send(Method::GET, PATH, &[("authorization", value)], "").await;
        answer.problem("unauthenticated");
    }
    let twice = [("authorization", "Bearer x")];
    house.bearer(&good).send(Method::GET, PATH, &twice, "").await.problem("unauthenticated");
    house.nobody().get(&format!("{PATH}?access_token={good}")).await.problem("unauthenticated");
}

/// Every operation of the document, called without a token and with each role: the document's own table.
#[tokio::test]
async fn every_route_asks_for_the_permission_that_it_names() {
    let house = House::new();
    let document: Value = serde_json::from_str(omnix_server::openapi_json()).unwrap();
    let mut checked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let permission = operation["x-permission"].as_str().expect("a permission");
            let method: Method = method.to_uppercase().parse().unwrap();
            let url = path.replace("{customerId}", "c-1").replace("{id}", "q0");
            let status = |answer: crate::support::Answer| answer.status.as_u16();
            if !path.starts_with("/v1/") {
                assert_eq!(permission, "public", "{path}");
                assert_eq!(status(house.nobody().send(method, &url, &[], "").await), 200, "{path}");
                continue;
            }
            assert_eq!(operation["security"][0]["bearer"], json!([]), "{path}");
            let nobody = house.nobody().send(method.clone(), &url, &[], "").await;
            assert_eq!(status(nobody), 401, "{method} {path}");
            for role in Role::ALL {
                let permitted = operation["x-roles"].as_array().unwrap().contains(&json!(role.name()));
                let response = house.client(role).open(method.clone(), &url, &[], "").await;
                let found = response.status().as_u16();
                let is_let_in = !matches!(found, 401 | 403);
                assert_eq!(is_let_in, permitted, "{method} {path} as {}: {found}", role.name());
                checked += 1;
            }
        }
    }
    assert!(checked >= 54, "{checked}");
}

#[test]
fn a_secret_is_made_once_and_is_private() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let settings = omnix_server::Settings::default().auth;
    let found: Vec<Secret> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| Secret::find(&settings, &data).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found.iter().all(|secret| *secret == found[0]));
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(format!("{:?}", found[0]), "Secret(not shown)");
    assert!(Secret::new("short").is_err());
    let token = mint(&found[0], Role::Admin, 60, Timestamp::MIN).unwrap();
    assert_eq!(token.split('.').count(), 3);
}
