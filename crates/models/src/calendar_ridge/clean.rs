//! One scale for a series, and what the regression is shown of it: outliers drawn in, gaps filled,
//! observations at the upper bound replaced by what the demand is expected to have been.

use super::system::System;
use crate::steps::filled;
use fleetcast_core::History;
use fleetcast_numeric::{math, normal, quantile};

/// Residuals beyond this many standard deviations count as this many.
const CLIP: f64 = 3.0;
/// Rounds of fitting and cleaning.
const ROUNDS: usize = 3;
/// With gaps or censored values, whose replacements settle more slowly.
const ROUNDS_WITH_HOLES: usize = 10;
/// Replacements that move by less than this many standard deviations have settled.
const SETTLED: f64 = 0.01;

/// The scale on which effects add up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) is_log: bool,
    centre: f64,
    spread: f64,
    /// On a logarithmic scale, the smallest value that is told from zero.
    floor: f64,
}

impl Scale {
    /// The plain scale of `values`.
    pub(super) fn plain(values: &[f64]) -> Self {
        let centre = quantile(values, 0.5).unwrap_or(0.0);
        let spread = math::standard_deviation(values).unwrap_or(0.0);
        // Rounding alone is no spread, and a constant series must not be divided by nothing.
        let least = if centre == 0.0 { f64::MIN_POSITIVE } else { 1e-12 * centre.abs() };
        let spread = if spread > least { spread } else { 1.0 };
        Self { is_log: false, centre, spread, floor: 0.0 }
    }

    /// The logarithmic scale, for series that are positive and keep away from zero.
    pub(super) fn log(values: &[f64]) -> Option<Self> {
        let low = quantile(values, 0.02)?;
        let centre = quantile(values, 0.5)?;
        let smallest = values.iter().copied().filter(|v| !v.is_nan()).fold(f64::INFINITY, f64::min);
        if !(smallest >= 0.0 && low > 0.05 * centre) {
            return None;
        }
        let floor = 0.5 * low;
        let logs: Vec<f64> = values.iter().map(|v| if v.is_nan() { *v } else { math::ln(v.max(floor)) }).collect();
        let spread = math::standard_deviation(&logs)?;
        (spread > 1e-9).then_some(Self { is_log: true, centre: math::ln(centre), spread, floor })
    }

    /// What a factor on the level, given as its logarithm, adds on this scale: on a plain one, to the middle value.
    pub(super) fn effect(self, log: f64) -> f64 {
        let share = if self.is_log { log } else { self.centre.max(0.0) * (math::exp(log.min(700.0)) - 1.0) };
        share / self.spread
    }

    /// The logarithm of the factor that `z` is on a logarithmic scale.
    pub(super) fn log_of(self, z: f64) -> f64 {
        self.spread * z
    }

    pub(super) fn of(self, value: f64) -> f64 {
        let value = if self.is_log { math::ln(value.max(self.floor)) } else { value };
        (value - self.centre) / self.spread
    }

    pub(super) fn back(self, z: f64) -> f64 {
        let value = self.centre + self.spread * z;
        if self.is_log { math::exp(value.min(700.0)) } else { value }
    }

    /// How much of the series' unit one unit of this scale is worth at `z`.
    pub(super) fn unit(self, z: f64) -> f64 {
        if self.is_log { self.spread * self.back(z) } else { self.spread }
    }

    /// Absolute error, in the series' unit, of a forecast that is `d` above an observation with `unit`.
    pub(super) fn error(self, unit: f64, d: f64) -> f64 {
        if !self.is_log {
            return unit * d.abs();
        }
        // The start of the exponential series: large errors are told apart, their digits do not matter.
        let x = (self.spread * d).clamp(-2.0, 2.0);
        unit / self.spread * (x * (1.0 + x * (0.5 + x / 6.0))).abs()
    }

    /// Adds to each of `sums` the [`Self::error`] of a forecast that is `missed` below an observation with `unit`.
    pub(super) fn add_errors(self, unit: f64, missed: &[f64], sums: &mut [f64]) {
        let pairs = sums.iter_mut().zip(missed);
        if self.is_log {
            pairs.for_each(|(sum, missed)| *sum += self.error(unit, -missed));
        } else {
            pairs.for_each(|(sum, missed)| *sum += unit * missed.abs());
        }
    }
}

