//! Least squares of several series on a constant and their own last values.
//!
//! Lütkepohl (2005), "New introduction to multiple time series analysis", chapters 2 to 4.

use fleetcast_numeric::{linear, math};

/// Largest factor by which anything may go on from step to step: what would grow for ever is made to die away slowly.
const MOST_RADIUS: f64 = 0.999;
/// Squarings of the system that tell how it grows in the end.
const SQUARINGS: usize = 12;
/// Added to a variance of 1: series that explain each other wholly still have a solution.
const LEAST_VARIANCE: f64 = 1e-12;

/// Sums of products over the steps from `from` on: of regressors (a constant, then all series at lag 1, at lag 2, ...) with each
/// other and with the series.
struct Moments {
    n_series: usize,
    n_rows: f64,
    /// Regressors of the longest order.
    width: usize,
    gram: Vec<f64>,
    cross: Vec<Vec<f64>>,
    squares: Vec<f64>,
}

impl Moments {
    fn new(series: &[Vec<f64>], order: usize, from: usize) -> Self {
        let (k, n) = (series.len(), series[0].len());
        let width = 1 + k * order;
        let (mut gram, mut cross, mut squares) =
            (vec![0.0; width * width], vec![vec![0.0; width]; k], vec![0.0; k * k]);
        let mut row = vec![1.0; width];
        for t in from..n {
            for lag in 1..=order {
                for (at, values) in series.iter().enumerate() {
                    row[1 + (lag - 1) * k + at] = values[t - lag];
                }
            }
            for i in 0..width {
                for j in 0..=i {
                    gram[i * width + j] += row[i] * row[j];
                }
            }
            for (to, values) in series.iter().enumerate() {
                cross[to].iter_mut().zip(&row).for_each(|(sum, regressor)| *sum += regressor * values[t]);
                for from in 0..k {
                    squares[to * k + from] += values[t] * series[from][t];
                }
            }
        }
        Self { n_series: k, n_rows: (n - from) as f64, width, gram, cross, squares }
    }

    /// Coefficients of each equation with `order` lags, and the sums of products of the errors.
    fn solve(&self, order: usize) -> Option<(Vec<Vec<f64>>, Vec<f64>)> {
        let (k, width) = (self.n_series, 1 + self.n_series * order);
        let mut leading = vec![0.0; width * width];
        for i in 0..width {
            leading[i * width..=i * width + i].copy_from_slice(&self.gram[i * self.width..=i * self.width + i]);
            leading[i * width + i] *= 1.0 + LEAST_VARIANCE;
        }
        let factor = linear::cholesky(&leading, width)?;
        let equation = |cross: &Vec<f64>| {
            let mut right = cross[..width].to_vec();
            linear::solve_cholesky(&factor, &mut right);
            right
        };
        let equations: Vec<Vec<f64>> = self.cross.iter().map(equation).collect();
        let mut errors = self.squares.clone();
        for to in 0..k {
            for from in 0..k {
                let explained: f64 = equations[to].iter().zip(&self.cross[from]).map(|(b, c)| b * c).sum();
                errors[to * k + from] -= explained;
            }
        }
        Some((equations, errors))
    }

    /// The criterion of Schwarz of so many lags: the smaller, the better.
    fn criterion(&self, order: usize) -> Option<f64> {
        let k = self.n_series;
        let (_, mut errors) = self.solve(order)?;
        errors.iter_mut().for_each(|sum| *sum /= self.n_rows);
        (0..k).for_each(|i| errors[i * k + i] = errors[i * k + i].max(0.0) + LEAST_VARIANCE);
        let factor = linear::cholesky(&errors, k)?;
        let log_determinant: f64 = (0..k).map(|i| 2.0 * math::ln(factor[i * k + i])).sum();
        let n_parameters = (k * (1 + k * order)) as f64;
        Some(log_determinant + math::ln(self.n_rows) / self.n_rows * n_parameters)
    }
}

/// The number of lags, up to `most`, that the criterion of Schwarz prefers, all judged on the same steps: as statsmodels'
/// `VAR(y).select_order(most).bic`.
pub(super) fn order(series: &[Vec<f64>], most: usize) -> usize {
    let moments = Moments::new(series, most, most);
    let criteria = (0..=most).filter_map(|order| Some((order, moments.criterion(order)?)));
    criteria.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(order, _)| order)
}

/// A vector autoregression: each series is a constant and a weighted sum of the last values of all.
#[derive(Clone, Debug)]
pub(super) struct Regression {
    n_series: usize,
    constant: Vec<f64>,
    /// Of each lag, the weight of a series (column) in the equation of a series (row).
    lags: Vec<Vec<f64>>,
    /// Covariance of the errors, for as many parameters as there are.
    covariance: Vec<f64>,
}

