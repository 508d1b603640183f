//! The bytes of a format version.

use crate::common::fleet_from;
use fleetcast_numeric::stream::stable_hash;
use fleetcast_sim::{FORMAT_VERSION, OracleSpec, SampleStep, ServerTelemetry};
use jiff::civil::date;
use std::fmt::Write;

const N_SERVERS: usize = 30;

/// All bits of a server.
fn bytes_of(server: &ServerTelemetry) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        format!("{:?}{:?}{:?}{:?}", server.server, server.events, server.crossings, server.deliveries).into();
    bytes.extend(server.ts_ms.iter().flat_map(|ms| ms.to_le_bytes()));
    let mut add = |values: &mut dyn Iterator<Item = &f64>| values.for_each(|v| bytes.extend(v.to_bits().to_le_bytes()));
    for truth in &server.truth {
        add(&mut [truth.base].iter());
        for layer in [&truth.growth, &truth.week, &truth.season, &truth.day, &truth.event] {
            add(&mut layer.iter());
        }
        add(&mut truth.noise.iter().chain(&truth.demand).chain(&truth.observed));
    }
    add(&mut server.observed.iter().flatten());
    for daily in server.daily.iter() {
        add(&mut daily.mean.iter().chain(&daily.max).flatten());
    }
    bytes
}

fn digest(scenario: &str, step: SampleStep, days: usize) -> u64 {
    let fleet = fleet_from(scenario, N_SERVERS, date(2024, 2, 1), days, step, 42);
    stable_hash(&(0..fleet.len()).flat_map(|index| bytes_of(&fleet.generate(index))).collect::<Vec<u8>>())
}

fn oracle_digest(scenario: &str) -> u64 {
    let fleet = fleet_from(scenario, N_SERVERS, date(2024, 2, 1), 400, SampleStep::Day, 42);
    let oracle = fleet.oracle(OracleSpec { cutoff: date(2024, 12, 31), horizon_days: 60, n_draws: 50 });
    let oracle = oracle.expect("a day of the run");
    let of_server = |index| {
        let metrics = oracle.server(index).metrics;
        let values = metrics.into_iter().flat_map(|m| m.quantiles.into_iter().chain(m.p_crossed.into_iter().flatten()));
        values.flatten().flat_map(|v| v.to_bits().to_le_bytes()).collect::<Vec<u8>>()
    };
    stable_hash(&(0..fleet.len()).flat_map(of_server).collect::<Vec<u8>>())
}

/// `FLEETCAST_REWRITE=1 cargo test --release -p fleetcast-sim golden` writes the hashes anew. Once a version
/// is released, a change of any bit needs the next [`FORMAT_VERSION`], and a line in the changelog: people
/// compare runs by seed.
#[test]
fn the_bytes_are_those_of_the_format_version() {
    let mut got = String::new();
    for scenario in ["walkthrough", "enterprise"] {
        for (step, days) in
            [(SampleStep::Day, 400), (SampleStep::Hour, 60), (SampleStep::Minutes15, 12), (SampleStep::Minutes5, 4)]
        {
            let _ = writeln!(got, "{scenario} {step} {:016x}", digest(scenario, step, days));
        }
        let _ = writeln!(got, "{scenario} oracle {:016x}", oracle_digest(scenario));
    }
    let path = format!("{}/tests/reference/golden-version-{FORMAT_VERSION}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("FLEETCAST_REWRITE").is_some() {
        std::fs::create_dir_all(format!("{}/tests/reference", env!("CARGO_MANIFEST_DIR"))).unwrap();
        std::fs::write(&path, &got).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(got == expected, "{path} has\n{expected}and the generator gives\n{got}FLEETCAST_REWRITE=1 writes it anew");
}
