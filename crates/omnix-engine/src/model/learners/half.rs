//! A figure in two bytes.

use omnix_model::{DecodeError, Reader, Writer};

use crate::math::narrow;

/// A figure in two bytes: the upper half of a float of 32 bits (bfloat16), rounded; right to 0.4 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Half(u16);

impl Half {
    pub(crate) fn of(figure: f64) -> Self {
        // What is not finite says nothing.
        let figure = if figure.is_finite() { narrow(figure) } else { 0.0 };
        let [_, _, low, high] = figure.to_bits().saturating_add(0x7fff).to_le_bytes();
        Self(u16::from_le_bytes([low, high]))
    }

    pub(crate) fn value(self) -> f64 {
        let value = f32::from_bits(u32::from(self.0) << 16);
        if value.is_finite() { value.into() } else { 0.0 }
    }

    pub(crate) fn encode(self, out: &mut Writer) {
        out.raw(&self.0.to_le_bytes());
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(u16::from_le_bytes([from.u8()?, from.u8()?])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_right_to_four_in_a_thousand() {
        for figure in [0.0, 1.0, -1.0, 0.003, 3.777, -9.21, 365.0, 12_345.678, 1e-9] {
            let value = Half::of(figure).value();
            assert!((value - figure).abs() <= 0.004 * figure.abs(), "{figure}: {value}");
        }
        for wild in [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN] {
            assert!(Half::of(wild).value().is_finite(), "{wild}");
        }
    }
}
