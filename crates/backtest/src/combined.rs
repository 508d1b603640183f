//! Combined, calibrated forecasts of a fleet and of its series.

use crate::auto::{Draw, nobody};
use crate::calibrate::Calibration;
use crate::learn::{Recipe, blend};
use crate::plan::Plan;
use fleetcast_core::{
    Bounds, Dependence, Error as CoreError, Fitted, Forecast, Future, Paths, QUANTILE_GRID, Result as CoreResult,
    Shared,
};
use std::sync::Arc;

/// Share of a member in the forecast of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// Name of the member.
    pub model: Arc<str>,
    /// Its share; those of a series add up to 1.
    pub weight: f64,
}

/// What `auto` made of each series of a fleet.
pub struct Fleet<T> {
    pub(crate) series: Vec<CoreResult<T>>,
    pub(crate) plan: Plan,
    pub(crate) calibrations: Vec<Arc<Calibration>>,
    pub(crate) notes: Vec<String>,
}

impl<T> Fleet<T> {
    /// One fit or forecast, or the reason there is none, per series of the panel, in its order.
    pub fn series(&self) -> &[CoreResult<T>] {
        &self.series
    }

    /// The same, handed out.
    pub fn into_series(self) -> Vec<CoreResult<T>> {
        self.series
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

/// The combined forecast of one series: as much as its quantiles are made of, which is less than they are.
#[derive(Clone, Debug)]
pub struct AutoForecast {
    weights: Vec<Weight>,
    blended: Vec<f64>,
    recipe: Recipe,
}

impl AutoForecast {
    pub(crate) fn new(weights: Vec<Weight>, blended: Vec<f64>, recipe: Recipe) -> Self {
        Self { weights, blended, recipe }
    }

    /// Calibrated quantiles for the first `horizon` steps, or as many as there are; the point is the median.
    ///
    /// # Errors
    /// When `quantiles` are not ascending probabilities.
    pub fn forecast(&self, horizon: usize, quantiles: &[f64]) -> CoreResult<Forecast> {
        self.recipe.calibrated(&self.blended[..horizon.min(self.blended.len())], quantiles)
    }

    /// What its errors share with those of the servers of its pool.
    pub fn shared(&self) -> Shared {
        self.recipe.shared
    }

    /// How errors hang together over the steps ahead.
    pub fn dependence(&self) -> Dependence {
        self.recipe.calibration.dependence()
    }

    /// Shares of the members, largest first.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// What a reader should know of this series, as phrases.
    pub fn notes(&self) -> &[String] {
        &self.recipe.notes
    }
}

/// The combination, fitted to one series.
pub struct AutoFitted {
    weights: Vec<Weight>,
    members: Vec<Box<dyn Fitted>>,
    recipe: Recipe,
    draw: Draw,
}

impl AutoFitted {
    pub(crate) fn new(weights: Vec<Weight>, members: Vec<Box<dyn Fitted>>, recipe: Recipe, draw: Draw) -> Self {
        Self { weights, members, recipe, draw }
    }

    /// Calibrated quantiles for `horizon` steps; the point is the median.
    ///
    /// # Errors
    /// When `quantiles` are not ascending probabilities, or no member looks so far ahead.
    pub fn forecast(&self, horizon: usize, quantiles: &[f64]) -> CoreResult<Forecast> {
        self.recipe.calibrated(&self.blend(horizon)?, quantiles)
    }

    fn blend(&self, horizon: usize) -> CoreResult<Vec<f64>> {
        let future = Future { horizon };
        let said: Vec<CoreResult<Forecast>> = self.members.iter().map(|member| member.predict(&future, &[])).collect();
        let points: Vec<Option<&[f64]>> = said.iter().map(|said| said.as_ref().ok().map(Forecast::point)).collect();
        let weights: Vec<f64> = self.weights.iter().map(|w| w.weight).collect();
        let refusal = || -> CoreError {
            said.iter().find_map(|said| said.as_ref().err().cloned()).unwrap_or_else(|| nobody("auto"))
        };
        blend(&weights, &points, horizon).ok_or_else(refusal)
    }

    /// What its errors share with those of the servers of its pool.
    pub fn shared(&self) -> Shared {
        self.recipe.shared
    }

    /// How errors hang together over the steps ahead.
    pub fn dependence(&self) -> Dependence {
        self.recipe.calibration.dependence()
    }

    /// The range its quantiles and paths cannot leave.
    pub fn bounds(&self) -> Option<Bounds> {
        self.recipe.bounds
    }

    /// Shares of the members, largest first.
    pub fn weights(&self) -> impl ExactSizeIterator<Item = &Weight> {
        self.weights.iter()
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
