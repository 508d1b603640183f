//! The faults of the walk-through this generator began from, one by one: what its code did, and that ours
//! does what was meant. docs/generator.md lists them with these tests.

use crate::common::{correlation, fleet, fleet_from};
use fleetcast_numeric::math;
use fleetcast_sim::{Fleet, FleetSpec, METRICS, Profile, SampleStep, Scenario};
use jiff::civil::{Date, date};
use std::collections::BTreeSet;

/// Servers that are exactly a profile.
fn plain(profile: &Profile, start: Date, days: usize, step: SampleStep) -> Fleet {
    let scenario = Scenario::named("walkthrough").expect("a built-in scenario").with_profile(profile.clone());
    Fleet::new(scenario, FleetSpec { n_servers: 4, start, days, step, seed: 42 }).expect("a possible fleet")
}

fn named(name: &str) -> Profile {
    Profile::named(name).expect("a built-in profile")
}

/// The day factor of a profile at each full hour.
fn hours(profile: &Profile) -> Vec<f64> {
    let day = plain(profile, date(2022, 1, 3), 1, SampleStep::Hour).generate(0).truth[0].day.clone();
    day.iter().copied().collect()
}

/// Hour of the largest value.
fn top(hours: &[f64]) -> usize {
    (0..hours.len()).max_by(|&a, &b| hours[a].total_cmp(&hours[b])).expect("a day has hours")
}

/// Its code: a product of a column and a row, so 1,095 days gave 1,199,025 values.
#[test]
fn a_series_has_one_value_per_time() {
    let server = fleet("walkthrough", 1, 1095, SampleStep::Day, 1).generate(0);
    assert_eq!(server.ts_ms.len(), 1095);
    for m in 0..METRICS.len() {
        assert_eq!((server.observed[m].len(), server.truth[m].demand.len()), (1095, 1095));
        assert_eq!((server.truth[m].growth.len(), server.truth[m].noise.len()), (1095, 1095));
    }
}

/// Its code: the number of the day modulo 24 was taken for the hour, so days had a wave of 24 days.
#[test]
fn a_daily_series_has_no_wave_of_24_days() {
    let n = 960;
    let server = fleet("walkthrough", 1, n, SampleStep::Day, 3).generate(0);
    for truth in &server.truth {
        assert!(truth.day.iter().all(|factor| *factor == 1.0), "hours exist only inside a day");
        let explained = |d: usize| truth.base * truth.growth[d] * truth.season[d];
        let rest: Vec<f64> = (0..n).map(|d| truth.demand[d] / explained(d)).collect();
        for phase in [0.0, 6.0] {
            let wave: Vec<f64> = (0..n).map(|d| math::cos(std::f64::consts::TAU * (d as f64 - phase) / 24.0)).collect();
            // Four standard errors of a correlation of independent series.
            assert!(correlation(&rest, &wave).abs() < 4.0 / (n as f64).sqrt());
        }
    }
}

/// Its code: no weekly pattern, though its text promises one.
#[test]
fn weeks_have_weekends() {
    let web = named("web").week();
    assert!((web[..5].iter().sum::<f64>() / 5.0 - 1.0).abs() < 1e-9);
    let server = fleet_from("enterprise", 1, date(2024, 6, 3), 7, SampleStep::Day, 1).generate(0);
    let week = &server.truth[0].week;
    assert!(week[5] < week[4] && week[6] < week[0], "{week:?}");
}

/// Its code: the sine had its top at 6 h and its bottom at 18 h, and the window held both its ends.
#[test]
fn the_day_has_its_top_inside_the_window_which_is_half_open() {
    for (name, last) in [("web", 19), ("database", 18), ("application", 17)] {
        let hours = hours(&named(name));
        assert!((top(&hours) as f64 - middle(name)).abs() <= 0.5, "{name}");
        let wave = |h: usize| 1.0 + 0.2 * math::cos(std::f64::consts::TAU * (h as f64 - middle(name)) / 24.0);
        assert!((hours[last] / wave(last) - 1.15).abs() < 1e-12, "{name}: {last} h is inside");
        assert!((hours[last + 1] / wave(last + 1) - 1.0).abs() < 1e-12, "{name}: {} h is not", last + 1);
    }
}

fn middle(name: &str) -> f64 {
    let (start, end) = named(name).peak_window_hours();
    0.5 * (start + end)
}

/// Its code: batch was 1 / x of a day shape whose window was the whole day.
#[test]
fn batch_has_a_night_window_of_its_own() {
    let (web, batch) = (hours(&named("web")), hours(&named("batch")));
    assert_eq!(top(&batch), 2);
    assert!((batch[2] - 1.2 * 1.15).abs() < 1e-12 && (batch[14] - 0.8).abs() < 1e-12);
    for hour in [22, 23, 0, 1, 2, 3, 4, 5] {
        assert!(batch[hour] > 1.1, "{hour} h is in the window");
    }
    let upside_down: Vec<f64> = web.iter().map(|factor| 1.0 / factor).collect();
    let off = batch.iter().zip(&upside_down).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off > 0.1, "another shape than web upside down, by {off}");
}

