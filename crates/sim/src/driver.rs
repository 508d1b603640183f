//! Stationary Gaussian noise with memory: a sum of AR(1) processes, drawn with one normal number a value.

use crate::noise::{Columns, Quad};
use fleetcast_numeric::{Stream, math};
use multiversion::multiversion;

/// Rows that are worked on at a time: what stands between two passes stays in the nearest cache.
const BLOCK: usize = 256;
/// Most processes that remember: a scenario gives at most eight.
const MOST: usize = 8;
/// After so many values the gains are taken to have settled, whatever the processes.
const MOST_STEPS: usize = 2_000;
/// Gains that change by less from one value to the next have settled.
const SETTLED: f64 = 1e-15;

/// A sum of AR(1) processes with unit variance, stationary from its first value on.
///
/// It is drawn in innovations form: each value is what the values before it lead to expect, plus one
/// independent error. The law is that of the sum of the processes with innovations of their own, and costs
/// one normal number where that costs one per process.
///
/// Kalman (1960), "A new approach to linear filtering and prediction problems", Journal of Basic
/// Engineering 82(1), 35-45.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Driver {
    /// Coefficients of the processes that remember.
    coefficients: Vec<f64>,
    /// The first values' steps; all later values have the last.
    steps: Vec<Step>,
}

/// How one value comes from its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    /// Standard deviation of the error.
    pub(crate) error: f64,
    /// What a standard error of 1 adds to the part that each process is expected to have in the next value.
    pub(crate) gains: [f64; MOST],
}

/// The part that each process is expected to have in the next value: all that later values remember.
pub(crate) type State = [Quad; MOST];

impl Driver {
    /// Processes with these e-folding times and shares of the variance, for values `step` apart in the
    /// unit of the times. A time of 0 is white noise.
    pub(crate) fn new(times: &[f64], shares: &[f64], step: f64) -> Self {
        let mut processes: Vec<[f64; 2]> = Vec::new();
        let mut white = 0.0;
        for (&time, &share) in times.iter().zip(shares) {
            let phi = if time > 0.0 { math::exp(-step / time) } else { 0.0 };
            // Processes that have forgotten themselves by the next value are one and the same white noise.
            if phi < 1e-6 {
                white += share;
            } else if share > 0.0 {
                processes.push([phi, math::sqrt(share)]);
            }
        }
        let coefficients = processes.iter().map(|[phi, _]| *phi).collect();
        Self { coefficients, steps: steps(&processes, white) }
    }

    /// Adds the noise of `stream`, times `scale`, to `values`. Value i depends on `stream` and i alone.
    pub(crate) fn add(&self, stream: Stream, scale: f64, values: &mut Columns) {
        let n = values[0].len();
        let (mut state, mut fresh) = (State::default(), [[0.0; BLOCK]; 4]);
        for start in (0..n).step_by(BLOCK) {
            let rows = start..n.min(start + BLOCK);
            stream.fill_normal_quads(start as u64, fresh.each_mut().map(|column| &mut column[..rows.len()]));
            let block = values.each_mut().map(|column| &mut column[rows.clone()]);
            self.add_block(start, scale, &fresh, &mut state, block);
        }
    }

    /// What the values of `stream` after value `last` remember of it and of those before.
    pub(crate) fn state(&self, stream: Stream, last: usize) -> State {
        let (mut state, mut fresh, mut values) = (State::default(), [[0.0; BLOCK]; 4], [[0.0; BLOCK]; 4]);
        for start in (0..=last).step_by(BLOCK) {
            let n = (last + 1 - start).min(BLOCK);
            stream.fill_normal_quads(start as u64, fresh.each_mut().map(|column| &mut column[..n]));
            self.add_block(start, 1.0, &fresh, &mut state, values.each_mut().map(|column| &mut column[..n]));
        }
        state
    }

    /// Coefficients of the processes that remember.
    pub(crate) fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// How value `index` comes from its error.
    pub(crate) fn step(&self, index: usize) -> &Step {
        &self.steps[index.min(self.steps.len() - 1)]
    }

    /// Adds values `first` and following, made from their errors, and brings the state to the one after them.
    fn add_block(&self, first: usize, scale: f64, fresh: &[Column; 4], state: &mut State, values: [&mut [f64]; 4]) {
        let n = values[0].len();
        let fresh = fresh.each_ref().map(|column| &column[..n]);
        let settling = (self.steps.len() - 1).saturating_sub(first).min(n);
        let [a, b, c, d] = values;
        for i in 0..settling {
            let values = [&mut a[i..=i], &mut b[i..=i], &mut c[i..=i], &mut d[i..=i]];
            add_rows(
                &self.coefficients,
                self.step(first + i),
                scale,
                fresh.map(|column| &column[i..=i]),
                state,
                values,
            );
        }
        let values = [&mut a[settling..], &mut b[settling..], &mut c[settling..], &mut d[settling..]];
        let step = self.step(first + settling);
        add_rows(&self.coefficients, step, scale, fresh.map(|column| &column[settling..]), state, values);
    }
}

