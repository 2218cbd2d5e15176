//! Dealing what is kept to another number of shards: each row goes to the shard that owns its lane now.
//!
//! Rows are keyed by lane, so none of them changes. Only what points into the old logs stays behind: the feed,
//! whose readers are told of the gap. At rest, between two runs; the old states are not touched, so that a
//! process that dies while dealing finds them as they were.

use std::ops::ControlFlow;

use omnix_model::{Lane, LaneRange, Position};
use omnix_storage::{Commit, CommitError, KeyRange, Order, StateReader, StateStore, StoreError, Write};

/// Bytes of rows written by one commit.
const COMMIT_BYTES: usize = 1 << 20;

/// A store that rows are dealt to.
pub struct Target<'a> {
    /// The lanes of its shard.
    pub lanes: LaneRange,
    /// The store, new and empty.
    pub store: &'a mut dyn StateStore,
    /// Where its log begins.
    pub start: Position,
}

/// Why rows could not be dealt.
#[derive(Debug, thiserror::Error)]
pub enum ReshardError {
    /// An old store could not be read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// A new store could not be written.
    #[error(transparent)]
    Write(#[from] CommitError),
    /// A row names no lane where its kind should.
    #[error("a row of kind `{0}` names no lane")]
    Homeless(char),
}

/// Where a row belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    Lane(Lane),
    /// With every shard: whose lane it is cannot be told, or all need it.
    Everywhere,
    /// Nowhere: it points into a log that is not written any more.
    Behind,
}

