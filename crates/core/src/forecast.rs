//! A forecast: quantiles for each step after a cutoff.

use crate::{Bounds, Error, Result};

/// The quantiles that every score is over.
pub const SCORED_QUANTILES: [f64; 7] = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95];

/// The quantiles of every table and file of forecasts: [`SCORED_QUANTILES`], and the upper tail that capacity is
/// bought for.
pub const REPORTED_QUANTILES: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995];

/// Probabilities of the forecasts that pass between stages: every 2.5 %, and the tails that planning needs; the
/// reported ones are among them.
pub const QUANTILE_GRID: [f64; 45] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25, 0.275, 0.3, 0.325, 0.35, 0.375,
    0.4, 0.425, 0.45, 0.475, 0.5, 0.525, 0.55, 0.575, 0.6, 0.625, 0.65, 0.675, 0.7, 0.725, 0.75, 0.775, 0.8, 0.825,
    0.85, 0.875, 0.9, 0.925, 0.95, 0.975, 0.99, 0.995, 0.999,
];

/// Checks that `quantiles` is a list of ascending probabilities, each in (0, 1).
///
/// # Errors
/// [`Error::OutOfRange`] naming the first that is not.
pub fn check_quantiles(quantiles: &[f64]) -> Result<()> {
    let mut last = 0.0;
    for &q in quantiles {
        // Written so that NaN fails as well.
        if !(q > last && q < 1.0) {
            return Err(Error::OutOfRange {
                what: "quantiles".to_owned(),
                found: q.to_string(),
                allowed: "ascending probabilities between 0 and 1".to_owned(),
            });
        }
        last = q;
    }
    Ok(())
}

/// A point and some quantiles for each step after a cutoff, in the metric's unit.
///
/// Every number is finite and the quantiles of a step never cross.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    quantiles: Vec<f64>,
    point: Vec<f64>,
    values: Vec<f64>,
}

impl Forecast {
    /// A forecast from its point values and its quantile values, step after step: the values of the
    /// first step at each of `quantiles`, then those of the second.
    ///
    /// Values of one step that cross are put in order (Chernozhukov, Fernandez-Val & Galichon 2010,
    /// "Quantile and probability curves without crossing": rearranging never increases the error).
    ///
    /// # Errors
    /// When sizes do not fit, a quantile is no probability, or a number is not finite.
    pub fn new(quantiles: &[f64], point: Vec<f64>, mut values: Vec<f64>) -> Result<Self> {
        check_quantiles(quantiles)?;
        if values.len() != point.len() * quantiles.len() {
            let needed = point.len() * quantiles.len();
            return Err(Error::Size { what: "forecast".to_owned(), found: values.len(), needed });
        }
        if let Some(bad) = point.iter().chain(&values).find(|v| !v.is_finite()) {
            return Err(Error::OutOfRange {
                what: "forecast".to_owned(),
                found: bad.to_string(),
                allowed: "finite".to_owned(),
            });
        }
        if !quantiles.is_empty() {
            for step in values.chunks_mut(quantiles.len()) {
                if !step.is_sorted() {
                    step.sort_unstable_by(f64::total_cmp);
                }
            }
        }
        Ok(Self { quantiles: quantiles.to_vec(), point, values })
    }

    /// The same forecast with every number moved into `bounds`.
    pub fn clamped(mut self, bounds: Option<Bounds>) -> Self {
        if let Some(bounds) = bounds {
            for value in self.point.iter_mut().chain(&mut self.values) {
                *value = bounds.clamp(*value);
            }
        }
        self
    }

    /// Number of steps.
    pub fn horizon(&self) -> usize {
        self.point.len()
    }

    /// The probabilities of its quantiles, ascending.
    pub fn quantiles(&self) -> &[f64] {
        &self.quantiles
    }

    /// The point forecast of each step (the median, unless the model says otherwise).
    pub fn point(&self) -> &[f64] {
        &self.point
    }

    /// Quantile values of one step, in the order of [`Forecast::quantiles`].
    pub fn step(&self, step: usize) -> &[f64] {
        &self.values[step * self.quantiles.len()..(step + 1) * self.quantiles.len()]
    }

    /// One quantile over all steps; `None` when it was not asked for.
    pub fn quantile(&self, probability: f64) -> Option<Vec<f64>> {
        let at = self.quantiles.iter().position(|&q| (q - probability).abs() < 1e-9)?;
        Some((0..self.horizon()).map(|step| self.step(step)[at]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossing_quantiles_are_put_in_order() {
        let forecast = Forecast::new(&[0.1, 0.9], vec![5.0, 6.0], vec![4.0, 7.0, 8.0, 3.0]).unwrap();
        assert_eq!(forecast.step(1), [3.0, 8.0]);
        assert_eq!(forecast.quantile(0.9), Some(vec![7.0, 8.0]));
        assert_eq!(forecast.quantile(0.5), None);
        let clamped = forecast.clamped(Some(Bounds { low: 4.0, high: 7.5 }));
        assert_eq!(clamped.step(1), [4.0, 7.5]);
    }

    #[test]
    fn the_internal_grid_ascends_and_holds_the_reported_quantiles() {
        assert_eq!(check_quantiles(&QUANTILE_GRID), Ok(()));
        assert!(REPORTED_QUANTILES.iter().all(|q| QUANTILE_GRID.contains(q)));
        assert!(REPORTED_QUANTILES.starts_with(&SCORED_QUANTILES));
    }

    #[test]
    fn impossible_forecasts_are_refused() {
        assert!(Forecast::new(&[0.9, 0.1], vec![1.0], vec![1.0, 1.0]).is_err());
        assert!(Forecast::new(&[0.5], vec![1.0], vec![f64::NAN]).is_err());
        assert!(Forecast::new(&[0.5], vec![1.0], vec![1.0, 2.0]).is_err());
    }
}
