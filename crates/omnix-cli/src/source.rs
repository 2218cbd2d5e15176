//! Whom a question is put to: a running server, or the data directory itself, opened for the while.
//!
//! Opened, the directory is served on a port of the loopback by the same server, so that a question has one
//! answer, whoever gives it.

use std::path::Path;

use omnix_server::Role;

use crate::cli::SourceArgs;
use crate::client::Client;
use crate::commands::serve::{Running, start};
use crate::failure::Failure;
use crate::settings;

/// A server to ask.
pub(crate) struct Source {
    client: Client,
    own: Option<Running>,
}

impl Source {
    pub(crate) async fn open(args: &SourceArgs) -> Result<Self, Failure> {
        if !args.offline {
            return Ok(Self { client: Client::of(&args.remote), own: None });
        }
        let flags = [("http.listen", "127.0.0.1:0".to_owned()), ("http.admin_listen", String::new())];
        let settings = settings::of(&args.directory, &flags)?.settings;
        let directory = &settings.store.data_dir;
        if omnix_storage::DataDirectory::read_format(Path::new(directory)).is_err() {
            return Err(Failure::not_found(format!("`{directory}` is not a data directory")));
        }
        let running = start(settings).await?;
        let client = Client::new(&running.url(), Some(&running.token(Role::Admin)?));
        Ok(Self { client, own: Some(running) })
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self.own {
            Some(running) => running.stop().await,
            None => Ok(()),
        }
    }
}