/// Deals all rows of `from` to `targets`, persists them, and answers how many rows there were.
///
/// # Errors
/// [`ReshardError`]; the new stores are then to be thrown away.
pub fn reshard(from: &[&dyn StateReader], targets: &mut [Target<'_>]) -> Result<u64, ReshardError> {
    let mut rows = 0;
    for old in from {
        let (mut next, mut is_over) = (Vec::new(), false);
        while !is_over {
            let chunk = read_chunk(*old, next)?;
            is_over = chunk.is_last;
            next = chunk.next;
            rows += chunk.rows.len() as u64;
            deal(chunk.rows, targets)?;
        }
    }
    for target in targets {
        target.store.persist()?;
    }
    Ok(rows)
}

struct Chunk {
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    next: Vec<u8>,
    is_last: bool,
}

fn read_chunk(store: &dyn StateReader, from: Vec<u8>) -> Result<Chunk, StoreError> {
    let (mut rows, mut bytes) = (Vec::new(), 0);
    let mut next = Vec::new();
    store.scan(&KeyRange { from, to: Vec::new() }, Order::Ascending, &mut |key, value| {
        if bytes > COMMIT_BYTES {
            next = key.to_vec();
            return ControlFlow::Break(());
        }
        bytes += key.len() + value.len();
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(Chunk { rows, is_last: next.is_empty(), next })
}

fn deal(rows: Vec<(Vec<u8>, Vec<u8>)>, targets: &mut [Target<'_>]) -> Result<(), ReshardError> {
    let mut writes: Vec<Vec<Write>> = targets.iter().map(|_| Vec::new()).collect();
    for (key, value) in rows {
        let home = home_of(&key)?;
        for (target, writes) in targets.iter().zip(&mut writes) {
            let is_home = match home {
                Home::Lane(lane) => target.lanes.contains(lane),
                Home::Everywhere => true,
                Home::Behind => false,
            };
            if is_home {
                writes.push(Write::Put { key: key.clone(), value: value.clone() });
            }
        }
    }
    for (target, effects) in targets.iter_mut().zip(writes) {
        let commit = Commit { effects, checkpoint: target.start, ..Commit::default() };
        while let Err(error) = target.store.commit(&commit) {
            match error {
                // Nothing else goes on here, so waiting for the store is persisting it.
                CommitError::Behind => target.store.persist()?,
                CommitError::Overtaken | CommitError::Failed(_) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

fn home_of(key: &[u8]) -> Result<Home, ReshardError> {
    let kind = key.first().copied().unwrap_or_default();
    let lane_at = |index: usize| key.get(index).copied().and_then(Lane::new).map(Home::Lane);
    let home = match kind {
        b's' | b'i' | b't' | b'o' | b'c' | b'l' | b'u' => lane_at(1),
        b'r' | b'a' | b'b' => lane_at(5),
        b'j' | b'q' | b'v' => lane_at(9),
        // The id of an anonymous event is looked up in the event's lane, which its row does not name, and whether
        // a name is nobody's is a setting. They are few: they go with the duplicate window.
        b'd' | b'w' | b'x' => Some(Home::Everywhere),
        b'f' | b'g' | b'e' | b'y' | b'm' => Some(Home::Behind),
        _ => None,
    };
    home.ok_or(ReshardError::Homeless(char::from(kind)))
}

#[cfg(test)]
mod tests {
    use omnix_model::limits::LANES;
    use omnix_model::{CustomerId, InsightId, LogId, ShardId, Timestamp};
    use omnix_storage::{Atomicity, MemoryStore};

    use super::*;
    use crate::keys;

    fn rows_of(lane: Lane) -> Vec<Vec<u8>> {
        let customer = (0..)
            .map(|n| CustomerId::new(&format!("c{n}")).unwrap())
            .find(|id| Lane::of(id) == lane)
            .unwrap();
        let (time, id) = (Timestamp::from_ms_clamped(5), InsightId([1; 16]));
        vec![
            keys::state_part(lane, &customer, 0),
            keys::insight(lane, &customer, time, id),
            keys::insight_by_time(time, lane, id),
            keys::judgement(time, lane, id),
            keys::timer(lane, 3, &customer),
            keys::rejected(time, lane, 0),
            keys::sales(4, lane),
            keys::activity_of_hour(4, lane),
            keys::activity_of_minute(4, lane),
            keys::census(lane),
            keys::lane(lane),
        ]
    }

    /// Rows that every shard gets: settings, imports, and ids, which may be of `guest` in any lane.
    fn shared() -> [Vec<u8>; 4] {
        [keys::settings(1), keys::import(7), keys::spilled(2, b"guest", 9), keys::spilled(2, b"", 9)]
    }

    #[test]
    fn every_row_comes_to_the_shard_of_its_lane_and_shared_ones_to_all() {
        let mut old = MemoryStore::new(Atomicity::Commit);
        let feed = keys::feed(Position { log: LogId(1), frame: 1, slot: 0 }, 0);
        let keys: Vec<Vec<u8>> = Lane::all().flat_map(rows_of).chain(shared()).chain([feed]).collect();
        let effects = keys.iter().map(|key| Write::Put { key: key.clone(), value: b"v".to_vec() }).collect();
        old.commit(&Commit { effects, ..Commit::default() }).unwrap();
        for shards in [1, 3, 8] {
            let mut stores: Vec<MemoryStore> =
                (0..shards).map(|_| MemoryStore::new(Atomicity::Commit)).collect();
            let targets = stores.iter_mut().enumerate().map(|(number, store)| {
                let shard = ShardId(u16::try_from(number).unwrap());
                Target { lanes: LaneRange::of_shard(shard, shards), store, start: Position::start(LogId(9)) }
            });
            let mut targets: Vec<Target<'_>> = targets.collect();
            reshard(&[old.reader().as_ref()], &mut targets).unwrap();
            let mut found = 0;
            for (number, store) in stores.iter().enumerate() {
                let lanes = LaneRange::of_shard(ShardId(u16::try_from(number).unwrap()), shards);
                for lane in lanes.iter() {
                    for key in rows_of(lane) {
                        assert!(
                            store.reader().get(&key).unwrap().is_some(),
                            "{shards} shards, lane {lane}: {key:?}"
                        );
                        found += 1;
                    }
                }
                for key in shared() {
                    assert!(store.reader().get(&key).unwrap().is_some(), "{shards} shards: {key:?}");
                }
                assert_eq!(store.checkpoint(), Some(Position::start(LogId(9))));
            }
            assert_eq!(found, LANES * rows_of(Lane::FIRST).len());
        }
    }
}
