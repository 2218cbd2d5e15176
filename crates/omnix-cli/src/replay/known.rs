//! Which events were taken before: a client's own id counts once for a customer within the duplicate window.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use omnix_model::{CustomerId, Timestamp};
use xxhash_rust::xxh3::xxh3_128;

use super::HistoryEvent;

/// Ids of the events of the last days.
#[derive(Debug)]
pub(super) struct KnownIds {
    window_ms: i64,
    /// By a hash of customer and id: when it was taken.
    taken: HashMap<u128, Timestamp>,
}

impl KnownIds {
    pub(super) fn new(window_ms: i64) -> Self {
        Self { window_ms, taken: HashMap::new() }
    }

    /// Whether the event was taken before; notes it if not. One without an id is never known.
    pub(super) fn is_known(&mut self, new: &HistoryEvent, now: Timestamp) -> bool {
        let Some(id) = &new.event_id else { return false };
        let customer = new.event.customer().map_or("", CustomerId::as_str);
        let key = xxh3_128(format!("{}\0{customer}", id.as_str()).as_bytes());
        match self.taken.entry(key) {
            Entry::Occupied(mut known) if now.ms_since(*known.get()) >= self.window_ms => {
                known.insert(now);
                false
            }
            Entry::Occupied(_) => true,
            Entry::Vacant(place) => {
                place.insert(now);
                false
            }
        }
    }

    /// Forgets the ids that were taken before the window.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let window_ms = self.window_ms;
        self.taken.retain(|_, taken| now.ms_since(*taken) < window_ms);
    }
}

#[cfg(test)]
mod tests {
    use omnix_model::{ConsumptionPrediction, Event, EventId, PredictionType, ProductId};

    use super::*;

    fn event(id: Option<&str>, customer: &str) -> HistoryEvent {
        let prediction = ConsumptionPrediction {
            customer_id: CustomerId::new(customer).unwrap(),
            product_id: ProductId::new("p").unwrap(),
            predicted_consumption_date: Timestamp::MIN,
            confidence: 0.5,
            prediction_type: PredictionType::Seasonal,
            factors: Vec::new(),
            timestamp: Timestamp::MIN,
            alert_triggered: false,
            extra: smol_str::SmolStr::default(),
        };
        HistoryEvent {
            number: 1,
            event: Event::ConsumptionPrediction(prediction),
            event_id: id.map(|id| EventId::new(id).unwrap()),
            fingerprint: 0,
            is_anonymous: false,
        }
    }

    #[test]
    fn an_id_counts_once_for_a_customer_within_the_window() {
        let mut known = KnownIds::new(1_000);
        let at = Timestamp::from_ms_clamped;
        assert!(!known.is_known(&event(Some("e"), "a"), at(0)));
        assert!(known.is_known(&event(Some("e"), "a"), at(0)));
        assert!(!known.is_known(&event(Some("e"), "b"), at(0)), "of another customer");
        assert!(known.is_known(&event(Some("e"), "a"), at(999)));
        assert!(!known.is_known(&event(Some("e"), "a"), at(1_000)), "long ago");
        assert!(!known.is_known(&event(None, "a"), at(0)) && !known.is_known(&event(None, "a"), at(0)));
        known.forget(at(2_000));
        assert!(known.taken.is_empty());
    }
}
