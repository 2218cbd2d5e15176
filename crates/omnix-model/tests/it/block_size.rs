//! What an event costs on disk: a made-up shop's trade in blocks of 100, compressed as the log does.

use omnix_model::{
    Clock, CustomerId, DeviceType, Event, EventId, EventRecord, Lane, Money, OrderId, Origin, ProductId,
    Purchase, Quantity, Record, RecordBlockWriter, Timestamp,
};

/// A plain generator: the figures below must not depend on a library's version.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Low numbers are more frequent, as with real products and customers.
    fn skewed(&mut self, limit: u64) -> u64 {
        self.below(limit) * self.below(limit) / limit
    }
}

const WORDS: [&str; 24] = [
    "RED", "WHITE", "HEART", "HOLDER", "LANTERN", "METAL", "CREAM", "CUPID", "COAT", "HANGER", "KNITTED",
    "FLAG", "HOT", "WATER", "BOTTLE", "WOOLLY", "SET", "BABUSHKA", "NESTING", "BOXES", "GLASS", "STAR",
    "FROSTED", "VINTAGE",
];

struct Shop {
    dice: Dice,
    order: u64,
    customer: u64,
    lines_left: u64,
    ms: i64,
}

impl Shop {
    /// The next line of an order of a customer: 1 to 20 lines an order, a till's or a web store's fields.
    fn next(&mut self, number: u64) -> EventRecord {
        if self.lines_left == 0 {
            self.order += 1 + self.dice.below(3);
            self.customer = 12_000 + self.dice.skewed(4_300);
            self.lines_left = 1 + self.dice.below(20);
            self.ms += i64::try_from(self.dice.below(60_000)).unwrap();
        }
        self.lines_left -= 1;
        let product = self.dice.skewed(3_700);
        let mut product_dice = Dice(product * 7_919 + 1);
        product_dice.below(3);
        let name: Vec<&str> =
            (0..4).map(|_| WORDS[usize::try_from(product_dice.below(24)).unwrap()]).collect();
        let quantity = i64::try_from(1 + self.dice.skewed(24)).unwrap();
        let price = i64::try_from(25 + product_dice.below(2_000)).unwrap() * 10_000;
        let order = self.order.to_string();
        let event = Event::Purchase(Purchase {
            customer_id: Some(CustomerId::new(&self.customer.to_string()).unwrap()),
            product_id: ProductId::new(&(20_000 + product).to_string()).unwrap(),
            product_category: WORDS[usize::try_from(product % 20).unwrap()].into(),
            product_name: name.join(" ").into(),
            quantity: Quantity::from_thousandths(quantity * 1000),
            price: Money::from_millionths(price),
            total_amount: Money::from_millionths(price * quantity),
            timestamp: Timestamp::from_ms_clamped(self.ms),
            location: Some("United Kingdom".into()),
            payment_method: Some("card".into()),
            device_type: Some(DeviceType::Web),
            order_id: Some(OrderId::new(&order).unwrap()),
            order_lines: None,
            metadata: format!("{{\"orderId\":\"{order}\"}}").into(),
            extra: "".into(),
        });
        EventRecord {
            event_id: EventId::new(&format!("evt-{number:08}")).unwrap(),
            origin: Origin::Client,
            fingerprint: omnix_model::fingerprint(&event),
            anonymous: false,
            event,
        }
    }
}

fn bytes_per_event(per_block: u64) -> (f64, f64) {
    let mut shop = Shop { dice: Dice(42), order: 536_365, customer: 0, lines_left: 0, ms: 1_767_000_000_000 };
    let (mut raw, mut compressed, events) = (0, 0, 20_000 / per_block * per_block);
    let mut writer = RecordBlockWriter::new(Clock::Live);
    for number in 0..events {
        let record = shop.next(number);
        let lane = Lane::of(record.event.customer().unwrap());
        writer.push(lane, &Record::Event(Box::new(record))).unwrap();
        if u64::from(writer.count()) == per_block {
            let bytes = writer.take(Timestamp::from_ms_clamped(shop.ms));
            raw += bytes.len();
            compressed += zstd::bulk::compress(&bytes, 1).unwrap().len();
        }
    }
    (raw as f64 / events as f64, compressed as f64 / events as f64)
}

#[test]
fn an_event_costs_about_thirty_bytes() {
    let (raw, compressed) = bytes_per_event(100);
    println!("blocks of 100: {raw:.1} B an event raw, {compressed:.1} with zstd-1");
    let (raw_500, compressed_500) = bytes_per_event(500);
    println!("blocks of 500: {raw_500:.1} B an event raw, {compressed_500:.1} with zstd-1");
    assert!(compressed < 30.0, "{compressed:.1} B");
    assert!(compressed_500 < compressed);
}
