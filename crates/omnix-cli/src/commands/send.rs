//! `omnix send`: publishes events from a file or from standard input, batch by batch, as they come.

use std::io::{BufRead, BufReader, Read};

use omnix_model::limits::{BATCH_EVENTS_MAX, BODY_BYTES_MAX};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::SendArgs;
use crate::client::{self, Client};
use crate::failure::Failure;

/// Events of one request: enough to be quick, few enough that standard input is followed closely.
const BATCH_LINES: usize = 1_000;
const _: () = assert!(BATCH_LINES <= BATCH_EVENTS_MAX, "a batch that is sent is a batch that is taken");

#[derive(Debug, Default)]
struct Sent {
    published: u64,
    duplicates: u64,
    failed: u64,
}

pub(crate) async fn run(args: &SendArgs) -> Result<(), Failure> {
    let input: Box<dyn Read> = match args.path.as_str() {
        "-" => Box::new(std::io::stdin()),
        path => {
            Box::new(std::fs::File::open(path).map_err(|error| Failure::usage(format!("`{path}`: {error}")))?)
        }
    };
    let client = Client::of(&args.remote);
    let (mut sent, mut batch, mut lines, mut offset) = (Sent::default(), Vec::new(), 0, 0);
    let mut input = BufReader::new(input);
    loop {
        let start = batch.len();
        let is_over = input.read_until(b'\n', &mut batch)? == 0;
        lines += usize::from(!is_over);
        // The end of what has arrived so far sends it, so that a pipe is followed line by line.
        let is_idle = input.buffer().is_empty();
        if lines > 0 && (is_over || is_idle || lines == BATCH_LINES || batch.len() > BODY_BYTES_MAX / 2) {
            publish(&client, std::mem::take(&mut batch), offset, &mut sent).await?;
            offset += lines;
            lines = 0;
        }
        if is_over {
            break;
        }
        debug_assert!(batch.is_empty() || batch.len() > start, "a line that is not empty was read");
    }
    let answer = json!({ "published": sent.published, "duplicates": sent.duplicates, "failed": sent.failed });
    if args.remote.json {
        println!("{answer}");
    } else {
        println!(
            "{} published ({} of them known already), {} refused",
            sent.published, sent.duplicates, sent.failed
        );
    }
    if sent.failed > 0 {
        Err(Failure::from(anyhow::anyhow!("{} events were refused", sent.failed)))
    } else {
        Ok(())
    }
}

async fn publish(client: &Client, body: Vec<u8>, offset: usize, sent: &mut Sent) -> Result<(), Failure> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let request = client.request(Method::POST, "/v1/streaming/events/batch");
    let request = request.header("content-type", "application/x-ndjson").body(body);
    let answer = client.send_for(request, &[422]).await?;
    let status = answer.status().as_u16();
    let answer: Value = client::json(answer).await?;
    let count = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
    // 422 without counts means that every line was refused; its entries are named alike.
    sent.published += count("publishedCount");
    sent.duplicates += count("duplicateCount");
    let faults: Vec<&Value> = answer.get("errors").and_then(Value::as_array).into_iter().flatten().collect();
    let refused = if status == 422 { faults.len() as u64 } else { count("failedCount") };
    sent.failed += refused;
    for fault in faults {
        let word = |name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default();
        let line = fault.get("index").and_then(Value::as_u64).map_or(0, |index| offset as u64 + index + 1);
        let pointer = word("pointer");
        let gap = if pointer.is_empty() { "" } else { " " };
        eprintln!("line {line}: {pointer}{gap}{}", word("detail"));
    }
    Ok(())
}
