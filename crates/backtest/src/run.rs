//! What each model forecast at each past cutoff.

use crate::{Error, Result};
use fleetcast_core::{Error as CoreError, Forecast, Future, History, Model, Panel, Result as CoreResult, Window};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A reading of the caller's clocks, in seconds since any moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seconds {
    /// Time on the wall.
    pub wall: f64,
    /// Processor time of all threads.
    pub cpu: f64,
}

impl Seconds {
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { wall: self.wall - earlier.wall, cpu: self.cpu - earlier.cpu }
    }
}

impl std::ops::Add for Seconds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { wall: self.wall + other.wall, cpu: self.cpu + other.cpu }
    }
}

/// Reads the caller's clocks. Readings go into timings only and decide nothing.
pub type Clock<'a> = &'a (dyn Fn() -> Seconds + Sync);

/// What one model forecast at one cutoff.
#[derive(Clone, Debug)]
pub struct Run {
    forecasts: Vec<CoreResult<Forecast>>,
    with_quantiles: bool,
    seconds: Seconds,
}

impl Run {
    /// One forecast, or the reason there is none, per series of the panel, in its order.
    pub fn forecasts(&self) -> &[CoreResult<Forecast>] {
        &self.forecasts
    }

    /// Time taken to fit and predict all series.
    pub fn seconds(&self) -> Seconds {
        self.seconds
    }
}

/// Forecasts of many models at many cutoffs of one panel, each made once and kept.
///
/// A cutoff is named by the number of steps held out at the end of every series, as in
/// [`fleetcast_core::Windows`]. A model sees the held-in steps only.
pub struct Runs<'a> {
    panel: &'a Panel,
    horizon: usize,
    quantiles: Vec<f64>,
    clock: Option<Clock<'a>>,
    kept: BTreeMap<(usize, String), Run>,
}

impl<'a> Runs<'a> {
    /// No forecasts yet; those to come look `horizon` steps ahead.
    ///
    /// # Errors
    /// [`Error::Zero`] when `horizon` is.
    pub fn new(panel: &'a Panel, horizon: usize) -> Result<Self> {
        if horizon == 0 {
            return Err(Error::Zero { setting: "horizon" });
        }
        let quantiles = fleetcast_core::REPORTED_QUANTILES.to_vec();
        Ok(Self { panel, horizon, quantiles, clock: None, kept: BTreeMap::new() })
    }

    /// The same, timing each run by the caller's clocks; without them timings are zero.
    pub fn with_clock(mut self, clock: Clock<'a>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The panel whose past is looked at.
    pub fn panel(&self) -> &'a Panel {
        self.panel
    }

    /// Steps ahead of every forecast.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// What `model` forecast with `held_out` steps held out; `None` when it was not run there.
    pub fn get(&self, model: &str, held_out: usize) -> Option<&Run> {
        // The key holds an owned name; a lookup per model and cutoff is not worth a borrowed twin of it.
        self.kept.get(&(held_out, model.to_owned()))
    }

    /// Runs `model` with `held_out` steps held out unless that was done; `with_quantiles` asks for the
    /// reported quantiles besides the point.
    pub fn ensure(&mut self, model: &dyn Model, held_out: usize, with_quantiles: bool) {
        let key = (held_out, model.name().to_owned());
        if self.kept.get(&key).is_some_and(|run| run.with_quantiles || !with_quantiles) {
            return;
        }
        let before = self.now();
        let quantiles: &[f64] = if with_quantiles { &self.quantiles } else { &[] };
        let forecasts = run_at(self.panel, model, held_out, self.horizon, quantiles);
        let seconds = self.now().since(before);
        self.kept.insert(key, Run { forecasts, with_quantiles, seconds });
    }

    pub(crate) fn now(&self) -> Seconds {
        self.clock.map(|clock| clock()).unwrap_or_default()
    }
}

/// The panel with `held_out` steps cut off every series, and the places of the series that are left.
fn held_in(panel: &Panel, held_out: usize) -> (Panel, Vec<usize>) {
    let window = Window { index: 0, held_out };
    let (places, histories): (Vec<usize>, Vec<History>) =
        panel.histories().iter().enumerate().filter_map(|(at, h)| Some((at, window.training(h)?))).unzip();
    let panel = panel.with_histories(histories).expect("keys of a panel's own series are distinct");
    (panel, places)
}

/// Forecasts of `model` for every series of `panel`, made at the cutoff `held_out` steps before its end.
fn run_at(
    panel: &Panel,
    model: &dyn Model,
    held_out: usize,
    horizon: usize,
    quantiles: &[f64],
) -> Vec<CoreResult<Forecast>> {
    let (past, places) = held_in(panel, held_out);
    let future = Future { horizon };
    let made: Vec<CoreResult<Forecast>> =
        model.fit_panel(&past).into_par_iter().map(|fitted| fitted?.predict(&future, quantiles)).collect();
    let mut forecasts: Vec<CoreResult<Forecast>> = (panel.histories().iter())
        .map(|h| {
            let (needed, found) = (held_out + 1, h.n_observed());
            Err(CoreError::TooShort { model: model.name().to_owned(), needed, found })
        })
        .collect();
    for (place, forecast) in places.into_iter().zip(made) {
        forecasts[place] = forecast;
    }
    forecasts
}
