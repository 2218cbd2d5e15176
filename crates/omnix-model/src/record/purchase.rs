//! [`RecordKind::Purchase`](crate::RecordKind): a line of an order.
//!
//! # Format
//! After the event's head, in `refs`: customer, product, category, name, location, payment method, order,
//! metadata, extra; in `numbers`: the time, quantity, price, total amount, order lines. What may be absent has
//! a flag. The total amount is absent when it is quantity times price; metadata is absent when it holds
//! nothing but the order's id and number of lines.

use smol_str::{SmolStr, format_smolstr};

use super::event::flag;
use crate::block::{Sink, Source};
use crate::codec::{read_decimal, write_decimal};
use crate::{DecodeError, DeviceType, Money, Purchase, Quantity};

const CUSTOMER: u64 = 1 << 4;
const AMOUNT: u64 = 1 << 5;
const ORDER: u64 = 1 << 6;
const METADATA_PLAIN: u64 = 1 << 7;
const LOCATION: u64 = 1 << 8;
const PAYMENT: u64 = 1 << 9;
/// Two bits: 0 for no device, else its number.
const DEVICE_SHIFT: u32 = 10;
const ORDER_LINES: u64 = 1 << 12;
const METADATA: u64 = 1 << 14;

pub(super) fn flags(event: &Purchase) -> u64 {
    let metadata = if event.metadata.is_empty() {
        0
    } else if is_metadata_plain(event) {
        METADATA_PLAIN
    } else {
        METADATA
    };
    let present = [
        (CUSTOMER, event.customer_id.is_some()),
        (AMOUNT, product_of(event.quantity, event.price) != Some(event.total_amount)),
        (ORDER, event.order_id.is_some()),
        (LOCATION, event.location.is_some()),
        (PAYMENT, event.payment_method.is_some()),
        (ORDER_LINES, event.order_lines.is_some()),
        (flag::EXTRA, !event.extra.is_empty()),
    ];
    let device = event.device_type.map_or(0, |device| u64::from(device.number()));
    let bits = present.iter().filter(|(_, is_present)| *is_present).map(|(bit, _)| bit).sum::<u64>();
    bits | metadata | device << DEVICE_SHIFT
}

/// Writes what the event says beside its [`flags`].
pub(super) fn write(event: &Purchase, flags: u64, sink: &mut Sink) {
    if let Some(customer) = &event.customer_id {
        sink.customer(customer);
    }
    sink.product(&event.product_id);
    sink.text(&event.product_category);
    sink.text(&event.product_name);
    sink.time(event.timestamp);
    write_decimal(&mut sink.numbers, event.quantity.thousandths(), Quantity::DECIMALS);
    write_decimal(&mut sink.numbers, event.price.millionths(), Money::DECIMALS);
    if flags & AMOUNT != 0 {
        write_decimal(&mut sink.numbers, event.total_amount.millionths(), Money::DECIMALS);
    }
    for text in [&event.location, &event.payment_method].into_iter().flatten() {
        sink.text(text);
    }
    if let Some(order) = &event.order_id {
        sink.order(order);
    }
    if let Some(lines) = event.order_lines {
        sink.numbers.uint(u64::from(lines));
    }
    if flags & METADATA != 0 {
        sink.text(&event.metadata);
    }
    if !event.extra.is_empty() {
        sink.text(&event.extra);
    }
}

pub(super) fn read(flags: u64, source: &mut Source<'_>) -> Result<Purchase, DecodeError> {
    let has = |bit: u64| flags & bit != 0;
    let customer_id = if has(CUSTOMER) { Some(source.customer()?) } else { None };
    let product_id = source.product()?;
    let product_category = source.text()?;
    let product_name = source.text()?;
    let timestamp = source.time()?;
    let quantity = Quantity::from_thousandths(read_decimal(&mut source.numbers, Quantity::DECIMALS)?);
    let price = Money::from_millionths(read_decimal(&mut source.numbers, Money::DECIMALS)?);
    let total_amount = if has(AMOUNT) {
        Money::from_millionths(read_decimal(&mut source.numbers, Money::DECIMALS)?)
    } else {
        product_of(quantity, price).ok_or(DecodeError::Invalid("total amount"))?
    };
    let location = if has(LOCATION) { Some(source.text()?) } else { None };
    let payment_method = if has(PAYMENT) { Some(source.text()?) } else { None };
    let order_id = if has(ORDER) { Some(source.order()?) } else { None };
    let order_lines = if has(ORDER_LINES) {
        Some(u32::try_from(source.numbers.uint()?).or(Err(DecodeError::Invalid("order lines")))?)
    } else {
        None
    };
    let mut event = Purchase {
        customer_id,
        product_id,
        product_category,
        product_name,
        quantity,
        price,
        total_amount,
        timestamp,
        location,
        payment_method,
        device_type: DeviceType::from_number(u8::try_from((flags >> DEVICE_SHIFT) & 3).unwrap_or(0)),
        order_id,
        order_lines,
        metadata: SmolStr::default(),
        extra: SmolStr::default(),
    };
    if has(METADATA_PLAIN) {
        event.metadata = plain_metadata(&event).ok_or(DecodeError::Invalid("metadata"))?;
    } else if has(METADATA) {
        event.metadata = source.text()?;
    }
    if has(flag::EXTRA) {
        event.extra = source.text()?;
    }
    Ok(event)
}

/// Quantity times price, when that is a whole number of millionths within what money can be.
fn product_of(quantity: Quantity, price: Money) -> Option<Money> {
    let thousandths = i128::from(quantity.thousandths()) * i128::from(price.millionths());
    if thousandths % 1000 != 0 {
        return None;
    }
    i64::try_from(thousandths / 1000).ok().map(Money::from_millionths)
}

/// Whether the metadata is what [`plain_metadata`] makes of the event.
fn is_metadata_plain(event: &Purchase) -> bool {
    if event.order_lines.is_some() {
        return plain_metadata(event).as_ref() == Some(&event.metadata);
    }
    let order = event.metadata.strip_prefix("{\"orderId\":\"").and_then(|rest| rest.strip_suffix("\"}"));
    order.is_some_and(|order| {
        event.order_id.as_ref().is_some_and(|id| id.as_str() == order) && !order.contains(['"', '\\'])
    })
}

/// The canonical metadata of an event that has an order and nothing else in it.
fn plain_metadata(event: &Purchase) -> Option<SmolStr> {
    let order = event.order_id.as_ref()?.as_str();
    if order.contains(['"', '\\']) {
        return None;
    }
    Some(match event.order_lines {
        Some(lines) => format_smolstr!("{{\"orderId\":\"{order}\",\"orderLines\":{lines}}}"),
        None => format_smolstr!("{{\"orderId\":\"{order}\"}}"),
    })
}
