//! A real socket: what keeps a connection, and what ends it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use omnix_model::Priority;
use omnix_server::{Running, Secret, Server, Settings};
use omnix_worker::ManualClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{FakeStream, Mood, NOW, SECRET, insight};

async fn start(set: impl FnOnce(&mut Settings)) -> (Running, Arc<FakeStream>) {
    let mut settings = Settings::default();
    settings.http.listen = "127.0.0.1:0".to_owned();
    settings.http.head_timeout_ms = 200;
    settings.http.stall_timeout_ms = 200;
    set(&mut settings);
    let stream = Arc::new(FakeStream::default());
    let server = Server {
        settings,
        backend: Arc::clone(&stream) as Arc<_>,
        secret: Secret::new(SECRET).unwrap(),
        clock: Arc::new(ManualClock::at(NOW)),
        has_room: Arc::new(|| true),
    };
    (server.start().await.unwrap(), stream)
}

fn token(role: omnix_server::Role) -> String {
    omnix_server::mint(&Secret::new(SECRET).unwrap(), role, 3_600, NOW).unwrap()
}

/// What comes back on a connection that sends `bytes` and nothing more, until it is closed.
async fn until_closed(address: SocketAddr, bytes: &[u8]) -> (String, Duration) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let started = Instant::now();
    stream.write_all(bytes).await.unwrap();
    let mut text = Vec::new();
    // A reset is an end as well.
    let read = timeout(Duration::from_secs(5), stream.read_to_end(&mut text)).await;
    assert!(read.is_ok(), "the connection was not closed");
    (String::from_utf8_lossy(&text).into_owned(), started.elapsed())
}

