//! A series as a level per season times a shape within it, each forecast on its own.

mod ridge;

use crate::Settings;
use crate::steps::{Frame, filled, fit_each, horizon_of, require};
use fleetcast_core::{
    Dependence, Fitted, Forecast, Future, History, Model, Panel, Paths, QUANTILE_GRID, Result, check_quantiles,
};
use fleetcast_numeric::{Stream, math, quantile_of_sorted};
use ridge::Ridge;

/// Seasons that must have been seen.
const LEAST_SEASONS: usize = 3;
/// Seasons of history that are looked at.
const MOST_SEASONS: usize = 500;
/// Seasons whose mean proportions make the shape: the best of these on the last seasons.
const SHAPE_SEASONS: [usize; 3] = [2, 7, 28];
/// Last seasons on which they are compared, and whose deviations from the shape are drawn.
const JUDGED_SEASONS: usize = 14;
const DRAWN_SEASONS: usize = 50;
/// Futures that quantiles are counted on.
const FUTURES: usize = 200;
/// Longest season in steps: a longer one has too few levels.
const LONGEST: usize = 200;

/// Levels of whole seasons (a day of hours, a week of days), forecast by a ridge regression on trend, last level and the
/// level one longer season ago; the shape within a season stays as it was lately. Where the rank of the series, folded by
/// its season, is nearly one (load of machines by the hour), little else is needed.
///
/// The regression is of the changes of the levels, on a scale (logarithm, root or plain) on which they are most nearly
/// normal, and what it knows nothing of stays as it is. Quantiles come from drawn futures: left-out errors of the level,
/// and whole seasons of deviations from the shape.
///
/// After the idea of FLAIR (flaircast, "Factored level and interleaved ridge"); the scale: Box & Cox (1964), "An
/// analysis of transformations", JRSS B 26(2), 211-252.
#[derive(Clone, Debug)]
pub struct LevelShape {
    settings: Settings,
}

impl LevelShape {
    /// The method with the seasons of `settings`.
    pub fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone() }
    }

    /// The season that is folded, and how many of it the next longer one has (0 for none).
    fn seasons(&self) -> (usize, usize) {
        let mut lengths: Vec<usize> = self.settings.season_lengths.iter().copied().filter(|&m| m > 1).collect();
        lengths.sort_unstable();
        let season = lengths.iter().copied().find(|&m| m <= LONGEST).unwrap_or(1);
        let longer = lengths.into_iter().find(|&m| m > season && m.is_multiple_of(season));
        (season, longer.map_or(0, |longer| longer / season))
    }
}

impl Model for LevelShape {
    fn name(&self) -> &str {
        "level-shape"
    }

    /// A gap is answered for by the same step of an earlier season.
    ///
    /// # Errors
    /// [`fleetcast_core::Error::TooShort`] below three seasons, or eight observations.
    fn fit(&self, history: &History) -> Result<Box<dyn Fitted>> {
        let (season, longer) = self.seasons();
        require(self.name(), history, (LEAST_SEASONS * season).max(8))?;
        let full = filled(history.values(), season);
        let n_seasons = (full.len() / season).min(MOST_SEASONS);
        let recent = &full[full.len() - n_seasons * season..];
        let rows: Vec<&[f64]> = recent.chunks_exact(season).collect();
        let levels: Vec<f64> = rows.iter().map(|row| row.iter().sum::<f64>() / season as f64).collect();
        let shape = Shape::new(&rows, &levels);
        let level = Level::new(levels, longer);
        let stream = Stream::new(0, &["level-shape", &history.id().to_string()]);
        Ok(Box::new(LevelShapeFit { frame: Frame::of(history), level, shape, stream }))
    }

    fn fit_panel(&self, panel: &Panel) -> Vec<Result<Box<dyn Fitted>>> {
        fit_each(self, panel)
    }

    fn learns_alone(&self) -> bool {
        true
    }
}

/// Proportions within a season, and how whole seasons deviated from them.
#[derive(Clone, Debug)]
struct Shape {
    /// Value over level at each step of the season; its mean is 1.
    proportions: Vec<f64>,
    /// Value less level times proportion over level, season after season.
    deviations: Vec<Vec<f64>>,
}

