//! Which of the products that are new to a customer they take: a conditional logit, learnt as orders come.
//!
//! Of the products on offer each is taken with a probability that goes with `(c + f) s^b l^d` (`McFadden` 1974,
//! Conditional logit analysis of qualitative choice behavior): `c` is how well it goes with what the customer buys,
//! as a part of the best one's, `s` and `l` its sales, lately and for long, as parts of the best-selling product's.
//! A shop of many lines an order shows in its companions what comes next, one of few lines in what is popular: so
//! `f`, `b` and `d` are learnt. They start from company times what sells lately, and follow the orders by steps of
//! Fisher scoring in information form: what each order says is a vector and a matrix, taken at the weights in
//! force, so that lanes send sums and no row waits. Both fade.
//!
//! Deliberately not here: what is on offer (`ranking`), and how the weights rank it (`novelty`).

use omnix_model::{DecodeError, Reader, Writer};

use crate::math::{decay, exp, ln};
use crate::model::learners::{LearnerStage, LearnerStatus};

/// How many weights there are.
const WEIGHTS: usize = 3;
/// `ln f`, `b` and `d`; or a figure for each of them.
type Vector = [f64; WEIGHTS];
/// The upper half of a symmetric matrix, row by row.
type Symmetric = [f64; WEIGHTS * (WEIGHTS + 1) / 2];
/// Where the entries of the upper half stand in the matrix.
const PLACES: [(usize, usize); WEIGHTS * (WEIGHTS + 1) / 2] =
    [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];

/// Sales, as a part of the best-selling product's, below which they are noise.
const SALES_FLOOR: f64 = 0.001;

/// What is believed before any order: company beyond a tenth of the best one's, times what sells lately.
const PRIOR: Vector = [-std::f64::consts::LN_10, 1.0, 0.0];
/// The inverse of the variance of each weight, before any order.
const PRIOR_PRECISION: Symmetric = [2.0, 0.0, 0.0, 5.0, 0.0, 5.0];
/// Days after which what an order said counts half.
const HALF_LIFE_DAYS: f64 = 30.0;
/// Within what the weights stay: from company that is all to company that is nothing, and far beyond any shop.
const BOUNDS: [(f64, f64); WEIGHTS] = [(-6.0, 3.5), (-4.0, 4.0), (-4.0, 4.0)];
/// Orders of an epoch that are looked at; when there are more, every second is let go, or more of them.
const ORDERS_MAX: f64 = 8.0;
/// Orders, those of 30 days before counting half, that tell enough: while there are fewer, more are looked at.
const ORDERS_ENOUGH: f64 = 100.0;
/// The gate at first: one order in eight.
const GATE: u8 = 3;
/// Zeros that a gate asks for at the most.
const GATE_MAX: u8 = 40;
/// How much larger the loss of what was learnt may be before the fixed weights speak.
const WORSE: f64 = 1.02;
/// Sums beyond which something is broken.
const SUM_MAX: f64 = 1e12;

/// What what a customer may take goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ChoiceWeights {
    /// `f`: company below it is noise.
    pub floor: f64,
    /// `b`: how much sales count that are of late.
    pub short: f64,
    /// `d`: how much those count that are not.
    pub long: f64,
}

impl ChoiceWeights {
    fn of([ln_floor, short, long]: Vector) -> Self {
        Self { floor: exp(ln_floor), short, long }
    }

    /// What a product's sales make of it, `s^b l^d`, as a logarithm; sales as parts of the largest.
    pub(crate) fn ln_attraction(&self, sales: (f64, f64)) -> f64 {
        let [short, long] = ln_sales(sales);
        self.short * short + self.long * long
    }
}

fn ln_sales((short, long): (f64, f64)) -> [f64; 2] {
    [ln(short + SALES_FLOOR), ln(long + SALES_FLOOR)]
}

/// A product that was on offer: its company and its sales, as parts of the largest, and whether it was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Offered {
    pub company: f64,
    pub sales: (f64, f64),
    pub is_taken: bool,
}

/// What orders say of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ChoiceSums {
    orders: f64,
    taken: f64,
    /// The information `I` of the choices at the weights `w` in force: `taken` times the covariance of the slopes.
    information: Symmetric,
    /// `I w` and the gradient.
    vector: Vector,
    /// The sum of -ln of the probability of what was taken, as learnt and by the fixed weights.
    loss: f64,
    fallback_loss: f64,
}

impl ChoiceSums {
    pub(in crate::model) fn merge(&mut self, other: &Self) {
        for (sum, added) in self.all_mut().into_iter().zip(other.all()) {
            *sum += added;
        }
    }

