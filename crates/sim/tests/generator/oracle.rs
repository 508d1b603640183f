//! The oracle against what really happens.

use crate::common::{NOTHING_GOES_WRONG, correlation, fleet};
use crate::events::BUSY;
use fleetcast_core::SCORED_QUANTILES;
use fleetcast_numeric::math;
use fleetcast_sim::{Fleet, FleetSpec, METRICS, OracleSpec, Profile, SampleStep, Scenario, ServerTelemetry};
use jiff::civil::{Date, date};

const CUTOFF: Date = date(2022, 10, 27);
const CUTOFF_DAY: usize = 299;
const HORIZON: usize = 120;

fn ask(n_draws: usize) -> OracleSpec {
    OracleSpec { cutoff: CUTOFF, horizon_days: HORIZON, n_draws }
}

fn made(text: &str, n_servers: usize, seed: u64) -> Fleet {
    let spec =
        FleetSpec { n_servers, start: date(2022, 1, 1), days: CUTOFF_DAY + 1 + HORIZON, step: SampleStep::Day, seed };
    Fleet::new(Scenario::from_toml(text, "test").expect("a scenario"), spec).expect("a possible fleet")
}

/// Whether the days after the cutoff, up to each day, hold one at or over the limit.
fn crossed(server: &ServerTelemetry, m: usize, threshold: f64) -> Option<Vec<bool>> {
    let metric = fleetcast_core::Metric::named(METRICS[m]);
    let limit = threshold / 100.0 * server.server.capacity(&metric)?;
    let mut so_far = false;
    let future = server.truth[m].observed[CUTOFF_DAY + 1..].iter();
    let reached = |value: &f64| {
        so_far |= *value >= limit;
        so_far
    };
    Some(future.map(reached).collect())
}

/// Days after the cutoff, from 0, that are looked at.
const LOOKED_AT: [usize; 3] = [0, 6, HORIZON - 1];

/// Share of the values that lie under each quantile, per day looked at.
fn shares_under(fleet: &Fleet) -> [[f64; 7]; 3] {
    let oracle = fleet.oracle(ask(160)).expect("a day of the run");
    let mut under = [[0.0; 7]; 3];
    let weight = 1.0 / (METRICS.len() * fleet.len()) as f64;
    for index in 0..fleet.len() {
        let (truth, said) = (fleet.generate(index), oracle.server(index));
        for (m, series) in said.metrics.iter().enumerate() {
            for (day, under) in LOOKED_AT.into_iter().zip(&mut under) {
                let happened = truth.truth[m].observed[CUTOFF_DAY + 1 + day];
                for (under, values) in under.iter_mut().zip(&series.quantiles) {
                    *under += if happened <= values[day] { weight } else { 0.0 };
                }
            }
        }
    }
    under
}

#[test]
fn what_happens_lies_under_each_quantile_as_often_as_it_says() {
    // Servers of one fleet share noise and events: the standard error is taken over fleets.
    const SEEDS: u64 = 10;
    let walkthrough = |seed| fleet("walkthrough", 20, CUTOFF_DAY + 1 + HORIZON, SampleStep::Day, seed);
    let makers: [(&str, &dyn Fn(u64) -> Fleet); 3] = [
        ("enterprise", &|seed| made("", 20, seed)),
        ("walkthrough", &walkthrough),
        ("with many events", &|seed| made(BUSY, 8, seed)),
    ];
    for (name, make) in makers {
        let n_values = (METRICS.len() * make(0).len()) as f64;
        let shares: Vec<_> = (0..SEEDS).map(|seed| shares_under(&make(100 + seed))).collect();
        for (at, day) in LOOKED_AT.into_iter().enumerate() {
            for (q, asked) in SCORED_QUANTILES.iter().enumerate() {
                let of_seeds: Vec<f64> = shares.iter().map(|share| share[at][q]).collect();
                let got = math::mean(&of_seeds).unwrap();
                let error = math::standard_deviation(&of_seeds).unwrap() / (SEEDS as f64).sqrt();
                // Ten fleets tell their own spread poorly; it is not below that of independent values.
                let least = (asked * (1.0 - asked) / (SEEDS as f64 * n_values)).sqrt();
                assert!((got - asked).abs() < 4.0 * error.max(least), "{name} day {day} q{asked}: {got} +- {error}");
            }
        }
    }
}

/// Brier scores of what the oracle says and of what any server of its kind would be told: the share of the
/// others that cross.
#[test]
fn its_probabilities_of_crossing_beat_the_share_of_those_that_cross() {
    let (mut oracle_score, mut climate_score, mut said_sum, mut happened_sum, mut n) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for seed in 0..3 {
        let fleet = made("[effects]\nidle_share = 0.2\nbusy_median_factor = 1.1", 60, 7 + seed);
        let oracle = fleet.oracle(ask(200)).unwrap();
        let day = HORIZON - 1;
        let mut pairs = Vec::new();
        for index in 0..fleet.len() {
            let (truth, said) = (fleet.generate(index), oracle.server(index));
            for (m, series) in said.metrics.iter().enumerate() {
                for (threshold, p) in [80.0, 90.0].into_iter().zip(&series.p_crossed) {
                    let happened = crossed(&truth, m, threshold).expect("every metric has a capacity");
                    let p = p.as_ref().expect("every metric has a capacity");
                    assert!(p.windows(2).all(|pair| pair[0] <= pair[1]), "a crossing is not undone");
                    pairs.push((p[day], f64::from(u8::from(happened[day]))));
                }
            }
        }
        let share = pairs.iter().map(|(_, happened)| happened).sum::<f64>() / pairs.len() as f64;
        for (p, happened) in pairs {
            oracle_score += (p - happened) * (p - happened);
            climate_score += (share - happened) * (share - happened);
            said_sum += p;
            happened_sum += happened;
            n += 1.0;
        }
    }
    assert!(oracle_score < 0.4 * climate_score, "{oracle_score} against {climate_score}");
    assert!((said_sum - happened_sum).abs() < 0.02 * n, "{said_sum} said, {happened_sum} happened, of {n}");
}

