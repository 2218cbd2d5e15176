//! The fingerprint follows from what an event says, from all of it, and never changes.

use omnix_model::{Event, Money, Purchase, Quantity, Timestamp, fingerprint};
use proptest::prelude::*;

use crate::arbitrary::event;
use crate::block_golden::purchase;

#[test]
fn every_field_counts() {
    let base = purchase();
    let changes: [fn(&mut Purchase); 11] = [
        |event| event.customer_id = None,
        |event| event.product_category = "x".into(),
        |event| event.product_name = "x".into(),
        |event| event.quantity = Quantity::from_thousandths(1),
        |event| event.price = Money::from_millionths(1),
        |event| event.total_amount = Money::from_millionths(1),
        |event| event.timestamp = Timestamp::MIN,
        |event| event.location = None,
        |event| event.payment_method = Some("cash".into()),
        |event| event.metadata = "{}".into(),
        |event| event.extra = "{}".into(),
    ];
    let prints = changes.map(|change| {
        let mut event = base.clone();
        change(&mut event);
        fingerprint(&Event::Purchase(event))
    });
    let mut all: Vec<u32> = prints.into_iter().chain([fingerprint(&Event::Purchase(base))]).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), changes.len() + 1);
}

#[test]
fn it_never_changes() {
    assert_eq!(fingerprint(&Event::Purchase(purchase())), FINGERPRINT);
}

const FINGERPRINT: u32 = 2_290_526_272;

proptest! {
    #[test]
    fn equal_events_have_equal_fingerprints(event in event()) {
        prop_assert_eq!(fingerprint(&event.clone()), fingerprint(&event));
    }
}