    /// Whether all of it is finite and can be summed up.
    pub(in crate::model) fn is_sane(&self) -> bool {
        self.all().into_iter().all(|sum| sum.abs() <= SUM_MAX)
            && self.orders >= 0.0
            && self.taken >= 0.0
            && [0, 3, 5].iter().all(|place| self.information.get(*place).is_some_and(|own| *own >= 0.0))
    }

    pub(in crate::model) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn all(&self) -> [f64; 13] {
        let [a, b, c, d, e, f] = self.information;
        let [x, y, z] = self.vector;
        [self.orders, self.taken, a, b, c, d, e, f, x, y, z, self.loss, self.fallback_loss]
    }

    fn all_mut(&mut self) -> [&mut f64; 13] {
        let [a, b, c, d, e, f] = &mut self.information;
        let [x, y, z] = &mut self.vector;
        let (orders, taken) = (&mut self.orders, &mut self.taken);
        [orders, taken, a, b, c, d, e, f, x, y, z, &mut self.loss, &mut self.fallback_loss]
    }

    /// Appends it to `out`: whether there is anything, then 13 floats.
    pub fn encode(&self, out: &mut Writer) {
        out.flag(!self.is_empty());
        if !self.is_empty() {
            self.all().into_iter().for_each(|sum| out.f64(sum));
        }
    }

    /// What [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no such sums.
    pub fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut sums = Self::default();
        if from.flag()? {
            for sum in sums.all_mut() {
                *sum = from.f64()?;
            }
        }
        if sums.is_sane() { Ok(sums) } else { Err(DecodeError::Invalid("choices")) }
    }
}

/// What is learnt of choices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Choices {
    /// What was seen, fading; in it the precision and the vector of what is believed.
    seen: ChoiceSums,
    weights: Vector,
    /// Products that were taken, all of them.
    labels: f64,
    /// Only orders are looked at whose hash begins with so many zeros (in bits).
    gate: u8,
}

impl Choices {
    /// What is believed before any order.
    pub(crate) fn seed() -> Self {
        let seen = ChoiceSums {
            information: PRIOR_PRECISION,
            vector: times(&PRIOR_PRECISION, &PRIOR),
            ..ChoiceSums::default()
        };
        Self { seen, weights: PRIOR, labels: 0.0, gate: GATE }
    }

    /// What what customers take goes by.
    pub(crate) fn weights(&self) -> ChoiceWeights {
        ChoiceWeights::of(if self.stage() == LearnerStage::Learnt { self.weights } else { PRIOR })
    }

    /// Whether the order with this hash is looked at.
    pub(crate) fn takes(&self, key: u64) -> bool {
        key.leading_zeros() >= self.gate.into()
    }

    /// What an order says; none when nothing on offer was taken.
    pub(crate) fn observe(&self, offered: &[Offered]) -> Option<ChoiceSums> {
        let taken = offered.iter().filter(|offered| offered.is_taken).count() as f64;
        if taken < 1.0 {
            return None;
        }
        let (weights, sales): (_, Vec<_>) = (
            ChoiceWeights::of(self.weights),
            offered.iter().map(|offered| ln_sales(offered.sales)).collect(),
        );
        let (chances, loss) = chances(&weights, offered, &sales);
        let (_, fallback_loss) = self::chances(&ChoiceWeights::of(PRIOR), offered, &sales);
        // By how much each weight moves the logarithm of what a product is worth.
        let slopes = || {
            let floor = weights.floor;
            offered
                .iter()
                .zip(&sales)
                .map(move |(offered, [short, long])| [floor / (offered.company + floor), *short, *long])
        };
        let (mut mean, mut information, mut chosen) = ([0.0; WEIGHTS], [0.0; PLACES.len()], [0.0; WEIGHTS]);
        slopes().zip(&chances).for_each(|(slope, chance)| add(&mut mean, *chance, &slope));
        for ((slope, chance), offered) in slopes().zip(&chances).zip(offered) {
            let off: Vector = std::array::from_fn(|place| at(&slope, place) - at(&mean, place));
            for (entry, (row, column)) in information.iter_mut().zip(PLACES) {
                *entry += taken * chance * at(&off, row) * at(&off, column);
            }
            if offered.is_taken {
                add(&mut chosen, 1.0, &off);
            }
        }
        let mut vector = times(&information, &self.weights);
        add(&mut vector, 1.0, &chosen);
        Some(ChoiceSums { orders: 1.0, taken, information, vector, loss, fallback_loss })
    }

