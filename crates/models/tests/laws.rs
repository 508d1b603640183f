//! Laws that every method keeps.

use fleetcast_core::{
    Calendar, Error, Fitted, Forecast, Future, History, Metric, Model, Panel, SeriesId, Server, Step, Timeline,
};
use fleetcast_models::{CalendarRidge, Component, NAMES, Settings, all, named};
use fleetcast_numeric::{Stream, math};
use jiff::civil::date;
use proptest::prelude::*;
use std::f64::consts::TAU;
use std::sync::Arc;

const QUANTILES: [f64; 7] = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95];

fn settings() -> Settings {
    Settings { season_lengths: vec![7], calendar: Arc::new(Calendar::us()) }
}

fn history_of(metric: &str, values: Vec<f64>) -> History {
    let timeline = Timeline::daily(date(2022, 1, 1));
    History::new(SeriesId::new("web-1", metric), Arc::new(Metric::named(metric)), timeline, values)
        .expect("the test's own data are valid")
}

/// A metric without bounds.
fn load(values: Vec<f64>) -> History {
    history_of("load", values)
}

fn forecast(model: &dyn Model, history: &History, horizon: usize) -> Forecast {
    let fitted = model.fit(history).unwrap_or_else(|e| panic!("{}: {e}", model.name()));
    fitted.predict(&Future { horizon }, &QUANTILES).unwrap_or_else(|e| panic!("{}: {e}", model.name()))
}

/// Level, growth, a week and noise.
fn plain_load(n: usize, seed: u64) -> Vec<f64> {
    let stream = Stream::new(seed, &["laws"]);
    let week = [1.0, 1.1, 1.05, 1.0, 0.95, 0.6, 0.5];
    (0..n).map(|t| (30.0 + 0.01 * t as f64) * week[t % 7] * math::exp(0.1 * stream.normal(t as u64))).collect()
}

fn all_numbers(forecast: &Forecast) -> Vec<f64> {
    let steps = (0..forecast.horizon()).flat_map(|h| forecast.step(h).to_vec());
    forecast.point().iter().copied().chain(steps).collect()
}

fn close(a: &Forecast, b: &Forecast, tolerance: f64) -> bool {
    all_numbers(a).iter().zip(all_numbers(b)).all(|(a, b)| (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs())))
}

#[test]
fn who_learns_each_series_alone_says_the_same_of_it_among_others() {
    let named = |id: &str, seed: u64| {
        let (metric, timeline) = (Arc::new(Metric::named("load")), Timeline::daily(date(2022, 1, 1)));
        History::new(SeriesId::new(id, "load"), metric, timeline, plain_load(300, seed)).expect("values are finite")
    };
    let panel = Panel::new(Vec::new(), vec![named("a", 1), named("b", 2), named("c", 3)]).unwrap();
    let some = Panel::new(Vec::new(), vec![named("b", 2)]).unwrap();
    let models = all(&settings());
    let alone: Vec<_> = models.iter().filter(|model| model.learns_alone()).collect();
    assert!(alone.len() >= 9, "{}", alone.len());
    for model in alone {
        let says = |panel: &Panel, at: usize| {
            let fits = model.fit_panel(panel);
            fits[at].as_ref().unwrap().predict(&Future { horizon: 30 }, &QUANTILES).unwrap()
        };
        assert_eq!(says(&panel, 1), says(&some, 0), "{}", model.name());
    }
}

#[test]
fn the_same_seed_draws_the_same_futures_and_another_seed_others() {
    let history = load(plain_load(400, 1));
    for model in all(&settings()) {
        let fitted = model.fit(&history).unwrap();
        let draw = |seed| fitted.paths(&Future { horizon: 20 }, 50, seed).unwrap();
        assert_eq!(draw(7), draw(7), "{}", model.name());
        assert_ne!(draw(7), draw(8), "{}", model.name());
        assert!(fitted.paths(&Future { horizon: 20 }, 0, 7).is_err());
        assert!(fitted.predict(&Future { horizon: 0 }, &QUANTILES).is_err());
        assert!(fitted.predict(&Future { horizon: 5 }, &[0.9, 0.1]).is_err());
    }
}