#[test]
fn without_chance_it_is_exact() {
    let text = "[noise]\nwild_day_share = 0.0\n[effects]\nidle_share = 0.0\nbusy_median_factor = 1.0\nnoise_log_std = 0.0\n[level_shifts]\nper_server_per_year = 0.0\nper_pool_per_year = 0.0";
    let text = format!("{text}{NOTHING_GOES_WRONG}");
    let quiet = "name = 'web'\n[base]\ncpu_percent = 70\nmemory_percent = 80\nnetwork_percent = 75\n[std_percent_of_base]\ncpu = 0\nmemory = 0\ndisk_io = 0\nnetwork = 0";
    for law in ["normal", "log-normal"] {
        let scenario =
            Scenario::from_toml(&text.replace("[noise]", &format!("[noise]\nlaw = '{law}'")), "quiet").unwrap();
        let scenario = scenario.with_profile(Profile::from_toml(quiet, "quiet").unwrap());
        let days = CUTOFF_DAY + 1 + HORIZON;
        let spec = FleetSpec { n_servers: 12, start: date(2022, 1, 1), days, step: SampleStep::Day, seed: 5 };
        let fleet = Fleet::new(scenario, spec).unwrap();
        let oracle = fleet.oracle(ask(7)).unwrap();
        let mut n_crossed = 0;
        for index in 0..fleet.len() {
            let (truth, said) = (fleet.generate(index), oracle.server(index));
            for (m, series) in said.metrics.iter().enumerate() {
                for values in &series.quantiles {
                    for (day, value) in values.iter().enumerate() {
                        let happened = truth.truth[m].observed[CUTOFF_DAY + 1 + day];
                        assert!((value / happened - 1.0).abs() < 1e-12, "{law} {index} {m} {day}: {value} {happened}");
                    }
                }
                for (threshold, p) in [80.0, 90.0].into_iter().zip(&series.p_crossed) {
                    let happened = crossed(&truth, m, threshold).unwrap();
                    let expected: Vec<f64> = happened.iter().map(|&crossed| f64::from(u8::from(crossed))).collect();
                    assert_eq!(p.as_ref().unwrap(), &expected, "{law} {index} {m} {threshold}");
                    n_crossed += usize::from(happened[HORIZON - 1]);
                }
            }
        }
        assert!(n_crossed > 3, "{n_crossed}");
    }
}

#[test]
fn threads_order_and_a_longer_horizon_change_nothing() {
    let fleet = fleet("enterprise", 24, CUTOFF_DAY + 1, SampleStep::Day, 9);
    let long = fleet.oracle(ask(50)).unwrap();
    let alone: Vec<_> = (0..24).rev().map(|index| long.server(index)).collect();
    let fresh = fleet.oracle(OracleSpec { horizon_days: 30, ..ask(50) }).unwrap();
    std::thread::scope(|scope| {
        let work =
            |worker: usize| (worker..24).step_by(3).map(|index| (index, fresh.server(index))).collect::<Vec<_>>();
        let workers: Vec<_> = (0..3).map(|worker| scope.spawn(move || work(worker))).collect();
        for (index, short) in workers.into_iter().flat_map(|worker| worker.join().unwrap()) {
            let long = &alone[23 - index];
            assert_eq!((short.dates.len(), &short.server), (30, &long.server));
            for (short, long) in short.metrics.iter().zip(&long.metrics) {
                for (short, long) in short.quantiles.iter().zip(&long.quantiles) {
                    assert_eq!(short[..], long[..30]);
                }
                for (short, long) in short.p_crossed.iter().zip(&long.p_crossed) {
                    assert_eq!(short.as_ref().unwrap()[..], long.as_ref().unwrap()[..30]);
                }
            }
        }
    });
}

/// The sum over a pool scatters as its servers' common noise makes it; apart from it, it would scatter less.
#[test]
fn draws_of_a_pool_belong_together() {
    let fleet = made(
        &format!(
            "[noise]\nshared_by_pool = 0.8\nshared_by_service = 0.1\nshared_by_region = 0.1\nshared_by_fleet = \
             0.0\n{NOTHING_GOES_WRONG}"
        ),
        40,
        3,
    );
    let oracle = fleet.oracle(ask(400)).unwrap();
    let same = (0..39).find(|&i| fleet.server(i).pool == fleet.server(i + 1).pool).unwrap();
    let other = (0..40).find(|&i| fleet.server(i).region != fleet.server(same).region).unwrap();
    let day = |index| oracle.futures(index).day(0, 20).iter().map(|v| v.ln()).collect::<Vec<f64>>();
    let (one, two, far) = (day(same), day(same + 1), day(other));
    assert!(correlation(&one, &two) > 0.8, "{}", correlation(&one, &two));
    assert!(correlation(&one, &far).abs() < 0.3, "{}", correlation(&one, &far));
}

#[test]
fn impossible_questions_are_refused() {
    let fleet = fleet("enterprise", 1, 300, SampleStep::Day, 1);
    let error = |spec| fleet.oracle(spec).unwrap_err().to_string();
    let late = error(OracleSpec { cutoff: date(2023, 1, 1), ..ask(10) });
    assert_eq!(late, "oracle: `cutoff` is 2023-01-01, it must be a day of the run, 2022-01-01 to 2022-10-27");
    assert!(error(OracleSpec { horizon_days: 0, ..ask(10) }).contains("between 1 and 730"));
    assert!(error(ask(0)).contains("`draws` is 0"));
}
