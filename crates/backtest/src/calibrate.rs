//! Calibration: what past errors of the combination say of the quantiles of the next ones.

use crate::curve::{Curve, position};
use crate::dependence;
use crate::plan::Plan;
use crate::slice::horizon_buckets;
use crate::spread::{Judged, Spread};
use fleetcast_core::Dependence;
use fleetcast_numeric::math;
use std::ops::Range;

/// Errors this independent in a part of the horizon count half against those of the whole horizon.
const HALF_TRUSTED: f64 = 60.0;
/// An error counts for no more than so many times what was expected where errors are added up: one series gone mad is
/// then one series.
const MOST_ERROR: f64 = 20.0;
/// Trajectories that dependence is measured on; more change it by less than it matters.
const TRAJECTORIES: usize = 1500;

/// How far forecasts of one pool of series go wrong, measured on past cutoffs after combining.
///
/// Signed errors on the same horizon, divided by what the series' own size and past errors lead one to
/// expect, are pooled over series per part of the horizon; each tail is counted on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    pool: String,
    validated_horizon: usize,
    n_series: usize,
    n_trajectories: usize,
    n_independent: f64,
    spread: Spread,
    /// Scaled errors at each step of the validated horizon.
    curves: Vec<Curve>,
    growth: f64,
    dependence: Dependence,
}

impl Calibration {
    /// Name of the pool: a metric's, or `all`.
    pub fn pool(&self) -> &str {
        &self.pool
    }

    /// Steps ahead at which errors were measured; 0 when none were.
    pub fn validated_horizon(&self) -> usize {
        self.validated_horizon
    }

    /// Series whose errors were measured.
    pub fn n_series(&self) -> usize {
        self.n_series
    }

    /// Forecasts (one series, one past cutoff) whose errors were measured.
    pub fn n_trajectories(&self) -> usize {
        self.n_trajectories
    }

    /// What these errors are worth, counted in independent ones.
    pub fn n_independent(&self) -> f64 {
        self.n_independent
    }

    /// Beyond the validated horizon, errors grow with this power of the steps ahead.
    pub fn growth(&self) -> f64 {
        self.growth
    }

    /// How errors hang together over the steps ahead.
    pub fn dependence(&self) -> Dependence {
        self.dependence
    }

    /// Where an error, over what was to be expected, stands at a step of the validated horizon, as a standard normal
    /// number.
    pub(crate) fn score(&self, step: usize, scaled: f64) -> f64 {
        self.curves[step].score(scaled)
    }

    pub(crate) fn spread(&self) -> &Spread {
        &self.spread
    }

    /// Measures the errors of a pool; `None` when there are none.
    pub(crate) fn measure(pool: &str, series: &[&Judged], plan: &Plan) -> Option<Self> {
        let spread = Spread::choose(series, plan)?;
        let scaled = spread.scaled(series, plan);
        let independent = |steps: Range<usize>| -> f64 {
            let per_trajectory = plan.independent_windows() / plan.offsets.len() as f64;
            scaled.len() as f64 * per_trajectory * pieces(&scaled, steps)
        };
        let n_independent = independent(0..plan.horizon);
        let (growth, by_step) = Growth::measure(&scaled, plan.horizon)?;
        let level: Vec<Vec<f64>> =
            scaled.iter().map(|t| t.iter().zip(&by_step).map(|(error, growth)| error / growth).collect()).collect();
        let whole = Curve::of(level.iter().flatten().copied().collect(), n_independent)?;
        let parts: Vec<(f64, Curve)> = (horizon_buckets(plan.horizon).into_iter())
            .map(|steps| {
                let n = independent(steps.clone());
                let errors = level.iter().flat_map(|t| t[steps.clone()].iter().copied()).collect();
                let centre = 0.5 * (steps.start + steps.end - 1) as f64;
                let own = Curve::of(errors, n).map(|own| own.blend(&whole, n / (n + HALF_TRUSTED)));
                (centre, own.unwrap_or_else(|| whole.clone()))
            })
            .collect();
        let curves: Vec<Curve> =
            by_step.iter().enumerate().map(|(step, growth)| between(&parts, step as f64).scaled(*growth)).collect();
        let dependence = measure_dependence(&scaled, &curves).unwrap_or(dependence::UNMEASURED);
        Some(Self {
            pool: pool.to_owned(),
            validated_horizon: plan.horizon,
            n_series: series.iter().filter(|s| !s.trajectories.is_empty()).count(),
            n_trajectories: scaled.len(),
            n_independent,
            spread,
            curves,
            growth: growth.power,
            dependence,
        })
    }

    /// Where no error was measured: a normal with four degrees of freedom as wide as the seasonal changes
    /// of the series, growing with the root of the seasons ahead, as a random walk of seasons does.
    pub(crate) fn unmeasured(season_length: usize) -> Self {
        Self {
            pool: "unmeasured".to_owned(),
            validated_horizon: 0,
            n_series: 0,
            n_trajectories: 0,
            n_independent: 0.0,
            spread: Spread::UNMEASURED,
            // 1.25 is the standard deviation of a normal whose mean absolute value is 1.
            curves: (0..season_length).map(|_| Curve::unmeasured(1.25)).collect(),
            growth: 0.5,
            dependence: dependence::UNMEASURED,
        }
    }

