//! A `ConsumptionPredictionEvent`.

use omnix_model::{ConsumptionPrediction, PredictionType, ProductId};

use super::fields::Key;
use super::reading::Reading;

/// The prediction; with any fault, which is then noted, perhaps none.
pub(super) fn read(reading: &mut Reading<'_, '_>) -> Option<ConsumptionPrediction> {
    let customer_id = reading.customer();
    let product_id = reading.id(Key::ProductId, ProductId::new);
    let predicted_consumption_date = reading.time(Key::PredictedConsumptionDate);
    let confidence = reading.confidence();
    let names = PredictionType::ALL.map(PredictionType::name);
    let prediction_type = reading.word(Key::PredictionType, &names, PredictionType::from_name);
    let factors = reading.texts(Key::Factors);
    let timestamp = reading.timestamp();
    let alert_triggered = reading.flag(Key::AlertTriggered);
    let extra = reading.rest();
    Some(ConsumptionPrediction {
        customer_id: customer_id?,
        product_id: product_id?,
        predicted_consumption_date: predicted_consumption_date?,
        confidence: confidence?,
        prediction_type: prediction_type?,
        factors: factors?,
        timestamp: timestamp?,
        alert_triggered: alert_triggered?,
        extra,
    })
}
