//! How uncertain the trend is: as many changes of slope as in the past, as large as in the past.
//!
//! Prophet draws futures in which each step changes the slope with the frequency of the changepoints, by
//! a Laplace number of the mean size of the fitted changes. The sum of such changes and of the noise has a
//! characteristic function in closed form, so that its quantiles need no draws.

use fleetcast_numeric::{math, normal};

/// Quantiles are worked out at steps this factor apart, and between them interpolated in standard deviations.
const SPACING: f64 = 1.35;
/// Standard deviations beyond which the density is taken for nothing, half of the period of the sum that inverts it.
const REACH: f64 = 24.0;
/// Standard deviations of the noise at which its characteristic function has vanished.
const VANISHED: f64 = 6.0;
const MOST_WAVES: usize = 1024;

/// What the futures are drawn from, in scaled units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changes {
    /// Probability of a change at a step.
    pub(super) probability: f64,
    /// Mean size of a change, times one step of time.
    pub(super) size: f64,
    /// Standard deviation of the noise.
    pub(super) sigma: f64,
}

impl Changes {
    /// Variance of the trend `steps` after the last observation: a change `lag` steps ago has moved it by
    /// `lag + 1/2` of its size.
    fn trend_variance(&self, steps: usize) -> f64 {
        let n = steps as f64;
        let squares = n * (4.0 * n * n - 1.0) / 12.0;
        2.0 * self.probability * self.size * self.size * squares
    }

    /// Standard deviation of trend and noise together.
    pub(super) fn deviation(&self, steps: usize) -> f64 {
        math::sqrt(self.trend_variance(steps) + self.sigma * self.sigma)
    }

    /// Share of the variance that is the trend's.
    pub(super) fn trend_share(&self, steps: usize) -> f64 {
        let variance = self.trend_variance(steps);
        if variance > 0.0 { variance / (variance + self.sigma * self.sigma) } else { 0.0 }
    }

    /// Deviations from the centre at each of `probabilities`, for `horizon` steps of which the first is
    /// `first` steps after the last observation; step after step.
    pub(super) fn quantiles(&self, first: usize, horizon: usize, probabilities: &[f64]) -> Vec<f64> {
        let upper: Vec<f64> = probabilities.iter().map(|&p| p.max(1.0 - p)).collect();
        let mut knots: Vec<(usize, Vec<f64>)> = Vec::new();
        let mut at = first;
        loop {
            knots.push((at, self.scores(at, &upper)));
            if at >= first + horizon - 1 {
                break;
            }
            at = (((at as f64) * SPACING) as usize).max(at + 1).min(first + horizon - 1);
        }
        let mut values = Vec::with_capacity(horizon * probabilities.len());
        let mut below = 0;
        for steps in first..first + horizon {
            while below + 1 < knots.len() && knots[below + 1].0 <= steps {
                below += 1;
            }
            let (low, high) = (&knots[below], &knots[(below + 1).min(knots.len() - 1)]);
            let share = if high.0 > low.0 { (steps - low.0) as f64 / (high.0 - low.0) as f64 } else { 0.0 };
            let deviation = self.deviation(steps);
            for (i, &p) in probabilities.iter().enumerate() {
                let score = low.1[i] + share * (high.1[i] - low.1[i]);
                values.push(if p < 0.5 { -score * deviation } else { score * deviation });
            }
        }
        values
    }

    /// Quantiles in standard deviations at probabilities of at least one half.
    fn scores(&self, steps: usize, probabilities: &[f64]) -> Vec<f64> {
        let gaussian: Vec<f64> = probabilities.iter().map(|&p| normal::quantile(p)).collect();
        if self.trend_share(steps) < 1e-6 {
            return gaussian;
        }
        let waves = self.waves(steps);
        let found = probabilities.iter().zip(&gaussian).map(|(&p, &start)| {
            if p - 0.5 < 1e-12 {
                return 0.0;
            }
            // The density of such a sum falls from its middle on, so that probability is concave: bisection, sped up.
            let (mut low, mut high) = (0.0, 0.5 * REACH);
            let mut x = start.clamp(0.05, 8.0);
            for _ in 0..40 {
                let (probability, density) = cumulated(&waves, x);
                if probability < p {
                    low = x
                } else {
                    high = x
                }
                let newton = x - (probability - p) / density;
                let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
                if (next - x).abs() < 1e-7 {
                    return next;
                }
                x = next;
            }
            x
        });
        found.collect()
    }

