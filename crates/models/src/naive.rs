//! The last value, for ever.

use crate::steps::{Frame, Steps, horizon_of, require, root_mean_square};
use fleetcast_core::{Dependence, Fitted, Forecast, Future, History, Model, Paths, Result};

/// Repeats the last observed value; the errors are those of a random walk.
///
/// Hyndman & Athanasopoulos (2021), "Forecasting: Principles and Practice", 3rd ed., section 5.2.
#[derive(Clone, Copy, Debug)]
pub struct Naive;

impl Model for Naive {
    fn name(&self) -> &str {
        "naive"
    }

    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below two observations.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        require(self.name(), history, 2)?;
        let observed: Vec<f64> = history.values().iter().copied().filter(|v| !v.is_nan()).collect();
        let last = observed[observed.len() - 1];
        let sigma = root_mean_square(observed.windows(2).map(|pair| pair[1] - pair[0]));
        Ok(Box::new(NaiveFit { frame: Frame::of(history), last, sigma }))
    }

    fn learns_alone(&self) -> bool {
        true
    }
}

struct NaiveFit {
    frame: Frame,
    last: f64,
    sigma: f64,
}

impl Fitted for NaiveFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let horizon = horizon_of(future)?;
        let sd = (1..=horizon).map(|k| self.sigma * (k as f64).sqrt()).collect();
        self.frame.forecast(&Steps { centre: vec![self.last; horizon], sd }, quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &fleetcast_core::QUANTILE_GRID)?;
        // The errors of a random walk are one growing error: nearly the same at neighbouring steps.
        self.frame.paths(&marginals, Dependence { level: 0.5, memory_share: 0.5, memory: 0.98 }, n, seed)
    }
}
