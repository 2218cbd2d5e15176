//! Probabilities that are learnt from what came about: will a product be bought again within so many days, will
//! a customer order within 60.
//!
//! Lanes send rows: a pair on the day on which it was bought (`expects`), pairs and customers as they stand once
//! a week (`due`, `stands`); and what came about. Rows wait here until a horizon has ended, then one learner a
//! horizon learns from each, in an order that follows from the rows. A row is never learnt from before its
//! horizon has ended, positive ones neither: that would bias the fit.
//!
//! Gates bound what waits: rows are taken by hash, every row at first, every second when more wait than there is
//! room for, and so on. Lanes read the gates from the model in force and send nothing in vain.
//!
//! Deliberately not here: the figures of a row (`pair`, `visit`), one learner (`logistic`).

mod filter;
mod half;
mod logistic;
mod pair;
mod row;
mod visit;
mod waiting;

use omnix_model::{DecodeError, Reader, Timestamp, Writer};

pub(crate) use logistic::{Belief, Logistic, logit, probability};
pub use logistic::{LearnerStage, LearnerStatus};
pub(crate) use pair::{KeptPair, PAIR_FEATURES, PAIR_REASONS, PairFigures};
pub use row::{Bought, LearnerInput, Ordered, PairRow, RowKey, VisitRow};
pub(crate) use row::{Row, next_look, what, who};
pub(crate) use visit::{KeptVisit, VISIT_FEATURE_NAMES, VISIT_FEATURES, VisitFigures};
use waiting::Waiting;

use crate::calendar::Day;
use crate::model::IntervalSums;
use crate::model::tally::RowSample;

/// Days ahead for which a pair is asked on the day on which it was bought.
pub(crate) const BOUGHT_DAYS: [u8; 8] = [3, 7, 10, 14, 21, 30, 45, 60];
/// Those of them that insights speak of.
const MONTH_DAYS: f64 = 30.0;
/// Days ahead for which a pair is asked on any day.
pub(crate) const DUE_DAYS: [u8; 3] = [7, 14, 30];
const DUE_DAYS_MAX: u8 = 30;
/// Days ahead for which a customer is asked.
pub(crate) const VISIT_DAYS: u8 = 60;

/// Rows of each kind that wait at the most; when there are more, every second is let go.
const WAITING_MAX: usize = 8_192;
/// What is believed of the weights of learners before any row: little of a pair, whose many figures say much the
/// same; more of a customer.
const PAIR_VARIANCE: f64 = 0.05;
const VISIT_VARIANCE: f64 = 0.5;
/// How much more of the season lies between what was learnt and what is said, for each day ahead.
const BOUGHT_DRIFT: f64 = 5e-5 / 30.0;
const DUE: Belief = Belief { variance: PAIR_VARIANCE, drift: 5e-8 };
const VISIT: Belief = Belief { variance: VISIT_VARIANCE, drift: 1.5e-6 };
/// The seed of ln(days) between order days: 30 days, and the orders that it counts for.
const SEED_DAYS: f64 = 30.0;

/// Which rows are taken: those whose hash begins with so many zeros (in bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Gates {
    /// Of pairs on the day on which they were bought.
    expects: u8,
    /// Of pairs on any day.
    due: u8,
    /// Of customers, whose pairs and who themselves are looked at once a week.
    looks: u8,
}

impl Gates {
    /// Whether a pair on the day on which it was bought is a row.
    pub(crate) fn take_expects(self, key: RowKey) -> bool {
        passes(key.what, self.expects)
    }

    /// Whether the customer is looked at once a week.
    pub(crate) fn take_looks(self, who: u32) -> bool {
        passes(who, self.looks)
    }

    /// Whether one of the customer's pairs is a row on `day`.
    pub(crate) fn take_due(self, key: RowKey, day: Day) -> bool {
        self.take_looks(key.who) && passes(on_day(key.what, day), self.due)
    }
}

fn passes(hash: u32, zeros: u8) -> bool {
    hash.leading_zeros() >= zeros.into()
}

/// Another hash on each day, so that it is not always the same pairs that are looked at.
fn on_day(hash: u32, day: Day) -> u32 {
    let mixed = (hash ^ day.cast_unsigned().wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
    (mixed ^ mixed >> 15).wrapping_mul(0xc2b2_ae35)
}

/// All learners, and what waits for them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Learners {
    bought: [Logistic<PAIR_FEATURES>; 8],
    due: [Logistic<PAIR_FEATURES>; 3],
    visit: Logistic<VISIT_FEATURES>,
    /// Days between the order days of one customer, over all customers.
    visits: IntervalSums,
    gates: Gates,
    expects_waiting: Waiting<PairRow>,
    due_waiting: Waiting<PairRow>,
    visits_waiting: Waiting<VisitRow>,
}

impl Learners {
    /// What is believed before anything was seen.
    pub(crate) fn seed() -> Self {
        let mut visits = IntervalSums::default();
        visits.add(SEED_DAYS);
        Self {
            bought: BOUGHT_DAYS.map(|days| Logistic::seed(bought_belief(days))),
            due: std::array::from_fn(|_| Logistic::seed(DUE)),
            visit: Logistic::seed(VISIT),
            visits,
            gates: Gates::default(),
            expects_waiting: Waiting::default(),
            due_waiting: Waiting::default(),
            visits_waiting: Waiting::default(),
        }
    }

