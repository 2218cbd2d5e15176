//! Where records are read from: the inverse of [`super::Sink`].

use smol_str::SmolStr;

use super::strings::Table;
use crate::{CustomerId, DecodeError, EventId, OrderId, ProductId, Reader, Timestamp};

/// The tables and columns of a block that is read.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    customers: Table<CustomerId>,
    products: Table<ProductId>,
    orders: Table<OrderId>,
    texts: Table<SmolStr>,
    pub(crate) heads: Reader<'a>,
    refs: Reader<'a>,
    pub(crate) numbers: Reader<'a>,
    ids: Reader<'a>,
    last_ms: i64,
    last_event_id: String,
}

impl<'a> Source<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            customers: Table::read(reader, |text| CustomerId::new(text).ok())?,
            products: Table::read(reader, |text| ProductId::new(text).ok())?,
            orders: Table::read(reader, |text| OrderId::new(text).ok())?,
            texts: Table::read(reader, |text| Some(SmolStr::new(text)))?,
            heads: Reader::new(reader.bytes()?),
            refs: Reader::new(reader.bytes()?),
            numbers: Reader::new(reader.bytes()?),
            ids: Reader::new(reader.bytes()?),
            last_ms: 0,
            last_event_id: String::new(),
        })
    }

    /// Whether everything has been used.
    pub(super) fn is_empty(&self) -> bool {
        let columns = [&self.heads, &self.refs, &self.numbers, &self.ids];
        columns.iter().all(|column| column.is_empty())
            && self.customers.is_used_up()
            && self.products.is_used_up()
            && self.orders.is_used_up()
            && self.texts.is_used_up()
    }

    pub(crate) fn customer(&mut self) -> Result<CustomerId, DecodeError> {
        self.customers.get(self.refs.uint()?).cloned()
    }

    pub(crate) fn product(&mut self) -> Result<ProductId, DecodeError> {
        self.products.get(self.refs.uint()?).cloned()
    }

    pub(crate) fn order(&mut self) -> Result<OrderId, DecodeError> {
        self.orders.get(self.refs.uint()?).cloned()
    }

    pub(crate) fn text(&mut self) -> Result<SmolStr, DecodeError> {
        self.texts.get(self.refs.uint()?).cloned()
    }

    pub(crate) fn texts(&mut self) -> Result<Vec<SmolStr>, DecodeError> {
        let count = self.refs.count()?;
        (0..count).map(|_| self.text()).collect()
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, DecodeError> {
        let invalid = DecodeError::Invalid("time");
        let ms = self.last_ms.checked_add(self.numbers.int()?).ok_or(invalid)?;
        let time = Timestamp::from_ms_clamped(ms);
        if time.ms() != ms {
            return Err(invalid);
        }
        self.last_ms = ms;
        Ok(time)
    }

    pub(crate) fn event_id(&mut self) -> Result<EventId, DecodeError> {
        let invalid = DecodeError::Invalid("event id");
        let shared = usize::try_from(self.heads.uint()?).or(Err(invalid))?;
        let rest_len = usize::try_from(self.heads.uint()?).or(Err(invalid))?;
        let rest = std::str::from_utf8(self.ids.raw(rest_len)?).or(Err(invalid))?;
        if !self.last_event_id.is_char_boundary(shared) {
            return Err(invalid);
        }
        self.last_event_id.truncate(shared);
        self.last_event_id.push_str(rest);
        EventId::new(&self.last_event_id).or(Err(invalid))
    }
}
