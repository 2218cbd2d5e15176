//! Any table of sales as a history: four columns are enough, customer, product, time and amount.
//!
//! Columns are found by name, in several languages and spellings; a quantity and an order's number are used
//! where there are columns of that kind. A row without a customer, or that cannot be read, is left out and
//! counted. Rows may stand in any order. Deliberately not here: guessing where a date is ambiguous; then the
//! whole file is refused, with what to do about it.

mod columns;
mod date;
mod number;

use std::io::BufRead;

use omnix_model::{CustomerId, Event, Money, OrderId, ProductId, Purchase, Quantity, Timestamp};
use serde_json::json;
use smol_str::SmolStr;

use self::columns::Columns;
use self::date::{DateOrder, Parts};
use crate::failure::Failure;

/// A row whose fields are understood but for the order of day and month.
#[derive(Debug)]
struct Row {
    customer: CustomerId,
    product: ProductId,
    order: Option<OrderId>,
    time: Parts,
    amount: Money,
    quantity: Quantity,
}

/// Hands over the purchases and returns of `input`, by time; answers how many rows were left out.
pub(crate) fn read(
    mut input: impl BufRead,
    each: &mut dyn FnMut(Event) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut header = String::new();
    input.read_line(&mut header)?;
    let delimiter = columns::delimiter(&header);
    let columns = Columns::of(&header, delimiter).map_err(Failure::usage)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(input);
    let (mut rows, mut left_out) = (Vec::new(), 0);
    for record in reader.byte_records() {
        match columns.row(&record?, delimiter != b',') {
            Some(row) => rows.push(row),
            None => left_out += 1,
        }
    }
    let order = DateOrder::of(rows.iter().map(|row| row.time)).map_err(Failure::usage)?;
    let mut timed: Vec<(Timestamp, Row)> = Vec::with_capacity(rows.len());
    for row in rows {
        match row.time.at(order) {
            Some(at) => timed.push((at, row)),
            None => left_out += 1,
        }
    }
    timed.sort_by_key(|(at, _)| *at);
    for (at, row) in timed {
        each(Event::Purchase(purchase(row, at)))?;
    }
    Ok(left_out)
}

fn purchase(row: Row, timestamp: Timestamp) -> Purchase {
    let metadata = row.order.as_ref().map(|order| json!({"orderId": order.as_str()}).to_string());
    Purchase {
        customer_id: Some(row.customer),
        product_category: SmolStr::new_static("uncategorized"),
        product_name: SmolStr::new(row.product.as_str()),
        product_id: row.product,
        price: unit_price(row.amount, row.quantity),
        quantity: row.quantity,
        total_amount: row.amount,
        timestamp,
        location: None,
        payment_method: None,
        device_type: None,
        order_id: row.order,
        order_lines: None,
        metadata: metadata.map(SmolStr::new).unwrap_or_default(),
        extra: SmolStr::default(),
    }
}

/// What one piece cost, to the millionth.
fn unit_price(amount: Money, quantity: Quantity) -> Money {
    let thousandths = i128::from(amount.millionths()) * 1000;
    let price = thousandths.checked_div(quantity.thousandths().into()).unwrap_or_default();
    Money::from_millionths(i64::try_from(price).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purchases(text: &str) -> (Vec<Purchase>, u64) {
        let mut purchases = Vec::new();
        let left_out = read(text.as_bytes(), &mut |event| {
            let Event::Purchase(purchase) = event else { panic!("{event:?}") };
            purchases.push(purchase);
            Ok(())
        });
        (purchases, left_out.unwrap())
    }

    #[test]
    fn four_columns_are_enough() {
        let (found, left_out) = purchases(
            "customer,product,time,amount\n\
             7,tea,2026-01-06,3.50\n\
             007,\"jam, red\",2026-01-05 09:30,\"1,234.50\"\n\
             ,tea,2026-01-05,1\n\
             8,tea,soon,1\n",
        );
        assert_eq!(left_out, 2);
        let [first, second] = &found[..] else { panic!("{found:?}") };
        assert_eq!(first.customer_id.as_ref().unwrap().as_str(), "007");
        assert_eq!(first.product_id.as_str(), "jam, red");
        assert_eq!(first.total_amount.to_string(), "1234.5");
        assert_eq!(first.timestamp.to_string(), "2026-01-05T09:30:00.000Z");
        assert_eq!(second.quantity.to_string(), "1");
    }

    #[test]
    fn a_table_of_another_country_is_read() {
        let (found, left_out) = purchases(
            "Kundennummer;Bonnummer;Artikel;Datum;Menge;Betrag\r\n\
             12;b1;Kaffee;31.01.2026 08:00;2;\"9,80 €\"\r\n\
             12;b2;Kaffee;01.02.2026 08:00;-1;-4,90\r\n",
        );
        assert_eq!(left_out, 0);
        assert_eq!(found[0].total_amount.to_string(), "9.8");
        assert_eq!(found[0].price.to_string(), "4.9");
        assert_eq!(found[0].order_id.as_ref().unwrap().as_str(), "b1");
        assert_eq!(found[0].metadata, "{\"orderId\":\"b1\"}");
        assert!(found[1].is_return());
    }

    #[test]
    fn the_day_is_found_where_one_date_tells_and_asked_for_where_none_does() {
        let american = "user,sku,date,total\n1,a,01/02/2026,1\n1,a,01/31/2026,1\n";
        assert_eq!(purchases(american).0[0].timestamp.to_string(), "2026-01-02T00:00:00.000Z");
        let unclear = "user,sku,date,total\n1,a,01/02/2026,1\n";
        assert!(read(unclear.as_bytes(), &mut |_| Ok(())).is_err());
    }

    #[test]
    fn a_missing_column_is_named() {
        let failure = read("customer,time,amount\n".as_bytes(), &mut |_| Ok(())).unwrap_err();
        assert!(failure.to_string().contains("product"), "{failure}");
    }
}
