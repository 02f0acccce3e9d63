//! The direction of dependencies between the crates, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Crates that know no I/O, no clock and no randomness.
const PURE: &[&str] = &["halo-types", "halo-diagnose", "halo-wire", "halo-context", "halo-recover"];

/// Crates that the pure ones must not reach, not even through others.
const IMPURE: &[&str] = &["tokio", "reqwest", "axum", "sqlx", "hyper", "rand", "chrono"];

/// The floor each crate lives on: it may depend on lower floors only.
const FLOORS: &[(&str, u8)] = &[
    ("halo-types", 0),
    ("halo-diagnose", 1),
    ("halo-wire", 1),
    ("halo-context", 1),
    ("halo-recover", 1),
    ("halo-store", 2),
    ("halo-transport", 2),
    ("halo-config", 2),
    ("halo-store-sqlite", 3),
    ("halo-store-postgres", 3),
    ("halo-engine", 4),
    ("halo-sim", 2),
    ("halo-gateway", 5),
    ("halo-web", 5),
    ("halo-cli", 6),
    ("xtask", 6),
];

/// Neighbours on one floor that may know each other.
const NEIGHBOURS: &[(&str, &str)] = &[("halo-context", "halo-wire")];

/// Names of the direct dependencies of each crate of the workspace, without those for tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().expect("metadata lists packages");
    packages
        .iter()
        .map(|package| {
            let names = package["dependencies"].as_array().expect("a package lists dependencies");
            let names = names
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap_or_default().to_owned());
            (package["name"].as_str().unwrap_or_default().to_owned(), names.collect())
        })
        .collect()
}

fn metadata(more: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .args(more)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

#[test]
fn arrows_point_down_only() {
    let floors: BTreeMap<&str, u8> = FLOORS.iter().copied().collect();
    for (name, needs) in dependencies() {
        let floor = floors
            .get(name.as_str())
            .unwrap_or_else(|| panic!("{name} has no floor; give it one in this test"));
        for need in needs.iter().filter(|need| need.starts_with("halo-")) {
            let neighbours = NEIGHBOURS.contains(&(name.as_str(), need.as_str()));
            assert!(
                floors[need.as_str()] < *floor || neighbours,
                "{name} must not depend on {need}"
            );
        }
    }
}

#[test]
fn the_simulator_does_not_know_the_engine() {
    let all = dependencies();
    let mut open = vec!["halo-sim".to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        assert!(
            !["halo-engine", "halo-transport", "halo-gateway", "halo-web"].contains(&name.as_str()),
            "halo-sim reaches {name}"
        );
        for need in all.get(&name).into_iter().flatten() {
            if seen.insert(need.clone()) {
                open.push(need.clone());
            }
        }
    }
}

#[test]
fn only_the_transport_speaks_http_and_only_stores_speak_sql() {
    for (name, needs) in dependencies() {
        assert!(!needs.contains("reqwest") || name == "halo-transport", "{name} uses reqwest");
        assert!(!needs.contains("sqlx") || name.starts_with("halo-store-"), "{name} uses sqlx");
    }
}

#[test]
fn the_pure_crates_reach_nothing_impure() {
    let metadata = metadata(&[]);
    let packages: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .expect("metadata lists packages")
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
        .collect();
    let nodes: BTreeMap<&str, Vec<&str>> = metadata["resolve"]["nodes"]
        .as_array()
        .expect("metadata resolves")
        .iter()
        .filter_map(|node| {
            let normal = |need: &&Value| {
                let kinds = need["dep_kinds"].as_array();
                kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
            };
            let needs = node["deps"].as_array()?.iter().filter(normal);
            Some((node["id"].as_str()?, needs.filter_map(|need| need["pkg"].as_str()).collect()))
        })
        .collect();
    for pure in PURE {
        let start = packages.iter().find(|(_, name)| name == &pure).map(|(id, _)| *id);
        let mut open = vec![start.unwrap_or_else(|| panic!("{pure} is in the workspace"))];
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            let name = packages[id];
            assert!(!IMPURE.contains(&name), "{pure} reaches {name}");
            for need in &nodes[id] {
                if seen.insert(*need) {
                    open.push(need);
                }
            }
        }
    }
}
