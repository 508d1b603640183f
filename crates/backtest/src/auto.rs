//! `auto`: a validated, guarded and calibrated combination of members.

use crate::calibrate::Calibration;
use crate::learn::{Learned, Recipe, blend, learn};
use crate::plan::Plan;
use crate::prepare::{Prepared, prepare};
use crate::run::Job;
use crate::{Error, Result, Runs, Seconds};
use fleetcast_core::{
    Bounds, Dependence, Error as CoreError, Fitted, Forecast, Future, History, Model, Panel, Paths, QUANTILE_GRID,
    REPORTED_QUANTILES, Result as CoreResult,
};
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// Draws `n` joint futures with these marginals and this dependence, inside the bounds, from a seed.
pub type Draw = fn(&Forecast, &Dependence, Option<Bounds>, usize, u64) -> CoreResult<Paths>;

/// Settings of [`Auto`].
#[derive(Clone, Debug)]
pub struct AutoSettings {
    /// Steps ahead that validation judges; forecasts may look further, and widen there.
    pub horizon: usize,
    /// Validation windows before each cutoff; fewer are used where the history is short.
    pub validation_windows: usize,
    /// Steps in a season, for the scale of errors.
    pub season_length: usize,
    /// The member that others must beat on a series to be used for it.
    pub guard: String,
    /// Draws the joint futures.
    pub draw: Draw,
}

impl AutoSettings {
    /// Four validation windows, guarded by `seasonal-naive`.
    pub fn new(horizon: usize, season_length: usize, draw: Draw) -> Self {
        Self { horizon, validation_windows: 4, season_length, guard: "seasonal-naive".to_owned(), draw }
    }
}

/// Share of a member in the forecast of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// Name of the member.
    pub model: Arc<str>,
    /// Its share; those of a series add up to 1.
    pub weight: f64,
}

/// The combination, before it has seen data.
pub struct Auto {
    members: Vec<Box<dyn Model>>,
    settings: AutoSettings,
}

