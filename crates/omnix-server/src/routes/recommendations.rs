//! `/v1/streaming/recommendations…`: what to offer a customer while a page renders.

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use omnix_engine::{RecommendRequest, Recommended};
use omnix_model::{CustomerId, ErrorCode, ProductId};
use omnix_wire::api::Time;
use omnix_wire::api::customer::{Recommendations, RecommendedProduct};

use super::json;
use crate::app::App;
use crate::authority::{Authority, Recommendations as ReadRecommendations};
use crate::problem::Problem;
use crate::query::{CUSTOMER_ID, InPath, Parameter, Query, Values, customer_in_path};
use crate::route::{Content, Route};

/// Products of each list where the query says nothing.
pub(super) const LISTED_DEFAULT: usize = 10;
/// Products of a basket that a query may name.
const BASKET_PRODUCTS_MAX: usize = 100;

const LISTED: Parameter =
    Parameter::new("limit", Values::Integer(1, 100), "how many products each list has (10)");
const BASKET: Parameter = Parameter::new(
    "basket",
    Values::Text,
    "products in the basket already, separated by commas: not offered, and company for others",
);

const OF_CUSTOMER: &[&Parameter] = &[&BASKET, &LISTED];
const TWIN: &[&Parameter] = &[&CUSTOMER_ID, &BASKET, &LISTED];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/streaming/recommendations", twin)
            .about("Recommendations", "What to offer the customer that `customerId` names")
            .needs::<ReadRecommendations>()
            .query(TWIN)
            .answers(200, "both lists", Content::json::<Recommendations>())
            .fails(&[ErrorCode::ValidationFailed]),
        Route::get("/v1/streaming/recommendations/{customerId}", of_customer)
            .about("Recommendations", "What to offer a customer; what is popular, to a stranger")
            .needs::<ReadRecommendations>()
            .query(OF_CUSTOMER)
            .answers(200, "both lists", Content::json::<Recommendations>())
            .fails(&[ErrorCode::ValidationFailed]),
    ]
}

async fn of_customer(
    _authority: Authority<ReadRecommendations>,
    State(app): State<App>,
    InPath(customer): InPath,
    uri: Uri,
) -> Result<Response, Problem> {
    lists_of(&app, customer_in_path(&customer)?, Query::of(&uri, OF_CUSTOMER)).await
}

async fn twin(
    _authority: Authority<ReadRecommendations>,
    State(app): State<App>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri, TWIN);
    let customer = query.needed_customer_id()?;
    lists_of(&app, customer, query).await
}

async fn lists_of(app: &App, customer: CustomerId, mut query: Query) -> Result<Response, Problem> {
    let limit = query.integer(&LISTED).map_or(LISTED_DEFAULT, |limit| usize::try_from(limit).unwrap_or(1));
    let basket = query.read(&BASKET, ErrorCode::InvalidFormat, basket_of).unwrap_or_default();
    query.finish()?;
    let request = RecommendRequest { limit, basket, ..RecommendRequest::default() };
    let (lists, model_version) = app.ask(move |backend| backend.recommend(&customer, &request)).await?;
    let answer = Recommendations {
        again: lists.again.iter().map(product_body).collect(),
        new: lists.new.iter().map(product_body).collect(),
        model_version,
        as_of: Time(app.now()),
    };
    json(StatusCode::OK, &answer)
}

fn basket_of(text: &str) -> Result<Vec<ProductId>, String> {
    let names: Vec<&str> = text.split(',').filter(|name| !name.is_empty()).collect();
    if names.len() > BASKET_PRODUCTS_MAX {
        return Err(format!("must not name more than {BASKET_PRODUCTS_MAX} products"));
    }
    names.into_iter().map(|name| ProductId::new(name).map_err(|error| error.to_string())).collect()
}

pub(super) fn product_body(product: &Recommended) -> RecommendedProduct {
    RecommendedProduct {
        product_id: product.product_id.to_string(),
        product_name: product.product_name.to_string(),
        score: product.score,
        reason: product.reason,
    }
}