impl Regression {
    /// By least squares with `order` lags: as statsmodels' `VAR(y).fit(order)`. `None` when nothing can be told apart.
    pub(super) fn new(series: &[Vec<f64>], order: usize) -> Option<Self> {
        let moments = Moments::new(series, order, order);
        let (equations, mut errors) = moments.solve(order)?;
        let n_free = moments.n_rows - moments.width as f64;
        if n_free <= 0.0 {
            return None;
        }
        errors.iter_mut().for_each(|sum| *sum /= n_free);
        let k = series.len();
        let lag = |lag: usize| equations.iter().flat_map(|b| b[1 + lag * k..1 + (lag + 1) * k].to_vec()).collect();
        let constant = equations.iter().map(|b| b[0]).collect();
        Some(Self { n_series: k, constant, lags: (0..order).map(lag).collect(), covariance: errors })
    }

    /// The same, where it would grow for ever, with weights so much smaller that it dies away, around 0.
    pub(super) fn stable(mut self) -> Self {
        let radius = self.radius();
        if radius > MOST_RADIUS {
            let mut factor = 1.0;
            for lag in &mut self.lags {
                factor *= MOST_RADIUS / radius;
                lag.iter_mut().for_each(|weight| *weight *= factor);
            }
            self.constant.iter_mut().for_each(|constant| *constant = 0.0);
        }
        self
    }

    /// The factor by which the system grows from step to step in the end (Gelfand's formula).
    fn radius(&self) -> f64 {
        let (k, size) = (self.n_series, self.n_series * self.lags.len());
        let mut power = vec![0.0; size * size];
        for (at, lag) in self.lags.iter().enumerate() {
            for row in 0..k {
                power[row * size + at * k..row * size + (at + 1) * k].copy_from_slice(&lag[row * k..(row + 1) * k]);
            }
        }
        (k..size).for_each(|row| power[row * size + row - k] = 1.0);
        // The logarithm of the size of the power, per step.
        let mut log_size = 0.0;
        let mut steps = 1.0;
        for _ in 0..=SQUARINGS {
            let largest = power.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
            if largest == 0.0 {
                return 0.0;
            }
            log_size += math::ln(largest) / steps;
            power.iter_mut().for_each(|value| *value /= largest);
            power = product(&power, &power, size);
            steps *= 2.0;
        }
        math::exp(log_size)
    }

    /// Expected values and variances of each series at each of `horizon` steps after the last of `series`.
    pub(super) fn ahead(&self, series: &[Vec<f64>], horizon: usize) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let k = self.n_series;
        let mut said: Vec<Vec<f64>> = Vec::with_capacity(horizon);
        // What is left of an error after so many steps.
        let mut effects: Vec<Vec<f64>> = Vec::with_capacity(horizon);
        let mut variances: Vec<Vec<f64>> = Vec::with_capacity(horizon);
        for h in 0..horizon {
            let value = |at: usize, lag: usize| match h.checked_sub(lag) {
                Some(step) => said[step][at],
                None => series[at][series[at].len() + h - lag],
            };
            let of_lag = |to: usize, lag: usize| -> f64 {
                (0..k).map(|from| self.lags[lag - 1][to * k + from] * value(from, lag)).sum()
            };
            let all = |to: usize| self.constant[to] + (1..=self.lags.len()).map(|lag| of_lag(to, lag)).sum::<f64>();
            let step = (0..k).map(all).collect();
            let effect = self.effect(&effects);
            let mut variance = variances.last().cloned().unwrap_or_else(|| vec![0.0; k]);
            let spread = product(&effect, &self.covariance, k);
            for to in 0..k {
                let added: f64 = (0..k).map(|from| spread[to * k + from] * effect[to * k + from]).sum();
                variance[to] += added.max(0.0);
            }
            said.push(step);
            effects.push(effect);
            variances.push(variance);
        }
        (said, variances)
    }

    /// The effect of an error one step further on than those of `before`; at first the error itself.
    fn effect(&self, before: &[Vec<f64>]) -> Vec<f64> {
        let k = self.n_series;
        let mut effect = vec![0.0; k * k];
        if before.is_empty() {
            (0..k).for_each(|i| effect[i * k + i] = 1.0);
        }
        for (earlier, lag) in before.iter().rev().zip(&self.lags) {
            effect.iter_mut().zip(product(lag, earlier, k)).for_each(|(sum, value)| *sum += value);
        }
        effect
    }
}

