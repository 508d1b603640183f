//! A backtest: what models forecast in past windows, and what then happened.

use crate::run::Job;
use crate::{Auto, Error, Result, Runs, Seconds};
use fleetcast_core::{Error as CoreError, Forecast, Model, Panel, Result as CoreResult, SeriesId, Window, Windows};
use jiff::civil::DateTime;
use std::ops::Range;
use std::sync::Arc;

/// What one model forecast in every window.
#[derive(Clone, Debug)]
pub struct ModelForecasts {
    name: String,
    windows: Vec<Arc<Vec<CoreResult<Forecast>>>>,
}

impl ModelForecasts {
    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One forecast, or the reason there is none, per series of the panel, in its order.
    pub fn window(&self, index: usize) -> &[CoreResult<Forecast>] {
        &self.windows[index]
    }
}

/// Time one model took in one window, over all series.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// The model.
    pub model: String,
    /// The window, 0 for the earliest.
    pub window: usize,
    /// Series it gave a forecast for.
    pub n_series: usize,
    /// Steps of those series up to their cutoffs.
    pub n_steps: usize,
    /// Fit and predict. For `auto`, that of all its members, validation included, as if nothing had
    /// been shared between windows, with combining and calibrating.
    pub seconds: Seconds,
}

/// One forecast step: a row of the exchange format.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'a> {
    /// The model.
    pub model: &'a str,
    /// The series.
    pub id: &'a SeriesId,
    /// Time of the last step the model could see.
    pub cutoff: DateTime,
    /// Time of the step.
    pub time: DateTime,
    /// The window, 0 for the earliest.
    pub window: usize,
    /// 1 for the first step after the cutoff.
    pub step: usize,
    /// Point forecast, in the metric's unit.
    pub point: f64,
    /// Values at [`fleetcast_core::REPORTED_QUANTILES`].
    pub quantiles: &'a [f64],
    /// What happened; NaN where nothing was observed.
    pub actual: f64,
}

/// Forecasts of several models over the windows of one panel.
#[derive(Clone, Debug)]
pub struct Backtest {
    windows: Windows,
    models: Vec<ModelForecasts>,
    timings: Vec<Timing>,
}

impl Backtest {
    /// The windows.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// The models, in the order they were given, `auto` first.
    pub fn models(&self) -> &[ModelForecasts] {
        &self.models
    }

    /// Time per model and window.
    pub fn timings(&self) -> &[Timing] {
        &self.timings
    }

    /// Every forecast step by model, series, window and step; `panel` is the one that was backtested.
    pub fn rows<'a>(&'a self, panel: &'a Panel) -> impl Iterator<Item = Row<'a>> {
        self.models.iter().flat_map(move |model| self.rows_of(panel, model, 0..panel.histories().len()))
    }

    /// The same of one model and some series, by their places in the panel.
    pub fn rows_of<'a>(
        &'a self,
        panel: &'a Panel,
        model: &'a ModelForecasts,
        series: Range<usize>,
    ) -> impl Iterator<Item = Row<'a>> {
        let windows = move |at: usize| self.windows.iter().map(move |window| (at, window));
        let made =
            move |(at, window): (usize, Window)| Some((at, window, model.window(window.index)[at].as_ref().ok()?));
        series.flat_map(windows).filter_map(made).flat_map(move |(at, window, forecast)| {
            let history = &panel.histories()[at];
            let first = history.len() - window.held_out;
            let steps = forecast.horizon().min(window.held_out);
            (0..steps).map(move |step| Row {
                model: &model.name,
                id: history.id(),
                cutoff: history.timeline().at(first - 1),
                time: history.timeline().at(first + step),
                window: window.index,
                step: step + 1,
                point: forecast.point()[step],
                quantiles: forecast.step(step),
                actual: history.values()[first + step],
            })
        })
    }

    /// Why a model gave no forecast: model, window, series, reason.
    pub fn refusals<'a>(
        &'a self,
        panel: &'a Panel,
    ) -> impl Iterator<Item = (&'a str, usize, &'a SeriesId, &'a CoreError)> {
        self.models.iter().flat_map(move |model| {
            model.windows.iter().enumerate().flat_map(move |(window, forecasts)| {
                let series = panel.histories().iter().zip(forecasts.iter());
                series.filter_map(move |(h, f)| Some((model.name(), window, h.id(), f.as_ref().err()?)))
            })
        })
    }
}

