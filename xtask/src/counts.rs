//! Reads how many tests ran from what test runners print.

use crate::report::Report;

/// What `cargo nextest` says in its summary: `12 tests run: 11 passed (1 slow), 1 failed, 2 skipped`.
pub(crate) fn nextest(output: &str) -> Option<Report> {
    let summary = output.lines().rev().find(|line| line.contains(" run: ") && line.contains("passed"))?;
    let (_, counts) = summary.split_once(" run: ")?;
    let mut report = Report::default();
    for part in counts.split(", ") {
        let mut words = part.split_whitespace();
        let count: u64 = words.next()?.parse().ok()?;
        match words.next()? {
            "passed" => report.passed += count,
            "skipped" => {}
            _ => report.failed += count,
        }
    }
    Some(report)
}

/// What `cargo test` says, once a binary: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
pub(crate) fn cargo_test(output: &str) -> Option<Report> {
    let mut found = None;
    for line in output.lines() {
        let Some(counts) = line.trim_start().strip_prefix("test result: ") else { continue };
        let report: &mut Report = found.get_or_insert_default();
        for part in counts.split([';', '.']) {
            let mut words = part.split_whitespace();
            let count = words.next().and_then(|word| word.parse::<u64>().ok());
            match (count, words.next()) {
                (Some(count), Some("passed")) => report.passed += count,
                (Some(count), Some("failed")) => report.failed += count,
                _ => {}
            }
        }
    }
    found
}

/// What the contract check says: `118 of 120 hold`.
pub(crate) fn holds(output: &str) -> Option<Report> {
    output.lines().rev().find_map(|line| {
        let mut words = line.split_whitespace();
        let good: u64 = words.next()?.parse().ok()?;
        let of = words.next()?;
        let all: u64 = words.next()?.parse().ok()?;
        let hold = words.next()?.trim_end_matches(';');
        let sound = of == "of" && hold == "hold" && all >= good && all > 0;
        sound.then(|| Report { passed: good, failed: all - good, notes: Vec::new() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(report: Option<Report>) -> Option<(u64, u64)> {
        report.map(|report| (report.passed, report.failed))
    }

    #[test]
    fn nextest_s_summary() {
        let all = "     Summary [   0.512s] 12 tests run: 12 passed (1 slow), 3 skipped";
        assert_eq!(counts(nextest(all)), Some((12, 0)));
        let some = "Summary [ 1.0s] 5/9 tests run: 2 passed, 1 failed, 1 exec failed, 1 timed out, 0 skipped\n  FAIL x";
        assert_eq!(counts(nextest(some)), Some((2, 3)));
        assert_eq!(counts(nextest("error: could not compile")), None);
    }

    #[test]
    fn cargo_test_s_results_are_added_up() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                    test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured\n";
        assert_eq!(counts(cargo_test(text)), Some((7, 2)));
        assert_eq!(counts(cargo_test("error")), None);
    }

    #[test]
    fn the_contract_s_closing_line() {
        assert_eq!(counts(holds("- a\n118 of 120 hold; first: a")), Some((118, 2)));
        assert_eq!(counts(holds("5 of 5 hold")), Some((5, 0)));
        assert_eq!(counts(holds("0 of 0 hold")), None);
        assert_eq!(counts(holds("the release binary does not build")), None);
    }
}
