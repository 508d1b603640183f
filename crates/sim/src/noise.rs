//! The residual: stationary Gaussian noise with memory, shared in part, correlated between metrics, and
//! the marginal law laid over it.

use crate::correlation::Matrix;
use crate::scenario;
use crate::{correlation, settings};
use fleetcast_numeric::{Stream, math, wide};
use multiversion::multiversion;

/// Four values, one per metric.
pub(crate) type Quad = [f64; 4];

/// One column per metric.
pub(crate) type Columns = [Vec<f64>; 4];

/// Rows that are worked on at a time: what stands between two passes stays in the nearest cache.
const BLOCK: usize = 256;

/// A sum of AR(1) processes with unit variance: stationary from its first value on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Driver {
    /// Per process: its coefficient, the scale of its innovations, its share of the standard deviation.
    pub(crate) processes: Vec<[f64; 3]>,
}

impl Driver {
    /// Processes with these e-folding times and shares of the variance, for values `step` apart in the
    /// unit of the times. A time of 0 is white noise.
    pub(crate) fn new(times: &[f64], shares: &[f64], step: f64) -> Self {
        let mut processes: Vec<[f64; 3]> = Vec::new();
        let mut white = 0.0;
        for (&time, &share) in times.iter().zip(shares) {
            let phi = if time > 0.0 { math::exp(-step / time) } else { 0.0 };
            // Processes that have forgotten themselves by the next value are one and the same white noise.
            if phi < 1e-6 {
                white += share;
            } else if share > 0.0 {
                processes.push([phi, math::sqrt(1.0 - phi * phi), math::sqrt(share)]);
            }
        }
        if white > 0.0 {
            processes.push([0.0, 1.0, math::sqrt(white)]);
        }
        Self { processes }
    }

    /// Adds the process of `stream`, times `scale`, to `values`. Value i depends on `stream` and i alone.
    pub(crate) fn add(&self, stream: Stream, scale: f64, values: &mut Columns) {
        let n = values[0].len();
        for (number, &[phi, innovation, share]) in self.processes.iter().enumerate() {
            let stream = stream.child_number(number as u64);
            let weight = share * scale;
            let mut fresh = [[0.0; BLOCK]; 4];
            let mut state = [0.0; 4];
            for start in (0..n).step_by(BLOCK) {
                let rows = start..n.min(start + BLOCK);
                stream.fill_normal_quads(start as u64, fresh.each_mut().map(|column| &mut column[..rows.len()]));
                let block = values.each_mut().map(|column| &mut column[rows.clone()]);
                if phi == 0.0 {
                    add_white(weight, &fresh, block);
                } else {
                    // The first value is drawn from the stationary law, of variance 1.
                    let begun = if start == 0 { Some(fresh.each_ref().map(|column| column[0])) } else { None };
                    add_remembering([phi, innovation, weight], &fresh, begun, &mut state, block);
                }
            }
        }
    }
}

impl Driver {
    /// The state of each process of `stream` at value `last`: all that later values remember of earlier ones.
    pub(crate) fn state(&self, stream: Stream, last: usize) -> Vec<Quad> {
        let state = |(number, &[phi, innovation, _]): (usize, &[f64; 3])| {
            let stream = stream.child_number(number as u64);
            let start = if phi == 0.0 { last } else { 0 };
            let mut state = stream.normal_quad(start as u64);
            for index in start + 1..=last {
                next(&mut state, phi, innovation, stream.normal_quad(index as u64));
            }
            state
        };
        self.processes.iter().enumerate().map(state).collect()
    }
}

#[inline]
fn next(state: &mut Quad, phi: f64, innovation: f64, fresh: Quad) {
    for m in 0..4 {
        state[m] = phi * state[m] + innovation * fresh[m];
    }
}

/// Adds what has no memory.
#[multiversion(targets("x86_64+avx+avx2"))]
fn add_white(weight: f64, fresh: &[[f64; BLOCK]; 4], values: [&mut [f64]; 4]) {
    for (values, fresh) in values.into_iter().zip(fresh) {
        values.iter_mut().zip(fresh).for_each(|(value, fresh)| *value += weight * fresh);
    }
}

/// Adds what remembers; `first` is the first state where the process begins here. The four metrics stand
/// side by side in the loop, because each waits for its own last state.
fn add_remembering(
    [phi, innovation, weight]: [f64; 3],
    fresh: &[[f64; BLOCK]; 4],
    first: Option<Quad>,
    state: &mut Quad,
    values: [&mut [f64]; 4],
) {
    let [a, b, c, d] = values;
    let n = a.len().min(BLOCK);
    let (a, b, c, d) = (&mut a[..n], &mut b[..n], &mut c[..n], &mut d[..n]);
    let mut begin = 0;
    if let (Some(first), true) = (first, n > 0) {
        *state = first;
        [&mut a[0], &mut b[0], &mut c[0], &mut d[0]]
            .into_iter()
            .zip(first)
            .for_each(|(value, state)| *value += weight * state);
        begin = 1;
    }
    let mut now = *state;
    for i in begin..n {
        for (m, now) in now.iter_mut().enumerate() {
            *now = phi * *now + innovation * fresh[m][i];
        }
        a[i] += weight * now[0];
        b[i] += weight * now[1];
        c[i] += weight * now[2];
        d[i] += weight * now[3];
    }
    *state = now;
}

