//! The online-retail layout, rule by rule.

use SkipReason::{Contradictory, NoCustomer, NoPrice, NoProduct};
use omnix_model::{Event, Money, Purchase, Quantity};
use omnix_wire::{OnlineRetail, RetailError, RowOutcome, SkipReason};

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

fn outcomes(rows: &str) -> Vec<RowOutcome> {
    let file = format!("{HEADER}\n{rows}");
    OnlineRetail::new(file.as_bytes()).unwrap().map(|row| row.unwrap().outcome).collect()
}

fn outcome(row: &str) -> RowOutcome {
    outcomes(row).pop().unwrap()
}

fn purchase(outcome: &RowOutcome) -> (&str, &Purchase) {
    match outcome {
        RowOutcome::Event { event_id, event: Event::Purchase(purchase) } => (event_id.as_str(), purchase),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_purchase_has_every_field_from_its_column() {
    let row =
        outcome("536365,85123a,\"  WHITE, HANGING \",6,2010-12-01 08:26:00,2.5512,17850.0,United Kingdom");
    let (id, event) = purchase(&row);
    assert_eq!(id, "online-retail:536365:1");
    assert_eq!(event.customer_id.as_ref().unwrap().as_str(), "17850");
    assert_eq!(event.product_id.as_str(), "85123a");
    assert_eq!(event.product_name, "WHITE, HANGING");
    assert_eq!(event.product_category, "uncategorized");
    assert_eq!(event.quantity, Quantity::from_thousandths(6_000));
    assert_eq!(event.price, Money::from_millionths(2_551_200));
    assert_eq!(event.total_amount, Money::from_millionths(15_307_200));
    assert_eq!(event.timestamp.to_string(), "2010-12-01T08:26:00.000Z");
    assert_eq!(event.location.as_deref(), Some("United Kingdom"));
    assert_eq!(event.order_id.as_ref().unwrap().as_str(), "536365");
    assert_eq!(event.metadata, r#"{"orderId":"536365"}"#);
}

#[test]
fn the_first_rule_that_fits_decides() {
    for (row, reason) in [
        ("1,POST,x,-1,2010-12-01 08:26:00,0,,UK", NoCustomer),
        ("1,85123A,x,1,2010-12-01 08:26:00,1, ,UK", NoCustomer),
        ("C1,M,x,-1,2010-12-01 08:26:00,0,7,UK", NoProduct),
        ("1,m,x,1,2010-12-01 08:26:00,1,7,UK", NoProduct),
        ("1,BANK CHARGES,x,1,2010-12-01 08:26:00,1,7,UK", NoProduct),
        ("1,C2,x,1,2010-12-01 08:26:00,1,7,UK", NoProduct),
        ("1,gift_0001_20,x,1,2010-12-01 08:26:00,1,7,UK", NoProduct),
        ("1,DCGS0003,x,1,2010-12-01 08:26:00,1,7,UK", NoProduct),
        ("1,PADS,x,1,2010-12-01 08:26:00,1,7,UK", NoProduct),
        ("1,ABC,x,1,2010-12-01 08:26:00,1,7,UK", NoProduct),
        ("C1,22726,x,-1,2010-12-01 08:26:00,0.000,7,UK", NoPrice),
        ("1,22726,x,1,2010-12-01 08:26:00,-1,7,UK", NoPrice),
        ("C1,22726,x,1,2010-12-01 08:26:00,1,7,UK", Contradictory),
        ("C1,22726,x,0,2010-12-01 08:26:00,1,7,UK", Contradictory),
        ("1,22726,x,-1,2010-12-01 08:26:00,1,7,UK", Contradictory),
        ("1,22726,x,0,2010-12-01 08:26:00,1,7,UK", Contradictory),
    ] {
        assert_eq!(outcome(row), RowOutcome::Skipped(reason), "{row}");
    }
}

#[test]
fn a_return_is_negative() {
    let row = outcome("C1,22726,,-3,2010-12-01 08:26:00,2.55,7,UK");
    let (id, event) = purchase(&row);
    assert!(event.is_return());
    assert_eq!((id, event.total_amount), ("online-retail:C1:1", Money::from_millionths(-7_650_000)));
    assert_eq!(event.product_name, "22726", "the stock code where there is no description");
}

#[test]
fn lines_are_counted_by_invoice_skipped_and_refused_ones_included() {
    let rows = outcomes(concat!(
        "1,22726,x,1,2010-12-01 08:26:00,1,7,UK\r\n",
        "2,22726,x,1,2010-12-01 08:26:00,1,7,UK\r\n",
        "1,POST,x,1,2010-12-01 08:26:00,1,7,UK\r\n",
        "1,22726,x,many,2010-12-01 08:26:00,1,7,UK\r\n",
        "1,22726,x,1,2010-12-01 08:26:00,1,7,UK\r\n",
    ));
    let ids: Vec<_> = [0, 1, 4].map(|index: usize| purchase(&rows[index]).0).into();
    assert_eq!(ids, ["online-retail:1:1", "online-retail:2:1", "online-retail:1:4"]);
    assert_eq!(rows[2], RowOutcome::Skipped(NoProduct));
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    for (row, part) in [
        ("1,22726,x,many,2010-12-01 08:26:00,1,7,UK", "`Quantity`"),
        ("1,22726,x,1,2010-12-01 08:26:00,dear,7,UK", "`UnitPrice`"),
        ("1,22726,x,1,2010-12-01 08:26:00,0.0000001,7,UK", "`UnitPrice`"),
        ("1,22726,x,1,01/12/2010 08:26,1,7,UK", "`InvoiceDate`"),
        (",22726,x,1,2010-12-01 08:26:00,1,7,UK", "`InvoiceNo`"),
        ("1,22726,x,1", "too few columns"),
    ] {
        let RowOutcome::Refused(reason) = outcome(row) else { panic!("{row}") };
        assert!(reason.contains(part), "{row}: {reason}");
    }
}

#[test]
fn columns_are_found_by_name() {
    let file = "Country,CustomerID,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo,More\n\
                UK,7,1,2010-12-01 08:26:00,2,x,22726,536,!\n";
    let row = OnlineRetail::new(file.as_bytes()).unwrap().next().unwrap().unwrap();
    assert_eq!((row.number, purchase(&row.outcome).0), (1, "online-retail:536:1"));
    let without = HEADER.replace("UnitPrice", "Price");
    assert!(matches!(OnlineRetail::new(without.as_bytes()), Err(RetailError::NoColumn("UnitPrice"))));
    assert!(OnlineRetail::new("".as_bytes()).is_err());
}

#[test]
fn the_figures_of_a_small_file_come_out() {
    let rows = outcomes(include_str!("online_retail.csv").split_once('\n').unwrap().1);
    let (mut purchases, mut returns, mut sum) = (0, 0, 0);
    for row in &rows {
        if let RowOutcome::Event { event: Event::Purchase(event), .. } = row {
            sum += event.total_amount.millionths();
            if event.is_return() { returns += 1 } else { purchases += 1 }
        }
    }
    let skipped = |reason: SkipReason| rows.iter().filter(|row| **row == RowOutcome::Skipped(reason)).count();
    assert_eq!((rows.len(), purchases, returns), (10, 4, 1));
    assert_eq!([NoCustomer, NoProduct, NoPrice, Contradictory].map(skipped), [1, 2, 1, 1]);
    assert_eq!(sum, 15_300_000 + 20_340_000 + 15_300_000 + 22_000_000 - 4_650_000);
}
