//! What a commit observed, as a row: kept until the model that learnt from it is in force.
//!
//! The observations themselves are stored, not sums of them: absorbed again in their order they give the same
//! tally to the last bit, however they were dealt over commits. When a lane has gathered many rows in an epoch,
//! one that holds its whole tally takes their place.

use omnix_engine::{
    Basket, Buyer, ChoiceSums, Interval, LearnerInput, Measured, Observation, Occasion, Order, OrderHour,
    Sale, Score, Tally,
};
use omnix_model::{DecodeError, DeviceType, ProductId, Reader, Writer};
use smol_str::SmolStr;

/// Rows of a lane and epoch after which the whole tally takes their place.
pub(crate) const ROWS_MAX: usize = 64;

const VERSION: u8 = 1;
/// Of a row that holds a whole tally.
const VERSION_TALLY: u8 = 2;

/// A whole tally as a row: what was observed before it counts no more.
#[must_use]
pub fn encode_tally(tally: &Tally) -> Vec<u8> {
    let mut out = vec![VERSION_TALLY];
    out.extend(tally.encode());
    out
}

/// Brings `tally` forward by a row.
///
/// # Errors
/// [`DecodeError`] when the bytes are no such row.
pub fn absorb_row(tally: &mut Tally, row: &[u8]) -> Result<(), DecodeError> {
    match row.split_first() {
        Some((&VERSION_TALLY, whole)) => *tally = Tally::decode(whole)?,
        _ => tally.absorb(&decode(row)?),
    }
    Ok(())
}

/// The observations of several records as bytes: version, count, then kind and fields of each in the order of
/// their declaration.
#[must_use]
pub fn encode(observations: &[Observation]) -> Vec<u8> {
    let count = observations.len();
    let mut out = Writer::append_to(Vec::with_capacity(1 + 64 * count));
    out.u8(VERSION);
    out.uint(count as u64);
    for observation in observations {
        match observation {
            Observation::Sale(sale) => {
                out.u8(0);
                out.text(sale.product_id.as_str());
                out.text(&sale.product_name);
                out.text(&sale.product_category);
                out.u8(match sale.buyer {
                    Buyer::Anonymous => 0,
                    Buyer::First => 1,
                    Buyer::Again => 2,
                });
                out.flag(sale.ln_amount.is_some());
                if let Some(ln_amount) = sale.ln_amount {
                    out.f32(ln_amount);
                }
                out.time(sale.at);
                encode_occasion(sale.occasion, &mut out);
            }
            Observation::Interval(interval) => {
                out.u8(1);
                out.text(interval.product_id.as_str());
                out.f64(interval.days);
                encode_optional(interval.within, &mut out);
            }
            Observation::Basket(basket) => {
                out.u8(2);
                out.fixed64(basket.key);
                out.uint(basket.products.len() as u64);
                basket.products.iter().for_each(|product| out.text(product.as_str()));
                out.time(basket.at);
            }
            Observation::Order(order) => {
                out.u8(3);
                for measured in [order.whole, order.for_lines] {
                    out.f64(measured.y);
                    encode_optional(measured.within, &mut out);
                    encode_optional(measured.residual, &mut out);
                }
                out.flag(order.score.is_some());
                if let Some(score) = order.score {
                    out.f64(score.z);
                    encode_optional(score.line, &mut out);
                    out.flag(score.is_alert);
                }
            }
            Observation::Hour(order) => {
                out.u8(5);
                out.u8(order.hour);
                encode_optional(order.score, &mut out);
                out.flag(order.is_alert);
            }
            Observation::Learner(input) => {
                out.u8(4);
                input.encode(&mut out);
            }
            Observation::Choice(choice) => {
                out.u8(6);
                choice.encode(&mut out);
            }
        }
    }
    out.into_bytes()
}

/// The observations that [`encode`] wrote.
///
/// # Errors
/// [`DecodeError`] when the bytes are none.
pub fn decode(bytes: &[u8]) -> Result<Vec<Observation>, DecodeError> {
    let mut reader = Reader::new(bytes);
    match reader.u8()? {
        VERSION => {}
        version => return Err(DecodeError::Unknown(u64::from(version))),
    }
    let count = reader.count()?;
    let observations = (0..count).map(|_| decode_one(&mut reader)).collect::<Result<_, _>>()?;
    if reader.is_empty() { Ok(observations) } else { Err(DecodeError::Invalid("end of observations")) }
}

