//! Variances of the forecasts.
//!
//! Hyndman, Koehler, Ord & Snyder (2008), "Forecasting with exponential smoothing", chapter 6.

use super::form::{Form, Join};
use super::recursion::Parameters;

/// Variances of the first `centre.len()` steps ahead; `trend` are the forecasts without their season, `index` the season's
/// factor at each step (1 where none multiplies).
pub(super) fn variances(form: Form, parameters: &Parameters, variance: f64, trend: &[f64], index: &[f64]) -> Vec<f64> {
    let horizon = trend.len();
    let m = if form.season == Join::None { 0 } else { parameters.season.len() };
    // What an error of 1 adds to the forecast `j` steps later.
    let mut damping = (0.0, 1.0);
    let shocks: Vec<f64> = (1..horizon.max(1))
        .map(|j| {
            damping.1 *= parameters.phi;
            damping.0 += damping.1;
            let season = if form.season == Join::Added && j.is_multiple_of(m) { parameters.gamma } else { 0.0 };
            parameters.alpha + parameters.beta * damping.0 + season
        })
        .collect();
    if !form.error_multiplies {
        let mut sum = 0.0;
        return (0..horizon)
            .map(|h| {
                sum += if h > 0 { shocks[h - 1] * shocks[h - 1] } else { 0.0 };
                variance * (1.0 + sum)
            })
            .collect();
    }
    // Second moments of the forecast mean: relative errors grow with what they hit.
    let mut moments: Vec<f64> = Vec::with_capacity(horizon);
    let mut seasonal = 1.0;
    (0..horizon)
        .map(|h| {
            let sum: f64 = (0..h).map(|j| shocks[h - 1 - j] * shocks[h - 1 - j] * moments[j]).sum();
            let centre = trend[h];
            moments.push(centre * centre + variance * sum);
            if form.season == Join::Multiplied && h > 0 && h.is_multiple_of(m) {
                seasonal *= 1.0 + parameters.gamma * parameters.gamma * variance;
            }
            index[h] * index[h] * ((1.0 + variance) * seasonal * moments[h] - centre * centre)
        })
        .collect()
}
