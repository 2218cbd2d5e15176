//! The lines of a prediction file: one JSON object each, the same bytes for the same prediction.
//!
//! Probabilities and scores carry nine decimals, so that rounding makes no ties; amounts are exact.

use std::io::Write;

use omnix_engine::predict::{BasketContents, CONSUMPTION_DAYS, Consumption, DUE_DAYS, OrderVerdict};
use omnix_model::{CustomerId, Money, ProductId, Timestamp};
use omnix_wire::json::JsonWriter;

use crate::failure::Failure;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Consumption,
    Due,
    Recommendation,
    Order,
    Segment,
    Migration,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub(crate) const ALL: [Self; 6] =
        [Self::Consumption, Self::Due, Self::Recommendation, Self::Order, Self::Segment, Self::Migration];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Consumption => "consumption",
            Self::Due => "due",
            Self::Recommendation => "recommendation",
            Self::Order => "order",
            Self::Segment => "segment",
            Self::Migration => "migration",
        }
    }
}

/// A product on its second or a later purchase day.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bought {
    pub(super) product: ProductId,
    /// The first purchase of that day.
    pub(super) at: Timestamp,
    /// Purchase days, that one included.
    pub(super) days: u32,
}

/// An order that takes no further line.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClosedOrder<'a> {
    pub(super) id: &'a str,
    /// The time of its first line.
    pub(super) at: Timestamp,
    pub(super) verdict: OrderVerdict,
    /// How unusual the number of orders in short time is, and whether that is an alert.
    pub(super) burst: (f64, bool),
    /// How unusual its hour is, and whether that is an alert.
    pub(super) hour: (Option<f64>, bool),
}

/// Writes lines, and counts them.
pub(crate) struct Lines<W> {
    out: W,
    counts: [u64; Kind::ALL.len()],
}

impl<W: Write> Lines<W> {
    pub(crate) const fn new(out: W) -> Self {
        Self { out, counts: [0; Kind::ALL.len()] }
    }

    /// How many lines of a kind there are.
    pub(crate) fn count(&self, kind: Kind) -> u64 {
        self.counts.get(kind as usize).copied().unwrap_or(0)
    }

    /// Where the lines went.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }

    pub(super) fn consumption(
        &mut self,
        customer: &CustomerId,
        bought: &Bought,
        consumption: &Consumption,
    ) -> Result<(), Failure> {
        let mut line = Line::new(Kind::Consumption, bought.at, customer);
        line.text("productId", bought.product.as_str());
        line.raw("purchaseDays", bought.days);
        line.float_or_null("medianDays", consumption.median_days);
        line.probabilities(&CONSUMPTION_DAYS, &consumption.within);
        self.write(line)
    }

    /// `of`: the product, its purchase days, and the days since the last.
    pub(super) fn due(
        &mut self,
        customer: &CustomerId,
        at: Timestamp,
        of: (&ProductId, u32, u16),
        p: [f64; 3],
    ) -> Result<(), Failure> {
        let (product, days, elapsed) = of;
        let mut line = Line::new(Kind::Due, at, customer);
        line.text("productId", product.as_str());
        line.raw("purchaseDays", days);
        line.raw("elapsedDays", elapsed);
        line.probabilities(&DUE_DAYS, &p);
        self.write(line)
    }

    /// `order`: its id and the time of its first line; `baskets`: the customer's order days before it.
    pub(super) fn recommendation(
        &mut self,
        customer: &CustomerId,
        order: (&str, Timestamp),
        baskets: u32,
        contents: &BasketContents,
    ) -> Result<(), Failure> {
        let (id, at) = order;
        let mut line = Line::new(Kind::Recommendation, at, customer);
        line.text("orderId", id);
        line.raw("baskets", baskets);
        line.products("items", &contents.items);
        line.products("newItems", &contents.new_items);
        self.write(line)
    }

    pub(super) fn order(&mut self, customer: &CustomerId, order: &ClosedOrder<'_>) -> Result<(), Failure> {
        let (burst_score, is_burst) = order.burst;
        let mut line = Line::new(Kind::Order, order.at, customer);
        line.text("orderId", order.id);
        line.raw("amount", Money::sum_text(order.verdict.amount));
        line.float_or_null("score", order.verdict.score);
        line.raw("alert", order.verdict.is_alert);
        line.float_or_null("burstScore", Some(burst_score));
        line.raw("burstAlert", is_burst);
        line.float_or_null("hourScore", order.hour.0);
        line.raw("hourAlert", order.hour.1);
        self.write(line)
    }

    pub(super) fn segment(
        &mut self,
        customer: &CustomerId,
        at: Timestamp,
        segment: &str,
        p60: f64,
    ) -> Result<(), Failure> {
        let mut line = Line::new(Kind::Segment, at, customer);
        line.text("segment", segment);
        line.float_or_null("p60", Some(p60));
        self.write(line)
    }

    pub(super) fn migration(
        &mut self,
        customer: &CustomerId,
        at: Timestamp,
        from: Option<&str>,
        to: &str,
    ) -> Result<(), Failure> {
        let mut line = Line::new(Kind::Migration, at, customer);
        match from {
            Some(from) => line.text("from", from),
            None => line.raw("from", "null"),
        }
        line.text("to", to);
        self.write(line)
    }

