//! The plain scenario: each layer is its formula.

use crate::common::{correlation, fleet};
use fleetcast_core::Calendar;
use fleetcast_numeric::math;
use fleetcast_sim::{Fleet, FleetSpec, Profile, SampleStep, Scenario};
use jiff::ToSpan;
use jiff::civil::{Date, date};

/// The season factor, written a second time from its words.
fn season(calendar: &Calendar, day: Date) -> f64 {
    let number = |d: Date| d.duration_since(date(1970, 1, 1)).as_hours() / 24;
    let (before, after) = (number(calendar.previous_quarter_end(day)), number(calendar.next_quarter_end(day)));
    let today = number(day);
    let to_end = (today - before).min(after - today) as f64;
    let to_middle = (today - (before + after + 1) / 2).abs() as f64;
    let peak = if to_end <= 10.0 { 1.0 + 0.4 * (1.0 - (to_end / 10.0).powi(2)) } else { 1.0 };
    let trough = if to_middle <= 15.0 { 1.0 - 0.35 * (1.0 - (to_middle / 15.0).powi(2)) } else { 1.0 };
    peak * trough
}

#[test]
fn every_layer_is_its_formula() {
    let fleet = fleet("walkthrough", 40, 1095, SampleStep::Day, 7);
    let calendar = Calendar::us();
    let seasons: Vec<f64> = (0..1095).map(|day| season(&calendar, date(2022, 1, 1) + day.days())).collect();
    for index in 0..fleet.len() {
        let server = fleet.generate(index);
        let profile = Profile::named(server.server.archetype.as_deref().unwrap()).unwrap();
        for (m, truth) in server.truth.iter().enumerate() {
            assert_eq!(truth.base, profile.base()[m]);
            let rate = profile.growth_percent_per_year()[m] / 100.0;
            for (day, season) in seasons.iter().enumerate() {
                let growth = (1.0 + rate).powf(day as f64 / 365.25);
                assert!((truth.growth[day] / growth - 1.0).abs() < 1e-12);
                assert!((truth.season[day] - season).abs() < 1e-12, "day {day}");
                assert_eq!((truth.week[day], truth.day[day], truth.event[day]), (1.0, 1.0, 1.0));
                let demand = truth.base * growth * season * truth.noise[day];
                assert!((truth.demand[day] - demand).abs() < 1e-12 * demand.max(1.0));
                let top = if m == 2 { f64::INFINITY } else { 100.0 };
                assert_eq!(truth.observed[day], truth.demand[day].clamp(0.0, top));
                assert_eq!(truth.saturated[day], truth.demand[day] >= top);
            }
        }
    }
}

#[test]
fn the_noise_has_the_deviation_and_the_correlations_of_the_profile() {
    for name in Profile::NAMES {
        let profile = Profile::named(name).unwrap();
        let scenario = Scenario::named("walkthrough").unwrap().with_profile(profile.clone());
        let spec = FleetSpec { n_servers: 40, start: date(2022, 1, 1), days: 1095, step: SampleStep::Day, seed: 3 };
        let fleet = Fleet::new(scenario, spec).unwrap();
        let mut noise: [Vec<f64>; 4] = Default::default();
        for index in 0..fleet.len() {
            for (all, truth) in noise.iter_mut().zip(fleet.generate(index).truth) {
                all.extend(truth.noise);
            }
        }
        for a in 0..4 {
            let mean = math::mean(&noise[a]).unwrap();
            let deviation = math::standard_deviation(&noise[a]).unwrap() * 100.0;
            let asked = profile.std_percent_of_base()[a];
            assert!((mean - 1.0).abs() < 0.006, "{name} {a}: mean {mean}");
            assert!((deviation / asked - 1.0).abs() < 0.02, "{name} {a}: {deviation} against {asked}");
            for b in 0..4 {
                let (got, asked) = (correlation(&noise[a], &noise[b]), profile.correlation()[a][b]);
                assert!((got - asked).abs() < 0.015, "{name} {a}{b}: {got} against {asked}");
            }
            let lag = correlation(&noise[a][..noise[a].len() - 1], &noise[a][1..]);
            assert!(lag.abs() < 0.015, "{name} {a}: independent from day to day, yet {lag}");
        }
    }
}

#[test]
fn the_named_pairs_stand_where_their_names_say() {
    let web = Profile::named("web").unwrap().correlation();
    // cpu, memory, disk_io, network.
    assert_eq!((web[0][1], web[0][3], web[1][2]), (0.85, 0.80, 0.35));
    assert!((web[0][2] - 0.85 * 0.35).abs() < 1e-15);
    assert!((web[1][3] - 0.85 * 0.80).abs() < 1e-15);
    assert!((web[2][3] - 0.80 * 0.85 * 0.35).abs() < 1e-15);
}

#[test]
fn the_day_factor_inside_a_day_is_its_formula() {
    let fleet = fleet("walkthrough", 12, 20, SampleStep::Hour, 1);
    for index in 0..fleet.len() {
        let server = fleet.generate(index);
        let night = server.server.archetype.as_deref() == Some("batch");
        let (start, end) = Profile::named(server.server.archetype.as_deref().unwrap()).unwrap().peak_window_hours();
        let centre = if night { 2.0 } else { (start + end) / 2.0 };
        for (j, factor) in server.truth[0].day.iter().enumerate() {
            let hour = (j % 24) as f64;
            let inside = if night { hour >= start || hour < end } else { (start..end).contains(&hour) };
            let wave = 1.0 + 0.2 * (std::f64::consts::TAU * (hour - centre) / 24.0).cos();
            let expected = wave * if inside { 1.15 } else { 1.0 };
            assert!((factor - expected).abs() < 1e-12, "{hour}: {factor} against {expected}");
        }
    }
}
