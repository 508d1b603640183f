//! `auto` over small models of which it is known what must come out.

use fleetcast_backtest::{Auto, AutoSettings, Error, Runs, ScoreSettings, Slice, backtest};
use fleetcast_core::{
    Bounds, Dependence, Fitted, Forecast, Future, History, Metric, Model, Panel, Paths, QUANTILE_GRID,
    REPORTED_QUANTILES, Result, SeriesId, Timeline, Windows,
};
use fleetcast_numeric::Stream;
use jiff::civil::date;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Repeats the last week and adds `drift` per step; `off` is added to every forecast.
struct Repeat {
    name: &'static str,
    drift: f64,
    off: f64,
    /// Averages this many weeks.
    weeks: usize,
}

impl Model for Repeat {
    fn name(&self) -> &str {
        self.name
    }

    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        let (values, needed) = (history.values(), 7 * self.weeks);
        if history.n_observed() < needed || history.len() < needed {
            let found = history.n_observed();
            return Err(fleetcast_core::Error::TooShort { model: self.name.to_owned(), needed, found });
        }
        let recent = &values[values.len() - needed..];
        let day = |day: usize| (0..self.weeks).map(|week| recent[7 * week + day]).sum::<f64>() / self.weeks as f64;
        Ok(Box::new(Repeated { week: (0..7).map(|d| day(d) + self.off).collect(), drift: self.drift }))
    }
}

struct Repeated {
    week: Vec<f64>,
    drift: f64,
}

impl Fitted for Repeated {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let point = |step: usize| self.week[step % 7] + self.drift * (step + 1) as f64;
        let points: Vec<f64> = (0..future.horizon).map(point).collect();
        let values = points.iter().flat_map(|p| vec![*p; quantiles.len()]).collect();
        Forecast::new(quantiles, points.clone(), values)
    }

    fn paths(&self, future: &Future, n: usize, _: u64) -> Result<Paths> {
        Paths::new(future.horizon, self.predict(future, &[])?.point().repeat(n))
    }
}

fn medians(marginals: &Forecast, _: &Dependence, _: Option<Bounds>, n: usize, _: u64) -> Result<Paths> {
    Paths::new(marginals.horizon(), marginals.point().repeat(n))
}

/// Seasonal naive, a mean of eight weeks, and one that is far off.
fn members() -> Vec<Box<dyn Model>> {
    vec![
        Box::new(Repeat { name: "seasonal-naive", drift: 0.0, off: 0.0, weeks: 1 }),
        Box::new(Repeat { name: "mean", drift: 0.0, off: 0.0, weeks: 8 }),
        Box::new(Repeat { name: "far-off", drift: 0.0, off: 60.0, weeks: 1 }),
    ]
}

fn auto(horizon: usize) -> Auto {
    Auto::new(members(), AutoSettings::new(horizon, 7, medians)).expect("the settings are right")
}

fn history(id: &str, bounds: Option<Bounds>, values: Vec<f64>) -> History {
    let metric = Arc::new(Metric::named(""));
    let timeline = Timeline::daily(date(2022, 1, 1));
    History::new(SeriesId::new(id, ""), metric, timeline, values).expect("values are finite").with_bounds(bounds)
}

/// A week, and noise that remembers a little and is larger on some series.
fn noisy(n_series: u64, length: usize) -> Panel {
    let series = |at: u64| {
        let stream = Stream::new(at, &["noisy"]);
        let (size, mut memory) = (1.0 + 4.0 * stream.uniform(0), 0.0);
        let values = (0..length).map(|day| {
            let [fresh, _] = stream.normal_pair(1 + day as u64);
            memory = 0.5 * memory + fresh;
            50.0 + 10.0 * f64::from(u8::from(day % 7 < 5)) + size * memory
        });
        history(&format!("s{at:03}"), None, values.collect())
    };
    Panel::new(Vec::new(), (0..n_series).map(series).collect()).expect("keys are distinct")
}

fn cut(panel: &Panel, held_out: usize) -> Panel {
    let histories = panel.histories().iter().filter_map(|h| h.prefix(h.len() - held_out));
    panel.with_histories(histories.collect()).expect("keys are distinct")
}

