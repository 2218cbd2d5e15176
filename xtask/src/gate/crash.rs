//! Kills the server at random under load, and during recovery, and holds it to what it acknowledged.
//!
//! Eight publishers, four with single events and four with batches, send again under the same ids until each
//! event is acknowledged; a follower reads the feed and resumes. Every few rounds publishers rest, and an
//! audit asks: do counts and sums of every customer equal what was acknowledged; is every acknowledged event
//! known; were a customer's events applied in their order; did each insight come over the feed once?
//!
//! What is not covered here: the loss of power (the simulated disk), a full disk (`full_disk`), a sync that
//! fails (the fault-injecting file layer).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use super::http::Client;
use super::random::Random;
use super::server::{Installation, Server, fresh, pause};
use crate::report::Report;
use crate::workspace::Workspace;
use audit::{Audit, Scope};
use control::Control;
use feed::Delivered;
use ledger::{Customer, Ledger};
use publisher::{Manner, Publisher};

mod control;
mod ledger;

mod feed;
mod publisher;

mod audit;

/// Publishers, half of them single, half in batches.
const PUBLISHERS: u64 = 8;

/// How long what is in doubt may take to come to its end.
const DRAIN_BUDGET: Duration = Duration::from_secs(60);

/// Rounds after which publishers go on with new customers.
const GENERATION_ROUNDS: u32 = 100;

/// Moves of the customer that gives the follower a first place to stand on, a tenth of a second apart.
const STARTER_MOVES: i64 = 200;

/// Findings that are told of one question; the first say it all.
const FINDINGS_MAX: usize = 5;

/// What a run can be told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    /// How often the server is killed under load
    #[arg(long, default_value_t = 1000)]
    pub(crate) rounds: u32,
    /// Rounds between audits
    #[arg(long, default_value_t = 5)]
    pub(crate) audit_every: u32,
    /// Decides what is sent and when the server is killed; by default the clock's
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Another binary than `target/release/omnix`
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rounds: 1000, audit_every: 5, seed: None, binary: None }
    }
}

/// Runs the gate.
pub(crate) fn run(workspace: &Workspace, settings: &Settings) -> anyhow::Result<Report> {
    let scratch = workspace.scratch("crash")?;
    let clock = jiff::Timestamp::now().as_millisecond().unsigned_abs();
    let seed = settings.seed.unwrap_or(clock);
    println!("crash: seed {seed}, {} rounds", settings.rounds);
    let log = scratch.join("server.log");
    std::fs::write(&log, "")?;
    let binary = settings.binary.clone().unwrap_or_else(|| workspace.binary());
    let installation = Installation { binary, data: fresh(&scratch)?, log, settings: &[] };
    let mut run = Run::begin(installation, seed)?;
    let outcome = run.rounds(settings);
    run.control.end();
    let mut report = run.conclude(outcome);
    if report.holds() {
        std::fs::remove_dir_all(&run.installation.data)?;
    } else {
        report.notes.push(kept(&run.installation, settings, seed));
    }
    Ok(report)
}

