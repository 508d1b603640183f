//! What was planted is learned: profiles from telemetry.

use fleetcast_core::{Calendar, History, Panel, SeriesId, Step, Timeline, Zone};
use fleetcast_numeric::{Stream, math, quantile};
use fleetcast_sim::{Fit, FitOptions, Fleet, FleetSpec, METRICS, Profile, SampleStep, Scenario, fit};
use jiff::civil::date;

/// Servers that are their profile: no effects, no events, every loading 1, noise with a memory.
const PLAIN: &str = "
name = 'plain'
week_loading = { cpu = 1.0, memory = 1.0, disk_io = 1.0, network = 1.0 }
season_loading = { cpu = 1.0, memory = 1.0, disk_io = 1.0, network = 1.0 }
day_loading = { cpu = 1.0, memory = 1.0, disk_io = 1.0, network = 1.0 }
season.year_end_excess_factor = 1.0
calendar.holidays = []
[noise]
law = 'log-normal'
timescales_days = [0.0, 5.0]
timescale_shares = [0.6, 0.4]
[intraday]
std_percent = { cpu = 10.0, memory = 2.0, disk_io = 10.0, network = 10.0 }
window_edge_minutes = 30.0
[[regions]]
name = 'here'
timezone = 'UTC'
share = 1.0
";

fn plain_scenario() -> Scenario {
    // Everything the text does not give is that of the plain scenario, not of `enterprise`.
    let walkthrough = include_str!("../../scenarios/walkthrough.toml").parse::<toml::Table>().expect("it is TOML");
    let mut table = walkthrough;
    let over: toml::Table = PLAIN.parse().expect("it is TOML");
    merge(&mut table, over);
    Scenario::from_toml(&toml::to_string(&table).expect("a table is TOML"), "plain").expect("a valid scenario")
}

fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

fn panel(profile: &Profile, n_servers: usize, days: usize, step: SampleStep, seed: u64) -> Panel {
    let spec = FleetSpec { n_servers, start: date(2022, 1, 1), days, step, seed };
    let fleet = Fleet::new(plain_scenario().with_profile(profile.clone()), spec).expect("a possible fleet");
    let metrics = fleet.metrics();
    let histories = (0..n_servers).flat_map(|index| {
        let server = fleet.generate(index);
        let id = server.server.server_id().to_owned();
        let step = Step::seconds(fleet.spec().step.seconds()).expect("a step is above zero");
        let timeline = Timeline::new(date(2022, 1, 1).at(0, 0, 0, 0), step);
        let series = server.observed.into_iter().zip(&metrics).zip(METRICS);
        series
            .map(|((values, metric), name)| {
                History::new(SeriesId::new(&id, name), metric.clone(), timeline, values).expect("values are finite")
            })
            .collect::<Vec<_>>()
    });
    Panel::new(Vec::new(), histories.collect()).expect("ids are unique")
}

fn options() -> FitOptions {
    let calendar = Calendar::new(1, &[], Vec::new()).expect("quarters of the calendar year");
    FitOptions { name: "fitted".to_owned(), calendar, zone: Zone::utc() }
}

