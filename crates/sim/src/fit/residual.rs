//! What growth, week and season do not explain: its spread, tails, memory, and what is shared.

use super::NOISE_DAYS;
use super::common::Common;
use super::days::Days;
use crate::METRICS;
use fleetcast_numeric::math;

/// E-folding times whose shares of the variance are measured: those of `enterprise`, in days.
pub(super) const TIMESCALES: [f64; 4] = [0.042, 1.0, 6.0, 30.0];
/// Lags, in days, at which the memory is measured.
const LAGS: [usize; 8] = [1, 2, 3, 5, 8, 13, 21, 34];
/// Days two series must share for a correlation.
const FEWEST_COMMON: usize = 20;
/// Servers whose pairs are looked at.
const MOST_SERVERS: usize = 40;
/// Share of days the tails' mixture calls wild.
pub(super) const WILD_SHARE: f64 = 0.03;

/// The residual of all metrics.
pub(super) struct Residual {
    /// Per metric, the coefficient of variation of a typical server.
    pub(super) variation: [Option<f64>; 4],
    /// Spread of the logarithm of the servers' standard deviations, beyond what chance makes of it.
    pub(super) variation_log_std: f64,
    /// Shares of the variance of [`TIMESCALES`], with the sum 1.
    pub(super) shares: Option<[f64; 4]>,
    /// Scale of wild days; 1 when the tails are normal.
    pub(super) wild_scale: Option<f64>,
    /// Correlation of two metrics, where both were seen.
    correlation: [[Option<f64>; 4]; 4],
    /// Mean correlation of two servers.
    pub(super) shared: Option<f64>,
}

/// One server's residual of one metric, scaled to variance 1.
struct Scaled {
    server: usize,
    metric: usize,
    values: Vec<f64>,
}

impl Residual {
    pub(super) fn new(days: &Days, common: &[Option<Common>]) -> Self {
        let mut variation = [None; 4];
        let mut scaled = Vec::new();
        let mut spreads = Vec::new();
        for (metric, common) in common.iter().enumerate() {
            let Some(common) = common else { continue };
            let mut logs = Vec::new();
            for (one, residual) in days.of(metric).zip(&common.residuals) {
                let known = residual.iter().filter(|r| !r.is_nan()).count();
                let std = math::standard_deviation(residual).unwrap_or(0.0);
                if known < NOISE_DAYS || std < 1e-6 {
                    continue;
                }
                logs.push(math::ln(std));
                spreads.push((metric, math::ln(std), known));
                let values = residual.iter().map(|r| r / std).collect();
                scaled.push(Scaled { server: one.server, metric, values });
            }
            variation[metric] = math::mean(&logs).map(|log| variation_of(math::exp(log)));
        }
        Self {
            variation,
            variation_log_std: excess_spread(&spreads),
            shares: shares(&scaled, days.n_days),
            wild_scale: wild_scale(&scaled),
            correlation: correlations(&scaled),
            shared: shared(&scaled),
        }
    }

    /// The correlation of two metrics, where both were seen.
    pub(super) fn correlation(&self, a: usize, b: usize) -> Option<f64> {
        self.correlation[a.min(b)][a.max(b)]
    }
}

/// The coefficient of variation of a log-normal variable by the standard deviation of its logarithm.
pub(super) fn variation_of(log_std: f64) -> f64 {
    math::sqrt(math::exp(log_std * log_std) - 1.0)
}

/// Standard deviation of the logarithms about their metric's mean, less what sampling adds to it.
fn excess_spread(spreads: &[(usize, f64, usize)]) -> f64 {
    let mut sum = 0.0;
    for metric in 0..METRICS.len() {
        let logs: Vec<f64> = spreads.iter().filter(|s| s.0 == metric).map(|s| s.1).collect();
        let mean = math::mean(&logs).unwrap_or(0.0);
        sum += logs.iter().map(|log| (log - mean) * (log - mean)).sum::<f64>();
    }
    // The logarithm of a standard deviation of n values has the variance 1 / 2n.
    let chance: f64 = spreads.iter().map(|s| 0.5 / s.2 as f64).sum();
    math::sqrt(((sum - chance) / spreads.len().max(1) as f64).max(0.0))
}

