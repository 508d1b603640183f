//! How a sum of AR(1) processes goes on from a known state, with one normal number a step.

use crate::noise::{Driver, Quad};
use fleetcast_numeric::math;

/// Most processes a driver has: a scenario gives at most eight, and their white noise is one.
const MOST: usize = 9;

/// The days after a known state, in innovations form: each value is what its predecessors lead to
/// expect, plus one independent error. The law is that of the sum of the processes, each with
/// innovations of its own, and costs one normal number where that costs one per process.
///
/// Kalman (1960), "A new approach to linear filtering and prediction problems", Journal of Basic
/// Engineering 82(1), 35-45.
#[derive(Clone, Debug)]
pub(super) struct Continuation {
    /// Per process: its coefficient and its share of the standard deviation.
    processes: Vec<[f64; 2]>,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    /// Standard deviation of the error.
    error: f64,
    /// What an error of 1 tells of each process.
    gains: [f64; MOST],
}

impl Continuation {
    /// For `n` values.
    pub(super) fn new(driver: &Driver, n: usize) -> Self {
        let processes: Vec<[f64; 2]> = driver.processes.iter().map(|&[phi, _, share]| [phi, share]).collect();
        // The state is known: what is uncertain of the first value is its innovation alone.
        let mut variance = [[0.0; MOST]; MOST];
        let steps = (0..n).map(|_| step(&processes, &mut variance)).collect();
        Self { processes, steps }
    }

    /// The start of `n_draws` futures from a known state.
    pub(super) fn start(&self, state: &[Quad], n_draws: usize) -> Expected {
        let expected = |(&[phi, _], state): (&[f64; 2], &Quad)| state.map(|x| vec![phi * x; n_draws]);
        Expected { processes: self.processes.iter().zip(state).map(expected).collect() }
    }

    /// Adds the values of step `index` to `values`, times `scale`: one column per metric, one entry per
    /// draw, made from as many columns of normal numbers.
    pub(super) fn add(&self, index: usize, expected: &mut Expected, fresh: &Columns, scale: f64, values: &mut Columns) {
        let step = self.steps[index];
        for m in 0..4 {
            let (fresh, values) = (&fresh[m][..], &mut values[m][..]);
            let error = scale * step.error;
            values.iter_mut().zip(fresh).for_each(|(value, z)| *value += error * z);
            for ((expected, &[phi, share]), gain) in expected.processes.iter_mut().zip(&self.processes).zip(step.gains)
            {
                let weight = scale * share;
                for ((value, expected), z) in values.iter_mut().zip(&mut expected[m]).zip(fresh) {
                    *value += weight * *expected;
                    *expected = phi * (*expected + gain * z);
                }
            }
        }
    }
}

/// Four columns of one length, one per metric.
pub(super) type Columns = [Vec<f64>; 4];

/// What each process is expected to be at the next step: per process, metric and draw.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    processes: Vec<Columns>,
}

/// One step of the Riccati recursion: `variance` goes from that of one day, once it is seen, to the next.
fn step(processes: &[[f64; 2]], variance: &mut [[f64; MOST]; MOST]) -> Step {
    for (i, &[phi, _]) in processes.iter().enumerate() {
        for (j, &[other, _]) in processes.iter().enumerate() {
            let innovation = if i == j { 1.0 - phi * phi } else { 0.0 };
            variance[i][j] = phi * other * variance[i][j] + innovation;
        }
    }
    let mut step = Step { error: 0.0, gains: [0.0; MOST] };
    for (gain, row) in step.gains.iter_mut().zip(variance.iter()) {
        *gain = row.iter().zip(processes).map(|(covariance, [_, share])| covariance * share).sum();
    }
    step.error = math::sqrt(step.gains.iter().zip(processes).map(|(gain, [_, share])| gain * share).sum());
    step.gains.iter_mut().for_each(|gain| *gain /= step.error);
    for (row, own) in variance.iter_mut().zip(step.gains) {
        row.iter_mut().zip(step.gains).for_each(|(cell, other)| *cell -= own * other);
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;

    /// The sum of the processes has, seen from a state, the covariance of day s <= t
    /// sum of share^2 (phi^(t-s) - phi^(t+s)), and the mean sum of share phi^t x state.
    #[test]
    fn it_goes_on_as_the_sum_of_its_processes_does() {
        let (times, shares) = ([0.0, 1.0, 30.0], [0.4, 0.35, 0.25]);
        let driver = Driver::new(&times, &shares, 1.0);
        let continuation = Continuation::new(&driver, 20);
        let state = vec![[1.0, -2.0, 0.0, 3.0]; driver.processes.len()];
        let n = 40_000;
        let mut expected = continuation.start(&state, n);
        let mut fresh: Columns = std::array::from_fn(|_| vec![0.0; n]);
        let days: Vec<Columns> = (0..20)
            .map(|day| {
                let stream = Stream::new(4, &["continuation"]).child_number(day as u64);
                stream.fill_normal_quads(0, fresh.each_mut().map(|column| &mut column[..]));
                let mut values: Columns = std::array::from_fn(|_| vec![0.0; n]);
                continuation.add(day, &mut expected, &fresh, 1.0, &mut values);
                values
            })
            .collect();
        let law = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            times
                .iter()
                .zip(shares)
                .filter(|(time, _)| **time > 0.0)
                .map(|(time, share)| of((-1.0 / time).exp(), share))
                .sum()
        };
        for (s, t) in [(1, 1), (1, 2), (2, 9), (20, 20), (13, 20)] {
            for (m, start) in [1.0, -2.0, 0.0, 3.0].into_iter().enumerate() {
                let mean = |day: i32| law(&|phi, share| share.sqrt() * phi.powi(day) * start);
                let expected =
                    law(&|phi, share| share * (phi.powi(t - s) - phi.powi(t + s))) + if s == t { 0.4 } else { 0.0 };
                let value = |draw: usize, day: i32| days[day as usize - 1][m][draw] - mean(day);
                let got = (0..n).map(|draw| value(draw, s) * value(draw, t)).sum::<f64>() / n as f64;
                assert!((got - expected).abs() < 0.025, "{s} {t} {m}: {got} against {expected}");
                let bias = (0..n).map(|draw| value(draw, t)).sum::<f64>() / n as f64;
                assert!(bias.abs() < 0.02, "{t} {m}: {bias}");
            }
        }
    }
}
