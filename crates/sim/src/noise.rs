//! The residual: Gaussian noise, correlated between metrics, and the marginal law laid over it.

use crate::correlation::Matrix;
use crate::driver::Driver;
use crate::scenario;
use crate::{correlation, settings};
use fleetcast_numeric::{Stream, math, wide};
use multiversion::multiversion;

/// Four values, one per metric.
pub(crate) type Quad = [f64; 4];

/// One column per metric.
pub(crate) type Columns = [Vec<f64>; 4];

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
