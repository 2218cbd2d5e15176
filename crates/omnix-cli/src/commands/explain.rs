//! `omnix explain`: how an insight came about, for people; with `--json` as the server says it.

use serde_json::Value;

use super::tail::insight_line;
use crate::cli::ExplainArgs;
use crate::client::path_part;
use crate::failure::Failure;
use crate::source::Source;

/// Events printed; `--json` has all.
const EVENTS_SHOWN: usize = 20;

pub(crate) async fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let (customer, insight) = (path_part(&args.customer), path_part(&args.insight));
    let opened = Source::open(&args.source).await?;
    let answer = opened.client().get(&format!("/v1/streaming/insights/{customer}/{insight}/explain")).await;
    opened.close().await?;
    let explanation = answer?;
    if args.source.remote.json {
        println!("{explanation}");
    } else {
        print!("{}", text_of(&explanation));
    }
    Ok(())
}

fn text_of(explanation: &Value) -> String {
    let mut out = String::new();
    let at = |pointer: &str| explanation.pointer(pointer).unwrap_or(&Value::Null);
    line(&mut out, "insight", &insight_line(at("/insight")));
    line(&mut out, "status", &status(explanation));
    if !at("/cause").is_null() {
        let kind = if at("/cause/kind") == "time" { "a date had come at" } else { "the event at" };
        line(
            &mut out,
            "cause",
            &format!("{kind} {}, {}", shown(at("/cause/position")), shown(at("/cause/at"))),
        );
        let (model, hash) = (shown(at("/under/modelVersion")), shown(at("/under/modelHash")));
        let (settings, engine) = (shown(at("/under/settingsVersion")), shown(at("/under/engineVersion")));
        line(&mut out, "under", &format!("model {model} ({hash}), settings {settings}, engine {engine}"));
    }
    before(&mut out, at("/before"));
    events(&mut out, explanation);
    for step in items(at("/steps")) {
        steps(&mut out, step);
    }
    for difference in items(at("/differences")) {
        let member = |name: &str| difference.get(name).map_or_else(|| "-".to_owned(), shown);
        let text = format!("{}: stored {}, now {}", member("member"), member("stored"), member("recomputed"));
        line(&mut out, "differs", &text);
    }
    for gap in items(at("/gaps")) {
        line(&mut out, "gap", &format!("{}: {}", word(gap, "code"), word(gap, "detail")));
    }
    out
}

fn status(explanation: &Value) -> String {
    let same = match explanation.get("sameAsStored").and_then(Value::as_bool) {
        Some(true) => "recomputed from the log, it is what is stored",
        Some(false) => "recomputed from the log, it is not what is stored",
        None => "it could not be recomputed",
    };
    format!("{}: {same}", word(explanation, "status"))
}

fn before(out: &mut String, before: &Value) {
    if before.is_null() {
        line(out, "before", "nothing was known of the customer");
        return;
    }
    let at = |pointer: &str| before.pointer(pointer).map_or_else(|| "-".to_owned(), shown);
    let text = format!(
        "{} purchases in {} orders, {} spent, last on {}, {}",
        at("/purchases"),
        at("/orders"),
        at("/totalSpent"),
        at("/lastPurchaseAt"),
        at("/segment/name")
    );
    line(out, "before", &text);
}

fn events(out: &mut String, explanation: &Value) {
    let all = items(explanation.get("events").unwrap_or(&Value::Null));
    let read = explanation.get("eventsRead").map_or_else(String::new, shown);
    let text = format!("the last {} of {read} of this customer", all.len().min(EVENTS_SHOWN));
    line(out, "events", &text);
    for source in all.iter().skip(all.len().saturating_sub(EVENTS_SHOWN)) {
        let event = source.get("event").unwrap_or(&Value::Null);
        let what = match word(event, "eventType") {
            "purchase" => {
                let amount = event.get("totalAmount").map_or_else(String::new, shown);
                format!("{amount} for {}", word(event, "productName"))
            }
            "segment_update" => format!("to {}", word(event, "newSegment")),
            _ => word(event, "productId").to_owned(),
        };
        let (position, at) = (word(source, "position"), word(event, "timestamp"));
        let (kind, id) = (word(event, "eventType"), word(event, "eventId"));
        out.push_str(&format!("           {position} {at} {kind} {what} [{id}]\n"));
    }
}

fn steps(out: &mut String, step: &Value) {
    let value = step.get("value").map_or_else(String::new, shown);
    line(out, "step", &format!("{} = {value}", word(step, "name")));
    out.push_str(&format!("           {}\n", word(step, "about")));
    let inputs: Vec<String> = items(step.get("inputs").unwrap_or(&Value::Null))
        .iter()
        .map(|input| {
            let value = input.get("value").map_or_else(String::new, shown);
            format!("{} = {value} ({})", word(input, "name"), word(input, "from"))
        })
        .collect();
    let formula = word(step, "formula");
    if !formula.is_empty() {
        out.push_str(&format!("           {formula}\n"));
    }
    if !inputs.is_empty() {
        out.push_str(&format!("           with {}\n", inputs.join(", ")));
    }
}

fn line(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("{name:<10} {text}\n"));
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A value for people: no quotes around texts, numbers not longer than they tell.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            let text = format!("{number:.6}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        other => other.to_string(),
    }
}
