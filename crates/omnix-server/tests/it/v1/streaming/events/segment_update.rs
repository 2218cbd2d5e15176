//! `POST /v1/streaming/events/segment-update`

use omnix_model::{Event, Segment, SegmentName};
use serde_json::{Value, json};

use crate::support::House;

const PATH: &str = "/v1/streaming/events/segment-update";

fn update(segment: &str) -> Value {
    json!({
        "customerId": "c-1", "previousSegment": null, "newSegment": segment, "segmentationScore": 0.2,
        "reasonCodes": [], "timestamp": "2026-01-05T10:00:00Z", "confidence": 0.8, "modelVersion": "v1",
    })
}

#[tokio::test]
async fn an_outside_name_means_what_the_settings_say() {
    let house = House::with(|settings| settings.segments.aliases = vec!["VIP = Champions".to_owned()]);
    for segment in ["vip", "Platinum"] {
        house.publisher().post(PATH, &update(segment)).await.expect(201);
    }
    let stored = house.stream.stored.lock().unwrap();
    let named = stored.iter().filter_map(|new| match &new.event {
        Event::SegmentUpdate(update) => Some(update.new_segment.clone()),
        Event::Purchase(_) | Event::ConsumptionPrediction(_) => None,
    });
    let expected = [SegmentName::Known(Segment::Champions), SegmentName::parse("Platinum")];
    assert_eq!(named.collect::<Vec<_>>(), expected);
}
