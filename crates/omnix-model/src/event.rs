//! The three kinds of events, as they stand after parsing.
//!
//! Deliberately not here: their JSON (`omnix-wire`) and their bytes in the log (`record`).

use smol_str::SmolStr;

use crate::{CustomerId, Money, OrderId, ProductId, Quantity, SegmentName, Timestamp};

/// Something that happened to a customer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A line of an order.
    Purchase(Purchase),
    /// An outside model moved a customer to another segment.
    SegmentUpdate(SegmentUpdate),
    /// An outside model says when a product will be needed.
    ConsumptionPrediction(ConsumptionPrediction),
}

/// Which kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// `purchase`
    Purchase,
    /// `segment_update`
    SegmentUpdate,
    /// `consumption_prediction`
    ConsumptionPrediction,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Purchase, Self::SegmentUpdate, Self::ConsumptionPrediction];

    /// The name on the wire, in metrics and in the CLI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::SegmentUpdate => "segment_update",
            Self::ConsumptionPrediction => "consumption_prediction",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Event {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Purchase(_) => EventKind::Purchase,
            Self::SegmentUpdate(_) => EventKind::SegmentUpdate,
            Self::ConsumptionPrediction(_) => EventKind::ConsumptionPrediction,
        }
    }

    /// The customer it happened to; none where till trade has none and the settings allow it.
    #[must_use]
    pub const fn customer(&self) -> Option<&CustomerId> {
        match self {
            Self::Purchase(event) => event.customer_id.as_ref(),
            Self::SegmentUpdate(event) => Some(&event.customer_id),
            Self::ConsumptionPrediction(event) => Some(&event.customer_id),
        }
    }

    /// The event's own time.
    #[must_use]
    pub const fn timestamp(&self) -> Timestamp {
        match self {
            Self::Purchase(event) => event.timestamp,
            Self::SegmentUpdate(event) => event.timestamp,
            Self::ConsumptionPrediction(event) => event.timestamp,
        }
    }
}

/// The device a purchase was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceType {
    /// A web store.
    Web,
    /// An app.
    Mobile,
    /// A till.
    Pos,
}

impl DeviceType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Web, Self::Mobile, Self::Pos];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Mobile => "mobile",
            Self::Pos => "pos",
        }
    }

    /// The device with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|device| device.name() == name)
    }

    /// The stable number under which it is stored, from 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Web => 1,
            Self::Mobile => 2,
            Self::Pos => 3,
        }
    }

    /// The device stored under `number`.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|device| device.number() == number)
    }
}

/// One line of an order. A return has `quantity` < 0 and `total_amount` <= 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Purchase {
    /// Who bought; none for anonymous trade without an id.
    pub customer_id: Option<CustomerId>,
    /// What was bought.
    pub product_id: ProductId,
    /// The product's category.
    pub product_category: SmolStr,
    /// The product's name.
    pub product_name: SmolStr,
    /// How much; negative for a return.
    pub quantity: Quantity,
    /// The price of one unit.
    pub price: Money,
    /// What was paid for the line; discounts make it differ from price times quantity.
    pub total_amount: Money,
    /// When.
    pub timestamp: Timestamp,
    /// The shop or region.
    pub location: Option<SmolStr>,
    /// How it was paid.
    pub payment_method: Option<SmolStr>,
    /// Where it was bought.
    pub device_type: Option<DeviceType>,
    /// `metadata.orderId`.
    pub order_id: Option<OrderId>,
    /// `metadata.orderLines`: how many lines the order has.
    pub order_lines: Option<u32>,
    /// `metadata` as canonical JSON (keys sorted, no blanks); empty when there is none.
    pub metadata: SmolStr,
    /// Unknown fields as one canonical JSON object; empty when there is none.
    pub extra: SmolStr,
}

impl Purchase {
    /// Whether it takes something back.
    #[must_use]
    pub fn is_return(&self) -> bool {
        self.quantity < Quantity::ZERO
    }
}

/// A published change of segment.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentUpdate {
    /// Whose.
    pub customer_id: CustomerId,
    /// The segment left; none for the first.
    pub previous_segment: Option<SegmentName>,
    /// The segment entered.
    pub new_segment: SegmentName,
    /// The outside model's score.
    pub segmentation_score: f64,
    /// Why, in the outside model's words.
    pub reason_codes: Vec<SmolStr>,
    /// When.
    pub timestamp: Timestamp,
    /// How sure the outside model is, 0..=1.
    pub confidence: f64,
    /// The outside model's version.
    pub model_version: SmolStr,
    /// Unknown fields as one canonical JSON object; empty when there is none.
    pub extra: SmolStr,
}

/// What a prediction rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PredictionType {
    /// The customer's own rhythm.
    PatternBased,
    /// A learnt model.
    AiEnhanced,
    /// The season.
    Seasonal,
}

impl PredictionType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PatternBased, Self::AiEnhanced, Self::Seasonal];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PatternBased => "pattern-based",
            Self::AiEnhanced => "ai-enhanced",
            Self::Seasonal => "seasonal",
        }
    }

    /// The type with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|prediction| prediction.name() == name)
    }

    /// The stable number under which it is stored, from 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::PatternBased => 1,
            Self::AiEnhanced => 2,
            Self::Seasonal => 3,
        }
    }

    /// The type stored under `number`.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|prediction| prediction.number() == number)
    }
}

/// A published prediction of when a customer needs a product.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumptionPrediction {
    /// Whose.
    pub customer_id: CustomerId,
    /// Which product.
    pub product_id: ProductId,
    /// When it will be needed.
    pub predicted_consumption_date: Timestamp,
    /// How sure, 0..=1.
    pub confidence: f64,
    /// What it rests on.
    pub prediction_type: PredictionType,
    /// Why, in words.
    pub factors: Vec<SmolStr>,
    /// When it was made.
    pub timestamp: Timestamp,
    /// Whether the predictor asked for somebody to be told.
    pub alert_triggered: bool,
    /// Unknown fields as one canonical JSON object; empty when there is none.
    pub extra: SmolStr,
}