    /// The characteristic function of the sum in standard deviations, at equal distances from the first on.
    fn waves(&self, steps: usize) -> Vec<f64> {
        let deviation = self.deviation(steps);
        let apart = 2.0 * std::f64::consts::PI / REACH;
        // Noise much finer than the whole would need waves without end.
        let noise = (self.sigma / deviation).max(VANISHED / (apart * MOST_WAVES as f64));
        let n = (VANISHED / (noise * apart)).ceil() as usize;
        let size = self.size / deviation;
        (1..=n.min(MOST_WAVES))
            .map(|k| {
                let u = k as f64 * apart;
                let mut value = math::exp(-0.5 * noise * noise * u * u);
                for lag in 0..steps {
                    let w = (lag as f64 + 0.5) * size * u;
                    value *= 1.0 - self.probability * (w * w / (1.0 + w * w));
                    if value < 1e-12 {
                        return 0.0;
                    }
                }
                value
            })
            .collect()
    }
}

/// Probability below `x` and density there, from the waves of a distribution around zero.
///
/// Gil-Pelaez (1951), "Note on the inversion theorem", Biometrika 38.
fn cumulated(waves: &[f64], x: f64) -> (f64, f64) {
    let apart = 2.0 * std::f64::consts::PI / REACH;
    let angle = apart * x;
    let (sine, cosine) = (math::sin(angle), math::cos(angle));
    let (mut s, mut c) = (sine, cosine);
    let (mut probability, mut density) = (0.5 + x / REACH, 1.0 / REACH);
    for (k, wave) in waves.iter().enumerate() {
        probability += wave * s / ((k + 1) as f64 * std::f64::consts::PI);
        density += 2.0 * wave * c / REACH;
        (s, c) = (s * cosine + c * sine, c * cosine - s * sine);
    }
    (probability, density.max(1e-12))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::{Stream, quantile};

    #[test]
    fn quantiles_are_those_of_many_drawn_futures() {
        let changes = Changes { probability: 0.025, size: 0.004, sigma: 0.05 };
        let horizon = 60;
        let probabilities = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
        let quantiles = changes.quantiles(1, horizon, &probabilities);
        let n = 40_000;
        let mut ends = [Vec::with_capacity(n), Vec::with_capacity(n)];
        for i in 0..n {
            let stream = Stream::new(i as u64, &["futures"]);
            let laplace = |h: usize| {
                let sign = if stream.uniform(1000 + h as u64) < 0.5 { -1.0 } else { 1.0 };
                sign * changes.size * stream.exponential(2000 + h as u64)
            };
            let jumps: Vec<f64> = (0..horizon)
                .map(|h| if stream.uniform(h as u64) < changes.probability { laplace(h) } else { 0.0 })
                .collect();
            for (place, steps) in [20, 60].into_iter().enumerate() {
                let trend: f64 = (0..steps).map(|j| jumps[j] * ((steps - j) as f64 - 0.5)).sum();
                ends[place].push(trend + changes.sigma * stream.normal(5000 + steps as u64));
            }
        }
        for (place, steps) in [20, 60].into_iter().enumerate() {
            for (i, &p) in probabilities.iter().enumerate() {
                let (got, drawn) = (quantiles[(steps - 1) * 8 + i], quantile(&ends[place], p).unwrap());
                let error = 0.03 * changes.deviation(steps) * if p > 0.98 { 2.5 } else { 1.0 };
                assert!((got - drawn).abs() < error, "{steps} {p}: {got} {drawn}");
            }
        }
    }
}