#[test]
fn a_panel_gives_each_series_its_own_answer_in_order() {
    let histories: Vec<History> = (0..6)
        .map(|i| {
            let id = SeriesId::new(&format!("s{i}"), "load");
            let values = if i == 3 { vec![1.0] } else { plain_load(200 + 50 * (i % 2), i as u64) };
            History::new(id, Arc::new(Metric::named("load")), Timeline::daily(date(2022, 1, 1)), values).unwrap()
        })
        .collect();
    let panel = Panel::new(Vec::new(), histories).unwrap();
    for model in all(&settings()) {
        let answers = |fits: Vec<Result<Box<dyn Fitted>, Error>>| -> Vec<Option<Forecast>> {
            fits.into_iter().map(|fit| fit.ok()?.predict(&Future { horizon: 30 }, &QUANTILES).ok()).collect()
        };
        let (first, second) = (answers(model.fit_panel(&panel)), answers(model.fit_panel(&panel)));
        assert_eq!(first, second, "{}", model.name());
        let answered: Vec<bool> = first.iter().map(Option::is_some).collect();
        assert_eq!(answered, [true, true, true, false, true, true], "{}", model.name());
    }
}

#[test]
fn values_after_the_cutoff_change_nothing() {
    let clean = plain_load(500, 2);
    let mut poisoned = clean.clone();
    poisoned[400..].iter_mut().enumerate().for_each(|(i, v)| *v = if i % 3 == 0 { f64::NAN } else { 1e12 });
    for model in all(&settings()) {
        let whole = load(clean[..400].to_vec());
        let cut = load(poisoned.clone()).prefix(400).unwrap();
        assert_eq!(forecast(&*model, &whole, 60), forecast(&*model, &cut, 60), "{}", model.name());
    }
}

/// Twelve servers of one archetype with two metrics each: a week, quarter ends, noise, gaps in one, and three of them young;
/// what is known before step 800 of days, every later value given to `change`.
fn fleet(change: impl Fn(f64) -> f64) -> Panel {
    let (calendar, first, cutoff) = (Calendar::us(), date(2022, 1, 1), 800);
    let day = |t: usize| first.checked_add(jiff::Span::new().days(t as i64)).expect("the year is no more than 2025");
    let history = |server: usize, metric: &'static str| {
        let (id, noise) = (format!("web-{server:02}"), Stream::new(server as u64, &["fleet", metric]));
        let peak = |t: usize| 30.0 - 3.0 * f64::from(calendar.days_to_nearest_quarter_end(day(t)));
        let mut slow = 0.0;
        let mut values: Vec<f64> = (0..900)
            .map(|t| {
                slow = 0.7 * slow + noise.normal(t as u64);
                let load = 40.0 + (server as f64) + 5.0 * f64::from(u8::from(t % 7 < 5)) + peak(t).max(0.0) + slow;
                if server == 5 && t % 11 == 3 { f64::NAN } else { load }
            })
            .collect();
        values[cutoff..].iter_mut().for_each(|value| *value = change(*value));
        let metric = Arc::new(Metric::named(metric));
        let whole =
            History::new(SeriesId::new(&id, metric.name()), Arc::clone(&metric), Timeline::daily(first), values)
                .expect("the test's own data are valid");
        let past = whole.prefix(cutoff).expect("the cutoff is inside");
        if server % 4 == 1 { past.suffix(120) } else { past }
    };
    let histories = (0..12).flat_map(|server| [history(server, "load"), history(server, "traffic")]).collect();
    let server = |server: usize| {
        let mut server = Server::new(&format!("web-{server:02}")).expect("the name is not empty");
        server.archetype = Some("web".to_owned());
        Arc::new(server)
    };
    Panel::new((0..12).map(server).collect(), histories).expect("no name stands twice")
}