#[test]
fn the_better_member_carries_the_weight_and_one_that_loses_has_none() {
    let fleet = auto(30).fit_fleet(&noisy(40, 400)).unwrap();
    assert_eq!((fleet.validated_horizon(), fleet.n_validations(), fleet.notes().len()), (30, 4, 0));
    let weight = |name: &str| -> f64 {
        let series = fleet.series().iter().map(|s| s.as_ref().unwrap());
        series.flat_map(|s| s.weights()).filter(|w| &*w.model == name).map(|w| w.weight).sum::<f64>() / 40.0
    };
    assert!(weight("mean") > 0.85, "{}", weight("mean"));
    assert_eq!(weight("far-off"), 0.0);
    assert!((weight("mean") + weight("seasonal-naive") - 1.0).abs() < 1e-12);
}

#[test]
fn intervals_hold_what_they_promise_and_the_combination_beats_its_guard() {
    let (panel, auto) = (noisy(120, 700), auto(60));
    let mut runs = Runs::new(&panel, 60).unwrap();
    let guard = members().swap_remove(0);
    let windows = Windows::new(60, 3, 60).unwrap();
    let backtest = backtest(&mut runs, &[guard.as_ref()], Some(&auto), &windows).unwrap();
    let rows = backtest.scores(&panel, &Slice::standard(&panel, 60), &ScoreSettings::new(7));
    for row in rows.iter().filter(|row| row.model == "auto") {
        let (in_90, in_80) = (row.scores.coverage_90.unwrap(), row.scores.coverage_80.unwrap());
        assert!((0.88..=0.92).contains(&in_90), "{}: 90 % intervals hold {in_90}", row.slice);
        assert!((0.77..=0.83).contains(&in_80), "{}: 80 % intervals hold {in_80}", row.slice);
        let under = row.scores.under_95.unwrap();
        assert!((0.93..=0.97).contains(&under), "{}: {under}", row.slice);
    }
    let compared = backtest.compare(&panel, &Slice::all(), "seasonal-naive", &ScoreSettings::new(7));
    // On peaks there is less to gain: which days are high is mostly chance here.
    for (score, most) in [("mase", 0.85), ("wql", 0.85), ("peak_mase", 1.0)] {
        let found = compared.iter().find(|c| c.score == score).unwrap();
        assert!(found.ratio < most && found.interval.unwrap().1 < most + 0.05, "{found:?}");
    }
}

#[test]
fn a_window_of_a_backtest_is_a_fit_at_its_cutoff() {
    // Shared member forecasts must not change a byte of what a fit on the cut panel says.
    let (panel, auto) = (noisy(25, 400), auto(30));
    let mut runs = Runs::new(&panel, 30).unwrap();
    let windows = Windows::new(30, 3, 30).unwrap();
    let backtest = backtest(&mut runs, &[], Some(&auto), &windows).unwrap();
    for window in windows.iter() {
        let alone = auto.fit_fleet(&cut(&panel, window.held_out)).unwrap();
        for (shared, alone) in backtest.models()[0].window(window.index).iter().zip(alone.series()) {
            let alone = alone.as_ref().unwrap().forecast(30, &REPORTED_QUANTILES).unwrap();
            assert_eq!(shared.as_ref().unwrap(), &alone, "window {}", window.index);
        }
    }
}

#[test]
fn forecasts_without_the_fits_are_those_of_the_fits() {
    let (panel, auto) = (noisy(25, 400), auto(30));
    let fits = auto.fit_fleet(&panel).unwrap();
    let forecasts = auto.forecast_fleet(Runs::new(&panel, 30).unwrap(), 100).unwrap();
    for (fitted, made) in fits.series().iter().zip(forecasts.series()) {
        let (fitted, made) = (fitted.as_ref().unwrap(), made.as_ref().unwrap());
        assert_eq!(fitted.weights().collect::<Vec<_>>(), made.weights().iter().collect::<Vec<_>>());
        for horizon in [1, 30, 100] {
            let (from_fits, alone) = (fitted.forecast(horizon, &QUANTILE_GRID), made.forecast(horizon, &QUANTILE_GRID));
            assert_eq!(from_fits.unwrap(), alone.unwrap(), "{horizon} steps");
        }
    }
}

#[test]
fn values_after_a_cutoff_and_the_number_of_threads_change_nothing() {
    let panel = noisy(25, 400);
    let poisoned = panel.histories().iter().map(|h| {
        let mut values = h.values().to_vec();
        values[370..].fill(1e9);
        history(&h.id().to_string(), None, values)
    });
    let poisoned = panel.with_histories(poisoned.collect()).unwrap();
    let windows = Windows::new(30, 1, 30).unwrap();
    let forecasts = |panel: &Panel| {
        let mut runs = Runs::new(panel, 30).unwrap();
        let backtest = backtest(&mut runs, &[], Some(&auto(30)), &windows).unwrap();
        backtest.models()[0].window(0).to_vec()
    };
    let expected = forecasts(&panel);
    assert_eq!(forecasts(&poisoned), expected);
    for threads in [1, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| forecasts(&panel)), expected, "{threads} threads");
    }
}

