//! The bytes of every kind of record, as the first released version writes them: they can be read for ever.

use omnix_model::{
    Clock, ConsumptionPrediction, CustomerId, DeviceType, Event, EventId, EventRecord, InsightId,
    InsightKind, Judgement, Lane, Money, OrderId, Origin, Outcome, PredictionType, Priority, ProductId,
    Purchase, Quantity, Record, RecordBlock, RecordKind, Segment, SegmentName, SegmentUpdate, Timestamp,
    fingerprint,
};

fn time(ms: i64) -> Timestamp {
    Timestamp::from_ms_clamped(1_767_607_200_000 + ms)
}

/// A purchase with every field but `extra`.
pub(crate) fn purchase() -> Purchase {
    Purchase {
        customer_id: Some(CustomerId::new("c-1").unwrap()),
        product_id: ProductId::new("p-1").unwrap(),
        product_category: "Coffee".into(),
        product_name: "Beans".into(),
        quantity: Quantity::from_thousandths(2_000),
        price: Money::from_millionths(12_500_000),
        total_amount: Money::from_millionths(25_000_000),
        timestamp: time(0),
        location: Some("Köln".into()),
        payment_method: Some("card".into()),
        device_type: Some(DeviceType::Pos),
        order_id: Some(OrderId::new("o-1").unwrap()),
        order_lines: Some(3),
        metadata: "{\"orderId\":\"o-1\",\"orderLines\":3}".into(),
        extra: "".into(),
    }
}

fn record(id: &str, origin: Origin, event: Event) -> EventRecord {
    let event_id = EventId::new(id).unwrap();
    EventRecord { event_id, origin, fingerprint: fingerprint(&event), anonymous: false, event }
}

fn plain_purchase() -> Record {
    Record::Event(Box::new(record("e-1", Origin::Client, Event::Purchase(purchase()))))
}

/// What can be left out is, what follows does not; nothing follows from the customer.
fn bare_purchase() -> Record {
    let event = Event::Purchase(Purchase {
        customer_id: None,
        total_amount: Money::from_millionths(-1),
        quantity: Quantity::from_thousandths(-2_500),
        price: Money::from_millionths(i64::MAX),
        location: None,
        payment_method: None,
        device_type: None,
        order_id: None,
        order_lines: None,
        metadata: "{\"till\":7}".into(),
        extra: "{\"x\":1}".into(),
        ..purchase()
    });
    let record = record("e-2", Origin::Server, event);
    Record::Event(Box::new(EventRecord { fingerprint: 7, anonymous: true, ..record }))
}

fn segment_update() -> Record {
    let event = Event::SegmentUpdate(SegmentUpdate {
        customer_id: CustomerId::new("c-1").unwrap(),
        previous_segment: Some(SegmentName::Known(Segment::Champions)),
        new_segment: SegmentName::Other("VIP".into()),
        segmentation_score: 0.25,
        reason_codes: vec!["late".into(), "late".into()],
        timestamp: time(1),
        confidence: 1.0,
        model_version: "v1".into(),
        extra: "".into(),
    });
    Record::Event(Box::new(record("e-3", Origin::Import, event)))
}

fn prediction() -> Record {
    let event = Event::ConsumptionPrediction(ConsumptionPrediction {
        customer_id: CustomerId::new("c-1").unwrap(),
        product_id: ProductId::new("p-1").unwrap(),
        predicted_consumption_date: time(86_400_000),
        confidence: 0.5,
        prediction_type: PredictionType::AiEnhanced,
        factors: vec!["rhythm".into()],
        timestamp: time(2),
        alert_triggered: true,
        extra: "".into(),
    });
    Record::Event(Box::new(record("e-4", Origin::Derived, event)))
}

