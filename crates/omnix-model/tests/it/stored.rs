//! Insights and rejected events come back from their bytes as they were; other bytes are an error.

use omnix_model::{
    ErrorCode, Fault, Figure, Figures, Insight, InsightId, InsightKind, Money, Priority, RejectedEvent,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::arbitrary::{customer, event_id, text, time};

fn figure() -> impl Strategy<Value = Figure> {
    let leaf = prop_oneof![
        Just(Figure::Unknown),
        (-1e300..1e300_f64).prop_map(Figure::Number),
        any::<i64>().prop_map(Figure::Count),
        any::<i64>().prop_map(|units| Figure::Money(Money::from_millionths(units))),
        text().prop_map(|text| Figure::Text(text.into())),
        any::<bool>().prop_map(Figure::Flag),
        time().prop_map(Figure::Time),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| vec(inner, 0..3).prop_map(Figure::List)).boxed()
}

fn figures() -> impl Strategy<Value = Figures> {
    vec((text().prop_map(Into::into), figure()), 0..5).boxed()
}

prop_compose! {
    fn insight()(
        (id, customer_id) in (any::<[u8; 16]>(), customer()),
        (kind, priority, action_required) in (0..4_usize, 0..4_usize, any::<bool>()),
        (timestamp, event_timestamp) in (time(), time()),
        (revision, model_version, settings_version) in any::<(u32, u64, u64)>(),
        (message_id, sentence) in (text(), text()),
        (params, figures) in (figures(), figures()),
    ) -> Insight {
        Insight {
            id: InsightId(id),
            customer_id,
            kind: InsightKind::ALL[kind],
            priority: Priority::ALL[priority],
            action_required,
            timestamp,
            event_timestamp,
            revision,
            model_version,
            settings_version,
            message_id: message_id.into(),
            sentence,
            params,
            figures,
        }
    }
}

prop_compose! {
    fn rejected()(
        received_at in time(),
        faults in vec((text(), 0..ErrorCode::ALL.len(), text()), 0..4),
        (customer_id, event_id) in (option::of(customer()), option::of(event_id())),
        body in vec(any::<u8>(), 0..40),
    ) -> RejectedEvent {
        let fault = |(pointer, code, detail): (String, usize, String)| Fault::new(pointer, ErrorCode::ALL[code], detail);
        RejectedEvent { received_at, faults: faults.into_iter().map(fault).collect(), customer_id, event_id, body }
    }
}

proptest! {
    #[test]
    fn an_insight_comes_back(insight in insight()) {
        prop_assert_eq!(Insight::decode(&insight.encode()), Ok(insight));
    }

    #[test]
    fn a_rejected_event_comes_back(rejected in rejected()) {
        prop_assert_eq!(RejectedEvent::decode(&rejected.encode()), Ok(rejected));
    }

    #[test]
    fn other_bytes_are_an_error(
        insight in insight(),
        rejected in rejected(),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        for mut bytes in [insight.encode(), rejected.encode()] {
            let at = at.index(bytes.len());
            bytes[at] = value;
            drop(Insight::decode(&bytes));
            drop(RejectedEvent::decode(&bytes));
        }
    }

    #[test]
    fn any_bytes_are_an_error_or_a_value(bytes in vec(any::<u8>(), 0..120)) {
        let bytes = [&[1], bytes.as_slice()].concat();
        drop(Insight::decode(&bytes));
        drop(RejectedEvent::decode(&bytes));
    }

    #[test]
    fn an_insights_id_is_read_again(id in any::<[u8; 16]>()) {
        let id = InsightId(id);
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }
}

#[test]
fn figures_nested_too_deeply_are_refused() {
    let mut bytes = vec![1; 18];
    bytes.extend([1, b'c', 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([0; 8]);
    bytes.extend([0, 0, 1, 1, b'n']);
    bytes.extend([7, 1].repeat(100_000));
    assert!(Insight::decode(&bytes).is_err());
}