/// A random profile that stays below the capacity for three years.
fn planted(number: u64) -> Profile {
    let stream = Stream::new(number, &["planted"]);
    let between = |index: u64, low: f64, high: f64| low + (high - low) * stream.uniform(index);
    let base: Vec<String> = (0..4).map(|m| format!("{:?}", between(m, 3.0, 16.0))).collect();
    let std: Vec<String> = (0..4).map(|m| format!("{:?}", between(10 + m, 4.0, 35.0))).collect();
    let growth: Vec<String> = (0..4).map(|m| format!("{:?}", between(20 + m, -10.0, 30.0))).collect();
    let week: Vec<f64> = (0..7).map(|day| between(30 + day, 0.85, 1.15) * if day > 4 { 0.7 } else { 1.0 }).collect();
    let mean = week[..5].iter().sum::<f64>() / 5.0;
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let week: Vec<String> = days.iter().zip(&week).map(|(d, f)| format!("{d}_factor = {:?}", f / mean)).collect();
    let start = between(50, 0.0, 24.0).floor();
    let end = (start + between(51, 6.0, 14.0).floor()) % 24.0;
    let text = format!(
        "name = 'planted'\nbase = {{ cpu_percent = {}, memory_percent = {}, disk_io_mb_per_s = {}, network_percent = {} }}\n\
         std_percent_of_base = {{ cpu = {}, memory = {}, disk_io = {}, network = {} }}\n\
         growth_percent_per_year = {{ cpu = {}, memory = {}, disk_io = {}, network = {} }}\n\
         [season]\nquarter_end_peak_factor = {:?}\nmid_quarter_trough_factor = {:?}\n\
         [correlation]\ncpu_memory = {:?}\ncpu_network = {:?}\nmemory_disk_io = {:?}\n\
         [day]\nwave_amplitude_percent = {:?}\nwindow_factor = {:?}\nwindow_start_hour = {start:?}\nwindow_end_hour = {end:?}\n\
         [week]\n{}\n",
        base[0],
        base[1],
        base[2],
        base[3],
        std[0],
        std[1],
        std[2],
        std[3],
        growth[0],
        growth[1],
        growth[2],
        growth[3],
        between(40, 1.1, 1.7),
        between(41, 0.55, 0.95),
        between(42, -0.6, 0.9),
        between(43, -0.6, 0.9),
        between(44, -0.6, 0.9),
        between(52, 5.0, 40.0),
        between(53, 1.1, 1.5),
        week.join("\n"),
    );
    Profile::from_toml(&text, "planted").expect("a valid profile")
}

/// Errors of one fit against what was planted, by kind.
fn errors(planted: &Profile, long: &Fit, fine: &Fit) -> Vec<(&'static str, f64)> {
    let mut list = Vec::new();
    let mut all = |kind, a: &[f64], b: &[f64], relative: bool| {
        list.extend(a.iter().zip(b).map(|(a, b)| (kind, (a - b).abs() / if relative { b.abs() } else { 1.0 })));
    };
    let got = &long.profile;
    all("base (share)", &got.base(), &planted.base(), true);
    all("std (share)", &got.std_percent_of_base(), &planted.std_percent_of_base(), true);
    all("growth (points of % a year)", &got.growth_percent_per_year(), &planted.growth_percent_per_year(), false);
    all("week (factor)", &got.week(), &planted.week(), false);
    all("quarter-end peak (factor)", &[got.quarter_end_peak_factor()], &[planted.quarter_end_peak_factor()], false);
    all(
        "mid-quarter trough (factor)",
        &[got.mid_quarter_trough_factor()],
        &[planted.mid_quarter_trough_factor()],
        false,
    );
    let pairs = |p: &Profile| [p.correlation()[0][1], p.correlation()[0][3], p.correlation()[1][2]];
    all("correlation", &pairs(got), &pairs(planted), false);
    let (day, asked) = (day(&fine.profile), day(planted));
    all("wave amplitude (points of %)", &day[..1], &asked[..1], false);
    all("window factor", &day[1..2], &asked[1..2], false);
    let hours = |a: f64, b: f64| ((a - b).rem_euclid(24.0)).min((b - a).rem_euclid(24.0));
    all("window's edges (hours)", &[hours(day[2], asked[2]), hours(day[3], asked[3])], &[0.0, 0.0], false);
    list
}

fn day(profile: &Profile) -> [f64; 4] {
    let text: toml::Table = profile.to_toml().parse().expect("a profile's text is TOML");
    let hour = |key: &str| text["day"][key].as_float().expect("a number");
    [hour("wave_amplitude_percent"), hour("window_factor"), hour("window_start_hour"), hour("window_end_hour")]
}