#[tokio::test]
async fn whoever_sends_nothing_or_half_a_head_is_cut_off() {
    let (server, _) = start(|_| {}).await;
    for bytes in ["", "P", "PRI * HTTP/2.0\r\n", "GET /healthz HTTP/1.1\r\nhost: x\r\n", "GET / HT"] {
        let (_, took) = until_closed(server.local_addr(), bytes.as_bytes()).await;
        assert!(took >= Duration::from_millis(150), "{bytes:?}: {took:?}");
        assert!(took < Duration::from_secs(3), "{bytes:?}: {took:?}");
    }
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    until_closed(server.local_addr(), preface).await;
    // One that has been answered may stand idle no longer either.
    let (text, _) = until_closed(server.local_addr(), b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_body_that_stalls_is_408() {
    let (server, stream) = start(|_| {}).await;
    let head = format!(
        "POST /v1/streaming/events/purchase HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-length: 100\r\n\r\n{{",
        token(omnix_server::Role::Publisher)
    );
    let (text, took) = until_closed(server.local_addr(), head.as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    assert!(text.contains("request_timeout"), "{text}");
    assert!(took < Duration::from_secs(3));
    assert!(stream.stored.lock().unwrap().is_empty());
    server.shutdown().await.unwrap();
}

/// A sender that sends all of its body before it reads must still get the answer, and not a reset.
#[tokio::test]
async fn whoever_is_refused_early_still_gets_the_answer() {
    let (server, _) = start(|settings| settings.http.stall_timeout_ms = 5_000).await;
    let body = vec![b'x'; 8 << 20];
    for (credentials, status) in [
        (String::new(), 401),
        (format!("authorization: Bearer {}\r\n", token(omnix_server::Role::Publisher)), 413),
    ] {
        for _ in 0..5 {
            let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
            let head = format!(
                "POST /v1/streaming/events/purchase HTTP/1.1\r\nhost: x\r\n{credentials}content-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body).await.unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"));
        }
    }
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_body_is_not_asked_for_from_those_who_may_not_send_it() {
    let (server, _) = start(|_| {}).await;
    let head = "POST /v1/streaming/events/purchase HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
                content-length: 100\r\n\r\n";
    let (text, _) = until_closed(server.local_addr(), head.as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 401"), "{text}");
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_head_beyond_all_bounds_is_refused() {
    let (server, _) = start(|_| {}).await;
    let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "x".repeat(20 << 10));
    let (text, _) = until_closed(server.local_addr(), head.as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 431") && text.contains("head_too_large"), "{text}");
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn connections_have_a_limit_and_wait_for_their_turn() {
    let (server, _) = start(|settings| settings.http.connections_max = 1).await;
    let first = TcpStream::connect(server.local_addr()).await.unwrap();
    let second =
        until_closed(server.local_addr(), b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let (text, took) = second.await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(took >= Duration::from_millis(150), "it had to wait until the first was cut off: {took:?}");
    drop(first);
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_is_cut_off_and_holds_up_nobody() {
    let (server, stream) = start(|settings| settings.http.feed_connections_max = 1).await;
    let head = format!(
        "GET /v1/streaming/feed HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        token(omnix_server::Role::Analyst)
    );
    let mut reader = TcpStream::connect(server.local_addr()).await.unwrap();
    reader.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    reader.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    // More than all buffers between the two hold.
    let sentence = "x".repeat(64 << 10);
    for number in 1..=400 {
        let mut insight = insight("c-1", number, Priority::Low);
        insight.sentence.clone_from(&sentence);
        stream.raise(number, insight);
    }
    let metrics = format!("http://{}/metrics", server.local_addr());
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let text = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
        if text.lines().any(|line| line == "omnix_feed_connections 0") {
            break;
        }
        assert!(Instant::now() < until, "it still has its place");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(reader);
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn http_2_is_spoken_with_prior_knowledge() {
    let (server, _) = start(|_| {}).await;
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    // GET, http, the path and the authority as HPACK writes them (RFC 7541), in one frame that ends the stream.
    let block = b"\x82\x86\x04\x08/healthz\x41\x01x";
    let head = [0, 0, u8::try_from(block.len()).unwrap(), 1, 5, 0, 0, 0, 1];
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    stream.write_all(&[preface.as_slice(), settings, &head, block].concat()).await.unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("{\"status\":\"alive\"}"), "{text}");
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_finishes_what_was_asked_and_ends_its_feeds() {
    let (server, stream) = start(|settings| {
        settings.http.ack_timeout_ms = 300;
        settings.http.head_timeout_ms = 60_000;
    })
    .await;
    stream.be(Mood::Hanging);
    let address = server.local_addr();
    let client = reqwest::Client::new();
    let feed = client
        .get(format!("http://{address}/v1/streaming/feed"))
        .bearer_auth(token(omnix_server::Role::Analyst))
        .send()
        .await
        .unwrap();
    assert_eq!(feed.status(), 200);
    let hanging = client
        .post(format!("http://{address}/v1/streaming/events/purchase"))
        .bearer_auth(token(omnix_server::Role::Publisher))
        .body(crate::support::purchase("c").to_string())
        .send();
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.shutdown().await
    };
    let (answer, stopped) = tokio::join!(hanging, stop);
    assert_eq!(answer.unwrap().status(), 504);
    assert_eq!(stopped, Ok(()));
    assert!(feed.text().await.unwrap().contains("connected"), "the feed ended in order");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_off_and_told() {
    let (server, stream) = start(|settings| {
        settings.http.drain_timeout_ms = 100;
        settings.http.ack_timeout_ms = 60_000;
    })
    .await;
    stream.be(Mood::Hanging);
    let address = server.local_addr();
    let hanging = reqwest::Client::new()
        .post(format!("http://{address}/v1/streaming/events/purchase"))
        .bearer_auth(token(omnix_server::Role::Publisher))
        .body(crate::support::purchase("c").to_string())
        .send();
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.shutdown().await
    };
    let (answer, stopped) = tokio::join!(hanging, stop);
    assert!(answer.is_err());
    let told = stopped.unwrap_err().to_string();
    assert_eq!(told, "1 tasks of `connections` were cut off at the end of their time");
}

#[tokio::test]
async fn health_can_have_an_address_of_its_own() {
    let (server, _) = start(|settings| settings.http.admin_listen = "127.0.0.1:0".to_owned()).await;
    let admin = server.admin_addr().unwrap();
    for (address, path, status) in [
        (admin, "/healthz", 200),
        (admin, "/metrics", 200),
        (admin, "/docs", 404),
        (admin, "/v1/streaming/streams", 404),
        (server.local_addr(), "/healthz", 404),
        (server.local_addr(), "/docs", 200),
    ] {
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{address}{path}");
    }
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_of_the_start() {
    let (server, _) = start(|_| {}).await;
    let mut settings = Settings::default();
    settings.http.listen = server.local_addr().to_string();
    let other = Server {
        settings,
        backend: Arc::new(FakeStream::default()),
        secret: Secret::new(SECRET).unwrap(),
        clock: Arc::new(ManualClock::at(NOW)),
        has_room: Arc::new(|| true),
    };
    let error = other.start().await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on `{}`", server.local_addr())), "{error}");
    server.shutdown().await.unwrap();
}