/// Mean of the products of a series with itself `lag` days later, over all series.
fn autocorrelation(scaled: &[Scaled], lag: usize) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0);
    for one in scaled {
        let pairs = one.values.iter().zip(one.values.iter().skip(lag)).map(|(a, b)| a * b);
        for product in pairs.filter(|product| !product.is_nan()) {
            sum += product;
            n += 1.0;
        }
    }
    sum / n
}

/// Shares of the timescales whose sum of exponentials comes nearest to the autocorrelations, by
/// coordinate descent over shares of 0 and more; the fastest takes what is left.
fn shares(scaled: &[Scaled], n_days: usize) -> Option<[f64; 4]> {
    if n_days < 4 * NOISE_DAYS || scaled.is_empty() {
        return None;
    }
    let lags: Vec<usize> = LAGS.iter().copied().filter(|lag| 4 * lag <= n_days).collect();
    let seen: Vec<f64> = lags.iter().map(|lag| autocorrelation(scaled, *lag)).collect();
    let kernel = |k: usize, lag: usize| math::exp(-(lag as f64) / TIMESCALES[k]);
    let mut shares = [0.0; 4];
    for _ in 0..200 {
        for k in 1..4 {
            let (mut dot, mut norm) = (0.0, 0.0);
            for (lag, seen) in lags.iter().zip(&seen) {
                let others: f64 = (1..4).filter(|j| *j != k).map(|j| shares[j] * kernel(j, *lag)).sum();
                dot += kernel(k, *lag) * (seen - others);
                norm += kernel(k, *lag) * kernel(k, *lag);
            }
            shares[k] = (dot / norm).max(0.0);
        }
    }
    let sum: f64 = shares[1..].iter().sum();
    if sum > 1.0 {
        shares.iter_mut().for_each(|share| *share /= sum);
    }
    shares[0] = 1.0 - shares[1..].iter().sum::<f64>();
    Some(shares)
}

/// The scale of wild days whose mixture has the kurtosis seen.
fn wild_scale(scaled: &[Scaled]) -> Option<f64> {
    let values = || scaled.iter().flat_map(|one| &one.values).filter(|v| !v.is_nan());
    let n = values().count();
    if n < 100 {
        return None;
    }
    let kurtosis = values().map(|v| v * v * v * v).sum::<f64>() / n as f64;
    let of = |scale: f64| {
        let calm = (1.0 - WILD_SHARE * scale * scale) / (1.0 - WILD_SHARE);
        3.0 * (WILD_SHARE * scale * scale * scale * scale + (1.0 - WILD_SHARE) * calm * calm)
    };
    // The variance of wild days alone must stay below the whole.
    let (mut low, mut high) = (1.0, 5.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if of(middle) < kurtosis { low = middle } else { high = middle }
    }
    Some(0.5 * (low + high))
}

/// Sum and number of the products of two series on the days both have.
fn product(a: &Scaled, b: &Scaled) -> (f64, usize) {
    let products = a.values.iter().zip(&b.values).map(|(a, b)| a * b).filter(|p| !p.is_nan());
    products.fold((0.0, 0), |(sum, n), p| (sum + p, n + 1))
}

fn correlations(scaled: &[Scaled]) -> [[Option<f64>; 4]; 4] {
    let mut sums = [[(0.0, 0usize); 4]; 4];
    for (at, a) in scaled.iter().enumerate() {
        for b in scaled[at + 1..].iter().filter(|b| b.server == a.server && b.metric != a.metric) {
            let (sum, n) = product(a, b);
            let cell = &mut sums[a.metric.min(b.metric)][a.metric.max(b.metric)];
            *cell = (cell.0 + sum, cell.1 + n);
        }
    }
    sums.map(|row| row.map(|(sum, n)| (n >= FEWEST_COMMON).then(|| (sum / n as f64).clamp(-0.99, 0.99))))
}

fn shared(scaled: &[Scaled]) -> Option<f64> {
    let metric = scaled.first()?.metric;
    let servers: Vec<&Scaled> = scaled.iter().filter(|one| one.metric == metric).take(MOST_SERVERS).collect();
    let mut all = Vec::new();
    for (at, a) in servers.iter().enumerate() {
        for b in &servers[at + 1..] {
            let (sum, n) = product(a, b);
            if n >= FEWEST_COMMON {
                all.push(sum / n as f64);
            }
        }
    }
    math::mean(&all).map(|mean| mean.clamp(0.0, 0.95))
}
