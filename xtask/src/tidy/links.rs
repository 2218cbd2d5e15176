//! Links in Markdown lead to files that are there, and so do paths in backticks.
//!
//! The second matters more: ARCHITECTURE names the files to change for this or that, and such names rot
//! silently. Addresses outside the repository are not visited.

use std::path::{Component, Path, PathBuf};

use super::Text;

/// Folders of the root; what starts with one of them in backticks is a path.
const FOLDERS: [&str; 5] = ["crates/", "docs/", "xtask/", ".ci/", "deploy/"];

/// What `page` points to that is not there.
pub(crate) fn findings(root: &Path, page: &Text) -> Vec<String> {
    let here = page.path.parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    for (index, line) in page.text.lines().enumerate() {
        let linked = links(line).into_iter().map(|link| normal(&here.join(link)));
        let named = quoted(line).into_iter().map(PathBuf::from);
        for path in linked.chain(named).filter(|path| !root.join(path).exists()) {
            findings.push(page.at(index + 1, &format!("`{}` is not there", path.display())));
        }
    }
    findings
}

/// The targets of the links in a line that lead to files.
fn links(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// The paths in backticks in a line, without patterns (`*`, `{`, `<`, `…`, `NNNN`).
fn quoted(line: &str) -> Vec<&str> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(|text| FOLDERS.iter().any(|folder| text.starts_with(folder)))
        .filter(|text| !text.contains(['*', '{', '<', '…', ' ']) && !text.contains("NNNN"))
        .collect()
}

/// `path` without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nowhere_is_found_and_the_web_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("docs")).unwrap();
        std::fs::write(folder.path().join("docs/a.md"), "").unwrap();
        let page = |text: &str| Text { path: "docs/b.md".into(), text: text.to_owned(), is_test: false };
        let count = |text: &str| findings(folder.path(), &page(text)).len();
        assert_eq!(count("[a](a.md), [a](../docs/a.md#part), [w](https://example.org/x), [p](#part)"), 0);
        assert_eq!(count("[a](c.md)"), 1);
        assert_eq!(count("see `docs/a.md` and `docs/adr/NNNN-title.md` and `crates/*/src`"), 0);
        assert_eq!(count("see `docs/gone.md`"), 1);
    }
}
