//! The members of an event's object, sorted into those that are known and those that are not.

use std::borrow::Cow;

use crate::json::{Malformed, Member, Scanner, Value};

macro_rules! keys {
    ($($variant:ident = $name:literal,)+) => {
        /// The fields of all kinds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Key { $($variant,)+ }

        impl Key {
            /// All of them.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Where the field stands in an event.
            pub(super) const fn pointer(self) -> &'static str {
                match self { $(Self::$variant => concat!("/", $name),)+ }
            }

            /// Its bit in a set of fields.
            pub(super) const fn bit(self) -> u32 {
                1 << self as u32
            }

            fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

keys! {
    CustomerId = "customerId",
    ProductId = "productId",
    ProductCategory = "productCategory",
    ProductName = "productName",
    Quantity = "quantity",
    Price = "price",
    TotalAmount = "totalAmount",
    Timestamp = "timestamp",
    Location = "location",
    PaymentMethod = "paymentMethod",
    DeviceType = "deviceType",
    Metadata = "metadata",
    Currency = "currency",
    PreviousSegment = "previousSegment",
    NewSegment = "newSegment",
    SegmentationScore = "segmentationScore",
    ReasonCodes = "reasonCodes",
    Confidence = "confidence",
    ModelVersion = "modelVersion",
    PredictedConsumptionDate = "predictedConsumptionDate",
    PredictionType = "predictionType",
    Factors = "factors",
    AlertTriggered = "alertTriggered",
    EventType = "eventType",
    EventId = "eventId",
}

const _: () = assert!(Key::ALL.len() <= 32, "a set of fields has 32 bits");

/// The members of one object.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    known: [Option<Value<'a>>; Key::ALL.len()],
    /// Those that are there, not `null` and not taken, a bit each.
    filled: u32,
    unknown: Vec<Member<'a>>,
    /// Known fields that stand there twice.
    repeated: Vec<Key>,
}

impl<'a> Fields<'a> {
    pub(super) const fn new() -> Self {
        Self { known: [const { None }; Key::ALL.len()], filled: 0, unknown: Vec::new(), repeated: Vec::new() }
    }

    /// Reads the members of the object that begins where `scanner` stands. Into a place of its own: it is too
    /// large to be passed around for every event.
    pub(super) fn read(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Malformed> {
        scanner.members(|name, scanner| {
            let value = scanner.value(1)?;
            self.put(name, value);
            Ok(())
        })
    }

    fn put(&mut self, name: Cow<'a, str>, value: Value<'a>) {
        let Some(key) = Key::from_name(&name) else {
            self.unknown.push((name, value));
            return;
        };
        let Some(place) = self.known.get_mut(key as usize) else { return };
        self.filled |= if value == Value::Null { 0 } else { key.bit() };
        if place.replace(value).is_some() && !self.repeated.contains(&key) {
            self.repeated.push(key);
        }
    }

    /// Whether the field is there and not `null`.
    pub(super) const fn has(&self, key: Key) -> bool {
        self.filled & key.bit() != 0
    }

    /// Which of a set of fields are there and not `null`.
    pub(super) const fn filled_of(&self, set: u32) -> u32 {
        self.filled & set
    }

    /// Whether the field is there, be it `null`.
    pub(super) fn has_or_null(&self, key: Key) -> bool {
        self.known.get(key as usize).is_some_and(Option::is_some)
    }

    /// Takes the field; `null` counts as absent.
    pub(super) fn take(&mut self, key: Key) -> Option<Value<'a>> {
        self.filled &= !key.bit();
        self.known.get_mut(key as usize)?.take().filter(|value| *value != Value::Null)
    }

    /// Takes what has not been taken: unknown fields, and those of other kinds.
    pub(super) fn take_rest(&mut self) -> Vec<Member<'a>> {
        let mut rest = std::mem::take(&mut self.unknown);
        for key in Key::ALL {
            if self.filled == 0 {
                break;
            }
            if let Some(value) = self.take(*key) {
                rest.push((Cow::Borrowed(key.name()), value));
            }
        }
        rest
    }

    pub(super) fn take_repeated(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.repeated)
    }
}