#[test]
fn intervals_widen_beyond_the_validated_horizon() {
    let fleet = auto(30).fit_fleet(&noisy(25, 400)).unwrap();
    let fitted = fleet.series()[0].as_ref().unwrap();
    let forecast = fitted.forecast(365, &[0.05, 0.95]).unwrap();
    let width = |step: usize| forecast.step(step)[1] - forecast.step(step)[0];
    assert!(width(364) > width(179) && width(179) > width(29), "{} {} {}", width(29), width(179), width(364));
    assert!(width(364) < 6.0 * width(29));
    assert!(fitted.forecast(30, &[0.9, 0.1]).is_err());
}

#[test]
fn a_constant_series_stays_constant_and_per_cent_stays_in_range() {
    let mut histories = noisy(20, 300).histories().to_vec();
    histories.push(history("constant", None, vec![33.3; 300]));
    histories.push(history("zero", None, vec![0.0; 300]));
    let full = (0..300).map(|day| if day % 9 < 4 { 100.0 } else { 90.0 }).collect();
    histories.push(history("full", Some(Bounds::PERCENT), full));
    let panel = Panel::new(Vec::new(), histories).unwrap();
    let fleet = auto(30).fit_fleet(&panel).unwrap();
    for (fitted, history) in fleet.series().iter().zip(panel.histories()) {
        let forecast = fitted.as_ref().unwrap().forecast(60, &[0.001, 0.5, 0.999]).unwrap();
        let values = || (0..60).flat_map(|step| forecast.step(step).to_vec());
        match &*history.id().server_id {
            "constant" => assert!(values().all(|v| (v - 33.3).abs() < 1e-9), "{forecast:?}"),
            "zero" => assert!(values().all(|v| v == 0.0)),
            "full" => assert!(values().all(|v| (0.0..=100.0).contains(&v))),
            _ => assert!(values().all(f64::is_finite)),
        }
    }
}

#[test]
fn short_histories_are_validated_shorter_or_not_at_all_and_say_so() {
    let month = auto(90).fit_fleet(&noisy(30, 28)).unwrap();
    assert_eq!((month.validated_horizon(), month.n_validations()), (7, 4));
    assert!(month.notes()[0].contains("validated 7 steps ahead"), "{:?}", month.notes());
    let forecast = month.series()[0].as_ref().unwrap().forecast(90, &REPORTED_QUANTILES).unwrap();
    // Nobody is asked to believe the member that is far off, although few windows tell it apart.
    assert!(forecast.point().iter().all(|v| (35.0..75.0).contains(v)), "{forecast:?}");
    // The last validated step, and the same day of the week eleven weeks later.
    assert!(forecast.step(83)[6] - forecast.step(83)[0] > forecast.step(6)[6] - forecast.step(6)[0]);

    let days = auto(90).fit_fleet(&noisy(3, 10)).unwrap();
    assert_eq!((days.validated_horizon(), days.n_validations()), (0, 0));
    let fitted = days.series()[0].as_ref().unwrap();
    assert!(fitted.notes()[0].contains("too short to validate"), "{:?}", fitted.notes());
    let forecast = fitted.forecast(90, &[0.05, 0.95]).unwrap();
    assert!(forecast.step(89)[1] - forecast.step(89)[0] > 2.0 * (forecast.step(0)[1] - forecast.step(0)[0]));

    let error = auto(90).fit(&history("one-day", None, vec![1.0])).err().unwrap().to_string();
    assert_eq!(error, "`seasonal-naive` needs at least 7 observations, the history has 1");
    let gaps = history("gaps", None, vec![f64::NAN; 100]);
    assert!(auto(90).fit(&gaps).is_err());
}

