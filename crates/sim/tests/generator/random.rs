//! What holds in every valid scenario with every valid profile.

use crate::common::correlation;
use crate::valid::{any_date, any_profile, any_scenario, any_step, fleet, profile};
use fleetcast_numeric::quantile;
use fleetcast_sim::{Fleet, FleetSpec, METRICS, SampleStep, Scenario, ServerTelemetry};
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges of samples by local date, worked out from the time stamps alone.
fn local_days(server: &ServerTelemetry) -> BTreeMap<Date, Range<usize>> {
    let rules = server.server.zone.rules();
    let mut days: BTreeMap<Date, Range<usize>> = BTreeMap::new();
    for (index, ms) in server.ts_ms.iter().enumerate() {
        let instant = Timestamp::from_millisecond(*ms).expect("a time of this century");
        days.entry(rules.to_datetime(instant).date()).or_insert(index..index).end = index + 1;
    }
    days
}

/// The start of a local day, milliseconds since 1970.
fn start_of(server: &ServerTelemetry, day: Date) -> i64 {
    day.to_zoned(server.server.zone.rules().clone()).expect("a day of this century").timestamp().as_millisecond()
}

/// Every multiple of the step between the first day's start and the last day's end, and no other.
fn check_times(server: &ServerTelemetry, spec: FleetSpec) -> Result<(), TestCaseError> {
    if spec.step == SampleStep::Day {
        let starts: Vec<i64> = spec.start.series(1.day()).take(spec.days).map(|day| start_of(server, day)).collect();
        prop_assert_eq!(&server.ts_ms, &starts);
        return Ok(());
    }
    let step = spec.step.seconds() * 1000;
    let end = start_of(server, spec.start.saturating_add((spec.days as i64).days()));
    let first = start_of(server, spec.start).div_euclid(step) * step;
    let first = if first < start_of(server, spec.start) { first + step } else { first };
    let expected: Vec<i64> = (0..).map(|k| first + k * step).take_while(|ms| *ms < end).collect();
    prop_assert_eq!(&server.ts_ms, &expected);
    Ok(())
}

fn check_values(server: &ServerTelemetry) -> Result<(), TestCaseError> {
    for (m, truth) in server.truth.iter().enumerate() {
        let top = if METRICS[m] == "disk_io" { f64::MAX } else { 100.0 };
        for at in 0..server.ts_ms.len() {
            let (demand, observed) = (truth.demand[at], truth.observed[at]);
            prop_assert!(demand.is_finite() && demand >= 0.0 && (0.0..=top).contains(&observed) && observed <= demand);
            let product = truth.base
                * truth.growth[at]
                * truth.week[at]
                * truth.season[at]
                * truth.day[at]
                * truth.noise[at]
                * truth.event[at];
            prop_assert!((product - demand).abs() <= 1e-12 * demand, "{m} {at}: {product} {demand}");
            prop_assert_eq!(truth.saturated[at], demand >= top);
        }
    }
    Ok(())
}

/// The P95 of each local day's samples, of 23 to 25 hours, is that of the run at day step.
fn check_p95(server: &ServerTelemetry, daily: &ServerTelemetry) -> Result<(), TestCaseError> {
    let local = local_days(server);
    let dates = &daily.daily.as_ref().expect("a run at day step").dates;
    prop_assert_eq!(local.keys().copied().collect::<Vec<_>>(), dates.clone());
    for (day, range) in local.into_values().enumerate() {
        for (samples, days) in server.truth.iter().zip(&daily.truth) {
            let p95 = quantile(&samples.demand[range.clone()], 0.95).expect("a day has samples");
            let expected = days.demand[day];
            prop_assert!((p95 - expected).abs() <= 1e-9 * expected, "day {day}: {p95} {expected}");
        }
    }
    Ok(())
}

/// All series of the shorter run begin the longer one.
fn check_prefix(short: &ServerTelemetry, long: &ServerTelemetry) -> Result<(), TestCaseError> {
    let n = short.ts_ms.len();
    prop_assert_eq!(&short.ts_ms[..], &long.ts_ms[..n]);
    for (short, long) in short.truth.iter().zip(&long.truth) {
        prop_assert_eq!(&short.demand[..], &long.demand[..n]);
        prop_assert_eq!(&short.noise[..], &long.noise[..n]);
        prop_assert!(short.event.iter().zip(&long.event).all(|(a, b)| a == b));
    }
    prop_assert!(short.crossings.iter().all(|crossing| long.crossings.contains(crossing)));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn a_series_has_its_times_its_values_and_its_p95_whatever_else_is_generated(
        texts in (any_scenario(), any_profile()), step in any_step(), start in any_date(), seed in any::<u64>(),
        days in 2usize..9, index in 0usize..300,
    ) {
        let spec = FleetSpec { n_servers: index + 1, start, days, step, seed };
        let fleet_of = |spec| fleet(&texts, spec);
        let server = fleet_of(spec).generate(index);
        check_times(&server, spec)?;
        check_values(&server)?;
        let daily = fleet_of(FleetSpec { step: SampleStep::Day, ..spec }).generate(index);
        check_values(&daily)?;
        if step != SampleStep::Day {
            check_p95(&server, &daily)?;
        }
        check_prefix(&fleet_of(FleetSpec { days: days - 1, ..spec }).generate(index), &server)?;
        // In a larger fleet, after other servers, in memory they have used.
        let larger = fleet_of(FleetSpec { n_servers: index + 50, ..spec });
        let memory = &mut fleetcast_sim::Workspace::default();
        for other in [index + 7, index / 2] {
            let done = larger.generate_in(memory, other);
            memory.take_back(done);
        }
        prop_assert_eq!(larger.generate_in(memory, index), server);
    }
}

