//! A load over HTTP/1.1 that costs little itself: requests are written as they stand, answers are read to
//! their end and only their status is looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::failure::Failure;

/// The bytes of a request.
pub(crate) fn request(method: &str, path: &str, token: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// One connection that is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 << 10) })
    }

    /// Sends a request and reads its answer; answers the status.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<u16, Failure> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(Failure::unavailable("the server closed the connection"));
            }
            let Some(head) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let head_text =
                String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default()).to_ascii_lowercase();
            let length =
                head_text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let length: usize = length.ok_or_else(|| anyhow::anyhow!("an answer without a length"))?;
            let status = head_text.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or(0);
            while self.buffer.len() < head + 4 + length {
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err(Failure::unavailable("the server closed the connection"));
                }
            }
            return Ok(status);
        }
    }
}

/// What a load achieved.
#[derive(Debug, Default)]
pub(crate) struct Achieved {
    /// Requests answered with success.
    pub(crate) requests: u64,
    /// Requests answered otherwise.
    pub(crate) failed: u64,
    pub(crate) seconds: f64,
}

impl Achieved {
    #[expect(clippy::cast_precision_loss, reason = "a few million requests")]
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// Keeps `connections` busy for `window`; `make(n)` gives the n-th request.
pub(crate) async fn run(
    address: &str,
    connections: usize,
    window: Duration,
    make: Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>,
) -> Result<Achieved, Failure> {
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    let started = Instant::now();
    for _ in 0..connections {
        let (address, make, next) = (address.to_owned(), Arc::clone(&make), Arc::clone(&next));
        tasks.spawn(async move {
            let mut connection = Connection::open(&address).await?;
            let mut achieved = Achieved::default();
            while started.elapsed() < window {
                let status = connection.exchange(&make(next.fetch_add(1, Ordering::Relaxed))).await?;
                if (200..300).contains(&status) { achieved.requests += 1 } else { achieved.failed += 1 }
            }
            Ok::<_, Failure>(achieved)
        });
    }
    let mut total = Achieved::default();
    while let Some(done) = tasks.join_next().await {
        let achieved = done??;
        total.requests += achieved.requests;
        total.failed += achieved.failed;
    }
    total.seconds = started.elapsed().as_secs_f64();
    Ok(total)
}
