//! Whether the level of a series wanders.

use super::Test;
use fleetcast_numeric::{linear, math, normal};

/// Statistics of [`kpss_statistic`] and how probable larger ones are.
const KPSS_POINTS: [(f64, f64); 4] = [(0.347, 0.1), (0.463, 0.05), (0.574, 0.025), (0.739, 0.01)];

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

/// The test whose statistic is [`kpss_statistic`], with lags for 3/13 of the root of the length; `None` where it is no number.
pub(super) fn kpss(y: &[f64]) -> Option<Test> {
    let lags = (3.0 * (y.len() as f64).sqrt() / 13.0).floor() as usize;
    let statistic = kpss_statistic(y, lags);
    let above = KPSS_POINTS.iter().position(|(point, _)| statistic <= *point);
    let p_value = match above {
        Some(0) => KPSS_POINTS[0].1,
        None => KPSS_POINTS[KPSS_POINTS.len() - 1].1,
        Some(i) => {
            let ((low, p_low), (high, p_high)) = (KPSS_POINTS[i - 1], KPSS_POINTS[i]);
            p_low + (p_high - p_low) * (statistic - low) / (high - low)
        }
    };
    (!statistic.is_nan()).then_some(Test { statistic, p_value, lags })
}

/// The augmented test of Dickey & Fuller with a constant; lags by AIC up to those of Schwert's rule. `None` where the regression
/// has no solution.
///
/// Said & Dickey (1984), "Testing for unit roots in autoregressive-moving average models of unknown order", Biometrika 71(3);
/// probabilities: MacKinnon (1994), "Approximate asymptotic distribution functions for unit-root and cointegration tests",
/// Journal of Business & Economic Statistics 12(2).
pub(super) fn dickey_fuller(y: &[f64]) -> Option<Test> {
    let n = y.len();
    let schwert = (12.0 * (n as f64 / 100.0).sqrt().sqrt()).ceil() as usize;
    let most = schwert.min((n / 2).checked_sub(2)?);
    let changes: Vec<f64> = y.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let whole = regression(y, &changes, most, false)?;
    let rows = (changes.len() - most) as f64;
    let criterion = |k: usize| rows * math::ln(whole.squares[k]) + 2.0 * k as f64;
    // The level is the first regressor, and each lag one more.
    let lags = (0..=most).min_by(|&a, &b| criterion(a + 1).total_cmp(&criterion(b + 1)))?;
    let chosen = regression(y, &changes, lags, true)?;
    let freedom = (changes.len() - lags) as f64 - lags as f64 - 2.0;
    let rest = chosen.squares[lags + 1];
    let statistic = chosen.last / math::sqrt(rest / freedom);
    (freedom > 0.0 && statistic.is_finite()).then(|| Test { statistic, p_value: dickey_fuller_below(statistic), lags })
}

/// What regressors leave of the changes.
struct Regression {
    /// Sum of squares left by the first k regressors and a constant.
    squares: Vec<f64>,
    /// Coefficient of the last regressor in units in which its error is that of the rest.
    last: f64,
}

/// Changes on the level before them and on `lags` changes before them; the level is the last regressor or the first.
fn regression(y: &[f64], changes: &[f64], lags: usize, is_level_last: bool) -> Option<Regression> {
    let rows = lags..changes.len();
    let level = y[rows.clone()].to_vec();
    let mut columns: Vec<Vec<f64>> = (1..=lags).map(|lag| changes[lags - lag..changes.len() - lag].to_vec()).collect();
    columns.insert(if is_level_last { lags } else { 0 }, level);
    columns.push(changes[rows].to_vec());
    for column in &mut columns {
        let mean = math::mean(column)?;
        column.iter_mut().for_each(|v| *v -= mean);
    }
    let size = columns.len();
    let product = |i: usize| columns[i / size].iter().zip(&columns[i % size]).map(|(a, b)| a * b).sum::<f64>();
    let factor = linear::cholesky(&(0..size * size).map(product).collect::<Vec<f64>>(), size)?;
    let shares = &factor[(size - 1) * size..];
    // The last row of the factor holds what each regressor explains, and then what none does.
    let mut squares: Vec<f64> = shares
        .iter()
        .rev()
        .scan(0.0, |sum, s| {
            *sum += s * s;
            Some(*sum)
        })
        .collect();
    squares.reverse();
    Some(Regression { squares, last: shares[size - 2] })
}

/// P(T < t) for the statistic of a series with a unit root and no drift.
fn dickey_fuller_below(t: f64) -> f64 {
    if t > 2.74 {
        return 1.0;
    }
    if t < -18.83 {
        return 0.0;
    }
    let powers = if t <= -1.61 { [2.1659, 1.4412, 0.038269, 0.0] } else { [1.7339, 0.93202, -0.12745, -0.010368] };
    normal::probability(powers.iter().rev().fold(0.0, |sum, c| sum * t + c))
}
