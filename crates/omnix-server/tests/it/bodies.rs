//! Bodies on their way in: codings, limits, the budget.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use serde_json::json;

use crate::support::{Answer, House, purchase};

const PATH: &str = "/v1/streaming/events/batch";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn send(house: &House, coding: &str, body: Vec<u8>) -> Answer {
    house.publisher().send(Method::POST, PATH, &[("content-encoding", coding)], body).await
}

#[tokio::test]
async fn gzip_and_zstd_are_read() {
    let house = House::new();
    let events = vec![purchase("a"); 3_000];
    let plain = json!(events).to_string().into_bytes();
    for (coding, body) in
        [("gzip", gzip(&plain)), ("zstd", zstd(&plain)), ("GZIP", gzip(&plain)), ("identity", plain.clone())]
    {
        assert_eq!(send(&house, coding, body).await.expect(201)["publishedCount"], 3_000, "{coding}");
    }
    // Both formats may be cut into members that stand one after the other.
    let (head, tail) = plain.split_at(plain.len() / 2);
    send(&house, "gzip", [gzip(head), gzip(tail)].concat()).await.expect(201);
    send(&house, "zstd", [zstd(head), zstd(tail)].concat()).await.expect(201);
}

#[tokio::test]
async fn other_codings_are_415() {
    let house = House::new();
    for coding in ["rot13", "br", "gzip, gzip", "deflate", ""] {
        let answer = send(&house, coding, b"x".to_vec()).await;
        answer.problem("unsupported_media_type");
        assert_eq!(answer.header("accept-encoding"), "gzip, zstd");
    }
    let headers = [("content-encoding", "gzip"), ("content-encoding", "gzip")];
    let answer = house.publisher().send(Method::POST, PATH, &headers, "x").await;
    answer.problem("unsupported_media_type");
    for kind in ["text/plain", "application/xml", "", "application/json-patch+json"] {
        let answer = house.publisher().send(Method::POST, PATH, &[("content-type", kind)], "[]").await;
        answer.problem("unsupported_media_type");
    }
    let single = "/v1/streaming/events/purchase";
    let headers = [("content-type", "application/x-ndjson")];
    house.publisher().send(Method::POST, single, &headers, "{}").await.problem("unsupported_media_type");
    let headers = [("content-type", "Application/JSON; charset=utf-8")];
    house.publisher().send(Method::POST, single, &headers, purchase("c").to_string()).await.expect(201);
}

#[tokio::test]
async fn a_bomb_costs_no_more_than_its_limit() {
    let house = House::new();
    let zeros = vec![b' '; 64 << 20];
    for (coding, body) in [("gzip", gzip(&zeros)), ("zstd", zstd(&zeros))] {
        assert!(body.len() < 200_000);
        send(&house, coding, body).await.problem("too_large");
    }
    let single = "/v1/streaming/events/purchase";
    let headers = [("content-encoding", "gzip")];
    let answer = house.publisher().send(Method::POST, single, &headers, gzip(&zeros)).await;
    answer.problem("too_large");
}

#[tokio::test]
async fn a_window_larger_than_the_standard_allows_is_refused() {
    let house = House::new();
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.set_parameter(zstd::stream::raw::CParameter::WindowLog(27)).unwrap();
    encoder.write_all(json!([purchase("a")]).to_string().as_bytes()).unwrap();
    send(&house, "zstd", encoder.finish().unwrap()).await.problem("malformed_request");
}

#[tokio::test]
async fn a_body_that_is_not_what_its_coding_says_is_400() {
    let house = House::new();
    let plain = json!([purchase("a"), purchase("b")]).to_string().into_bytes();
    for (coding, whole) in [("gzip", gzip(&plain)), ("zstd", zstd(&plain))] {
        let cut = whole[..whole.len() - 5].to_vec();
        send(&house, coding, cut).await.problem("malformed_request");
        send(&house, coding, plain.clone()).await.problem("malformed_request");
        send(&house, coding, [whole, b"behind".to_vec()].concat()).await.problem("malformed_request");
        // A cut behind a whole line is a cut all the same.
        let lines = format!("{}\n{}\n", purchase("a"), purchase("b"));
        let whole = if coding == "gzip" { gzip(lines.as_bytes()) } else { zstd(lines.as_bytes()) };
        let headers = [("content-encoding", coding), ("content-type", "application/x-ndjson")];
        let cut = whole[..whole.len() - 2].to_vec();
        let answer = house.publisher().send(Method::POST, PATH, &headers, cut).await;
        answer.problem("malformed_request");
    }
    assert!(house.stream.stored.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_decompressed_for_those_who_may_not_publish() {
    let house = House::new();
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let headers = [("content-encoding", "gzip")];
    house.nobody().send(Method::POST, PATH, &headers, bomb.clone()).await.problem("unauthenticated");
    house.analyst().send(Method::POST, PATH, &headers, bomb).await.problem("forbidden");
    house
        .analyst()
        .send(Method::POST, PATH, &[("content-encoding", "rot13")], "x")
        .await
        .problem("forbidden");
}

#[tokio::test]
async fn an_exhausted_budget_is_503_and_comes_back() {
    let house = House::with(|settings| settings.http.ingest_bytes = 4_000);
    let small = json!([purchase("a")]).to_string().into_bytes();
    let large = json!(vec![purchase("a"); 30]).to_string().into_bytes();
    for coding in ["identity", "gzip", "zstd"] {
        let body = match coding {
            "gzip" => gzip(&large),
            "zstd" => zstd(&large),
            _ => large.clone(),
        };
        let answer = send(&house, coding, body).await;
        answer.problem("unavailable");
        assert_eq!(answer.header("retry-after"), "1");
        send(&house, "identity", small.clone()).await.expect(201);
    }
}
