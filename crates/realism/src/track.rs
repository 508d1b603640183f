//! What one series shows by itself.

use crate::sample::Track;
use fleetcast_numeric::{math, quantile_of_sorted};

/// Quantiles that stand for a series' distribution: each server counts the same, however long it was seen.
pub(crate) const N_QUANTILES: usize = 201;

/// Quantiles 0, 1/200, ..., 1 of the values.
pub(crate) fn quantiles(track: &Track) -> Vec<f64> {
    let mut values = track.values.clone();
    values.sort_unstable_by(f64::total_cmp);
    let last = (N_QUANTILES - 1) as f64;
    (0..N_QUANTILES).map(|k| quantile_of_sorted(&values, k as f64 / last)).collect()
}

/// Mean and variance (divisor n).
pub(crate) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n)
}

/// Autocorrelation at `lag`; NaN for a constant series or one not twice as long as the lag.
pub(crate) fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    let (mean, variance) = moments(values);
    if values.len() < 2 * lag || variance <= 1e-12 {
        return f64::NAN;
    }
    let pairs = values.iter().zip(&values[lag..]);
    pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / (values.len() as f64 * variance)
}

/// Means of runs of `every` values.
pub(crate) fn means(values: &[f64], every: usize) -> Vec<f64> {
    values.chunks_exact(every.max(1)).map(|run| run.iter().sum::<f64>() / run.len() as f64).collect()
}

/// Mean of each slot of a season, and the values without them.
fn seasonal(values: &[f64], first: usize, season: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut sums, mut counts) = (vec![0.0; season], vec![0usize; season]);
    for (at, value) in values.iter().enumerate() {
        sums[(first + at) % season] += value;
        counts[(first + at) % season] += 1;
    }
    let slots: Vec<f64> = sums.iter().zip(&counts).map(|(sum, n)| sum / (*n).max(1) as f64).collect();
    let rest = values.iter().enumerate().map(|(at, value)| value - slots[(first + at) % season]).collect();
    (slots, rest)
}

/// How much of what varies inside days is the same every day, 0 to 1: 1 - var(rest) / var(values without
/// their running daily mean). NaN below three days or without variation.
///
/// Wang, Smith & Hyndman (2006), "Characteristic-based clustering for time series data", DMKD 13, 335-364.
pub(crate) fn daily_strength(track: &Track, per_day: usize) -> f64 {
    let n = track.values.len();
    if per_day < 4 || n < 3 * per_day {
        return f64::NAN;
    }
    let mut sums = vec![0.0; n + 1];
    for (at, value) in track.values.iter().enumerate() {
        sums[at + 1] = sums[at] + value;
    }
    let level = |at: usize| {
        let from = at.saturating_sub(per_day / 2).min(n - per_day);
        (sums[from + per_day] - sums[from]) / per_day as f64
    };
    let inside: Vec<f64> = track.values.iter().enumerate().map(|(at, value)| value - level(at)).collect();
    strength(&inside, track.first.rem_euclid(per_day as i64) as usize, per_day)
}

/// How much of what the daily means vary is the same every week. NaN below two weeks.
pub(crate) fn weekly_strength(track: &Track, per_day: usize) -> f64 {
    let skip = (-track.first).rem_euclid(per_day as i64) as usize;
    let days = means(track.values.get(skip..).unwrap_or(&[]), per_day);
    if days.len() < 14 {
        return f64::NAN;
    }
    let first_day = (track.first + skip as i64).div_euclid(per_day as i64);
    strength(&days, first_day.rem_euclid(7) as usize, 7)
}

fn strength(values: &[f64], first: usize, season: usize) -> f64 {
    let (_, rest) = seasonal(values, first, season);
    let (whole, rest) = (moments(values).1, moments(&rest).1);
    if whole > 1e-12 { (1.0 - rest / whole).max(0.0) } else { f64::NAN }
}

/// The values without their mean day (their mean, below three days), as ranks from -1 to 1: correlations of
/// them do not hang on a few spikes.
pub(crate) fn residual_ranks(track: &Track, per_day: usize) -> Vec<f64> {
    let first = track.first.rem_euclid(per_day as i64) as usize;
    let rest = if track.values.len() >= 3 * per_day && per_day > 1 {
        seasonal(&track.values, first, per_day).1
    } else {
        track.values.clone()
    };
    let mut order: Vec<usize> = (0..rest.len()).collect();
    order.sort_unstable_by(|a, b| rest[*a].total_cmp(&rest[*b]).then(a.cmp(b)));
    let mut ranks = vec![0.0; rest.len()];
    let middle = 0.5 * (rest.len() - 1) as f64;
    let mut at = 0;
    while at < order.len() {
        // Equal values have the mean of their ranks.
        let end = (at..order.len()).find(|k| rest[order[*k]] > rest[order[at]]).unwrap_or(order.len());
        let rank = 0.5 * (at + end - 1) as f64;
        order[at..end].iter().for_each(|place| ranks[*place] = (rank - middle) / middle.max(1.0));
        at = end;
    }
    ranks
}