    /// Which rows are taken.
    pub(crate) const fn gates(&self) -> Gates {
        self.gates
    }

    /// The mean of ln(days) between order days, over all customers.
    pub(crate) fn visit_mean(&self) -> f64 {
        self.visits.ln_days / self.visits.count
    }

    /// How far that mean is believed: not at all before anything was seen, half after ten intervals.
    pub(crate) fn visit_trust(&self) -> f64 {
        let seen = self.visits.count - 1.0;
        seen / (seen + 10.0)
    }

    /// The probabilities that a pair is bought within [`BOUGHT_DAYS`] of the day on which it was bought; never
    /// falling.
    pub(crate) fn bought(&self, pair: &PairFigures) -> [f64; 8] {
        rising(BOUGHT_DAYS, &self.bought, pair)
    }

    /// The probability that a pair is bought within 30 days of the day on which it was bought.
    pub(crate) fn bought_within_month(&self, pair: &PairFigures) -> f64 {
        probability(self.month().logit(&pair.features(MONTH_DAYS)))
    }

    /// Which form says so.
    pub(crate) fn month_stage(&self) -> LearnerStage {
        self.month().stage()
    }

    /// What each group of figures adds to those log-odds, and what they are when all are usual; none while the
    /// analytic form speaks.
    pub(crate) fn month_reasons(&self, pair: &PairFigures) -> Option<(Vec<(&'static str, f64)>, f64)> {
        let (terms, usual) = self.month().terms(&pair.features(MONTH_DAYS))?;
        let mut reasons: Vec<(&'static str, f64)> = Vec::new();
        for (name, term) in PAIR_REASONS.into_iter().zip(terms) {
            match reasons.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += term,
                None => reasons.push((name, term)),
            }
        }
        Some((reasons, usual))
    }

    /// The learner of 30 days.
    fn month(&self) -> &Logistic<PAIR_FEATURES> {
        let [_, _, _, _, _, month, ..] = &self.bought;
        month
    }

    /// The probabilities that a pair is bought within the next [`DUE_DAYS`], the first of which has begun; never
    /// falling.
    pub(crate) fn due(&self, pair: &PairFigures) -> [f64; 3] {
        rising(DUE_DAYS, &self.due, pair)
    }

    /// The log-odds that a customer orders within the next 60 days. Of silence far beyond a customer's rhythm a
    /// shop may have seen too little to have learnt what it means: the probability is that of what was learnt
    /// times [`VisitFigures::belief`].
    pub(crate) fn visit(&self, figures: &VisitFigures) -> f64 {
        let learnt = self.visit.logit(&figures.features());
        match figures.belief() {
            belief if belief < 1.0 => logit(belief * probability(learnt)),
            _ => learnt,
        }
    }

    /// What each figure of a customer adds to those log-odds, by [`VISIT_FEATURE_NAMES`], and what they are
    /// when all are usual; none while the analytic form speaks.
    pub(crate) fn visit_terms(&self, figures: &VisitFigures) -> Option<([f64; VISIT_FEATURES], f64)> {
        self.visit.terms(&figures.features())
    }

    /// How each learner does, under a stable name.
    pub(crate) fn status(&self) -> Vec<(&'static str, u8, LearnerStatus)> {
        let bought = BOUGHT_DAYS.iter().zip(&self.bought);
        let due = DUE_DAYS.iter().zip(&self.due);
        let mut all: Vec<_> =
            bought.map(|(days, learner)| ("bought_again", *days, learner.status())).collect();
        all.extend(due.map(|(days, learner)| ("due", *days, learner.status())));
        all.push(("order", VISIT_DAYS, self.visit.status()));
        all
    }

    /// Rows that wait for a label.
    pub(crate) fn waiting(&self) -> usize {
        self.expects_waiting.len() + self.due_waiting.len() + self.visits_waiting.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.expects_waiting.memory_bytes()
            + self.due_waiting.memory_bytes()
            + self.visits_waiting.memory_bytes()
    }

    /// Learns from an epoch that ended at `until`.
    pub(in crate::model) fn fold<'a>(
        &mut self,
        samples: impl Iterator<Item = &'a RowSample> + Clone,
        until: Timestamp,
    ) {
        let all = |of: fn(&RowSample) -> &Vec<PairRow>| samples.clone().flat_map(of).copied().collect();
        self.expects_waiting.add(all(|sample| &sample.expects));
        self.due_waiting.add(all(|sample| &sample.due));
        self.visits_waiting.add(samples.clone().flat_map(|sample| &sample.stands).copied().collect());
        for sample in samples {
            sample.bought.iter().for_each(|bought| self.note_bought(*bought));
            sample.ordered.iter().for_each(|ordered| self.note_ordered(*ordered));
        }
        // The day in which the epoch ended may not be over.
        let closed = until.utc_day().saturating_sub(1);
        self.label(Day::try_from(closed).unwrap_or(Day::MAX));
        self.narrow();
    }