impl Auto {
    /// A combination of `members`.
    ///
    /// # Errors
    /// When there are none, a name stands twice, the guard is not among them, or a number is zero.
    pub fn new(members: Vec<Box<dyn Model>>, settings: AutoSettings) -> Result<Self> {
        let numbers = [
            ("horizon", settings.horizon),
            ("validation_windows", settings.validation_windows),
            ("season_length", settings.season_length),
        ];
        if let Some(&(setting, _)) = numbers.iter().find(|(_, value)| *value == 0) {
            return Err(Error::Zero { setting });
        }
        let mut names: Vec<&str> = members.iter().map(|m| m.name()).collect();
        if names.is_empty() {
            return Err(Error::NoMembers);
        }
        if !names.contains(&settings.guard.as_str()) {
            return Err(Error::NoGuard { guard: settings.guard, members: names.join(", ") });
        }
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::DuplicateModel { name: pair[0].to_owned() });
        }
        Ok(Self { members, settings })
    }

    /// The members.
    pub fn members(&self) -> &[Box<dyn Model>] {
        &self.members
    }

    /// The settings.
    pub fn settings(&self) -> &AutoSettings {
        &self.settings
    }

    /// Place of the guard among the members.
    pub(crate) fn guard(&self) -> usize {
        let place = self.members.iter().position(|m| m.name() == self.settings.guard);
        place.expect("the guard was found among the members when they were put together")
    }

    /// Validates, combines, calibrates and fits at the end of every series.
    ///
    /// # Errors
    /// None today; the settings were checked when they were given.
    pub fn fit_fleet(&self, panel: &Panel) -> Result<FleetFit> {
        self.fit_runs(&mut Runs::new(panel, self.settings.horizon)?)
    }

    /// The same, using and adding to the member forecasts already in `runs`.
    ///
    /// # Errors
    /// [`Error::Horizon`] when `runs` look ahead by another number of steps.
    pub fn fit_runs(&self, runs: &mut Runs) -> Result<FleetFit> {
        self.check_horizon(runs)?;
        let prepared = prepare(self, runs, &[0]).pop().expect("one cutoff was asked for");
        let mut learned = learn(self, runs, 0, prepared);
        let panel = runs.panel();
        let is_used = learned.members_used(self.members.len());
        let fits = self.members.par_iter().zip(&is_used).with_max_len(1);
        let mut fits: Fits = fits.map(|(member, is_used)| is_used.then(|| member.fit_panel(panel))).collect();
        learned.rescue(self, |member, at| {
            let fitted = fits[member].get_or_insert_with(|| self.members[member].fit_panel(panel));
            fitted[at].is_ok()
        });
        let series = learned.recipes.into_iter().enumerate().map(|(at, recipe)| {
            let recipe = recipe.expect("a history has a step, and none is held out");
            self.gather(recipe, at, &mut fits)
        });
        let series = series.collect();
        let notes = self.notes(&learned.plan);
        Ok(FleetFit { series, plan: learned.plan, calibrations: learned.calibrations, notes })
    }

    /// Takes the fits with a weight in one series.
    fn gather(&self, recipe: Recipe, at: usize, fits: &mut Fits) -> CoreResult<AutoFitted> {
        let mut members = Vec::new();
        let mut refusal = None;
        for (member, fitted) in fits.iter_mut().enumerate() {
            if recipe.weights[member] <= 0.0 {
                continue;
            }
            let Some(fitted) = fitted else { continue };
            let model: Arc<str> = self.members[member].name().into();
            match std::mem::replace(&mut fitted[at], Err(taken(&model))) {
                Ok(fitted) => members.push((Weight { model, weight: recipe.weights[member] }, fitted)),
                Err(reason) => refusal = Some(reason),
            }
        }
        let total: f64 = members.iter().map(|(w, _)| w.weight).sum();
        members.iter_mut().for_each(|(w, _)| w.weight /= total);
        members.sort_by(|(a, _), (b, _)| b.weight.total_cmp(&a.weight));
        match refusal {
            Some(reason) if members.is_empty() => Err(reason),
            _ => Ok(AutoFitted { members, recipe, draw: self.settings.draw, blended: OnceLock::new() }),
        }
    }

    /// What a reader should know of all series.
    fn notes(&self, plan: &Plan) -> Vec<String> {
        let (asked, windows) = (self.settings.horizon, plan.offsets.len());
        match plan.horizon {
            0 => vec!["the histories are too short to validate anything: intervals are guesses".to_owned()],
            h if h < asked => {
                vec![format!("validated {h} steps ahead in {windows} windows: too short for {asked} steps")]
            }
            _ if windows < self.settings.validation_windows => {
                vec![format!("validated in {windows} windows: too short for {}", self.settings.validation_windows)]
            }
            _ => Vec::new(),
        }
    }

    /// Calibrated forecasts at the cutoffs `held_out` steps before the end, and the time that each took.
    pub(crate) fn forecast_windows(&self, runs: &mut Runs, held_out: &[usize]) -> Result<Vec<Forecasted>> {
        self.check_horizon(runs)?;
        let learned: Vec<(Learned, Seconds)> =
            prepare(self, runs, held_out).into_iter().map(|prepared| self.learn_timed(runs, prepared)).collect();
        let used: Vec<Vec<bool>> = learned.iter().map(|(l, _)| l.members_used(self.members.len())).collect();
        let jobs = held_out.iter().zip(&used).flat_map(|(&held_out, used)| {
            let members = self.members.iter().zip(used).filter(|(_, used)| **used);
            members.map(move |(m, _)| Job { model: m.as_ref(), held_out, with_quantiles: false, only: None })
        });
        runs.ensure_all(&jobs.collect::<Vec<Job>>());
        let windows = held_out.iter().zip(learned).zip(used);
        Ok(windows.map(|((&held_out, learned), used)| self.forecast_window(runs, held_out, learned, &used)).collect())
    }

    /// What validation teaches at one cutoff, and the time that it and its members took.
    fn learn_timed(&self, runs: &Runs, prepared: Prepared) -> (Learned, Seconds) {
        let mut seconds = Seconds::default();
        for (origin, offset) in prepared.plan.offsets.iter().enumerate() {
            seconds = seconds + self.member_seconds(runs, prepared.held_out + offset, prepared.members_at(origin));
        }
        let before = runs.now();
        let held_out = prepared.held_out;
        let learned = learn(self, runs, held_out, prepared);
        (learned, seconds + runs.now().since(before))
    }

    fn forecast_window(
        &self,
        runs: &mut Runs,
        held_out: usize,
        (mut learned, seconds): (Learned, Seconds),
        used: &[bool],
    ) -> Forecasted {
        learned.rescue(self, |member, at| {
            let model = self.members[member].as_ref();
            runs.ensure(model, held_out, false);
            runs.get(model.name(), held_out).is_some_and(|run| run.forecasts()[at].is_ok())
        });
        let members = (0..used.len()).filter(|&member| used[member]);
        let seconds = seconds + self.member_seconds(runs, held_out, members);
        let before = runs.now();
        let forecasts = (learned.recipes.par_iter().enumerate())
            .map(|(at, recipe)| self.forecast_series(runs, held_out, at, recipe.as_ref()))
            .collect();
        (forecasts, seconds + runs.now().since(before))
    }

    fn member_seconds(&self, runs: &Runs, held_out: usize, members: impl Iterator<Item = usize>) -> Seconds {
        let runs = members.filter_map(|member| runs.some(self.members[member].name(), held_out));
        runs.fold(Seconds::default(), |sum, run| sum + run.seconds())
    }

    fn forecast_series(
        &self,
        runs: &Runs,
        held_out: usize,
        at: usize,
        recipe: Option<&Recipe>,
    ) -> CoreResult<Forecast> {
        let history = &runs.panel().histories()[at];
        let Some(recipe) = recipe else {
            let (needed, found) = (held_out + 1, history.n_observed());
            return Err(CoreError::TooShort { model: self.name().to_owned(), needed, found });
        };
        let said = |model: &dyn Model| Some(runs.get(model.name(), held_out)?.forecasts()[at].as_ref());
        let points: Vec<Option<&[f64]>> =
            self.members.iter().map(|member| said(member.as_ref())?.ok().map(|f| f.point())).collect();
        match blend(&recipe.weights, &points, self.settings.horizon) {
            Some(blended) => recipe.calibrated(&blended, &REPORTED_QUANTILES),
            None => {
                let refused = said(self.members[self.guard()].as_ref()).and_then(|said| said.err().cloned());
                Err(refused.unwrap_or_else(|| nobody(self.name())))
            }
        }
    }

    fn check_horizon(&self, runs: &Runs) -> Result<()> {
        let (found, needed) = (self.settings.horizon, runs.horizon());
        if found == needed { Ok(()) } else { Err(Error::Horizon { what: "the settings of `auto`", found, needed }) }
    }
}