/// The last days of the quarters of a fiscal year that begins in this month.
fn quarter_ends(year: i16, first_month: i8) -> Vec<Date> {
    let last_of = |month: i8| date(year, month, 1).last_of_month();
    (1..=12).filter(|month| (month - first_month).rem_euclid(12) % 3 == 2).map(last_of).collect()
}

/// The season factor, written a second time from its words.
fn season(ends: &[Date], day: Date, peak: f64, trough: f64) -> f64 {
    let number = |d: Date| d.duration_since(date(1970, 1, 1)).as_hours() / 24;
    let today = number(day);
    let before = ends.iter().map(|end| number(*end)).filter(|end| *end < today).max().expect("an earlier quarter");
    let after = ends.iter().map(|end| number(*end)).filter(|end| *end >= today).min().expect("a later quarter");
    let to_end = (today - before).min(after - today) as f64;
    // On a quarter's last day the quarter ends that day.
    let to_middle = (today - (before + after + 1) / 2).abs() as f64;
    let peak = if to_end <= 10.0 { 1.0 + (peak - 1.0) * (1.0 - (to_end / 10.0).powi(2)) } else { 1.0 };
    let trough = if to_middle <= 15.0 { 1.0 - (1.0 - trough) * (1.0 - (to_middle / 15.0).powi(2)) } else { 1.0 };
    peak * trough
}

fn walkthrough(text: &str, change: &str, spec: FleetSpec) -> Fleet {
    let scenario = Scenario::named("walkthrough").expect("a built-in scenario").with_profile(profile(text));
    Fleet::new(scenario.changed(change, "change").expect("a possible change"), spec).expect("a possible fleet")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn layers_of_any_profile_are_their_formulas_in_any_fiscal_year(
        text in any_profile(), start in any_date(), first_month in 1i8..=12, seed in any::<u64>(), index in 0usize..50,
    ) {
        let days = 500;
        let spec = FleetSpec { n_servers: 50, start, days, step: SampleStep::Day, seed };
        let fleet = walkthrough(&text, &format!("calendar.fiscal_year_start_month = {first_month}"), spec);
        let (server, profile) = (fleet.generate(index), profile(&text));
        let ends: Vec<Date> =
            (start.year() - 1..=start.year() + 3).flat_map(|year| quarter_ends(year, first_month)).collect();
        let (peak, trough) = (profile.quarter_end_peak_factor(), profile.mid_quarter_trough_factor());
        for (m, truth) in server.truth.iter().enumerate() {
            let rate = profile.growth_percent_per_year()[m] / 100.0;
            prop_assert_eq!(truth.base, profile.base()[m]);
            for (at, day) in start.series(1.day()).take(days).enumerate() {
                let growth = (1.0 + rate).powf(at as f64 / 365.25);
                let season = season(&ends, day, peak, trough);
                prop_assert!((truth.growth[at] / growth - 1.0).abs() < 1e-12, "{day}");
                prop_assert!((truth.season[at] - season).abs() < 1e-12, "{day}: {} {season}", truth.season[at]);
                prop_assert_eq!((truth.week[at], truth.day[at], truth.event[at]), (1.0, 1.0, 1.0));
            }
        }
    }
}

/// Of 1,000 random profiles: Fisher's z of each correlation got is normal about that of the one asked, and
/// the deviation is that of the profile.
#[test]
fn a_thousand_profiles_get_the_correlations_and_deviations_they_ask_for() {
    const DAYS: usize = 700;
    let mut runner = TestRunner::deterministic();
    let (mut squares, mut worst, mut n) = (0.0, 0.0_f64, 0.0);
    for number in 0..1_000 {
        let text = any_profile().new_tree(&mut runner).expect("a profile").current();
        let spec = FleetSpec { n_servers: 1, start: date(2022, 1, 1), days: DAYS, step: SampleStep::Day, seed: number };
        let (server, asked) = (walkthrough(&text, "", spec).generate(0), profile(&text));
        for a in 0..4 {
            let std = asked.std_percent_of_base()[a] / 100.0;
            let deviation = fleetcast_numeric::math::standard_deviation(&server.truth[a].noise).expect("many days");
            assert!((deviation - std).abs() <= 5.0 * std / (2.0 * DAYS as f64).sqrt(), "{number} {a}: {deviation}");
            for b in 0..a {
                // Below this the noise is all rounding.
                if std < 1e-6 || asked.std_percent_of_base()[b] < 1e-4 {
                    continue;
                }
                let got = correlation(&server.truth[a].noise, &server.truth[b].noise);
                let z = (got.atanh() - asked.correlation()[a][b].atanh()) * (DAYS as f64 - 3.0).sqrt();
                squares += z * z;
                worst = worst.max(z.abs());
                n += 1.0;
            }
        }
    }
    // The variance of z^2 is 2; the six pairs of a profile are no six independent ones.
    assert!(n > 5_900.0 && (squares / n - 1.0).abs() < 4.0 * (2.0 * 3.0 / n).sqrt(), "{}", squares / n);
    assert!(worst < 5.0, "{worst}");
}