/// Every kind and its bytes, as the only record of a block.
fn golden() -> [(Record, &'static str); 13] {
    [
        (Record::Erased, "0100e8abcbd9f1660100000000020009000000"),
        (
            plain_purchase(),
            concat!(
                "0100e8abcbd9f166010103632d310103702d3101036f2d310406050504436f666665654265616e734bc3",
                "b66c6e636172640601d13f09000307000000000000000a80a4cbd9f16620d10f0303652d31",
            ),
        ),
        (
            bare_purchase(),
            concat!(
                "0100e8abcbd9f16601000103702d31000406050a07436f666665654265616e737b2274696c6c223a377d",
                "7b2278223a317d0701a7c003090003050000000000180700000080a4cbd9f166890307feffffffffffff",
                "ffff010e03652d32",
            ),
        ),
        (
            segment_update(),
            concat!(
                "0100e8abcbd9f166010103632d310000030304025649506c617465763105021909000306000002000100",
                "1882a4cbd9f1660100000000000000d03f000000000000f03f03652d33",
            ),
        ),
        (
            prediction(),
            concat!(
                "0100e8abcbd9f166010103632d310103702d3100010672687974686d05031d09000304000001001384a4",
                "cbd9f166fcefb252000000000000e03f0203652d34",
            ),
        ),
        (Record::Tick, "0100e8abcbd9f1660100000000020409000000"),
        (Record::EpochEnd { epoch: 300 }, "0100e8abcbd9f16601000000000205090002ac0200"),
        (
            Record::Model { number: 300, hash: 0x0102_0304_0506_0708 },
            "0100e8abcbd9f1660100000000020609000aac02080706050403020100",
        ),
        (
            Record::Settings { hash: 0x0102_0304_0506_0708, body: "a = 1".to_owned() },
            "0100e8abcbd9f16601000000010561203d2031020709010008080706050403020100",
        ),
        (Record::EngineVersion { version: 3 }, "0100e8abcbd9f166010000000002080900010300"),
        (
            Record::LossAccepted { first_frame: 7, last_frame: 300, at: time(0) },
            "0100e8abcbd9f1660100000000020909000907ac0280a4cbd9f16600",
        ),
        (
            Record::Imported { file: 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10, taken: 300 },
            "0100e8abcbd9f1660100000000020a090012100f0e0d0c0b0a090807060504030201ac0200",
        ),
        (
            Record::Judgement(Box::new(judgement())),
            "0100e8abcbd9f166010103632d31000000050b090302020100160707070707070707070707070707070786a4cbd9f16600",
        ),
    ]
}

fn judgement() -> Judgement {
    Judgement {
        customer_id: CustomerId::new("c-1").unwrap(),
        insight: InsightId([7; 16]),
        raised_at: time(3),
        kind: InsightKind::BehaviorAnomaly,
        priority: Priority::High,
        outcome: Some(Outcome::Acted),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn block(entries: Vec<(Lane, Record)>) -> RecordBlock {
    RecordBlock { now: time(500), clock: Clock::Live, entries }
}

#[test]
fn version_one_stays_as_it_is() {
    for (record, expected) in golden() {
        let block = block(vec![(Lane::new(9).unwrap(), record)]);
        assert_eq!(hex(&block.encode()), expected, "{:?}", block.entries[0].1.kind());
        let bytes: Vec<u8> = expected
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        assert_eq!(RecordBlock::decode(&bytes), Ok(block));
    }
}

#[test]
fn texts_stand_in_a_block_once() {
    let lane = Lane::of(&CustomerId::new("c-1").unwrap());
    let one = block(vec![(lane, plain_purchase())]).encode();
    let two = block(vec![(lane, plain_purchase()), (lane, plain_purchase())]).encode();
    assert!(two.len() < one.len() + 24, "{} and {}", one.len(), two.len());
}

#[test]
fn every_kind_has_its_golden_bytes_and_its_number() {
    for kind in RecordKind::ALL {
        assert!(golden().iter().any(|(record, _)| record.kind() == kind), "{kind:?}");
        assert_eq!(RecordKind::from_number(kind.number()), Some(kind));
    }
    let numbers = RecordKind::ALL.map(RecordKind::number);
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(RecordKind::from_number(12), None);
}
