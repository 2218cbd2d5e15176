//! The evaluation as one HTML file that needs nothing beside it.

use std::fmt::Write as _;

use super::measure::{Findings, Measure, figure_or_dash};
use super::split::date;
use super::{Evaluation, chart, table};

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;width:100%;font-size:14px;margin:.5rem 0 1.5rem}\
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #ddd}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\
.ambitious,.goal{color:#17692b}.must{color:#7a5b00}.MISSED{color:#a11}\
figure{display:inline-block;margin:0 1rem 1rem 0;max-width:26rem;vertical-align:top}\
figcaption{font-size:14px;color:#555}li{margin:.4rem 0}";

/// The whole page.
pub(crate) fn html(evaluation: &Evaluation) -> String {
    let (shop, split) = (evaluation.shop, evaluation.split);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>What Omnix would have told you</title>\
         <style>{STYLE}</style></head><body><h1>What Omnix would have told you</h1>\
         <p>{} customers, {} products and {} orders from {} to {}. Every prediction was made from what was known \
         at its moment and held against what happened next; judged are those from {} on.</p><ul>",
        shop.customers,
        shop.products,
        shop.orders,
        date(split.first),
        date(split.last),
        date(split.from),
    );
    for sentence in evaluation.verdict() {
        // Writing to a string does not fail.
        let _ = write!(page, "<li>{}</li>", escaped(&sentence));
    }
    page.push_str("</ul>");
    pictures(evaluation, &mut page);
    for findings in evaluation.parts() {
        part(findings, &mut page);
    }
    page.push_str(
        "<p>The simple rule is computed from the history alone, on the same rows, and sees only what came before \
         each of them; the gain is how much better than it Omnix is, with twice the standard error, were other \
         customers drawn. AUC: of two cases, one that came about and one that did not, how often the first was given \
         the higher probability; 0.5 is guessing. Calibration error: how far stated probabilities lie from what \
         came about. Must and goal, where they stand, are what a reference reached on this data.</p></body></html>\n",
    );
    page
}

fn pictures(evaluation: &Evaluation, page: &mut String) {
    let consumption = &evaluation.consumption;
    let [said, rule] = &consumption.gains;
    let curves = [
        chart::Curve { name: "Omnix", colour: "#1f6f8b", points: said },
        chart::Curve { name: "simple rule", colour: "#c1666b", points: rule },
    ];
    let _ = write!(
        page,
        "<figure>{}<figcaption>Can its certainty be trusted? Purchases within 30 days: dots on the dashed line are \
         exactly as frequent as stated, dots below it were promised too often.</figcaption></figure>\
         <figure>{}<figcaption>Whom to write to first? Of all customers and products on a day, the share of the \
         purchases of the next 14 days that is found among the likeliest.</figcaption></figure>",
        chart::reliability(&consumption.reliability),
        chart::lift(&curves),
    );
}

fn part(findings: &Findings, page: &mut String) {
    let _ = write!(
        page,
        "<h2>{}</h2><p>{}.</p><table><tr><th></th><th class=\"n\">of</th><th class=\"n\">Omnix</th>\
         <th class=\"n\">simple rule</th><th class=\"n\">gain</th><th>which rule</th><th>must / goal</th><th>reached</th></tr>",
        findings.title,
        table::coverage(findings),
    );
    for measure in &findings.measures {
        row(measure, page);
    }
    page.push_str("</table>");
}

fn row(measure: &Measure, page: &mut String) {
    let (rule, rule_value) = measure.rule.unwrap_or(("", None));
    let level = measure.level();
    let _ = write!(
        page,
        "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
         <td>{}</td><td>{}</td><td class=\"{level}\">{level}</td></tr>",
        escaped(measure.name),
        measure.rows,
        figure_or_dash(measure.value),
        figure_or_dash(rule_value),
        measure.gain_text(),
        escaped(rule),
        measure.goals_text(),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_html_are_words() {
        assert_eq!(escaped("a < b & c > d"), "a &lt; b &amp; c &gt; d");
    }
}
