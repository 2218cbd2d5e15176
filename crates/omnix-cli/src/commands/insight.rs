//! `omnix insight list`: insights of one customer or of all, newest first.

use omnix_model::limits::HOURS_MAX;
use serde_json::Value;

use super::tail::insight_line;
use crate::cli::InsightCommand;
use crate::client::path_part;
use crate::failure::Failure;
use crate::source::Source;

pub(crate) async fn run(command: InsightCommand) -> Result<(), Failure> {
    let InsightCommand::List { customer, hours, limit, source } = command;
    // Of one customer the API answers the last day unless asked for more; people want all there is.
    let hours = hours.or(customer.is_some().then_some(HOURS_MAX));
    let hours = hours.map(|hours| format!("&hours={hours}")).unwrap_or_default();
    let whose = customer.map(|id| format!("/{}", path_part(&id))).unwrap_or_default();
    let opened = Source::open(&source).await?;
    let answer = opened.client().get(&format!("/v1/streaming/insights{whose}?limit={limit}{hours}")).await;
    opened.close().await?;
    let answer = answer?;
    if source.remote.json {
        println!("{answer}");
        return Ok(());
    }
    for insight in answer.get("insights").and_then(Value::as_array).into_iter().flatten() {
        println!("{}", insight_line(insight));
    }
    Ok(())
}
