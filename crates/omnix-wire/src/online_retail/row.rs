//! One row to an event: the first rule that fits decides.

use csv::ByteRecord;
use omnix_model::limits::TEXT_BYTES_MAX;
use omnix_model::{
    CustomerId, Event, EventId, IdError, Money, NumberError, OrderId, ProductId, Purchase, Quantity, Rounded,
    TimeError, Timestamp,
};
use smol_str::SmolStr;

use super::columns::{Columns, Row};
use super::{RowOutcome, SkipReason};
use crate::json::write_string;

/// Stock codes that are no product.
const NO_PRODUCT: [&str; 16] = [
    "POST",
    "D",
    "DOT",
    "M",
    "m",
    "BANK CHARGES",
    "CRUK",
    "C2",
    "PADS",
    "AMAZONFEE",
    "S",
    "B",
    "C3",
    "SP1002",
    "CARRIAGE",
    "ADJUST",
];

/// Why a row cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error("{0}")]
    Shape(&'static str),
    #[error("`{column}` {error}")]
    Id { column: &'static str, error: IdError },
    #[error("`{column}` {error}")]
    Number { column: &'static str, error: NumberError },
    #[error("`{column}` has more decimals than are kept")]
    Inexact { column: &'static str },
    #[error("`InvoiceDate` {0}")]
    Date(TimeError),
}

/// The row, which is the `line`th of its invoice.
pub(super) fn read(columns: &Columns, record: &ByteRecord, line: u32) -> Result<RowOutcome, RowError> {
    let row = columns.row(record).map_err(RowError::Shape)?;
    if row.customer_id.trim().is_empty() {
        return Ok(RowOutcome::Skipped(SkipReason::NoCustomer));
    }
    if !is_product(row.stock_code) {
        return Ok(RowOutcome::Skipped(SkipReason::NoProduct));
    }
    let price = exact("UnitPrice", row.unit_price, Money::parse)?;
    if price <= Money::ZERO {
        return Ok(RowOutcome::Skipped(SkipReason::NoPrice));
    }
    let quantity = exact("Quantity", row.quantity, Quantity::parse)?;
    let is_cancellation = row.invoice_no.starts_with('C');
    if is_cancellation != (quantity < Quantity::ZERO) || quantity == Quantity::ZERO {
        return Ok(RowOutcome::Skipped(SkipReason::Contradictory));
    }
    let event_id =
        EventId::new(&format!("online-retail:{}:{line}", row.invoice_no)).map_err(id("InvoiceNo"))?;
    let event = Event::Purchase(purchase(&row, quantity, price)?);
    Ok(RowOutcome::Event { event_id, event })
}

fn is_product(stock_code: &str) -> bool {
    !NO_PRODUCT.contains(&stock_code)
        && !stock_code.starts_with("gift_")
        && !stock_code.starts_with("DCGS")
        && stock_code.bytes().any(|byte| byte.is_ascii_digit())
}

fn purchase(row: &Row<'_>, quantity: Quantity, price: Money) -> Result<Purchase, RowError> {
    let customer = row.customer_id.trim();
    let customer = customer.strip_suffix(".0").unwrap_or(customer);
    let name = row.description.trim();
    let name = if name.is_empty() { row.stock_code } else { name };
    if name.len() > TEXT_BYTES_MAX || row.country.len() > TEXT_BYTES_MAX {
        return Err(RowError::Shape("a text is too long"));
    }
    let mut metadata = String::from("{\"orderId\":");
    write_string(row.invoice_no, &mut metadata);
    metadata.push('}');
    Ok(Purchase {
        customer_id: Some(CustomerId::new(customer).map_err(id("CustomerID"))?),
        product_id: ProductId::new(row.stock_code).map_err(id("StockCode"))?,
        product_category: SmolStr::new_static("uncategorized"),
        product_name: SmolStr::new(name),
        quantity,
        price,
        total_amount: total(quantity, price)?,
        timestamp: timestamp(row.invoice_date).map_err(RowError::Date)?,
        location: Some(row.country).filter(|country| !country.is_empty()).map(SmolStr::new),
        payment_method: None,
        device_type: None,
        order_id: Some(OrderId::new(row.invoice_no).map_err(id("InvoiceNo"))?),
        order_lines: None,
        metadata: metadata.into(),
        extra: SmolStr::default(),
    })
}

/// Quantity times price, exact; refused where that has more decimals than money keeps.
fn total(quantity: Quantity, price: Money) -> Result<Money, RowError> {
    let product = i128::from(quantity.thousandths()) * i128::from(price.millionths());
    if product % 1000 != 0 {
        return Err(RowError::Inexact { column: "UnitPrice" });
    }
    let millionths = i64::try_from(product / 1000);
    let error = RowError::Number { column: "UnitPrice", error: NumberError::OutOfRange };
    millionths.map(Money::from_millionths).or(Err(error))
}

fn exact<T>(
    column: &'static str,
    text: &str,
    parse: impl Fn(&str) -> Result<(T, Rounded), NumberError>,
) -> Result<T, RowError> {
    match parse(text.trim()) {
        Ok((value, Rounded::No)) => Ok(value),
        Ok((_, Rounded::Yes)) => Err(RowError::Inexact { column }),
        Err(error) => Err(RowError::Number { column, error }),
    }
}

fn id(column: &'static str) -> impl Fn(IdError) -> RowError {
    move |error| RowError::Id { column, error }
}

/// `2010-12-01 08:26:00`, taken as UTC.
fn timestamp(text: &str) -> Result<Timestamp, TimeError> {
    format!("{}Z", text.trim()).parse()
}