/// The product of two square matrices, row by row.
fn product(left: &[f64], right: &[f64], size: usize) -> Vec<f64> {
    let mut product = vec![0.0; size * size];
    for row in 0..size {
        for inner in 0..size {
            let factor = left[row * size + inner];
            if factor != 0.0 {
                for column in 0..size {
                    product[row * size + column] += factor * right[inner * size + column];
                }
            }
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::normal;

    /// Knuth's 64-bit linear congruential generator: `tests/reference/var_forest_reference.py` draws the same numbers.
    fn uniforms(mut state: u64) -> impl FnMut() -> f64 {
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as f64 / 4_294_967_296.0
        }
    }

    fn two_series() -> Vec<Vec<f64>> {
        let mut chance = uniforms(1);
        let (mut x, mut z) = (vec![1.0, 0.5], vec![-1.0, 0.5]);
        for t in 2..300 {
            let (a, b) = (chance() - 0.5, chance() - 0.5);
            x.push(2.0 + 0.5 * x[t - 1] + 0.2 * z[t - 1] - 0.3 * x[t - 2] + a);
            z.push(-1.0 + 0.4 * x[t - 1] + 0.1 * z[t - 1] + 0.3 * z[t - 2] + a + 2.0 * b);
        }
        vec![x, z]
    }

    fn assert_near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-6);
        assert!(near, "{found:?} for {expected:?}");
    }

    /// statsmodels 0.15.0, `VAR(y).select_order(maxlags=8, trend="c").ics["bic"]`.
    #[test]
    fn the_order_is_that_of_statsmodels() {
        let series = two_series();
        let moments = Moments::new(&series, 8, 8);
        let found: Vec<f64> = (0..=8).map(|order| moments.criterion(order).unwrap()).collect();
        assert_near(
            &found,
            &[
                -2.9751517, -3.3176371, -3.500537, -3.4267075, -3.3539367, -3.2923388, -3.2188239, -3.1479979,
                -3.0806049,
            ],
        );
        assert_eq!(order(&series, 8), 2);
    }

    /// statsmodels 0.15.0, `VAR(y).fit(2, trend="c")`: `params`, `sigma_u` and `forecast_interval(y[-2:], 5, alpha=0.2)`.
    #[test]
    fn coefficients_and_forecasts_are_those_of_statsmodels() {
        let series = two_series();
        let fit = Regression::new(&series, 2).unwrap().stable();
        assert_near(&fit.constant, &[2.01293006, -1.13681168]);
        assert_near(&fit.lags[0], &[0.52176231, 0.17040757, 0.49267545, 0.06062405]);
        assert_near(&fit.lags[1], &[-0.32862342, -0.01075613, -0.03286531, 0.30891138]);
        assert_near(&fit.covariance, &[0.07761827, 0.05990616, 0.05990616, 0.37226563]);
        let (centre, variance) = fit.ahead(&series, 5);
        assert_near(
            &centre.concat(),
            &[
                2.5888089, 0.5742709, 2.5029625, 0.2882714, 2.511085, 0.2061295, 2.5326128, 0.1196243, 2.5273183,
                0.0993447,
            ],
        );
        let high = |(centre, variance): (&f64, &f64)| centre + normal::quantile(0.9) * math::sqrt(*variance);
        let high: Vec<f64> = centre.concat().iter().zip(&variance.concat()).map(high).collect();
        assert_near(
            &high,
            &[
                2.9458499, 1.3561913, 2.9472963, 1.0947865, 2.9614145, 1.0862769, 2.9856684, 1.0054483, 2.9806397,
                0.993714,
            ],
        );
    }

    /// statsmodels 0.15.0, `AutoReg(y[:, 0], 2, trend="c").fit()`: `params` and `forecast(3)`.
    #[test]
    fn one_series_is_an_autoregression() {
        let series = vec![two_series().swap_remove(0)];
        let fit = Regression::new(&series, 2).unwrap().stable();
        let found = [fit.constant[0], fit.lags[0][0], fit.lags[1][0]];
        assert_near(&found, &[1.6365242, 0.60361922, -0.25850753]);
        assert_near(&fit.ahead(&series, 3).0.concat(), &[2.5671403, 2.4378027, 2.4444037]);
    }

    #[test]
    fn what_would_explode_dies_away() {
        let growing = vec![(0..60).map(|t| math::exp(0.1 * f64::from(t))).collect::<Vec<f64>>()];
        let fit = Regression::new(&growing, 1).unwrap();
        assert!((fit.radius() - math::exp(0.1)).abs() < 1e-3, "{}", fit.radius());
        let (centre, _) = fit.stable().ahead(&growing, 500);
        assert!(centre.iter().all(|value| value[0].abs() <= growing[0][59]));
    }
}
