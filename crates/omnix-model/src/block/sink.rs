//! Where records are written to: four tables of texts and four columns of bytes.

use super::strings::Interner;
use crate::{CustomerId, EventId, OrderId, ProductId, Timestamp, Writer};

/// What a block is collected in. Each method has its inverse in [`super::Source`].
#[derive(Debug, Default)]
pub(crate) struct Sink {
    customers: Interner,
    products: Interner,
    orders: Interner,
    texts: Interner,
    /// Kinds, flags and lanes.
    pub(crate) heads: Writer,
    refs: Writer,
    /// Times, amounts, counts, floats.
    pub(crate) numbers: Writer,
    ids: Writer,
    /// Memory for what is not written itself.
    pub(crate) scratch: Writer,
    last_ms: i64,
    last_event_id: String,
}

impl Sink {
    pub(crate) fn customer(&mut self, id: &CustomerId) {
        self.refs.uint(self.customers.reference(id.as_str()));
    }

    pub(crate) fn product(&mut self, id: &ProductId) {
        self.refs.uint(self.products.reference(id.as_str()));
    }

    pub(crate) fn order(&mut self, id: &OrderId) {
        self.refs.uint(self.orders.reference(id.as_str()));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.refs.uint(self.texts.reference(text));
    }

    /// Texts, their number before them.
    pub(crate) fn texts(&mut self, texts: &[impl AsRef<str>]) {
        self.refs.uint(texts.len() as u64);
        for text in texts {
            self.text(text.as_ref());
        }
    }

    /// An instant, as the difference to the one written before (the first: to 1970).
    pub(crate) fn time(&mut self, time: Timestamp) {
        self.numbers.int(time.ms() - self.last_ms);
        self.last_ms = time.ms();
    }

    /// An event's id: what it shares with the one before, and the rest. Most are unique, so no table.
    pub(crate) fn event_id(&mut self, id: &EventId) {
        let id = id.as_str();
        let same = id.bytes().zip(self.last_event_id.bytes()).take_while(|(a, b)| a == b).count();
        let shared = id.floor_char_boundary(same);
        self.heads.uint(shared as u64);
        let rest = id.get(shared..).unwrap_or_default();
        self.heads.uint(rest.len() as u64);
        self.ids.raw(rest.as_bytes());
        self.last_event_id.truncate(shared);
        self.last_event_id.push_str(rest);
    }

    pub(super) fn len_bytes(&self) -> usize {
        let columns = self.heads.len() + self.refs.len() + self.numbers.len() + self.ids.len();
        let tables = [&self.customers, &self.products, &self.orders, &self.texts];
        columns + tables.iter().map(|table| table.len_bytes()).sum::<usize>()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        for table in [&self.customers, &self.products, &self.orders, &self.texts] {
            table.write(writer);
        }
        for column in [&self.heads, &self.refs, &self.numbers, &self.ids] {
            writer.bytes(column.as_bytes());
        }
    }

    pub(super) fn clear(&mut self) {
        for table in [&mut self.customers, &mut self.products, &mut self.orders, &mut self.texts] {
            table.clear();
        }
        for column in [&mut self.heads, &mut self.refs, &mut self.numbers, &mut self.ids] {
            column.clear();
        }
        self.last_ms = 0;
        self.last_event_id.clear();
    }
}
