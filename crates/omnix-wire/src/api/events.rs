//! How events look, for the published document. [`crate::parse_event`] is what reads them.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Amount, Time, Units};

/// A line of an order. A return has a negative `quantity` and a `totalAmount` of at most 0.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PurchaseEvent {
    /// The client's own id: the same one for the same customer counts once within the duplicate window.
    #[schema(max_length = 128)]
    pub event_id: Option<String>,
    /// `purchase`; needed only where the fields leave it open.
    pub event_type: Option<String>,
    /// Who bought.
    #[schema(max_length = 256)]
    pub customer_id: String,
    /// What was bought.
    #[schema(max_length = 256)]
    pub product_id: String,
    /// The product's category.
    pub product_category: String,
    /// The product's name.
    pub product_name: String,
    /// How much, with up to three decimals.
    pub quantity: Units,
    /// The price of one unit.
    pub price: Amount,
    /// What was paid.
    pub total_amount: Amount,
    /// When.
    pub timestamp: Time,
    /// The shop or region.
    pub location: Option<String>,
    /// How it was paid.
    pub payment_method: Option<String>,
    /// `web`, `mobile` or `pos`.
    pub device_type: Option<String>,
    /// Anything; `orderId` (string) and `orderLines` (whole number) are known.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
    /// ISO 4217; must be the installation's.
    pub currency: Option<String>,
}

/// An outside model moved a customer to another segment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerSegmentUpdateEvent {
    /// The client's own id.
    #[schema(max_length = 128)]
    pub event_id: Option<String>,
    /// `segment_update`; needed only where the fields leave it open.
    pub event_type: Option<String>,
    /// Whose segment.
    #[schema(max_length = 256)]
    pub customer_id: String,
    /// The segment left; null when there was none.
    #[schema(required)]
    pub previous_segment: Option<String>,
    /// The segment entered.
    pub new_segment: String,
    /// The outside model's score.
    pub segmentation_score: f64,
    /// Why.
    pub reason_codes: Vec<String>,
    /// When.
    pub timestamp: Time,
    /// 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: f64,
    /// The outside model's version.
    pub model_version: String,
}

/// An outside model says when a customer will need a product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsumptionPredictionEvent {
    /// The client's own id.
    #[schema(max_length = 128)]
    pub event_id: Option<String>,
    /// `consumption_prediction`; needed only where the fields leave it open.
    pub event_type: Option<String>,
    /// Who will need it.
    #[schema(max_length = 256)]
    pub customer_id: String,
    /// What.
    #[schema(max_length = 256)]
    pub product_id: String,
    /// When.
    pub predicted_consumption_date: Time,
    /// 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: f64,
    /// `pattern-based`, `ai-enhanced` or `seasonal`.
    pub prediction_type: String,
    /// Why.
    pub factors: Vec<String>,
    /// When the prediction was made.
    pub timestamp: Time,
    /// Whether somebody should be told.
    pub alert_triggered: bool,
}

/// An event of any kind, as an item of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum AnyEvent {
    /// A purchase.
    Purchase(PurchaseEvent),
    /// A segment update.
    SegmentUpdate(CustomerSegmentUpdateEvent),
    /// A prediction.
    ConsumptionPrediction(ConsumptionPredictionEvent),
}
