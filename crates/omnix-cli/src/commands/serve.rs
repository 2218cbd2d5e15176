//! `omnix serve`: runs the server on a data directory until it is told to stop.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use omnix_server::settings::Settings;
use omnix_server::{Role, Secret, Server, mint};
use omnix_worker::{Clock as _, Health, Purpose, StreamHandle, WallClock};
use tokio::signal::unix::{SignalKind, signal};

use crate::assemble::{self, Opened};
use crate::cli::ServeArgs;
use crate::failure::Failure;
use crate::settings;

/// How often it is looked whether the stream has failed.
const WATCH_EVERY: Duration = Duration::from_millis(100);
/// How long a token of our own is valid.
const OWN_TOKEN_S: u32 = 7 * 86_400;

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    start_logging();
    let listen = args.listen.clone().map(|listen| ("http.listen", listen));
    let resolved = settings::of(&args.directory, &Vec::from_iter(listen))?;
    for name in &resolved.warnings {
        tracing::warn!(name, "no setting has this name");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let running = start(resolved.settings).await?;
        println!("listening on {}", running.url());
        let outcome = tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            failure = running.failed() => Err(failure),
        };
        let stopped = running.stop().await;
        outcome.and(stopped)
    })
}

/// Log lines as JSON on standard error; `RUST_LOG` chooses which.
pub(crate) fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // An error means that logging was started already, which is as good.
    drop(tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).try_init());
}

/// A server and the stream behind it.
pub(crate) struct Running {
    server: omnix_server::Running,
    opened: Opened,
    handle: StreamHandle,
    secret: Secret,
}

/// Opens the directory that `settings` name and serves it.
pub(crate) async fn start(settings: Settings) -> Result<Running, Failure> {
    let secret = Secret::find(&settings.auth, Path::new(&settings.store.data_dir))?;
    let of_stream = settings.clone();
    let opened = tokio::task::spawn_blocking(move || assemble::open(&of_stream, Purpose::Live)).await??;
    let handle = opened.stream.handle();
    let backend = Arc::new(handle.clone());
    let has_room = assemble::has_room(&settings);
    let server = Server { settings, backend, secret: secret.clone(), clock: Arc::new(WallClock), has_room };
    match server.start().await {
        Ok(server) => Ok(Running { server, opened, handle, secret }),
        Err(error) => {
            tokio::task::spawn_blocking(move || opened.stop()).await??;
            Err(Failure::unavailable(error))
        }
    }
}

impl Running {
    pub(crate) const fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub(crate) fn token(&self, role: Role) -> Result<String, Failure> {
        Ok(mint(&self.secret, role, OWN_TOKEN_S, WallClock.now()).map_err(anyhow::Error::msg)?)
    }

    /// Ends when server or stream have failed.
    pub(crate) async fn failed(&self) -> Failure {
        let stream = async {
            let mut every = tokio::time::interval(WATCH_EVERY);
            loop {
                every.tick().await;
                if let Health::Failed(why) = self.handle.health() {
                    return Failure::from(anyhow::anyhow!("the stream failed: {why}"));
                }
            }
        };
        tokio::select! {
            failure = stream => failure,
            error = self.server.wait() => Failure::from(error),
        }
    }

    /// Stops accepting, finishes requests, commits what is in hand, closes.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        let served = self.server.shutdown().await;
        let opened = self.opened;
        drop(self.handle);
        tokio::task::spawn_blocking(move || opened.stop()).await??;
        Ok(served?)
    }
}
