//! The stream's own counters, read when somebody asks.

use std::fmt;
use std::sync::Arc;

use omnix_model::{InsightKind, Priority, Suppression};
use omnix_worker::{Durations, Learner};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::backend::Backend;
use crate::body::IngestBudget;

pub(super) struct StreamCollector {
    backend: Arc<dyn Backend>,
    budget: IngestBudget,
}

impl fmt::Debug for StreamCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamCollector").finish_non_exhaustive()
    }
}

impl StreamCollector {
    pub(super) fn new(backend: Arc<dyn Backend>, budget: IngestBudget) -> Self {
        Self { backend, budget }
    }

    /// How each learner of the model in force does.
    fn encode_learners(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let learners = self.backend.learning().learners;
        let labels =
            |learner: &Learner| [("learner", learner.name.to_owned()), ("days", learner.days.to_string())];
        let help = "Rolling log-loss of what was learnt, in nats";
        let mut losses = encoder.encode_descriptor("learner_loss", help, None, MetricType::Gauge)?;
        for learner in &learners {
            if let Some((loss, _)) = learner.status.losses() {
                ConstGauge::new(loss).encode(losses.encode_family(&labels(learner))?)?;
            }
        }
        let help = "1 where what was learnt does so much worse than its fallback that the fallback speaks";
        let mut fallbacks = encoder.encode_descriptor("learner_fallback", help, None, MetricType::Gauge)?;
        for learner in &learners {
            let fell = i64::from(learner.status.has_fallen_back());
            ConstGauge::new(fell).encode(fallbacks.encode_family(&labels(learner))?)?;
        }
        Ok(())
    }
}

impl Collector for StreamCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counters = self.backend.counters();
        let totals = [
            ("stream_accepted_events", "Events taken into a queue", &counters.accepted),
            ("stream_applied_events", "Events applied", &counters.applied),
            ("stream_replayed_events", "Events applied again after a start", &counters.replayed),
            ("stream_duplicate_events", "Events known already", &counters.duplicates),
            ("stream_conflicting_events", "Events whose id was taken", &counters.conflicts),
            ("stream_refused_events", "Events not taken", &counters.refused),
            ("late_events", "Events older than their customer's last", &counters.late),
            ("stream_unapplied_events", "Events that could not be applied", &counters.not_applied),
            ("rejected_kept_events", "Rejected events that were kept", &counters.rejected_kept),
            ("rejected_dropped_events", "Rejected events without room", &counters.rejected_dropped),
            ("log_blocks", "Blocks appended", &counters.blocks),
            ("log_raw_bytes", "Bytes of blocks before compression", &counters.block_bytes),
            ("store_commits", "Commits of the store", &counters.commits),
            ("store_held_commits", "Commits that had to wait", &counters.held_commits),
            ("hot_hits", "Customers found in memory", &counters.hot_hits),
            ("hot_misses", "Customers read from the store", &counters.hot_misses),
            ("timers_fired", "Timers fired", &counters.timers),
            ("models_learnt", "Models learnt", &counters.models),
            ("feed_unheard_messages", "Messages without a subscriber", &counters.feed_unheard),
        ];
        for (name, help, counter) in totals {
            let metric = ConstCounter::new(counter.get());
            metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let left = u64::try_from(self.budget.left()).unwrap_or(u64::MAX);
        let oldest = self.backend.shards().iter().map(|shard| shard.iterator_age_ms).max().unwrap_or(0);
        let levels = [
            ("hot_bytes", "Bytes of customers held in memory", counters.hot_bytes.get()),
            ("stream_queued_events", "Events waiting", counters.queued.get()),
            ("ingest_budget_left_bytes", "Bytes left for bodies", left),
            ("iterator_age_milliseconds", "Age of the oldest event not applied", oldest),
        ];
        for (name, help, level) in levels {
            let metric = ConstGauge::new(i64::try_from(level).unwrap_or(i64::MAX));
            metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let histograms = [
            ("log_append_duration_seconds", "From handing a block in to its answer", &counters.append),
            ("store_commit_duration_seconds", "From the log's answer to the commit", &counters.commit),
            ("event_to_insight_seconds", "From acceptance to commit", &counters.acknowledge),
        ];
        for (name, help, durations) in histograms {
            encode_durations(&mut encoder, (name, help), durations)?;
        }
        self.encode_learners(&mut encoder)?;
        let help = "Insights raised";
        let mut family = encoder.encode_descriptor("insights", help, None, MetricType::Counter)?;
        for kind in InsightKind::ALL {
            for priority in Priority::ALL {
                let labels = [("type", kind.name()), ("priority", priority.name())];
                let metric = ConstCounter::new(counters.insights_of(kind, priority));
                metric.encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "Insights held back";
        let mut family = encoder.encode_descriptor("suppressed_insights", help, None, MetricType::Counter)?;
        for reason in Suppression::ALL {
            let metric = ConstCounter::new(counters.suppressed_of(reason));
            metric.encode(family.encode_family(&[("reason", reason.name())])?)?;
        }
        let info = [("version", env!("CARGO_PKG_VERSION"))];
        let mut build = encoder.encode_descriptor("build", "This program", None, MetricType::Info)?;
        build.encode_info(&info)
    }
}

fn encode_durations(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    durations: &Durations,
) -> fmt::Result {
    let buckets = durations.buckets().map(|(bound_us, count)| (bound_us.map_or(f64::MAX, seconds), count));
    let count = buckets.iter().map(|(_, count)| count).sum();
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(seconds(durations.sum_us()), count, &buckets, None)
}

#[expect(clippy::cast_precision_loss, reason = "a sum that is shown, not calculated with")]
fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}