    /// Learns from the orders of an epoch that ended `days` after the one before.
    pub(in crate::model) fn fold(&mut self, sums: &ChoiceSums, days: f64) {
        let kept = decay(days, HALF_LIFE_DAYS);
        let (prior, old) = (Self::seed().seen, self.seen);
        let seen = ChoiceSums {
            orders: kept * old.orders + sums.orders,
            taken: kept * old.taken + sums.taken,
            information: followed(kept, &old.information, &prior.information, &sums.information),
            vector: followed(kept, &old.vector, &prior.vector, &sums.vector),
            loss: kept * old.loss + sums.loss,
            fallback_loss: kept * old.fallback_loss + sums.fallback_loss,
        };
        self.seen = seen;
        self.labels += sums.taken;
        self.weights = solved(&seen.information, &seen.vector).unwrap_or(PRIOR);
        let mut orders = sums.orders;
        if orders < ORDERS_MAX / 4.0 && seen.orders < ORDERS_ENOUGH {
            self.gate = self.gate.saturating_sub(1);
        }
        while orders > ORDERS_MAX && self.gate < GATE_MAX {
            self.gate += 1;
            orders /= 2.0;
        }
    }

    fn stage(&self) -> LearnerStage {
        let is_worse = self.seen.loss > WORSE * self.seen.fallback_loss;
        if self.labels < LearnerStatus::LABELS_NEEDED
            || (self.labels >= LearnerStatus::LABELS_TO_JUDGE && is_worse)
        {
            LearnerStage::Analytic
        } else {
            LearnerStage::Learnt
        }
    }

    /// How it does.
    pub(crate) fn status(&self) -> LearnerStatus {
        let ChoiceSums { taken, loss, fallback_loss, .. } = self.seen;
        let mean = |loss: f64| if taken > 0.0 { loss / taken } else { 0.0 };
        LearnerStatus {
            labels: self.labels,
            loss: mean(loss),
            fallback_loss: mean(fallback_loss),
            stage: self.stage(),
        }
    }

    pub(in crate::model) fn encode(&self, out: &mut Writer) {
        self.seen.encode(out);
        out.f64(self.labels);
        out.u8(self.gate);
    }

    pub(in crate::model) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let seen = ChoiceSums::decode(from)?;
        let weights = solved(&seen.information, &seen.vector).ok_or(DecodeError::Invalid("choices"))?;
        let labels = from.f64()?;
        if !(0.0..=SUM_MAX).contains(&labels) {
            return Err(DecodeError::Invalid("choices"));
        }
        Ok(Self { seen, weights, labels, gate: from.u8()?.min(GATE_MAX) })
    }
}

/// What is believed after `new`, of what was believed before `kept` being left and the rest going back to `prior`.
fn followed<const N: usize>(kept: f64, old: &[f64; N], prior: &[f64; N], new: &[f64; N]) -> [f64; N] {
    let mut belief = *old;
    for ((belief, prior), new) in belief.iter_mut().zip(prior).zip(new) {
        *belief = kept * *belief + (1.0 - kept) * prior + new;
    }
    belief
}

/// With what probability each is taken, and the loss of those that were.
fn chances(weights: &ChoiceWeights, offered: &[Offered], sales: &[[f64; 2]]) -> (Vec<f64>, f64) {
    let ln_worth = offered.iter().zip(sales).map(|(offered, [short, long])| {
        ln(offered.company + weights.floor) + weights.short * short + weights.long * long
    });
    let mut chances: Vec<f64> = ln_worth.collect();
    let most = chances.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let taken = offered.iter().zip(&chances).filter(|(offered, _)| offered.is_taken);
    let (count, sum_taken) = taken.fold((0.0, 0.0), |(count, sum), (_, worth)| (count + 1.0, sum + worth));
    chances.iter_mut().for_each(|chance| *chance = exp(*chance - most));
    let sum: f64 = chances.iter().sum();
    chances.iter_mut().for_each(|chance| *chance /= sum);
    (chances, count * (most + ln(sum)) - sum_taken)
}

fn at(vector: &Vector, place: usize) -> f64 {
    vector.get(place).copied().unwrap_or_default()
}

fn add(sum: &mut Vector, times: f64, vector: &Vector) {
    sum.iter_mut().zip(vector).for_each(|(sum, figure)| *sum += times * figure);
}

fn times(&[a, b, c, d, e, f]: &Symmetric, &[x, y, z]: &Vector) -> Vector {
    [a * x + b * y + c * z, b * x + d * y + e * z, c * x + e * y + f * z]
}

/// The weights of which `matrix` makes `vector` (Cramer's rule), within bounds.
fn solved(matrix: &Symmetric, vector: &Vector) -> Option<Vector> {
    let &[a, b, c, d, e, f] = matrix;
    let cofactors =
        [d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e, a * d - b * b];
    let [of_a, of_b, of_c, ..] = cofactors;
    let determinant = a * of_a + b * of_b + c * of_c;
    if !(determinant.is_finite() && determinant > 0.0) {
        return None;
    }
    let mut weights = times(&cofactors, vector);
    for (weight, (least, most)) in weights.iter_mut().zip(BOUNDS) {
        *weight = (*weight / determinant).clamp(least, most);
    }
    Some(weights)
}

#[cfg(test)]
mod tests;
