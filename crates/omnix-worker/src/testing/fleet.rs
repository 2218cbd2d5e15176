//! All shards of a stream and its trainer, one after another, without threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use omnix_model::{Insight, ShardId};
use omnix_storage::Atomicity;

use super::{Driven, Ground, at_s};
use crate::history::ImportItem;
use crate::models::{MemoryModels, Models};
use crate::shard::ShardError;
use crate::trainer::{Order, Trainer};
use crate::{ManualClock, NewEvent};

/// All shards of a stream with their trainer, driven without threads.
pub(crate) struct Fleet {
    pub(crate) grounds: Vec<Ground>,
    pub(crate) shards: Vec<Driven>,
    trainer: Trainer,
}

impl Fleet {
    pub(crate) fn grounds(atomicity: Atomicity, count: u16, is_history: bool) -> Vec<Ground> {
        let models = MemoryModels::default();
        let clock = Arc::new(ManualClock::at(at_s(0)));
        let ground = |shard| Ground {
            models: models.clone(),
            clock: Arc::clone(&clock),
            is_history,
            ..Ground::of_shard(atomicity, shard, usize::from(count))
        };
        (0..count).map(ground).collect()
    }

    /// Opens all shards on what survived, and the trainer takes up its work.
    pub(crate) fn open(grounds: &[Ground]) -> Result<Self, ShardError> {
        let mut shards = Vec::new();
        let mut lessons = Vec::new();
        for ground in grounds {
            let mut driven = ground.try_open()?;
            lessons.append(&mut driven.lessons);
            shards.push(driven);
        }
        let rows: Vec<_> = shards.iter().flat_map(|driven| driven.shard.lane_rows()).collect();
        let epoch = rows.iter().map(|(_, row)| row.epoch).max().unwrap();
        let models = Arc::new(Models::new(Box::new(grounds[0].models.clone())));
        let oldest_epoch = rows.iter().map(|(_, row)| row.epoch).min().unwrap();
        let mut trainer =
            Trainer::new(models, epoch, None, rows.iter().map(|(lane, row)| (*lane, row.model)))
                .behind_from(oldest_epoch)
                .of_history(grounds[0].is_history);
        lessons.into_iter().for_each(|lesson| trainer.note(lesson));
        let mut fleet = Self { grounds: grounds.to_vec(), shards, trainer };
        for order in fleet.trainer.resume().unwrap() {
            fleet.order(Some(order));
        }
        Ok(fleet)
    }

    pub(crate) fn order(&mut self, order: Option<Order>) {
        for driven in &mut self.shards {
            match order {
                Some(Order::EndEpoch(epoch)) => driven.shard.begin_end_of_epoch(epoch),
                Some(Order::Model { number, hash }) => driven.shard.begin_model(number, hash),
                Some(Order::Learnt { number, hash }) => driven.shard.note_learnt(number, hash),
                None => {}
            }
        }
    }

    /// Appends, applies and trains until nothing is left to do, and commits it.
    pub(crate) fn settle(&mut self) -> Result<(), ShardError> {
        self.settle_uncommitted()?;
        self.shards.iter_mut().try_for_each(|driven| driven.shard.commit_gathered())
    }

    /// Appends, applies and trains until nothing is left to do.
    pub(crate) fn settle_uncommitted(&mut self) -> Result<(), ShardError> {
        loop {
            for driven in &mut self.shards {
                driven.settle_uncommitted()?;
            }
            let told: Vec<_> =
                self.shards.iter().flat_map(|driven| driven.told.try_iter().collect::<Vec<_>>()).collect();
            if told.is_empty() {
                return Ok(());
            }
            for told in told {
                let order = self.trainer.tell(told).unwrap();
                self.order(order);
            }
        }
    }

    /// Sends a piece of an import to every shard.
    pub(crate) fn import_all(&mut self, item: impl Fn() -> ImportItem) -> Result<(), ShardError> {
        self.shards.iter_mut().for_each(|driven| driven.shard.accept_import(item()));
        self.settle()
    }

    /// Sends events of an import, numbered from `first`, to the shards that own them.
    pub(crate) fn import_events(&mut self, first: u64, events: Vec<NewEvent>) -> Result<(), ShardError> {
        let count = self.shards.len();
        let mut parts: Vec<Vec<(u64, NewEvent)>> = (0..count).map(|_| Vec::new()).collect();
        for (number, event) in (first..).zip(events) {
            let shard = ShardId::of_lane(crate::shard::lane_of(&event), count);
            parts[usize::from(shard.0)].push((number, event));
        }
        for (driven, part) in self.shards.iter_mut().zip(parts) {
            if !part.is_empty() {
                driven.shard.accept_import(ImportItem::Events { file: 7, events: part.into_iter() });
            }
        }
        self.settle()
    }

    /// The insights that the stores hold.
    pub(crate) fn insights(&self) -> Vec<Insight> {
        let rows = self.rows().into_iter().filter(|(key, _)| key.first() == Some(&b'i'));
        rows.map(|(_, value)| Insight::decode(&value).unwrap()).collect()
    }

    /// All rows of all stores.
    pub(crate) fn rows(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.grounds.iter().flat_map(|ground| ground.disk.rows()).collect()
    }
}