impl Model for Auto {
    fn name(&self) -> &str {
        "auto"
    }

    fn fit(&self, history: &History) -> CoreResult<Box<dyn Fitted>> {
        let panel = Panel::new(Vec::new(), vec![history.clone()])?;
        self.fit_panel(&panel).pop().expect("one result per series")
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<CoreResult<Box<dyn Fitted>>> {
        let fleet = self.fit_fleet(panel).expect("the horizon was checked in new and is the only one used");
        fleet.series.into_iter().map(|fitted| Ok(Box::new(fitted?) as Box<dyn Fitted>)).collect()
    }
}

/// Forecasts of each series at one cutoff, and the time they took.
pub(crate) type Forecasted = (Vec<CoreResult<Forecast>>, Seconds);

/// Fits of each member to each series; `None` for a member nobody asked for.
type Fits = Vec<Option<Vec<CoreResult<Box<dyn Fitted>>>>>;

fn taken(model: &str) -> CoreError {
    CoreError::NotForecastable { model: model.to_owned(), reason: "its fit was handed out".to_owned() }
}

fn nobody(model: &str) -> CoreError {
    CoreError::NotForecastable { model: model.to_owned(), reason: "no member can forecast it".to_owned() }
}

/// A fleet's combined, calibrated forecasts.
pub struct FleetFit {
    series: Vec<CoreResult<AutoFitted>>,
    plan: Plan,
    calibrations: Vec<Arc<Calibration>>,
    notes: Vec<String>,
}

impl FleetFit {
    /// One fit, or the reason there is none, per series of the panel, in its order.
    pub fn series(&self) -> &[CoreResult<AutoFitted>] {
        &self.series
    }

