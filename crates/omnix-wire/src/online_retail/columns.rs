//! The columns of the file, found by name.

use csv::ByteRecord;

use super::RetailError;

/// Where each column stands.
#[derive(Debug)]
pub(super) struct Columns {
    invoice_no: usize,
    stock_code: usize,
    description: usize,
    quantity: usize,
    invoice_date: usize,
    unit_price: usize,
    customer_id: usize,
    country: usize,
}

impl Columns {
    pub(super) fn of(header: &ByteRecord) -> Result<Self, RetailError> {
        let find = |name: &'static str| {
            let is_it = |field: &[u8]| {
                field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field).trim_ascii() == name.as_bytes()
            };
            header.iter().position(is_it).ok_or(RetailError::NoColumn(name))
        };
        Ok(Self {
            invoice_no: find("InvoiceNo")?,
            stock_code: find("StockCode")?,
            description: find("Description")?,
            quantity: find("Quantity")?,
            invoice_date: find("InvoiceDate")?,
            unit_price: find("UnitPrice")?,
            customer_id: find("CustomerID")?,
            country: find("Country")?,
        })
    }

    /// The invoice, whatever bytes it is made of.
    pub(super) fn invoice_no<'r>(&self, record: &'r ByteRecord) -> &'r [u8] {
        record.get(self.invoice_no).unwrap_or_default()
    }

    /// The row as text.
    pub(super) fn row<'r>(&self, record: &'r ByteRecord) -> Result<Row<'r>, &'static str> {
        let field = |index: usize| {
            let bytes = record.get(index).ok_or("the row has too few columns")?;
            std::str::from_utf8(bytes).or(Err("the row is not UTF-8"))
        };
        Ok(Row {
            invoice_no: field(self.invoice_no)?,
            stock_code: field(self.stock_code)?,
            description: field(self.description)?,
            quantity: field(self.quantity)?,
            invoice_date: field(self.invoice_date)?,
            unit_price: field(self.unit_price)?,
            customer_id: field(self.customer_id)?,
            country: field(self.country)?,
        })
    }
}

/// The fields of a row, as they stand there.
#[derive(Debug)]
pub(super) struct Row<'r> {
    pub(super) invoice_no: &'r str,
    pub(super) stock_code: &'r str,
    pub(super) description: &'r str,
    pub(super) quantity: &'r str,
    pub(super) invoice_date: &'r str,
    pub(super) unit_price: &'r str,
    pub(super) customer_id: &'r str,
    pub(super) country: &'r str,
}
