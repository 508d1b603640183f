//! What classical methods know of a season.

/// Centred moving average over a season, half weights at the ends of an even one; NaN where it does not fit.
pub(crate) fn moving_average(y: &[f64], m: usize) -> Vec<f64> {
    let reach = m / 2;
    let mut average = vec![f64::NAN; y.len()];
    for t in reach..y.len().saturating_sub(reach) {
        let window = &y[t - reach..=t + reach];
        let ends = if m.is_multiple_of(2) { 0.5 * (window[0] + window[m]) } else { 0.0 };
        average[t] = (window.iter().sum::<f64>() - ends) / m as f64;
    }
    average
}