fn answers(model: &dyn Model, panel: &Panel) -> Vec<Forecast> {
    let answer = |fit: Result<Box<dyn Fitted>, Error>| {
        fit.and_then(|fit| fit.predict(&Future { horizon: 40 }, &QUANTILES))
            .unwrap_or_else(|e| panic!("{}: {e}", model.name()))
    };
    model.fit_panel(panel).into_iter().map(answer).collect()
}

#[test]
fn values_after_the_cutoff_of_a_fleet_change_nothing() {
    let (clean, poisoned) = (fleet(|value| value), fleet(|value| if value > 45.0 { 1e12 } else { f64::NAN }));
    for model in all(&settings()) {
        assert_eq!(answers(&*model, &clean), answers(&*model, &poisoned), "{}", model.name());
    }
}

#[test]
fn no_method_is_another_under_a_new_name() {
    let panel = fleet(|value| value);
    let said: Vec<(String, Vec<Forecast>)> =
        all(&settings()).iter().map(|model| (model.name().to_owned(), answers(&**model, &panel))).collect();
    for (at, (name, forecasts)) in said.iter().enumerate() {
        for (other, others) in &said[..at] {
            let differs = forecasts.iter().zip(others).any(|(a, b)| !close(a, b, 1e-3));
            assert!(differs, "{name} and {other} say the same");
        }
    }
}

#[test]
fn a_constant_series_stays_constant() {
    for value in [0.0, 100.0, 37.5, 1e-12, 1e12, -4.0] {
        for model in all(&settings()) {
            for horizon in [1, 90, 365] {
                let forecast = forecast(&*model, &load(vec![value; 200]), horizon);
                for number in all_numbers(&forecast) {
                    assert!((number - value).abs() <= 1e-9 * value.abs(), "{}: {number} for {value}", model.name());
                }
            }
        }
    }
}

#[test]
fn a_short_series_gets_the_polite_error() {
    for model in all(&settings()) {
        for values in [vec![5.0], vec![f64::NAN; 400]] {
            let error = model.fit(&load(values)).err();
            assert!(matches!(error, Some(Error::TooShort { .. })), "{}: {error:?}", model.name());
        }
    }
    let error = named("calendar-ridge", &settings()).unwrap().fit(&load(vec![5.0])).err().unwrap();
    assert_eq!(error.to_string(), "`calendar-ridge` needs at least 14 observations, the history has 1");
}

#[test]
fn odd_series_give_finite_forecasts() {
    let spiky: Vec<f64> = (0..300).map(|t| if t % 97 == 5 { 1000.0 } else { 0.0 }).collect();
    let gap_at_the_end: Vec<f64> = (0..300).map(|t| if t > 250 { f64::NAN } else { 20.0 + (t % 7) as f64 }).collect();
    let mostly_gaps: Vec<f64> = (0..400).map(|t| if t % 5 == 0 { 3.0 + (t % 7) as f64 } else { f64::NAN }).collect();
    let exploding: Vec<f64> = (0..300).map(|t| math::exp(0.05 * t as f64)).collect();
    let tiny: Vec<f64> = plain_load(300, 4).iter().map(|v| v * 1e-120).collect();
    let huge: Vec<f64> = plain_load(300, 4).iter().map(|v| v * 1e120).collect();
    let step: Vec<f64> = (0..300).map(|t| if t < 298 { 10.0 } else { 90.0 }).collect();
    for values in [spiky, gap_at_the_end, mostly_gaps, exploding, tiny, huge, step] {
        for model in all(&settings()) {
            let largest = values.iter().copied().filter(|v| !v.is_nan()).fold(0.0, f64::max);
            let forecast = forecast(&*model, &load(values.clone()), 365);
            let far = all_numbers(&forecast).into_iter().fold(0.0_f64, |far, v| far.max(v.abs()));
            assert!(far <= 1e3 * largest, "{}: {far} from a series up to {largest}", model.name());
        }
    }
}