impl Shape {
    fn new(rows: &[&[f64]], levels: &[f64]) -> Self {
        let n = rows.len();
        let judged = n.saturating_sub(JUDGED_SEASONS).max(1)..n;
        let error = |count: usize| -> f64 {
            judged.clone().map(|at| missed(rows[at], levels[at], &proportions(rows, levels, at, count))).sum()
        };
        let best = SHAPE_SEASONS.into_iter().map(|count| (error(count), count)).min_by(|a, b| a.0.total_cmp(&b.0));
        let proportions = proportions(rows, levels, n, best.map_or(SHAPE_SEASONS[0], |(_, count)| count));
        let first = n.saturating_sub(DRAWN_SEASONS);
        let deviations = (first..n).map(|at| deviations(rows[at], levels[at], &proportions)).collect();
        Self { proportions, deviations }
    }
}

/// Mean proportions of the `count` seasons before season number `end`.
fn proportions(rows: &[&[f64]], levels: &[f64], end: usize, count: usize) -> Vec<f64> {
    let season = rows[0].len();
    let mut sums = vec![0.0; season];
    let mut weight = 0.0;
    for at in end.saturating_sub(count)..end {
        // Proportions of a level near zero are noise: seasons count by their level.
        weight += levels[at].abs();
        sums.iter_mut().zip(rows[at]).for_each(|(sum, value)| *sum += value * levels[at].signum());
    }
    if weight > 0.0 { sums.into_iter().map(|sum| sum / weight).collect() } else { vec![1.0; season] }
}

fn missed(row: &[f64], level: f64, proportions: &[f64]) -> f64 {
    row.iter().zip(proportions).map(|(value, share)| (value - level * share).abs()).sum()
}

/// Deviations of a season from its shape, in levels; none for a season without a level.
fn deviations(row: &[f64], level: f64, proportions: &[f64]) -> Vec<f64> {
    let relative =
        |(value, share): (&f64, &f64)| if level == 0.0 { 0.0 } else { (value - level * share) / level.abs() };
    row.iter().zip(proportions).map(relative).collect()
}

/// The scale on which levels are regressed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Log,
    Root,
    Plain,
}

impl Scale {
    /// The scale of most likelihood; the plain one where a level is not well above zero.
    fn of(levels: &[f64]) -> Self {
        let mean = levels.iter().sum::<f64>() / levels.len() as f64;
        if levels.iter().any(|&level| level <= 1e-3 * mean || level <= 0.0) {
            return Self::Plain;
        }
        let logs: f64 = levels.iter().map(|&level| math::ln(level)).sum();
        let likelihood = |(scale, power): (Self, f64)| {
            let sd = math::standard_deviation(&levels.iter().map(|&l| scale.to(l)).collect::<Vec<_>>()).unwrap_or(0.0);
            let fit = if sd > 0.0 { -(levels.len() as f64) * math::ln(sd) } else { 0.0 };
            (fit + (power - 1.0) * logs, scale)
        };
        let scales = [(Self::Plain, 1.0), (Self::Root, 0.5), (Self::Log, 0.0)].map(likelihood);
        scales.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).map_or(Self::Plain, |(_, scale)| scale)
    }

    fn to(self, level: f64) -> f64 {
        match self {
            Self::Log => math::ln(level),
            Self::Root => 2.0 * math::sqrt(level),
            Self::Plain => level,
        }
    }

    fn back(self, z: f64) -> f64 {
        match self {
            Self::Log => math::exp(z),
            Self::Root => 0.25 * z.max(0.0) * z.max(0.0),
            Self::Plain => z,
        }
    }
}

/// How levels go on, told as differences from the last one over their usual change.
#[derive(Clone, Debug)]
struct Level {
    scale: Scale,
    last: f64,
    unit: f64,
    /// Differences of the levels seen, the last of which is zero.
    seen: Vec<f64>,
    /// Levels in a longer season, 0 for none.
    longer: usize,
    ridge: Ridge,
    /// Share of a change that is repeated by the next: how long a trend goes on.
    persistence: f64,
    /// Range of the levels that are possible.
    range: (f64, f64),
}

