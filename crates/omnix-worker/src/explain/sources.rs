//! Which of a customer's events are shown: those of the product or order in question, and the last ones; as many as
//! a person reads.

use std::collections::{BTreeMap, VecDeque};

use omnix_model::{Event, EventRecord, Figure, Insight, Position, Timestamp};

use super::SourceEvent;

/// Events shown because they concern the product or the order that the insight speaks of.
const CONCERNED_MAX: usize = 100;
/// Events shown because they came last.
const LAST_MAX: usize = 50;

/// The events that are shown, as they are read.
#[derive(Debug, Default)]
pub(super) struct Sources {
    product: Option<String>,
    order: Option<String>,
    concerned: VecDeque<SourceEvent>,
    last: VecDeque<SourceEvent>,
    pub(super) read: u64,
}

impl Sources {
    /// Those of `insight`.
    pub(super) fn of(insight: &Insight) -> Self {
        let text = |name: &str| {
            let figure = insight.figures.iter().find(|(known, _)| known == name);
            figure.and_then(|(_, figure)| match figure {
                Figure::Text(text) => Some(text.to_string()),
                _ => None,
            })
        };
        Self { product: text("productId"), order: text("orderId"), ..Self::default() }
    }

    /// Takes an event of the customer.
    pub(super) fn note(&mut self, position: Position, at: Timestamp, record: &EventRecord) {
        self.read += 1;
        let (events, max) = if self.is_concerned(&record.event) {
            (&mut self.concerned, CONCERNED_MAX)
        } else {
            (&mut self.last, LAST_MAX)
        };
        if events.len() == max {
            events.pop_front();
        }
        events.push_back(SourceEvent { position, at, record: record.clone() });
    }

    fn is_concerned(&self, event: &Event) -> bool {
        match event {
            Event::Purchase(purchase) => {
                let is_same = |wanted: &Option<String>, id: &str| wanted.as_deref() == Some(id);
                is_same(&self.product, purchase.product_id.as_str())
                    || purchase.order_id.as_ref().is_some_and(|order| is_same(&self.order, order.as_str()))
            }
            Event::ConsumptionPrediction(prediction) => {
                self.product.as_deref() == Some(prediction.product_id.as_str())
            }
            Event::SegmentUpdate(_) => false,
        }
    }

    /// The events, in the order of the log.
    pub(super) fn into_events(self) -> Vec<SourceEvent> {
        let all = self.concerned.into_iter().chain(self.last);
        // Two logs are read one after the other, so positions alone do not tell the order.
        let in_order: BTreeMap<_, _> = all.map(|event| ((event.at, event.position), event)).collect();
        in_order.into_values().collect()
    }
}
