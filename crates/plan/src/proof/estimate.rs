//! Scores with intervals by resampling servers.

use fleetcast_numeric::{Stream, quantile_of_sorted};

/// A score, with the ends of its 95 % bootstrap interval over servers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// On the rows as they are.
    pub value: f64,
    /// The 2.5 % and 97.5 % quantiles over samples of servers; `None` where most samples have no score.
    pub interval: Option<(f64, f64)>,
}

/// Samples of servers, the same for every score, so that differences of two methods are paired.
///
/// Efron & Tibshirani (1993), "An introduction to the bootstrap".
#[derive(Clone, Debug)]
pub struct Resamples {
    whole: Vec<u32>,
    samples: Vec<Vec<u32>>,
}

/// Samples that an interval is made of.
const SAMPLES: u64 = 200;

impl Resamples {
    /// Samples of `n_servers` servers.
    pub fn new(n_servers: usize, seed: u64) -> Self {
        let stream = Stream::new(seed, &["decisions", "bootstrap"]);
        let sample = |number: u64| {
            let (stream, mut times) = (stream.child_number(number), vec![0; n_servers]);
            for draw in 0..n_servers as u64 {
                times[stream.below(draw, n_servers as u64) as usize] += 1;
            }
            times
        };
        let count = if n_servers < 2 { 0 } else { SAMPLES };
        Self { whole: vec![1; n_servers], samples: (0..count).map(sample).collect() }
    }

    /// Number of servers.
    pub fn n_servers(&self) -> usize {
        self.whole.len()
    }

    /// The estimate of a score of rows, each counted as often as its server was drawn; `None` when the
    /// rows have no such score.
    pub fn estimate(&self, score: impl Fn(&[u32]) -> Option<f64>) -> Option<Estimate> {
        let value = score(&self.whole)?;
        let mut scores: Vec<f64> = self.samples.iter().filter_map(|times| score(times)).collect();
        scores.sort_unstable_by(f64::total_cmp);
        let enough = !scores.is_empty() && 2 * scores.len() >= self.samples.len();
        let interval = enough.then(|| (quantile_of_sorted(&scores, 0.025), quantile_of_sorted(&scores, 0.975)));
        Some(Estimate { value, interval })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_that_of_its_standard_error() {
        let noise = Stream::new(3, &["rows"]);
        let values: Vec<f64> = (0..400).map(|at| noise.normal(at)).collect();
        let mean = |times: &[u32]| {
            let sum: f64 = values.iter().zip(times).map(|(value, &n)| value * f64::from(n)).sum();
            Some(sum / 400.0)
        };
        let estimate = Resamples::new(400, 1).estimate(mean).unwrap();
        let (low, high) = estimate.interval.unwrap();
        // 1.96 standard errors of 1 / sqrt(400) either side.
        assert!((estimate.value - low - 0.098).abs() < 0.03 && (high - estimate.value - 0.098).abs() < 0.03);
        assert_eq!(Resamples::new(400, 1).estimate(|_| None), None);
        assert_eq!(Resamples::new(1, 1).estimate(|_| Some(2.0)), Some(Estimate { value: 2.0, interval: None }));
    }
}
