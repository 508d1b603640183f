//! What all series of one timeline share: scaled time, changepoints, columns and their inner products.

use super::features::Features;
use super::map::Priors;
use super::options::{Growth, ProphetOptions};
use fleetcast_core::{Calendar, Result, Timeline};
use std::sync::Arc;

/// Standard deviation of the priors of slope and offset.
const TREND_PRIOR_SCALE: f64 = 5.0;

/// Scaled time: 0 at the first observation, 1 at the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    first: f64,
    span: f64,
}

impl Clock {
    pub(super) fn at(&self, step: usize) -> f64 {
        (step as f64 - self.first) / self.span
    }

    /// One step of scaled time.
    pub(super) fn tick(&self) -> f64 {
        1.0 / self.span
    }
}

/// The design of one timeline with its gaps.
#[derive(Clone, Debug)]
pub(super) struct Design {
    pub(super) clock: Clock,
    pub(super) features: Features,
    /// Observed steps.
    pub(super) rows: Vec<usize>,
    /// Scaled times where the slope may change; none for a flat trend.
    pub(super) changepoints: Vec<f64>,
    /// One row per observed step: a hinge per changepoint, time, one, then the features.
    pub(super) matrix: Vec<f64>,
    pub(super) gram: Vec<f64>,
    pub(super) priors: Priors,
}

impl Design {
    /// # Errors
    /// When a regressor has no value at one of the rows.
    pub(super) fn new(
        timeline: Timeline,
        rows: Vec<usize>,
        season_lengths: &[usize],
        options: &ProphetOptions,
        calendar: &Arc<Calendar>,
    ) -> Result<Self> {
        let (first, last) = (rows[0], rows[rows.len() - 1]);
        let clock = Clock { first: first as f64, span: (last - first) as f64 };
        let features = Features::new(timeline, &rows, season_lengths, options, calendar)?;
        let is_flat = options.growth == Growth::Flat;
        let changepoints = if is_flat { Vec::new() } else { changepoints(&rows, clock, options) };
        let trend_precision = 1.0 / (TREND_PRIOR_SCALE * TREND_PRIOR_SCALE);
        let mut gaussian = vec![trend_precision; if is_flat { 1 } else { 2 }];
        gaussian.extend(features.precisions());
        let laplace = 1.0 / options.changepoint_prior_scale;
        let priors = Priors { n_laplace: changepoints.len(), laplace, gaussian };
        let mut design = Self { clock, features, rows, changepoints, matrix: Vec::new(), gram: Vec::new(), priors };
        design.fill(is_flat)?;
        design.gram = gram(&design.matrix, design.width());
        Ok(design)
    }

    fn fill(&mut self, is_flat: bool) -> Result<()> {
        let width = self.width();
        self.matrix = vec![0.0; self.rows.len() * width];
        for (row, &step) in self.matrix.chunks_exact_mut(width).zip(&self.rows) {
            let t = self.clock.at(step);
            let (trend, seasons) = row.split_at_mut(width - self.features.n_columns);
            for (place, change) in trend.iter_mut().zip(&self.changepoints) {
                *place = (t - change).max(0.0);
            }
            let n = trend.len();
            trend[n - 1] = 1.0;
            if !is_flat {
                trend[n - 2] = t;
            }
            self.features.row(step, seasons)?;
        }
        Ok(())
    }

    /// All coefficients when the trend begins with these and nothing else is known.
    pub(super) fn start(&self, slope_and_offset: &[f64]) -> Vec<f64> {
        let mut coefficients = vec![0.0; self.width()];
        let n = self.changepoints.len();
        coefficients[n..n + slope_and_offset.len()].copy_from_slice(slope_and_offset);
        coefficients
    }

    /// Columns of the matrix.
    pub(super) fn width(&self) -> usize {
        self.changepoints.len() + self.priors.gaussian.len()
    }
}

/// Evenly spread over the observations of the first part of the history, the first observation left out.
fn changepoints(rows: &[usize], clock: Clock, options: &ProphetOptions) -> Vec<f64> {
    let reach = (rows.len() as f64 * options.changepoint_range).floor() as usize;
    let n = options.n_changepoints.min(reach.saturating_sub(1));
    if n == 0 {
        // Prophet keeps one at the start, whose change adds to the slope.
        return vec![0.0];
    }
    let place = |i: usize| (reach - 1) as f64 * i as f64 / n as f64;
    (1..=n).map(|i| clock.at(rows[place(i).round_ties_even() as usize])).collect()
}

/// Inner products of all pairs of columns.
pub(super) fn gram(matrix: &[f64], width: usize) -> Vec<f64> {
    let mut gram = vec![0.0; width * width];
    // Four rows at a time: each sum is then read and written once for four products.
    let blocks = matrix.chunks_exact(4 * width);
    let rest = blocks.remainder();
    for block in blocks {
        let (a, b) = block.split_at(2 * width);
        let ((a, b), (c, d)) = (a.split_at(width), b.split_at(width));
        for i in 0..width {
            let [x, y, z, w] = [a[i], b[i], c[i], d[i]];
            if x == 0.0 && y == 0.0 && z == 0.0 && w == 0.0 {
                continue;
            }
            let others = a[i..].iter().zip(&b[i..]).zip(c[i..].iter().zip(&d[i..]));
            for (sum, ((a, b), (c, d))) in gram[i * width + i..(i + 1) * width].iter_mut().zip(others) {
                *sum += (x * a + y * b) + (z * c + w * d);
            }
        }
    }
    for row in rest.chunks_exact(width) {
        for i in 0..width {
            let x = row[i];
            gram[i * width + i..(i + 1) * width].iter_mut().zip(&row[i..]).for_each(|(sum, v)| *sum += x * v);
        }
    }
    for i in 0..width {
        for j in 0..i {
            gram[i * width + j] = gram[j * width + i];
        }
    }
    gram
}

/// Inner products of the columns with `target`.
pub(super) fn products(matrix: &[f64], width: usize, target: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for (row, &y) in matrix.chunks_exact(width).zip(target) {
        sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += y * v);
    }
    sums
}
