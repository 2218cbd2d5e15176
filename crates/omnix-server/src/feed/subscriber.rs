//! One subscriber: listens, catches up, follows, until its token expires or the server stops.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use omnix_model::Timestamp;
use omnix_wire::api::Time;
use omnix_wire::api::feed::{Connected, Gap};
use omnix_wire::api::insight::InsightBody;
use omnix_worker::{FeedCursor, FeedMessage};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::Channels;
use super::message::{frame, heartbeat, message};
use crate::app::App;
use crate::lifecycle::Stop;
use crate::problem::Problem;

/// How often a sign of life is sent.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a client waits before it connects again.
const RETRY: &[u8] = b"retry: 2000\n\n";
/// Messages read from the store at a time.
const PAGE_MESSAGES: usize = 256;

/// Counts subscribers, and has a limit.
#[derive(Debug, Clone)]
pub(crate) struct Subscribers {
    count: Arc<AtomicU32>,
    max: u32,
}

/// A place among the subscribers, free again when it is dropped.
pub(crate) struct Place {
    subscribers: Subscribers,
    gauge: prometheus_client::metrics::gauge::Gauge,
}

impl Subscribers {
    pub(crate) fn new(max: u32) -> Self {
        Self { count: Arc::new(AtomicU32::new(0)), max }
    }
}

impl Place {
    /// A place, if there is one.
    pub(crate) fn take(app: &App) -> Option<Self> {
        let subscribers = app.shared.subscribers.clone();
        let take = |count: u32| (count < subscribers.max).then_some(count + 1);
        subscribers.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        let gauge = app.shared.metrics.feed_connections.clone();
        gauge.inc();
        Some(Self { subscribers, gauge })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.subscribers.count.fetch_sub(1, Ordering::Relaxed);
        self.gauge.dec();
    }
}

#[expect(clippy::struct_excessive_bools, reason = "what it still has to do, each by itself")]
struct Subscriber {
    app: App,
    channels: Channels,
    cursor: FeedCursor,
    live: Receiver<Arc<FeedMessage>>,
    pending: VecDeque<Bytes>,
    is_behind: bool,
    has_told_gap: bool,
    has_moved: bool,
    is_over: bool,
    heartbeat: Interval,
    expires_at: Instant,
    stop: Stop,
    _place: Place,
}

/// The events for a subscriber who stands at `after` (none: wants only what comes), until `expires_at`.
///
/// # Errors
/// When the feed cannot be read.
pub(crate) async fn stream(
    app: App,
    place: Place,
    channels: Channels,
    after: Option<FeedCursor>,
    expires_at: Timestamp,
) -> Result<impl Stream<Item = Result<Bytes, Infallible>>, Problem> {
    // Listening comes first, so that nothing falls between what is read and what is heard.
    let live = app.shared.backend.live();
    let (oldest, newest) = app.ask(|backend| backend.feed_bounds()).await?;
    let now = app.now();
    let cursor = after.clone().unwrap_or_else(|| newest.clone());
    let connected = Connected {
        oldest_id: Some(oldest.to_string()),
        newest_id: Some(newest.to_string()),
        heartbeat_ms: u64::try_from(HEARTBEAT.as_millis()).unwrap_or(u64::MAX),
        expires_at: Some(Time(expires_at)),
    };
    let mut connected = message("connected", &cursor, now, connected);
    connected.channels = channels.names();
    let left_ms = u64::try_from(expires_at.ms_since(now)).unwrap_or(0);
    // A timer further away than a year is as good as none.
    let left = Duration::from_millis(left_ms).min(Duration::from_secs(366 * 86_400));
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let subscriber = Subscriber {
        pending: VecDeque::from([Bytes::from_static(RETRY), frame(&connected)]),
        stop: app.shared.stop.clone(),
        is_behind: after.is_some(),
        has_told_gap: false,
        has_moved: false,
        is_over: false,
        expires_at: Instant::now() + left,
        _place: place,
        app,
        channels,
        cursor,
        live,
        heartbeat,
    };
    Ok(unfold(subscriber, |mut subscriber| async move {
        let frame = subscriber.next().await?;
        Some((Ok(frame), subscriber))
    }))
}

impl Subscriber {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.pending.pop_front() {
                return Some(frame);
            }
            if self.is_over || self.stop.is_requested() || Instant::now() >= self.expires_at {
                return None;
            }
            if self.is_behind {
                self.catch_up().await;
            } else {
                self.follow().await;
            }
        }
    }

    async fn catch_up(&mut self) {
        let after = self.cursor.clone();
        let read = self.app.ask(move |backend| {
            let page = backend.feed_after(&after, PAGE_MESSAGES)?;
            let oldest = if page.has_gap { Some(backend.feed_bounds()?.0) } else { None };
            Ok((page, oldest))
        });
        let Ok((page, oldest)) = read.await else {
            self.is_over = true;
            return;
        };
        if let Some(oldest) = oldest.filter(|_| !self.has_told_gap) {
            self.has_told_gap = true;
            let gap = Gap { oldest_id: Some(oldest.to_string()) };
            self.pending.push_back(frame(&message("gap", &oldest, self.app.now(), gap)));
        }
        self.is_behind = !page.messages.is_empty();
        for message in &page.messages {
            self.take(message);
        }
    }

    async fn follow(&mut self) {
        tokio::select! {
            biased;
            () = self.stop.requested() => self.is_over = true,
            () = sleep_until(self.expires_at) => self.is_over = true,
            heard = self.live.recv() => match heard {
                Ok(message) if self.cursor.covers(message.position, message.index) => {}
                Ok(message) => self.take(&message),
                Err(RecvError::Lagged(_)) => self.is_behind = true,
                Err(RecvError::Closed) => self.is_over = true,
            },
            _ = self.heartbeat.tick() => {
                let place = self.has_moved.then_some(&self.cursor);
                self.pending.push_back(heartbeat(place));
                self.has_moved = false;
            }
        }
    }

    fn take(&mut self, raised: &FeedMessage) {
        self.cursor.advance(raised.position, raised.index);
        let channels = self.channels.of(raised);
        if channels.is_empty() {
            self.has_moved = true;
            return;
        }
        let insight = &raised.insight;
        let body = InsightBody::from(insight.clone());
        let mut event = message("insight", &self.cursor, insight.timestamp, body);
        event.channels = channels;
        self.pending.push_back(frame(&event));
        self.has_moved = false;
        self.app.shared.metrics.feed_messages.inc();
    }
}
