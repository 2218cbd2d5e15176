//! All segments, and what moved between them.

use omnix_model::{Segment, SegmentName, Timestamp};
use omnix_storage::StoreError;
use smol_str::SmolStr;

use super::overview::end_of;
use super::{Queries, QueryError, SegmentFlow, SegmentRow, SegmentsReport, TimeRange};
use crate::keys;
use crate::rollup::{Activity, Census, Row, decode_row};

impl Queries {
    /// Every segment with its customers now, and the moves of `range`.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn segments(&self, range: TimeRange) -> Result<SegmentsReport, QueryError> {
        self.catch_up();
        let census = self.census()?;
        let activity: Activity =
            self.sum_rows(b'a', range.from.hour(), end_of(range.to, Timestamp::HOUR_MS))?;
        let mut segments: Vec<SegmentRow> =
            Segment::ALL.map(|segment| row(SegmentName::Known(segment), &census, &activity)).into();
        let outside = census.segments.keys().chain(activity.moves.keys().flat_map(|(from, to)| [from, to]));
        for label in outside.filter(|label| !label.is_empty()) {
            let name = SegmentName::parse(label);
            if !segments.iter().any(|known| known.name == name) {
                segments.push(row(name, &census, &activity));
            }
        }
        let customers =
            census.segments.values().map(|entry| u64::try_from(entry.customers).unwrap_or(0)).sum();
        let flows = activity.moves.iter().map(|((from, to), &customers)| SegmentFlow {
            from: Some(from).filter(|label| !label.is_empty()).map(|label| SegmentName::parse(label)),
            to: SegmentName::parse(to),
            customers,
        });
        Ok(SegmentsReport { segments, flows: flows.collect(), customers })
    }

    fn census(&self) -> Result<Census, StoreError> {
        let mut sum = Census::default();
        for shard in self.shards.iter() {
            for lane in shard.lanes.iter() {
                if let Some(bytes) = shard.store.get(&keys::census(lane))? {
                    let (row, _) =
                        decode_row::<Census>(&bytes).map_err(|error| StoreError(error.to_string()))?;
                    sum.merge(&row);
                }
            }
        }
        Ok(sum)
    }
}

fn row(name: SegmentName, census: &Census, activity: &Activity) -> SegmentRow {
    let label = SmolStr::new(name.label());
    let count = census.segments.get(&label).copied().unwrap_or_default();
    let moves = |is_wanted: &dyn Fn(&(SmolStr, SmolStr)) -> bool| {
        activity.moves.iter().filter(|(key, _)| is_wanted(key)).map(|(_, &customers)| customers).sum()
    };
    SegmentRow {
        customers: u64::try_from(count.customers).unwrap_or(0),
        revenue: count.revenue,
        moved_in: moves(&|(_, to)| *to == label),
        moved_out: moves(&|(from, _)| *from == label),
        name,
    }
}
