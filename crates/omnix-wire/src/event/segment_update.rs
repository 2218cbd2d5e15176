//! A `CustomerSegmentUpdateEvent`.

use omnix_model::{ErrorCode, SegmentName, SegmentUpdate};

use super::fields::Key;
use super::reading::Reading;

/// The update; with any fault, which is then noted, perhaps none.
pub(super) fn read(reading: &mut Reading<'_, '_>) -> Option<SegmentUpdate> {
    let customer_id = reading.customer();
    let previous_segment = previous(reading);
    let new_segment = reading.filled_text(Key::NewSegment);
    let segmentation_score = reading.float(Key::SegmentationScore);
    let reason_codes = reading.texts(Key::ReasonCodes);
    let timestamp = reading.timestamp();
    let confidence = reading.confidence();
    let model_version = reading.text(Key::ModelVersion);
    let extra = reading.rest();
    Some(SegmentUpdate {
        customer_id: customer_id?,
        previous_segment: previous_segment?,
        new_segment: SegmentName::parse(&new_segment?),
        segmentation_score: segmentation_score?,
        reason_codes: reason_codes?,
        timestamp: timestamp?,
        confidence: confidence?,
        model_version: model_version?,
        extra,
    })
}

/// The segment left: `null` says that there was none. The outer `None` is a fault.
fn previous(reading: &mut Reading<'_, '_>) -> Option<Option<SegmentName>> {
    if !reading.fields.has_or_null(Key::PreviousSegment) {
        let detail = "must be there: `null` when there was none";
        reading.fault(Key::PreviousSegment.pointer(), ErrorCode::Required, detail);
        return None;
    }
    if !reading.fields.has(Key::PreviousSegment) {
        return Some(None);
    }
    reading.filled_text(Key::PreviousSegment).map(|name| Some(SegmentName::parse(&name)))
}
