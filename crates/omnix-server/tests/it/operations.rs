//! Health, metrics, pages.

use http::Method;
use omnix_model::ErrorCode;
use omnix_worker::Refusal;

use crate::support::{House, Mood, purchase};

#[tokio::test]
async fn health_is_alive_and_ready_or_says_why_not() {
    let house = House::new();
    assert_eq!(house.nobody().get("/healthz").await.expect(200)["status"], "alive");
    assert_eq!(house.nobody().get("/readyz").await.expect(200)["status"], "ready");
    house.stream.be(Mood::Refusing(Refusal::DiskFull));
    assert_eq!(house.nobody().get("/readyz").await.problem("disk_full")["detail"], "the disk is full");
    house.stream.be(Mood::Refusing(Refusal::LogDamaged));
    house.nobody().get("/readyz").await.problem("log_damaged");
    house.nobody().get("/healthz").await.expect(200);
    let full = House::without_room();
    full.nobody().get("/readyz").await.problem("disk_full");
    full.nobody().get("/healthz").await.expect(200);
}

#[tokio::test]
async fn metrics_count_what_happened_and_name_nobody() {
    let house = House::new();
    house.publisher().post("/v1/streaming/events/purchase", &purchase("secret-customer")).await.expect(201);
    house.publisher().post("/v1/streaming/events/purchase", &serde_json::json!({})).await;
    house.analyst().get("/v1/streaming/insights/secret-customer").await.expect(200);
    house.analyst().get("/v1/streaming/secret-path").await;
    house.nobody().send(Method::from_bytes(b"BREW").unwrap(), "/healthz", &[], "").await;
    house.nobody().get("/v1/streaming/streams").await;
    let answer = house.nobody().get("/metrics").await;
    let text = String::from_utf8(answer.bytes).unwrap();
    for line in [
        "omnix_ingest_events_total{type=\"purchase\",outcome=\"accepted\"} 1",
        "omnix_ingest_events_total{type=\"purchase\",outcome=\"rejected\"} 1",
        "omnix_http_requests_total{route=\"/v1/streaming/insights/{customerId}\",method=\"GET\",status=\"200\"} 1",
        "omnix_http_requests_total{route=\"none\",method=\"GET\",status=\"404\"} 1",
        "omnix_http_requests_total{route=\"/healthz\",method=\"other\",status=\"405\"} 1",
        "omnix_auth_failures_total{reason=\"unauthenticated\"} 1",
        "omnix_insights_total{type=\"segment_migration\",priority=\"low\"} 0",
        "omnix_suppressed_insights_total{reason=\"cool_down\"} 0",
        "omnix_suppressed_insights_total{reason=\"cause\"} 0",
        "omnix_suppressed_insights_total{reason=\"budget\"} 0",
        "omnix_feed_connections 0",
        "omnix_iterator_age_milliseconds 5",
        "omnix_learner_loss{learner=\"bought_again\",days=\"30\"} 0.45",
        "omnix_learner_fallback{learner=\"bought_again\",days=\"30\"} 0",
        "omnix_learner_fallback{learner=\"due\",days=\"7\"} 1",
        "omnix_learner_fallback{learner=\"order\",days=\"60\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("omnix_event_to_insight_seconds_bucket"), "{text}");
    assert!(text.contains("omnix_build_info"), "{text}");
    assert!(!text.contains("omnix_learner_loss{learner=\"order\""), "too few labels to tell: {text}");
    assert!(text.ends_with("# EOF\n"));
    assert!(!text.contains("secret"), "{text}");
    assert!(text.lines().all(|line| line.starts_with('#') || line.starts_with("omnix_")), "{text}");
}

#[tokio::test]
async fn every_error_code_is_explained() {
    let house = House::new();
    let page = String::from_utf8(house.nobody().get("/docs/errors").await.bytes).unwrap();
    for code in ErrorCode::ALL {
        assert!(page.contains(&format!("<tr id=\"{}\">", code.name())), "{}", code.name());
    }
}

#[tokio::test]
async fn pages_need_nothing_from_outside() {
    let house = House::new();
    for path in ["/", "/docs", "/docs/errors"] {
        let answer = house.nobody().get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"));
        let policy = answer.header("content-security-policy").to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let page = String::from_utf8(answer.bytes).unwrap();
        assert!(!page.contains("http://") && !page.contains("https://"), "{path}");
        assert!(!page.contains(" onclick") && !page.contains("<style") && !page.contains("style="), "{path}");
        for attribute in ["src=\"", "href=\""] {
            let links = page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
            // What stands in the page itself is not asked for.
            for link in links.filter(|link| !link.starts_with("data:")) {
                let answer = house.nobody().get(link).await;
                assert_eq!(answer.status, 200, "{path}: {link}");
            }
        }
    }
}