/// One column of a block.
type Column = [f64; BLOCK];

/// Adds rows that come from their errors in the same way. The four metrics stand side by side in the loop,
/// because each waits for its own last state.
#[multiversion(targets("x86_64+avx+avx2"))]
fn add_rows(
    coefficients: &[f64],
    step: &Step,
    scale: f64,
    fresh: [&[f64]; 4],
    state: &mut State,
    values: [&mut [f64]; 4],
) {
    match coefficients.len() {
        0 => add_rows_of::<0>(coefficients, step, scale, fresh, state, values),
        1 => add_rows_of::<1>(coefficients, step, scale, fresh, state, values),
        2 => add_rows_of::<2>(coefficients, step, scale, fresh, state, values),
        3 => add_rows_of::<3>(coefficients, step, scale, fresh, state, values),
        4 => add_rows_of::<4>(coefficients, step, scale, fresh, state, values),
        _ => add_rows_of::<MOST>(coefficients, step, scale, fresh, state, values),
    }
}

/// As [`add_rows`] with `N` processes; those that are not there have coefficient 0.
#[inline(always)]
fn add_rows_of<const N: usize>(
    coefficients: &[f64],
    step: &Step,
    scale: f64,
    fresh: [&[f64]; 4],
    state: &mut State,
    values: [&mut [f64]; 4],
) {
    let coefficients: [f64; N] = std::array::from_fn(|p| coefficients.get(p).copied().unwrap_or(0.0));
    let mut expected: [Quad; N] = std::array::from_fn(|p| state[p]);
    let [a, b, c, d] = values;
    let n = a.len();
    let (a, b, c, d) = (&mut a[..n], &mut b[..n], &mut c[..n], &mut d[..n]);
    let fresh = fresh.map(|column| &column[..n]);
    for i in 0..n {
        let z = fresh.map(|column| column[i]);
        let mut value = z.map(|z| step.error * z);
        for p in 0..N {
            for m in 0..4 {
                value[m] += expected[p][m];
                expected[p][m] = coefficients[p] * expected[p][m] + step.gains[p] * z[m];
            }
        }
        a[i] += scale * value[0];
        b[i] += scale * value[1];
        c[i] += scale * value[2];
        d[i] += scale * value[3];
    }
    state[..N].copy_from_slice(&expected);
}

/// The Riccati recursion from the stationary law on, until it has settled. Processes are pairs of a
/// coefficient and a share of the standard deviation; `white` is the share of the variance that does not
/// remember.
fn steps(processes: &[[f64; 2]], white: f64) -> Vec<Step> {
    let mut variance = [[0.0; MOST]; MOST];
    (0..MOST).for_each(|p| variance[p][p] = 1.0);
    let mut steps: Vec<Step> = Vec::new();
    loop {
        let step = next_step(processes, white, &mut variance);
        let is_settled = steps.last().is_some_and(|last| last.is_like(&step));
        steps.push(step);
        if is_settled || steps.len() == MOST_STEPS {
            return steps;
        }
    }
}

impl Step {
    fn is_like(&self, other: &Self) -> bool {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= SETTLED;
        near((&self.error, &other.error)) && self.gains.iter().zip(&other.gains).all(near)
    }
}