    fn write(&mut self, line: Line) -> Result<(), Failure> {
        let Line { kind, mut json } = line;
        json.close('}');
        let mut text = json.into_text();
        text.push('\n');
        self.out.write_all(text.as_bytes())?;
        if let Some(count) = self.counts.get_mut(kind as usize) {
            *count += 1;
        }
        Ok(())
    }
}

/// One line on its way.
struct Line {
    kind: Kind,
    json: JsonWriter,
}

impl Line {
    fn new(kind: Kind, at: Timestamp, customer: &CustomerId) -> Self {
        let mut json = JsonWriter::new();
        json.open('{');
        let mut line = Self { kind, json };
        line.text("kind", kind.name());
        line.text("at", &time_text(at));
        line.text("customerId", customer.as_str());
        line
    }

    fn text(&mut self, key: &str, value: &str) {
        self.json.key(key);
        self.json.text(value);
    }

    fn raw(&mut self, key: &str, value: impl std::fmt::Display) {
        self.json.key(key);
        self.json.raw(value);
    }

    fn float_or_null(&mut self, key: &str, value: Option<f64>) {
        match value.filter(|value| value.is_finite()) {
            Some(value) => self.raw(key, format_args!("{value:.9}")),
            None => self.raw(key, "null"),
        }
    }

    fn probabilities(&mut self, days: &[u16], p: &[f64]) {
        self.json.key("p");
        self.json.open('{');
        for (days, p) in days.iter().zip(p) {
            self.float_or_null(&days.to_string(), Some(*p));
        }
        self.json.close('}');
    }

    fn products(&mut self, key: &str, products: &[ProductId]) {
        self.json.key(key);
        self.json.open('[');
        products.iter().for_each(|product| self.json.text(product.as_str()));
        self.json.close(']');
    }
}

/// RFC 3339 in UTC, with a fraction only where there is one.
fn time_text(at: Timestamp) -> String {
    let text = at.to_string();
    match text.strip_suffix(".000Z") {
        Some(whole) => format!("{whole}Z"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Lines<Vec<u8>>, &CustomerId)) -> String {
        let mut lines = Lines::new(Vec::new());
        write(&mut lines, &CustomerId::new("00\"42").unwrap());
        assert_eq!(Kind::ALL.iter().map(|kind| lines.count(*kind)).sum::<u64>(), 1);
        String::from_utf8(lines.into_inner()).unwrap()
    }

    fn at() -> Timestamp {
        "2011-01-09T11:20:00Z".parse().unwrap()
    }

    fn product(id: &str) -> ProductId {
        ProductId::new(id).unwrap()
    }

    #[test]
    fn ids_are_text_and_what_cannot_be_said_is_null() {
        let line = written(|lines, customer| {
            let bought = Bought { product: product("00042"), at: at(), days: 2 };
            let consumption = Consumption { median_days: None, within: [0.0, 0.1, 1.0 / 3.0, 0.4] };
            lines.consumption(customer, &bought, &consumption).unwrap();
        });
        assert_eq!(
            line,
            "{\"kind\":\"consumption\",\"at\":\"2011-01-09T11:20:00Z\",\"customerId\":\"00\\\"42\",\
             \"productId\":\"00042\",\"purchaseDays\":2,\"medianDays\":null,\"p\":{\"7\":0.000000000,\
             \"14\":0.100000000,\"30\":0.333333333,\"60\":0.400000000}}\n"
        );
    }

    #[test]
    fn amounts_are_exact() {
        let line = written(|lines, customer| {
            let verdict = OrderVerdict { amount: 187_850_000, score: Some(-0.5), is_alert: false };
            let (burst, hour) = ((1.0, true), (None, false));
            let order = ClosedOrder { id: "542151", at: at().plus_ms(1), verdict, burst, hour };
            lines.order(customer, &order).unwrap();
        });
        assert_eq!(
            line,
            "{\"kind\":\"order\",\"at\":\"2011-01-09T11:20:00.001Z\",\"customerId\":\"00\\\"42\",\
             \"orderId\":\"542151\",\"amount\":187.85,\"score\":-0.500000000,\"alert\":false,\
             \"burstScore\":1.000000000,\"burstAlert\":true,\"hourScore\":null,\"hourAlert\":false}\n"
        );
    }

    #[test]
    fn lists_keep_their_order() {
        let line = written(|lines, customer| {
            let contents = BasketContents { items: vec![product("b"), product("a")], new_items: Vec::new() };
            lines.recommendation(customer, ("o", at()), 3, &contents).unwrap();
        });
        assert!(line.ends_with("\"orderId\":\"o\",\"baskets\":3,\"items\":[\"b\",\"a\"],\"newItems\":[]}\n"));
    }

    #[test]
    fn the_first_segment_comes_from_none() {
        let line = written(|lines, customer| {
            lines.migration(customer, at(), None, "New Customer").unwrap();
        });
        assert!(line.ends_with("\"from\":null,\"to\":\"New Customer\"}\n"), "{line}");
    }
}
