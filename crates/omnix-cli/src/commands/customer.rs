//! `omnix customer show`: one customer, as the server knows them.

use serde_json::Value;

use crate::cli::CustomerCommand;
use crate::client::path_part;
use crate::failure::Failure;
use crate::source::Source;

pub(crate) async fn run(command: CustomerCommand) -> Result<(), Failure> {
    let CustomerCommand::Show { id, source } = command;
    let opened = Source::open(&source).await?;
    let answer = opened.client().get(&format!("/v1/streaming/customers/{}", path_part(&id))).await;
    opened.close().await?;
    let profile = answer?;
    if source.remote.json {
        println!("{profile}");
        return Ok(());
    }
    let shown = |path: &str| match profile.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "-".to_owned(),
        Some(value) => value.to_string(),
    };
    println!("customer   {id}");
    println!("segment    {} since {}", shown("/segment/name"), shown("/segment/since"));
    println!("purchases  {} in {} orders", shown("/purchases"), shown("/orders"));
    let amount = |path: &str| match profile.pointer(path).and_then(Value::as_f64) {
        Some(amount) => format!("{amount:.2}"),
        None => "-".to_owned(),
    };
    let (spent, usual) = (amount("/totalSpent"), amount("/spending/usual"));
    println!("spent      {spent} {} (usually {usual} an order)", shown("/currency"));
    println!("first      {}", shown("/firstPurchaseAt"));
    println!("last       {} ({} days ago)", shown("/lastPurchaseAt"), shown("/recencyDays"));
    for product in profile.get("products").and_then(Value::as_array).into_iter().flatten().take(10) {
        let word = |name: &str| product.get(name).and_then(Value::as_str).unwrap_or("-");
        let count = product.get("purchases").map_or_else(String::new, Value::to_string);
        println!("product    {count:>4} x {} (next: {})", word("productName"), word("nextExpectedAt"));
    }
    Ok(())
}
