//! A `PurchaseEvent`.

use omnix_model::{DeviceType, ErrorCode, Money, ProductId, Purchase, Quantity};

use super::fields::Key;
use super::metadata::{self, Metadata};
use super::reading::Reading;

/// The purchase; with any fault, which is then noted, perhaps none.
pub(super) fn read(reading: &mut Reading<'_, '_>) -> Option<Purchase> {
    let customer_id = reading.optional_customer();
    let product_id = reading.id(Key::ProductId, ProductId::new);
    let product_category = reading.text(Key::ProductCategory);
    let product_name = reading.text(Key::ProductName);
    let quantity = reading.quantity(Key::Quantity);
    let price = reading.money(Key::Price);
    let total_amount = reading.money(Key::TotalAmount);
    check_amounts(quantity, price, total_amount, reading);
    let timestamp = reading.timestamp();
    let location = reading.optional_text(Key::Location);
    let payment_method = reading.optional_text(Key::PaymentMethod);
    let names = DeviceType::ALL.map(DeviceType::name);
    let device_type = reading.optional_word(Key::DeviceType, &names, DeviceType::from_name);
    check_currency(reading);
    let Metadata { text: metadata, order_id, order_lines } = metadata::read(reading);
    let extra = reading.rest();
    Some(Purchase {
        customer_id: customer_id?,
        product_id: product_id?,
        product_category: product_category?,
        product_name: product_name?,
        quantity: quantity?,
        price: price?,
        total_amount: total_amount?,
        timestamp: timestamp?,
        location,
        payment_method,
        device_type,
        order_id,
        order_lines,
        metadata,
        extra,
    })
}

/// A price is never negative; quantity and amount are so together, in a return.
fn check_amounts(
    quantity: Option<Quantity>,
    price: Option<Money>,
    total_amount: Option<Money>,
    reading: &mut Reading<'_, '_>,
) {
    if price.is_some_and(|price| price < Money::ZERO) {
        reading.fault(Key::Price.pointer(), ErrorCode::OutOfRange, "must not be negative");
    }
    let (Some(quantity), Some(amount)) = (quantity, total_amount) else { return };
    let pointer = Key::TotalAmount.pointer();
    if quantity < Quantity::ZERO && amount > Money::ZERO {
        let detail = "must not be positive in a return, whose `quantity` is negative";
        reading.fault(pointer, ErrorCode::AmountContradicted, detail);
    } else if quantity >= Quantity::ZERO && amount < Money::ZERO {
        let detail = "may be negative only in a return, whose `quantity` is negative, too";
        reading.fault(pointer, ErrorCode::AmountContradicted, detail);
    }
}

fn check_currency(reading: &mut Reading<'_, '_>) {
    let Some(currency) = reading.optional_text(Key::Currency) else { return };
    let pointer = Key::Currency.pointer();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let detail = "must be a code of ISO 4217 such as `EUR`";
        reading.fault(pointer, ErrorCode::InvalidFormat, detail);
    } else if currency != reading.settings.currency {
        let detail = format!("must be `{}`, the currency of this installation", reading.settings.currency);
        reading.fault(pointer, ErrorCode::CurrencyMismatch, detail);
    }
}
