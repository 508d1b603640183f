//! How large an error to expect: from the size of the series, its past errors and the height of the forecast.

use crate::plan::Plan;
use crate::slice::horizon_buckets;
use crate::validation::Size;
use fleetcast_core::SCORED_QUANTILES;
use fleetcast_numeric::{math, quantile, quantile_of_sorted};

/// Points on which the settings of a spread are compared.
const POINTS: usize = 20_000;
/// A past error is taken to have grown with its series by no more than this.
const MOST_GROWTH: f64 = 2.0;
/// Below this many trajectories the settings stay as they are by default.
const ENOUGH: usize = 60;

/// Errors of one past forecast of a series.
#[derive(Clone, Debug)]
pub(crate) struct Trajectory {
    /// Place of its cutoff in the plan.
    pub(crate) origin: usize,
    /// Actual - forecast, step after step; NaN at gaps.
    pub(crate) errors: Vec<f64>,
    /// The forecast.
    pub(crate) points: Vec<f64>,
    /// Size of the series at the forecast's cutoff.
    pub(crate) size: Size,
}

impl Trajectory {
    fn mean_error(&self) -> f64 {
        let errors = self.errors.iter().filter(|e| !e.is_nan());
        let (sum, n) = errors.fold((0.0, 0usize), |(sum, n), e| (sum + e.abs(), n + 1));
        sum / n.max(1) as f64
    }
}

/// Past forecasts of one series, each by weights that had not seen it.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) trajectories: Vec<Trajectory>,
}

/// What makes an error of one series at one step as large as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// Median over the pool of mean absolute error / seasonal change.
    ratio: f64,
    /// Past forecasts of its own that count half against the pool's ratio.
    half_trusted: f64,
    /// Errors grow with this power of the forecast's height over the level of the series.
    power: f64,
}

impl Spread {
    /// Errors as large as the seasonal changes of the series.
    pub(crate) const UNMEASURED: Self = Self { ratio: 1.0, half_trusted: 2.0, power: 0.0 };

