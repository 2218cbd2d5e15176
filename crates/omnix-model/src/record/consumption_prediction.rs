//! [`RecordKind::ConsumptionPrediction`](crate::RecordKind): a published prediction.
//!
//! # Format
//! After the event's head, in `refs`: customer, product, number of factors, factors, extra; in `numbers`:
//! the time, the predicted time, confidence, type. The alert is a flag.

use smol_str::SmolStr;

use super::event::flag;
use crate::block::{Sink, Source};
use crate::{ConsumptionPrediction, DecodeError, PredictionType};

const ALERT: u64 = 1 << 4;

pub(super) fn flags(event: &ConsumptionPrediction) -> u64 {
    let alert = if event.alert_triggered { ALERT } else { 0 };
    let extra = if event.extra.is_empty() { 0 } else { flag::EXTRA };
    alert | extra
}

pub(super) fn write(event: &ConsumptionPrediction, sink: &mut Sink) {
    sink.customer(&event.customer_id);
    sink.product(&event.product_id);
    sink.time(event.timestamp);
    sink.time(event.predicted_consumption_date);
    sink.numbers.f64(event.confidence);
    sink.numbers.u8(event.prediction_type.number());
    sink.texts(&event.factors);
    if !event.extra.is_empty() {
        sink.text(&event.extra);
    }
}

pub(super) fn read(flags: u64, source: &mut Source<'_>) -> Result<ConsumptionPrediction, DecodeError> {
    Ok(ConsumptionPrediction {
        customer_id: source.customer()?,
        product_id: source.product()?,
        timestamp: source.time()?,
        predicted_consumption_date: source.time()?,
        confidence: source.numbers.f64()?,
        prediction_type: PredictionType::from_number(source.numbers.u8()?)
            .ok_or(DecodeError::Invalid("prediction type"))?,
        factors: source.texts()?,
        alert_triggered: flags & ALERT != 0,
        extra: if flags & flag::EXTRA == 0 { SmolStr::default() } else { source.text()? },
    })
}
