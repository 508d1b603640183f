//! The rules people use today, run on the same data.
//!
//! Each is told by what its makers publish, and judged by one figure in per cent of capacity. They are
//! likenesses: the products look at more than this, and may be set otherwise.

use fleetcast_numeric::{math, quantile};

/// What a rule may see of one metric of one server: everything up to an origin.
#[derive(Clone, Copy, Debug)]
pub struct Usage<'a> {
    /// Samples in per cent of capacity, NaN at gaps; daily P95s where there is nothing finer.
    pub samples: &'a [f64],
    /// Samples in a day.
    pub per_day: usize,
    /// P95 of each day, in per cent of capacity, NaN at gaps.
    pub daily_p95: &'a [f64],
}

/// A rule that warns of full servers, or sizes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// P95 of the last 30 days against 7/8 of the threshold: 70 % for 80 %.
    P95Of30Days,
    /// The straight line through the last 30 daily P95s, at the end of the horizon, as trend reports of
    /// capacity tools and `predict_linear` have it.
    Linear30Days,
    /// P99.5 of the last 14 days with 20 % headroom, like AWS Compute Optimizer by default.
    ComputeOptimizer14,
    /// The same over 93 days.
    ComputeOptimizer93,
    /// P95 of the last 7 days at most 80 %, like Azure Advisor.
    AzureAdvisor,
    /// P90 of samples whose weight halves every 24 hours, times 1.15, like the vertical autoscaler of
    /// Kubernetes; memory by the peaks of days.
    VerticalAutoscaler,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 6] = [
        Self::P95Of30Days,
        Self::Linear30Days,
        Self::ComputeOptimizer14,
        Self::ComputeOptimizer93,
        Self::AzureAdvisor,
        Self::VerticalAutoscaler,
    ];

    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::P95Of30Days => "p95-30d",
            Self::Linear30Days => "linear-30d",
            Self::ComputeOptimizer14 => "compute-optimizer-like-14d",
            Self::ComputeOptimizer93 => "compute-optimizer-like-93d",
            Self::AzureAdvisor => "azure-advisor-like",
            Self::VerticalAutoscaler => "vpa-like",
        }
    }

    /// The figure it compares, in per cent of capacity, `horizon` days ahead where it looks ahead at all;
    /// `None` when nothing was observed in its window.
    pub fn figure(self, usage: &Usage, horizon: usize) -> Option<f64> {
        let last = |days: usize| &usage.samples[usage.samples.len().saturating_sub(days * usage.per_day)..];
        match self {
            Self::P95Of30Days => quantile(last(30), 0.95),
            Self::Linear30Days => line_ahead(usage.daily_p95, 30, horizon),
            Self::ComputeOptimizer14 => quantile(last(14), 0.995),
            Self::ComputeOptimizer93 => quantile(last(93), 0.995),
            Self::AzureAdvisor => quantile(last(7), 0.95),
            Self::VerticalAutoscaler => Some(1.15 * decaying_p90(last(14), usage.per_day)?),
        }
    }

    /// The figure from which it warns of a crossing of `threshold`, in per cent.
    pub fn warns_from(self, threshold: f64) -> f64 {
        if self == Self::P95Of30Days { threshold * 7.0 / 8.0 } else { threshold }
    }

    /// The share of the present capacity that it would buy, 0.5 for half of it; `None` when nothing was
    /// observed in its window.
    pub fn needed_share(self, usage: &Usage, is_memory: bool, horizon: usize) -> Option<f64> {
        let target = match self {
            Self::P95Of30Days => 70.0,
            Self::VerticalAutoscaler => 100.0,
            _ => 80.0,
        };
        if self == Self::VerticalAutoscaler && is_memory {
            let peaks = peaks_of_days(usage);
            return Some(1.15 * decaying_p90(&peaks[peaks.len().saturating_sub(14)..], 1)? / target);
        }
        Some(self.figure(usage, horizon)? / target)
    }
}

