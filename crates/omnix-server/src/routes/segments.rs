//! `/v1/streaming/segments`: all segments and the moves between them.

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use omnix_model::ErrorCode;
use omnix_wire::api::Amount;
use omnix_wire::api::segments::{SegmentMove, SegmentReport, SegmentSummary};

use super::customers::slug;
use super::insights::percent;
use super::json;
use crate::app::App;
use crate::authority::{Authority, Segments};
use crate::problem::Problem;
use crate::query::{HOURS, Query, Span};
use crate::route::{Content, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/segments", all)
            .about("Segments", "Every segment with its customers, and the moves between them")
            .needs::<Segments>()
            .query(&[&HOURS])
            .answers(200, "the segments", Content::json::<SegmentReport>())
            .fails(&[ErrorCode::ValidationFailed]),
    ]
}

async fn all(_authority: Authority<Segments>, State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, &[&HOURS]);
    let span = Span::hours(query.integer(&HOURS).unwrap_or(24), app.now());
    query.finish()?;
    let range = span.range;
    let found = app.ask(move |backend| backend.segments(range)).await?;
    let customers = found.customers;
    let segments = found.segments.into_iter().map(|row| SegmentSummary {
        slug: slug(&row.name),
        name: row.name.label().to_owned(),
        customers: row.customers,
        share: percent(row.customers, customers),
        revenue: Amount(row.revenue),
        moved_in: row.moved_in,
        moved_out: row.moved_out,
    });
    let matrix = found.flows.into_iter().map(|flow| SegmentMove {
        from: flow.from.map(|from| from.label().to_owned()),
        to: flow.to.label().to_owned(),
        customers: flow.customers,
    });
    let report = SegmentReport {
        time_range: span.text,
        customers,
        segments: segments.collect(),
        matrix: matrix.collect(),
    };
    json(StatusCode::OK, &report)
}
