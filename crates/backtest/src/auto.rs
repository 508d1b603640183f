//! `auto`: a validated, guarded and calibrated combination of members.

use crate::run::held_in;
use crate::{Error, Result, Runs, Seconds};
use fleetcast_core::{
    Bounds, Dependence, Error as CoreError, Fitted, Forecast, Future, History, Model, Panel, Paths,
    Result as CoreResult,
};
use std::sync::Arc;

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

    /// Validates, combines, calibrates and fits at the end of every series.
    pub fn fit_fleet(&self, panel: &Panel) -> Result<FleetFit> {
        self.fit_runs(&mut Runs::new(panel, self.settings.horizon)?)
    }

    /// The same, using and adding to the member forecasts already in `runs`.
    ///
    /// # Errors
    /// [`Error::Horizon`] when `runs` look ahead by another number of steps.
    pub fn fit_runs(&self, runs: &mut Runs) -> Result<FleetFit> {
        if runs.horizon() != self.settings.horizon {
            let (found, needed) = (self.settings.horizon, runs.horizon());
            return Err(Error::Horizon { what: "the settings of `auto`", found, needed });
        }
        let guard = self.members.iter().find(|m| m.name() == self.settings.guard).expect("checked in new");
        let series = guard
            .fit_panel(runs.panel())
            .into_iter()
            .zip(runs.panel().histories())
            .map(|(fitted, history)| {
                Ok(AutoFitted {
                    members: vec![(Weight { model: self.settings.guard.as_str().into(), weight: 1.0 }, fitted?)],
                    bounds: history.bounds(),
                    dependence: Dependence::NONE,
                    draw: self.settings.draw,
                    notes: Vec::new(),
                })
            })
            .collect();
        Ok(FleetFit { series, validated_horizon: self.settings.horizon, validation_windows: 0, notes: Vec::new() })
    }

    /// Calibrated forecasts at the cutoff `held_out` steps before the end, and the time they took.
    pub(crate) fn forecast_window(
        &self,
        runs: &mut Runs,
        held_out: usize,
    ) -> Result<(Vec<CoreResult<Forecast>>, Seconds)> {
        let (past, places) = held_in(runs.panel(), held_out);
        let fleet = self.fit_fleet(&past)?;
        let mut forecasts: Vec<CoreResult<Forecast>> = (runs.panel().histories().iter())
            .map(|h| {
                let (needed, found) = (held_out + 1, h.n_observed());
                Err(CoreError::TooShort { model: self.name().to_owned(), needed, found })
            })
            .collect();
        for (place, fitted) in places.into_iter().zip(fleet.series) {
            forecasts[place] =
                fitted.and_then(|f| f.forecast(self.settings.horizon, &fleetcast_core::REPORTED_QUANTILES));
        }
        Ok((forecasts, Seconds::default()))
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
        let fleet = self.fit_fleet(panel).expect("settings were checked in new and one horizon is used");
        fleet.series.into_iter().map(|fitted| Ok(Box::new(fitted?) as Box<dyn Fitted>)).collect()
    }
}

/// A fleet's combined, calibrated forecasts.
pub struct FleetFit {
    series: Vec<CoreResult<AutoFitted>>,
    validated_horizon: usize,
    validation_windows: usize,
    notes: Vec<String>,
}

impl FleetFit {
    /// One fit, or the reason there is none, per series of the panel, in its order.
    pub fn series(&self) -> &[CoreResult<AutoFitted>] {
        &self.series
    }

    /// Steps ahead that validation judged; 0 when nothing could be validated.
    pub fn validated_horizon(&self) -> usize {
        self.validated_horizon
    }

    /// Windows that validation used; 0 when nothing could be validated.
    pub fn validation_windows(&self) -> usize {
        self.validation_windows
    }

    /// What a reader should know of the whole, as sentences: a shorter horizon, a fallback.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// The combination, fitted to one series.
pub struct AutoFitted {
    members: Vec<(Weight, Box<dyn Fitted>)>,
    bounds: Option<Bounds>,
    dependence: Dependence,
    draw: Draw,
    notes: Vec<String>,
}

impl AutoFitted {
    /// Calibrated quantiles for `horizon` steps; the point is the median.
    ///
    /// # Errors
    /// When `quantiles` are not ascending probabilities, or a member fails so far ahead.
    pub fn forecast(&self, horizon: usize, quantiles: &[f64]) -> CoreResult<Forecast> {
        let (_, fitted) = self.members.first().expect("a combination has a member");
        Ok(fitted.predict(&Future { horizon }, quantiles)?.clamped(self.bounds))
    }

    /// How errors hang together over the steps ahead.
    pub fn dependence(&self) -> Dependence {
        self.dependence
    }

    /// Shares of the members, largest first.
    pub fn weights(&self) -> impl ExactSizeIterator<Item = &Weight> {
        self.members.iter().map(|(weight, _)| weight)
    }

    /// What a reader should know of this series, as sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Fitted for AutoFitted {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> CoreResult<Forecast> {
        self.forecast(future.horizon, quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> CoreResult<Paths> {
        let marginals = self.forecast(future.horizon, &crate::QUANTILE_GRID)?;
        (self.draw)(&marginals, &self.dependence, self.bounds, n, seed)
    }
}
