//! What all routes share.

use std::sync::Arc;

use axum::extract::FromRef;
use omnix_model::{ErrorCode, Timestamp};
use omnix_wire::{AnonymousRule, SegmentAliases};
use omnix_worker::{Clock, QueryError};
use smol_str::SmolStr;
use tokio::sync::Semaphore;

use crate::authority::Authorities;
use crate::backend::Backend;
use crate::body::{BodyLimits, IngestBudget};
use crate::feed::{Subscribers, Tickets};
use crate::lifecycle::Stop;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::server::{HasRoom, Server};
use crate::settings::Settings;

/// Questions asked at a time: each takes a thread that may block.
const QUESTIONS_MAX: usize = 32;

/// What all routes share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) shared: Arc<Shared>,
}

/// The parts of an [`App`].
pub(crate) struct Shared {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) authorities: Authorities,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) currency: SmolStr,
    pub(crate) anonymous: AnonymousRule,
    pub(crate) aliases: SegmentAliases,
    pub(crate) bodies: BodyLimits,
    pub(crate) metrics: Metrics,
    pub(crate) tickets: Tickets,
    pub(crate) subscribers: Subscribers,
    pub(crate) stop: Stop,
    pub(crate) has_room: HasRoom,
    questions: Semaphore,
}

impl App {
    /// An app that stands on what `server` does.
    pub(crate) fn new(server: Server, stop: Stop) -> Self {
        let Server { settings, backend, secret, clock, has_room } = server;
        let authorities = Authorities::new(&secret, Arc::clone(&clock));
        let budget = IngestBudget::new(usize::try_from(settings.http.ingest_bytes).unwrap_or(usize::MAX));
        let shared = Shared {
            authorities,
            clock,
            currency: SmolStr::new(&settings.shop.currency),
            anonymous: AnonymousRule::new(&settings.customers.anonymous),
            // The resolver has refused what is no alias.
            aliases: SegmentAliases::new(&settings.segments.aliases).unwrap_or_default(),
            bodies: BodyLimits { budget: budget.clone(), stall: settings.http.stall_timeout() },
            metrics: Metrics::new(Arc::clone(&backend), budget),
            tickets: Tickets::default(),
            subscribers: Subscribers::new(settings.http.feed_connections_max),
            questions: Semaphore::new(QUESTIONS_MAX),
            stop,
            has_room,
            backend,
            settings,
        };
        Self { shared: Arc::new(shared) }
    }

    /// The time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Asks the stream something, on a thread that may block.
    pub(crate) async fn ask<T, F>(&self, question: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Backend) -> Result<T, QueryError> + Send + 'static,
    {
        let _permit = self.shared.questions.acquire().await;
        let backend = Arc::clone(&self.shared.backend);
        match tokio::task::spawn_blocking(move || question(backend.as_ref())).await {
            Ok(answer) => answer.map_err(Problem::from),
            Err(error) => {
                tracing::error!(%error, "a question was not answered");
                Err(Problem::new(ErrorCode::Internal, "the question could not be answered"))
            }
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::InvalidCursor => Self::of_faults(vec![omnix_model::Fault::new(
                "?cursor",
                ErrorCode::InvalidCursor,
                "is not a cursor that this list gave",
            )]),
            QueryError::Store(error) => {
                tracing::error!(%error, "the store did not answer");
                Self::new(ErrorCode::Internal, "the store did not answer")
            }
        }
    }
}

impl FromRef<App> for Authorities {
    fn from_ref(app: &App) -> Self {
        app.shared.authorities.clone()
    }
}
