//! `/v1/streaming/system/learning`

use serde_json::{Value, json};

use crate::support::House;

const PATH: &str = "/v1/streaming/system/learning";

#[tokio::test]
async fn each_learner_is_told_beside_its_fallback() {
    let house = House::new();
    let body = house.analyst().get(PATH).await.expect(200);
    assert_eq!(body["modelVersion"], 7);
    assert_eq!(body["learntUntil"], "2026-01-05T10:00:00.000Z");
    assert_eq!((&body["products"], &body["rowsWaiting"]), (&json!(12), &json!(345)));
    let learners = body["learners"].as_array().unwrap();
    assert_eq!(learners.len(), 3);
    assert_eq!(
        learners[0],
        json!({
            "name": "bought_again", "daysAhead": 30, "labels": 900, "logLoss": 0.45, "fallbackLogLoss": 0.5,
            "stage": "learnt", "speaks": "what was learnt", "note": "better than its fallback by 10 %",
        })
    );
    assert_eq!(learners[1]["note"], "fell back: worse than its fallback by 20 %");
    assert_eq!(learners[1]["stage"], "straightened");
    assert_eq!(learners[2]["note"], "100 labels are needed, 20 are there");
    assert_eq!((&learners[2]["logLoss"], &learners[2]["fallbackLogLoss"]), (&Value::Null, &Value::Null));
    assert_eq!(learners[2]["stage"], "analytic");
}

#[tokio::test]
async fn it_is_for_those_who_may_read_how_the_system_does() {
    let house = House::new();
    house.nobody().get(PATH).await.problem("unauthenticated");
    house.publisher().get(PATH).await.problem("forbidden");
    house.admin().get(PATH).await.expect(200);
    house.analyst().get(&format!("{PATH}?hours=1")).await.faults();
}
