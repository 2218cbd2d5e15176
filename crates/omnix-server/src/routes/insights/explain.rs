//! `/v1/streaming/insights/{customerId}/{insightId}/explain`: how an insight came about, recomputed from the log.
//!
//! It takes a thread of its own for as long as it takes, and ends when whoever asked has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use omnix_engine::explain::Step;
use omnix_engine::{ProductView, Profile};
use omnix_model::{ErrorCode, Figure, Insight, Origin};
use omnix_wire::api::explain::{
    Difference, ExplainedCause, ExplainedGap, ExplainedInput, ExplainedStep, ExplainedUnder, FigureShown,
    InsightExplanation, SourceEventBody, StateBefore,
};
use omnix_wire::api::insight::InsightBody;
use omnix_wire::api::{Amount, Time, Units};
use omnix_worker::explain::{CauseKind, ExplainError, Explanation, Found, Gap, SourceEvent, Under};

use super::super::customers::{held_product_body, segment_body, spending_body};
use super::super::json;
use super::single::{Which, unknown};
use crate::app::App;
use crate::authority::{Authority, Insights};
use crate::problem::Problem;
use crate::query::{PairInPath, Query};
use crate::route::{Content, Route};

/// Products of the state before that are shown, beside the one that the insight speaks of.
const PRODUCTS_MAX: usize = 10;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/insights/{customerId}/{insightId}/explain", explain)
            .about(
                "Insights",
                "How an insight came about: source events, the state before, the arithmetic; recomputed from the log",
            )
            .needs::<Insights>()
            .answers(
                200,
                "the explanation; `gaps` says what is not kept any more",
                Content::json::<InsightExplanation>(),
            )
            .fails(&[ErrorCode::NotFound, ErrorCode::ValidationFailed, ErrorCode::Unavailable]),
    ]
}

async fn explain(
    _authority: Authority<Insights>,
    State(app): State<App>,
    PairInPath(customer, insight): PairInPath,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::of(&uri, &[]).finish()?;
    answer(&app, Which::in_path(&customer, &insight)?).await
}

