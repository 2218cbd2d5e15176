//! Connections: accepted here, served by hyper, limited in number, in idleness and in stalling.
//!
//! HTTP/1.1 and HTTP/2 on one port. hyper's time limit for heads needs a timer, and says nothing of a
//! connection that sends nothing, or only part of an HTTP/2 preface: [`activity`] watches for those.
//! Deliberately not here: TLS, and what a request means.

mod activity;
mod remainder;
mod stalling;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::lifecycle::{Lifecycle, Stop};
use crate::settings::HttpSettings;
use activity::Activity;
use remainder::Remainder;
use stalling::Stalling;

/// Bytes of a request's head that hyper reads; the limit that clients are told of is lower, so that they are
/// told of it in full.
const HEAD_BUFFER_BYTES: usize = 64 << 10;
/// Requests of one HTTP/2 connection at a time.
const STREAMS_MAX: u32 = 128;
/// How long the listener waits after an error of its own, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What serves requests: a router whose state is set.
pub(crate) type Service = axum::Router;

/// One listening socket and what it serves.
pub(crate) struct Listener {
    /// The socket.
    pub(crate) socket: TcpListener,
    /// What it serves.
    pub(crate) service: Service,
    /// Limits.
    pub(crate) settings: HttpSettings,
    /// Where its connections are registered.
    pub(crate) lifecycle: Lifecycle,
    /// The name of its connections.
    pub(crate) connections: &'static str,
}

impl Listener {
    /// Accepts connections until the server is to stop.
    pub(crate) async fn run(self, mut stop: Stop) -> Result<(), String> {
        let limits = Arc::new(Semaphore::new(usize::try_from(self.settings.connections_max).unwrap_or(1)));
        let server = Arc::new(server(&self.settings));
        loop {
            let next = async {
                let permit = Arc::clone(&limits).acquire_owned().await;
                (permit, self.socket.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                next = next => next,
                () = stop.requested() => return Ok(()),
            };
            let Ok(permit) = permit else { return Err("the limit of connections was closed".to_owned()) };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let connection = Connection {
                stream,
                peer,
                service: self.service.clone(),
                idle: self.settings.head_timeout(),
                stall: self.settings.stall_timeout(),
                stop: stop.clone(),
            };
            let server = Arc::clone(&server);
            self.lifecycle.join(self.connections, self.settings.drain_timeout(), async move {
                connection.serve(&server).await;
                drop(permit);
            });
        }
    }
}

fn server(settings: &HttpSettings) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head_timeout())
        .max_buf_size(HEAD_BUFFER_BYTES)
        .half_close(false);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BUFFER_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(settings.head_timeout())
        .keep_alive_timeout(settings.stall_timeout());
    server
}

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    service: Service,
    idle: Duration,
    stall: Duration,
    stop: Stop,
}

impl Connection {
    async fn serve(self, server: &auto::Builder<TokioExecutor>) {
        // Small answers go out at once.
        if let Err(error) = self.stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps waiting for full segments");
        }
        let activity = Activity::new();
        let (service, peer, seen, patience) = (self.service, self.peer, activity.clone(), self.stall);
        let handler = hyper::service::service_fn(move |request: Request<Incoming>| {
            let (service, guard) = (service.clone(), seen.begin());
            async move {
                let (mut request, remainder) = Remainder::split(request);
                request.extensions_mut().insert(ConnectInfo(peer));
                let response: Result<Response, Infallible> = service.oneshot(request).await;
                remainder.discard(patience).await;
                response.map(|response| response.map(|body| guard.until_end_of(body)))
            }
        });
        let io = TokioIo::new(Stalling::new(self.stream, self.stall));
        let mut connection = pin!(server.serve_connection(io, handler));
        let mut stop = self.stop;
        let mut is_ending = false;
        loop {
            tokio::select! {
                result = connection.as_mut() => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return;
                }
                () = stop.requested(), if !is_ending => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = activity.idle_for(self.idle) => return,
            }
        }
    }
}
