//! Decision records are numbered without a gap and have their three parts.

use std::path::Path;

use anyhow::Context as _;

/// The parts of a record, in order.
const PARTS: [&str; 3] = ["## Context", "## Decision", "## Consequences"];

/// What is wrong with the records in `docs/adr`.
pub(crate) fn findings(root: &Path) -> anyhow::Result<Vec<String>> {
    let folder = root.join("docs/adr");
    let mut records = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("`{}`", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        records.push((name, std::fs::read_to_string(&path)?));
    }
    records.sort();
    Ok(judge(&records))
}

/// `records`: file names and texts, sorted.
fn judge(records: &[(String, String)]) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, (name, text)) in records.iter().enumerate() {
        let number = format!("{:04}", index + 1);
        if !name.starts_with(&format!("{number}-")) || !name.ends_with(".md") {
            findings.push(format!("docs/adr/{name}: `{number}-title.md` was to be expected here"));
        }
        if !text.starts_with(&format!("# {}. ", index + 1)) {
            findings.push(format!("docs/adr/{name}: does not open with `# {}. Title`", index + 1));
        }
        let parts: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        if parts != PARTS {
            findings.push(format!("docs/adr/{name}: its parts are {parts:?}, not {PARTS:?}"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, number: usize) -> (String, String) {
        (name.to_owned(), format!("# {number}. T\n\n## Context\n\n## Decision\n\n## Consequences\n"))
    }

    #[test]
    fn a_gap_and_a_missing_part_are_found() {
        assert!(judge(&[record("0001-a.md", 1), record("0002-b.md", 2)]).is_empty());
        assert_eq!(judge(&[record("0001-a.md", 1), record("0003-b.md", 3)]).len(), 2);
        let bare = ("0001-a.md".to_owned(), "# 1. T\n\n## Context\n".to_owned());
        assert_eq!(judge(&[bare]).len(), 1);
    }
}
