//! How much of a series its season is.

use crate::stl;

/// Seasons over which the shape of a season is averaged.
const SEASONAL_WINDOW: usize = 11;

/// Share of the variance beside the trend that the season explains, from 0 to 1; `None` below two seasons.
///
/// Wang, Smith & Hyndman (2006), "Characteristic-based clustering for time series data", Data Mining and Knowledge Discovery 13(3).
pub(crate) fn seasonal_strength(y: &[f64], season_length: usize) -> Option<f64> {
    if season_length < 2 || y.len() < 2 * season_length {
        return None;
    }
    let (season, trend) = stl::season_and_trend(y, season_length, SEASONAL_WINDOW);
    let detrended: Vec<f64> = y.iter().zip(&trend).map(|(y, trend)| y - trend).collect();
    let rest: Vec<f64> = detrended.iter().zip(&season).map(|(y, season)| y - season).collect();
    let whole = variance(&detrended);
    if whole <= 0.0 { Some(0.0) } else { Some((1.0 - variance(&rest) / whole).clamp(0.0, 1.0)) }
}

/// Sum of squared distances from the mean.
fn variance(y: &[f64]) -> f64 {
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    y.iter().map(|v| (v - mean) * (v - mean)).sum()
}