impl Level {
    fn new(levels: Vec<f64>, longer: usize) -> Self {
        let scale = Scale::of(&levels);
        let z: Vec<f64> = levels.iter().map(|&level| scale.to(level)).collect();
        let (n, last) = (z.len(), z[z.len() - 1]);
        let changes: Vec<f64> = z.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let unit = math::sqrt(changes.iter().map(|c| c * c).sum::<f64>() / changes.len() as f64);
        let unit = if unit > 1e-12 * last.abs() && unit > 0.0 { unit } else { 1.0 };
        let seen: Vec<f64> = z.iter().map(|z| (z - last) / unit).collect();
        let longer = if longer >= 2 && 2 * longer <= n { longer } else { 0 };
        let first = longer.max(1);
        let n_columns = if longer > 0 { 4 } else { 3 };
        let mut rows = Vec::with_capacity((n - first) * n_columns);
        for at in first..n {
            rows.extend([1.0, at as f64 / n as f64, -seen[at - 1]]);
            if longer > 0 {
                rows.push(seen[at - longer]);
            }
        }
        let target: Vec<f64> = (first..n).map(|at| seen[at] - seen[at - 1]).collect();
        let ridge = Ridge::new(&rows, n_columns, &target);
        let (low, high) = levels.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &l| (a.min(l), b.max(l)));
        let range = (if low >= 0.0 { 0.0 } else { low - (high - low) }, high + (high - low));
        Self { scale, last, unit, persistence: persistence(&changes), seen, longer, ridge, range }
    }

    /// Levels of the next `n` seasons, `shock` being added to the change of each.
    fn ahead(&self, n: usize, mut shock: impl FnMut() -> f64) -> Vec<f64> {
        let n_seen = self.seen.len();
        let beta = &self.ridge.coefficients;
        let mut all = self.seen.clone();
        let (mut trend, mut step) = ((n_seen - 1) as f64, 1.0);
        let mut levels = Vec::with_capacity(n);
        for at in n_seen..n_seen + n {
            step *= self.persistence;
            trend += step;
            let before = all[at - 1];
            let mut change = beta[0] + beta[1] * trend / n_seen as f64 - beta[2] * before;
            if self.longer > 0 {
                change += beta[3] * all[at - self.longer];
            }
            let level = self.scale.back(self.last + self.unit * (before + change + shock()));
            let level = level.clamp(self.range.0, self.range.1);
            let known = self.scale != Scale::Log || level > 0.0;
            all.push(if known { (self.scale.to(level) - self.last) / self.unit } else { before });
            levels.push(level);
        }
        levels
    }
}

/// Autocorrelation of changes at lag 1, at least 0.
fn persistence(changes: &[f64]) -> f64 {
    let mean = changes.iter().sum::<f64>() / changes.len().max(1) as f64;
    let square: f64 = changes.iter().map(|c| (c - mean) * (c - mean)).sum();
    let product: f64 = changes.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    if changes.len() >= 5 && square > 0.0 { (product / square).clamp(0.0, 0.98) } else { 0.0 }
}

struct LevelShapeFit {
    frame: Frame,
    level: Level,
    shape: Shape,
    stream: Stream,
}

impl LevelShapeFit {
    /// Values at each step, future after future, sorted within each step.
    fn drawn(&self, horizon: usize) -> Vec<Vec<f64>> {
        let season = self.shape.proportions.len();
        let n_seasons = horizon.div_ceil(season);
        let mut values = vec![Vec::with_capacity(FUTURES); horizon];
        for future in 0..FUTURES {
            let stream = self.stream.child_number(future as u64);
            let mut draws = 0;
            let errors = &self.level.ridge.left_out;
            let levels = self.level.ahead(n_seasons, || {
                draws += 1;
                errors[stream.below(draws, errors.len() as u64) as usize]
            });
            let stream = stream.child("shape");
            for (number, level) in levels.iter().enumerate() {
                let drawn = stream.below(number as u64, self.shape.deviations.len() as u64) as usize;
                let within = self.shape.proportions.iter().zip(&self.shape.deviations[drawn]);
                let steps = values.iter_mut().skip(number * season);
                within.zip(steps).for_each(|((share, off), step)| step.push(level * share + level.abs() * off));
            }
        }
        values.iter_mut().for_each(|step| step.sort_unstable_by(f64::total_cmp));
        values
    }
}

impl Fitted for LevelShapeFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let horizon = horizon_of(future)?;
        check_quantiles(quantiles)?;
        let season = self.shape.proportions.len();
        let levels = self.level.ahead(horizon.div_ceil(season), || 0.0);
        let point = (0..horizon).map(|h| levels[h / season] * self.shape.proportions[h % season]).collect();
        let drawn = if quantiles.is_empty() { Vec::new() } else { self.drawn(horizon) };
        let values = drawn.iter().flat_map(|step| quantiles.iter().map(|&q| quantile_of_sorted(step, q))).collect();
        Ok(Forecast::new(quantiles, point, values)?.clamped(self.frame.bounds))
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &QUANTILE_GRID)?;
        self.frame.paths(&marginals, Dependence { level: 0.3, memory_share: 0.4, memory: 0.9 }, n, seed)
    }
}