fn decode_one(reader: &mut Reader<'_>) -> Result<Observation, DecodeError> {
    Ok(match reader.u8()? {
        0 => Observation::Sale(Sale {
            product_id: product(reader)?,
            product_name: SmolStr::new(reader.text()?),
            product_category: SmolStr::new(reader.text()?),
            buyer: match reader.u8()? {
                0 => Buyer::Anonymous,
                1 => Buyer::First,
                2 => Buyer::Again,
                _ => return Err(DecodeError::Invalid("buyer")),
            },
            ln_amount: if reader.flag()? { Some(reader.f32()?) } else { None },
            at: reader.time()?,
            occasion: decode_occasion(reader)?,
        }),
        1 => Observation::Interval(Interval {
            product_id: product(reader)?,
            days: reader.f64()?,
            within: decode_optional(reader)?,
        }),
        2 => Observation::Basket(Basket {
            key: reader.fixed64()?,
            products: {
                let count = reader.count()?;
                (0..count).map(|_| product(reader)).collect::<Result<_, _>>()?
            },
            at: reader.time()?,
        }),
        3 => Observation::Order(Order {
            whole: measured(reader)?,
            for_lines: measured(reader)?,
            score: if reader.flag()? { Some(score(reader)?) } else { None },
        }),
        4 => Observation::Learner(LearnerInput::decode(reader)?),
        5 => Observation::Hour(OrderHour {
            hour: reader.u8()?,
            score: decode_optional(reader)?,
            is_alert: reader.flag()?,
        }),
        6 => Observation::Choice(ChoiceSums::decode(reader)?),
        kind => return Err(DecodeError::Unknown(u64::from(kind))),
    })
}

/// Part of the day (2 bits), device (2 bits), whether there is a place; then the place.
fn encode_occasion(occasion: Occasion, out: &mut Writer) {
    let device = occasion.device.map_or(0, DeviceType::number);
    out.u8(occasion.day_part | device << 2 | u8::from(occasion.place.is_some()) << 4);
    if let Some(place) = occasion.place {
        out.uint(place.into());
    }
}

fn decode_occasion(reader: &mut Reader<'_>) -> Result<Occasion, DecodeError> {
    let bits = reader.u8()?;
    if bits >> 5 != 0 {
        return Err(DecodeError::Invalid("occasion"));
    }
    let place = if bits >> 4 == 1 { Some(reader.uint()?) } else { None };
    let place = place.map(u32::try_from).transpose().or(Err(DecodeError::Invalid("place")))?;
    Ok(Occasion { day_part: bits & 3, device: DeviceType::from_number(bits >> 2 & 3), place })
}

fn measured(reader: &mut Reader<'_>) -> Result<Measured, DecodeError> {
    Ok(Measured { y: reader.f64()?, within: decode_optional(reader)?, residual: decode_optional(reader)? })
}

fn score(reader: &mut Reader<'_>) -> Result<Score, DecodeError> {
    Ok(Score { z: reader.f64()?, line: decode_optional(reader)?, is_alert: reader.flag()? })
}

/// What is not finite is left out: a tally leaves it out too.
fn encode_optional(value: Option<f64>, out: &mut Writer) {
    let value = value.filter(|value| value.is_finite());
    out.flag(value.is_some());
    if let Some(value) = value {
        out.f64(value);
    }
}

fn decode_optional(reader: &mut Reader<'_>) -> Result<Option<f64>, DecodeError> {
    if reader.flag()? { reader.f64().map(Some) } else { Ok(None) }
}

fn product(reader: &mut Reader<'_>) -> Result<ProductId, DecodeError> {
    ProductId::new(reader.text()?).or(Err(DecodeError::Invalid("product")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnix_model::Timestamp;

    #[test]
    fn observations_come_back_and_cut_ones_do_not() {
        let product = ProductId::new("tea").unwrap();
        let at = Timestamp::from_ms_clamped(1_767_225_600_123);
        let all = vec![
            Observation::Sale(Sale {
                product_id: product.clone(),
                product_name: "Tea".into(),
                product_category: "hot".into(),
                buyer: Buyer::Again,
                ln_amount: Some(2.25),
                at,
                occasion: Occasion { day_part: 2, device: Some(DeviceType::Pos), place: Some(u32::MAX) },
            }),
            Observation::Interval(Interval { product_id: product.clone(), days: 3.5, within: Some(0.25) }),
            Observation::Basket(Basket { key: 7, products: vec![product.clone(), product], at }),
            Observation::Order(Order {
                whole: Measured { y: 3.0, within: None, residual: Some(-1.0) },
                for_lines: Measured { y: 2.0, within: Some(0.5), residual: None },
                score: Some(Score { z: 2.5, line: Some(0.5), is_alert: true }),
            }),
            Observation::Hour(OrderHour { hour: 23, score: Some(4.5), is_alert: true }),
            Observation::Choice(ChoiceSums::default()),
        ];
        let bytes = encode(&all);
        assert_eq!(decode(&bytes), Ok(all));
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
