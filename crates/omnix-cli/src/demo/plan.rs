//! What is planted into the live part of the demo: things that a product like this must find, and things
//! that it must bear.

use omnix_model::{Event, EventId, Timestamp};
use omnix_wire::event_to_json;
use reqwest::Method;
use serde_json::{Value, json};

use super::ledger::Ledger;
use super::shop::{Order, Shop};
use crate::client::{Client, path_part};
use crate::failure::Failure;

/// One thing to plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// A champion buys espresso machines.
    BigOrder,
    /// A champion orders again and again within seconds.
    Burst,
    /// An outside model says that a champion is at risk.
    PublishedMove,
    /// An outside model predicts, very sure of itself.
    PublishedPrediction,
    /// Senders that do not keep to the contract.
    Malformed,
    /// A till sends a whole order again, because the answer got lost.
    Retry,
    /// Somebody buys without a customer card.
    Anonymous,
}

impl Plant {
    pub(crate) const ALL: [Self; 7] = [
        Self::BigOrder,
        Self::PublishedMove,
        Self::Malformed,
        Self::Retry,
        Self::Burst,
        Self::PublishedPrediction,
        Self::Anonymous,
    ];

    /// Whom it is planted on: a customer of their own for each, so that the finds are told apart.
    const fn customer(self) -> &'static str {
        match self {
            Self::BigOrder => "champion-01",
            Self::Burst => "champion-02",
            Self::PublishedMove => "champion-03",
            Self::PublishedPrediction => "champion-04",
            Self::Malformed => "champion-05",
            Self::Retry => "champion-06",
            Self::Anonymous => "guest",
        }
    }
}

/// The live part: sends orders, and remembers what was planted.
#[derive(Debug)]
pub(crate) struct Live {
    client: Client,
    shop: Shop,
    pub(crate) ledger: Ledger,
    pub(crate) planted: Vec<Plant>,
    pub(crate) malformed: u64,
    pub(crate) duplicates: u64,
    /// Whose order is under way: interrupted now, nobody knows whether it arrived.
    in_doubt: Option<String>,
}

/// What an answer says of a batch.
fn count(answer: &Value, name: &str) -> u64 {
    answer.get(name).and_then(Value::as_u64).unwrap_or(0)
}

impl Live {
    pub(crate) const fn new(client: Client, shop: Shop, ledger: Ledger) -> Self {
        Self { client, shop, ledger, planted: Vec::new(), malformed: 0, duplicates: 0, in_doubt: None }
    }

    /// Sends the next ordinary order; answers how many events it had.
    pub(crate) async fn ordinary(&mut self, now: Timestamp) -> Result<u64, Failure> {
        match self.shop.next_live(now) {
            Some(order) => self.send(&order).await,
            None => Ok(0),
        }
    }

    /// Plants one thing.
    pub(crate) async fn plant(&mut self, plant: Plant, now: Timestamp) -> Result<(), Failure> {
        let customer = plant.customer();
        match plant {
            Plant::BigOrder => self.unusual(customer, 6, now).await?,
            Plant::Burst => {
                for i in 0..6 {
                    self.unusual(customer, 1, now.plus_ms(i)).await?;
                }
            }
            Plant::PublishedMove => {
                let body = json!({
                    "customerId": customer, "previousSegment": "Champions", "newSegment": "At Risk",
                    "segmentationScore": 0.21, "reasonCodes": ["support_complaint"], "confidence": 0.88,
                    "modelVersion": "crm-2026.1", "timestamp": now.to_string(), "eventId": "demo:move:1",
                });
                self.post("segment-update", &body).await?;
            }
            Plant::PublishedPrediction => {
                let body = json!({
                    "customerId": customer, "productId": "coffee-1kg",
                    "predictedConsumptionDate": now.plus_ms(3 * Timestamp::DAY_MS).to_string(), "confidence": 0.95,
                    "predictionType": "ai-enhanced", "factors": ["smart_scale"], "alertTriggered": true,
                    "timestamp": now.to_string(), "eventId": "demo:prediction:1",
                });
                self.post("consumption-prediction", &body).await?;
            }
            Plant::Malformed => self.malformed(customer, now).await?,
            Plant::Retry => {
                if let Some(order) = self.shop.unusual(customer, 1, now) {
                    self.send(&order).await?;
                    self.duplicates += count(&self.batch(&lines_of(&order)).await?, "duplicateCount");
                }
            }
            Plant::Anonymous => {
                let line = json!({
                    "customerId": customer, "productId": "water-12", "productCategory": "drinks",
                    "productName": "Mineral water, 12 x 1 l", "quantity": 1, "price": 8.99, "totalAmount": 8.99,
                    "timestamp": now.to_string(), "eventId": "demo:guest:1",
                });
                self.post("purchase", &line).await?;
            }
        }
        self.planted.push(plant);
        Ok(())
    }

    async fn unusual(&mut self, customer: &str, pieces: i64, now: Timestamp) -> Result<(), Failure> {
        if let Some(order) = self.shop.unusual(customer, pieces, now) {
            self.send(&order).await?;
        }
        Ok(())
    }

