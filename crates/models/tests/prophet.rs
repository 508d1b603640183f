//! `prophet` against Prophet 1.5.0, and what it refuses.
//!
//! `reference/prophet.csv` is what `reference/prophet_reference.py` prints; the script names the call of each
//! case. Differences are judged as root mean square over the range of the series: Prophet ends its search
//! before the top, at a place that depends on rounding, so that it agrees with itself no better
//! when its input is multiplied by 1.000001.

use fleetcast_core::{Calendar, Error, Fitted, Future, History, Metric, SeriesId, Step, Timeline, UserEvent};
use fleetcast_models::Settings;
use fleetcast_models::prophet::{
    Growth, Holiday, Mode, Prophet, ProphetFit, ProphetOptions, Regressor, RegressorValues, Search,
};
use fleetcast_numeric::math;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use std::f64::consts::TAU;
use std::sync::Arc;

const REFERENCE: &str = include_str!("reference/prophet.csv");
/// Every how many steps the reference has a value.
const STRIDE: usize = 29;

/// The generator of the script.
fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        state as f64 / f64::from(1 << 30) - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn wave(t: f64, period: f64) -> f64 {
    math::sin(TAU * t / period)
}

fn day(t: usize) -> Date {
    date(2022, 1, 1).saturating_add((t as i64).days())
}

fn daily(n: usize, seed: u64) -> Vec<f64> {
    let value = |(t, e): (usize, f64)| {
        let x = t as f64;
        let trend = 50.0 + 0.05 * x - 0.08 * (x - 300.0).max(0.0) + 0.06 * (x - 620.0).max(0.0);
        trend + if t % 7 < 5 { 4.0 } else { -3.0 } + 6.0 * wave(x, 365.25) + 3.0 * e
    };
    noise(n, seed).into_iter().enumerate().map(value).collect()
}

/// The series of the script.
fn series(case: &str) -> Vec<f64> {
    let of = |n: usize, seed: u64, value: &dyn Fn(usize, f64, f64) -> f64| -> Vec<f64> {
        noise(n, seed).into_iter().enumerate().map(|(t, e)| value(t, t as f64, e)).collect()
    };
    match case {
        "daily" => daily(1000, 7),
        "gaps" => {
            let is_gap = |t: usize| t.is_multiple_of(11) || (400..440).contains(&t);
            daily(1000, 11).into_iter().enumerate().map(|(t, v)| if is_gap(t) { f64::NAN } else { v }).collect()
        }
        "short" => daily(80, 13),
        "hourly" => of(720, 17, &|t, x, e| {
            20.0 + 0.01 * x + 8.0 * wave(x, 24.0) + if t / 24 % 7 < 5 { 3.0 } else { 0.0 } + 2.0 * e
        }),
        "flat" => daily(500, 19),
        "logistic" => {
            of(700, 23, &|_, x, e| 90.0 / (1.0 + math::exp(-(x - 300.0) / 120.0)) + 2.0 * wave(x, 7.0) + 2.0 * e)
        }
        "multiplied" => of(600, 29, &|t, x, e| (20.0 + 0.05 * x) * if t % 7 < 5 { 1.2 } else { 0.7 } + e),
        _ => {
            let (calendar, load) = (Calendar::us(), noise(1265, 32));
            let left = |t: usize| f64::from(calendar.days_to_next_quarter_end(day(t)));
            of(900, 31, &|t, x, e| 30.0 + 0.01 * x + (9.0 - left(t)).max(0.0) + 5.0 * load[t] + e)
        }
    }
}

fn options(case: &str) -> ProphetOptions {
    match case {
        "flat" => ProphetOptions { growth: Growth::Flat, ..ProphetOptions::default() },
        "logistic" => {
            ProphetOptions { growth: Growth::Logistic { cap: 100.0, floor: 0.0 }, ..ProphetOptions::default() }
        }
        "multiplied" => ProphetOptions { seasonality_mode: Mode::Multiplicative, ..ProphetOptions::default() },
        "events" => {
            let dates = (40..1265).step_by(100).map(day).collect();
            let load = Regressor {
                name: "load".to_owned(),
                values: RegressorValues::Grid {
                    first: date(2022, 1, 1).at(0, 0, 0, 0),
                    step: Step::DAY,
                    values: noise(1265, 32),
                },
                prior_scale: 10.0,
                standardise: None,
                mode: Mode::Additive,
            };
            let mut options = ProphetOptions::with_quarter_ends();
            options.holidays.push(Holiday { days_before: 1, days_after: 2, ..Holiday::new("audit", dates) });
            options.regressors.push(load);
            options
        }
        _ => ProphetOptions::default(),
    }
}

