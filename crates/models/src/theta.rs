//! The theta method: exponential smoothing of a series whose curvature was doubled, plus half its trend.

use crate::steps::{Frame, Steps, filled, horizon_of, require, root_mean_square};
use fleetcast_core::{Dependence, Fitted, Forecast, Future, History, Model, Paths, Result};

/// The theta method on a seasonally adjusted series.
///
/// Fiorucci et al. (2016), "Models for optimising the theta method and their relationship to state
/// space models", IJF 32(4), 1151-1161.
#[derive(Clone, Copy, Debug)]
pub struct Theta {
    /// Steps in the season, at least 1.
    pub season_length: usize,
}

impl Model for Theta {
    fn name(&self) -> &str {
        "theta"
    }

    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below four observations.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        require(self.name(), history, 4)?;
        let y = filled(history.values(), self.season_length);
        let (mut level, alpha, mut errors) = (y[0], 0.2, Vec::new());
        for &value in &y[1..] {
            errors.push(value - level);
            level += alpha * (value - level);
        }
        let sigma = root_mean_square(errors.into_iter());
        Ok(Box::new(ThetaFit { frame: Frame::of(history), level, alpha, sigma }))
    }
}

struct ThetaFit {
    frame: Frame,
    level: f64,
    alpha: f64,
    sigma: f64,
}

impl Fitted for ThetaFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let horizon = horizon_of(future)?;
        let sd = (0..horizon).map(|h| self.sigma * (1.0 + h as f64 * self.alpha * self.alpha).sqrt()).collect();
        self.frame.forecast(&Steps { centre: vec![self.level; horizon], sd }, quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, crate::paths::quantile_grid())?;
        self.frame.paths(&marginals, Dependence { level: 0.3, memory_share: 0.5, memory: 0.95 }, n, seed)
    }
}