    /// The spread under which pooled quantiles have the smallest loss; `None` without any error.
    pub(crate) fn choose(series: &[&Judged], plan: &Plan) -> Option<Self> {
        let trajectories = || series.iter().flat_map(|s| &s.trajectories);
        let n_trajectories = trajectories().count();
        if n_trajectories == 0 {
            return None;
        }
        let scaled = trajectories().filter(|t| t.size.scale > 0.0);
        let ratios: Vec<f64> = scaled.map(|t| t.mean_error() / t.size.scale).collect();
        let ratio = quantile(&ratios, 0.5).unwrap_or(1.0);
        let default = Self { ratio, half_trusted: 2.0, power: 0.5 };
        if n_trajectories < ENOUGH {
            return Some(default);
        }
        let stride = (n_trajectories * plan.horizon / POINTS).max(1) | 1;
        [0.5, 2.0, 8.0]
            .into_iter()
            .flat_map(|half_trusted| [0.0, 0.5, 1.0].map(|power| Self { ratio, half_trusted, power }))
            .map(|spread| (spread.loss(series, plan, stride), spread))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, spread)| spread)
    }

    /// Error to expect of a series at a height equal to its level, in its unit, from its past errors but
    /// those that share steps with one forecast, at the size it had `at` a cutoff.
    pub(crate) fn difficulty(&self, series: &Judged, skipped: Option<(usize, &Plan)>, at: Size) -> f64 {
        let shares_steps = |t: &Trajectory| skipped.is_some_and(|(origin, plan)| plan.overlap(t.origin, origin));
        let others = || series.trajectories.iter().filter(|t| !shares_steps(t));
        if at.scale > 0.0 {
            // An error grows with the changes of its series, as a trend's do. Where those have grown many times, the
            // error is likely the same event, seen from before it, and is as large as it was.
            let by_now = |t: &Trajectory| t.mean_error() * (at.scale / t.size.scale).min(MOST_GROWTH);
            let (sum, n) =
                others().filter(|t| t.size.scale > 0.0).fold((0.0, 0.0), |(sum, n), t| (sum + by_now(t), n + 1.0));
            return (self.half_trusted * self.ratio * at.scale + sum) / (self.half_trusted + n);
        }
        // A series that repeats itself has no scale; what errors it had all the same speak in its own unit.
        let (sum, n) = others().fold((0.0, 0usize), |(sum, n), t| (sum + t.mean_error(), n + 1));
        sum / n.max(1) as f64
    }

    /// How much more than at its level a series errs at the height of a forecast.
    pub(crate) fn local(&self, point: f64, level: f64) -> f64 {
        if self.power == 0.0 || level <= 0.0 {
            return 1.0;
        }
        let height = (point.abs() / level).clamp(0.25, 4.0);
        if self.power == 1.0 { height } else { math::pow(height, self.power) }
    }

    /// Every trajectory's errors over what was to be expected from the others; those of a series for which
    /// nothing at all was to be expected are left out.
    pub(crate) fn scaled(&self, series: &[&Judged], plan: &Plan) -> Vec<Vec<f64>> {
        let mut scaled = Vec::new();
        for judged in series {
            scaled.extend(judged.trajectories.iter().filter_map(|t| self.scaled_one(judged, t, plan)));
        }
        scaled
    }

    /// The errors of one of the trajectories of a series over what was to be expected from the others; `None` where
    /// that was nothing at all.
    pub(crate) fn scaled_one(&self, judged: &Judged, trajectory: &Trajectory, plan: &Plan) -> Option<Vec<f64>> {
        let expected = self.expected(judged, trajectory, plan)?;
        let errors = trajectory.errors.iter().zip(&trajectory.points);
        let level = trajectory.size.level;
        Some(errors.map(|(error, point)| error / (expected * self.local(*point, level))).collect())
    }

    fn expected(&self, judged: &Judged, trajectory: &Trajectory, plan: &Plan) -> Option<f64> {
        let size = trajectory.size;
        let expected = self.difficulty(judged, Some((trajectory.origin, plan)), size);
        // Rounding noise on a constant series is no error to learn from.
        (expected > 1e-9 * size.level.max(1e-9)).then_some(expected)
    }

    /// Pinball loss of pooled quantiles, in seasonal changes, over every `stride`-th point.
    fn loss(&self, series: &[&Judged], plan: &Plan, stride: usize) -> f64 {
        let buckets = horizon_buckets(plan.horizon);
        let mut errors: Vec<Vec<(f64, f64)>> = vec![Vec::new(); buckets.len()];
        let mut count = 0usize;
        for judged in series {
            for trajectory in &judged.trajectories {
                let Some(expected) = self.expected(judged, trajectory, plan).filter(|_| trajectory.size.scale > 0.0)
                else {
                    continue;
                };
                for (bucket, steps) in buckets.iter().enumerate() {
                    for step in steps.clone() {
                        count += 1;
                        if !count.is_multiple_of(stride) || trajectory.errors[step].is_nan() {
                            continue;
                        }
                        let scale = expected * self.local(trajectory.points[step], trajectory.size.level);
                        errors[bucket].push((trajectory.errors[step] / scale, scale / trajectory.size.scale));
                    }
                }
            }
        }
        errors.into_iter().map(pooled_loss).sum()
    }
}

/// Summed pinball loss of the quantiles of `errors`, each given with its weight.
fn pooled_loss(mut errors: Vec<(f64, f64)>) -> f64 {
    if errors.is_empty() {
        return 0.0;
    }
    errors.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let sorted: Vec<f64> = errors.iter().map(|e| e.0).collect();
    let mut loss = 0.0;
    for q in SCORED_QUANTILES {
        let value = quantile_of_sorted(&sorted, q);
        for (error, weight) in &errors {
            let gap = error - value;
            loss += weight * if gap >= 0.0 { q * gap } else { (q - 1.0) * gap };
        }
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that stood at its limit, where nothing changes, and then lost load: the error is of the
    /// size of what came, not as many times larger as the changes before it were smaller.
    #[test]
    fn an_error_on_a_quiet_series_is_not_multiplied_when_it_has_become_lively() {
        let trajectory = |origin: usize, error: f64, scale: f64| Trajectory {
            origin,
            errors: vec![error; 10],
            points: vec![100.0; 10],
            size: Size { scale, level: 100.0 },
        };
        let judged = Judged { trajectories: vec![trajectory(0, 0.002, 0.001), trajectory(1, -30.0, 0.001)] };
        let spread = Spread { ratio: 1.0, half_trusted: 2.0, power: 0.5 };
        let lively = spread.difficulty(&judged, None, Size { scale: 5.0, level: 70.0 });
        assert!((5.0..30.0).contains(&lively), "{lively}");
        // As large as ever where the series is as it was.
        let as_before = spread.difficulty(&judged, None, Size { scale: 0.001, level: 100.0 });
        assert!((as_before - (2.0 * 0.001 + 0.002 + 30.0) / 4.0).abs() < 1e-12, "{as_before}");
    }
}
