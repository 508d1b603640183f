//! How often a series is differenced before it is modelled.

use crate::diagnose::strength::seasonal_strength;
use crate::diagnose::unit_root::kpss_statistic;

/// Seasonal strength above which the season is differenced.
const STRONG_SEASON: f64 = 0.64;
/// Statistic of a level that wanders, at 5 %.
const WANDERING: f64 = 0.463;
const MOST_DIFFERENCES: usize = 2;

/// A series after its differences.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Differenced {
    pub(super) values: Vec<f64>,
    /// Times neighbours were subtracted.
    pub(super) plain: usize,
    /// Times the value a season before was subtracted.
    pub(super) seasonal: usize,
}

impl Differenced {
    /// By the season where it is strong, then until the level stops wandering, at most twice.
    ///
    /// Hyndman & Khandakar (2008), "Automatic time series forecasting: the forecast package for R", Journal of Statistical
    /// Software 27(3).
    pub(super) fn of(y: &[f64], m: usize) -> Self {
        let mut values = y.to_vec();
        let is_seasonal = m > 1 && y.len() > 2 * m && seasonal_strength(y, m).is_some_and(|s| s > STRONG_SEASON);
        if is_seasonal {
            values = difference(&values, m);
        }
        let plain = n_differences(&values);
        for _ in 0..plain {
            values = difference(&values, 1);
        }
        Self { values, plain, seasonal: usize::from(is_seasonal) }
    }

    /// Times anything was subtracted.
    pub(super) fn total(&self) -> usize {
        self.plain + self.seasonal
    }

    /// What one step of a line becomes by these differences: 0 after two of them, and for a level that none took away, 1.
    pub(super) fn rise(&self, m: usize) -> f64 {
        match (self.plain, self.seasonal) {
            (0, 1) => m as f64,
            (0 | 1, 0) => 1.0,
            _ => 0.0,
        }
    }

    /// delta: the next value is the next difference and the sum of delta\[k\] times the value k steps before the last.
    pub(super) fn undo(&self, m: usize) -> Vec<f64> {
        let mut polynomial = vec![1.0];
        let lags = std::iter::repeat_n(1, self.plain).chain(std::iter::repeat_n(m, self.seasonal));
        for lag in lags {
            let mut longer = polynomial.clone();
            longer.resize(polynomial.len() + lag, 0.0);
            polynomial.iter().enumerate().for_each(|(k, c)| longer[k + lag] -= c);
            polynomial = longer;
        }
        polynomial[1..].iter().map(|c| -c).collect()
    }
}

/// Each value less the one `lag` steps before it.
pub(super) fn difference(y: &[f64], lag: usize) -> Vec<f64> {
    y.iter().skip(lag).zip(y).map(|(new, old)| new - old).collect()
}

pub(super) fn is_constant(y: &[f64]) -> bool {
    y.windows(2).all(|pair| pair[0] == pair[1])
}

/// How often neighbours are subtracted until the level no longer wanders.
fn n_differences(y: &[f64]) -> usize {
    let mut y = y.to_vec();
    let mut n = 0;
    while n < MOST_DIFFERENCES && !is_constant(&y) {
        let lags = (3.0 * (y.len() as f64).sqrt() / 13.0).floor() as usize;
        if kpss_statistic(&y, lags).partial_cmp(&WANDERING) != Some(std::cmp::Ordering::Greater) {
            break;
        }
        n += 1;
        // The first difference is left out too, as in statsforecast.
        y = difference(&y, 1).split_off(1.min(y.len() - 1));
    }
    n
}