/// The step of one value; `variance` goes from that of the processes at this value, by those before it, to
/// that at the next.
fn next_step(processes: &[[f64; 2]], white: f64, variance: &mut [[f64; MOST]; MOST]) -> Step {
    let shares = || processes.iter().map(|[_, share]| share);
    // Covariance of each process with the value.
    let mut own = [0.0; MOST];
    for (own, row) in own.iter_mut().zip(variance.iter()) {
        *own = row.iter().zip(shares()).map(|(covariance, share)| covariance * share).sum();
    }
    let known: f64 = own.iter().zip(shares()).map(|(own, share)| own * share).sum();
    let error = math::sqrt(known + white);
    own.iter_mut().for_each(|own| *own = if error > 0.0 { *own / error } else { 0.0 });
    for (i, &[phi, _]) in processes.iter().enumerate() {
        for (j, &[other, _]) in processes.iter().enumerate() {
            let innovation = if i == j { 1.0 - phi * phi } else { 0.0 };
            variance[i][j] = phi * other * (variance[i][j] - own[i] * own[j]) + innovation;
        }
    }
    let mut gains = [0.0; MOST];
    for ((gain, own), [phi, share]) in gains.iter_mut().zip(own).zip(processes) {
        *gain = phi * share * own;
    }
    Step { error, gains }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zeros(n: usize) -> Columns {
        std::array::from_fn(|_| vec![0.0; n])
    }

    /// Covariance of value `b` with value `a <= b`, worked out from the steps alone.
    fn covariance(driver: &Driver, a: usize, b: usize) -> f64 {
        let unit = |index: usize| {
            // What an error at `index` puts into value `at`.
            move |at: usize| -> f64 {
                if at < index {
                    return 0.0;
                }
                if at == index {
                    return driver.step(index).error;
                }
                let gains = driver.step(index).gains;
                let lag = (at - index - 1) as i32;
                driver.coefficients.iter().zip(gains).map(|(phi, gain)| phi.powi(lag) * gain).sum()
            }
        };
        (0..=a).map(|index| unit(index)(a) * unit(index)(b)).sum()
    }

    #[test]
    fn its_covariances_are_those_of_the_sum_from_the_first_value_on() {
        let (times, shares) = ([0.0, 1.0, 6.0, 30.0], [0.25, 0.2, 0.15, 0.4]);
        let driver = Driver::new(&times, &shares, 1.0);
        for (a, b) in [(0, 0), (0, 1), (0, 40), (3, 3), (7, 19), (90, 90), (700, 700), (650, 700)] {
            let lag = (b - a) as f64;
            let white = if a == b { shares[0] } else { 0.0 };
            let of = |(time, share): (&f64, &f64)| share * (-lag / time).exp();
            let asked = white + times[1..].iter().zip(&shares[1..]).map(of).sum::<f64>();
            let got = covariance(&driver, a, b);
            assert!((got - asked).abs() < 1e-12, "{a} {b}: {got} against {asked}");
        }
    }

    #[test]
    fn one_process_alone_is_itself() {
        let driver = Driver::new(&[2.0], &[1.0], 1.0);
        let phi = (-0.5_f64).exp();
        assert!((driver.steps[0].error - 1.0).abs() < 1e-15 && (driver.steps[0].gains[0] - phi).abs() < 1e-15);
        let settled = driver.step(1_000);
        assert!((settled.error - (1.0 - phi * phi).sqrt()).abs() < 1e-15);
        let white = Driver::new(&[0.0, 1e-9], &[0.5, 0.5], 1.0);
        assert!(white.coefficients.is_empty() && white.steps[0].error == 1.0);
    }

    #[test]
    fn values_have_unit_variance_and_the_autocorrelation_of_the_parts() {
        let driver = Driver::new(&[0.0, 2.0, 20.0], &[0.5, 0.3, 0.2], 1.0);
        let mut values = zeros(200_000);
        driver.add(Stream::new(1, &["driver"]), 1.0, &mut values);
        let column = &values[2];
        let covariance = |lag: usize| {
            let pairs = column.iter().zip(&column[lag..]);
            pairs.map(|(a, b)| a * b).sum::<f64>() / (column.len() - lag) as f64
        };
        for lag in [0_usize, 1, 3, 10] {
            let white = if lag == 0 { 0.5 } else { 0.0 };
            let asked = white + 0.3 * (-(lag as f64) / 2.0).exp() + 0.2 * (-(lag as f64) / 20.0).exp();
            assert!((covariance(lag) - asked).abs() < 0.02, "lag {lag}: {} against {asked}", covariance(lag));
        }
    }

    #[test]
    fn the_first_value_is_stationary_and_prefixes_hold() {
        let driver = Driver::new(&[30.0], &[1.0], 1.0);
        let firsts: Vec<Quad> = (0..20_000)
            .map(|seed| {
                let mut one = zeros(1);
                driver.add(Stream::new(seed, &["first"]), 1.0, &mut one);
                one.map(|column| column[0])
            })
            .collect();
        let variance = firsts.iter().map(|v| v[1] * v[1]).sum::<f64>() / firsts.len() as f64;
        assert!((variance - 1.0).abs() < 0.04, "{variance}");
        let driver = Driver::new(&[0.0, 1.0, 5.0, 30.0, 90.0], &[0.2; 5], 1.0);
        let (mut long, mut short) = (zeros(700), zeros(300));
        driver.add(Stream::new(3, &["p"]), 0.7, &mut long);
        driver.add(Stream::new(3, &["p"]), 0.7, &mut short);
        for (long, short) in long.iter().zip(&short) {
            assert_eq!(long[..300], short[..]);
        }
    }
}