fn settings() -> Settings {
    Settings { season_lengths: Vec::new(), calendar: Arc::new(Calendar::us()) }
}

fn fit(case: &str, options: ProphetOptions) -> (ProphetFit, usize) {
    let values = series(case);
    let length = values.len();
    let step = if case == "hourly" { Step::HOUR } else { Step::DAY };
    let timeline = Timeline::new(date(2022, 1, 1).at(0, 0, 0, 0), step);
    let history = History::new(SeriesId::new(case, ""), Arc::new(Metric::named("load")), timeline, values);
    let history = history.expect("the test's own data are valid");
    let fit = Prophet::with_options("prophet", &settings(), options).fit_one(&history);
    (fit.expect("the test's own data are valid"), length)
}

/// Name and values of each line of a case.
fn lines(case: &str) -> Vec<(&'static str, Vec<f64>)> {
    let lines = REFERENCE.lines().filter_map(|line| {
        let (found, rest) = line.split_once(',')?;
        let (part, values) = rest.split_once(',').filter(|_| found == case)?;
        Some((part, values.split(',').map(|v| v.parse().expect("a number")).collect()))
    });
    lines.collect()
}

fn root_mean_square(errors: &[f64]) -> f64 {
    math::sqrt(errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64)
}

/// Compares every part of a case; tolerances are shares of the series' range, for the past and for a year ahead.
fn check(case: &str, past: f64, ahead: f64) {
    let (fit, length) = fit(case, options(case));
    let observed: Vec<f64> = series(case).into_iter().filter(|v| !v.is_nan()).collect();
    let range = observed.iter().copied().fold(f64::MIN, f64::max) - observed.iter().copied().fold(f64::MAX, f64::min);
    let mut n_lines = 0;
    for (part, expected) in lines(case) {
        if part.starts_with("yhat_") {
            check_interval(&fit, part, &expected, 0.015 * range);
            continue;
        }
        let steps = 0..(expected.len() - 1) * STRIDE + 1;
        let mut unit = range;
        let got = if part == "yhat" {
            fit.expected(steps)
        } else {
            fit.parts(steps).map(|parts| {
                let part = parts.into_iter().find(|found| found.name == part).expect("the part is there");
                if part.mode == Mode::Multiplicative {
                    unit = 1.0;
                }
                part.values
            })
        };
        let got = got.expect("regressors are known");
        let errors: Vec<f64> = got.iter().step_by(STRIDE).zip(&expected).map(|(a, b)| (a - b) / unit).collect();
        let cut = length.div_ceil(STRIDE);
        let (before, after) = (root_mean_square(&errors[..cut]), root_mean_square(&errors[cut..]));
        assert!(before < past && after < ahead, "{case} {part}: {before} in the past, {after} ahead");
        n_lines += 1;
    }
    assert!(n_lines >= 3, "{case}: {n_lines} lines");
}

/// Prophet's interval is drawn (20,000 futures), ours is not.
fn check_interval(fit: &ProphetFit, part: &str, expected: &[f64], tolerance: f64) {
    let horizon = (expected.len() - 1) * STRIDE + 1;
    let forecast = fit.predict(&Future { horizon }, &[0.1, 0.9]).expect("regressors are known");
    let at = usize::from(part == "yhat_upper");
    for (i, expected) in expected.iter().enumerate() {
        let got = forecast.step(i * STRIDE)[at];
        assert!((got - expected).abs() < tolerance, "{part} step {}: {got} for {expected}", i * STRIDE);
    }
}

#[test]
fn days_equal_prophet() {
    check("daily", 0.002, 0.005);
}

#[test]
fn gaps_equal_prophet() {
    check("gaps", 0.002, 0.005);
}

#[test]
fn a_short_history_equals_prophet() {
    check("short", 0.002, 0.005);
}

#[test]
fn hours_equal_prophet() {
    check("hourly", 0.002, 0.005);
}

