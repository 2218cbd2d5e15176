//! An event back to the JSON of the HTTP contract: for replay, tail and explain.
//!
//! What is written is read again as the same event. `currency`, which says nothing within an installation,
//! is not written.

use omnix_model::{ConsumptionPrediction, Event, EventId, Purchase, SegmentName, SegmentUpdate};

use crate::json::JsonWriter;

/// The event as one JSON object, with `eventType` and, where given, `eventId`.
#[must_use]
pub fn event_to_json(event: &Event, event_id: Option<&EventId>) -> String {
    let mut json = JsonWriter::new();
    write_event(event, event_id, &mut json);
    json.into_text()
}

/// Writes the event as one object, with `eventType` and, where given, `eventId`.
pub fn write_event(event: &Event, event_id: Option<&EventId>, json: &mut JsonWriter) {
    json.open('{');
    write_optional("eventId", event_id.map(EventId::as_str), json);
    json.key("eventType");
    json.text(event.kind().name());
    write_optional("customerId", event.customer().map(omnix_model::CustomerId::as_str), json);
    match event {
        Event::Purchase(event) => write_purchase(event, json),
        Event::SegmentUpdate(event) => write_segment_update(event, json),
        Event::ConsumptionPrediction(event) => write_prediction(event, json),
    }
    json.close('}');
}

fn write_purchase(event: &Purchase, json: &mut JsonWriter) {
    write_text("productId", event.product_id.as_str(), json);
    write_text("productCategory", &event.product_category, json);
    write_text("productName", &event.product_name, json);
    json.key("quantity");
    json.raw(event.quantity);
    json.key("price");
    json.raw(event.price);
    json.key("totalAmount");
    json.raw(event.total_amount);
    write_text("timestamp", &event.timestamp.to_string(), json);
    write_optional("location", event.location.as_deref(), json);
    write_optional("paymentMethod", event.payment_method.as_deref(), json);
    write_optional("deviceType", event.device_type.map(omnix_model::DeviceType::name), json);
    if !event.metadata.is_empty() {
        json.key("metadata");
        json.raw(&event.metadata);
    }
    json.members_of(&event.extra);
}

fn write_segment_update(event: &SegmentUpdate, json: &mut JsonWriter) {
    json.key("previousSegment");
    match &event.previous_segment {
        Some(segment) => json.text(segment.label()),
        None => json.raw("null"),
    }
    write_text("newSegment", SegmentName::label(&event.new_segment), json);
    json.key("segmentationScore");
    json.float(event.segmentation_score);
    write_list("reasonCodes", &event.reason_codes, json);
    write_text("timestamp", &event.timestamp.to_string(), json);
    json.key("confidence");
    json.float(event.confidence);
    write_text("modelVersion", &event.model_version, json);
    json.members_of(&event.extra);
}

fn write_prediction(event: &ConsumptionPrediction, json: &mut JsonWriter) {
    write_text("productId", event.product_id.as_str(), json);
    write_text("predictedConsumptionDate", &event.predicted_consumption_date.to_string(), json);
    json.key("confidence");
    json.float(event.confidence);
    write_text("predictionType", event.prediction_type.name(), json);
    write_list("factors", &event.factors, json);
    write_text("timestamp", &event.timestamp.to_string(), json);
    json.key("alertTriggered");
    json.raw(event.alert_triggered);
    json.members_of(&event.extra);
}

fn write_text(key: &str, text: &str, json: &mut JsonWriter) {
    json.key(key);
    json.text(text);
}

fn write_optional(key: &str, text: Option<&str>, json: &mut JsonWriter) {
    if let Some(text) = text {
        write_text(key, text, json);
    }
}

fn write_list(key: &str, texts: &[impl AsRef<str>], json: &mut JsonWriter) {
    json.key(key);
    json.open('[');
    for text in texts {
        json.text(text.as_ref());
    }
    json.close(']');
}
