//! What the tests of the generator share.

use fleetcast_sim::{Fleet, FleetSpec, SampleStep, Scenario};
use jiff::civil::{Date, date};

/// A fleet of `n_servers` from 1 January 2022.
pub fn fleet(scenario: &str, n_servers: usize, days: usize, step: SampleStep, seed: u64) -> Fleet {
    fleet_from(scenario, n_servers, date(2022, 1, 1), days, step, seed)
}

/// A fleet from another day.
pub fn fleet_from(scenario: &str, n_servers: usize, start: Date, days: usize, step: SampleStep, seed: u64) -> Fleet {
    let spec = FleetSpec { n_servers, start, days, step, seed };
    Fleet::new(Scenario::named(scenario).expect("a built-in scenario"), spec).expect("a possible fleet")
}

/// Pearson's correlation.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let cross: f64 = a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum();
    let square = |v: &[f64], mean: f64| v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    cross / (square(a, mean_a) * square(b, mean_b)).sqrt()
}

/// Settings of a scenario in which nothing goes wrong, but for level shifts: no incident, no outage, no resize,
/// no fault of the collector.
pub const NOTHING_GOES_WRONG: &str = "
[incidents]
memory_leak.per_server_per_year = 0.0
disk_full.per_server_per_year = 0.0
retry_storm.per_server_per_year = 0.0
noisy_neighbour.per_server_per_year = 0.0
cron_collision.per_server_per_year = 0.0
failover.per_server_per_year = 0.0
[outages]
per_server_per_year = 0.0
per_region_per_year = 0.0
[resizes]
per_pool_per_year = 0.0
[collector]
down_per_server_per_year = 0.0
stale_per_server_per_year = 0.0
counter_resets_per_server_per_year = 0.0
missed_share = 0.0
missing_metric_share = 0.0
late_share = 0.0
duplicate_share = 0.0
";
