//! Values of every kind, for properties.

use omnix_model::{
    ConsumptionPrediction, CustomerId, DeviceType, Event, EventId, EventRecord, InsightId, InsightKind,
    Judgement, Lane, Money, OrderId, Origin, Outcome, PredictionType, Priority, ProductId, Purchase,
    Quantity, Record, Segment, SegmentName, SegmentUpdate, Timestamp,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Few different ones, so that they repeat; short and long, plain and not.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{1,2}",
        2 => "[a-zA-Z0-9 :._-]{1,40}",
        1 => "[äöé€日本]{1,8}",
        1 => Just("say \"hi\" \\ now".to_owned()),
    ]
    .boxed()
}

pub(crate) fn customer() -> impl Strategy<Value = CustomerId> {
    text().prop_map(|text| CustomerId::new(&text).unwrap())
}

pub(crate) fn event_id() -> impl Strategy<Value = EventId> {
    text().prop_map(|text| EventId::new(&text).unwrap())
}

pub(crate) fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        Just(Timestamp::MIN),
        Just(Timestamp::MAX),
        (0..=Timestamp::MAX.ms()).prop_map(Timestamp::from_ms_clamped),
        (0..100_000_i64).prop_map(|ms| Timestamp::from_ms_clamped(1_767_000_000_000 + ms)),
    ]
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        Just(i64::MAX),
        Just(i64::MIN),
        any::<i64>(),
        (-100_000_i64..100_000).prop_map(|cents| cents * 10_000),
    ]
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), -1e300..1e300_f64, 0.0..1.0_f64]
}

prop_compose! {
    fn purchase()(
        customer_id in option::of(customer()),
        (product, category, name) in (text(), text(), text()),
        (quantity, price, total) in (amount(), amount(), amount()),
        exact in any::<bool>(),
        timestamp in time(),
        (location, payment) in (option::of(text()), option::of(text())),
        device in option::of(0..3_usize),
        (order, order_lines) in (option::of(text()), option::of(any::<u32>())),
        metadata in 0..3_u8,
        extra in any::<bool>(),
    ) -> Purchase {
        let lines = order_lines.map_or(String::new(), |lines| format!(",\"orderLines\":{lines}"));
        let plain = format!("{{\"orderId\":\"{}\"{lines}}}", order.clone().unwrap_or_default());
        let exact_total = i128::from(quantity) * i128::from(price) / 1000;
        Purchase {
            customer_id,
            product_id: ProductId::new(&product).unwrap(),
            product_category: category.into(),
            product_name: name.into(),
            quantity: Quantity::from_thousandths(quantity),
            price: Money::from_millionths(price),
            total_amount: Money::from_millionths(match i64::try_from(exact_total) {
                Ok(exact_total) if exact => exact_total,
                _ => total,
            }),
            timestamp,
            location: location.map(Into::into),
            payment_method: payment.map(Into::into),
            device_type: device.map(|index| DeviceType::ALL[index]),
            order_id: order.map(|order| OrderId::new(&order).unwrap()),
            order_lines,
            metadata: match metadata {
                0 => String::new(),
                1 => plain,
                _ => "{\"a\":[1,{}],\"till\":\"7\"}".to_owned(),
            }
            .into(),
            extra: if extra { "{\"campaign\":\"spring\"}".into() } else { "".into() },
        }
    }
}

fn segment() -> impl Strategy<Value = SegmentName> {
    prop_oneof![
        (0..9_usize).prop_map(|index| SegmentName::Known(Segment::ALL[index])),
        text().prop_map(|text| SegmentName::Other(text.into())),
    ]
}

prop_compose! {
    fn segment_update()(
        customer_id in customer(),
        (previous_segment, new_segment) in (option::of(segment()), segment()),
        (segmentation_score, confidence) in (float(), 0.0..=1.0_f64),
        reasons in vec(text(), 0..4),
        timestamp in time(),
        (model_version, extra) in (text(), any::<bool>()),
    ) -> SegmentUpdate {
        SegmentUpdate {
            customer_id,
            previous_segment,
            new_segment,
            segmentation_score,
            reason_codes: reasons.into_iter().map(Into::into).collect(),
            timestamp,
            confidence,
            model_version: model_version.into(),
            extra: if extra { "{\"x\":1}".into() } else { "".into() },
        }
    }
}

