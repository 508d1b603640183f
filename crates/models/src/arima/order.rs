//! Orders of a model, its coefficients, and what keeps them stationary.

use fleetcast_numeric::math;
use std::fmt;

/// Coefficients smaller than this count as absent when the roots are judged.
const NOTHING: f64 = 1e-8;
/// Least size of a root of either polynomial.
const LEAST_ROOT: f64 = 1.01;

/// How many terms of each kind a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Autoregressive terms, by steps.
    pub(super) p: usize,
    /// Moving-average terms, by steps.
    pub(super) q: usize,
    /// Autoregressive terms, by seasons.
    pub(super) sp: usize,
    /// Moving-average terms, by seasons.
    pub(super) sq: usize,
    /// Whether there is a mean or, after one difference, a drift.
    pub(super) constant: bool,
}

impl Order {
    /// Number of free parameters beside the variance.
    pub(super) fn n_parameters(&self) -> usize {
        self.n_terms() + usize::from(self.constant)
    }

    /// Number of coefficients of the two polynomials.
    pub(super) fn n_terms(&self) -> usize {
        self.p + self.q + self.sp + self.sq
    }

    /// Lags that the autoregressive side reaches back over.
    pub(super) fn reach(&self, m: usize) -> usize {
        self.p + m * self.sp
    }

    /// Size of the state that carries the model.
    pub(super) fn state_size(&self, m: usize) -> usize {
        self.reach(m).max(self.q + m * self.sq + 1)
    }
}

/// Coefficients of one model, both polynomials in their factors; statsforecast's signs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Coefficients {
    pub(super) ar: Vec<f64>,
    pub(super) ma: Vec<f64>,
    pub(super) seasonal_ar: Vec<f64>,
    pub(super) seasonal_ma: Vec<f64>,
    /// Mean of the differenced series.
    pub(super) mean: f64,
}

impl Coefficients {
    /// From a point of a search: both autoregressions as they are, or where `bounded` as what [`stationary`] takes. A step
    /// of the constant's regressor is worth `rise` after differencing.
    pub(super) fn of(order: Order, point: &[f64], bounded: bool, rise: f64) -> Self {
        let mut rest = point;
        let mut take = |n: usize| {
            let (taken, left) = rest.split_at(n);
            rest = left;
            taken.to_vec()
        };
        let (ar, ma, seasonal_ar, seasonal_ma) = (take(order.p), take(order.q), take(order.sp), take(order.sq));
        let mean = if order.constant { rise * point[order.n_terms()] } else { 0.0 };
        let inside = |raw: Vec<f64>| if bounded { stationary(&raw) } else { raw };
        Self { ar: inside(ar), ma, seasonal_ar: inside(seasonal_ar), seasonal_ma, mean }
    }

    /// phi: the next value is the sum of phi\[k\] times the value k steps before the last.
    pub(super) fn long_ar(&self, m: usize) -> Vec<f64> {
        product(&self.ar, &self.seasonal_ar, m, -1.0)
    }

    /// theta: the next value gets theta\[k\] times the error k steps before the last.
    pub(super) fn long_ma(&self, m: usize) -> Vec<f64> {
        product(&self.ma, &self.seasonal_ma, m, 1.0)
    }

    /// Whether every root of both polynomials is safely outside the unit circle.
    ///
    /// A polynomial of one term only is not looked at, as in statsforecast.
    pub(super) fn has_safe_roots(&self, m: usize) -> bool {
        let negative = |terms: &[f64]| terms.iter().map(|c| -c).collect::<Vec<f64>>();
        let is_safe = |terms: &[f64], seasonal: &[f64]| {
            let is_short = seasonal.iter().all(|c| c.abs() <= NOTHING)
                && terms.iter().skip(1).all(|c| c.abs() <= NOTHING)
                && terms.iter().chain(seasonal).all(|c| c.is_finite());
            let season = (0..m).fold(1.0, |power, _| power * LEAST_ROOT);
            is_short || (has_roots_beyond(terms, LEAST_ROOT) && has_roots_beyond(seasonal, season))
        };
        is_safe(&self.ar, &self.seasonal_ar) && is_safe(&negative(&self.ma), &negative(&self.seasonal_ma))
    }
}

/// Terms of the product of two polynomials; `sign` is that of their mixed terms.
fn product(terms: &[f64], seasonal: &[f64], m: usize, sign: f64) -> Vec<f64> {
    let mut long = vec![0.0; terms.len() + m * seasonal.len()];
    long[..terms.len()].copy_from_slice(terms);
    for (j, s) in seasonal.iter().enumerate() {
        long[(j + 1) * m - 1] += s;
        for (i, c) in terms.iter().enumerate() {
            long[(j + 1) * m + i] += sign * c * s;
        }
    }
    long
}

