//! x
#![allow(missing_docs, clippy::all)]
use omnix_model::*;
use omnix_storage::*;
use omnix_worker::*;
use std::sync::Arc;

fn main() {
    let n: u64 = std::env::args().nth(1).map_or(400_000, |a| a.parse().unwrap());
    let customers: u64 = std::env::args().nth(2).map_or(4_300, |a| a.parse().unwrap());
    let dir = tempfile::tempdir_in("/work").or_else(|_| tempfile::tempdir()).unwrap();
    let shard = |number: u16| {
        let log_dir = dir.path().join(format!("log{number}"));
        std::fs::create_dir_all(&log_dir).unwrap();
        let settings = LogSettings {
            reserve_bytes: 0,
            segment_bytes: 64 << 20,
            segment_age_ms: 3_600_000,
            compress: true,
        };
        let (log, _) = SegmentLog::open(&log_dir, LogId(number + 1), ShardId(number), settings).unwrap();
        let caches = SharedCaches::new(16 << 20, 64);
        let settings = StoreSettings { memtable_bytes: 8 << 20, caches, expire: None };
        let store = LsmStore::open(&dir.path().join(format!("state{number}")), settings).unwrap();
        ShardParts {
            log: Box::new(log),
            store: Box::new(store),
            atomicity: Atomicity::Commit,
            marker: Box::new(MarkerFile::new(dir.path().join(format!("applying{number}")))),
        }
    };
    let parts = StreamParts {
        shards: (0..2).map(shard).collect(),
        models: Box::new(MemoryModels::default()),
        secret: IdSecret::new([7; 16]),
        clock: Arc::new(WallClock),
    };
    let settings = StreamSettings { purpose: Purpose::History, ..Default::default() };
    let stream = Stream::start(parts, &settings).unwrap();
    let mut importer = Importer::new(stream.handle(), 1).unwrap();
    // online retail: 398k lines, 18.5k orders, 4.3k customers, 3.7k products, 1 year
    let mut x: u64 = 88172645463325252;
    let mut rnd = move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    let mut events = Vec::with_capacity(n as usize);
    let mut i = 0;
    let mut order = 0u64;
    let span = 31_536_000_000i64;
    while i < n {
        order += 1;
        let c = {
            let r = rnd() % 1000;
            (r * r * customers / 1_000_000 + rnd() % (customers / 10).max(1)) % customers
        };
        let lines = 1 + rnd() % 40;
        let at = 1_291_000_000_000 + (i as i64) * (span / n as i64);
        for _ in 0..lines.min(n - i) {
            let p = {
                let r = rnd() % 1000;
                (r * r * 3700 / 1_000_000 + rnd() % 100) % 3700
            };
            let price = 1_000_000 + (p as i64 % 20) * 500_000;
            events.push(NewEvent {
                event: Event::Purchase(Purchase {
                    customer_id: Some(CustomerId::new(&format!("{}", 12000 + c)).unwrap()),
                    product_id: ProductId::new(&format!("{}", 20000 + p)).unwrap(),
                    product_category: format!("category-{}", p % 30).into(),
                    product_name: format!("WHITE HANGING HEART T-LIGHT HOLDER {p}").into(),
                    quantity: Quantity::from_thousandths(2000),
                    price: Money::from_millionths(price),
                    total_amount: Money::from_millionths(2 * price),
                    timestamp: Timestamp::from_ms_clamped(at),
                    location: Some("United Kingdom".into()),
                    payment_method: None,
                    device_type: None,
                    order_id: Some(OrderId::new(&format!("{}", 536000 + order)).unwrap()),
                    order_lines: None,
                    metadata: format!("{{\"orderId\":\"{}\"}}", 536000 + order).into(),
                    extra: "".into(),
                }),
                event_id: EventId::new(&format!("imp-{i}")).unwrap(),
                origin: Origin::Import,
                anonymous: false,
            });
            i += 1;
        }
    }
    let began = std::time::Instant::now();
    for e in events {
        importer.push(e).unwrap();
    }
    let r = importer.finish().unwrap();
    let t = began.elapsed();
    let h = stream.handle();
    let c = h.counters();
    println!("{} events {} days in {:?}: {:.0}/s", r.events, r.days, t, n as f64 / t.as_secs_f64());
    println!(
        "blocks {} bytes {} commits {} held {} hits {} misses {} hot {} timers {} stuck {} late {} notapplied {} models {}",
        c.blocks.get(),
        c.block_bytes.get(),
        c.commits.get(),
        c.held_commits.get(),
        c.hot_hits.get(),
        c.hot_misses.get(),
        c.hot_bytes.get(),
        c.timers.get(),
        c.timers_stuck.get(),
        c.late.get(),
        c.not_applied.get(),
        c.models.get()
    );
    println!(
        "append sum {:.2}s commit(apply+commit) sum {:.2}s insights {:?}",
        c.append.sum_us() as f64 / 1e6,
        c.commit.sum_us() as f64 / 1e6,
        c.insights.iter().map(|r| r.iter().map(|x| x.get()).collect::<Vec<_>>()).collect::<Vec<_>>()
    );
    stream.stop().unwrap();
}
