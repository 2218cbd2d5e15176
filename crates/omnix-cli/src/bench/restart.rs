//! Starting: on an empty directory, and after `kill -9` with ten million events behind.

use std::path::Path;
use std::process::Stdio;

use super::child::{Server, binary};
use super::events::{Population, purchase};
use super::http::median;
use super::load::{Connection, request};
use super::table::{Row, Target};
use crate::failure::Failure;

/// On an empty directory, each time another.
pub(crate) fn empty(dir: &Path, windows: u32) -> Result<Row, Failure> {
    let mut seconds = Vec::new();
    for number in 0..windows {
        seconds.push(Server::start(&dir.join(format!("empty-{number}")), &[])?.started_in.as_secs_f64());
    }
    Ok(Row {
        name: "start, empty directory",
        sides: format!("{:.3} s from the process to `listening on`", median(&seconds)),
        values: seconds,
        unit: "s",
        target: Target::at_most(0.5, 0.2, 0.1),
    })
}

/// After `kill -9` under load, with `events` events in the log.
pub(crate) async fn after_kill(dir: &Path, population: Population, windows: u32) -> Result<Row, Failure> {
    let file = dir.join("many.ndjson");
    population.write_file(&file)?;
    let into = dir.join("data");
    let status = binary()?
        .arg("import")
        .arg(&file)
        .args(["--format", "ndjson", "--data-dir"])
        .arg(&into)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    std::fs::remove_file(&file)?;
    if !status.success() {
        return Err(Failure::unavailable("the import failed"));
    }
    let mut seconds = Vec::new();
    for number in 0..windows {
        let server = Server::start(&into, &[])?;
        if number > 0 {
            seconds.push(server.started_in.as_secs_f64());
        }
        let token = server.token("publisher")?;
        let mut connection = Connection::open(&server.address).await?;
        let now = omnix_worker::Clock::now(&omnix_worker::WallClock);
        // As many as a store may have to be brought forward by.
        for chunk in 0..(population.events / 1_000).min(100) {
            let line = |i: u64| {
                let customer = (chunk * 1_000 + i) * 7 % population.customers;
                purchase(&format!("k{number}-{chunk}"), customer, i % population.products, 1, 900, now)
            };
            let body: Vec<String> = (0..1_000).map(line).collect();
            let path = "/v1/streaming/events/batch";
            connection
                .exchange(&request("POST", path, &token, "application/x-ndjson", &body.join("\n")))
                .await?;
        }
        server.kill()?;
    }
    let server = Server::start(&into, &[])?;
    seconds.push(server.started_in.as_secs_f64());
    Ok(Row {
        name: "restart after kill -9",
        sides: format!("{} events in the log, as many as fit behind the last flush", population.events),
        values: seconds,
        unit: "s",
        target: Target::at_most(10.0, 3.0, 1.0),
    })
}
