//! Every crate inherits the workspace's lints, and the workspace forbids unsafe code.

use anyhow::Context as _;
use cargo_metadata::Metadata;

/// Manifests that say otherwise.
pub(crate) fn findings(metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let root = metadata.workspace_root.join("Cargo.toml");
    let text = std::fs::read_to_string(&root).with_context(|| format!("`{root}`"))?;
    let mut findings = Vec::new();
    if !text.lines().any(|line| line.trim() == "unsafe_code = \"forbid\"") {
        findings.push("Cargo.toml: the workspace's lints do not forbid unsafe code".to_owned());
    }
    for package in metadata.workspace_packages() {
        let text = std::fs::read_to_string(&package.manifest_path)
            .with_context(|| format!("`{}`", package.manifest_path))?;
        if !inherits_lints(&text) {
            findings.push(format!("{}: no `[lints]` with `workspace = true`", package.manifest_path));
        }
        if package.license.as_deref() != Some("Apache-2.0") {
            findings.push(format!("{}: not under the project's licence", package.manifest_path));
        }
    }
    Ok(findings)
}

/// Whether a manifest has the section `[lints]` and in it nothing but `workspace = true`.
fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.find(|line| !line.is_empty() && !line.starts_with('#')) == Some("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_are_inherited_or_not() {
        assert!(inherits_lints("[package]\n[lints]\nworkspace = true\n[dependencies]"));
        assert!(!inherits_lints("[package]\nname = \"a\"\n"));
        assert!(!inherits_lints("[lints]\n[dependencies]\nworkspace = true\n"));
    }
}
