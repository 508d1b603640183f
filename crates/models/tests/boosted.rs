//! What holds for one model over many series: it sees no later time of any of them, uses what the series have in common,
//! and gives the same answer at any number of threads.

use fleetcast_core::{Calendar, Forecast, Future, History, Metric, Model, Panel, SeriesId, Timeline};
use fleetcast_models::{Boosted, Settings};
use fleetcast_numeric::{Stream, math};
use jiff::civil::{Date, date};
use std::sync::Arc;

const START: Date = date(2022, 1, 1);

fn settings() -> Settings {
    Settings { season_lengths: vec![7], calendar: Arc::new(Calendar::us()) }
}

fn history(server: &str, metric: &str, values: Vec<f64>) -> History {
    let metric = Arc::new(Metric::named(metric));
    History::new(SeriesId::new(server, metric.name()), Arc::clone(&metric), Timeline::daily(START), values)
        .expect("the test's own data are valid")
}

fn forecasts(model: &Boosted, histories: Vec<History>, horizon: usize) -> Vec<Forecast> {
    let panel = Panel::new(Vec::new(), histories).expect("names differ");
    let fits = model.fit_panel(&panel).into_iter();
    fits.map(|fit| {
        fit.and_then(|fit| fit.predict(&Future { horizon }, &[0.05, 0.5, 0.95])).expect("it can be forecast")
    })
    .collect()
}

/// Load with a week, a peak of 40 % around quarter ends, and noise.
fn peaky(n: usize, seed: u64) -> Vec<f64> {
    let (calendar, stream) = (Calendar::us(), Stream::new(seed, &["peaky"]));
    let level = 20.0 + stream.uniform(1_000_000) * 20.0;
    (0..n)
        .map(|t| {
            let day = START.checked_add(jiff::Span::new().days(t as i64)).expect("the days are few");
            let peak = if calendar.days_to_nearest_quarter_end(day) <= 5 { 1.4 } else { 1.0 };
            let week = if t % 7 < 2 { 0.7 } else { 1.0 };
            level * week * peak * math::exp(0.05 * stream.normal(t as u64))
        })
        .collect()
}

#[test]
fn what_others_do_later_changes_no_forecast_made_before() {
    // Every third series ends 100 days before the others.
    let values: Vec<Vec<f64>> = (0..9).map(|i| peaky(if i % 3 == 0 { 500 } else { 600 }, i)).collect();
    let panel = |values: &[Vec<f64>]| -> Vec<History> {
        values.iter().enumerate().map(|(i, values)| history(&format!("s{i}"), "load", values.clone())).collect()
    };
    let clean = forecasts(&Boosted::new(&settings()), panel(&values), 60);
    let mut poisoned = values.clone();
    for values in poisoned.iter_mut().filter(|values| values.len() == 600) {
        values[500..].iter_mut().enumerate().for_each(|(i, v)| *v = if i % 2 == 0 { 1e9 } else { f64::NAN });
    }
    let after = forecasts(&Boosted::new(&settings()), panel(&poisoned), 60);
    for i in [0, 3, 6] {
        assert_eq!(clean[i], after[i], "series {i} ended before the poison");
    }
    assert_ne!(clean[1], after[1], "what a series did itself must be seen");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be had");
        let histories = (0..6).map(|i| history(&format!("s{i}"), "load", peaky(400, i))).collect();
        pool.install(|| forecasts(&Boosted::new(&settings()), histories, 30))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn a_quarter_end_is_learned_from_other_series() {
    // One series has never seen one: it was observed from 9 July to 16 September 2024; the next is two weeks ahead.
    let mut histories: Vec<History> = (0..20).map(|i| history(&format!("old{i}"), "load", peaky(990, i))).collect();
    let mut young = peaky(990, 99);
    young[..920].fill(f64::NAN);
    histories.push(history("young", "load", young));
    let peak = |model: Boosted| {
        let forecast = forecasts(&model, histories.clone(), 30).pop().expect("the last is the young one");
        let mean = |steps: std::ops::Range<usize>| {
            let n = steps.len() as f64;
            forecast.point()[steps].iter().sum::<f64>() / n
        };
        // Two whole weeks each: 25 September to 5 October holds the peak, the days after it do not.
        mean(11..18) / mean(21..28)
    };
    let (told, blind) = (peak(Boosted::new(&settings())), peak(Boosted::without_quarter_ends(&settings())));
    assert!(told > 1.15 && told > blind, "{told} with quarter ends, {blind} without");
}

#[test]
fn another_metric_of_the_server_is_looked_at_where_it_may_be() {
    // Memory does two weeks later what cpu does now.
    let stream = Stream::new(5, &["ahead"]);
    let histories: Vec<History> = (0..20u64)
        .flat_map(|server| {
            let chance = stream.child_number(server);
            let spell = |t: usize| 40.0 + 30.0 * chance.uniform((t / 30) as u64);
            let noise = |t: usize| chance.normal(10_000 + t as u64);
            let cpu = (0..600).map(|t| spell(t + 14) + noise(t)).collect();
            let memory = (0..600).map(|t| spell(t) + noise(t + 5_000)).collect();
            let name = format!("s{server:02}");
            [history(&name, "cpu_load", cpu), history(&name, "memory_load", memory)]
        })
        .collect();
    let error = |model: Boosted| {
        let cut = histories.iter().map(|history| history.prefix(565).expect("it is longer")).collect();
        let made = forecasts(&model, cut, 12);
        let errors = made.iter().zip(&histories).skip(1).step_by(2).map(|(forecast, history)| {
            let missed = forecast.point().iter().zip(&history.values()[565..]);
            missed.map(|(f, y)| (f - y).abs()).sum::<f64>()
        });
        errors.sum::<f64>()
    };
    let (told, blind) = (error(Boosted::new(&settings())), error(Boosted::without_other_metrics(&settings())));
    assert!(told < 0.9 * blind, "{told} with other metrics, {blind} without");
}

#[test]
fn points_alone_are_those_beside_quantiles() {
    let histories: Vec<History> = (0..4).map(|i| history(&format!("s{i}"), "load", peaky(400, i))).collect();
    let panel = Panel::new(Vec::new(), histories).expect("names differ");
    for fit in Boosted::new(&settings()).fit_panel(&panel) {
        let fit = fit.expect("it can be forecast");
        let [alone, beside] =
            [&[][..], &[0.1, 0.5, 0.9]].map(|q| fit.predict(&Future { horizon: 40 }, q).expect("it can be forecast"));
        assert_eq!(alone.point(), beside.point());
    }
}
