//! Seasonal naive, theta, ets, mstl and arima against statsforecast 2.1.1.
//!
//! `reference/statsforecast.csv` is what `reference/statsforecast_reference.py` prints: for each series
//! `SeasonalNaive(season_length).forecast(y, h=2 * season, level=[80, 90])` and
//! `DynamicOptimizedTheta(season_length).forecast(y, h=2 * season)`, "large" in another unit as said there,
//! `AutoETS(season_length)` with the chosen form and its AICc, and
//! `MSTL(season_length, trend_forecaster=AutoETS(model="ZZN"))`, by weeks and 42 days where the season is the week;
//! `AutoARIMA(season_length)` with the chosen orders and their AICc.

use fleetcast_core::{Calendar, Forecast, Future, History, Metric, SeriesId, Timeline};
use fleetcast_models::{Arima, Diagnosis, Estimates, Ets, Settings, named};
use fleetcast_numeric::math;
use jiff::civil::date;
use std::f64::consts::TAU;
use std::sync::Arc;

const REFERENCE: &str = include_str!("reference/statsforecast.csv");

/// The generator of the script.
fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        state as f64 / f64::from(1 << 30) - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// The series of the script.
fn series(name: &str) -> Vec<f64> {
    let of = |n: usize, seed: u64, value: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
        noise(n, seed).into_iter().enumerate().map(|(t, e)| value(t as f64, e)).collect()
    };
    match name {
        "growing" => of(200, 7, &|t, e| 50.0 + 0.05 * t + 8.0 * math::sin(TAU * t / 7.0) + 3.0 * e),
        "idle" => of(150, 11, &|_, e| 2.0 + 0.5 * e),
        "hourly" => of(240, 13, &|t, e| 30.0 * (1.0 + 0.4 * math::cos(TAU * t / 24.0)) * (1.0 + 0.1 * e)),
        "walk" => {
            let mut level = 100.0;
            let mut step = |e: f64| {
                level += 2.0 * e;
                level
            };
            noise(120, 17).into_iter().map(&mut step).collect()
        }
        "around zero" => of(100, 19, &|t, e| 5.0 * math::sin(TAU * t / 7.0) + e),
        _ => of(180, 23, &|t, e| 1e6 * (10.0 + 0.02 * t + e + if t % 7.0 < 5.0 { 3.0 } else { 0.0 })),
    }
}

fn history(name: &str) -> History {
    let metric = Arc::new(Metric::named("load"));
    History::new(SeriesId::new(name, ""), metric, Timeline::daily(date(2024, 1, 1)), series(name))
        .expect("the test's own data are valid")
}

fn forecast(model: &str, name: &str, season_length: usize) -> Forecast {
    let season_lengths = if model == "mstl" && season_length == 7 { vec![7, 42] } else { vec![season_length] };
    let settings = Settings { season_lengths, calendar: Arc::new(Calendar::us()) };
    let history = history(name);
    let fitted = named(model, &settings)
        .expect("the test's own data are valid")
        .fit(&history)
        .expect("the test's own data are valid");
    fitted
        .predict(&Future { horizon: 2 * season_length }, &[0.05, 0.1, 0.5, 0.9, 0.95])
        .expect("the test's own data are valid")
}

/// Compares every line of `model`; `tolerance` is relative to the largest number of the line.
fn check(model: &str, tolerance: f64) {
    let mut n_lines = 0;
    for line in REFERENCE.lines().filter(|line| line.starts_with(model)) {
        let cells: Vec<&str> = line.split(',').collect();
        let got = forecast(model, cells[1], cells[2].parse().expect("the test's own data are valid"));
        let got = match cells[3] {
            "mean" => got.point().to_vec(),
            "lo-90" => got.quantile(0.05).expect("the test's own data are valid"),
            "lo-80" => got.quantile(0.1).expect("the test's own data are valid"),
            "hi-80" => got.quantile(0.9).expect("the test's own data are valid"),
            _ => got.quantile(0.95).expect("the test's own data are valid"),
        };
        let expected: Vec<f64> =
            cells[4..].iter().map(|cell| cell.parse().expect("the test's own data are valid")).collect();
        let size = expected.iter().fold(0.0_f64, |size, v| size.max(v.abs()));
        for (h, (got, expected)) in got.iter().zip(&expected).enumerate() {
            assert!(
                (got - expected).abs() <= tolerance * size,
                "{} {} step {h}: {got} for {expected}",
                cells[1],
                cells[3]
            );
        }
        n_lines += 1;
    }
    assert!(n_lines >= 5, "{n_lines} lines");
}

#[test]
fn seasonal_naive_and_its_intervals_equal_statsforecast() {
    check("seasonal-naive", 1e-9);
}

#[test]
fn theta_equals_statsforecast_to_four_digits() {
    check("theta", 1e-4);
}

#[test]
fn ets_equals_statsforecast_to_four_digits() {
    check("ets", 1e-4);
}