/// Turns four independent processes into four with a correlation matrix, by its Cholesky factor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mixer {
    factor: [f64; 16],
}

impl Mixer {
    pub(crate) fn new(matrix: &Matrix) -> Self {
        let identity: [f64; 16] = std::array::from_fn(|k| f64::from(u8::from(k % 5 == 0)));
        // A profile's matrix has been checked; the identity is for a matrix that nobody could have made.
        Self { factor: correlation::factor(matrix).unwrap_or(identity) }
    }

    /// Row i becomes correlated, times the i-th of `scales` where there are any.
    pub(crate) fn mix(&self, scales: Option<&[f64]>, columns: &mut Columns) {
        let columns = columns.each_mut().map(|column| &mut column[..]);
        match scales {
            None => mix(&self.factor, columns),
            Some(scales) => mix_and_scale(&self.factor, scales, columns),
        }
    }
}

#[multiversion(targets("x86_64+avx+avx2"))]
fn mix(l: &[f64; 16], [a, b, c, d]: [&mut [f64]; 4]) {
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        [*a, *b, *c, *d] = mixed(l, [*a, *b, *c, *d]);
    }
}

#[multiversion(targets("x86_64+avx+avx2"))]
fn mix_and_scale(l: &[f64; 16], scales: &[f64], [a, b, c, d]: [&mut [f64]; 4]) {
    for ((((a, b), c), d), scale) in a.iter_mut().zip(b).zip(c).zip(d).zip(scales) {
        [*a, *b, *c, *d] = mixed(l, [*a, *b, *c, *d]).map(|z| z * scale);
    }
}

#[inline(always)]
fn mixed(l: &[f64; 16], [a, b, c, d]: Quad) -> Quad {
    [l[0] * a, l[4] * a + l[5] * b, l[8] * a + l[9] * b + l[10] * c, l[12] * a + l[13] * b + l[14] * c + l[15] * d]
}

/// The scale mixture that makes tails heavy: most days scatter a little less, wild ones much more; the
/// variance stays 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WildDays {
    share: f64,
    calm: f64,
    wild: f64,
}

impl WildDays {
    pub(crate) fn new(noise: &scenario::Noise) -> Self {
        let (share, wild) = (noise.wild_day_share, noise.wild_day_scale);
        Self { share, calm: math::sqrt((1.0 - share * wild * wild) / (1.0 - share)), wild }
    }

    /// The scale of each day from the first on, common to the metrics of a server; `None` where all days
    /// are alike, of scale 1.
    pub(crate) fn scales(&self, stream: Stream, mut days: Vec<f64>) -> Option<Vec<f64>> {
        if self.share <= 0.0 {
            return None;
        }
        stream.fill_uniforms(0, &mut days);
        days.iter_mut().for_each(|day| *day = self.scale_at(*day));
        Some(days)
    }

    /// The scale of a day by its uniform number.
    #[inline]
    pub(crate) fn scale_at(&self, uniform: f64) -> f64 {
        if uniform < self.share { self.wild } else { self.calm }
    }

    /// The mean of exp(sigma x scale x Z) for a standard normal Z, as a logarithm.
    fn log_mean(&self, sigma: f64) -> f64 {
        let part = |scale: f64| math::exp(0.5 * sigma * sigma * scale * scale);
        math::ln((1.0 - self.share) * part(self.calm) + self.share * part(self.wild))
    }
}

/// The law of a residual of mean 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Marginal {
    /// 1 + variation x Z, cut at 0: a negative load means nothing.
    Normal(f64),
    /// exp(sigma x Z - log_mean).
    LogNormal {
        /// Scale of the exponent.
        sigma: f64,
        /// What makes the mean 1.
        log_mean: f64,
    },
}

impl Marginal {
    /// The law with this coefficient of variation, heavy tails counted in.
    pub(crate) fn new(is_normal: bool, variation: f64, wild: &WildDays) -> Self {
        if is_normal {
            return Self::Normal(variation);
        }
        let wanted = math::ln(1.0 + variation * variation);
        let miss = |sigma: f64| wild.log_mean(2.0 * sigma) - 2.0 * wild.log_mean(sigma) - wanted;
        // Without wild days this is the answer; with them it is too large, and the squared variation grows
        // with sigma, so the secant falls on it from above.
        let mut sigma = math::sqrt(wanted);
        let (mut last, mut last_miss) = (0.0, -wanted);
        for _ in 0..50 {
            let now = miss(sigma);
            let next = sigma - now * (sigma - last) / (now - last_miss);
            (last, last_miss) = (sigma, now);
            if now.abs() <= 1e-15 * wanted || !next.is_finite() {
                break;
            }
            sigma = next.max(0.0);
        }
        Self::LogNormal { sigma, log_mean: wild.log_mean(sigma) }
    }

