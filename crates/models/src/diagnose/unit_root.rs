//! Whether the level of a series wanders.

/// The statistic of Kwiatkowski, Phillips, Schmidt & Shin for a series that varies about a level, with `lags` of its
/// autocovariances: large where the level wanders. Not a number for a constant series or one of `lags` values.
///
/// Kwiatkowski, Phillips, Schmidt & Shin (1992), "Testing the null hypothesis of stationarity against the alternative of a unit
/// root", Journal of Econometrics 54(1-3), 159-178.
pub(crate) fn kpss_statistic(y: &[f64], lags: usize) -> f64 {
    let n = y.len();
    if lags >= n {
        return f64::NAN;
    }
    let mean = y.iter().sum::<f64>() / n as f64;
    let rest: Vec<f64> = y.iter().map(|v| v - mean).collect();
    let (mut sum, mut squares) = (0.0, 0.0);
    for r in &rest {
        sum += r;
        squares += sum * sum;
    }
    let covariance = |lag: usize| rest[lag..].iter().zip(&rest).map(|(a, b)| a * b).sum::<f64>();
    let weighted: f64 = (1..=lags).map(|lag| 2.0 * covariance(lag) * (1.0 - lag as f64 / (lags as f64 + 1.0))).sum();
    let spread = (covariance(0) + weighted) / n as f64;
    squares / (n as f64 * n as f64) / spread
}