#[test]
fn the_numbers_of_100_random_profiles_are_recovered() {
    let mut found: Vec<(&'static str, f64)> = Vec::new();
    for number in 0..100 {
        let planted = planted(number);
        let long = fit(&panel(&planted, 12, 1_096, SampleStep::Day, number), &options()).unwrap();
        let fine = fit(&panel(&planted, 6, 21, SampleStep::Hour, number), &options()).unwrap();
        found.extend(errors(&planted, &long, &fine));
    }
    // Kind, the 50 % and the 95 % quantile of the error that must hold over the 100 profiles.
    let stated = [
        ("base (share)", 0.01, 0.03),
        ("std (share)", 0.015, 0.04),
        ("growth (points of % a year)", 0.5, 1.5),
        ("week (factor)", 0.005, 0.015),
        ("quarter-end peak (factor)", 0.02, 0.05),
        ("mid-quarter trough (factor)", 0.01, 0.03),
        ("correlation", 0.01, 0.03),
        ("wave amplitude (points of %)", 1.0, 2.0),
        ("window factor", 0.015, 0.05),
        ("window's edges (hours)", 0.01, 0.01),
    ];
    for (kind, half, most) in stated {
        let errors: Vec<f64> = found.iter().filter(|(k, _)| *k == kind).map(|(_, error)| *error).collect();
        let at = |q: f64| quantile(&errors, q).expect("there are errors of every kind");
        println!("| {kind} | {} | {:.4} | {:.4} | {:.4} |", errors.len(), at(0.5), at(0.95), at(1.0));
        assert!(at(0.5) <= half && at(0.95) <= most, "{kind}: {} {}", at(0.5), at(0.95));
    }
}

#[test]
fn the_memory_and_the_spread_of_servers_are_written_into_a_scenario_that_is_valid() {
    let planted = planted(3);
    let long = fit(&panel(&planted, 12, 1_096, SampleStep::Day, 3), &options()).unwrap();
    let scenario = Scenario::from_toml(&long.scenario_toml, "fitted").unwrap();
    assert_eq!(scenario.name(), "fitted-fleet");
    let table: toml::Table = long.scenario_toml.parse().unwrap();
    let shares = table["noise"]["timescale_shares"].as_array().unwrap();
    // Planted: 0.6 white, 0.4 with a memory of 5 days, which lies at the timescale of 6.
    assert!((shares[0].as_float().unwrap() - 0.6).abs() < 0.08, "{shares:?}");
    assert!((shares[2].as_float().unwrap() - 0.4).abs() < 0.12, "{shares:?}");
    let spread = table["effects"]["within_pool_log_std"].as_float().unwrap();
    assert!(spread < 0.06, "{spread}");
    // The fitted fleet is generated with the fitted profile.
    let spec = FleetSpec { n_servers: 3, start: date(2022, 1, 1), days: 5, step: SampleStep::Day, seed: 1 };
    let fleet = Fleet::new(scenario.with_profile(long.profile), spec).unwrap();
    assert_eq!(fleet.server(0).archetype.as_deref(), Some("fitted"));
}

#[test]
fn a_short_trace_keeps_defaults_and_says_why() {
    let planted = planted(5);
    let short = fit(&panel(&planted, 5, 40, SampleStep::Day, 5), &options()).unwrap();
    let why = |key: &str| {
        let found = short.refused.iter().find(|(name, _)| name == key);
        found.unwrap_or_else(|| panic!("{key} is refused: {:?}", short.refused)).1.clone()
    };
    assert_eq!(
        why("growth_percent_per_year.cpu"),
        "40 days, 365 are needed: below a year growth cannot be told from a season"
    );
    assert_eq!(why("season.quarter_end_peak_factor"), "40 days, 183 are needed to see two quarter ends");
    assert!(why("day.wave_amplitude_percent").contains("1440 minutes apart"));
    let lines: Vec<&str> = short.profile_toml.lines().collect();
    let at = lines.iter().position(|line| *line == "quarter_end_peak_factor = 1.4").expect("the default stays");
    assert_eq!(lines[at - 1], "# Not fitted, the default stays: 40 days, 183 are needed to see two quarter ends.");
    assert_eq!(Profile::from_toml(&short.profile_toml, "fitted").unwrap(), short.profile);
    assert_eq!(math::mean(&short.profile.week()[..5]).map(|m| (m * 1e9).round()), Some(1e9));
    let empty = Panel::new(Vec::new(), Vec::new()).unwrap();
    assert!(fit(&empty, &options()).unwrap_err().to_string().contains("at least one series of three days"));
}
