//! The bytes of a model, version 1.
//!
//! `version` · number · name (8 bytes) · until (flag, time) · limits (4) · intervals (6 floats) · amounts (2 x 9
//! floats, lines (count, sum), 2 x 320 scores, scored orders, alerts) · hours (24 x orders, 320 scores, scored
//! orders, alerts) · products by slot (count; flag; id, name, category, time, intervals (count, sum), popularity (5
//! floats), baskets, lines (count, sum)) · companions (anchor (flag, time); by slot: count, (difference, weight)) ·
//! occasions (count; circumstance, sales, others (floats), products (count; difference, sales)) · choices (flag, 13
//! floats; labels, gate) · learners (11 of pairs, 1 of customers; what waits). Numbers are varints, figures floats
//! with all their bits.

use std::sync::Arc;

use omnix_model::{DecodeError, Reader, Writer};

use crate::model::catalogue::Catalogue;
use crate::model::companions::Companions;
use crate::model::learners::Learners;
use crate::model::occasions::Occasions;
use crate::model::{AmountPrior, Body, Choices, HourPrior, IntervalPrior, Model, ModelLimits, Product};

const VERSION: u64 = 1;

impl Model {
    /// The whole model as bytes, from which [`learn`](crate::learn) can go on: exact, the same model gives the
    /// same bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let body = &*self.body;
        let mut out = Writer::new();
        out.uint(VERSION);
        out.uint(body.number);
        out.fixed64(body.name);
        out.flag(body.until.is_some());
        if let Some(until) = body.until {
            out.time(until);
        }
        body.limits.encode(&mut out);
        body.intervals.encode(&mut out);
        body.amounts.encode(&mut out);
        body.hours.encode(&mut out);
        let slots = body.catalogue.slots();
        out.uint(slots.len() as u64);
        for product in slots {
            out.flag(product.is_some());
            if let Some(product) = product {
                product.encode(&mut out);
            }
        }
        body.companions.encode(slots.len(), &mut out);
        body.occasions.encode(&mut out);
        body.choices.encode(&mut out);
        body.learners.encode(&mut out);
        out.into_bytes()
    }

    /// How many bytes [`Self::encode`] writes at the least, without writing any.
    #[must_use]
    pub fn encoded_bytes_min(&self) -> usize {
        self.body.companions.encoded_bytes_min()
    }

    /// The model that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a model.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        match from.uint()? {
            VERSION => {}
            version => return Err(DecodeError::Unknown(version)),
        }
        let (number, name) = (from.uint()?, from.fixed64()?);
        let until = if from.flag()? { Some(from.time()?) } else { None };
        let limits = ModelLimits::decode(&mut from)?;
        let intervals = IntervalPrior::decode(&mut from)?;
        let amounts = AmountPrior::decode(&mut from)?;
        let hours = HourPrior::decode(&mut from)?;
        let catalogue = read_catalogue(&mut from)?;
        let companions = Companions::decode(&mut from, &catalogue)?;
        let occasions = Occasions::decode(&mut from, &catalogue)?;
        let choices = Choices::decode(&mut from)?;
        let learners = Arc::new(Learners::decode(&mut from)?);
        if !from.is_empty() {
            return Err(DecodeError::Invalid("model"));
        }
        Ok(Self::of_body(Body {
            number,
            name,
            until,
            limits,
            intervals,
            amounts,
            hours,
            catalogue,
            companions,
            occasions,
            choices,
            learners,
        }))
    }
}

fn read_catalogue(from: &mut Reader<'_>) -> Result<Catalogue, DecodeError> {
    let count = from.count()?;
    let mut slots = Vec::new();
    for _ in 0..count {
        slots.push(if from.flag()? { Some(Product::decode(from)?) } else { None });
    }
    let catalogue = Catalogue::of_slots(slots);
    // An id that stands twice is found in its first slot only.
    let is_unique = catalogue.iter().all(|(slot, product)| catalogue.find(&product.id) == Some(slot));
    if is_unique { Ok(catalogue) } else { Err(DecodeError::Invalid("product id")) }
}