/// Figures of the tail and of bursts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tail {
    /// Standard deviation over mean.
    pub(crate) variation: f64,
    /// P95 over mean.
    pub(crate) p95_over_mean: f64,
    /// asinh of the skewness.
    pub(crate) skewness: f64,
    /// Logarithm of the kurtosis.
    pub(crate) log_kurtosis: f64,
    /// Logarithm of the minutes a run above the series' own P95 lasts on average.
    pub(crate) log_burst_minutes: f64,
    /// P99 of the absolute change from step to step, over the standard deviation.
    pub(crate) jump: f64,
}

impl Tail {
    pub(crate) fn of(track: &Track, step_seconds: i64) -> Self {
        let values = &track.values;
        let (mean, variance) = moments(values);
        let std = math::sqrt(variance);
        if std <= 1e-9 || mean <= 1e-9 {
            let none = f64::NAN;
            return Self {
                variation: none,
                p95_over_mean: none,
                skewness: none,
                log_kurtosis: none,
                log_burst_minutes: none,
                jump: none,
            };
        }
        let n = values.len() as f64;
        let power = |k: i32| values.iter().map(|v| ((v - mean) / std).powi(k)).sum::<f64>() / n;
        let (third, fourth) = (power(3), power(4));
        let mut order = values.clone();
        order.sort_unstable_by(f64::total_cmp);
        let p95 = quantile_of_sorted(&order, 0.95);
        let mut jumps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs() / std).collect();
        jumps.sort_unstable_by(f64::total_cmp);
        Self {
            variation: std / mean,
            p95_over_mean: p95 / mean,
            skewness: math::ln(third.abs() + math::sqrt(third * third + 1.0)) * third.signum(),
            log_kurtosis: math::ln(fourth),
            log_burst_minutes: math::ln(mean_run_above(values, p95) * step_seconds as f64 / 60.0),
            jump: quantile_of_sorted(&jumps, 0.99),
        }
    }
}

/// Mean length of the runs above a level; NaN when there are none.
fn mean_run_above(values: &[f64], level: f64) -> f64 {
    let above = values.iter().filter(|v| **v > level).count();
    let begins = |pair: &[f64]| pair[0] <= level && pair[1] > level;
    let runs = values.windows(2).filter(|pair| begins(pair)).count() + usize::from(values[0] > level);
    above as f64 / runs as f64
}

/// Days at or over `limit` by their P95, and days.
pub(crate) fn days_over(track: &Track, per_day: usize, limit: f64) -> (usize, usize) {
    let mut day: Vec<f64> = Vec::with_capacity(per_day);
    let (mut over, mut days) = (0, 0);
    for values in track.values.chunks(per_day.max(1)).filter(|values| 2 * values.len() >= per_day) {
        day.clear();
        day.extend_from_slice(values);
        day.sort_unstable_by(f64::total_cmp);
        over += usize::from(quantile_of_sorted(&day, 0.95) >= limit);
        days += 1;
    }
    (over, days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;

    fn track(values: Vec<f64>) -> Track {
        Track { server: "a".into(), first: 5, values }
    }

    #[test]
    fn a_pure_cycle_is_all_season_and_noise_is_none() {
        let stream = Stream::new(1, &["noise"]);
        let wave = |at: usize| math::sin(std::f64::consts::TAU * at as f64 / 24.0);
        let pure = track((0..24 * 28).map(|at| 5.0 + wave(at)).collect());
        let noise = track((0..24 * 28).map(|at| 5.0 + stream.normal(at as u64)).collect());
        assert!(daily_strength(&pure, 24) > 0.98);
        assert!(daily_strength(&noise, 24) < 0.12);
        let weekly = track((0..24 * 28).map(|at| if (at + 5) / 24 % 7 < 2 { 1.0 } else { 3.0 }).collect());
        assert!(weekly_strength(&weekly, 24) > 0.9 && weekly_strength(&noise, 24) < 0.5);
        assert!(daily_strength(&track(vec![1.0; 50]), 24).is_nan() && weekly_strength(&pure, 288).is_nan());
    }

    #[test]
    fn tails_have_their_textbook_figures() {
        let stream = Stream::new(3, &["tail"]);
        let normal = Tail::of(&track((0..50_000).map(|at| 10.0 + stream.normal(at)).collect()), 300);
        assert!((normal.log_kurtosis - 3.0_f64.ln()).abs() < 0.03 && normal.skewness.abs() < 0.03);
        assert!((normal.variation - 0.1).abs() < 1e-3 && (normal.p95_over_mean - 1.164).abs() < 2e-3);
        // A value of white noise is followed by one under its P95 19 times of 20.
        assert!((normal.log_burst_minutes - (5.0_f64 / 0.95).ln()).abs() < 0.02);
        assert_eq!(days_over(&track([vec![10.0; 24], vec![90.0; 24], vec![1.0; 5]].concat()), 24, 80.0), (1, 2));
    }

    #[test]
    fn ranks_of_equal_values_are_equal() {
        assert_eq!(residual_ranks(&track(vec![2.0, 1.0, 2.0]), 288), [0.5, -1.0, 0.5]);
        assert!((autocorrelation(&[1.0, -1.0, 1.0, -1.0], 1) + 0.75).abs() < 1e-12);
    }
}
