//! The last season, for ever: the method others are measured by.

use crate::steps::{Frame, Steps, filled, horizon_of, require, root_mean_square};
use fleetcast_core::{Dependence, Fitted, Forecast, Future, History, Model, Paths, Result};

/// Repeats the last season; the standard deviation at step h is sigma * sqrt(k), k being the number of
/// seasons begun up to h and sigma the root mean square of y(t) - y(t - m).
///
/// Hyndman & Athanasopoulos (2021), "Forecasting: Principles and Practice", 3rd ed., sections 5.2 and 5.5.
#[derive(Clone, Copy, Debug)]
pub struct SeasonalNaive {
    /// Steps in the season, at least 1.
    pub season_length: usize,
}

impl Model for SeasonalNaive {
    fn name(&self) -> &str {
        "seasonal-naive"
    }

    /// A gap is answered for by the same step of an earlier season.
    ///
    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] unless a season and one step more were observed.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        let m = self.season_length.max(1);
        require(self.name(), history, m + 1)?;
        let values = history.values();
        let season = filled(values, m).split_off(values.len() - m);
        let sigma = root_mean_square(values[m..].iter().zip(values).map(|(now, before)| now - before));
        Ok(Box::new(SeasonalNaiveFit { frame: Frame::of(history), season, sigma }))
    }

    fn learns_alone(&self) -> bool {
        true
    }
}

struct SeasonalNaiveFit {
    frame: Frame,
    season: Vec<f64>,
    sigma: f64,
}

impl Fitted for SeasonalNaiveFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let (horizon, m) = (horizon_of(future)?, self.season.len());
        let centre = (0..horizon).map(|h| self.season[h % m]).collect();
        let sd = (0..horizon).map(|h| self.sigma * ((h / m + 1) as f64).sqrt()).collect();
        self.frame.forecast(&Steps { centre, sd }, quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &fleetcast_core::QUANTILE_GRID)?;
        self.frame.paths(&marginals, Dependence { level: 0.3, memory_share: 0.3, memory: 0.8 }, n, seed)
    }
}
