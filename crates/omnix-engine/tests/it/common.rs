//! Builds events and drives one customer, for the other tests.

#![expect(clippy::unwrap_used, reason = "what tests build is well-formed")]

use omnix_engine::{
    Cause, Context, Customer, Derived, Facts, Model, Moment, Observation, Settings, Tally, apply, learn,
};
use omnix_model::{
    ConsumptionPrediction, CustomerId, Event, EventId, EventRecord, Insight, Lane, Money, OrderId, Origin,
    PredictionType, ProductId, Purchase, Quantity, SegmentName, SegmentUpdate, Suppressed, Timestamp,
};
use smol_str::SmolStr;

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A purchase for `amount` at `timestamp`; negative for a return.
pub(crate) fn purchase(product: &str, amount: i64, timestamp: Timestamp) -> Purchase {
    Purchase {
        customer_id: Some(CustomerId::new("c").unwrap()),
        product_id: ProductId::new(product).unwrap(),
        product_category: SmolStr::new("all"),
        product_name: SmolStr::new(format!("{product} (name)")),
        quantity: Quantity::from_thousandths(if amount < 0 { -1_000 } else { 1_000 }),
        price: Money::from_millionths(amount.abs() * 1_000_000),
        total_amount: Money::from_millionths(amount * 1_000_000),
        timestamp,
        location: None,
        payment_method: None,
        device_type: None,
        order_id: None,
        order_lines: None,
        metadata: SmolStr::default(),
        extra: SmolStr::default(),
    }
}

pub(crate) fn of_order(order: &str, mut purchase: Purchase) -> Purchase {
    purchase.order_id = Some(OrderId::new(order).unwrap());
    purchase
}

pub(crate) fn segment_update(from: Option<&str>, to: &str, timestamp: Timestamp) -> Event {
    Event::SegmentUpdate(SegmentUpdate {
        customer_id: CustomerId::new("c").unwrap(),
        previous_segment: from.map(SegmentName::parse),
        new_segment: SegmentName::parse(to),
        segmentation_score: 0.2,
        reason_codes: vec![SmolStr::new("r1")],
        timestamp,
        confidence: 0.85,
        model_version: SmolStr::new("v1"),
        extra: SmolStr::default(),
    })
}

pub(crate) fn prediction(
    product: &str,
    confidence: f64,
    alert_triggered: bool,
    timestamp: Timestamp,
) -> Event {
    Event::ConsumptionPrediction(ConsumptionPrediction {
        customer_id: CustomerId::new("c").unwrap(),
        product_id: ProductId::new(product).unwrap(),
        predicted_consumption_date: timestamp.plus_ms(3 * Timestamp::DAY_MS),
        confidence,
        prediction_type: PredictionType::AiEnhanced,
        factors: vec![SmolStr::new("f")],
        timestamp,
        alert_triggered,
        extra: SmolStr::default(),
    })
}

pub(crate) fn record(id: &str, event: Event) -> EventRecord {
    EventRecord {
        event_id: EventId::new(id).unwrap(),
        origin: Origin::Client,
        fingerprint: 0,
        anonymous: false,
        event,
    }
}

/// One customer, and all that followed.
pub(crate) struct Shop {
    pub(crate) customer_id: CustomerId,
    pub(crate) customer: Option<Customer>,
    pub(crate) model: Model,
    pub(crate) settings: Settings,
    pub(crate) insights: Vec<Insight>,
    pub(crate) derived: Vec<Derived>,
    pub(crate) observations: Vec<Observation>,
    pub(crate) facts: Facts,
    pub(crate) suppressed: Suppressed,
    pub(crate) events: u32,
    pub(crate) is_history: bool,
}

impl Shop {
    pub(crate) fn live() -> Self {
        Self {
            customer_id: CustomerId::new("c").unwrap(),
            customer: None,
            model: Model::seed(),
            settings: Settings::default(),
            insights: Vec::new(),
            derived: Vec::new(),
            observations: Vec::new(),
            facts: Facts::default(),
            suppressed: Suppressed::default(),
            events: 0,
            is_history: false,
        }
    }

    pub(crate) fn history() -> Self {
        Self { is_history: true, ..Self::live() }
    }

    pub(crate) fn state(&self) -> &Customer {
        self.customer.as_ref().unwrap()
    }

    fn apply(&mut self, cause: Cause<'_>, now: Timestamp) {
        let moment = Moment { now, is_history: self.is_history };
        let context =
            Context { model: &self.model, settings: &self.settings, customer_id: &self.customer_id };
        let effects = apply(&mut self.customer, cause, moment, &context).unwrap();
        // An insight with the id of an earlier one replaces it.
        for insight in effects.insights {
            self.insights.retain(|earlier| earlier.id != insight.id);
            self.insights.push(insight);
        }
        self.derived.extend(effects.derived);
        self.observations.extend(effects.observations);
        self.suppressed.merge(&effects.facts.suppressed);
        self.facts = effects.facts;
    }

    /// Fires what falls due up to `now`, each at its time.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        while let Some(due) = self.customer.as_ref().and_then(Customer::due).filter(|&due| due <= now) {
            self.apply(Cause::Timer, due);
            let again = self.state().due();
            assert!(again != Some(due), "time that passed is worked off");
        }
    }

    /// Fires what fell due while nobody looked, all of it at `now`.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        while self.customer.as_ref().and_then(Customer::due).is_some_and(|due| due <= now) {
            self.apply(Cause::Timer, now);
        }
    }

    pub(crate) fn accept(&mut self, event: Event, now: Timestamp) {
        self.events += 1;
        let record = record(&format!("e{}", self.events), event);
        self.apply(Cause::Event(&record), now);
    }

    /// An event accepted at its own time.
    pub(crate) fn event(&mut self, event: Event) {
        let now = event.timestamp();
        self.pass(now);
        self.accept(event, now);
    }

    pub(crate) fn buys(&mut self, purchase: Purchase) {
        self.event(Event::Purchase(purchase));
    }

    /// What all customers teach, learnt from what was observed so far.
    pub(crate) fn learn(&mut self, until: Timestamp) {
        let mut tally = Tally::default();
        tally.absorb(&std::mem::take(&mut self.observations));
        self.model = learn(&self.model, &[(Lane::FIRST, tally)], until);
    }

    /// The state, written and read again.
    pub(crate) fn stored(&self) -> Customer {
        let all = all_parts(self.state());
        Customer::decode(all.iter().map(|part| (part.number, part.bytes.as_slice()))).unwrap()
    }
}

/// Every part of a state that was never marked clean.
pub(crate) fn all_parts(customer: &Customer) -> Vec<omnix_engine::Part> {
    customer.touched()
}
