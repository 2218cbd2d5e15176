//! `/v1/streaming/recommendations…`: what to offer a customer while a page renders.

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use omnix_engine::{RecommendRequest, Recommended};
use omnix_model::limits::TEXT_BYTES_MAX;
use omnix_model::{CustomerId, DeviceType, ErrorCode, ProductId};
use omnix_wire::api::Time;
use omnix_wire::api::customer::{Recommendations, RecommendedProduct};
use smol_str::SmolStr;

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

const LOCATION: Parameter = Parameter::new(
    "location",
    Values::Text,
    "the shop or region the lists are for, as events name it: what sells there comes first",
);
const DEVICE_TYPE: Parameter = Parameter::new(
    "deviceType",
    Values::OneOf(&["web", "mobile", "pos"]),
    "the device the lists are for: what sells on it comes first",
);
const AT: Parameter = Parameter::new(
    "at",
    Values::Time,
    "the moment the lists are for, in place of now: what is due then, and what sells at that time of the day",
);

const OF_CUSTOMER: &[&Parameter] = &[&LOCATION, &DEVICE_TYPE, &AT, &BASKET, &LISTED];
const TWIN: &[&Parameter] = &[&CUSTOMER_ID, &LOCATION, &DEVICE_TYPE, &AT, &BASKET, &LISTED];

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
    let location = query.read(&LOCATION, ErrorCode::InvalidFormat, location_of);
    let device_type = query.choice(&DEVICE_TYPE, DeviceType::from_name);
    let at = query.time(&AT).unwrap_or_else(|| app.now());
    query.finish()?;
    let request = RecommendRequest { limit, location, device_type, basket, at: Some(at) };
    let (lists, model_version) = app.ask(move |backend| backend.recommend(&customer, &request)).await?;
    let answer = Recommendations {
        again: lists.again.iter().map(product_body).collect(),
        new: lists.new.iter().map(product_body).collect(),
        model_version,
        as_of: Time(at),
    };
    json(StatusCode::OK, &answer)
}

fn location_of(text: &str) -> Result<SmolStr, String> {
    match text.len() {
        1..=TEXT_BYTES_MAX => Ok(SmolStr::new(text)),
        _ => Err(format!("must have 1 to {TEXT_BYTES_MAX} bytes")),
    }
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