#[test]
fn one_bad_series_keeps_its_reason_and_a_short_one_follows_the_others() {
    let mut histories = noisy(25, 400).histories().to_vec();
    histories.push(history("young", None, vec![5.0, 6.0, 5.5, 6.5, 7.0, 4.0, 5.0, 6.0, 5.0, 7.0]));
    histories.push(history("empty", None, vec![f64::NAN; 400]));
    let panel = Panel::new(Vec::new(), histories).unwrap();
    let fleet = auto(30).fit_fleet(&panel).unwrap();
    let of = |id: &str| {
        let at = panel.histories().iter().position(|h| &*h.id().server_id == id).unwrap();
        fleet.series()[at].as_ref()
    };
    assert!(of("empty").is_err());
    let young = of("young").ok().unwrap();
    assert!(young.notes()[0].contains("those of the other series"), "{:?}", young.notes());
    assert!(young.forecast(30, &REPORTED_QUANTILES).unwrap().point().iter().all(|v| (3.0..9.0).contains(v)));
    let alone = auto(30).fit_fleet(&noisy(25, 400)).unwrap();
    let here = of("s007").ok().unwrap().forecast(30, &[0.5]).unwrap();
    assert_eq!(here, alone.series()[7].as_ref().unwrap().forecast(30, &[0.5]).unwrap());
}

#[test]
fn a_series_gone_mad_has_no_say_in_what_the_others_get() {
    let sane = noisy(40, 400);
    let mut histories = sane.histories().to_vec();
    // Nothing ever changed, and then a value that no arithmetic survives.
    let mad = (0..400).map(|day| if day == 300 { 1e300 } else { 5.0 }).collect();
    histories.push(history("z-mad", None, mad));
    let fleets = [sane, Panel::new(Vec::new(), histories).unwrap()].map(|panel| auto(30).fit_fleet(&panel).unwrap());
    let [alone, beside] = fleets.each_ref().map(|fleet| {
        let forecast = |at: usize| fleet.series()[at].as_ref().unwrap().forecast(30, &[0.05, 0.5, 0.95]).unwrap();
        (0..40).map(forecast).collect::<Vec<_>>()
    });
    let (mut was_wide, mut is_wide) = (0.0, 0.0);
    for (alone, beside) in alone.iter().zip(&beside) {
        let (was, is) = (alone.step(29), beside.step(29));
        assert!((is[1] - was[1]).abs() < 0.2 * (was[2] - was[0]), "{is:?} for {was:?}");
        was_wide += was[2] - was[0];
        is_wide += is[2] - is[0];
    }
    // It is one of 41: the tails of what is pooled may move a little.
    assert!((is_wide / was_wide - 1.0).abs() < 0.15, "{is_wide} for {was_wide}");
}

#[test]
fn wrong_settings_are_refused() {
    let settings = AutoSettings::new(30, 7, medians);
    assert_eq!(Auto::new(Vec::new(), settings.clone()).err(), Some(Error::NoMembers));
    let zero = AutoSettings { horizon: 0, ..settings.clone() };
    assert_eq!(Auto::new(members(), zero).err(), Some(Error::Zero { setting: "horizon" }));
    let unguarded = AutoSettings { guard: "naive".to_owned(), ..settings };
    let error = Auto::new(members(), unguarded).err().unwrap().to_string();
    assert_eq!(
        error,
        "the guard `naive` is not among the members seasonal-naive, mean, far-off, add it or name one of them"
    );
    let panel = noisy(2, 100);
    let runs = || Runs::new(&panel, 20).unwrap();
    assert!(matches!(auto(30).forecast_fleet(runs(), 30), Err(Error::Horizon { .. })));
    let windows = Windows::new(20, 1, 20).unwrap();
    let twice = members().remove(0);
    let models = [twice.as_ref(), twice.as_ref()];
    assert!(matches!(backtest(&mut runs(), &models, None, &windows), Err(Error::DuplicateModel { .. })));
}

/// Counts how often it is asked.
struct Counted {
    inner: Repeat,
    asked: Arc<AtomicUsize>,
}

impl Model for Counted {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.fit(history)
    }
}

#[test]
fn a_member_that_loses_clearly_in_the_first_window_is_not_run_again() {
    let runs_of = |n_series: u64| {
        let asked = Arc::new(AtomicUsize::new(0));
        let mut members = members();
        let inner = Repeat { name: "lost", drift: 1.0, off: 90.0, weeks: 1 };
        members.push(Box::new(Counted { inner, asked: Arc::clone(&asked) }));
        let auto = Auto::new(members, AutoSettings::new(30, 7, medians)).expect("the settings are right");
        let fleet = auto.fit_fleet(&noisy(n_series, 400)).expect("the panel is right");
        assert!(fleet.series().iter().flatten().flat_map(|s| s.weights()).all(|w| &*w.model != "lost"));
        asked.load(Ordering::Relaxed) / n_series as usize
    };
    // Four past cutoffs; with few series all of them judge.
    assert_eq!((runs_of(120), runs_of(12)), (1, 10));
}
