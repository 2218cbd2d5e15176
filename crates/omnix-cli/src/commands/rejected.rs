//! `omnix rejected`: events that were refused or could not be applied; shown, and published again.

use std::io::Read as _;

use reqwest::Method;
use serde_json::Value;

use crate::cli::{RejectedCommand, RemoteArgs, SourceArgs};
use crate::client::{self, Client, path_part};
use crate::failure::Failure;
use crate::source::Source;

const PATH: &str = "/v1/streaming/events/rejected";

pub(crate) async fn run(command: RejectedCommand) -> Result<(), Failure> {
    match command {
        RejectedCommand::List { limit, source } => list(limit, &source).await,
        RejectedCommand::Show { id, source } => show(&id, &source).await,
        RejectedCommand::Replay { id, body, remote } => replay(&id, body.as_deref(), &remote).await,
    }
}

async fn list(limit: u32, source: &SourceArgs) -> Result<(), Failure> {
    let opened = Source::open(source).await?;
    let answer = opened.client().get(&format!("{PATH}?limit={limit}")).await;
    opened.close().await?;
    let answer = answer?;
    if source.remote.json {
        println!("{answer}");
        return Ok(());
    }
    for event in entries(&answer) {
        let word = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or("-");
        println!("{}  {:<20} {:<20} {}", word("receivedAt"), word("code"), word("customerId"), word("id"));
    }
    Ok(())
}

async fn show(id: &str, source: &SourceArgs) -> Result<(), Failure> {
    let opened = Source::open(source).await?;
    let found = find(opened.client(), id).await;
    opened.close().await?;
    let event = found?;
    if source.remote.json {
        println!("{event}");
        return Ok(());
    }
    let word = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or("-");
    println!("{}  {}  customer {}", word("receivedAt"), word("code"), word("customerId"));
    for fault in event.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let word = |name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default();
        println!("  {} {}", word("pointer"), word("detail"));
    }
    println!(
        "{}",
        event.get("body").or_else(|| event.get("bodyBase64")).and_then(Value::as_str).unwrap_or_default()
    );
    Ok(())
}

/// Walks the list, page by page, to the event with this id.
async fn find(client: &Client, id: &str) -> Result<Value, Failure> {
    let mut path = format!("{PATH}?limit=1000");
    loop {
        let mut page = client.get(&path).await?;
        let wanted = |event: &&Value| event.get("id").and_then(Value::as_str) == Some(id);
        if let Some(event) = entries(&page).find(wanted) {
            return Ok(event.clone());
        }
        match page.get_mut("nextCursor").map(Value::take) {
            Some(Value::String(cursor)) => path = format!("{PATH}?limit=1000&cursor={cursor}"),
            _ => return Err(Failure::not_found(format!("no rejected event `{id}`"))),
        }
    }
}

async fn replay(id: &str, body: Option<&str>, remote: &RemoteArgs) -> Result<(), Failure> {
    let client = Client::of(remote);
    let mut request = client.request(Method::POST, &format!("{PATH}/{}/replay", path_part(id)));
    if let Some(path) = body {
        let mut text = String::new();
        match path {
            "-" => std::io::stdin().read_to_string(&mut text)?,
            path => std::fs::File::open(path)?.read_to_string(&mut text)?,
        };
        request = request.header("content-type", "application/json").body(text);
    }
    let answer = client::json(client.send(request).await?).await?;
    if remote.json {
        println!("{answer}");
    } else {
        println!("{}", answer.get("message").and_then(Value::as_str).unwrap_or("replayed"));
    }
    Ok(())
}

fn entries(answer: &Value) -> impl Iterator<Item = &Value> {
    answer.get("rejected").and_then(Value::as_array).into_iter().flatten()
}
