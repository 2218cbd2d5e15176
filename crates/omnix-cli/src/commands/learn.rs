//! `omnix learn status`: what was learnt, and how well, as a table; with `--json` as the server says it.

use serde_json::Value;

use crate::cli::LearnCommand;
use crate::failure::Failure;
use crate::source::Source;

pub(crate) async fn run(command: LearnCommand) -> Result<(), Failure> {
    let LearnCommand::Status { source } = command;
    let opened = Source::open(&source).await?;
    let answer = opened.client().get("/v1/streaming/system/learning").await;
    opened.close().await?;
    let learning = answer?;
    if source.remote.json {
        println!("{learning}");
    } else {
        print!("{}", text_of(&learning));
    }
    Ok(())
}

fn text_of(learning: &Value) -> String {
    let number = |name: &str| learning.get(name).and_then(Value::as_u64).unwrap_or_default();
    let until = learning.get("learntUntil").and_then(Value::as_str).unwrap_or("-");
    let mut out = format!("model      {}, learnt until {until}\n", number("modelVersion"));
    out.push_str(&format!("products   {}\n", number("products")));
    out.push_str(&format!(
        "waiting    {} rows, until it is known what came about\n\n",
        number("rowsWaiting")
    ));
    let head = ["probability of", "labels", "log-loss", "fallback", "what speaks"];
    out.push_str(&row(head.map(str::to_owned)));
    for learner in learning.get("learners").and_then(Value::as_array).into_iter().flatten() {
        let word = |name: &str| learner.get(name).and_then(Value::as_str).unwrap_or("-");
        let loss = |name: &str| match learner.get(name).and_then(Value::as_f64) {
            Some(loss) => format!("{loss:.4}"),
            None => "-".to_owned(),
        };
        let labels = learner.get("labels").map_or_else(String::new, Value::to_string);
        out.push_str(&row([
            title(word("name"), learner.get("daysAhead").and_then(Value::as_u64).unwrap_or_default()),
            labels,
            loss("logLoss"),
            loss("fallbackLogLoss"),
            format!("{}: {}", word("speaks"), word("note")),
        ]));
    }
    out
}

fn row([title, labels, loss, fallback, speaks]: [String; 5]) -> String {
    format!("{title:<40} {labels:>9} {loss:>9} {fallback:>9}  {speaks}\n")
}

/// What a learner says, in words; under its own name where this version has none for it.
fn title(name: &str, days: u64) -> String {
    match name {
        "bought_again" => format!("bought again within {days} days"),
        "due" => format!("on any day, bought in the next {days} days"),
        "order" => format!("the customer orders within {days} days"),
        "new_product" => "which new product an order takes".to_owned(),
        other => format!("{other}, {days} days"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_learner_is_a_line() {
        let learner = |name, days, loss: Option<f64>| {
            json!({
                "name": name, "daysAhead": days, "labels": 812, "logLoss": loss, "fallbackLogLoss": loss,
                "stage": "straightened", "speaks": "the analytic form", "note": "fell back: worse",
            })
        };
        let text = text_of(&json!({
            "modelVersion": 7, "learntUntil": "2026-01-05T10:00:00.000Z", "products": 3, "rowsWaiting": 41,
            "learners": [learner("bought_again", 30, Some(0.51234)), learner("new", 5, None)],
        }));
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect())
            .collect();
        assert_eq!(lines[0], ["model", "7, learnt until 2026-01-05T10:00:00.000Z"]);
        let speaks = "the analytic form: fell back: worse";
        assert_eq!(lines[5], ["bought again within 30 days", "812", "0.5123", "0.5123", speaks]);
        assert_eq!(lines[6], ["new, 5 days", "812", "-", "-", speaks]);
    }
}
