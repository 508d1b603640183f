//! Whether values tell something of later ones.

use super::Test;
use fleetcast_numeric::{math, normal};

/// Lags of a series without a season.
const PLAIN_LAGS: usize = 10;

/// The test of Ljung & Box over two seasons, or ten steps where there is none, and a fifth of the series at most; `None` where the
/// series is constant.
///
/// Ljung & Box (1978), "On a measure of lack of fit in time series models", Biometrika 65(2), 297-303.
pub(super) fn ljung_box(y: &[f64], season_length: usize) -> Option<Test> {
    let n = y.len() as f64;
    let wanted = if season_length > 1 { 2 * season_length } else { PLAIN_LAGS };
    let lags = wanted.min(y.len() / 5).max(1);
    let mean = math::mean(y)?;
    let rest: Vec<f64> = y.iter().map(|v| v - mean).collect();
    let covariance = |lag: usize| rest[lag..].iter().zip(&rest).map(|(a, b)| a * b).sum::<f64>();
    let variance = covariance(0);
    if variance <= 0.0 {
        return None;
    }
    let each = (1..=lags).map(|lag| {
        let correlation = covariance(lag) / variance;
        correlation * correlation / (n - lag as f64)
    });
    let statistic = n * (n + 2.0) * each.sum::<f64>();
    Some(Test { statistic, p_value: chi_squared_above(statistic, lags), lags })
}

/// P(X > x) for a chi-squared X of `freedom` degrees, at least one.
///
/// Abramowitz & Stegun (1964), "Handbook of mathematical functions", 26.4.4 and 26.4.5.
fn chi_squared_above(x: f64, freedom: usize) -> f64 {
    let half = x / 2.0;
    let (mut sum, mut order) = if freedom.is_multiple_of(2) {
        (math::exp(-half), 1.0)
    } else {
        (2.0 * normal::probability(-math::sqrt(x)), 0.5)
    };
    // half^order e^-half / Gamma(order + 1)
    let mut term = if freedom.is_multiple_of(2) {
        half * math::exp(-half)
    } else {
        math::sqrt(half) * math::exp(-half) * std::f64::consts::FRAC_2_SQRT_PI
    };
    while 2.0 * order < freedom as f64 {
        sum += term;
        order += 1.0;
        term *= half / order;
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17.1, `scipy.stats.chi2.sf([3, 3, 20, 100, 2000], [1, 2, 7, 24, 10])`
    #[test]
    fn tails_are_those_of_scipy() {
        let cases = [(3.0, 1), (3.0, 2), (20.0, 7), (100.0, 24), (2000.0, 10)];
        for ((x, freedom), expected) in
            cases.into_iter().zip([0.0832645166636, 0.223130160148, 0.00556968307295, 3.00435368246e-11, 0.0])
        {
            let got = chi_squared_above(x, freedom);
            assert!((got - expected).abs() <= 1e-9 * expected, "{got} for {expected}");
        }
    }
}
