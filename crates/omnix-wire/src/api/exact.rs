//! Numbers and times in the one form in which they are answered.

use omnix_model::{Money, Quantity, Timestamp};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An amount of money or a sum of amounts, in millionths: a JSON number, exact however large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(pub i128);

/// A quantity or a sum of quantities, in thousandths: a JSON number, exact however large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Units(pub i128);

/// An instant: `2026-01-05T10:00:00.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self(i128::from(money.millionths()))
    }
}

impl From<Quantity> for Units {
    fn from(quantity: Quantity) -> Self {
        Self(i128::from(quantity.thousandths()))
    }
}

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        exact(Money::sum_text(self.0), serializer)
    }
}

impl Serialize for Units {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A thousandth is a thousand millionths.
        exact(Money::sum_text(self.0.saturating_mul(1000)), serializer)
    }
}

/// Writes a number's text as it is; never through a float.
fn exact<S: Serializer>(text: String, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

macro_rules! schema {
    ($name:ident, $type:expr, $format:expr, $description:expr) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let object = ObjectBuilder::new().schema_type($type).description(Some($description));
                let format: Option<KnownFormat> = $format;
                object.format(format.map(SchemaFormat::KnownFormat)).into()
            }
        }
        impl ToSchema for $name {}
    };
}

schema!(Amount, Type::Number, None, "an exact decimal number");
schema!(Units, Type::Number, None, "an exact decimal number");
schema!(Time, Type::String, Some(KnownFormat::DateTime), "RFC 3339, UTC, three decimals");
