//! `/v1/streaming/feed`

use axum::body::Body;
use http::{Method, Response};
use http_body_util::BodyExt as _;
use omnix_model::Priority;
use serde_json::{Value, json};

use crate::support::{Client, House, insight};

const PATH: &str = "/v1/streaming/feed";

/// A subscriber that reads one message after the other.
struct Reader {
    response: Response<Body>,
    text: String,
}

impl Reader {
    async fn open(client: &Client, query: &str, headers: &[(&str, &str)]) -> Self {
        let response = client.open(Method::GET, &format!("{PATH}{query}"), headers, "").await;
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    /// The next message, if the feed does not end before.
    async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((frame, rest)) = self.text.split_once("\n\n") {
                let data = frame.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                let id = frame.lines().find_map(|line| line.strip_prefix("id: ")).map(str::to_owned);
                self.text = rest.to_owned();
                if let Some(data) = data {
                    let message: Value = serde_json::from_str(&data).unwrap();
                    assert_eq!(message["id"].as_str(), id.as_deref());
                    return Some(message);
                }
            }
            let frame = self.response.body_mut().frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    }

    async fn sentence(&mut self) -> String {
        self.next().await.unwrap()["payload"]["insight"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn insights_come_as_they_are_raised() {
    let house = House::new();
    house.stream.raise(1, insight("c-0", 0, Priority::Low));
    let mut reader = Reader::open(&house.analyst(), "", &[]).await;
    assert_eq!(reader.response.headers()["content-type"], "text/event-stream");
    assert_eq!(reader.response.headers()["x-accel-buffering"], "no");
    assert_eq!(reader.response.headers()["cache-control"], "no-store");
    let connected = reader.next().await.unwrap();
    assert!(reader.text.is_empty());
    assert_eq!(connected["type"], "connected");
    assert_eq!(connected["payload"]["heartbeatMs"], 15_000);
    assert_eq!(connected["payload"]["expiresAt"], "2026-01-05T11:00:00.000Z");
    house.stream.raise(2, insight("c-1", 1, Priority::High));
    let message = reader.next().await.unwrap();
    assert_eq!(message["type"], "insight");
    assert_eq!(message["channels"], json!(["insights"]));
    assert_eq!(message["payload"]["customerId"], "c-1");
    assert_eq!(message["timestamp"], "2026-01-05T10:00:00.000Z");
}

#[tokio::test]
async fn a_reader_resumes_without_gap_and_without_double() {
    let house = House::new();
    for number in 1..=600 {
        house.stream.raise(number, insight("c-1", number, Priority::High));
    }
    let mut first = Reader::open(&house.analyst(), "", &[("last-event-id", "0")]).await;
    first.next().await.unwrap();
    let mut id = String::new();
    for number in 1..=300 {
        let message = first.next().await.unwrap();
        assert_eq!(message["payload"]["insight"], format!("insight {number}"));
        id = message["id"].as_str().unwrap().to_owned();
    }
    drop(first);
    let mut second = Reader::open(&house.analyst(), "", &[("last-event-id", &id)]).await;
    assert_eq!(second.next().await.unwrap()["id"], id);
    // More than a listener's queue holds is raised while it catches up.
    for number in 601..=620 {
        house.stream.raise(number, insight("c-1", number, Priority::High));
    }
    for number in 301..=620 {
        assert_eq!(second.sentence().await, format!("insight {number}"));
    }
    house.stream.raise(621, insight("c-1", 621, Priority::High));
    assert_eq!(second.sentence().await, "insight 621");
}

#[tokio::test]
async fn a_reader_that_falls_behind_misses_nothing() {
    let house = House::new();
    let mut reader = Reader::open(&house.analyst(), "", &[]).await;
    reader.next().await.unwrap();
    for number in 1..=50 {
        house.stream.raise(number, insight("c-1", number, Priority::High));
    }
    for number in 1..=50 {
        assert_eq!(reader.sentence().await, format!("insight {number}"));
    }
}

#[tokio::test]
async fn channels_choose_and_a_message_comes_once() {
    let house = House::new();
    let query = "?channels=customer.c%252F1,priority.critical,segment.lost";
    let mut reader = Reader::open(&house.analyst(), query, &[]).await;
    let connected = reader.next().await.unwrap();
    assert_eq!(connected["channels"], json!(["customer.c%2F1", "priority.critical", "segment.lost"]));
    house.stream.raise(1, insight("c-2", 1, Priority::Low));
    house.stream.raise(2, insight("c/1", 2, Priority::Critical));
    house.stream.raise(3, insight("c-2", 3, Priority::Critical));
    let message = reader.next().await.unwrap();
    assert_eq!(message["channels"], json!(["customer.c%2F1", "priority.critical"]));
    let message = reader.next().await.unwrap();
    assert_eq!(message["payload"]["insight"], "insight 3");
}

#[tokio::test]
async fn more_than_is_kept_is_a_gap() {
    let house = House::new();
    *house.stream.has_gap.lock().unwrap() = true;
    house.stream.raise(9, insight("c-1", 9, Priority::Low));
    let mut reader = Reader::open(&house.analyst(), "", &[("last-event-id", "1-1-0-0")]).await;
    reader.next().await.unwrap();
    let gap = reader.next().await.unwrap();
    assert_eq!(gap["type"], "gap");
    assert!(gap["payload"]["oldestId"].is_string());
    assert_eq!(reader.sentence().await, "insight 9");
}

#[tokio::test]
async fn bad_channels_and_places_are_refused_and_so_are_publishers() {
    let house = House::new();
    for (channels, is_known) in
        [("insights", true), ("orders", false), ("user.1", false), ("segment.none", false), ("", false)]
    {
        let path = format!("{PATH}?channels={channels}");
        if !is_known {
            let faults = house.analyst().get(&path).await.faults();
            assert_eq!(faults, [("?channels".to_owned(), "unknown_value".to_owned())], "{channels}");
        }
        house.publisher().get(&path).await.problem("forbidden");
    }
    let headers = [("last-event-id", "nonsense")];
    let answer = house.analyst().send(Method::GET, PATH, &headers, "").await;
    assert_eq!(answer.faults()[0].1, "invalid_cursor");
    house.nobody().get(PATH).await.problem("unauthenticated");
    house.publisher().send(Method::POST, &format!("{PATH}/ticket"), &[], "").await.problem("forbidden");
}

#[tokio::test]
async fn a_ticket_opens_the_feed_once() {
    let house = House::new();
    let answer = house.analyst().send(Method::POST, &format!("{PATH}/ticket"), &[], "").await.expect(201);
    assert_eq!(answer["expiresAt"], "2026-01-05T10:00:30.000Z");
    let query = format!("?ticket={}", answer["ticket"].as_str().unwrap());
    let mut reader = Reader::open(&house.nobody(), &query, &[]).await;
    assert_eq!(reader.next().await.unwrap()["type"], "connected");
    house.nobody().get(&format!("{PATH}{query}")).await.problem("unauthenticated");
    let late = house.analyst().send(Method::POST, &format!("{PATH}/ticket"), &[], "").await.expect(201);
    house.clock.advance_ms(30_000);
    let query = format!("?ticket={}", late["ticket"].as_str().unwrap());
    house.nobody().get(&format!("{PATH}{query}")).await.problem("unauthenticated");
}

#[tokio::test]
async fn the_feed_ends_with_the_token_and_has_a_limit() {
    let house = House::with(|settings| settings.http.feed_connections_max = 1);
    house.clock.advance_ms(3_599_950);
    let mut reader = Reader::open(&house.analyst(), "", &[]).await;
    let refused = house.analyst().get(PATH).await;
    refused.problem("overloaded");
    assert_eq!(refused.header("ratelimit-policy"), "\"subscribers\";q=1");
    assert_eq!(reader.next().await.unwrap()["type"], "connected");
    assert_eq!(reader.next().await, None, "the token has expired");
    drop(reader);
    house.clock.advance_ms(-1_000);
    Reader::open(&house.analyst(), "", &[]).await;
}