/// The stationary autoregression whose partial autocorrelations are the hyperbolic tangents of `raw`.
///
/// Jones (1980), "Maximum likelihood fitting of ARMA models to time series with missing observations", Technometrics 22(3).
pub(super) fn stationary(raw: &[f64]) -> Vec<f64> {
    let mut terms: Vec<f64> = raw.iter().map(|x| math::tanh(*x)).collect();
    for j in 1..terms.len() {
        let last = terms[j];
        let shorter: Vec<f64> = terms[..j].to_vec();
        for k in 0..j {
            terms[k] -= last * shorter[j - k - 1];
        }
    }
    terms
}

/// What [`stationary`] makes `terms` of; not a number where they are not stationary.
pub(super) fn unbounded(terms: &[f64]) -> Vec<f64> {
    let mut partial = terms.to_vec();
    for j in (1..partial.len()).rev() {
        let last = partial[j];
        let longer: Vec<f64> = partial[..j].to_vec();
        for k in 0..j {
            partial[k] = (longer[k] + last * longer[j - k - 1]) / (1.0 - last * last);
        }
    }
    partial.iter().map(|r| 0.5 * math::ln((1.0 + r) / (1.0 - r))).collect()
}

/// Whether all roots of 1 - sum of terms\[k\] z^(k + 1) are farther than `radius` from zero (Schur & Cohn, by stepping down).
fn has_roots_beyond(terms: &[f64], radius: f64) -> bool {
    let mut power = 1.0;
    let mut rest: Vec<f64> = terms
        .iter()
        .map(|c| {
            power *= radius;
            c * power
        })
        .collect();
    while let Some(last) = rest.pop() {
        if last.is_nan() || last.abs() >= 1.0 {
            return false;
        }
        let n = rest.len();
        let longer = rest.clone();
        for k in 0..n {
            rest[k] = (longer[k] + last * longer[n - k - 1]) / (1.0 - last * last);
        }
    }
    true
}

/// An order with its differences and season, as it is usually written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) order: Order,
    pub(super) differences: usize,
    pub(super) seasonal_differences: usize,
    pub(super) season_length: usize,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Order { p, q, sp, sq, constant } = self.order;
        let (d, sd) = (self.differences, self.seasonal_differences);
        write!(f, "ARIMA({p},{d},{q})")?;
        if sp + sd + sq > 0 {
            write!(f, "({sp},{sd},{sq})[{}]", self.season_length)?;
        }
        match (constant, d + sd) {
            (false, _) => Ok(()),
            (true, 0) => f.write_str(" with mean"),
            (true, _) => f.write_str(" with drift"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// statsforecast 2.1.1, `arima_transpar([.4, -.2, .3, .5, -.6], [2, 1, 1, 1, 7, 1, 1], trans)`
    #[test]
    fn long_polynomials_and_stationary_ones_are_those_of_statsforecast() {
        let order = Order { p: 2, q: 1, sp: 1, sq: 1, constant: false };
        let plain = Coefficients::of(order, &[0.4, -0.2, 0.3, 0.5, -0.6], false, 1.0);
        let close = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-8);
        assert!(close(&plain.long_ar(7), &[0.4, -0.2, 0.0, 0.0, 0.0, 0.0, 0.5, -0.2, 0.1]));
        assert!(close(&plain.long_ma(7), &[0.3, 0.0, 0.0, 0.0, 0.0, 0.0, -0.6, -0.18]));
        let bounded = Coefficients::of(order, &[0.4, -0.2, 0.3, 0.5, -0.6], true, 1.0);
        assert!(close(&bounded.ar, &[0.45494151, -0.19737532]) && close(&bounded.seasonal_ar, &[0.46211716]));
        assert!(close(&unbounded(&bounded.ar), &[0.4, -0.2]));
    }

    #[test]
    fn roots_near_the_circle_are_found() {
        // (1 - z / 1.005)(1 - z / 3), and the same with 1.02.
        let terms = |root: f64| vec![1.0 / root + 1.0 / 3.0, -1.0 / (3.0 * root)];
        assert!(!has_roots_beyond(&terms(1.005), LEAST_ROOT));
        assert!(has_roots_beyond(&terms(1.02), LEAST_ROOT));
        assert!(!has_roots_beyond(&[f64::NAN], LEAST_ROOT));
        assert!(has_roots_beyond(&[], LEAST_ROOT));
    }
}
