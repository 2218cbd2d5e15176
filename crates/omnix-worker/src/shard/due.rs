//! Time passes in a lane: what falls due on the way fires, in the order of (due, customer).
//!
//! Which timer is next and what must be read to know it says [`Timers`]; here it is read and carried out.

use std::ops::ControlFlow;

use omnix_engine::{Cause, Moment};
use omnix_model::{CustomerId, Lane, Position, Timestamp};
use omnix_storage::{KeyRange, Order};

use super::apply::Step;
use super::{Shard, ShardError};
use crate::keys;
use crate::timers::{Next, ROWS_READ, Timers, Unknown};

/// The hour in which a timer falls due, and whose it is.
type TimerRow = (i64, CustomerId);

impl Shard {
    /// The timers of a lane as they are committed; none is in hand yet.
    pub(super) fn open_timers(&self, lane: Lane) -> Result<Timers, ShardError> {
        let mut first = None;
        let rows = KeyRange::prefix(&keys::timers_of_lane(lane));
        self.reader.scan(&rows, Order::Ascending, &mut |key, _| {
            first = keys::parse_timer(key).map(|(hour, _)| hour);
            ControlFlow::Break(())
        })?;
        Ok(Timers::new(first))
    }

    /// Moves a lane to `until`: what falls due on the way fires.
    pub(super) fn advance(
        &mut self,
        lane: usize,
        until: Timestamp,
        is_history: bool,
        at: Position,
    ) -> Result<(), ShardError> {
        loop {
            match self.lane_mut(lane)?.timers.next(until) {
                Next::Nothing => break,
                Next::Read(unknown) => self.read_timers(lane, unknown)?,
                Next::Due(due, customer) => {
                    let state = self.lane_mut(lane)?;
                    // On history's clock a timer fires at its own time; live at the time that the lane has.
                    let now = if is_history { due.max(state.row.now) } else { until };
                    state.row.now = state.row.now.max(now);
                    state.is_dirty = true;
                    let step = Step { at, lane, moment: Moment { now, is_history } };
                    self.fire(step, due, &customer)?;
                }
            }
        }
        let state = self.lane_mut(lane)?;
        state.row.now = state.row.now.max(until);
        Ok(())
    }

    /// Takes the timers up to the lane's own time out of hand again, after a start.
    pub(super) fn rebuild_timers(&mut self, lane: usize) -> Result<(), ShardError> {
        let now = self.lane_mut(lane)?.row.now;
        loop {
            match self.lane_mut(lane)?.timers.next(now) {
                Next::Read(unknown) => self.read_timers(lane, unknown)?,
                // What is due by now has fired; what remains did not move on, and waits for the next event.
                Next::Due(..) => {}
                Next::Nothing => return Ok(()),
            }
        }
    }

    /// Reads what is needed to know whether a timer of a lane is due by `now`.
    pub(super) fn read_first_timer(&mut self, lane: usize, now: Timestamp) -> Result<(), ShardError> {
        self.present = now;
        while let Some(unknown) = self.lane_mut(lane)?.timers.unknown(now) {
            self.read_timers(lane, unknown)?;
        }
        Ok(())
    }

    fn read_timers(&mut self, index: usize, unknown: Unknown) -> Result<(), ShardError> {
        let lane = self.lane_mut(index)?.lane;
        match unknown {
            Unknown::Rows(from) => {
                let (rows, beyond) = self.timer_rows(lane, from)?;
                self.lane_mut(index)?.timers.load(from, rows, beyond);
            }
            Unknown::Time(hour, customer) => {
                let place = self.customer(lane, &customer)?;
                let due = self.hot.get(place).and_then(|held| held.shell.timer);
                self.lane_mut(index)?.timers.look_up(hour, customer, due);
            }
        }
        Ok(())
    }

    /// The next rows of timers from hour `from` on, as committed, and the first hour behind them that has any.
    fn timer_rows(&self, lane: Lane, from: i64) -> Result<(Vec<TimerRow>, Option<i64>), ShardError> {
        let mut range = KeyRange::prefix(&keys::timers_of_lane(lane));
        range.from = keys::timers_of(lane, from);
        let (mut rows, mut beyond): (Vec<TimerRow>, _) = (Vec::new(), None);
        self.reader.scan(&range, Order::Ascending, &mut |key, _| {
            let Some((hour, customer)) = keys::parse_timer(key) else { return ControlFlow::Continue(()) };
            if rows.len() >= ROWS_READ && rows.last().is_some_and(|(last, _)| *last < hour) {
                beyond = Some(hour);
                return ControlFlow::Break(());
            }
            rows.push((hour, customer));
            ControlFlow::Continue(())
        })?;
        Ok((rows, beyond))
    }

    fn fire(&mut self, step: Step, due: Timestamp, customer: &CustomerId) -> Result<(), ShardError> {
        let lane = self.lane_mut(step.lane)?.lane;
        let place = self.customer(lane, customer)?;
        self.counted.timers += 1;
        if let Err(why) = self.apply_to(step, place, Cause::Timer)? {
            tracing::error!(lane = lane.number(), why, "a timer could not be applied");
        }
        let is_stuck = self.hot.get(place).is_some_and(|held| held.shell.timer == Some(due));
        if is_stuck {
            // It left the hand when it fired and stays out: the customer's next event sets it anew.
            self.context.counters.timers_stuck.add(1);
        }
        Ok(())
    }
}
