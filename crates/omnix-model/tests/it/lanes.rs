//! Lanes are cut into shards without gap or overlap, whatever their number.

use omnix_model::limits::{LANES, SHARDS_MAX};
use omnix_model::{CustomerId, EventId, Lane, LaneRange, ShardId};

fn shards(count: usize) -> impl Iterator<Item = ShardId> {
    (0..u16::try_from(count).unwrap()).map(ShardId)
}

#[test]
fn shards_partition_the_lanes_evenly() {
    for count in 1..=SHARDS_MAX {
        let lanes: Vec<Lane> =
            shards(count).flat_map(|shard| LaneRange::of_shard(shard, count).iter()).collect();
        assert_eq!(lanes, Lane::all().collect::<Vec<_>>(), "{count} shards");
        for shard in shards(count) {
            let range = LaneRange::of_shard(shard, count);
            assert!((LANES / count..=LANES.div_ceil(count)).contains(&range.len()), "{count} shards");
            assert!(!range.is_empty());
            for lane in Lane::all() {
                assert_eq!(range.contains(lane), ShardId::of_lane(lane, count) == shard);
            }
        }
    }
    assert!(LaneRange::of_shard(ShardId(2), 2).is_empty());
}

#[test]
fn hash_keys_of_shards_cover_the_space() {
    for count in 1..=SHARDS_MAX {
        let mut next = Some(0_u128);
        for shard in shards(count) {
            let (first, last) = LaneRange::of_shard(shard, count).hash_keys();
            assert_eq!(Some(first), next, "{count} shards");
            next = last.checked_add(1);
        }
        assert_eq!(next, None, "the last key of the last shard is the last of all");
    }
}

#[test]
fn a_lane_is_a_number_below_64() {
    assert_eq!(Lane::new(63).unwrap().number(), 63);
    assert_eq!(Lane::new(64), None);
    assert_eq!(Lane::all().count(), LANES);
    assert_eq!(ShardId(3).to_string(), "shardId-000000000003");
}

/// Lanes stand in the log: the hash must never change.
#[test]
fn the_lane_of_an_id_is_for_ever() {
    let lanes =
        ["c-1", "17850", "käse", "0", "system"].map(|id| Lane::of(&CustomerId::new(id).unwrap()).number());
    assert_eq!(lanes, LANES_OF_IDS);
    assert_eq!(Lane::of_anonymous(&EventId::new("c-1").unwrap()).number(), LANES_OF_IDS[0]);
}

const LANES_OF_IDS: [u8; 5] = [12, 54, 49, 21, 48];

#[test]
fn customers_are_spread() {
    let mut counts = [0_u32; LANES];
    for customer in 0..64_000 {
        counts[Lane::of(&CustomerId::new(&customer.to_string()).unwrap()).index()] += 1;
    }
    assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
}