/// Forecasts at the cutoffs of `windows` by `auto`, then by each of `models`.
///
/// Work already in `runs` is not repeated: a member of `auto` that is also among `models` is fitted once, and
/// so is a cutoff that validates one window and is judged in another. Results are byte for byte those
/// of separate runs.
///
/// # Errors
/// When a name stands twice, or the horizons of `runs`, `windows` and `auto` differ.
pub fn backtest(runs: &mut Runs, models: &[&dyn Model], auto: Option<&Auto>, windows: &Windows) -> Result<Backtest> {
    check(runs, models, auto, windows)?;
    let of_window =
        |held_out: usize| models.iter().map(move |&model| Job { model, held_out, with_quantiles: true, only: None });
    runs.ensure_all(&windows.iter().flat_map(|window| of_window(window.held_out)).collect::<Vec<_>>());
    // Taken before `auto` runs, which forgets cutoffs that it has done with.
    let alone: Vec<(ModelForecasts, Vec<Timing>)> =
        models.iter().map(|model| model_forecasts(runs, *model, windows)).collect();
    let (mut done, mut timings) = (Vec::new(), Vec::new());
    if let Some(auto) = auto {
        let mut made = ModelForecasts { name: auto.name().to_owned(), windows: Vec::new() };
        let held_out: Vec<usize> = windows.iter().map(|window| window.held_out).collect();
        for (window, (forecasts, seconds)) in windows.iter().zip(auto.forecast_windows(runs, &held_out)?) {
            timings.push(timing(runs.panel(), auto.name(), window.index, window.held_out, &forecasts, seconds));
            made.windows.push(Arc::new(forecasts));
        }
        done.push(made);
    }
    for (made, taken) in alone {
        done.push(made);
        timings.extend(taken);
    }
    Ok(Backtest { windows: *windows, models: done, timings })
}

/// What a model forecast in every window, and the time that took; it was run in all of them.
fn model_forecasts(runs: &Runs, model: &dyn Model, windows: &Windows) -> (ModelForecasts, Vec<Timing>) {
    let mut made = ModelForecasts { name: model.name().to_owned(), windows: Vec::new() };
    let mut timings = Vec::new();
    for window in windows.iter() {
        let run = runs.get(model.name(), window.held_out).expect("every model was run in every window");
        timings.push(timing(runs.panel(), model.name(), window.index, window.held_out, run.forecasts(), run.seconds()));
        made.windows.push(run.shared());
    }
    (made, timings)
}

fn check(runs: &Runs, models: &[&dyn Model], auto: Option<&Auto>, windows: &Windows) -> Result<()> {
    let needed = runs.horizon();
    if windows.horizon != needed {
        return Err(Error::Horizon { what: "the windows", found: windows.horizon, needed });
    }
    if let Some(found) = auto.map(|auto| auto.settings().horizon).filter(|&h| h != needed) {
        return Err(Error::Horizon { what: "the settings of `auto`", found, needed });
    }
    let mut names: Vec<&str> = models.iter().map(|m| m.name()).chain(auto.map(|a| a.name())).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::DuplicateModel { name: pair[0].to_owned() }),
        None => Ok(()),
    }
}

fn timing(
    panel: &Panel,
    model: &str,
    window: usize,
    held_out: usize,
    forecasts: &[CoreResult<Forecast>],
    seconds: Seconds,
) -> Timing {
    let seen = panel.histories().iter().zip(forecasts).filter(|(_, f)| f.is_ok()).map(|(h, _)| h.len() - held_out);
    let (n_series, n_steps) = seen.fold((0, 0), |(series, steps), length| (series + 1, steps + length));
    Timing { model: model.to_owned(), window, n_series, n_steps, seconds }
}
