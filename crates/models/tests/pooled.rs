//! `pooled` on a planted fleet: young servers know the year's end of their older neighbours.

use fleetcast_core::{Calendar, Fitted, Forecast, Future, History, Metric, Panel, SeriesId, Server, Timeline};
use fleetcast_models::{CalendarRidge, Component, Pooled, Settings, named};
use fleetcast_numeric::{Stream, math};
use jiff::civil::{Date, date};
use std::sync::Arc;

const FIRST: Date = date(2022, 1, 1);
/// 1 December 2024: the next year end is 30 steps ahead, and the last 120 days have seen none.
const CUTOFF: usize = 1065;
const SHORT: usize = 120;
const HORIZON: usize = 60;
const SERVERS: usize = 60;

fn settings() -> Settings {
    Settings { season_lengths: vec![7], calendar: Arc::new(Calendar::us()) }
}

/// Level, growth, a week, noise with memory, and a busy fortnight around the year's end of the web servers.
fn values(server: usize) -> Vec<f64> {
    let stream = Stream::new(server as u64, &["pooled"]);
    let timeline = Timeline::daily(FIRST);
    let mut noise = 0.0;
    (0..CUTOFF + HORIZON)
        .map(|t| {
            noise = 0.6 * noise + 0.05 * stream.normal(t as u64);
            let day = timeline.date(t);
            let from_year_end = if day.month() == 12 { 31.0 - f64::from(day.day()) } else { f64::from(day.day()) };
            let is_near = matches!(day.month(), 12 | 1) && from_year_end < 8.0;
            let busy = if is_near && is_web(server) { 0.8 * (1.0 - from_year_end / 8.0) } else { 0.0 };
            let week = if t % 7 < 2 { -0.3 } else { 0.0 };
            math::exp(2.0 + 0.05 * server as f64 + 0.0002 * t as f64 + week + busy + noise)
        })
        .collect()
}

/// Two of three servers serve the web, the others have no year's end.
fn is_web(server: usize) -> bool {
    server % 3 != 2
}

/// Every fourth server is young.
fn is_short(server: usize) -> bool {
    server % 4 == 1
}

fn name(server: usize) -> String {
    format!("server-{server:02}")
}

/// The fleet, every fourth server young, each series changed by `change` from the cutoff on and cut there.
fn fleet(change: impl Fn(f64) -> f64) -> Panel {
    let servers = (0..SERVERS).map(|i| {
        let mut server = Server::new(&name(i)).expect("the name is not empty");
        server.archetype = Some(if is_web(i) { "web" } else { "batch" }.to_owned());
        Arc::new(server)
    });
    let histories = (0..SERVERS).map(|i| {
        let mut values = values(i);
        values[CUTOFF..].iter_mut().for_each(|v| *v = change(*v));
        let metric = Arc::new(Metric::named("load"));
        let whole = History::new(SeriesId::new(&name(i), "load"), metric, Timeline::daily(FIRST), values)
            .expect("the planted values are finite");
        let past = whole.prefix(CUTOFF).expect("the cutoff is inside");
        if is_short(i) { past.suffix(SHORT) } else { past }
    });
    Panel::new(servers.collect(), histories.collect()).expect("no name stands twice")
}

fn forecasts(model: &str, panel: &Panel) -> Vec<Forecast> {
    let fits = named(model, &settings()).expect("the method is registered").fit_panel(panel);
    let future = Future { horizon: HORIZON };
    let answer = |fit: fleetcast_core::Result<Box<dyn Fitted>>| {
        fit.expect("every history is long enough").predict(&future, &[0.1, 0.5, 0.9]).expect("the future is valid")
    };
    fits.into_iter().map(answer).collect()
}

/// Mean relative error of the servers that `which` names.
fn error(forecasts: &[Forecast], which: impl Fn(usize) -> bool) -> f64 {
    let of = |i: usize| {
        let actual = &values(i)[CUTOFF..];
        forecasts[i].point().iter().zip(actual).map(|(f, y)| (f - y).abs() / y).sum::<f64>() / HORIZON as f64
    };
    let errors: Vec<f64> = (0..SERVERS).filter(|i| which(*i)).map(of).collect();
    math::mean(&errors).expect("some server is asked for")
}

#[test]
fn young_servers_have_the_year_end_of_their_archetype() {
    let panel = fleet(|v| v);
    let [alone, pooled] = ["calendar-ridge", "pooled"].map(|model| forecasts(model, &panel));
    let young_web = |i: usize| is_short(i) && is_web(i);
    let (own, shared) = (error(&alone, young_web), error(&pooled, young_web));
    assert!(shared < 0.85 * own, "young web servers: {shared} pooled, {own} alone");
    // Those without a year's end are not given one.
    let young_batch = |i: usize| is_short(i) && !is_web(i);
    let (own, shared) = (error(&alone, young_batch), error(&pooled, young_batch));
    assert!(shared < 1.1 * own, "young batch servers: {shared} pooled, {own} alone");
    let old = |i: usize| !is_short(i);
    let (own, shared) = (error(&alone, old), error(&pooled, old));
    assert!(shared < 1.05 * own, "old servers: {shared} pooled, {own} alone");
}

#[test]
fn nothing_after_the_cutoff_changes_anything() {
    let (clean, poisoned) = (fleet(|v| v), fleet(|v| if v > 10.0 { 1e9 } else { f64::NAN }));
    assert_eq!(forecasts("pooled", &clean), forecasts("pooled", &poisoned));
}

#[test]
fn the_parts_of_an_explanation_add_up_and_name_the_year() {
    let panel = fleet(|v| v);
    let fits = Pooled::new(&settings()).fit_all(&panel);
    let fit = fits[1].as_ref().unwrap();
    let forecast = &forecasts("pooled", &panel)[1];
    let steps = fit.explain(HORIZON);
    for (step, point) in steps.iter().zip(forecast.point()) {
        assert!((step.total() - point).abs() < 1e-9 * point.abs(), "{step:?} for {point}");
    }
    // New Year's Eve is the 31st step ahead.
    let share = |h: usize| (steps[h].of(Component::Year) + steps[h].of(Component::QuarterEnd)) / forecast.point()[h];
    assert!(share(30) > 0.25 && share(10).abs() < 0.1, "{} and {}", share(30), share(10));
}

#[test]
fn one_series_alone_is_forecast_as_by_calendar_ridge() {
    let panel = fleet(|v| v);
    let history = &panel.histories()[0];
    let future = Future { horizon: HORIZON };
    let alone = CalendarRidge::new(&settings()).fit_one(history).unwrap();
    let pooled = named("pooled", &settings()).unwrap().fit(history).unwrap();
    assert_eq!(alone.predict(&future, &[0.5]).unwrap(), pooled.predict(&future, &[0.5]).unwrap());
}
