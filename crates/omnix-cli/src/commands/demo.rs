//! `omnix demo`: a simulated shop with known truth. Months of history in seconds, then live, through the same
//! API that a shop would use; at the end, what was planted beside what was found.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use omnix_model::{Origin, Timestamp, fingerprint};
use omnix_server::Role;
use omnix_server::settings::Settings;
use omnix_worker::{Clock as _, Importer, NewEvent, Purpose, WallClock};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::serve::start;
use super::tail::{self, Cursor};
use crate::cli::DemoArgs;
use crate::client::Client;
use crate::demo::ledger::Ledger;
use crate::demo::plan::{Finding, Live, Plant, findings};
use crate::demo::shop::{Population, Shop};
use crate::demo::terminal::{self, Terminal};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{assemble, settings};

/// Without `--seconds` everything is planted within the first minute.
const PLANT_WITHIN_S: u64 = 60;
/// After the last event, for baskets to end and what follows from them to be seen.
const SETTLE: Duration = Duration::from_secs(7);

pub(crate) fn run(args: &DemoArgs) -> Result<(), Failure> {
    let kept;
    let data_dir = match &args.data_dir {
        Some(path) => path.clone(),
        None => {
            kept = tempfile::Builder::new().prefix("omnix-demo-").tempdir()?;
            kept.path().to_owned()
        }
    };
    let settings = settings_of(args, &data_dir)?;
    let (shop, ledger) = write_history(args, &settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(go_live(args, settings, shop, ledger))
}

fn settings_of(args: &DemoArgs, data_dir: &std::path::Path) -> Result<Settings, Failure> {
    let is_taken = std::net::TcpListener::bind(&args.listen).is_err();
    let listen = if is_taken { "127.0.0.1:0".to_owned() } else { args.listen.clone() };
    if is_taken {
        println!("{} is not free: another port is taken", args.listen);
    }
    let flags = [("store.data_dir", PathBuf::from(data_dir).display().to_string()), ("http.listen", listen)];
    Ok(settings::load(None, &flags)?.settings)
}

/// Writes the shop's history, up to the end of yesterday.
fn write_history(args: &DemoArgs, settings: &Settings) -> Result<(Shop, Ledger), Failure> {
    let today = Timestamp::from_ms_clamped(WallClock.now().utc_day() * Timestamp::DAY_MS);
    let start = today.plus_ms(-i64::from(args.days) * Timestamp::DAY_MS);
    let mut shop = Shop::new(args.seed, start, args.days, Population::of(args.customers));
    let mut ledger = Ledger::default();
    let opened = assemble::open(settings, Purpose::History)?;
    let mut importer = Importer::new(opened.stream.handle(), u128::from(args.seed))?;
    let mut progress = Progress::start("history", u64::from(args.days));
    for day in 0..args.days {
        // A return may fall behind midnight.
        let orders = shop.next_day();
        for order in orders.iter().filter(|order| order.at < today) {
            ledger.enter(order);
            for (event_id, event) in order.events() {
                let fingerprint = fingerprint(&event);
                importer.push(NewEvent {
                    event,
                    event_id,
                    origin: Origin::Import,
                    fingerprint,
                    anonymous: false,
                })?;
            }
        }
        progress.advance(u64::from(day) + 1, ledger.events);
    }
    let report = importer.finish()?;
    opened.stop()?;
    let seconds = progress.finish().as_secs_f64();
    println!(
        "{} events of {} days written in {seconds:.1} s ({} orders)",
        report.events, args.days, ledger.orders
    );
    Ok((shop, ledger))
}

async fn go_live(args: &DemoArgs, settings: Settings, shop: Shop, ledger: Ledger) -> Result<(), Failure> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let zone = TimeZone::get(&settings.shop.time_zone)?;
    let running = start(settings).await?;
    let admin = Client::new(&running.url(), Some(&running.token(Role::Admin)?));
    println!("\nThe shop is open. To look at it, open\n\n  {}/\n", running.url());
    println!("and paste this token:\n\n  {}\n", running.token(Role::Analyst)?);
    let publisher = Client::new(&running.url(), Some(&running.token(Role::Publisher)?));
    let mut live = Live::new(publisher, shop, ledger);
    let ended = tokio::select! {
        outcome = publish(args, &mut live) => outcome.map(|()| End::Whole),
        outcome = show(&admin, &zone) => outcome.map(|()| End::Interrupted),
        failure = running.failed() => Err(failure),
        _ = terminate.recv() => Ok(End::Interrupted),
        _ = interrupt.recv() => Ok(End::Interrupted),
    };
    let outcome = match ended {
        Ok(end) => summary(&admin, &live, end).await,
        Err(failure) => Err(failure),
    };
    running.stop().await?;
    outcome
}