#[test]
fn a_server_at_its_limit_is_not_forecast_below_it() {
    // Demand grows through 100 %; what is observed stays there.
    let demand: Vec<f64> = plain_load(700, 9).iter().enumerate().map(|(t, v)| v * (1.0 + 0.0045 * t as f64)).collect();
    let observed: Vec<f64> = demand.iter().map(|v| v.min(100.0)).collect();
    let model = named("calendar-ridge", &settings()).unwrap();
    let bounded = forecast(&*model, &history_of("cpu", observed.clone()), 60);
    let blind = forecast(&*model, &load(observed), 60);
    let mean = |f: &Forecast| f.point().iter().sum::<f64>() / 60.0;
    assert!(mean(&bounded) > mean(&blind) + 1.0, "{} and {}", mean(&bounded), mean(&blind));
}

fn mean_error(model: &str, settings: &Settings, history: &History, truth: &[f64]) -> f64 {
    let forecast = forecast(&*named(model, settings).expect("the test's own data are valid"), history, truth.len());
    forecast.point().iter().zip(truth).map(|(f, y)| (f - y).abs()).sum::<f64>() / truth.len() as f64
}

#[test]
fn each_method_beats_naive_on_a_series_built_for_it() {
    let stream = Stream::new(5, &["built"]);
    let noise = |t: usize| stream.normal(t as u64);
    let week = |t: usize| [10.0, 12.0, 11.0, 10.0, 9.0, 2.0, 0.0][t % 7];
    let repeated: Vec<f64> = (0..460).map(|t| 20.0 + week(t)).collect();
    let noisy: Vec<f64> = (0..460).map(|t| 20.0 + week(t) + 2.0 * noise(t)).collect();
    let trend: Vec<f64> = (0..460).map(|t| 20.0 + 0.1 * t as f64 + 0.3 * noise(t)).collect();
    let year: Vec<f64> =
        (0..1100).map(|t| 50.0 + 10.0 * math::cos(TAU * t as f64 / 365.25) + week(t) + noise(t)).collect();
    let (calendar, first) = (Calendar::us(), date(2022, 1, 1));
    let to_close = |t: usize| {
        f64::from(calendar.days_to_next_quarter_end(first.checked_add(jiff::Span::new().days(t as i64)).unwrap()))
    };
    let closing: Vec<f64> = (0..820).map(|t| 20.0 + (30.0 - 4.0 * to_close(t)).max(0.0) + 0.3 * noise(t)).collect();
    // Busy on working days early in the month: an effect of two things together.
    let opening: Vec<f64> = (0..820)
        .map(|t| {
            let day = first.checked_add(jiff::Span::new().days(t as i64)).unwrap();
            let busy = day.day() <= 10 && t % 7 >= 2;
            if busy { 50.0 + noise(t) } else { 20.0 + noise(t) }
        })
        .collect();
    let growing: Vec<f64> =
        (0..460).map(|t| (10.0 + 0.05 * t as f64) * (1.0 + 0.1 * week(t)) + 0.3 * noise(t)).collect();
    let built = [
        ("seasonal-naive", &repeated),
        ("seasonal-mean", &noisy),
        ("theta", &trend),
        ("calendar-ridge", &year),
        ("prophet", &year),
        ("prophet-qe", &closing),
        ("ets", &noisy),
        ("mstl", &noisy),
        ("arima", &noisy),
        ("pooled", &year),
        ("level-shape", &growing),
        ("boosted", &opening),
        ("boosted-without-quarter-ends", &opening),
        ("boosted-without-other-metrics", &opening),
        ("random-forest", &opening),
        ("var", &noisy),
    ];
    assert_eq!(built.len() + 1, NAMES.len());
    for (name, values) in built {
        let cut = values.len() - 60;
        let history = load(values[..cut].to_vec());
        let [own, naive] = [name, "naive"].map(|m| mean_error(m, &settings(), &history, &values[cut..]));
        assert!(own < 0.7 * naive, "{name}: {own}, naive: {naive}");
    }
}