    /// Steps ahead that validation judged; 0 when nothing could be validated.
    pub fn validated_horizon(&self) -> usize {
        self.plan.horizon
    }

    /// Past cutoffs that validation used; 0 when nothing could be validated.
    pub fn n_validations(&self) -> usize {
        self.plan.offsets.len()
    }

    /// How far forecasts go wrong, pool by pool.
    pub fn calibrations(&self) -> impl ExactSizeIterator<Item = &Calibration> {
        self.calibrations.iter().map(Arc::as_ref)
    }

    /// What a reader should know of the whole, as phrases: a shorter horizon, a fallback.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// The combination, fitted to one series.
pub struct AutoFitted {
    members: Vec<(Weight, Box<dyn Fitted>)>,
    recipe: Recipe,
    draw: Draw,
    /// The combination as far as it was asked for first.
    blended: OnceLock<Vec<f64>>,
}

impl AutoFitted {
    /// Calibrated quantiles for `horizon` steps; the point is the median.
    ///
    /// # Errors
    /// When `quantiles` are not ascending probabilities, or no member looks so far ahead.
    pub fn forecast(&self, horizon: usize, quantiles: &[f64]) -> CoreResult<Forecast> {
        // Whoever asks far ahead first gets what is nearer for nothing: a step's value does not depend on the last one.
        match self.blended.get().filter(|blended| horizon > 0 && blended.len() >= horizon) {
            Some(blended) => self.recipe.calibrated(&blended[..horizon], quantiles),
            None => {
                let blended = self.blend(horizon)?;
                let forecast = self.recipe.calibrated(&blended, quantiles);
                // Two threads that ask at once have blended the same.
                let _ = self.blended.set(blended);
                forecast
            }
        }
    }

    fn blend(&self, horizon: usize) -> CoreResult<Vec<f64>> {
        let future = Future { horizon };
        let said: Vec<CoreResult<Forecast>> = self.members.iter().map(|(_, m)| m.predict(&future, &[])).collect();
        let points: Vec<Option<&[f64]>> = said.iter().map(|said| said.as_ref().ok().map(Forecast::point)).collect();
        let weights: Vec<f64> = self.weights().map(|w| w.weight).collect();
        let refusal = || said.iter().find_map(|said| said.as_ref().err().cloned()).unwrap_or_else(|| nobody("auto"));
        blend(&weights, &points, horizon).ok_or_else(refusal)
    }

    /// How errors hang together over the steps ahead.
    pub fn dependence(&self) -> Dependence {
        self.recipe.calibration.dependence()
    }

    /// How far forecasts of its pool go wrong.
    pub fn calibration(&self) -> &Calibration {
        &self.recipe.calibration
    }

    /// The range its quantiles and paths cannot leave.
    pub fn bounds(&self) -> Option<Bounds> {
        self.recipe.bounds
    }

    /// Shares of the members, largest first.
    pub fn weights(&self) -> impl ExactSizeIterator<Item = &Weight> {
        self.members.iter().map(|(weight, _)| weight)
    }

    /// What a reader should know of this series, as phrases.
    pub fn notes(&self) -> &[String] {
        &self.recipe.notes
    }
}

impl Fitted for AutoFitted {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> CoreResult<Forecast> {
        self.forecast(future.horizon, quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> CoreResult<Paths> {
        let marginals = self.forecast(future.horizon, &QUANTILE_GRID)?;
        (self.draw)(&marginals, &self.dependence(), self.bounds(), n, seed)
    }
}
