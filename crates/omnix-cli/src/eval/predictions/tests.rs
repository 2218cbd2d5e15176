//! Lines as the format's own examples have them, and lines that break it.

use super::*;
use crate::eval::history::tests::history;

fn shop() -> History {
    history(&[
        "14810 22726 1 2011-01-02T11:20:00Z 2",
        "14810 22726 2 2011-01-09T11:20:00Z 2",
        "14810 22386 3 2011-05-04T00:00:00Z 3",
    ])
}

fn read(lines: &[&str]) -> Result<Predictions, String> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Predictions::of(text.as_bytes(), &shop()).map_err(|(number, error)| format!("{number}: {error}"))
}

#[test]
fn each_kind_is_found_under_what_it_speaks_of() {
    let found = read(&[
        r#"{"kind":"consumption","at":"2011-01-09T11:20:00Z","customerId":"14810","productId":"22726","purchaseDays":2,"medianDays":35.2,"p":{"7":0.083211,"14":0.201754,"30":0.441392,"60":0.661038}}"#,
        r#"{"kind":"due","at":"2011-05-04T00:00:00Z","customerId":"14810","productId":"22726","purchaseDays":3,"elapsedDays":35,"p":{"7":0.1,"14":0.2,"30":0.4}}"#,
        r#"{"kind":"recommendation","at":"2011-05-04T00:00:00Z","customerId":"14810","orderId":"3","baskets":2,"items":["22726","nobody"],"newItems":["22386"]}"#,
        r#"{"kind":"order","at":"2011-01-09T11:20:00Z","customerId":"14810","orderId":"2","amount":2,"score":0.67,"alert":false,"burstScore":null,"burstAlert":true}"#,
        r#"{"kind":"segment","at":"2011-06-01T00:00:00Z","customerId":"14810","segment":"Cannot Lose Them","p60":0.571204}"#,
        r#"{"kind":"migration","at":"2011-01-02T11:20:00Z","customerId":"14810","from":null,"to":"New Customer","why":"x"}"#,
        r#"{"kind":"migration","at":"2011-02-06T00:00:00Z","customerId":"14810","from":"New Customer","to":"Need Attention"}"#,
        r#"{"kind":"weather","at":"2011-02-06T00:00:00Z"}"#,
        r#"{"kind":"segment","at":"2011-06-01T00:00:00Z","customerId":"stranger","segment":"Lost","p60":0.1}"#,
    ])
    .unwrap();
    assert_eq!(found.consumption[&(0, 0, 14_983)].median_days, Some(35.2));
    assert!((found.due[&(0, 0, 15_098)][2] - 0.4).abs() < 1e-9);
    assert_eq!(found.recommendations[&2], Lists { items: vec![0, UNKNOWN], new_items: vec![1] });
    assert_eq!(
        found.orders[&1],
        OrderScore { score: Some(0.67), burst_alert: true, ..OrderScore::default() }
    );
    assert_eq!(found.standings[&(0, 15_126)].segment, Segment::CannotLose);
    assert_eq!(found.segment_at(0, 14_976), None);
    assert_eq!(found.segment_at(0, 14_977), Some(Segment::New));
    assert_eq!(found.segment_at(0, 15_010), Some(Segment::New));
    assert_eq!(found.segment_at(0, 15_011), Some(Segment::NeedAttention));
    assert_eq!((found.lines["segment"], found.lines["other"], found.unmatched), (2, 1, 1));
}

#[test]
fn a_line_that_breaks_the_format_is_named() {
    let good =
        r#"{"kind":"segment","at":"2011-06-01T00:00:00Z","customerId":"14810","segment":"Lost","p60":0.5}"#;
    let change = |from: &str, to: &str| read(&[good, &good.replace(from, to)]).unwrap_err();
    for (from, to) in
        [("0.5", "1.5"), ("0.5", "null"), ("Lost", "lost"), ("06-01T", "13-01T"), ("\"kind\"", "kind")]
    {
        assert!(change(from, to).starts_with("2: "), "{from} {to}");
    }
    let due = r#"{"kind":"due","at":"2011-05-04T00:00:00Z","customerId":"14810","productId":"22726","p":{"7":0.3,"14":0.2,"30":0.4}}"#;
    assert!(read(&[due]).unwrap_err().contains("must not fall"));
    let order = r#"{"kind":"order","at":"2011-01-09T11:20:00Z","customerId":"14810","orderId":"2","amount":2,"score":null,"alert":true,"burstAlert":false}"#;
    assert!(read(&[order]).unwrap_err().contains("`alert`"));
}
