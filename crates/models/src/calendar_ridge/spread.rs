//! How far off the forecasts of one series are, by steps ahead.

use fleetcast_core::Dependence;
use fleetcast_numeric::{math, normal, quantile_of_sorted};

/// Buckets of a block.
const BUCKETS: usize = 4;
/// Errors a block ahead to begin with, in standard deviations of the residuals, and for how many
/// origins that counts.
const PRIOR_RATIO: f64 = 1.25;
const PRIOR_ORIGINS: f64 = 2.0;
/// Share of the observed residuals in the shape, against a normal one.
const OBSERVED_SHARE: f64 = 0.7;

/// An error at a tuning origin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Miss {
    pub(super) origin: usize,
    /// Steps after the origin, 1 for the first.
    pub(super) ahead: usize,
    pub(super) error: f64,
}

/// Residuals of the fit for the shape, and their growth ahead from the tuning origins.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    sigma: f64,
    /// Sorted residuals over their standard deviation, the median taken out.
    shape: Vec<f64>,
    /// Squared ratio of the error ahead to sigma, per bucket; it never falls.
    ratios: [f64; BUCKETS],
    block: f64,
    pub(super) dependence: Dependence,
}

impl Spread {
    pub(super) fn new(residuals: &[f64], misses: &[Miss], block: usize) -> Self {
        let present: Vec<f64> = residuals.iter().copied().filter(|r| !r.is_nan()).collect();
        let sigma = math::sqrt(present.iter().map(|r| r * r).sum::<f64>() / present.len().max(1) as f64);
        let mut shape: Vec<f64> = present.iter().map(|r| r / sigma.max(f64::MIN_POSITIVE)).collect();
        shape.sort_unstable_by(f64::total_cmp);
        let median = if shape.is_empty() { 0.0 } else { quantile_of_sorted(&shape, 0.5) };
        shape.iter_mut().for_each(|r| *r -= median);
        let ratios = ratios(misses, sigma, block);
        let dependence = dependence(&present, misses, sigma);
        Self { sigma, shape, ratios, block: block as f64, dependence }
    }

    /// Standard deviation `ahead` steps after the cutoff.
    pub(super) fn sigma(&self, ahead: usize) -> f64 {
        let place = ahead as f64 / self.block;
        let bucket = ((place * BUCKETS as f64) as usize).min(BUCKETS - 1);
        // Beyond the tuned horizon the variance goes on as it grew within it.
        let growth = (self.ratios[BUCKETS - 1] - self.ratios[0]).max(0.1) * (place - 1.0).max(0.0);
        self.sigma * math::sqrt(self.ratios[bucket] + growth)
    }

    /// The standardised error with this probability; 0 for the median.
    pub(super) fn shape(&self, probability: f64) -> f64 {
        let normal = normal::quantile(probability);
        if self.shape.len() < 2 {
            return normal;
        }
        OBSERVED_SHARE * quantile_of_sorted(&self.shape, probability) + (1.0 - OBSERVED_SHARE) * normal
    }
}

fn ratios(misses: &[Miss], sigma: f64, block: usize) -> [f64; BUCKETS] {
    let (mut sums, mut counts) = ([0.0; BUCKETS], [0.0; BUCKETS]);
    let mut n_origins = 0.0;
    let mut last = usize::MAX;
    for miss in misses {
        let bucket = ((miss.ahead - 1) * BUCKETS / block).min(BUCKETS - 1);
        sums[bucket] += miss.error * miss.error;
        counts[bucket] += 1.0;
        if miss.origin != last {
            n_origins += 1.0;
            last = miss.origin;
        }
    }
    let mut ratios = [PRIOR_RATIO * PRIOR_RATIO; BUCKETS];
    let mut least = 1.0_f64;
    for bucket in 0..BUCKETS {
        if counts[bucket] > 0.0 && sigma > 0.0 {
            let seen = sums[bucket] / counts[bucket] / (sigma * sigma);
            ratios[bucket] = (n_origins * seen + PRIOR_ORIGINS * ratios[bucket]) / (n_origins + PRIOR_ORIGINS);
        }
        least = least.max(ratios[bucket]);
        ratios[bucket] = least;
    }
    ratios
}

/// The share of the error that is one error for a whole window, and the memory of the rest.
fn dependence(residuals: &[f64], misses: &[Miss], sigma: f64) -> Dependence {
    let square: f64 = residuals.iter().map(|r| r * r).sum();
    let product: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let memory = if square > 0.0 { (product / square).clamp(0.0, 0.95) } else { 0.0 };
    let mut total = 2.0 * sigma * sigma;
    let mut level = 0.2 * total;
    for window in misses.chunk_by(|a, b| a.origin == b.origin) {
        let n = window.len() as f64;
        let mean = window.iter().map(|miss| miss.error).sum::<f64>() / n;
        total += window.iter().map(|miss| miss.error * miss.error).sum::<f64>() / n;
        level += mean * mean;
    }
    let level = if total > 0.0 { (level / total).clamp(0.0, 0.9) } else { 0.0 };
    Dependence { level, memory_share: (1.0 - level) * memory, memory: memory.max(0.3) }
}
