//! Which column of a table is what, found by the names that people give them.

use csv::ByteRecord;
use omnix_model::{CustomerId, Money, OrderId, ProductId, Quantity};

use super::Row;
use super::date::Parts;
use super::number;

/// Names of a column in lower case, without blanks and signs; the best name first.
type Spellings = &'static [&'static str];

const CUSTOMER: Spellings = &[
    "customerid",
    "customer",
    "custid",
    "customerno",
    "customernumber",
    "clientid",
    "client",
    "kundennummer",
    "kundennr",
    "kundenid",
    "kunde",
    "userid",
    "user",
    "memberid",
    "member",
    "cardid",
    "card",
    "buyer",
    "email",
];
const PRODUCT: Spellings = &[
    "productid",
    "product",
    "sku",
    "itemid",
    "item",
    "articleid",
    "article",
    "artikelnummer",
    "artikelnr",
    "artikel",
    "produkt",
    "stockcode",
    "productcode",
    "ean",
    "productname",
    "itemname",
    "description",
];
const TIME: Spellings = &[
    "timestamp",
    "time",
    "datetime",
    "date",
    "purchasedate",
    "purchasedat",
    "orderdate",
    "invoicedate",
    "transactiondate",
    "createdat",
    "datum",
    "zeit",
    "zeitpunkt",
    "kaufdatum",
    "day",
];
const AMOUNT: Spellings = &[
    "totalamount",
    "amount",
    "total",
    "lineamount",
    "linetotal",
    "betrag",
    "umsatz",
    "gesamt",
    "summe",
    "sales",
    "revenue",
    "value",
    "spend",
    "paid",
];
const QUANTITY: Spellings = &["quantity", "qty", "units", "pieces", "menge", "anzahl", "stueck", "count"];
const ORDER: Spellings = &[
    "orderid",
    "order",
    "orderno",
    "ordernumber",
    "invoiceno",
    "invoice",
    "invoiceid",
    "receiptid",
    "receipt",
    "receiptno",
    "basketid",
    "basket",
    "transactionid",
    "transaction",
    "bonnummer",
    "bonnr",
    "bon",
    "belegnummer",
    "rechnungsnummer",
    "bestellnummer",
    "ticket",
];

/// Where each column stands.
#[derive(Debug)]
pub(super) struct Columns {
    customer: usize,
    product: usize,
    time: usize,
    amount: usize,
    quantity: Option<usize>,
    order: Option<usize>,
}

/// What separates the fields of a table with this header.
pub(super) fn delimiter(header: &str) -> u8 {
    let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
    // The last of those that are equally frequent counts: a comma, where there is but one column.
    *[b'\t', b'|', b';', b','].iter().max_by_key(|delimiter| count(delimiter)).unwrap_or(&b',')
}

impl Columns {
    /// The columns of a table with this header, or what is missing in words.
    pub(super) fn of(header: &str, delimiter: u8) -> Result<Self, String> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(header.as_bytes());
        let record = reader.byte_records().next().and_then(Result::ok).unwrap_or_default();
        let plain = |field: &[u8]| -> String {
            let text = String::from_utf8_lossy(field).to_lowercase();
            text.chars().filter(|letter| letter.is_alphanumeric()).collect()
        };
        let names: Vec<String> = record.iter().map(plain).collect();
        let find = |spellings: Spellings| {
            spellings.iter().find_map(|spelling| names.iter().position(|name| name == spelling))
        };
        let need = |what: &str, spellings: Spellings| {
            let known = spellings.iter().take(6).copied().collect::<Vec<_>>().join(", ");
            find(spellings).ok_or_else(|| {
                format!("the table has no column for the {what}; one of these names would do: {known}")
            })
        };
        Ok(Self {
            customer: need("customer", CUSTOMER)?,
            product: need("product", PRODUCT)?,
            time: need("time", TIME)?,
            amount: need("amount", AMOUNT)?,
            quantity: find(QUANTITY),
            order: find(ORDER),
        })
    }

    /// The row; none when it names no customer or no product, or cannot be read.
    pub(super) fn row(&self, record: &ByteRecord, has_decimal_comma: bool) -> Option<Row> {
        let field = |index: usize| std::str::from_utf8(record.get(index)?).ok().map(str::trim);
        let number = |text: &str| number::plain(text, has_decimal_comma);
        let amount = Money::parse(&number(field(self.amount)?)?).ok()?.0;
        let quantity = match self.quantity {
            Some(index) => Quantity::parse(&number(field(index)?)?).ok()?.0,
            // Without quantities a row that takes money back takes one piece back.
            None => Quantity::from_thousandths(if amount < Money::ZERO { -1000 } else { 1000 }),
        };
        let is_return = quantity < Quantity::ZERO;
        let contradicts = if is_return { amount > Money::ZERO } else { amount < Money::ZERO };
        if contradicts || quantity == Quantity::ZERO {
            return None;
        }
        let order = self.order.and_then(field).filter(|order| !order.is_empty());
        Some(Row {
            customer: CustomerId::new(field(self.customer)?).ok()?,
            product: ProductId::new(field(self.product)?).ok()?,
            order: order.and_then(|order| OrderId::new(order).ok()),
            time: Parts::parse(field(self.time)?)?,
            amount,
            quantity,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_what_the_header_has_most_of() {
        assert_eq!(delimiter("a;b;c,d"), b';');
        assert_eq!(delimiter("a\tb"), b'\t');
        assert_eq!(delimiter("a,b,c"), b',');
        assert_eq!(delimiter("a"), b',');
    }

    #[test]
    fn names_are_compared_without_case_and_signs_and_the_best_one_wins() {
        let columns =
            Columns::of("\u{feff}Customer-ID,Description,Product ID,Order Date,Total Amount", b',').unwrap();
        assert_eq!((columns.customer, columns.product, columns.time, columns.amount), (0, 2, 3, 4));
        assert_eq!((columns.quantity, columns.order), (None, None));
    }
}