#[test]
fn ets_chooses_the_form_that_statsforecast_chooses() {
    let mut n_lines = 0;
    for line in REFERENCE.lines().filter(|line| line.starts_with("form,")) {
        let cells: Vec<&str> = line.split(',').collect();
        let fit = Ets { season_length: cells[2].parse().unwrap() }.fit_one(&history(cells[1])).unwrap();
        let (criterion, expected): (f64, f64) = (fit.criterion().unwrap(), cells[4].parse().unwrap());
        assert_eq!(fit.form(), cells[3], "{}: AICc {criterion} for {expected}", cells[1]);
        assert!((criterion - expected).abs() < 0.01, "{}: {criterion} for {expected}", cells[1]);
        n_lines += 1;
    }
    assert_eq!(n_lines, 6);
}

#[test]
fn mstl_equals_statsforecast_to_four_digits() {
    check("mstl", 1e-4);
}

#[test]
fn arima_equals_statsforecast_to_four_digits() {
    check("arima", 1e-4);
}

#[test]
fn arima_chooses_the_orders_that_statsforecast_chooses() {
    let mut n_lines = 0;
    for line in REFERENCE.lines().filter(|line| line.starts_with("orders,")) {
        let cells: Vec<&str> = line.split(',').collect();
        let season_length = cells[2].parse().unwrap();
        let fit = Arima { season_length, estimates: Estimates::Conditional }.fit_one(&history(cells[1])).unwrap();
        let (plain, seasonal) = (cells[3].replace(' ', ","), cells[4].replace(' ', ","));
        let season = if seasonal == "0,0,0" { String::new() } else { format!("({seasonal})[{season_length}]") };
        assert!(fit.form().starts_with(&format!("ARIMA({plain}){season}")), "{}: {} for {line}", cells[1], fit.form());
        let (criterion, expected): (f64, f64) = (fit.criterion().unwrap(), cells[5].parse().unwrap());
        assert!((criterion - expected).abs() < 0.01, "{}: {criterion} for {expected}", cells[1]);
        let exact = Arima { season_length, estimates: Estimates::Likelihood }.fit_one(&history(cells[1])).unwrap();
        assert!(exact.criterion().unwrap() < criterion + 1e-6, "{}: {:?} for {criterion}", cells[1], exact.criterion());
        n_lines += 1;
    }
    assert_eq!(n_lines, 5);
}

/// Series, then of each test its statistic, p-value and lags, and the strength of the week: statsmodels 0.15.0, `adfuller(y)`,
/// `kpss(y, "c", nlags=int(3 * sqrt(n) / 13))` and `acorr_ljungbox(y, lags=[14])`, statsforecast 2.1.1, `seas_heuristic(y, 7)`.
type Expected = (&'static str, [f64; 3], [f64; 3], [f64; 3], f64);

#[test]
fn tests_of_a_series_equal_statsmodels() {
    let expected: [Expected; 3] = [
        (
            "growing",
            [0.2620349993, 0.9755340347, 14.0],
            [2.255259813, 0.01, 3.0],
            [814.2217455, 1.003160243e-164, 14.0],
            0.9350771297,
        ),
        (
            "idle",
            [-13.09088071, 1.789582626e-24, 0.0],
            [0.1761250414, 0.1, 2.0],
            [11.88298118, 0.6156998495, 14.0],
            0.1750020308,
        ),
        (
            "walk",
            [-0.7539470874, 0.8322770353, 2.0],
            [2.926119804, 0.01, 2.0],
            [949.6089971, 1.005296111e-193, 14.0],
            0.2031291369,
        ),
    ];
    for (name, adf, kpss, ljung_box, strength) in expected {
        let got = Diagnosis::of(&history(name), 7).unwrap();
        for (test, [statistic, p_value, lags]) in [(got.adf, adf), (got.kpss, kpss), (got.ljung_box, ljung_box)] {
            let test = test.unwrap();
            assert!((test.statistic - statistic).abs() < 1e-6 * statistic.abs(), "{name}: {test:?} for {statistic}");
            assert!((test.p_value - p_value).abs() <= 1e-5 * p_value, "{name}: {test:?} for {p_value}");
            assert_eq!(test.lags as f64, lags, "{name}");
        }
        assert!((got.seasonal_strength.unwrap() - strength).abs() < 1e-6, "{name}: {got:?} for {strength}");
    }
    let meaning = |name: &str| Diagnosis::of(&history(name), 7).unwrap().meaning();
    assert_eq!((meaning("idle"), meaning("walk")), ("noise about a level", "its level wanders"));
}

#[test]
fn odd_series_have_a_diagnosis_or_a_polite_error() {
    let of = |values: Vec<f64>| {
        let id = SeriesId::new("odd", "");
        let metric = Arc::new(Metric::named("load"));
        Diagnosis::of(&History::new(id, metric, Timeline::daily(date(2024, 1, 1)), values).unwrap(), 7)
    };
    assert_eq!(of(vec![3.0; 40]).unwrap().meaning(), "constant");
    assert!(of(vec![3.0; 19]).is_err());
    let odd: [Vec<f64>; 3] = [
        (0..40).map(|t| 1e200 * f64::from(t % 7)).collect(),
        (0..40).map(f64::from).collect(),
        (0..40).map(|t| if t % 3 == 0 { f64::NAN } else { 1e-200 * f64::from(t % 5) }).collect(),
    ];
    for values in odd {
        let got = of(values).unwrap();
        let tests = [got.adf, got.kpss, got.ljung_box];
        assert!(tests.iter().flatten().all(|t| t.statistic.is_finite() && (0.0..=1.0).contains(&t.p_value)), "{got:?}");
    }
}
