//! Memory: an idle server, and one that holds 100,000 customers with 60 products each.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::child::{Server, binary};
use super::events::Population;
use super::load::{Connection, request};
use super::table::{Row, Target};
use crate::failure::Failure;

/// An idle server, some seconds after its start.
pub(crate) async fn idle(dir: &Path, after: Duration) -> Result<Row, Failure> {
    let server = Server::start(dir, &[])?;
    tokio::time::sleep(after).await;
    Ok(Row {
        name: "memory, idle server",
        values: vec![server.resident_mib()?],
        unit: "MiB",
        target: Target::at_most(60.0, 30.0, 20.0),
        sides: format!("resident, {} s after the start", after.as_secs()),
    })
}

/// A server with 100,000 customers of 60 products each, after every one of them was read.
pub(crate) async fn many_customers(dir: &Path, population: Population) -> Result<Row, Failure> {
    let file = dir.join("many.ndjson");
    population.write_file(&file)?;
    let into = dir.join("data");
    let env = [("OMNIX_CACHE_BYTES", "134217728")];
    let status = binary()?
        .arg("import")
        .arg(&file)
        .args(["--format", "ndjson", "--data-dir"])
        .arg(&into)
        .envs(env)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    std::fs::remove_file(&file)?;
    if !status.success() {
        return Err(Failure::unavailable("the import of the customers failed"));
    }
    let server = Server::start(&into, &env)?;
    let token = server.token("admin")?;
    let mut connection = Connection::open(&server.address).await?;
    // A purchase of each brings its state into the cache.
    for first in (0..population.customers).step_by(1_000) {
        let now = omnix_worker::Clock::now(&omnix_worker::WallClock);
        let line = |i: u64| {
            let (customer, product) = (first + i, (first + i) * 7_919 % population.products);
            super::events::purchase(&format!("m{customer}"), customer, product, 1, 500, now)
        };
        let body: Vec<String> = (0..1_000.min(population.customers - first)).map(line).collect();
        let path = "/v1/streaming/events/batch";
        connection.exchange(&request("POST", path, &token, "application/x-ndjson", &body.join("\n"))).await?;
    }
    Ok(Row {
        name: "memory, 100 k customers",
        values: vec![server.resident_mib()?],
        unit: "MiB",
        target: Target::at_most(600.0, 300.0, 150.0),
        sides: format!(
            "{} customers of {} products each, a cache of 128 MiB, resident after a purchase of each",
            population.customers, population.favourites
        ),
    })
}
