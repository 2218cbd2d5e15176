//! `/v1/streaming/customers…`: one customer, and all of them.

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use omnix_engine::{ProductView, Profile, RecommendRequest, Recommendations, SegmentView, Spending};
use omnix_model::{CustomerId, ErrorCode, Money, SegmentName};
use omnix_wire::api::customer::{
    CustomerEntry, CustomerList, CustomerProduct, CustomerProfile, CustomerSegment, RecommendationLists,
    UsualSpending,
};
use omnix_wire::api::{Amount, Time, Units};
use omnix_worker::{CustomerRow, CustomerSort};

use super::insights::segment_of;
use super::json;
use super::recommendations::{LISTED_DEFAULT, product_body};
use crate::app::App;
use crate::authority::{Authority, Customers};
use crate::backend::CustomerFilter;
use crate::problem::Problem;
use crate::query::{CURSOR, CUSTOMER_ID, InPath, LIMIT, Parameter, Query, Values, customer_in_path};
use crate::route::{Content, Route};

const PREFIX: Parameter = Parameter::new("prefix", Values::Text, "only customers whose ids begin with this");
const SEGMENT: Parameter =
    Parameter::new("segment", Values::Text, "only customers in this segment: its slug or name");
const SORT: Parameter = Parameter::new(
    "sort",
    Values::OneOf(&["id", "value", "lastSeen"]),
    "`id` (the default) pages over all customers; `value` and `lastSeen` over the first 10,000 of each",
);

const OF_ALL: &[&Parameter] = &[&CUSTOMER_ID, &PREFIX, &SEGMENT, &SORT, &LIMIT, &CURSOR];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/customers", all)
            .about("Customers", "Customers; with `customerId`, one of them")
            .needs::<Customers>()
            .query(OF_ALL)
            .answers(200, "a page of customers", Content::json::<CustomerList>())
            .fails(&[ErrorCode::ValidationFailed, ErrorCode::NotFound]),
        Route::get("/v1/streaming/customers/{customerId}", one)
            .about("Customers", "A customer, as far as purchases tell")
            .needs::<Customers>()
            .answers(200, "the customer", Content::json::<CustomerProfile>())
            .fails(&[ErrorCode::ValidationFailed, ErrorCode::NotFound]),
    ]
}

async fn one(
    _authority: Authority<Customers>,
    State(app): State<App>,
    InPath(customer): InPath,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::of(&uri, &[]).finish()?;
    profile_of(&app, customer_in_path(&customer)?).await
}

async fn all(
    _authority: Authority<Customers>,
    State(app): State<App>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, OF_ALL);
    if query.has(&CUSTOMER_ID) {
        let mut query = Query::of(&uri, &[&CUSTOMER_ID]);
        let customer = query.needed_customer_id()?;
        query.finish()?;
        return profile_of(&app, customer).await;
    }
    let filter = CustomerFilter {
        prefix: query.text(&PREFIX).unwrap_or_default(),
        segment: query.text(&SEGMENT).map(|name| segment_of(&name)),
        sort: query.choice(&SORT, sort_of).unwrap_or(CustomerSort::Id),
    };
    let page = query.page();
    query.finish()?;
    let (customers, next_cursor) = app.ask(move |backend| backend.customers(&filter, &page)).await?;
    let customers = customers.into_iter().map(entry_body).collect();
    json(StatusCode::OK, &CustomerList { customers, next_cursor })
}

fn sort_of(name: &str) -> Option<CustomerSort> {
    match name {
        "id" => Some(CustomerSort::Id),
        "value" => Some(CustomerSort::Value),
        "lastSeen" => Some(CustomerSort::LastSeen),
        _ => None,
    }
}

async fn profile_of(app: &App, customer: CustomerId) -> Result<Response, Problem> {
    let customer_id = customer.to_string();
    let found = app
        .ask(move |backend| {
            let Some(profile) = backend.profile(&customer)? else { return Ok(None) };
            let request = RecommendRequest { limit: LISTED_DEFAULT, ..RecommendRequest::default() };
            let (lists, _) = backend.recommend(&customer, &request)?;
            Ok(Some((profile, lists)))
        })
        .await?;
    let Some((profile, lists)) = found else {
        return Err(Problem::new(ErrorCode::NotFound, "no such customer was ever seen"));
    };
    json(StatusCode::OK, &profile_body(app, customer_id, &profile, &lists))
}

fn profile_body(
    app: &App,
    customer_id: String,
    profile: &Profile,
    lists: &Recommendations,
) -> CustomerProfile {
    let products = profile.products.iter().map(held_product_body);
    CustomerProfile {
        customer_id,
        as_of: Time(app.now()),
        purchases: profile.purchases,
        orders: profile.orders,
        units: Units(profile.units),
        total_spent: Amount(profile.total_spent),
        currency: app.shared.currency.to_string(),
        average_order_value: profile.average_order_value.map(Amount),
        first_purchase_at: profile.first_purchase_at.map(Time),
        last_purchase_at: profile.last_purchase_at.map(Time),
        recency_days: profile.recency_days,
        segment: profile.segment.as_ref().map(segment_body),
        spending: profile.spending.map(spending_body),
        products: products.collect(),
        recommendations: RecommendationLists {
            again: lists.again.iter().map(product_body).collect(),
            new: lists.new.iter().map(product_body).collect(),
        },
    }
}

/// What an order of a customer usually comes to.
pub(super) fn spending_body(spending: Spending) -> UsualSpending {
    let amount = |millionths: i64| Amount::from(Money::from_millionths(millionths));
    UsualSpending { usual: amount(spending.usual), low: amount(spending.low), high: amount(spending.high) }
}

/// A product that a customer has bought.
pub(super) fn held_product_body(product: &ProductView) -> CustomerProduct {
    CustomerProduct {
        product_id: product.product_id.to_string(),
        product_name: product.product_name.to_string(),
        purchases: product.purchases,
        last_purchase_at: Time(product.last_purchase_at),
        usual_interval_days: product.usual_interval_days,
        next_expected_at: product.next_expected_at.map(Time),
        confidence: product.confidence,
    }
}

pub(super) fn segment_body(segment: &SegmentView) -> CustomerSegment {
    CustomerSegment {
        slug: slug(&segment.name),
        name: segment.name.label().to_owned(),
        score: segment.score,
        confidence: segment.confidence,
        since: Time(segment.since),
        reason_codes: segment.reason_codes.iter().map(ToString::to_string).collect(),
    }
}

/// The segment's name in paths and channels, if it is one of ours.
pub(super) fn slug(segment: &SegmentName) -> Option<String> {
    segment.known().map(|segment| segment.slug().to_owned())
}

fn entry_body(row: CustomerRow) -> CustomerEntry {
    CustomerEntry {
        customer_id: row.customer_id.to_string(),
        segment: row.segment.map(|segment| segment.label().to_owned()),
        total_spent: Amount(row.total_spent),
        last_purchase_at: row.last_purchase_at.map(Time),
    }
}
