//! That a record which cannot be applied leaves no trace: it is made to panic at every door in turn.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use omnix_model::{
    CustomerId, Event, EventId, EventRecord, Money, OrderId, Origin, ProductId, Purchase, Quantity, Timestamp,
};
use proptest::prelude::*;
use smol_str::SmolStr;

use super::super::Part;
use super::*;
use crate::{ApplyError, Cause, Context, Effects, Model, Moment, Settings, apply};

thread_local! {
    /// How many doors are still let through.
    static DOORS_LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// A door that is about to be gone through, with everything noted and nothing changed yet.
pub(super) fn at_door() {
    match DOORS_LEFT.get() {
        0 => resume_unwind(Box::new("this far")),
        left => DOORS_LEFT.set(left - 1),
    }
}

/// A line of a purchase, or of a return.
#[derive(Debug, Clone)]
struct Line {
    product: u16,
    /// Between it and the line before it; a negative one makes it late.
    gap_ms: i64,
    /// Whether it names its order.
    order: Option<u8>,
    /// Thousandths.
    quantity: i64,
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let gap = prop_oneof![
        3 => Just(1_000),
        1 => 0..3 * Timestamp::HOUR_MS,
        1 => 0..40 * Timestamp::DAY_MS,
        1 => -5 * Timestamp::DAY_MS..0,
    ];
    let quantity = prop_oneof![9 => 1_000..9_000_i64, 1 => -2_000..-1_000_i64];
    let line = (0..8_u16, gap, prop::option::of(0..4_u8), quantity)
        .prop_map(|(product, gap_ms, order, quantity)| Line { product, gap_ms, order, quantity });
    prop::collection::vec(line, 1..40)
}

/// One customer of a shop on history's clock.
struct Shop {
    id: CustomerId,
    model: Model,
    settings: Settings,
    customer: Option<Customer>,
    now: Timestamp,
}

/// All that a state says, and what of it is to be written.
type Trace = Option<(Vec<Part>, Vec<Part>)>;

impl Shop {
    fn new() -> Self {
        Self {
            id: CustomerId::new("c").unwrap(),
            model: Model::seed(),
            settings: Settings::default(),
            customer: None,
            now: Timestamp::from_ms_clamped(1_767_225_600_000),
        }
    }

    fn trace(&self) -> Trace {
        self.customer.as_ref().map(|customer| (customer.parts(), customer.touched()))
    }

    fn apply(&mut self, cause: Cause<'_>) -> Result<Effects, ApplyError> {
        let context = Context { model: &self.model, settings: &self.settings, customer_id: &self.id };
        apply(&mut self.customer, cause, Moment { now: self.now, is_history: true }, &context)
    }

    /// Lets the record fail at its first door, its second, and so on; each time nothing remains of it. Then it
    /// is applied.
    fn fail_everywhere_then_apply(&mut self, cause: Cause<'_>) -> usize {
        let before = self.trace();
        for doors in 0.. {
            DOORS_LEFT.set(doors);
            let outcome = catch_unwind(AssertUnwindSafe(|| self.apply(cause)));
            DOORS_LEFT.set(usize::MAX);
            if let Ok(applied) = outcome {
                applied.unwrap();
                return doors;
            }
            assert_eq!(self.trace(), before, "after {doors} doors");
        }
        unreachable!("a record goes through finitely many doors")
    }

    fn event(&self, line: &Line) -> EventRecord {
        let amount = Money::from_millionths(line.quantity * 1_000);
        let purchase = Purchase {
            customer_id: Some(self.id.clone()),
            product_id: ProductId::new(&format!("p{}", line.product)).unwrap(),
            product_category: SmolStr::default(),
            product_name: SmolStr::default(),
            quantity: Quantity::from_thousandths(line.quantity),
            price: Money::from_millionths(1_000_000),
            total_amount: amount,
            timestamp: self.now.plus_ms(line.gap_ms),
            location: None,
            payment_method: None,
            device_type: None,
            order_id: line.order.map(|order| OrderId::new(&format!("o{order}")).unwrap()),
            order_lines: None,
            metadata: SmolStr::default(),
            extra: SmolStr::default(),
        };
        EventRecord {
            event_id: EventId::new("e").unwrap(),
            origin: Origin::Import,
            fingerprint: 0,
            anonymous: false,
            event: Event::Purchase(purchase),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_record_that_panics_anywhere_leaves_no_trace(lines in lines()) {
        let mut shop = Shop::new();
        for (number, line) in lines.iter().enumerate() {
            let record = shop.event(line);
            shop.now = shop.now.max(record.event.timestamp());
            while shop.customer.as_ref().and_then(Customer::due).is_some_and(|due| due <= shop.now) {
                shop.fail_everywhere_then_apply(Cause::Timer);
            }
            prop_assert!(shop.fail_everywhere_then_apply(Cause::Event(&record)) > 1);
            if number % 3 == 0 && let Some(customer) = &mut shop.customer {
                customer.mark_clean();
            }
        }
    }
}

#[test]
fn one_product_too_many_leaves_no_trace_when_it_panics() {
    let mut shop = Shop::new();
    let line = |product| Line { product, gap_ms: 60_000, order: None, quantity: 1_000 };
    // More than are held exactly and as stubs together; products come back, so that stubs are taken out too.
    let all = (0..1_100).chain((0..40).map(|number| number * 25));
    for (number, product) in all.enumerate() {
        let record = shop.event(&line(product));
        shop.now = record.event.timestamp();
        let is_watched = number % 50 == 0 || number > 1_080;
        if is_watched {
            shop.fail_everywhere_then_apply(Cause::Event(&record));
        } else {
            shop.apply(Cause::Event(&record)).unwrap();
        }
    }
    let customer = shop.customer.as_ref().unwrap();
    assert!(!customer.products.stub_pages.is_empty() && customer.head.forgotten > 0);
}

#[test]
fn a_sum_that_would_overflow_leaves_no_trace_of_what_came_before_it() {
    let mut shop = Shop::new();
    let first = shop.event(&Line { product: 1, gap_ms: 0, order: None, quantity: 1_000 });
    shop.apply(Cause::Event(&first)).unwrap();
    shop.customer.as_mut().unwrap().head.orders = u64::MAX;
    let before = shop.trace();
    // The basket before it ends on the way, and the sums are added to.
    let second = shop.event(&Line { product: 2, gap_ms: Timestamp::DAY_MS, order: None, quantity: 1_000 });
    shop.now = second.event.timestamp();
    assert_eq!(shop.apply(Cause::Event(&second)), Err(ApplyError::Overflow("orders")));
    assert_eq!(shop.trace(), before);
    shop.customer.as_mut().unwrap().head.orders = 1;
    assert!(shop.apply(Cause::Event(&second)).is_ok());
}
