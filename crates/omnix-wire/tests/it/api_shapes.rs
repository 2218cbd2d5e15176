//! Answers look as the contract says, to the letter.

use omnix_model::{
    CustomerId, Figure, Insight, InsightId, InsightKind, Money, Priority, Quantity, Timestamp,
};
use omnix_wire::api::insight::{InsightBody, InsightsByType};
use omnix_wire::api::{Amount, Time, Units};

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn sums_are_written_exactly() {
    let tenth: i128 = Money::parse("0.1").unwrap().0.millionths().into();
    assert_eq!(json(&Amount(300 * tenth)), "30");
    assert_eq!(json(&Amount(3 * tenth)), "0.3");
    assert_eq!(json(&Amount(-169_273_960_000)), "-169273.96");
    assert_eq!(json(&Amount(i128::from(i64::MAX) * 1000 + 1)), "9223372036854775.807001");
    assert_eq!(json(&Amount(0)), "0");
    assert_eq!(json(&Amount(-1)), "-0.000001");
    assert_eq!(json(&Units::from(Quantity::from_thousandths(-2_500))), "-2.5");
    assert_eq!(json(&Units(i128::from(u64::MAX))), "18446744073709551.615");
}

#[test]
fn times_have_three_decimals_and_end_in_z() {
    assert_eq!(json(&Time(Timestamp::from_ms_clamped(1_767_607_200_000))), "\"2026-01-05T10:00:00.000Z\"");
}

#[test]
fn an_insight_looks_as_promised() {
    let insight = Insight {
        id: InsightId([0xab; 16]),
        customer_id: CustomerId::new("c-1").unwrap(),
        kind: InsightKind::BehaviorAnomaly,
        priority: Priority::High,
        action_required: true,
        timestamp: "2026-01-05T10:00:00.5Z".parse().unwrap(),
        event_timestamp: "2026-01-05T10:00:00Z".parse().unwrap(),
        revision: 1,
        model_version: 7,
        settings_version: 0x1f,
        message_id: "anomaly.amount.high".into(),
        sentence: "Customer c-1 spent \"much\".".to_owned(),
        params: vec![("amount".into(), Figure::Money(Money::from_millionths(12_500_000)))],
        figures: vec![
            ("ratio".into(), Figure::Number(2.5)),
            ("orders".into(), Figure::Count(3)),
            ("segment".into(), Figure::Text("At Risk".into())),
            ("late".into(), Figure::Flag(false)),
            ("since".into(), Figure::Time(Timestamp::MIN)),
            ("usual".into(), Figure::Unknown),
            ("items".into(), Figure::List(vec![Figure::Text("p".into()), Figure::Count(1)])),
        ],
    };
    let expected = concat!(
        r#"{"id":"abababababababababababababababab","customerId":"c-1","insightType":"behavior_anomaly","#,
        r#""insight":"Customer c-1 spent \"much\".","actionRequired":true,"priority":"high","#,
        r#""timestamp":"2026-01-05T10:00:00.500Z","data":{"ratio":2.5,"orders":3,"segment":"At Risk","#,
        r#""late":false,"since":"1970-01-01T00:00:00.000Z","usual":null,"items":["p",1],"#,
        r#""messageId":"anomaly.amount.high","params":{"amount":12.5},"#,
        r#""eventTimestamp":"2026-01-05T10:00:00.000Z","revision":1,"modelVersion":7,"#,
        r#""settingsVersion":"000000000000001f"}}"#,
    );
    assert_eq!(json(&InsightBody::from(insight)), expected);
}

#[test]
fn every_type_is_present_with_its_own_count() {
    let expected = concat!(
        r#"{"segment_migration":1,"consumption_prediction":2,"behavior_anomaly":3,"#,
        r#""recommendation_update":4}"#
    );
    assert_eq!(json(&InsightsByType::new([1, 2, 3, 4])), expected);
}
