//! The residual: stationary Gaussian noise with memory, shared in part, correlated between metrics, and
//! the marginal law laid over it.

use crate::correlation::Matrix;
use crate::scenario;
use crate::{correlation, settings};
use fleetcast_numeric::{Stream, math};

/// Four values, one per metric.
pub(crate) type Quad = [f64; 4];

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
    pub(crate) fn add(&self, stream: Stream, scale: f64, values: &mut [Quad]) {
        for (number, &[phi, innovation, share]) in self.processes.iter().enumerate() {
            let stream = stream.child_number(number as u64);
            let weight = share * scale;
            let Some(first) = values.first_mut() else { return };
            // The first value is drawn from the stationary law.
            let mut state = stream.normal_quad(0);
            accumulate(first, state, weight);
            for (index, value) in values.iter_mut().enumerate().skip(1) {
                next(&mut state, phi, innovation, stream.normal_quad(index as u64));
                accumulate(value, state, weight);
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

#[inline]
fn accumulate(value: &mut Quad, state: Quad, weight: f64) {
    for m in 0..4 {
        value[m] += weight * state[m];
    }
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

    #[inline]
    pub(crate) fn mix(&self, independent: Quad) -> Quad {
        let [a, b, c, d] = independent;
        let l = &self.factor;
        [l[0] * a, l[4] * a + l[5] * b, l[8] * a + l[9] * b + l[10] * c, l[12] * a + l[13] * b + l[14] * c + l[15] * d]
    }
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

    /// The scale of one day, common to the metrics of a server.
    #[inline]
    pub(crate) fn scale(&self, stream: Stream, day: usize) -> f64 {
        if self.share > 0.0 { self.scale_at(stream.uniform(day as u64)) } else { self.calm }
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
        // The squared variation grows with sigma: bisection needs no care.
        let (mut low, mut high) = (0.0, math::sqrt(wanted));
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            let got = wild.log_mean(2.0 * middle) - 2.0 * wild.log_mean(middle);
            if got < wanted { low = middle } else { high = middle }
        }
        let sigma = 0.5 * (low + high);
        Self::LogNormal { sigma, log_mean: wild.log_mean(sigma) }
    }

    #[inline]
    pub(crate) fn factor(self, z: f64) -> f64 {
        match self {
            Self::Normal(variation) => (1.0 + variation * z).max(0.0),
            Self::LogNormal { sigma, log_mean } => math::exp(sigma * z - log_mean),
        }
    }
}

/// Standard deviation of the logarithm of a log-normal variable with this coefficient of variation.
pub(crate) fn log_std(variation: f64) -> f64 {
    math::sqrt(math::ln(1.0 + variation * variation))
}

/// The noise inside the day: a slow part and bursts, for samples `step_days` apart.
pub(crate) fn intraday_driver(intraday: &scenario::Intraday, step_days: f64) -> Driver {
    let times = [intraday.timescale_minutes / 1440.0, 0.0];
    Driver::new(&times, &[1.0 - intraday.burst_share, intraday.burst_share], step_days)
}

/// Coefficients of variation inside the day, as shares.
pub(crate) fn intraday_variation(std_percent: settings::PerMetric, factor: f64) -> Quad {
    std_percent.array().map(|std| std / 100.0 * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn correlation_of(values: &[Quad], a: usize, b: usize, lag: usize) -> f64 {
        let n = values.len() - lag;
        let mean = |m: usize| values.iter().map(|v| v[m]).sum::<f64>() / values.len() as f64;
        let (mean_a, mean_b) = (mean(a), mean(b));
        let sum: f64 = (0..n).map(|i| (values[i][a] - mean_a) * (values[i + lag][b] - mean_b)).sum();
        let var = |m: usize, c: f64| values.iter().map(|v| (v[m] - c) * (v[m] - c)).sum::<f64>() / values.len() as f64;
        sum / n as f64 / (var(a, mean_a) * var(b, mean_b)).sqrt()
    }

    #[test]
    fn the_driver_has_unit_variance_and_the_autocorrelation_of_its_parts() {
        let driver = Driver::new(&[0.0, 2.0, 20.0], &[0.5, 0.3, 0.2], 1.0);
        let mut values = vec![[0.0; 4]; 200_000];
        driver.add(Stream::new(1, &["driver"]), 1.0, &mut values);
        let variance = values.iter().map(|v| v[0] * v[0]).sum::<f64>() / values.len() as f64;
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
                let mut one = [[0.0; 4]];
                driver.add(Stream::new(seed, &["first"]), 1.0, &mut one);
                one[0]
            })
            .collect();
        let variance = firsts.iter().map(|v| v[1] * v[1]).sum::<f64>() / firsts.len() as f64;
        assert!((variance - 1.0).abs() < 0.04, "{variance}");
        let (mut long, mut short) = (vec![[0.0; 4]; 100], vec![[0.0; 4]; 40]);
        driver.add(Stream::new(3, &["p"]), 0.7, &mut long);
        driver.add(Stream::new(3, &["p"]), 0.7, &mut short);
        assert_eq!(long[..40], short[..]);
    }

    #[test]
    fn mixed_noise_has_the_correlation_asked_for() {
        let matrix = correlation::chain(0.85, 0.80, 0.35);
        let mixer = Mixer::new(&matrix);
        let mut values = vec![[0.0; 4]; 200_000];
        Driver::new(&[0.0, 3.0], &[0.6, 0.4], 1.0).add(Stream::new(2, &["mix"]), 1.0, &mut values);
        let mixed: Vec<Quad> = values.into_iter().map(|v| mixer.mix(v)).collect();
        for (a, row) in matrix.iter().enumerate() {
            for (b, asked) in row.iter().enumerate() {
                let got = correlation_of(&mixed, a, b, 0);
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
            let values: Vec<f64> = (0..400_000)
                .map(|i| law.factor(stream.normal(i) * wild.scale(stream.child("scale"), i as usize)))
                .collect();
            let mean = math::mean(&values).unwrap();
            let variation = math::standard_deviation(&values).unwrap() / mean;
            assert!((mean - 1.0).abs() < 2e-3 && (variation - 0.25).abs() < 3e-3, "{mean} {variation}");
        }
        assert_eq!(Marginal::new(true, 0.35, &WildDays { share: 0.0, calm: 1.0, wild: 1.0 }).factor(-4.0), 0.0);
    }
}
