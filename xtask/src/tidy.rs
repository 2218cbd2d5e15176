//! The rules of the house that no compiler checks.
//!
//! Each rule is a function from the workspace to findings. What clippy can hold (lengths of functions,
//! numbers of arguments, casts) is held by clippy, not here.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::report::Report;
use crate::workspace::Workspace;

mod adr;
mod edges;
mod links;
mod manifest;
mod source;

/// What a stranger looks for first.
const ROOT_PAGES: [&str; 4] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"];

/// Checks every rule.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Report> {
    let mut report = Report::default();
    report.check(edges::own(workspace.metadata()));
    report.check(edges::foreign(workspace.metadata()));
    report.check(manifest::findings(workspace.metadata())?);
    let mut sources = texts(workspace.root(), &["crates", "xtask"], "rs")?;
    source::mark_tests(&mut sources);
    for rule in source::RULES {
        report.check(sources.iter().flat_map(rule));
    }
    report.check(adr::findings(workspace.root())?);
    let mut pages = texts(workspace.root(), &["docs", "crates", "xtask"], "md")?;
    for name in ROOT_PAGES {
        let path = workspace.root().join(name);
        report.check((!path.exists()).then(|| format!("`{name}` is missing")));
        if path.exists() && path.extension().is_some_and(|extension| extension == "md") {
            pages.push(read(workspace.root(), &path)?);
        }
    }
    report.check(pages.iter().flat_map(|page| links::findings(workspace.root(), page)));
    Ok(report)
}

/// A file and what stands in it.
pub(crate) struct Text {
    /// Its path below the root.
    pub(crate) path: PathBuf,
    /// What stands in it.
    pub(crate) text: String,
    /// Whether it is built for tests only.
    pub(crate) is_test: bool,
}

impl Text {
    /// A finding about a line, counted from 1.
    pub(crate) fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path.display())
    }
}

/// All files below `folders` whose name ends in `extension`, sorted by path.
fn texts(root: &Path, folders: &[&str], extension: &str) -> anyhow::Result<Vec<Text>> {
    let mut texts = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("`{}`", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                if !path.ends_with("target") && !path.ends_with("node_modules") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                texts.push(read(root, &path)?);
            }
        }
    }
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(texts)
}

fn read(root: &Path, path: &Path) -> anyhow::Result<Text> {
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}`", path.display()))?;
    Ok(Text { path: path.strip_prefix(root).unwrap_or(path).to_owned(), text, is_test: false })
}