    fn note_bought(&mut self, Bought { key, since, day }: Bought) {
        self.expects_waiting.note(since, key, i64::from(day) - i64::from(since));
        // From the day after the purchase to this one the pair may have been looked at.
        for look in looks(key.who, since, day, DUE_DAYS_MAX) {
            self.due_waiting.note(look, key, i64::from(day) - i64::from(look) + 1);
        }
    }

    fn note_ordered(&mut self, Ordered { who, since, day }: Ordered) {
        self.visits.add((f64::from(day) - f64::from(since)).max(1.0));
        let key = RowKey { what: 0, who };
        for look in looks(who, since, day, VISIT_DAYS) {
            self.visits_waiting.note(look, key, i64::from(day) - i64::from(look) + 1);
        }
    }

    fn label(&mut self, closed: Day) {
        let Self { bought, due, visit, expects_waiting, due_waiting, visits_waiting, .. } = self;
        expects_waiting.label(closed, &BOUGHT_DAYS, true, |row, horizon, came| {
            if let (Some(learner), Some(days)) = (bought.get_mut(horizon), BOUGHT_DAYS.get(horizon)) {
                learn_pair(learner, *days, row, came, bought_belief(*days));
            }
        });
        due_waiting.label(closed, &DUE_DAYS, false, |row, horizon, came| {
            if let (Some(learner), Some(days)) = (due.get_mut(horizon), DUE_DAYS.get(horizon)) {
                learn_pair(learner, *days, row, came, DUE);
            }
        });
        visits_waiting.label(closed, &[VISIT_DAYS], false, |row, _, came| {
            visit.learn(&row.figures.figures().features(), came, VISIT);
        });
    }

    /// Lets every second row go where more wait than there is room for.
    fn narrow(&mut self) {
        let gates = &mut self.gates;
        while self.expects_waiting.len() > WAITING_MAX {
            gates.expects += 1;
            self.expects_waiting.keep(|row| gates.take_expects(row.key));
        }
        while self.due_waiting.len() > WAITING_MAX {
            gates.due += 1;
            self.due_waiting.keep(|row| gates.take_due(row.key, row.day));
        }
        while self.visits_waiting.len() > WAITING_MAX {
            gates.looks += 1;
            self.visits_waiting.keep(|row| gates.take_looks(row.key.who));
            self.due_waiting.keep(|row| gates.take_looks(row.key.who));
        }
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        self.bought.iter().chain(&self.due).for_each(|learner| learner.encode(out));
        self.visit.encode(out);
        out.f64(self.visits.count);
        out.f64(self.visits.ln_days);
        let Gates { expects, due, looks } = self.gates;
        [expects, due, looks].into_iter().for_each(|zeros| out.u8(zeros));
        self.expects_waiting.encode(out);
        self.due_waiting.encode(out);
        self.visits_waiting.encode(out);
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut learners = Self::seed();
        for learner in learners.bought.iter_mut().chain(&mut learners.due) {
            *learner = Logistic::decode(from)?;
        }
        learners.visit = Logistic::decode(from)?;
        learners.visits = IntervalSums { count: from.f64()?, ln_days: from.f64()? };
        if !(learners.visits.count >= 1.0 && learners.visits.ln_days.is_finite()) {
            return Err(DecodeError::Invalid("visits"));
        }
        learners.gates = Gates { expects: from.u8()?, due: from.u8()?, looks: from.u8()? };
        learners.expects_waiting = Waiting::decode(from)?;
        learners.due_waiting = Waiting::decode(from)?;
        learners.visits_waiting = Waiting::decode(from)?;
        Ok(learners)
    }
}

/// The days after `since`, up to `day` and at most `days` before it, on which `who` is looked at.
fn looks(who: u32, since: Day, day: Day, days: u8) -> impl Iterator<Item = Day> {
    let before = since.max(day.saturating_sub(days.into()));
    let first = next_look(who, before);
    std::iter::successors(Some(first), |look| look.checked_add(7)).take_while(move |look| *look <= day)
}

/// What the learners of `days` say, made never to fall.
fn rising<const H: usize>(
    days: [u8; H],
    learners: &[Logistic<PAIR_FEATURES>; H],
    pair: &PairFigures,
) -> [f64; H] {
    let mut least = 0.0_f64;
    let mut said = [0.0; H];
    for ((place, days), learner) in said.iter_mut().zip(days).zip(learners) {
        least = least.max(probability(learner.logit(&pair.features(days.into()))));
        *place = least;
    }
    said
}

fn learn_pair(learner: &mut Logistic<PAIR_FEATURES>, days: u8, row: &PairRow, came: bool, belief: Belief) {
    learner.learn(&row.figures.figures().features(days.into()), came, belief);
}

fn bought_belief(days: u8) -> Belief {
    Belief { variance: PAIR_VARIANCE, drift: BOUGHT_DRIFT * f64::from(days) }
}

#[cfg(test)]
mod tests;