/// How to look at a run that failed, and how to repeat it.
fn kept(installation: &Installation, settings: &Settings, seed: u64) -> String {
    let Installation { data, log, .. } = installation;
    let rounds = settings.rounds;
    format!(
        "kept: `{}`, `{}`; again: cargo xtask gate crash --rounds {rounds} --seed {seed}",
        show(data),
        show(log)
    )
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// A run in progress.
struct Run {
    installation: Installation,
    random: Random,
    control: Arc<Control>,
    ledgers: Vec<Arc<Mutex<Ledger>>>,
    delivered: Arc<Mutex<Delivered>>,
    analyst: String,
    publisher: String,
    since: jiff::Timestamp,
    report: Report,
    kills: u64,
    kills_in_recovery: u64,
    stops: u64,
    slowest_start: Duration,
}

impl Run {
    /// Starts a first server, and everybody who talks to it.
    fn begin(installation: Installation, seed: u64) -> anyhow::Result<Self> {
        // The first start makes the secret that tokens are signed with.
        let server = installation.start()?.ready()?;
        let (analyst, publisher) = (installation.token("analyst")?, installation.token("publisher")?);
        let mut run = Self {
            installation,
            random: Random::part(seed, 0),
            control: Arc::new(Control::new()),
            ledgers: Vec::new(),
            delivered: Arc::default(),
            analyst,
            publisher,
            since: jiff::Timestamp::now(),
            report: Report::default(),
            kills: 0,
            kills_in_recovery: 0,
            stops: 0,
            slowest_start: server.start,
        };
        run.follow(&server)?;
        for number in 1..=PUBLISHERS {
            run.publish(seed, number);
        }
        run.control.down();
        server.kill()?;
        Ok(run)
    }

    /// Starts the follower, and gives it an insight to stand on: who was cut off before the first one has no
    /// place to resume from.
    fn follow(&self, server: &Server) -> anyhow::Result<()> {
        let (control, delivered) = (Arc::clone(&self.control), Arc::clone(&self.delivered));
        let token = self.analyst.clone();
        std::thread::spawn(move || feed::follow(&control, &token, &delivered));
        self.control.up(server.address);
        let mut client = Client::new(server.address, &self.publisher);
        let starter = Customer::starter(STARTER_MOVES);
        for number in 0..usize::try_from(STARTER_MOVES)? {
            let body = starter.json(number);
            let answer = client.post("/v1/streaming/events/segment-update", body.as_bytes())?;
            ensure!(answer.status == 201, "the first events: {}", answer.brief());
            pause(Duration::from_millis(100));
            if self.delivered.lock().unwrap_or_else(PoisonError::into_inner).anchor.is_some() {
                return Ok(());
            }
        }
        bail!("no insight of a published segment update came over the feed")
    }

    fn publish(&mut self, seed: u64, number: u64) {
        let ledger = Arc::new(Mutex::new(Ledger::new(number)));
        self.ledgers.push(Arc::clone(&ledger));
        let manner = if number.is_multiple_of(2) { Manner::Batch } else { Manner::Single };
        let (token, random) = (self.publisher.clone(), Random::part(seed, number));
        let control = Arc::clone(&self.control);
        std::thread::spawn(move || Publisher { manner, token, ledger, random }.run(&control));
    }

    /// All rounds, and the last audit; an error is what no audit can be made after.
    fn rounds(&mut self, settings: &Settings) -> anyhow::Result<()> {
        let every = settings.audit_every.max(1);
        for round in 1..=settings.rounds {
            self.kill_under_load().with_context(|| format!("round {round}"))?;
            if round % every == 0 && round < settings.rounds {
                let server = self.start()?;
                self.audit(&server, Scope::News).with_context(|| format!("the audit after round {round}"))?;
                if round % GENERATION_ROUNDS < every {
                    self.renew();
                }
                self.control.resume();
                self.kill(server)?;
            }
            if !self.report.holds() || self.violations() > 0 {
                bail!("stopped after round {round}");
            }
        }
        let server = self.start()?;
        self.audit(&server, Scope::Everything).context("the last audit")?;
        self.replay_feed(&server)?;
        self.control.end();
        let status = server.stop()?;
        self.report.check((!status.success()).then(|| format!("SIGTERM: it ended with {status}")));
        Ok(())
    }

    /// One round: perhaps killed while it recovers, then killed (now and then: asked to end) under load.
    fn kill_under_load(&mut self) -> anyhow::Result<()> {
        if self.random.once_in(3) {
            for _ in 0..self.random.between(1, 3) {
                let starting = self.installation.start()?;
                pause(self.random.duration_ms(1, 60));
                self.kills += 1;
                self.kills_in_recovery += u64::from(starting.kill()?);
            }
        }
        let server = self.start()?;
        pause(self.random.duration_ms(5, 2000));
        if self.random.once_in(10) { self.stop(server) } else { self.kill(server) }
    }

    /// Asks the server to end while publishers send: it ends well, and what it did not acknowledge it may lose.
    fn stop(&mut self, server: Server) -> anyhow::Result<()> {
        self.stops += 1;
        let stopped = server.stop();
        self.control.down();
        let status = stopped?;
        ensure!(status.success(), "SIGTERM under load: it ended with {status}");
        Ok(())
    }

    fn start(&mut self) -> anyhow::Result<Server> {
        let server = self.installation.start()?.ready()?;
        self.slowest_start = self.slowest_start.max(server.start);
        self.control.up(server.address);
        Ok(server)
    }

    fn kill(&mut self, server: Server) -> anyhow::Result<()> {
        self.kills += 1;
        let killed = server.kill();
        self.control.down();
        killed
    }

    fn audit(&mut self, server: &Server, scope: Scope) -> anyhow::Result<()> {
        if !self.control.drain(self.ledgers.len(), DRAIN_BUDGET) {
            bail!("what was in doubt was not acknowledged within {} s", DRAIN_BUDGET.as_secs());
        }
        let now = jiff::Timestamp::now();
        let mut audit = Audit {
            analyst: Client::new(server.address, &self.analyst),
            publisher: Client::new(server.address, &self.publisher),
            ledgers: &self.ledgers,
            delivered: &self.delivered,
            scope,
        };
        let since = (scope == Scope::News).then_some(self.since);
        let findings = audit.run(since)?;
        // A basket that was open at the last audit may have ended, and been told of, a little before this one.
        self.since = now - Duration::from_secs(30);
        for findings in [findings.figures, findings.window, findings.order, findings.feed] {
            self.report.check(findings.into_iter().take(FINDINGS_MAX));
        }
        Ok(())
    }

    fn replay_feed(&mut self, server: &Server) -> anyhow::Result<()> {
        let delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
        let findings = audit::replay(&Client::new(server.address, &self.analyst), &delivered)?;
        drop(delivered);
        self.report.check(findings.into_iter().take(FINDINGS_MAX));
        Ok(())
    }

    fn renew(&self) {
        for ledger in &self.ledgers {
            ledger.lock().unwrap_or_else(PoisonError::into_inner).renew();
        }
    }

    fn violations(&self) -> usize {
        let of = |ledger: &Arc<Mutex<Ledger>>| {
            ledger.lock().unwrap_or_else(PoisonError::into_inner).violations.len()
        };
        let feed = self.delivered.lock().unwrap_or_else(PoisonError::into_inner).violations.len();
        self.ledgers.iter().map(of).sum::<usize>() + feed
    }

    /// What publishers and follower saw on the way, and the line that sums the run up.
    fn conclude(&mut self, outcome: anyhow::Result<()>) -> Report {
        let mut report = std::mem::take(&mut self.report);
        let (mut seen, mut acknowledged, mut doubts) = (Vec::new(), 0, 0);
        for ledger in &self.ledgers {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            seen.append(&mut ledger.violations);
            acknowledged += ledger.acknowledged();
            doubts += ledger.doubts;
        }
        report.check(seen.into_iter().take(FINDINGS_MAX));
        let mut delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
        report.check(std::mem::take(&mut delivered.violations).into_iter().take(FINDINGS_MAX));
        report.check(outcome.err().map(|error| format!("{error:#}")));
        let idle = acknowledged == 0 || doubts == 0;
        report.check(idle.then(|| "nothing was acknowledged, or nothing was ever in doubt".to_owned()));
        report.notes.push(format!(
            "{} kills, {} of them in recovery, {} ends by SIGTERM; {acknowledged} events acknowledged, {doubts} requests in doubt \
             and sent again; {} insights on the feed; slowest start {:.0} ms",
            self.kills,
            self.kills_in_recovery,
            self.stops,
            delivered.cursors.len(),
            self.slowest_start.as_secs_f64() * 1000.0
        ));
        report
    }
}