/// Its code: the correlation of cpu and network was written into the cell of cpu and disk, constants stood
/// elsewhere, and the matrix of `web` was not positive definite.
#[test]
fn correlations_stand_where_their_names_say() {
    for (name, pairs) in [
        ("web", (0.85, 0.80, 0.35)),
        ("database", (0.70, 0.40, 0.65)),
        ("application", (0.78, 0.65, 0.45)),
        ("batch", (0.55, 0.30, 0.75)),
    ] {
        let matrix = named(name).correlation();
        assert_eq!((matrix[0][1], matrix[0][3], matrix[1][2]), pairs, "{name}");
        assert!((matrix[0][2] - matrix[0][1] * matrix[1][2]).abs() < 1e-15, "along the chain");
    }
    // Its matrix of `web`, cell by cell, is refused with the reason.
    let wrong = "[correlation]\nmatrix = [[1, 0.85, 0.80, 0.30], [0.85, 1, 0.35, 0.25], [0.80, 0.35, 1, 0.45], \
                 [0.30, 0.25, 0.45, 1]]";
    let error = Profile::from_toml(wrong, "web.toml").unwrap_err().to_string();
    assert!(error.contains("its smallest eigenvalue is -0.0"), "{error}");
}

/// Its code: a standard deviation meant three things in three places.
#[test]
fn a_deviation_is_that_of_the_residual_in_percent_of_the_base() {
    for name in Profile::NAMES {
        let profile = named(name);
        let fleet = plain(&profile, date(2022, 1, 1), 1095, SampleStep::Day);
        for (m, asked) in profile.std_percent_of_base().into_iter().enumerate() {
            let noise: Vec<f64> = (0..4).flat_map(|index| fleet.generate(index).truth[m].noise.clone()).collect();
            let got = 100.0 * math::standard_deviation(&noise).unwrap();
            assert!((got / asked - 1.0).abs() < 0.06, "{name} {}: {got} against {asked}", METRICS[m]);
        }
    }
}

/// Its code: quarters ended on fixed numbers of the day modulo 365, on one side of New Year only, and the
/// start date was never read.
#[test]
fn quarters_end_on_their_true_dates() {
    // A leap year in the middle, and a start within a quarter.
    let fleet = plain(&named("web"), date(2023, 11, 20), 500, SampleStep::Day);
    let server = fleet.generate(0);
    let season = |day: Date| {
        let at = day.duration_since(date(2023, 11, 20)).as_hours() / 24;
        server.truth[0].season[usize::try_from(at).expect("a day of the run")]
    };
    for end in [date(2023, 12, 31), date(2024, 3, 31), date(2024, 6, 30), date(2024, 9, 30), date(2024, 12, 31)] {
        assert!((season(end) - 1.4).abs() < 1e-12, "{end}");
        let (before, after) = (end.yesterday().unwrap(), end.tomorrow().unwrap());
        assert_eq!(season(before), season(after), "the same on both sides of {end}");
    }
    assert!((season(date(2024, 1, 5)) - (1.0 + 0.4 * 0.75)).abs() < 1e-12, "five days after New Year's Eve");
}

/// Its code: seeds came from a hash that is salted per process, and from one global generator, so results
/// depended on the order of calls.
#[test]
fn a_series_is_a_function_of_scenario_seed_and_id() {
    let (one, other) = (fleet("enterprise", 9, 60, SampleStep::Day, 7), fleet("enterprise", 9, 60, SampleStep::Day, 7));
    let forwards: Vec<_> = (0..9).map(|index| one.generate(index)).collect();
    let backwards: Vec<_> = (0..9).rev().map(|index| other.generate(index)).collect();
    for (a, b) in forwards.iter().zip(backwards.iter().rev()) {
        assert_eq!(a.truth, b.truth);
        assert_eq!(a.ts_ms, b.ts_ms);
    }
    // The same on every machine and in every version of a format: `golden_version_*` in laws.rs.
    assert_ne!(fleet("enterprise", 1, 60, SampleStep::Day, 8).generate(0).truth, forwards[0].truth);
}

/// Its code: random ids, of which 200 servers shared some in 89 of 100 fleets; and names that doubled.
#[test]
fn ids_are_the_archetype_and_an_index_and_never_collide() {
    let fleet = fleet("enterprise", 2_000, 1, SampleStep::Day, 4);
    let servers: Vec<_> = (0..2_000).map(|index| fleet.server(index)).collect();
    let ids: BTreeSet<&str> = servers.iter().map(|server| server.server_id()).collect();
    assert_eq!(ids.len(), 2_000);
    for server in &servers {
        let archetype = server.archetype.as_deref().unwrap();
        let number = server.server_id().strip_prefix(archetype).and_then(|rest| rest.strip_prefix('-')).unwrap();
        assert!(number.bytes().all(|byte| byte.is_ascii_digit()), "{}", server.server_id());
    }
}