#[test]
fn the_next_quarter_end_is_known() {
    let calendar = Calendar::us();
    let day = |t: usize| date(2022, 1, 1).checked_add(jiff::Span::new().days(t as i64)).unwrap();
    let peak = |t: usize| {
        let distance = f64::from(calendar.days_to_nearest_quarter_end(day(t)));
        1.0 + 0.4 * (1.0 - distance * distance / 100.0).max(0.0)
    };
    let stream = Stream::new(6, &["quarter"]);
    let values: Vec<f64> = (0..1095).map(|t| 40.0 * peak(t) * math::exp(0.05 * stream.normal(t as u64))).collect();
    let history = history_of("cpu", values[..1005].to_vec());
    let forecast = forecast(&*named("calendar-ridge", &settings()).unwrap(), &history, 90);
    // The cutoff is 1 October 2024: the quarter end is step 90, New Year's Eve.
    let error = |h: usize| (forecast.point()[h] / (40.0 * peak(1005 + h)) - 1.0).abs();
    assert!((70..90).all(|h| error(h) < 0.06), "{:?}", (70..90).map(error).collect::<Vec<_>>());
}

#[test]
fn the_parts_of_an_explanation_add_up_to_the_forecast() {
    let week = |t: usize| if t % 7 < 5 { 10.0 } else { 0.0 };
    let values: Vec<f64> = (0..800).map(|t| 20.0 + 0.05 * t as f64 + week(t)).collect();
    let history = load(values);
    let fit = CalendarRidge::new(&settings()).fit_one(&history).unwrap();
    let (steps, forecast) = (fit.explain(400), fit.predict(&Future { horizon: 400 }, &[0.5]).unwrap());
    for (step, point) in steps.iter().zip(forecast.point()) {
        assert!((step.total() - point).abs() < 1e-9 * point.abs(), "{step:?} for {point}");
    }
    // 1 January 2022 is a Saturday: the first step ahead is day 800, the third of its week.
    let weeks: Vec<f64> = steps[..7].iter().map(|step| step.of(Component::Week)).collect();
    let contrast = weeks[0] - weeks[(5 + 7 - 800 % 7) % 7];
    assert!((contrast - 10.0).abs() < 1.0, "{weeks:?}");
    let growth = steps[89].of(Component::Trend) - steps[0].of(Component::Trend);
    assert!((2.0..6.0).contains(&growth), "{growth} for 4.45");
}

