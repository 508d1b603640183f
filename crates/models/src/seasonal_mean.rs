//! The mean of the last few seasons: calmer than repeating one.

use crate::steps::{Frame, Steps, horizon_of, require, root_mean_square};
use fleetcast_core::{Dependence, Fitted, Forecast, Future, History, Model, Paths, Result};
use fleetcast_numeric::math;

/// Seasons that are averaged: enough to calm the noise, few enough to follow growth.
const SEASONS: usize = 8;

/// Repeats, for each step of the season, the mean of its last eight observations.
#[derive(Clone, Copy, Debug)]
pub struct SeasonalMean {
    /// Steps in the season, at least 1.
    pub season_length: usize,
}

impl Model for SeasonalMean {
    fn name(&self) -> &str {
        "seasonal-mean"
    }

    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] unless a season and one step more were observed.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        let m = self.season_length.max(1);
        require(self.name(), history, m + 1)?;
        let values = history.values();
        let season = means(values, m);
        // The error of a mean of k seasons, each step judged by the seasons before it.
        let start = values.len().saturating_sub(40 * m).max(m);
        let sigma = root_mean_square((start..values.len()).step_by(1).map(|t| {
            let before: Vec<f64> = (1..=SEASONS).filter_map(|k| t.checked_sub(k * m)).map(|at| values[at]).collect();
            math::mean(&before).map_or(f64::NAN, |mean| values[t] - mean)
        }));
        Ok(Box::new(SeasonalMeanFit { frame: Frame::of(history), season, sigma }))
    }

    fn learns_alone(&self) -> bool {
        true
    }
}

/// Mean of the last observations at each step of the season that follows `values`.
fn means(values: &[f64], m: usize) -> Vec<f64> {
    let recent = &values[values.len().saturating_sub(SEASONS * m)..];
    let overall = math::mean(recent).or_else(|| math::mean(values)).unwrap_or(0.0);
    (0..m)
        .map(|h| {
            let (mut sum, mut n) = (0.0, 0usize);
            for &value in values.iter().rev().skip(m - 1 - h).step_by(m).filter(|v| !v.is_nan()).take(SEASONS) {
                sum += value;
                n += 1;
            }
            if n == 0 { overall } else { sum / n as f64 }
        })
        .collect()
}

struct SeasonalMeanFit {
    frame: Frame,
    season: Vec<f64>,
    sigma: f64,
}

impl Fitted for SeasonalMeanFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let (horizon, m) = (horizon_of(future)?, self.season.len());
        let centre = (0..horizon).map(|h| self.season[h % m]).collect();
        // The level wanders on: each season ahead adds a share of the one-season variance.
        let sd = (0..horizon).map(|h| self.sigma * (1.0 + (h / m) as f64 / SEASONS as f64).sqrt()).collect();
        self.frame.forecast(&Steps { centre, sd }, quantiles)
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &fleetcast_core::QUANTILE_GRID)?;
        self.frame.paths(&marginals, Dependence { level: 0.3, memory_share: 0.3, memory: 0.8 }, n, seed)
    }
}
