//! The demo and the tests share one build: a development dependency that switches on a feature of a shared
//! crate would compile the query engine a second time.

use std::{collections::BTreeSet, process::Command};

use fleetcast_house::root;

/// Every package of the build with its features, `name version features`, with or without development dependencies.
fn features(edges: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--workspace", "--edges", edges, "--prefix", "none", "--format", "{p} {f}"])
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(|line| line.trim_end_matches(" (*)").trim_end().to_owned()).collect()
}

#[test]
fn tests_build_nothing_of_the_program_a_second_time() {
    let program = features("no-dev");
    let with_tests = features("normal,build,dev");
    let again: Vec<&String> = program.difference(&with_tests).collect();
    assert!(again.is_empty(), "built with other features for the tests: {again:#?}");
}