    /// Turns standard normal values into residuals.
    pub(crate) fn apply(self, column: &mut [f64]) {
        match self {
            Self::Normal(variation) => column.iter_mut().for_each(|z| *z = (1.0 + variation * *z).max(0.0)),
            Self::LogNormal { sigma, log_mean } => wide::exp_of_line(sigma, -log_mean, column),
        }
    }
}

/// Standard deviation of the logarithm of a log-normal variable with this coefficient of variation.
pub(crate) fn log_std(variation: f64) -> f64 {
    math::sqrt(math::ln(1.0 + variation * variation))
}

/// The noise inside the day: a slow part and bursts, for samples `step_days` apart.
/// `burst_logit` is added to the logit of the share of bursts.
pub(crate) fn intraday_driver(intraday: &scenario::Intraday, burst_logit: f64, step_days: f64) -> Driver {
    let times = [intraday.timescale_minutes / 1440.0, 0.0];
    let odds = math::exp(burst_logit);
    let bursts = intraday.burst_share * odds / (1.0 - intraday.burst_share + intraday.burst_share * odds);
    Driver::new(&times, &[1.0 - bursts, bursts], step_days)
}

/// Coefficients of variation inside the day, as shares.
pub(crate) fn intraday_variation(std_percent: settings::PerMetric, factor: f64) -> Quad {
    std_percent.array().map(|std| std / 100.0 * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn correlation_of(values: &Columns, a: usize, b: usize, lag: usize) -> f64 {
        let (a, b) = (&values[a], &values[b]);
        let n = a.len() - lag;
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (mean_a, mean_b) = (mean(a), mean(b));
        let sum: f64 = (0..n).map(|i| (a[i] - mean_a) * (b[i + lag] - mean_b)).sum();
        let var = |v: &[f64], c: f64| v.iter().map(|v| (v - c) * (v - c)).sum::<f64>() / v.len() as f64;
        sum / n as f64 / (var(a, mean_a) * var(b, mean_b)).sqrt()
    }

    fn zeros(n: usize) -> Columns {
        std::array::from_fn(|_| vec![0.0; n])
    }

    #[test]
    fn the_driver_has_unit_variance_and_the_autocorrelation_of_its_parts() {
        let driver = Driver::new(&[0.0, 2.0, 20.0], &[0.5, 0.3, 0.2], 1.0);
        let mut values = zeros(200_000);
        driver.add(Stream::new(1, &["driver"]), 1.0, &mut values);
        let variance = values[0].iter().map(|v| v * v).sum::<f64>() / values[0].len() as f64;
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
        for lag in [1_usize, 3, 10] {
            let expected = 0.3 * (-(lag as f64) / 2.0).exp() + 0.2 * (-(lag as f64) / 20.0).exp();
            let got = correlation_of(&values, 2, 2, lag);
            assert!((got - expected).abs() < 0.02, "lag {lag}: {got} against {expected}");
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
        let (mut long, mut short) = (zeros(700), zeros(300));
        driver.add(Stream::new(3, &["p"]), 0.7, &mut long);
        driver.add(Stream::new(3, &["p"]), 0.7, &mut short);
        for (long, short) in long.iter().zip(&short) {
            assert_eq!(long[..300], short[..]);
        }
    }

    #[test]
    fn mixed_noise_has_the_correlation_asked_for() {
        let matrix = correlation::chain(0.85, 0.80, 0.35);
        let mixer = Mixer::new(&matrix);
        let mut values = zeros(200_000);
        Driver::new(&[0.0, 3.0], &[0.6, 0.4], 1.0).add(Stream::new(2, &["mix"]), 1.0, &mut values);
        mixer.mix(None, &mut values);
        for (a, row) in matrix.iter().enumerate() {
            for (b, asked) in row.iter().enumerate() {
                let got = correlation_of(&values, a, b, 0);
                assert!((got - asked).abs() < 0.01, "{a}{b}: {got} against {asked}");
            }
        }
    }

    #[test]
    fn marginals_have_mean_1_and_the_variation_asked_for() {
        let stream = Stream::new(9, &["marginal"]);
        for (share, scale) in [(0.0, 1.0), (0.05, 2.5)] {
            let wild =
                WildDays { share, calm: ((1.0 - share * scale * scale) / (1.0_f64 - share)).sqrt(), wild: scale };
            let law = Marginal::new(false, 0.25, &wild);
            let mut values: Vec<f64> = (0..400_000).map(|i| stream.normal(i)).collect();
            if let Some(scales) = wild.scales(stream.child("scale"), vec![0.0; 400_000]) {
                values.iter_mut().zip(scales).for_each(|(value, scale)| *value *= scale);
            }
            law.apply(&mut values);
            let mean = math::mean(&values).unwrap();
            let variation = math::standard_deviation(&values).unwrap() / mean;
            assert!((mean - 1.0).abs() < 2e-3 && (variation - 0.25).abs() < 3e-3, "{mean} {variation}");
        }
        let mut low = [-4.0];
        Marginal::new(true, 0.35, &WildDays { share: 0.0, calm: 1.0, wild: 1.0 }).apply(&mut low);
        assert_eq!(low, [0.0]);
    }
}