    /// The quantiles of each step around `points`, step after step, in the unit of the series.
    pub(crate) fn quantiles(&self, points: &[f64], difficulty: f64, level: f64, quantiles: &[f64]) -> Vec<f64> {
        let positions: Vec<(usize, f64)> = quantiles.iter().map(|&q| position(q)).collect();
        let mut values = Vec::with_capacity(points.len() * quantiles.len());
        for (step, &point) in points.iter().enumerate() {
            let scale = difficulty * self.spread.local(point, level) * self.beyond(step);
            let curve = &self.curves[step.min(self.curves.len() - 1)];
            values.extend(positions.iter().map(|&at| point + scale * curve.at(at)));
        }
        values
    }

    /// How much wider than at the last measured step errors are at this one.
    fn beyond(&self, step: usize) -> f64 {
        let measured = self.curves.len();
        if step < measured {
            return 1.0;
        }
        math::pow((step + 1) as f64 / measured as f64, self.growth)
    }
}

/// Independent pieces in one trajectory: one over the share of the mean square that its mean explains.
fn pieces(scaled: &[Vec<f64>], steps: Range<usize>) -> f64 {
    let (mut of_means, mut of_all, mut n_means, mut n_all) = (0.0, 0.0, 0.0, 0.0);
    for trajectory in scaled {
        let (mut sum, mut n) = (0.0, 0.0);
        for error in trajectory[steps.clone()].iter().filter(|e| !e.is_nan()) {
            let error = error.clamp(-MOST_ERROR, MOST_ERROR);
            sum += error;
            of_all += error * error;
            n += 1.0;
        }
        if n > 0.0 {
            of_means += (sum / n) * (sum / n);
            n_means += 1.0;
            n_all += n;
        }
    }
    if of_means > 0.0 { ((of_all / n_all) / (of_means / n_means)).clamp(1.0, 20.0) } else { 1.0 }
}

/// The curve at a step: between the centres of two parts of the horizon, a blend of theirs.
fn between(parts: &[(f64, Curve)], step: f64) -> Curve {
    let after = parts.partition_point(|(centre, _)| *centre <= step);
    match (after.checked_sub(1).map(|at| &parts[at]), parts.get(after)) {
        (Some((from, before)), Some((to, next))) => next.blend(before, (step - from) / (to - from)),
        (Some((_, only)), None) | (None, Some((_, only))) => only.clone(),
        (None, None) => Curve::unmeasured(0.0),
    }
}

/// How the size of errors grows with the steps ahead.
struct Growth {
    power: f64,
}

impl Growth {
    /// The power, and the size at each step of the horizon; `None` when there are no errors.
    fn measure(scaled: &[Vec<f64>], horizon: usize) -> Option<(Self, Vec<f64>)> {
        let sizes: Vec<(f64, f64)> = (horizon_buckets(horizon).into_iter())
            .filter_map(|steps| {
                let errors = scaled.iter().flat_map(|t| t[steps.clone()].iter()).filter(|e| !e.is_nan());
                let (sum, n) = errors.fold((0.0, 0usize), |(sum, n), e| (sum + e.abs().min(MOST_ERROR), n + 1));
                let centre = 0.5 * (steps.start + 1 + steps.end) as f64;
                (n > 0).then(|| (math::ln(centre), sum / n as f64))
            })
            .collect();
        if sizes.is_empty() {
            return None;
        }
        let smallest = 1e-9_f64.max(1e-6 * sizes.iter().fold(0.0, |most: f64, (_, size)| most.max(*size)));
        let mut logs: Vec<(f64, f64)> = sizes.iter().map(|(x, size)| (*x, math::ln(size.max(smallest)))).collect();
        never_falling(&mut logs);
        let by_step = (1..=horizon).map(|step| math::exp(along(&logs, math::ln(step as f64)))).collect();
        // Errors that did not grow within the horizon may still do so beyond it.
        Some((Self { power: slope(&logs).clamp(0.1, 1.0) }, by_step))
    }
}

/// Makes the second numbers ascend by averaging neighbours that do not (pool adjacent violators: Ayer et
/// al. 1955, "An empirical distribution function for sampling with incomplete information").
fn never_falling(values: &mut [(f64, f64)]) {
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for &(_, value) in values.iter() {
        blocks.push((value, 1));
        while let [.., (before, n), (after, m)] = blocks[..] {
            if before <= after {
                break;
            }
            blocks.truncate(blocks.len() - 2);
            blocks.push(((before * n as f64 + after * m as f64) / (n + m) as f64, n + m));
        }
    }
    let level = blocks.into_iter().flat_map(|(value, n)| std::iter::repeat_n(value, n));
    values.iter_mut().zip(level).for_each(|(value, level)| value.1 = level);
}

fn along(points: &[(f64, f64)], x: f64) -> f64 {
    let after = points.partition_point(|p| p.0 <= x);
    match (after.checked_sub(1).map(|at| points[at]), points.get(after)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
        (Some((_, y)), None) => y,
        (None, Some((_, y))) => *y,
        (None, None) => 0.0,
    }
}

fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (above, below) =
        points.iter().fold((0.0, 0.0), |(a, b), p| (a + (p.0 - x) * (p.1 - y), b + (p.0 - x) * (p.0 - x)));
    if below > 0.0 { above / below } else { 0.0 }
}

fn measure_dependence(scaled: &[Vec<f64>], curves: &[Curve]) -> Option<Dependence> {
    let stride = scaled.len().div_ceil(TRAJECTORIES).max(1);
    let scores: Vec<Vec<f64>> = (scaled.iter().step_by(stride))
        .map(|errors| {
            let score = |(error, curve): (&f64, &Curve)| if error.is_nan() { f64::NAN } else { curve.score(*error) };
            errors.iter().zip(curves).map(score).collect()
        })
        .collect();
    dependence::estimate(scores.iter().map(Vec::as_slice), curves.len())
}
