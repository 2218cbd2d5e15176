//! A crate exists because of a dependency that it must not have: the edges that there are, exactly.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, PackageId};

/// What each crate of ours uses of ours. A change here is a change of the architecture: it needs a decision
/// record.
const OWN: &[(&str, &[&str])] = &[
    ("omnix-model", &[]),
    ("omnix-engine", &["omnix-model"]),
    ("omnix-wire", &["omnix-model"]),
    ("omnix-storage", &["omnix-model"]),
    ("omnix-worker", &["omnix-engine", "omnix-model", "omnix-storage", "omnix-wire"]),
    ("omnix-server", &["omnix-engine", "omnix-model", "omnix-wire", "omnix-worker"]),
    (
        "omnix",
        &["omnix-engine", "omnix-model", "omnix-server", "omnix-storage", "omnix-wire", "omnix-worker"],
    ),
    ("xtask", &[]),
];

/// What must not be reached from a crate of ours, by any path.
const FOREIGN: &[(&str, &[&str])] = &[
    ("omnix-model", &["tokio", "rand", "serde_json", "hyper", "axum", "tracing"]),
    (
        "omnix-engine",
        &["tokio", "rand", "serde_json", "hyper", "axum", "tracing", "rayon", "crossbeam-channel"],
    ),
    ("omnix-wire", &["tokio", "axum", "hyper", "lsm-tree"]),
    ("omnix-storage", &["tokio", "axum", "hyper", "serde_json"]),
    ("omnix-worker", &["axum", "hyper", "reqwest"]),
];

/// Edges between crates of ours that are missing or should not be.
pub(crate) fn own(metadata: &Metadata) -> Vec<String> {
    let expected: BTreeMap<&str, BTreeSet<&str>> =
        OWN.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    let members: BTreeSet<&str> =
        metadata.workspace_packages().into_iter().map(|package| package.name.as_str()).collect();
    let mut found = BTreeMap::new();
    for package in metadata.workspace_packages() {
        let uses: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal)
            .map(|dependency| dependency.name.as_str())
            .filter(|name| members.contains(name))
            .collect();
        found.insert(package.name.as_str(), uses);
    }
    compare(&expected, &found)
}

/// What differs, crate by crate.
fn compare(expected: &BTreeMap<&str, BTreeSet<&str>>, found: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, uses) in found {
        match expected.get(name) {
            None => findings.push(format!("`{name}`: a crate that the table of edges does not know")),
            Some(allowed) if allowed != uses => {
                findings.push(format!("`{name}` uses {uses:?}, the table of edges says {allowed:?}"));
            }
            Some(_) => {}
        }
    }
    let gone = expected.keys().filter(|name| !found.contains_key(*name));
    findings.extend(gone.map(|name| format!("`{name}`: the table of edges names it, but it is not there")));
    findings
}

/// Crates of others that are reached from where they must not be.
pub(crate) fn foreign(metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, banned) in FOREIGN {
        let reached = reached(metadata, name);
        for bad in banned.iter().filter(|bad| reached.contains(*bad)) {
            findings.push(format!("`{name}` reaches `{bad}`"));
        }
    }
    findings
}

/// The names of all crates that the crate `from` is built with.
fn reached<'a>(metadata: &'a Metadata, from: &str) -> BTreeSet<&'a str> {
    let names: BTreeMap<&PackageId, &str> =
        metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
    let nodes: BTreeMap<&PackageId, _> =
        metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
    let mut open: Vec<&PackageId> =
        names.iter().filter(|(_, name)| **name == from).map(|(id, _)| *id).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let uses = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        open.extend(
            uses.filter(|used| used.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal))
                .map(|used| &used.pkg),
        );
    }
    seen.into_iter().filter_map(|id| names.get(id).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph<'a>(edges: &[(&'a str, &[&'a str])]) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        edges.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect()
    }

    #[test]
    fn an_edge_too_many_one_too_few_and_a_crate_unknown_are_found() {
        let expected = graph(&[("a", &["b"]), ("b", &[]), ("gone", &[])]);
        assert!(compare(&expected, &expected).is_empty());
        assert_eq!(compare(&expected, &graph(&[("a", &["b", "c"]), ("b", &[]), ("gone", &[])])).len(), 1);
        assert_eq!(compare(&expected, &graph(&[("a", &[]), ("b", &[]), ("gone", &[])])).len(), 1);
        assert_eq!(compare(&expected, &graph(&[("a", &["b"]), ("b", &[]), ("new", &[])])).len(), 2);
    }
}