#[test]
fn a_flat_trend_equals_prophet() {
    check("flat", 1e-4, 1e-4);
}

#[test]
fn saturating_growth_equals_prophet() {
    check("logistic", 0.005, 0.01);
}

#[test]
fn multiplied_seasons_equal_prophet() {
    check("multiplied", 0.005, 0.01);
}

#[test]
fn holidays_and_regressors_equal_prophet() {
    check("events", 0.002, 0.005);
}

#[test]
fn the_exact_search_ends_near_prophets() {
    for case in ["daily", "hourly", "events"] {
        let (searched, length) = fit(case, options(case));
        let (exact, _) = fit(case, ProphetOptions { search: Search::Exact, ..options(case) });
        let [a, b] = [searched, exact].map(|fit| fit.expected(0..length).expect("regressors are known"));
        let errors: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a - b) / 20.0).collect();
        let far = root_mean_square(&errors);
        assert!(far > 0.0 && far < 0.01, "{case}: {far}");
    }
}

#[test]
fn a_regressor_without_a_value_is_named() {
    let mut short = options("events");
    let Some(RegressorValues::Grid { values, .. }) = short.regressors.last_mut().map(|r| &mut r.values) else {
        panic!("the load is a grid")
    };
    values.truncate(950);
    let (fit, _) = fit("events", short.clone());
    assert!(fit.predict(&Future { horizon: 50 }, &[0.5]).is_ok());
    let error = fit.predict(&Future { horizon: 51 }, &[0.5]).unwrap_err().to_string();
    let expected = "`prophet` cannot forecast this series: regressor `load` has no value at 2024-08-08T00:00:00";
    assert_eq!(error, expected);
    let mut shorter = short;
    shorter.regressors.last_mut().unwrap().values =
        RegressorValues::Grid { first: date(2022, 1, 1).at(0, 0, 0, 0), step: Step::DAY, values: vec![1.0; 10] };
    let history = History::new(
        SeriesId::new("a", ""),
        Arc::new(Metric::named("load")),
        Timeline::daily(date(2022, 1, 1)),
        series("events"),
    );
    let error = Prophet::with_options("prophet", &settings(), shorter).fit_one(&history.unwrap()).unwrap_err();
    assert!(matches!(error, Error::NotForecastable { .. }), "{error}");
}

#[test]
fn events_of_the_calendar_are_holidays() {
    let event = |start: usize| UserEvent { name: "audit".into(), start: day(start), end: day(start + 2) };
    let events: Vec<UserEvent> = (50..460).step_by(80).map(event).collect();
    let calendar = Arc::new(Calendar::new(1, &[], events).unwrap());
    let busy = |t: usize| if (t + 30) % 80 < 3 { 20.0 } else { 0.0 };
    let values: Vec<f64> = noise(400, 41).into_iter().enumerate().map(|(t, e)| 30.0 + busy(t) + e).collect();
    let history =
        History::new(SeriesId::new("a", ""), Arc::new(Metric::named("load")), Timeline::daily(day(0)), values).unwrap();
    let model = Prophet::new(&Settings { season_lengths: vec![7], calendar });
    let forecast = model.fit_one(&history).unwrap().predict(&Future { horizon: 60 }, &[0.5]).unwrap();
    let near = |h: usize| (forecast.point()[h] - 30.0 - busy(400 + h)).abs() < 2.0;
    assert!((0..60).all(near), "{:?}", forecast.point());
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let broken = [
        ProphetOptions { growth: Growth::Logistic { cap: 1.0, floor: 2.0 }, ..ProphetOptions::default() },
        ProphetOptions { changepoint_prior_scale: 0.0, ..ProphetOptions::default() },
        ProphetOptions { changepoint_range: f64::NAN, ..ProphetOptions::default() },
        ProphetOptions {
            holidays: vec![Holiday { prior_scale: -1.0, ..Holiday::new("a", Vec::new()) }],
            ..ProphetOptions::default()
        },
    ];
    let history =
        History::new(SeriesId::new("a", ""), Arc::new(Metric::named("load")), Timeline::daily(day(0)), daily(100, 3));
    let history = history.unwrap();
    for options in broken {
        let error = Prophet::with_options("prophet", &settings(), options).fit_one(&history).unwrap_err();
        assert!(matches!(error, Error::OutOfRange { .. }), "{error}");
    }
}