/// Set when whoever asked has gone.
struct Abandoned(Arc<AtomicBool>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The explanation of an insight.
pub(super) async fn answer(app: &App, which: Which) -> Result<Response, Problem> {
    let has_gone = Arc::new(AtomicBool::new(false));
    let _waiting = Abandoned(Arc::clone(&has_gone));
    let backend = Arc::clone(&app.shared.backend);
    let working = tokio::task::spawn_blocking(move || {
        backend.explain(&which.customer, which.insight, &|| has_gone.load(Ordering::Relaxed))
    });
    match working.await {
        Ok(Ok(Some(explanation))) => json(StatusCode::OK, &body(explanation)),
        Ok(Ok(None)) => Err(unknown()),
        Ok(Err(ExplainError::Busy)) => Err(Problem::new(
            ErrorCode::Unavailable,
            "too many explanations are asked for at the same time: ask again later",
        )),
        Ok(Err(ExplainError::Query(error))) => Err(Problem::from(error)),
        Ok(Err(error)) => {
            tracing::error!(%error, "an insight could not be explained");
            Err(Problem::new(ErrorCode::Internal, "the insight could not be explained"))
        }
        Err(error) => {
            tracing::error!(%error, "an insight was not explained");
            Err(Problem::new(ErrorCode::Internal, "the insight could not be explained"))
        }
    }
}

fn body(explanation: Explanation) -> InsightExplanation {
    let is_same = explanation.is_same();
    let Explanation { stored, outcome, found, sources, events_read, gaps } = explanation;
    let same_as_stored = found.as_ref().map(|_| is_same);
    let status = match (gaps.is_empty(), is_same) {
        (true, true) => "complete",
        (true, false) => "different",
        (false, _) => "partial",
    };
    let differences =
        found.as_ref().map(|found| Difference::between(&stored, &found.insight)).unwrap_or_default();
    InsightExplanation {
        status,
        same_as_stored,
        differences,
        cause: found.as_ref().map(cause_body),
        under: found.as_ref().map(|found| under_body(&found.under)),
        before: found.as_ref().and_then(|found| Some(before_body(found.before.as_deref()?, &stored))),
        steps: found.map(|found| found.steps).unwrap_or_default().into_iter().map(step_body).collect(),
        events: sources.iter().filter_map(event_body).collect(),
        events_read,
        gaps: gaps.iter().map(gap_body).collect(),
        insight: InsightBody::known(stored, outcome),
    }
}

fn cause_body(found: &Found) -> ExplainedCause {
    let kind = match found.cause {
        CauseKind::Event => "event",
        CauseKind::Time => "time",
    };
    ExplainedCause { kind, position: found.position.to_string(), at: Time(found.at) }
}

fn under_body(under: &Under) -> ExplainedUnder {
    ExplainedUnder {
        model_version: under.model,
        model_hash: format!("{:016x}", under.model_hash),
        settings_version: format!("{:016x}", under.settings),
        settings: under.settings_text.lines().map(str::to_owned).collect(),
        engine_version: under.engine,
    }
}

fn before_body(before: &Profile, insight: &Insight) -> StateBefore {
    let wanted = insight.figures.iter().find_map(|(name, figure)| match figure {
        Figure::Text(text) if name == "productId" => Some(text),
        _ => None,
    });
    let is_wanted = |product: &ProductView| wanted.is_some_and(|id| product.product_id.as_str() == id);
    let products = before.products.iter().enumerate();
    let products = products.filter(|(place, product)| *place < PRODUCTS_MAX || is_wanted(product));
    StateBefore {
        purchases: before.purchases,
        orders: before.orders,
        units: Units(before.units),
        total_spent: Amount(before.total_spent),
        average_order_value: before.average_order_value.map(Amount),
        first_purchase_at: before.first_purchase_at.map(Time),
        last_purchase_at: before.last_purchase_at.map(Time),
        recency_days: before.recency_days,
        segment: before.segment.as_ref().map(segment_body),
        spending: before.spending.map(spending_body),
        products: products.map(|(_, product)| held_product_body(product)).collect(),
    }
}

fn step_body(step: Step) -> ExplainedStep {
    let inputs = step.inputs.into_iter().map(|input| ExplainedInput {
        name: input.name,
        value: FigureShown(input.value),
        from: input.origin.name(),
    });
    ExplainedStep {
        name: step.name,
        about: step.about,
        formula: step.formula,
        inputs: inputs.collect(),
        value: FigureShown(step.value),
    }
}

fn event_body(source: &SourceEvent) -> Option<SourceEventBody> {
    let producer = match source.record.origin {
        Origin::Client => "client",
        Origin::Server => "server",
        Origin::Import => "import",
        Origin::Derived => "omnix",
    };
    Some(SourceEventBody {
        position: source.position.to_string(),
        applied_at: Time(source.at),
        producer,
        event: SourceEventBody::event(&source.record)?,
    })
}

fn gap_body(gap: &Gap) -> ExplainedGap {
    let detail = match gap {
        Gap::LogTrimmed { position } => format!(
            "what stood in the log up to {position} is no longer kept: the state before is what the rest alone gives"
        ),
        Gap::LogDamaged { first, last } => format!("the frames {first} to {last} of the log are damaged"),
        Gap::ModelsGone { first, last } => format!(
            "of the models {first} to {last} at least one is no longer kept: what the customer did under it was \
             applied under the nearest that is"
        ),
        Gap::DecidingModelGone { number } => {
            format!("model {number}, which decided, is no longer kept: its arithmetic is left out")
        }
        Gap::EngineChanged { then } => format!("version {then} of the engine decided then"),
        Gap::TimeRanOut => "the log is too long to be read for one question".to_owned(),
        Gap::NotRaised => "what is kept of the log does not raise the insight again".to_owned(),
    };
    ExplainedGap { code: gap.name(), detail }
}
