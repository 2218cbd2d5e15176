//! `metadata`: any object, of which two members are known.

use omnix_model::{ErrorCode, OrderId, Quantity, Rounded};
use smol_str::SmolStr;

use super::fields::Key;
use super::reading::{Reading, id_code};
use crate::json::{Malformed, Member, Scanner, Value, canonical_object};

const ORDER_ID: &str = "/metadata/orderId";
const ORDER_LINES: &str = "/metadata/orderLines";
/// Lines of an order at the most: what fits into the count.
const ORDER_LINES_MAX: u32 = 1_000_000;

/// What stands in an event's metadata.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    /// All of it, canonical; empty when there is none.
    pub(super) text: SmolStr,
    pub(super) order_id: Option<OrderId>,
    pub(super) order_lines: Option<u32>,
}

pub(super) fn read(reading: &mut Reading<'_, '_>) -> Metadata {
    let object = match reading.fields.take(Key::Metadata) {
        None => return Metadata::default(),
        Some(Value::Object(object)) => object,
        Some(_) => {
            reading.fault(Key::Metadata.pointer(), ErrorCode::WrongType, "must be an object");
            return Metadata::default();
        }
    };
    let mut metadata = Metadata::default();
    let mut members: Vec<Member<'_>> = Vec::new();
    let scanned = Scanner::new(object).members(|key, scanner| {
        let value = scanner.value(2)?;
        match key.as_ref() {
            "orderId" => metadata.order_id = order_id(&value, reading),
            "orderLines" => metadata.order_lines = order_lines(&value, reading),
            _ => {}
        }
        members.push((key, value));
        Ok::<(), Malformed>(())
    });
    debug_assert!(scanned.is_ok(), "what was scanned can be scanned again");
    metadata.text = reading.canonical(canonical_object(members, Key::Metadata.pointer()));
    metadata
}

fn order_id(value: &Value<'_>, reading: &mut Reading<'_, '_>) -> Option<OrderId> {
    let text = match value {
        Value::Null => return None,
        Value::Text(text) => text,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            reading.fault(ORDER_ID, ErrorCode::WrongType, "must be a string");
            return None;
        }
    };
    match OrderId::new(text) {
        Ok(id) => Some(id),
        Err(error) => {
            reading.fault(ORDER_ID, id_code(error), error.to_string());
            None
        }
    }
}

fn order_lines(value: &Value<'_>, reading: &mut Reading<'_, '_>) -> Option<u32> {
    let text = match value {
        Value::Null => return None,
        Value::Number(text) => text,
        Value::Bool(_) | Value::Text(_) | Value::Array(_) | Value::Object(_) => {
            reading.fault(ORDER_LINES, ErrorCode::WrongType, "must be a number");
            return None;
        }
    };
    let lines = match Quantity::parse(text) {
        Ok((quantity, Rounded::No)) if quantity.thousandths() % 1000 == 0 => {
            u32::try_from(quantity.thousandths() / 1000).ok()
        }
        Ok(_) | Err(_) => None,
    };
    let lines = lines.filter(|lines| (1..=ORDER_LINES_MAX).contains(lines));
    if lines.is_none() {
        let detail = format!("must be a whole number between 1 and {ORDER_LINES_MAX}");
        reading.fault(ORDER_LINES, ErrorCode::OutOfRange, detail);
    }
    lines
}
