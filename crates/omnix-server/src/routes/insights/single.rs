//! `/v1/streaming/insights/{customerId}/{insightId}`: one insight, and what came of it.
//!
//! Every path has its twin for ids that proxies spoil: without the customer, who stands in the query.

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, Uri, header};
use omnix_model::{CustomerId, ErrorCode, InsightId, Judgement};
use omnix_wire::api::feedback::{InsightChange, NoChange};
use omnix_wire::api::insight::InsightBody;
use omnix_worker::{JudgeError, KnownInsight};
use tokio::time::timeout;

use super::super::json;
use crate::app::App;
use crate::authority::{Authority, Insights, Judge};
use crate::body::{Incoming, MediaType};
use crate::problem::Problem;
use crate::query::{CUSTOMER_ID, InPath, PairInPath, Query, customer_in_path};
use crate::route::{Content, Route};

/// Bytes of a body that says what came of an insight: far more than it needs.
const CHANGE_BYTES_MAX: usize = 16 << 10;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/insights/{customerId}/{insightId}", read)
            .about("Insights", "One insight, and what came of it")
            .needs::<Insights>()
            .answers(200, "the insight", Content::json::<InsightBody>())
            .fails(&[ErrorCode::NotFound, ErrorCode::ValidationFailed]),
        change_route(Route::patch("/v1/streaming/insights/{customerId}/{insightId}", change)),
        change_route(Route::patch("/v1/streaming/insights/{customerId}", change_twin)).twin(),
    ]
}

fn change_route(route: Route) -> Route {
    route
        .about("Insights", "Say what came of an insight, or take it back; to say the same again does no harm")
        .needs::<Judge>()
        .takes(Content::json::<InsightChange>())
        .answers(200, "the insight, with what came of it", Content::json::<InsightBody>())
        .fails(&[
            ErrorCode::MalformedJson,
            ErrorCode::NotFound,
            ErrorCode::RequestTimeout,
            ErrorCode::TooLarge,
            ErrorCode::UnsupportedMediaType,
            ErrorCode::ValidationFailed,
            ErrorCode::Overloaded,
            ErrorCode::DiskFull,
            ErrorCode::LogDamaged,
            ErrorCode::Unavailable,
            ErrorCode::OutcomeUnknown,
        ])
}

/// Which insight of whom.
#[derive(Debug, Clone)]
pub(super) struct Which {
    pub(super) customer: CustomerId,
    pub(super) insight: InsightId,
}

impl Which {
    /// The insight that a path names.
    pub(super) fn in_path(customer: &str, insight: &str) -> Result<Self, Problem> {
        let customer = customer_in_path(customer)?;
        Ok(Self { customer, insight: insight.parse().map_err(|()| unknown())? })
    }

    /// The insight that a path names, its customer in the query.
    pub(super) fn in_query(insight: &str, uri: &Uri) -> Result<Self, Problem> {
        let mut query = Query::of(uri, &[&CUSTOMER_ID]);
        let customer = query.needed_customer_id()?;
        query.finish()?;
        Ok(Self { customer, insight: insight.parse().map_err(|()| unknown())? })
    }
}

/// There is no such insight.
pub(super) fn unknown() -> Problem {
    Problem::new(ErrorCode::NotFound, "the customer has no insight with this id")
}

async fn read(
    _authority: Authority<Insights>,
    State(app): State<App>,
    PairInPath(customer, insight): PairInPath,
    uri: Uri,
) -> Result<Response, Problem> {
    // `/v1/streaming/insights/{insightId}/explain?customerId=`
    if insight == "explain" && Query::of(&uri, &[&CUSTOMER_ID]).has(&CUSTOMER_ID) {
        return super::explain::answer(&app, Which::in_query(&customer, &uri)?).await;
    }
    Query::of(&uri, &[]).finish()?;
    answer(&app, &Which::in_path(&customer, &insight)?).await
}

/// `/v1/streaming/insights/{insightId}?customerId=`
pub(super) async fn of_twin(app: &App, insight: &str, uri: &Uri) -> Result<Response, Problem> {
    answer(app, &Which::in_query(insight, uri)?).await
}

async fn answer(app: &App, which: &Which) -> Result<Response, Problem> {
    let KnownInsight { insight, outcome } = find(app, which).await?;
    json(StatusCode::OK, &InsightBody::known(insight, outcome))
}

async fn find(app: &App, which: &Which) -> Result<KnownInsight, Problem> {
    let Which { customer, insight } = which.clone();
    app.ask(move |backend| backend.insight(&customer, insight)).await?.ok_or_else(unknown)
}

async fn change(
    _authority: Authority<Judge>,
    State(app): State<App>,
    PairInPath(customer, insight): PairInPath,
    request: Request,
) -> Result<Response, Problem> {
    Query::of(request.uri(), &[]).finish()?;
    carry_out(&app, Which::in_path(&customer, &insight)?, request).await
}

/// `PATCH /v1/streaming/insights/{insightId}?customerId=`; without the customer the path has no such method.
async fn change_twin(
    _authority: Authority<Judge>,
    State(app): State<App>,
    InPath(insight): InPath,
    request: Request,
) -> Result<Response, Problem> {
    if !Query::of(request.uri(), &[&CUSTOMER_ID]).has(&CUSTOMER_ID) {
        let problem = Problem::new(ErrorCode::MethodNotAllowed, "this path does not have this method");
        return Err(problem.with_header(header::ALLOW, HeaderValue::from_static("GET,HEAD")));
    }
    carry_out(&app, Which::in_query(&insight, request.uri())?, request).await
}

async fn carry_out(app: &App, which: Which, request: Request) -> Result<Response, Problem> {
    debug_assert_eq!(request.method(), Method::PATCH, "a change is a PATCH");
    let (parts, body) = request.into_parts();
    MediaType::of(&parts.headers, &[MediaType::Json])?;
    let mut incoming = Incoming::new(body, &parts.headers, CHANGE_BYTES_MAX, &app.shared.bodies)?;
    let change = InsightChange::parse(&incoming.whole().await?).map_err(|no_change| match no_change {
        NoChange::Malformed(why) => Problem::new(ErrorCode::MalformedJson, why),
        NoChange::Faulty(faults) => Problem::of_faults(faults),
    })?;
    let KnownInsight { insight, outcome } = find(app, &which).await?;
    // What stands already need not be written again.
    if outcome != change.outcome {
        let judgement = Judgement {
            customer_id: which.customer,
            insight: insight.id,
            raised_at: insight.timestamp,
            kind: insight.kind,
            priority: insight.priority,
            outcome: change.outcome,
        };
        judge(app, judgement).await?;
    }
    json(StatusCode::OK, &InsightBody::known(insight, change.outcome))
}

async fn judge(app: &App, judgement: Judgement) -> Result<(), Problem> {
    let patience = app.shared.settings.http.ack_timeout();
    match timeout(patience, app.shared.backend.judge(judgement)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(JudgeError::Refused(refusal))) => Err(Problem::new(refusal.code(), refusal.to_string())),
        Ok(Err(JudgeError::Unknown)) | Err(_) => Err(Problem::new(
            ErrorCode::OutcomeUnknown,
            "it may or may not be stored: to say it again does no harm",
        )),
    }
}
