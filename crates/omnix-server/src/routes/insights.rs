//! `/v1/streaming/insights…`: what events came to mean.

mod explain;
mod single;

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use omnix_model::{CustomerId, ErrorCode, InsightKind, Priority, Segment, SegmentName, Timestamp};
use omnix_wire::api::feedback::Feedback;
use omnix_wire::api::insight::{
    CustomerInsights, InsightBody, InsightList, InsightsByPriority, InsightsByType, ProcessingMetrics,
    SystemOverview,
};
use omnix_worker::{InsightFilter, KnownInsight, Overview};

use super::json;
use crate::app::App;
use crate::authority::{Authority, Insights, Overview as ReadOverview};
use crate::problem::Problem;
use crate::query::{
    CURSOR, CUSTOMER_ID, HOURS, InPath, LIMIT, Parameter, Query, SINCE, Span, UNTIL, Values, customer_in_path,
};
use crate::route::{Content, Route};

/// Hours that are looked back where the query says nothing.
const HOURS_DEFAULT: u32 = 24;

const TYPE: Parameter = Parameter::new(
    "type",
    Values::OneOf(&[
        "segment_migration",
        "consumption_prediction",
        "behavior_anomaly",
        "recommendation_update",
    ]),
    "only insights of this type",
);
const PRIORITY: Parameter = Parameter::new(
    "priority",
    Values::OneOf(&["low", "medium", "high", "critical"]),
    "only insights of this priority",
);
const SEGMENT: Parameter = Parameter::new(
    "segment",
    Values::Text,
    "only of customers who are in this segment now: its slug or name",
);
const ACTION_REQUIRED: Parameter =
    Parameter::new("actionRequired", Values::Flag, "only those that somebody should act on, or only others");
const ORDER: Parameter = Parameter::new(
    "order",
    Values::OneOf(&["asc", "desc"]),
    "newest first (`desc`, the default) or oldest first; `asc` with a cursor is a feed to poll",
);

const OF_CUSTOMER: &[&Parameter] = &[&HOURS, &SINCE, &UNTIL, &TYPE, &PRIORITY, &LIMIT, &CURSOR];
const OF_CUSTOMER_TWIN: &[&Parameter] =
    &[&CUSTOMER_ID, &HOURS, &SINCE, &UNTIL, &TYPE, &PRIORITY, &LIMIT, &CURSOR];
const OF_ALL: &[&Parameter] = &[
    &CUSTOMER_ID,
    &HOURS,
    &SINCE,
    &UNTIL,
    &TYPE,
    &PRIORITY,
    &SEGMENT,
    &ACTION_REQUIRED,
    &ORDER,
    &LIMIT,
    &CURSOR,
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/insights", all)
            .about("Insights", "Insights of all customers; with `customerId`, those of one")
            .needs::<Insights>()
            .query(OF_ALL)
            .answers(200, "a page of insights", Content::json::<InsightList>())
            .fails(&[ErrorCode::ValidationFailed]),
        Route::get("/v1/streaming/insights/system/overview", overview)
            .about("Insights", "How many insights there were, and how well they came about")
            .needs::<ReadOverview>()
            .query(&[&HOURS])
            .answers(200, "the overview", Content::json::<SystemOverview>())
            .fails(&[ErrorCode::ValidationFailed]),
        Route::get("/v1/streaming/insights/{customerId}", of_customer)
            .about("Insights", "Insights of a customer, newest first")
            .needs::<Insights>()
            .query(OF_CUSTOMER)
            .answers(
                200,
                "a page of insights; an unknown customer has none",
                Content::json::<CustomerInsights>(),
            )
            .fails(&[ErrorCode::ValidationFailed]),
    ]
    .into_iter()
    .chain(single::routes())
    .chain(explain::routes())
    .collect()
}

async fn of_customer(
    _authority: Authority<Insights>,
    State(app): State<App>,
    InPath(customer): InPath,
    uri: Uri,
) -> Result<Response, Problem> {
    if Query::of(&uri, &[&CUSTOMER_ID]).has(&CUSTOMER_ID) {
        return single::of_twin(&app, &customer, &uri).await;
    }
    let customer = customer_in_path(&customer)?;
    list_of(&app, customer, Query::of(&uri, OF_CUSTOMER)).await
}

