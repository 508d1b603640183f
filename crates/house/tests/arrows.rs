//! The star of crates: which may know which. A new arrow is a decision, so it is made here and in
//! ARCHITECTURE.md, not by the way in a `Cargo.toml`.

use std::collections::{BTreeMap, BTreeSet};

use fleetcast_house::{Package, packages};

const GROUND: [&str; 2] = ["fleetcast-core", "fleetcast-numeric"];
const STAGES: [&str; 7] = [
    "fleetcast-sim",
    "fleetcast-lake",
    "fleetcast-models",
    "fleetcast-backtest",
    "fleetcast-plan",
    "fleetcast-report",
    "fleetcast-realism",
];
const SENTENCE: &str = "fleetcast";
const FACES: [&str; 1] = ["fleetcast-cli"];
const HOUSE: &str = "fleetcast-house";

/// Crates of the query engine; an exact name, or the beginning of one when it ends with `*`.
const ENGINE: [&str; 7] =
    ["arrow*", "buoyant_kernel*", "datafusion*", "delta_kernel*", "deltalake*", "object_store", "parquet*"];

/// Generators of random numbers other than `numeric::Stream`.
const RANDOM: [&str; 5] = ["fastrand", "getrandom", "oorandom", "rand*", "nanorand"];

fn workspace() -> Vec<Package> {
    packages().expect("cargo describes this workspace")
}

fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut allowed = BTreeMap::from([
        ("fleetcast-core", BTreeSet::new()),
        ("fleetcast-numeric", BTreeSet::new()),
        (SENTENCE, GROUND.into_iter().chain(STAGES).collect()),
        (HOUSE, BTreeSet::new()),
    ]);
    allowed.extend(STAGES.map(|stage| (stage, BTreeSet::from(GROUND))));
    allowed.extend(FACES.map(|face| (face, BTreeSet::from([SENTENCE, "fleetcast-core"]))));
    allowed
}

fn is(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

/// Every crate of ours that knows another of ours it may not know, as `who -> whom`.
fn forbidden_arrows(packages: &[Package]) -> Vec<String> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let allowed = allowed();
    let nobody = BTreeSet::new();
    let mut found = Vec::new();
    for package in packages {
        let may = allowed.get(package.name.as_str()).unwrap_or(&nobody);
        let ours = package.needs.iter().filter(|need| ours.contains(need.as_str()));
        found
            .extend(ours.filter(|need| !may.contains(need.as_str())).map(|need| format!("{} -> {need}", package.name)));
    }
    found
}

#[test]
fn every_crate_has_its_place_in_the_star() {
    let placed: BTreeSet<&str> = allowed().into_keys().collect();
    let packages = workspace();
    let found: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(found, placed, "a crate that joins or leaves changes this list and ARCHITECTURE.md");
}

#[test]
fn stages_know_the_ground_and_no_other_stage() {
    assert_eq!(forbidden_arrows(&workspace()), Vec::<String>::new());
}

#[test]
fn an_arrow_between_two_stages_is_found() {
    let mut packages = workspace();
    let sim = packages.iter_mut().find(|package| package.name == "fleetcast-sim").expect("sim is a stage");
    sim.needs.insert("fleetcast-lake".to_owned());
    assert_eq!(forbidden_arrows(&packages), ["fleetcast-sim -> fleetcast-lake"]);
}

#[test]
fn only_the_lake_knows_the_query_engine() {
    for package in workspace() {
        let known = package.needs.iter().filter(|need| ENGINE.iter().any(|engine| is(need, engine)));
        let known: Vec<&String> = known.collect();
        assert!(known.is_empty() || package.name == "fleetcast-lake", "{} knows {known:?}", package.name);
    }
}

#[test]
fn numbers_come_from_numeric_alone() {
    for package in workspace() {
        let random: Vec<&String> =
            package.needs.iter().filter(|need| RANDOM.iter().any(|source| is(need, source))).collect();
        assert!(random.is_empty(), "{} draws from {random:?}, not from `numeric::Stream`", package.name);
        let own_maths = package.needs.contains("libm") && package.name != "fleetcast-numeric";
        assert!(!own_maths, "{} knows libm; elementary functions are those of `numeric::math`", package.name);
    }
}
