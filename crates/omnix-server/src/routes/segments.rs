//! `/v1/streaming/segments`: all segments, the moves between them, and how they did over time.

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use omnix_model::{ErrorCode, Timestamp};
use omnix_wire::api::segments::{
    SegmentMove, SegmentOfPeriod, SegmentPerformance, SegmentPeriod, SegmentReport, SegmentSummary,
};
use omnix_wire::api::{Amount, Time};
use omnix_worker::{Interval, SegmentsReport};

use super::customers::slug;
use super::insights::percent;
use super::json;
use crate::app::App;
use crate::authority::{Authority, Segments};
use crate::problem::Problem;
use crate::query::{HOURS, Parameter, Query, SINCE, Span, UNTIL, Values};
use crate::route::{Content, Route};

const INTERVAL: Parameter = Parameter::new(
    "interval",
    Values::OneOf(&["hour", "day"]),
    "how finely `performance` follows the segments; up to two days by the hour, else by the day",
);

const QUERY: &[&Parameter] = &[&HOURS, &SINCE, &UNTIL, &INTERVAL];

/// Hours and days that are followed at the most.
const PERIODS_MAX: i64 = 1_000;
/// Up to so many hours are followed by the hour unless asked otherwise.
const BY_HOUR_MAX: i64 = 48;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/segments", all)
            .about(
                "Segments",
                "Every segment with its customers, the moves between them, and how they did over time",
            )
            .needs::<Segments>()
            .query(QUERY)
            .answers(200, "the segments", Content::json::<SegmentReport>())
            .fails(&[ErrorCode::ValidationFailed]),
    ]
}

async fn all(_authority: Authority<Segments>, State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let now = app.now();
    let mut query = Query::of(&uri, QUERY);
    let span = query.range(now).unwrap_or_else(|| Span::hours(24, now));
    let range = span.range;
    let hours = range.to.min(now).ms_since(range.from).max(0) / Timestamp::HOUR_MS;
    let interval = query.choice(&INTERVAL, interval_of).unwrap_or(match hours <= BY_HOUR_MAX {
        true => Interval::Hour,
        false => Interval::Day,
    });
    let periods = match interval {
        Interval::Hour => hours,
        Interval::Day => hours / 24,
    };
    if periods > PERIODS_MAX {
        let name = if query.has(&INTERVAL) { INTERVAL.name } else { SINCE.name };
        let detail = format!("must not ask for more than {PERIODS_MAX} hours or days");
        query.fault(name, ErrorCode::OutOfRange, detail);
    }
    query.finish()?;
    let found = app.ask(move |backend| backend.segments(range, interval)).await?;
    json(StatusCode::OK, &report(found, span.text, interval))
}

fn interval_of(name: &str) -> Option<Interval> {
    match name {
        "hour" => Some(Interval::Hour),
        "day" => Some(Interval::Day),
        _ => None,
    }
}

fn report(found: SegmentsReport, time_range: String, interval: Interval) -> SegmentReport {
    let customers = found.customers;
    let segments = found.segments.into_iter().map(|row| SegmentSummary {
        slug: slug(&row.name),
        name: row.name.label().to_owned(),
        customers: row.customers,
        share: percent(row.customers, customers),
        revenue: Amount(row.revenue),
        moved_in: row.moved_in,
        moved_out: row.moved_out,
        orders: row.orders,
        sales: Amount(row.sales),
    });
    let matrix = found.flows.into_iter().map(|flow| SegmentMove {
        from: flow.from.map(|from| from.label().to_owned()),
        to: flow.to.label().to_owned(),
        customers: flow.customers,
    });
    let periods = found.periods.into_iter().map(|period| SegmentPeriod {
        from: Time(period.from),
        segments: period.segments.iter().map(segment_of_period).collect(),
    });
    let interval = match interval {
        Interval::Hour => "hour",
        Interval::Day => "day",
    };
    SegmentReport {
        time_range,
        customers,
        segments: segments.collect(),
        matrix: matrix.collect(),
        performance: SegmentPerformance { interval, periods: periods.collect() },
    }
}

fn segment_of_period(row: &omnix_worker::SegmentOfPeriod) -> SegmentOfPeriod {
    SegmentOfPeriod {
        name: row.name.label().to_owned(),
        customers: row.customers,
        moved_in: row.moved_in,
        moved_out: row.moved_out,
        orders: row.orders,
        sales: Amount(row.sales),
    }
}