prop_compose! {
    fn prediction()(
        (customer_id, product) in (customer(), text()),
        (predicted_consumption_date, timestamp) in (time(), time()),
        confidence in 0.0..=1.0_f64,
        kind in 0..3_usize,
        factors in vec(text(), 0..4),
        (alert_triggered, extra) in (any::<bool>(), any::<bool>()),
    ) -> ConsumptionPrediction {
        ConsumptionPrediction {
            customer_id,
            product_id: ProductId::new(&product).unwrap(),
            predicted_consumption_date,
            confidence,
            prediction_type: PredictionType::ALL[kind],
            factors: factors.into_iter().map(Into::into).collect(),
            timestamp,
            alert_triggered,
            extra: if extra { "{\"x\":1}".into() } else { "".into() },
        }
    }
}

/// An event of any kind.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => purchase().prop_map(Event::Purchase).boxed(),
        1 => segment_update().prop_map(Event::SegmentUpdate).boxed(),
        1 => prediction().prop_map(Event::ConsumptionPrediction).boxed(),
    ]
    .boxed()
}

prop_compose! {
    fn event_record()(
        event_id in event_id(),
        origin in 0..4_usize,
        own_fingerprint in option::of(any::<u32>()),
        anonymous in any::<bool>(),
        event in event(),
    ) -> EventRecord {
        let origin = [Origin::Client, Origin::Server, Origin::Import, Origin::Derived][origin];
        let fingerprint = own_fingerprint.unwrap_or_else(|| omnix_model::fingerprint(&event));
        EventRecord { event_id, origin, fingerprint, anonymous, event }
    }
}

prop_compose! {
    fn judgement()(
        customer_id in customer(),
        insight in any::<[u8; 16]>(),
        raised_at in time(),
        (kind, priority) in (0..4_usize, 0..4_usize),
        outcome in option::of(0..3_usize),
    ) -> Judgement {
        let outcome = outcome.map(|index| Outcome::ALL[index]);
        let (kind, priority) = (InsightKind::ALL[kind], Priority::ALL[priority]);
        Judgement { customer_id, insight: InsightId(insight), raised_at, kind, priority, outcome }
    }
}

/// A record of any kind, in any lane.
pub(crate) fn entry() -> impl Strategy<Value = (Lane, Record)> {
    let record = prop_oneof![
        8 => event_record().prop_map(|record| Record::Event(Box::new(record))).boxed(),
        1 => Just(Record::Tick),
        1 => Just(Record::Erased),
        1 => any::<u64>().prop_map(|epoch| Record::EpochEnd { epoch }),
        1 => any::<(u64, u64)>().prop_map(|(number, hash)| Record::Model { number, hash }),
        1 => (any::<u64>(), text()).prop_map(|(hash, body)| Record::Settings { hash, body }),
        1 => any::<(u128, u64)>().prop_map(|(file, taken)| Record::Imported { file, taken }),
        1 => judgement().prop_map(|judgement| Record::Judgement(Box::new(judgement))),
        1 => any::<u32>().prop_map(|version| Record::EngineVersion { version }),
        1 => (any::<u64>(), any::<u64>(), time())
            .prop_map(|(first_frame, last_frame, at)| Record::LossAccepted { first_frame, last_frame, at }),
        1 => (any::<u128>(), any::<u64>()).prop_map(|(file, taken)| Record::Imported { file, taken }),
    ]
    .boxed();
    (0..64_u8, any::<bool>(), record).prop_map(|(lane, own, record)| {
        let own_lane = match &record {
            Record::Event(event) if own => event.event.customer().map(Lane::of),
            _ => None,
        };
        (own_lane.unwrap_or_else(|| Lane::new(lane).unwrap()), record)
    })
}