/// Its code: the call its text shows could not run.
#[test]
fn the_first_call_of_the_documents_runs() -> Result<(), Box<dyn std::error::Error>> {
    let spec = FleetSpec { n_servers: 3, start: date(2022, 1, 1), days: 30, step: SampleStep::Day, seed: 42 };
    let scenario = Scenario::named("enterprise")?.with_profile(Profile::named("web")?);
    let telemetry = Fleet::new(scenario, spec)?.generate(0);
    assert_eq!(telemetry.server.archetype.as_deref(), Some("web"));
    assert_eq!(telemetry.observed.each_ref().map(Vec::len), [30; 4]);
    Ok(())
}

/// Its code: the clip put the memory of `database` at 100 % on most days of the third year, and what was
/// asked for was lost.
#[test]
fn demand_is_kept_beside_what_was_served() {
    let fleet = plain(&named("database"), date(2022, 1, 1), 1095, SampleStep::Day);
    let memory = &fleet.generate(0).truth[1];
    let third_year = 730..1095;
    let full = third_year.clone().filter(|&day| memory.saturated[day]).count();
    assert!(full > 182, "full on {full} days of the third year");
    for day in third_year {
        assert_eq!(memory.saturated[day], memory.demand[day] >= 100.0);
        assert_eq!(memory.observed[day], memory.demand[day].min(100.0));
    }
    assert!(memory.demand[730..].iter().copied().fold(0.0, f64::max) > 130.0, "how far over is known");
}

/// Its code: no value was checked.
#[test]
fn impossible_values_are_refused() {
    for (text, says) in [
        ("[std_percent_of_base]\ncpu = -8", "`std_percent_of_base.cpu` is -8, it must be a number between 0 and 200"),
        ("[correlation]\ncpu_memory = 1.7", "`correlation.cpu_memory` is 1.7"),
        ("[day]\nwindow_end_hour = 30", "`day.window_end_hour` is 30, it must be a number between 0 and 24"),
    ] {
        let error = Profile::from_toml(text, "mine.toml").unwrap_err().to_string();
        assert!(error.starts_with("mine.toml, line 2: ") && error.contains(says), "{error}");
    }
}

/// Figures of its text: the hourly factor as it wrote it, a sine with its top at 6 h and the window from 9 h
/// to 17 h with both ends.
#[test]
fn its_hourly_factor_has_the_figures_of_its_text() {
    let text = "[day]\ncentre_hour = 6.0\nwindow_start_hour = 9.0\nwindow_end_hour = 18.0";
    let hours = hours(&Profile::from_toml(text, "as-written.toml").unwrap());
    let low = hours.iter().copied().fold(f64::INFINITY, f64::min);
    let high = hours.iter().copied().fold(0.0, f64::max);
    let mean = math::mean(&hours).unwrap();
    assert!((low - 0.800).abs() < 5e-4 && (high - 1.3126).abs() < 5e-5 && (mean - 1.0540).abs() < 5e-5);
}

/// Figures of its text: 12 % a year is 1.12 after one and about 1.40 after three.
#[test]
fn growth_of_12_percent_is_1_12_after_a_year_and_1_40_after_three() {
    let generic = Profile::from_toml("", "generic.toml").unwrap();
    let growth = plain(&generic, date(2022, 1, 1), 1097, SampleStep::Day).generate(0).truth[0].growth.clone();
    assert!((growth[365] - 1.12).abs() < 1e-3 && (growth[1096] - 1.4049).abs() < 5e-4);
}

/// Figures of its text: 1.4 on a quarter's last day, 0.65 at its middle.
#[test]
fn the_season_is_1_4_at_a_quarters_end_and_0_65_at_its_middle() {
    let season = plain(&named("web"), date(2022, 1, 1), 100, SampleStep::Day).generate(0).truth[0].season.clone();
    // 31 March, and 14 February: halfway from 31 December to 31 March.
    assert!((season[89] - 1.4).abs() < 1e-12 && (season[44] - 0.65).abs() < 1e-12);
}

#[test]
fn the_documents_name_every_test_of_this_file() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/generator.md");
    let document = std::fs::read_to_string(root).unwrap();
    let source = include_str!("walkthrough_faults.rs");
    let tests: Vec<&str> = source
        .split("#[test]\nfn ")
        .skip(1)
        .map(|rest| &rest[..rest.find('(').unwrap()])
        .filter(|name| !name.starts_with("the_documents"))
        .collect();
    assert!(tests.len() >= 16);
    let missing: Vec<&&str> = tests.iter().filter(|name| !document.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/generator.md does not name {missing:?}");
}
