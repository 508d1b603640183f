//! What each model forecast at each past cutoff.

use crate::{Error, Result};
use fleetcast_core::{Error as CoreError, Forecast, Future, History, Model, Panel, Result as CoreResult, Window};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

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

impl Seconds {
    fn share(self, share: f64) -> Self {
        Self { wall: share * self.wall, cpu: share * self.cpu }
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
    /// Shared with the backtest that reports them.
    forecasts: Arc<Vec<CoreResult<Forecast>>>,
    with_quantiles: bool,
    /// Whether every series of the panel was asked for.
    is_whole: bool,
    seconds: Seconds,
}

/// One model at one cutoff, to be run.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) model: &'a dyn Model,
    pub(crate) held_out: usize,
    /// The reported quantiles besides the point.
    pub(crate) with_quantiles: bool,
    /// Places of the series that are asked for; `None` for all. Only for a model that learns each series alone.
    pub(crate) only: Option<&'a [usize]>,
}

impl Job<'_> {
    fn key(&self) -> (usize, String) {
        (self.held_out, self.model.name().to_owned())
    }

    /// Whether what `run` holds is all that is asked for.
    fn is_done_by(&self, run: &Run) -> bool {
        (run.is_whole || self.only.is_some()) && (run.with_quantiles || !self.with_quantiles)
    }
}

impl Run {
    /// One forecast, or the reason there is none, per series of the panel, in its order.
    pub fn forecasts(&self) -> &[CoreResult<Forecast>] {
        &self.forecasts
    }

    /// The same, to be kept when the run is forgotten.
    pub(crate) fn shared(&self) -> Arc<Vec<CoreResult<Forecast>>> {
        Arc::clone(&self.forecasts)
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

    /// What `model` forecast with `held_out` steps held out; `None` when it was not run there for every series.
    pub fn get(&self, model: &str, held_out: usize) -> Option<&Run> {
        self.some(model, held_out).filter(|run| run.is_whole)
    }

    /// The same, also where some series only were asked for.
    pub(crate) fn some(&self, model: &str, held_out: usize) -> Option<&Run> {
        // The key holds an owned name; a lookup per model and cutoff is not worth a borrowed twin of it.
        self.kept.get(&(held_out, model.to_owned()))
    }

    /// Runs `model` with `held_out` steps held out unless that was done; `with_quantiles` asks for the
    /// reported quantiles besides the point.
    pub fn ensure(&mut self, model: &dyn Model, held_out: usize, with_quantiles: bool) {
        self.ensure_all(&[Job { model, held_out, with_quantiles, only: None }]);
    }

    /// Does those of `jobs` that were not done, several at once.
    ///
    /// Clocks that run for the whole process cannot tell jobs apart that run together: their seconds are shared out in
    /// proportion to the time that each took.
    pub(crate) fn ensure_all(&mut self, jobs: &[Job]) {
        let mut open: BTreeMap<(usize, String), Job> = BTreeMap::new();
        for job in jobs.iter().filter(|job| !self.kept.get(&job.key()).is_some_and(|run| job.is_done_by(run))) {
            let asked = open.entry(job.key()).or_insert(*job);
            asked.with_quantiles |= job.with_quantiles;
            asked.only = asked.only.filter(|_| job.only.is_some());
        }
        let before = self.now();
        let open: Vec<((usize, String), Job)> = open.into_iter().collect();
        let mut done: Vec<((usize, String), Run)> = open
            .into_par_iter()
            // One by one: some take a hundred times as long as others.
            .with_max_len(1)
            .map(|(key, job)| (key, self.run(job)))
            .collect();
        let taken = self.now().since(before);
        let together: f64 = done.iter().map(|(_, run)| run.seconds.wall).sum();
        for (_, run) in &mut done {
            run.seconds = taken.share(if together > 0.0 { run.seconds.wall / together } else { 0.0 });
        }
        self.kept.extend(done);
    }

    /// Forgets what was forecast at cutoffs earlier than `held_out` steps before the end; who asks for it again
    /// runs it again.
    pub(crate) fn forget_before(&mut self, held_out: usize) {
        self.kept.retain(|(kept, _), _| *kept <= held_out);
    }

    fn run(&self, job: Job) -> Run {
        let before = self.now();
        let quantiles: &[f64] = if job.with_quantiles { &self.quantiles } else { &[] };
        let forecasts = Arc::new(run_at(self.panel, job, self.horizon, quantiles));
        let seconds = self.now().since(before);
        Run { forecasts, with_quantiles: job.with_quantiles, is_whole: job.only.is_none(), seconds }
    }

    pub(crate) fn now(&self) -> Seconds {
        self.clock.map(|clock| clock()).unwrap_or_default()
    }
}

/// The panel with `held_out` steps cut off every series, of `only` some of them, and the places of those that are left.
fn held_in(panel: &Panel, held_out: usize, only: Option<&[usize]>) -> (Panel, Vec<usize>) {
    let window = Window { index: 0, held_out };
    let histories = panel.histories();
    let cut = |at: usize| Some((at, window.training(&histories[at])?));
    let (places, histories): (Vec<usize>, Vec<History>) = match only {
        Some(only) => only.iter().copied().filter_map(cut).unzip(),
        None => (0..histories.len()).filter_map(cut).unzip(),
    };
    let panel = panel.with_histories(histories).expect("keys of a panel's own series are distinct");
    (panel, places)
}

/// What a job forecasts for each series of `panel`.
fn run_at(panel: &Panel, job: Job, horizon: usize, quantiles: &[f64]) -> Vec<CoreResult<Forecast>> {
    let (past, places) = held_in(panel, job.held_out, job.only);
    let future = Future { horizon };
    let made: Vec<CoreResult<Forecast>> =
        job.model.fit_panel(&past).into_par_iter().map(|fitted| fitted?.predict(&future, quantiles)).collect();
    let mut forecasts: Vec<CoreResult<Forecast>> = (panel.histories().iter())
        .map(|h| {
            let (needed, found) = (job.held_out + 1, h.n_observed());
            Err(CoreError::TooShort { model: job.model.name().to_owned(), needed, found })
        })
        .collect();
    for (place, forecast) in places.into_iter().zip(made) {
        forecasts[place] = forecast;
    }
    forecasts
}
