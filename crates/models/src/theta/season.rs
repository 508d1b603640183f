//! Whether a series has a season, and its classical decomposition.

use crate::season::moving_average;
use fleetcast_numeric::{math, normal};

/// Smallest multiplicative index that is divided by.
const LEAST_INDEX: f64 = 0.01;

/// A season that was taken out of a series.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Season {
    /// Nothing repeats.
    None,
    /// Added at each step of the season; the first index is that of the first step of the series.
    Additive { indices: Vec<f64>, length: usize },
    /// Multiplied at each step of the season.
    Multiplicative { indices: Vec<f64>, length: usize },
}

impl Season {
    /// The season of `y` when its autocorrelation at `season_length` is significant.
    pub(super) fn of(y: &[f64], season_length: usize) -> Self {
        let (m, length) = (season_length, y.len());
        if m < 4 || length < 2 * m || !is_significant(y, m) {
            return Self::None;
        }
        let trend = moving_average(y, m);
        let is_positive = y.iter().all(|v| *v > 0.0);
        if is_positive {
            let ratios: Vec<f64> = y.iter().zip(&trend).map(|(y, trend)| y / trend).collect();
            let mut indices = means(&ratios, m);
            let mean = indices.iter().sum::<f64>() / m as f64;
            indices.iter_mut().for_each(|index| *index /= mean);
            if indices.iter().all(|index| *index >= LEAST_INDEX) {
                return Self::Multiplicative { indices, length };
            }
        }
        let differences: Vec<f64> = y.iter().zip(&trend).map(|(y, trend)| y - trend).collect();
        let mut indices = means(&differences, m);
        let mean = indices.iter().sum::<f64>() / m as f64;
        indices.iter_mut().for_each(|index| *index -= mean);
        Self::Additive { indices, length }
    }

    /// `y` without the season.
    pub(super) fn adjusted(&self, y: &[f64]) -> Vec<f64> {
        let each = y.iter().enumerate();
        match self {
            Self::None => y.to_vec(),
            Self::Additive { indices, .. } => each.map(|(t, y)| y - indices[t % indices.len()]).collect(),
            Self::Multiplicative { indices, .. } => each.map(|(t, y)| y / indices[t % indices.len()]).collect(),
        }
    }

    /// An adjusted value `h` steps after the first one ahead, with the season put back.
    pub(super) fn restored(&self, h: usize, value: f64) -> f64 {
        match self {
            Self::None => value,
            Self::Additive { indices, length } => value + indices[(length + h) % indices.len()],
            Self::Multiplicative { indices, length } => value * indices[(length + h) % indices.len()],
        }
    }

    /// Factor on deviations at that step.
    pub(super) fn stretch(&self, h: usize) -> f64 {
        match self {
            Self::Multiplicative { indices, length } => indices[(length + h) % indices.len()],
            Self::None | Self::Additive { .. } => 1.0,
        }
    }
}

/// Whether the autocorrelation at lag `m` stands out at 90 % (two-sided) against that of shorter lags.
fn is_significant(y: &[f64], m: usize) -> bool {
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let variance: f64 = y.iter().map(|v| (v - mean) * (v - mean)).sum();
    if variance <= 0.0 {
        return false;
    }
    let correlation = |lag: usize| y[lag..].iter().zip(y).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / variance;
    let shorter: f64 = (1..m).map(|lag| correlation(lag) * correlation(lag)).sum();
    let error = math::sqrt((1.0 + 2.0 * shorter) / n);
    correlation(m).abs() / error > normal::quantile(0.95)
}

/// Mean of the values at each step of the season, gaps left out.
fn means(values: &[f64], m: usize) -> Vec<f64> {
    (0..m)
        .map(|step| {
            let at_step: Vec<f64> = values.iter().skip(step).step_by(m).copied().collect();
            math::mean(&at_step).expect("two seasons leave at least one centred value per step")
        })
        .collect()
}
