//! What tells a retry from another event under the same id.
//!
//! A stored format: fingerprints stand in customers' states and are left out of the log where they follow
//! from the event, so the encoding below never changes within a version of the block format. A field that is
//! added later is written behind the others, and only when it is there, so that events without it keep theirs.

use xxhash_rust::xxh3::xxh3_64;

use crate::{ConsumptionPrediction, Event, Purchase, SegmentName, SegmentUpdate, Writer};

/// The fingerprint of what `event` says: the low half of XXH3 over its fields in order.
///
/// An event's id is no part of it; neither are, because an event is parsed, the order of its keys, blanks,
/// or whether a number was written `2` or `2.0`.
#[must_use]
pub fn fingerprint(event: &Event) -> u32 {
    fingerprint_in(&mut Writer::append_to(Vec::with_capacity(256)), event)
}

/// As [`fingerprint`], in memory that is used again.
#[expect(clippy::cast_possible_truncation, reason = "32 bits are kept")]
pub(crate) fn fingerprint_in(writer: &mut Writer, event: &Event) -> u32 {
    writer.clear();
    writer.text(event.kind().name());
    match event {
        Event::Purchase(event) => write_purchase(event, writer),
        Event::SegmentUpdate(event) => write_segment_update(event, writer),
        Event::ConsumptionPrediction(event) => write_prediction(event, writer),
    }
    xxh3_64(writer.as_bytes()) as u32
}

fn write_purchase(event: &Purchase, writer: &mut Writer) {
    write_optional(event.customer_id.as_ref().map(crate::CustomerId::as_str), writer);
    writer.text(event.product_id.as_str());
    writer.text(&event.product_category);
    writer.text(&event.product_name);
    writer.quantity(event.quantity);
    writer.money(event.price);
    writer.money(event.total_amount);
    writer.time(event.timestamp);
    write_optional(event.location.as_deref(), writer);
    write_optional(event.payment_method.as_deref(), writer);
    write_optional(event.device_type.map(crate::DeviceType::name), writer);
    // The order's id and lines stand in the metadata.
    writer.text(&event.metadata);
    writer.text(&event.extra);
}

fn write_segment_update(event: &SegmentUpdate, writer: &mut Writer) {
    writer.text(event.customer_id.as_str());
    write_optional(event.previous_segment.as_ref().map(SegmentName::label), writer);
    writer.text(event.new_segment.label());
    writer.f64(event.segmentation_score);
    write_list(&event.reason_codes, writer);
    writer.time(event.timestamp);
    writer.f64(event.confidence);
    writer.text(&event.model_version);
    writer.text(&event.extra);
}

fn write_prediction(event: &ConsumptionPrediction, writer: &mut Writer) {
    writer.text(event.customer_id.as_str());
    writer.text(event.product_id.as_str());
    writer.time(event.predicted_consumption_date);
    writer.f64(event.confidence);
    writer.text(event.prediction_type.name());
    write_list(&event.factors, writer);
    writer.time(event.timestamp);
    writer.flag(event.alert_triggered);
    writer.text(&event.extra);
}

fn write_optional(text: Option<&str>, writer: &mut Writer) {
    writer.flag(text.is_some());
    if let Some(text) = text {
        writer.text(text);
    }
}

fn write_list(texts: &[impl AsRef<str>], writer: &mut Writer) {
    writer.uint(texts.len() as u64);
    for text in texts {
        writer.text(text.as_ref());
    }
}