/// A series on a scale.
#[derive(Clone, Debug)]
pub(super) struct Cleaned {
    /// As observed, NaN at gaps.
    pub(super) observed: Vec<f64>,
    /// What the regression is shown.
    pub(super) shown: Vec<f64>,
    /// Where only "at least this" was observed.
    pub(super) censored: Vec<bool>,
}

impl Cleaned {
    /// `history` on `scale` less what was `expected` of each step, cleaned by the supple flavour of `system`.
    pub(super) fn new(
        history: &History,
        scale: Scale,
        expected: &[f64],
        system: &System,
        season_length: usize,
    ) -> Self {
        let values = history.values();
        let mut observed: Vec<f64> = values.iter().map(|&v| if v.is_nan() { v } else { scale.of(v) }).collect();
        observed.iter_mut().zip(expected).for_each(|(z, expected)| *z -= expected);
        let censored: Vec<bool> = (0..values.len()).map(|t| history.is_censored(t)).collect();
        let mut shown = filled(&observed, season_length);
        let has_holes = values.iter().any(|v| v.is_nan()) || censored.contains(&true);
        let rounds = if has_holes { ROUNDS_WITH_HOLES } else { ROUNDS };
        for round in 1..=rounds {
            let coefficients = system.solve_last(1, &shown);
            let fitted: Vec<f64> = (0..values.len()).map(|t| system.rows.dot(t, &coefficients)).collect();
            let redrawn = redraw(&observed, &censored, &fitted, &mut shown);
            if redrawn.is_the_same || round >= ROUNDS && redrawn.moved < SETTLED {
                break;
            }
        }
        Self { observed, shown, censored }
    }
}

impl Cleaned {
    /// Observation less forecast at step `t`; nothing is missed where a censored one is forecast to be above.
    pub(super) fn residual(&self, t: usize, forecast: f64) -> f64 {
        let residual = self.observed[t] - forecast;
        if self.censored[t] { residual.max(0.0) } else { residual }
    }
}

/// What became of the values that the regression is shown.
struct Redrawn {
    is_the_same: bool,
    /// The farthest that a replacement of a hole moved, in standard deviations.
    moved: f64,
}

/// Draws what is shown closer to `fitted` where it should be.
fn redraw(observed: &[f64], censored: &[bool], fitted: &[f64], shown: &mut [f64]) -> Redrawn {
    let deviations = (0..observed.len()).filter(|&t| !censored[t]).map(|t| (observed[t] - fitted[t]).abs());
    let sigma = 1.4826 * middle(deviations.filter(|d| !d.is_nan()).collect());
    let mut redrawn = Redrawn { is_the_same: true, moved: 0.0 };
    for (t, shown) in shown.iter_mut().enumerate() {
        let residual = observed[t] - fitted[t];
        let value = if residual.is_nan() {
            fitted[t]
        } else if censored[t] {
            fitted[t] + above(residual, sigma)
        } else if sigma > 1e-9 {
            fitted[t] + residual.clamp(-CLIP * sigma, CLIP * sigma)
        } else {
            observed[t]
        };
        redrawn.is_the_same &= value == *shown;
        if residual.is_nan() || censored[t] {
            redrawn.moved = redrawn.moved.max((value - *shown).abs() / sigma.max(f64::MIN_POSITIVE));
        }
        *shown = value;
    }
    redrawn
}

/// The middle one of `values`, the upper of two; 0 when there is none.
fn middle(mut values: Vec<f64>) -> f64 {
    let half = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    *values.select_nth_unstable_by(half, f64::total_cmp).1
}

/// Expected deviation of a value of which only "at least `least`" was seen (the mean of a normal tail).
fn above(least: f64, sigma: f64) -> f64 {
    if sigma <= 0.0 {
        return least.max(0.0);
    }
    let a = (least / sigma).clamp(-8.0, 8.0);
    let density = math::exp(-0.5 * a * a) / math::sqrt(std::f64::consts::TAU);
    sigma * density / normal::probability(-a)
}