async fn all(_authority: Authority<Insights>, State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, OF_ALL);
    if query.has(&CUSTOMER_ID) {
        let mut query = Query::of(&uri, OF_CUSTOMER_TWIN);
        let customer = query.needed_customer_id()?;
        return list_of(&app, customer, query).await;
    }
    let filter = InsightFilter {
        range: query.range(app.now()).map(|span| span.range),
        kind: query.choice(&TYPE, InsightKind::from_name),
        priority: query.choice(&PRIORITY, Priority::from_name),
        segment: query.text(&SEGMENT).map(|name| segment_of(&name)),
        action_required: query.flag(&ACTION_REQUIRED),
        is_ascending: query.choice(&ORDER, |name| Some(name == "asc")).unwrap_or(false),
    };
    let page = query.page();
    query.finish()?;
    let found = app.ask(move |backend| backend.insights(&filter, &page)).await?;
    json(StatusCode::OK, &InsightList { insights: bodies(found.insights), next_cursor: found.next })
}

async fn list_of(app: &App, customer: CustomerId, mut query: Query) -> Result<Response, Problem> {
    let now = app.now();
    let span = query.range(now).unwrap_or_else(|| Span::hours(HOURS_DEFAULT, now));
    let filter = InsightFilter {
        range: Some(span.range),
        kind: query.choice(&TYPE, InsightKind::from_name),
        priority: query.choice(&PRIORITY, Priority::from_name),
        ..InsightFilter::default()
    };
    let page = query.page();
    query.finish()?;
    let customer_id = customer.to_string();
    let found = app.ask(move |backend| backend.insights_of(&customer, &filter, &page)).await?;
    let insights = bodies(found.insights);
    let answer = CustomerInsights { customer_id, insights, time_range: span.text, next_cursor: found.next };
    json(StatusCode::OK, &answer)
}

fn bodies(insights: Vec<KnownInsight>) -> Vec<InsightBody> {
    insights.into_iter().map(|known| InsightBody::known(known.insight, known.outcome)).collect()
}

/// The segment that a query names, by its slug or as people do.
pub(super) fn segment_of(name: &str) -> SegmentName {
    Segment::from_slug(name).map_or_else(|| SegmentName::parse(name), SegmentName::Known)
}

async fn overview(
    _authority: Authority<ReadOverview>,
    State(app): State<App>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, &[&HOURS]);
    let hours = query.integer(&HOURS).unwrap_or(HOURS_DEFAULT);
    query.finish()?;
    let now = app.now();
    let range = Span::hours(hours, now).range;
    let found = app.ask(move |backend| backend.overview(range)).await?;
    json(StatusCode::OK, &overview_body(&found, now))
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn overview_body(found: &Overview, now: Timestamp) -> SystemOverview {
    let (applied, failed) = (found.applied, found.failed);
    // The range is open to the future; the rate is not.
    let seconds = (now.ms_since(found.since) as f64 / 1_000.0).max(1.0);
    let error_rate = percent(failed, applied + failed);
    SystemOverview {
        total_insights: found.insights.by_kind.iter().sum(),
        insights_by_type: InsightsByType::new(found.insights.by_kind),
        insights_by_priority: InsightsByPriority::new(found.insights.by_priority),
        suppressed_insights: found.suppressed.into(),
        processing_metrics: ProcessingMetrics {
            average_latency_ms: found.latency.average_ms,
            p50_latency_ms: found.latency.p50_ms,
            p99_latency_ms: found.latency.p99_ms,
            success_rate: if applied + failed == 0 { 0.0 } else { 100.0 - error_rate },
            error_rate,
            events_per_second: applied as f64 / seconds,
        },
        feedback: Feedback::of(|kind, priority| found.judged.of(kind, priority)),
    }
}

/// `part` of `whole`, in percent; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}
