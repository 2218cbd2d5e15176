//! `omnix insight`: list insights of one customer or of all, newest first; say what came of one.

use omnix_model::limits::HOURS_MAX;
use reqwest::Method;
use serde_json::{Value, json};

use super::tail::insight_line;
use crate::cli::{InsightCommand, InsightListArgs, OutcomeArg, SourceArgs};
use crate::client::{json as body_of, path_part};
use crate::failure::Failure;
use crate::source::Source;

pub(crate) async fn run(command: InsightCommand) -> Result<(), Failure> {
    match command {
        InsightCommand::List(asked) => list(&list_path(&asked), &asked.source).await,
        InsightCommand::Outcome { customer, insight, outcome, source } => {
            let path = format!("/v1/streaming/insights/{}/{}", path_part(&customer), path_part(&insight));
            judge(&path, outcome, &source).await
        }
    }
}

/// What answers the question in the API: the insights of a customer, or of all.
fn list_path(asked: &InsightListArgs) -> String {
    let whose = asked.customer.as_ref().map(|id| format!("/{}", path_part(id))).unwrap_or_default();
    // Of one customer the API answers the last day unless asked for more; people want all there is.
    let hours = asked.hours.or(asked.customer.is_some().then_some(HOURS_MAX));
    let asked_for = [
        ("&hours=", hours.map(|hours| hours.to_string())),
        ("&type=", asked.kind.clone()),
        ("&priority=", asked.priority.clone()),
    ];
    let filters = asked_for.into_iter().filter_map(|(name, value)| Some(name.to_owned() + &value?));
    format!("/v1/streaming/insights{whose}?limit={}{}", asked.limit, filters.collect::<String>())
}

async fn list(path: &str, source: &SourceArgs) -> Result<(), Failure> {
    let opened = Source::open(source).await?;
    let answer = opened.client().get(path).await;
    opened.close().await?;
    let answer = answer?;
    if source.remote.json {
        println!("{answer}");
        return Ok(());
    }
    for insight in answer.get("insights").and_then(Value::as_array).into_iter().flatten() {
        println!("{}", known_line(insight));
    }
    Ok(())
}

/// An insight as one line, with the id under which it can be explained and judged.
fn known_line(insight: &Value) -> String {
    let word = |name: &str| insight.get(name).and_then(Value::as_str);
    let outcome = word("outcome").map(|outcome| format!(" ({outcome})")).unwrap_or_default();
    format!("{}{outcome} [{}]", insight_line(insight), word("id").unwrap_or_default())
}

async fn judge(path: &str, outcome: OutcomeArg, source: &SourceArgs) -> Result<(), Failure> {
    let outcome = match outcome {
        OutcomeArg::Useful => Some("useful"),
        OutcomeArg::Wrong => Some("wrong"),
        OutcomeArg::Acted => Some("acted"),
        OutcomeArg::None => None,
    };
    let opened = Source::open(source).await?;
    let client = opened.client();
    let request = client.request(Method::PATCH, path).json(&json!({ "outcome": outcome }));
    let answer = match client.send(request).await {
        Ok(answer) => body_of(answer).await,
        Err(failure) => Err(failure),
    };
    opened.close().await?;
    let insight = answer?;
    if source.remote.json {
        println!("{insight}");
    } else {
        println!("{}", known_line(&insight));
    }
    Ok(())
}