/// The higher of now and `horizon` days ahead on the least-squares line through the last `window` days.
fn line_ahead(days: &[f64], window: usize, horizon: usize) -> Option<f64> {
    let last = &days[days.len().saturating_sub(window)..];
    let known = || last.iter().enumerate().filter(|(_, y)| !y.is_nan()).map(|(x, y)| (x as f64, *y));
    let n = known().count();
    if n == 0 {
        return None;
    }
    let (sum_x, sum_y) = known().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
    let (mean_x, mean_y) = (sum_x / n as f64, sum_y / n as f64);
    let (xx, xy) = known()
        .fold((0.0, 0.0), |sum, (x, y)| (sum.0 + (x - mean_x) * (x - mean_x), sum.1 + (x - mean_x) * (y - mean_y)));
    let slope = if xx > 0.0 { xy / xx } else { 0.0 };
    let now = mean_y + slope * (last.len() as f64 - 1.0 - mean_x);
    Some(now.max(now + slope * horizon as f64))
}

/// P90 of samples whose weight halves with every day of age.
fn decaying_p90(samples: &[f64], per_day: usize) -> Option<f64> {
    let age = |at: usize| (samples.len() - 1 - at) as f64 / per_day as f64;
    let known = samples.iter().enumerate().filter(|(_, value)| !value.is_nan());
    let mut weighed: Vec<(f64, f64)> = known.map(|(at, &value)| (value, math::pow(0.5, age(at)))).collect();
    weighed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let all: f64 = weighed.iter().map(|(_, weight)| weight).sum();
    let mut below = 0.0;
    weighed.iter().find_map(|&(value, weight)| {
        below += weight;
        (below >= 0.9 * all).then_some(value)
    })
}

/// The highest sample of each day, NaN for a day without.
fn peaks_of_days(usage: &Usage) -> Vec<f64> {
    let peak = |day: &[f64]| day.iter().copied().fold(f64::NAN, f64::max);
    // The last day is whole; the first may not be.
    let mut peaks: Vec<f64> = usage.samples.rchunks(usage.per_day.max(1)).map(peak).collect();
    peaks.reverse();
    peaks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daily(values: &[f64]) -> Usage<'_> {
        Usage { samples: values, per_day: 1, daily_p95: values }
    }

    #[test]
    fn every_rule_looks_as_far_back_as_it_says() {
        // 100 days at 90 %, then 8 at 20 %: who still sees the first?
        let mut values = vec![90.0; 100];
        values.extend([20.0; 8]);
        let figure = |rule: Rule| rule.figure(&daily(&values), 30).unwrap();
        assert_eq!((figure(Rule::P95Of30Days), figure(Rule::AzureAdvisor)), (90.0, 20.0));
        assert_eq!((figure(Rule::ComputeOptimizer14), figure(Rule::ComputeOptimizer93)), (90.0, 90.0));
        // 1/2^8 of the weight is older than 8 days.
        assert_eq!(figure(Rule::VerticalAutoscaler), 1.15 * 20.0);
        values.extend([20.0; 14]);
        assert_eq!(Rule::ComputeOptimizer14.figure(&daily(&values), 30), Some(20.0));
        assert!(Rule::ALL.iter().all(|rule| rule.figure(&daily(&[f64::NAN; 200]), 30).is_none()));
        assert!(Rule::ALL.iter().all(|rule| rule.figure(&daily(&[]), 30).is_none()));
    }

    #[test]
    fn a_line_goes_on_and_a_need_is_a_share_of_what_there_is() {
        let rising: Vec<f64> = (0..100).map(|day| 20.0 + 0.3 * f64::from(day)).collect();
        let found = Rule::Linear30Days.figure(&daily(&rising), 90).unwrap();
        assert!((found - (20.0 + 0.3 * 189.0)).abs() < 1e-9, "{found}");
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        let found = Rule::Linear30Days.figure(&daily(&falling), 90).unwrap();
        assert!((found - 20.0).abs() < 1e-9, "what falls is as high as it is now: {found}");
        let steady = [40.0; 100];
        let need = |rule: Rule, is_memory| rule.needed_share(&daily(&steady), is_memory, 90).unwrap();
        assert_eq!((need(Rule::ComputeOptimizer14, false), need(Rule::AzureAdvisor, true)), (0.5, 0.5));
        assert!((need(Rule::VerticalAutoscaler, false) - 0.46).abs() < 1e-12);
        // Two samples a day, memory peaks at 60 %.
        let samples: Vec<f64> = (0..100).map(|at| if at % 2 == 0 { 20.0 } else { 60.0 }).collect();
        let usage = Usage { samples: &samples, per_day: 2, daily_p95: &steady };
        assert!((Rule::VerticalAutoscaler.needed_share(&usage, true, 90).unwrap() - 0.69).abs() < 1e-12);
        assert_eq!(Rule::P95Of30Days.warns_from(80.0), 70.0);
    }
}