#[test]
fn hours_of_the_day_and_days_of_the_week_are_told_apart() {
    let timeline = Timeline::new(date(2024, 1, 1).at(0, 0, 0, 0), Step::HOUR);
    let stream = Stream::new(8, &["hours"]);
    let value = |t: usize| {
        let (hour, day) = (t % 24, t / 24 % 7);
        let busy = if (8..18).contains(&hour) && day < 5 { 50.0 } else { 10.0 };
        busy + stream.normal(t as u64)
    };
    let values: Vec<f64> = (0..28 * 24).map(value).collect();
    let history =
        History::new(SeriesId::new("vm", "cpu"), Arc::new(Metric::named("cpu")), timeline, values[..26 * 24].to_vec());
    let settings =
        Settings { season_lengths: vec![24], calendar: Arc::new(Calendar::new(1, &[], Vec::new()).unwrap()) };
    let error = mean_error("calendar-ridge", &settings, &history.unwrap(), &values[26 * 24..]);
    assert!(error < 2.0, "the weekend was missed: {error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn quantiles_never_cross_and_percent_stays_in_range(
        values in prop::collection::vec(prop_oneof![4 => 0.0f64..100.0, 1 => Just(f64::NAN), 1 => Just(100.0), 1 => Just(0.0)], 30..160),
        horizon in 1usize..120,
    ) {
        let history = history_of("cpu", values);
        for model in all(&settings()) {
            let Ok(fitted) = model.fit(&history) else { continue };
            let forecast = fitted.predict(&Future { horizon }, &QUANTILES).unwrap();
            for step in 0..horizon {
                prop_assert!(forecast.step(step).is_sorted(), "{}", model.name());
            }
            prop_assert!(all_numbers(&forecast).iter().all(|v| (0.0..=100.0).contains(v)), "{}", model.name());
            let futures = fitted.paths(&Future { horizon }, 20, 1).unwrap();
            prop_assert!(futures.iter().flatten().all(|v| (0.0..=100.0).contains(v)), "{}", model.name());
        }
    }

    #[test]
    fn another_unit_changes_nothing_but_the_unit(seed in 0u64..1000, exponent in -30i32..30, n in 30usize..400) {
        let values = plain_load(n, seed);
        let unit = 2.0_f64.powi(exponent);
        let scaled: Vec<f64> = values.iter().map(|v| v * unit).collect();
        for model in all(&settings()) {
            let (plain, scaled) = (forecast(&*model, &load(values.clone()), 40), forecast(&*model, &load(scaled.clone()), 40));
            let back: Vec<f64> = scaled.point().iter().map(|v| v / unit).collect();
            let back_values = (0..40).flat_map(|h| scaled.step(h).iter().map(|v| v / unit).collect::<Vec<_>>()).collect();
            let back = Forecast::new(&QUANTILES, back, back_values).unwrap();
            prop_assert!(close(&plain, &back, 1e-6), "{}", model.name());
        }
    }

    #[test]
    fn another_zero_changes_nothing_but_the_zero(seed in 0u64..1000, shift in 100.0f64..1000.0) {
        let values = plain_load(200, seed);
        let shifted: Vec<f64> = values.iter().map(|v| v + shift).collect();
        // Theta and calendar ridge may see effects that multiply, and so have a zero of their own.
        for name in ["naive", "seasonal-naive", "seasonal-mean"] {
            let model = named(name, &settings()).unwrap();
            let (plain, shifted) = (forecast(&*model, &load(values.clone()), 40), forecast(&*model, &load(shifted.clone()), 40));
            let same = all_numbers(&plain).iter().zip(all_numbers(&shifted)).all(|(a, b)| (a + shift - b).abs() < 1e-6 * shift);
            prop_assert!(same, "{name}");
        }
    }

    #[test]
    fn paths_say_of_each_step_what_the_marginal_says(seed in 0u64..1000, n in 2usize..300) {
        let history = load(plain_load(200, seed));
        for model in all(&settings()) {
            let fitted = model.fit(&history).unwrap();
            let marginals = fitted.predict(&Future { horizon: 10 }, &fleetcast_core::QUANTILE_GRID).unwrap();
            let futures = fitted.paths(&Future { horizon: 10 }, n, seed).unwrap();
            prop_assert_eq!((futures.len(), futures.horizon()), (n, 10));
            for step in 0..10 {
                let mut column: Vec<f64> = futures.iter().map(|path| path[step]).collect();
                column.sort_unstable_by(f64::total_cmp);
                let below = |value: f64| column.iter().filter(|v| **v < value).count() as f64 / n as f64;
                for (q, value) in marginals.quantiles().iter().zip(marginals.step(step)) {
                    // Values that repeat (a flat tail) may all count as not below.
                    let spread = marginals.step(step)[44] - marginals.step(step)[0];
                    prop_assert!(below(*value - 1e-9 * spread) <= q + 1.0 / n as f64, "{}", model.name());
                    prop_assert!(below(*value + 1e-9 * spread) >= q - 1.0 / n as f64, "{}", model.name());
                }
            }
        }
    }
}
