//! A running server: started with everything it needs, stopped in order.

use std::net::SocketAddr;
use std::sync::Arc;

use omnix_worker::Clock;
use tokio::net::TcpListener;

use crate::app::App;
use crate::authority::Secret;
use crate::backend::Backend;
use crate::lifecycle::{Lifecycle, LifecycleError};
use crate::listener::Listener;
use crate::router::{Served, router};
use crate::settings::Settings;

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}`: {error}")]
pub struct StartError {
    /// The address.
    pub address: String,
    /// Why.
    pub error: std::io::Error,
}

/// Everything a server stands on.
pub struct Server {
    /// Its settings.
    pub settings: Settings,
    /// The stream.
    pub backend: Arc<dyn Backend>,
    /// The secret that signs tokens.
    pub secret: Secret,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether the disk has room above its reserve: without it `/readyz` says so.
    pub has_room: HasRoom,
}

/// Whether there is room for more; asked again each time.
pub type HasRoom = Arc<dyn Fn() -> bool + Send + Sync>;

/// A running server.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    lifecycle: Lifecycle,
}

impl Server {
    /// The server as a service without a socket, for those who have their own way to it.
    pub fn into_router(self) -> axum::Router {
        let stop = Lifecycle::default().stop();
        router(App::new(self, stop), Served::All)
    }

    /// Starts it: when this returns, it accepts connections.
    ///
    /// # Errors
    /// [`StartError`] when it cannot listen.
    pub async fn start(self) -> Result<Running, StartError> {
        let lifecycle = Lifecycle::default();
        let (main, admin) = (self.settings.http.listen.clone(), self.settings.http.admin_listen.clone());
        let socket = listen(&main).await?;
        let admin_socket = if admin.is_empty() { None } else { Some(listen(&admin).await?) };
        let (address, admin_address) = (
            address_of(&main, &socket)?,
            admin_socket.as_ref().map(|socket| address_of(&admin, socket)).transpose()?,
        );
        let http = self.settings.http.clone();
        let app = App::new(self, lifecycle.stop());
        let served = if admin_socket.is_some() { Served::WithoutHealth } else { Served::All };
        let listeners = [
            Some(("listener", "connections", socket, router(app.clone(), served))),
            admin_socket.map(|socket| {
                ("admin listener", "admin connections", socket, router(app, Served::HealthOnly))
            }),
        ];
        for (name, connections, socket, service) in listeners.into_iter().flatten() {
            let listener = Listener {
                socket,
                service,
                settings: http.clone(),
                lifecycle: lifecycle.clone(),
                connections,
            };
            lifecycle.start(name, http.drain_timeout(), listener.run(lifecycle.stop()));
        }
        Ok(Running { address, admin_address, lifecycle })
    }
}

async fn listen(address: &str) -> Result<TcpListener, StartError> {
    let failed = |error| StartError { address: address.to_owned(), error };
    TcpListener::bind(address).await.map_err(failed)
}

fn address_of(wanted: &str, socket: &TcpListener) -> Result<SocketAddr, StartError> {
    socket.local_addr().map_err(|error| StartError { address: wanted.to_owned(), error })
}

impl Running {
    /// The address it listens on.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The address of health and metrics, if they have their own.
    #[must_use]
    pub const fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Ends when a task of the server has ended by itself: the server must then end as well.
    pub async fn wait(&self) -> LifecycleError {
        self.lifecycle.failed().await
    }

    /// Stops accepting, lets requests finish, closes what is left. The stream is the caller's to stop, after.
    ///
    /// # Errors
    /// [`LifecycleError::Overdue`] when requests had not finished in time.
    pub async fn shutdown(self) -> Result<(), LifecycleError> {
        self.lifecycle.shut_down().await
    }
}
