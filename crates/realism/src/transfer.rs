//! Train on synthetic, test on real: does a forecaster learn as much from the synthetic servers?

use crate::correlation::coarse;
use crate::sample::Track;
use fleetcast_numeric::{linear, math};
use rayon::prelude::*;

/// Steps back the forecaster looks; besides, the mean of the last ones.
const LAGS: [usize; 6] = [1, 2, 3, 6, 12, 24];
const LONGEST: usize = LAGS[LAGS.len() - 1];
const WIDTH: usize = LAGS.len() + 1;
/// Series of at least so many hours are forecast by the hour.
const HOURLY_FROM: usize = 120;
/// Scaled values further out are cut: one spike out of a quiet day would decide alone.
const FARTHEST: f64 = 8.0;

/// One-step-ahead regression problems of some servers, each scaled by its own recent level and spread, so
/// that one set of coefficients can serve them all.
pub(crate) struct Problems {
    servers: Vec<Problem>,
}

#[derive(Default)]
struct Problem {
    rows: Vec<[f64; WIDTH]>,
    targets: Vec<f64>,
    /// Sums of products of rows, and of rows and targets, per row.
    gram: Vec<f64>,
    right: Vec<f64>,
}

impl Problems {
    pub(crate) fn new(tracks: &[Track], step_seconds: i64) -> Self {
        let per_hour = (3_600 / step_seconds).max(1) as usize;
        let longest = tracks.iter().map(|t| t.values.len()).max().unwrap_or(0);
        let every = if longest / per_hour >= HOURLY_FROM { per_hour } else { 1 };
        Self { servers: tracks.par_iter().map(|track| Problem::of(&coarse(track, every).values)).collect() }
    }

    /// Coefficients learned from some servers, each counting the same; `None` when they have nothing to
    /// learn from.
    fn learned(&self, members: &[usize]) -> Option<Vec<f64>> {
        let mut gram = vec![0.0; WIDTH * WIDTH];
        let mut right = vec![0.0; WIDTH];
        for server in members.iter().map(|server| &self.servers[*server]).filter(|s| !s.rows.is_empty()) {
            gram.iter_mut().zip(&server.gram).for_each(|(sum, cell)| *sum += cell);
            right.iter_mut().zip(&server.right).for_each(|(sum, cell)| *sum += cell);
        }
        let trace: f64 = (0..WIDTH).map(|k| gram[k * WIDTH + k]).sum();
        if trace <= 0.0 {
            return None;
        }
        (0..WIDTH).for_each(|k| gram[k * WIDTH + k] += 1e-4 * trace / WIDTH as f64);
        let factor = linear::cholesky(&gram, WIDTH)?;
        linear::solve_cholesky(&factor, &mut right);
        Some(right)
    }

    /// Mean absolute error of coefficients on some servers, each counting the same.
    fn error(&self, coefficients: &[f64], members: &[usize]) -> f64 {
        let servers = members.iter().map(|server| &self.servers[*server]).filter(|s| !s.rows.is_empty());
        let (mut sum, mut n) = (0.0, 0usize);
        for server in servers {
            let miss = |(row, target): (&[f64; WIDTH], &f64)| {
                (target - row.iter().zip(coefficients).map(|(x, b)| x * b).sum::<f64>()).abs()
            };
            sum += server.rows.iter().zip(&server.targets).map(miss).sum::<f64>() / server.rows.len() as f64;
            n += 1;
        }
        sum / n as f64
    }
}

/// Error on the servers `test` of what was learned elsewhere, over that of what was learned from the other
/// real servers: 1 when the one teaches as much as the other. NaN when there is nothing to learn from.
pub(crate) fn ratio(teacher: (&Problems, &[usize]), other: (&Problems, &[usize]), test: (&Problems, &[usize])) -> f64 {
    let error = |(problems, members): (&Problems, &[usize])| {
        problems.learned(members).map_or(f64::NAN, |coefficients| test.0.error(&coefficients, test.1))
    };
    error(teacher) / error(other)
}

impl Problem {
    fn of(values: &[f64]) -> Self {
        let mut problem = Self::default();
        for at in LONGEST..values.len() {
            let past = &values[at - LONGEST..at];
            let (mean, variance) = crate::track::moments(past);
            let spread = math::sqrt(variance);
            if spread <= 1e-6 {
                continue;
            }
            let scaled = |value: f64| ((value - mean) / spread).clamp(-FARTHEST, FARTHEST);
            let mut row = [1.0; WIDTH];
            LAGS.iter().zip(&mut row).for_each(|(lag, cell)| *cell = scaled(values[at - lag]));
            problem.rows.push(row);
            problem.targets.push(scaled(values[at]));
        }
        let n = problem.rows.len() as f64;
        let product = |a: usize, b: usize| problem.rows.iter().map(|row| row[a] * row[b]).sum::<f64>() / n;
        problem.gram = (0..WIDTH * WIDTH).map(|k| product(k / WIDTH, k % WIDTH)).collect();
        let with_target =
            |a: usize| problem.rows.iter().zip(&problem.targets).map(|(row, target)| row[a] * target).sum::<f64>() / n;
        problem.right = (0..WIDTH).map(with_target).collect();
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;

    fn autoregressive(n: u64, phi: f64) -> Vec<Track> {
        let track = |server: u64| {
            let stream = Stream::new(server, &["ar", if phi > 0.0 { "up" } else { "down" }]);
            let mut state = 0.0;
            let value = |at: u64| {
                state = phi * state + stream.normal(at);
                10.0 + state
            };
            Track { server: format!("{server}").into(), first: 0, values: (0..600).map(value).collect() }
        };
        (0..n).map(track).collect()
    }

    #[test]
    fn the_same_dynamics_teach_as_much_and_others_less() {
        let real = Problems::new(&autoregressive(9, 0.8), 3_600);
        let other = Problems::new(&autoregressive(3, -0.5), 3_600);
        let (test, control): (&[usize], &[usize]) = (&[0, 1, 2], &[3, 4, 5]);
        let same = ratio((&real, &[6, 7, 8]), (&real, control), (&real, test));
        assert!((same - 1.0).abs() < 0.02, "{same}");
        let far = ratio((&other, &[0, 1, 2]), (&real, control), (&real, test));
        assert!(far > 1.3, "{far}");
        assert!(ratio((&real, &[]), (&real, control), (&real, test)).is_nan());
    }
}