/// How the live part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Everything was planted, and there was time to find it.
    Whole,
    /// In the middle: what was found says nothing against the product.
    Interrupted,
}

/// Sends orders at the chosen rate, and plants what there is to plant; ends when the time is up.
async fn publish(args: &DemoArgs, live: &mut Live) -> Result<(), Failure> {
    let started = Instant::now();
    let length = args.seconds.map(Duration::from_secs);
    let plant_within = length.unwrap_or(Duration::from_secs(PLANT_WITHIN_S)).mul_f64(0.6);
    let mut to_plant = Plant::ALL.iter();
    let pause = plant_within / u32::try_from(Plant::ALL.len() + 1)?;
    let mut plant_at = pause;
    let mut sent = 0.0;
    while length.is_none_or(|length| started.elapsed() < length) {
        if started.elapsed() >= plant_at
            && let Some(plant) = to_plant.next()
        {
            live.plant(*plant, WallClock.now()).await?;
            plant_at += pause;
        }
        if sent <= started.elapsed().as_secs_f64() * args.rate {
            #[expect(clippy::cast_precision_loss, reason = "a few lines of an order")]
            let events = live.ordinary(WallClock.now()).await? as f64;
            sent += events.max(1.0);
        } else {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    tokio::time::sleep(SETTLE).await;
    Ok(())
}

/// Prints insights as they are raised, as many as one can read.
async fn show(admin: &Client, zone: &TimeZone) -> Result<(), Failure> {
    let mut terminal = Terminal::new(Instant::now());
    tail::follow(admin, "/v1/streaming/feed?channels=insights", &mut Cursor::default(), |message| {
        let now = Instant::now();
        let Some(insight) = insight_of(message) else { return };
        if terminal.shows(insight, now) {
            println!("{}", terminal::line(insight, &time_of_day(zone).unwrap_or_default()));
        }
        if let Some(rest) = terminal.rest(now) {
            println!("{rest}");
        }
    })
    .await
}

fn insight_of(message: &Value) -> Option<&Value> {
    let is_insight = message.get("type").and_then(Value::as_str) == Some("insight");
    message.get("payload").filter(|_| is_insight)
}

/// The time of day in the shop.
fn time_of_day(zone: &TimeZone) -> Result<String, jiff::Error> {
    let now = jiff::Timestamp::from_second(WallClock.now().ms() / 1_000)?;
    Ok(zone.to_datetime(now).time().to_string())
}

async fn summary(admin: &Client, live: &Live, end: End) -> Result<(), Failure> {
    let overview = admin.get("/v1/streaming/insights/system/overview?hours=8760").await?;
    let insights = overview.get("totalInsights").and_then(Value::as_u64).unwrap_or(0);
    println!("\n{} events in all, {insights} insights from them\n", live.ledger.events);
    println!("{:<44} {:>8} {:>8}", "what was planted", "planted", "found");
    let findings = findings(admin, live).await?;
    for Finding { what, planted, found } in &findings {
        let mark = if found < planted { "  MISSED" } else { "" };
        println!("{what:<44} {planted:>8} {found:>8}{mark}");
    }
    let missed = findings.iter().filter(|finding| finding.found < finding.planted).count();
    match (missed, end) {
        (0, _) => println!("\neverything planted was found"),
        (_, End::Interrupted) => println!("\ninterrupted: what was planted last had no time to be found"),
        (_, End::Whole) => {
            let all = findings.len();
            return Err(anyhow::anyhow!("{missed} of {all} kinds were not found whole").into());
        }
    }
    Ok(())
}