    /// Five faults, each of another kind; every one must be refused, and kept to be looked at.
    async fn malformed(&mut self, customer: &str, now: Timestamp) -> Result<(), Failure> {
        let sound = json!({
            "customerId": customer, "productId": "tea-green", "productCategory": "tea", "productName": "Green tea",
            "quantity": 1, "price": 6.9, "totalAmount": 6.9, "timestamp": now.to_string(),
        });
        let faults = [
            ("price", json!(-1)),
            ("quantity", json!("one")),
            ("timestamp", json!("yesterday")),
            ("customerId", json!("")),
            ("deviceType", json!("fridge")),
        ];
        let mut lines = String::new();
        for (field, value) in faults {
            let mut event = sound.clone();
            if let Some(slot) = event.as_object_mut() {
                slot.insert(field.to_owned(), value);
            }
            lines.push_str(&event.to_string());
            lines.push('\n');
        }
        let request = self.client.request(Method::POST, "/v1/streaming/events/batch");
        let answer = request.header("content-type", "application/x-ndjson").body(lines).send().await?;
        let answer: Value = answer.json().await?;
        self.malformed +=
            answer.get("errors").and_then(Value::as_array).map_or(0, |errors| errors.len() as u64);
        Ok(())
    }

    async fn send(&mut self, order: &Order) -> Result<u64, Failure> {
        self.in_doubt = Some(order.customer.clone());
        let answer = self.batch(&lines_of(order)).await?;
        self.ledger.enter(order);
        self.in_doubt = None;
        Ok(count(&answer, "publishedCount"))
    }

    async fn batch(&self, lines: &str) -> Result<Value, Failure> {
        let request = self.client.request(Method::POST, "/v1/streaming/events/batch");
        let request = request.header("content-type", "application/x-ndjson").body(lines.to_owned());
        crate::client::json(self.client.send(request).await?).await
    }

    async fn post(&self, kind: &str, body: &Value) -> Result<(), Failure> {
        let request = self.client.request(Method::POST, &format!("/v1/streaming/events/{kind}"));
        self.client.send(request.json(body)).await.map(drop)
    }
}

fn lines_of(order: &Order) -> String {
    let line = |(id, event): (EventId, Event)| event_to_json(&event, Some(&id));
    order.events().into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What was planted, and what was found of it.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) planted: u64,
    pub(crate) found: u64,
}

/// Asks the server for everything that was planted; `client` is an admin's.
pub(crate) async fn findings(client: &Client, live: &Live) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let leavers = &live.shop.leavers;
    let mut left = 0;
    for (customer, _) in leavers {
        left += u64::from(has_slipped(client, customer).await?);
    }
    findings.push(finding("champions who left, seen slipping", leavers.len() as u64, left));
    let planted = |plant| live.planted.contains(&plant);
    let finds = [
        (Plant::BigOrder, "an order quite unlike the customer's", "behavior_anomaly", None),
        (Plant::Burst, "a burst of orders", "behavior_anomaly", None),
        (
            Plant::PublishedMove,
            "a published move to At Risk, critical",
            "segment_migration",
            Some("critical"),
        ),
        (Plant::PublishedPrediction, "a published prediction, high", "consumption_prediction", Some("high")),
    ];
    for (plant, what, kind, priority) in finds.into_iter().filter(|(plant, ..)| planted(*plant)) {
        let found = count_insights(client, plant.customer(), kind, priority).await?;
        findings.push(finding(what, 1, found.min(1)));
    }
    if planted(Plant::Malformed) {
        findings.push(finding("malformed events, refused", 5, live.malformed));
        let kept = client.get("/v1/streaming/events/rejected?limit=1000").await?;
        let kept = kept.get("rejected").and_then(Value::as_array).map_or(0, |rejected| rejected.len() as u64);
        findings.push(finding("malformed events, kept to be looked at", 5, kept));
    }
    if planted(Plant::Retry) {
        findings.push(finding("events sent twice, counted once", 1, live.duplicates));
    }
    let (mut checked, mut exact) = (0, 0);
    let known = live.ledger.customers().filter(|&customer| live.in_doubt.as_deref() != Some(customer));
    for customer in known.step_by(17) {
        checked += 1;
        exact += u64::from(is_exact(client, live, customer).await?);
    }
    findings.push(finding("customers whose counts and sums are exact", checked, exact));
    Ok(findings)
}

fn finding(what: &str, planted: u64, found: u64) -> Finding {
    Finding { what: what.to_owned(), planted, found }
}

async fn count_insights(
    client: &Client,
    customer: &str,
    kind: &str,
    priority: Option<&str>,
) -> Result<u64, Failure> {
    let priority = priority.map(|priority| format!("&priority={priority}")).unwrap_or_default();
    let path = format!("/v1/streaming/insights/{}?hours=24&type={kind}{priority}", path_part(customer));
    let answer = client.get(&path).await?;
    Ok(answer.get("insights").and_then(Value::as_array).map_or(0, |insights| insights.len() as u64))
}

async fn has_slipped(client: &Client, customer: &str) -> Result<bool, Failure> {
    let path = format!("/v1/streaming/insights/{}?hours=8760&type=segment_migration", path_part(customer));
    let answer = client.get(&path).await?;
    let urgent = |insight: &Value| {
        matches!(insight.get("priority").and_then(Value::as_str), Some("high" | "critical"))
    };
    Ok(answer.get("insights").and_then(Value::as_array).is_some_and(|insights| insights.iter().any(urgent)))
}

async fn is_exact(client: &Client, live: &Live, customer: &str) -> Result<bool, Failure> {
    let profile = client.get(&format!("/v1/streaming/customers/{}", path_part(customer))).await?;
    let account = live.ledger.account(customer);
    let spent = profile.get("totalSpent").and_then(Value::as_f64).unwrap_or(f64::NAN);
    let cents = format!("{:.0}", spent * 100.0);
    Ok(count(&profile, "purchases") == account.purchases && cents == account.cents.to_string())
}
