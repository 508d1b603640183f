//! A fitted series: its curve, its parts and its quantiles.

use super::curve::{self, Trend};
use super::design::{self, Design};
use super::map::{self, Map, Normal};
use super::options::{Growth, Mode, ProphetOptions, Search};
use super::search;
use super::spread::Changes;
use crate::steps::{Frame, horizon_of};
use fleetcast_core::{Dependence, Fitted, Forecast, Future, History, Paths, QUANTILE_GRID, Result, check_quantiles};
use fleetcast_numeric::{Stream, math, quantile_of_sorted};
use std::ops::Range;
use std::sync::Arc;

/// Futures that are drawn where no formula gives the quantiles.
const DRAWN_FUTURES: usize = 1000;
/// Observations below which Prophet goes to the top.
const FEWEST_SEARCHED: usize = 100;
/// Added to the mean size of the changes, so that a straight past does not promise a straight future.
const LEAST_CHANGE: f64 = 1e-8;

/// What one part contributes to some steps.
#[derive(Clone, Debug, PartialEq)]
pub struct ProphetPart {
    /// `trend`, `yearly`, `weekly`, `daily`, or the name of a season, holiday or regressor.
    pub name: String,
    /// How it joins: a multiplicative part is a share of the trend, every other is in the metric's unit.
    pub mode: Mode,
    /// One value per step.
    pub values: Vec<f64>,
}

/// The most probable coefficients of one series.
#[derive(Clone, Debug)]
pub struct ProphetFit {
    frame: Frame,
    design: Arc<Design>,
    growth: Growth,
    length: usize,
    /// The largest value above the floor, which is 1 inside.
    scale: f64,
    floor: f64,
    cap: f64,
    coefficients: Vec<f64>,
    sigma: f64,
    stream: Stream,
}

impl ProphetFit {
    pub(super) fn new(history: &History, design: Arc<Design>, options: &ProphetOptions) -> Self {
        let growth = options.growth;
        let (cap, floor) = match growth {
            Growth::Logistic { cap, floor } => (cap, floor),
            Growth::Linear | Growth::Flat => (0.0, 0.0),
        };
        let observed: Vec<f64> = design.rows.iter().map(|&row| history.values()[row]).collect();
        let largest = observed.iter().map(|v| (v - floor).abs()).fold(0.0, f64::max);
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let y: Vec<f64> = observed.iter().map(|v| (v - floor) / scale).collect();
        let cap = (cap - floor) / scale;
        let is_constant = observed.iter().all(|v| *v == observed[0]);
        let Map { coefficients, sigma } = if is_constant && !matches!(growth, Growth::Logistic { .. }) {
            Map { coefficients: design.start(&curve::start(growth, cap, &y)), sigma: 0.0 }
        } else {
            most_probable(&design, options, cap, &y)
        };
        let name = history.id().to_string();
        let stream = Stream::new(0, &["prophet", &name]);
        let (frame, length) = (Frame::of(history), history.len());
        Self { frame, design, growth, length, scale, floor, cap, coefficients, sigma, stream }
    }

    fn trend(&self) -> Trend<'_> {
        let parameters = &self.coefficients[..self.coefficients.len() - self.design.features.n_columns];
        Trend { growth: self.growth, cap: self.cap, changepoints: &self.design.changepoints, parameters }
    }

    /// Each part of the expected value over `steps` of the timeline, past (fitted) or future, the trend first.
    ///
    /// # Errors
    /// [`fleetcast_core::Error::NotForecastable`] when a regressor has no value at one of the steps.
    pub fn parts(&self, steps: Range<usize>) -> Result<Vec<ProphetPart>> {
        let features = &self.design.features;
        let trend = self.trend();
        let at = |step: usize| self.floor + self.scale * trend.at(self.design.clock.at(step));
        let values = steps.clone().map(at).collect();
        let mut parts = vec![ProphetPart { name: "trend".to_owned(), mode: Mode::Additive, values }];
        for part in &features.parts {
            parts.push(ProphetPart { name: part.name.clone(), mode: part.mode, values: Vec::new() });
        }
        let mut row = vec![0.0; features.n_columns];
        let coefficients = &self.coefficients[self.coefficients.len() - features.n_columns..];
        for step in steps {
            features.row(step, &mut row)?;
            for (part, columns) in parts[1..].iter_mut().zip(&features.parts) {
                let unit = if part.mode == Mode::Additive { self.scale } else { 1.0 };
                let range = columns.columns.clone();
                let sum: f64 = row[range.clone()].iter().zip(&coefficients[range]).map(|(v, c)| v * c).sum();
                part.values.push(unit * sum);
            }
        }
        Ok(parts)
    }

    /// Standard deviation of the noise, in the metric's unit.
    pub fn sigma(&self) -> f64 {
        self.sigma * self.scale
    }

    /// Expected values over `steps` of the timeline, past (fitted) or future, not yet moved into the bounds.
    ///
    /// # Errors
    /// [`fleetcast_core::Error::NotForecastable`] when a regressor has no value at one of the steps.
    pub fn expected(&self, steps: Range<usize>) -> Result<Vec<f64>> {
        Ok(self.shape(steps)?.into_iter().map(|(level, added, factor)| self.value(level, added, factor)).collect())
    }

    fn value(&self, level: f64, added: f64, factor: f64) -> f64 {
        self.floor * factor + self.scale * (level * factor + added)
    }

    /// Level of the trend, what is added to it and what it is multiplied by, in scaled units.
    fn shape(&self, steps: Range<usize>) -> Result<Vec<(f64, f64, f64)>> {
        let (features, trend) = (&self.design.features, self.trend());
        let coefficients = &self.coefficients[self.coefficients.len() - features.n_columns..];
        let mut row = vec![0.0; features.n_columns];
        steps
            .map(|step| {
                features.row(step, &mut row)?;
                let (added, factor) = curve::effects(&features.parts, &row, coefficients);
                Ok((trend.at(self.design.clock.at(step)), added, factor))
            })
            .collect()
    }

    /// Steps from the last observation to the first step ahead.
    fn first_lead(&self) -> usize {
        self.length - self.design.rows[self.design.rows.len() - 1]
    }

    fn changes(&self) -> Changes {
        let n = self.design.changepoints.len();
        let tick = self.design.clock.tick();
        if n == 0 || self.sigma == 0.0 {
            return Changes { probability: 0.0, size: 0.0, sigma: self.sigma };
        }
        Changes { probability: (n as f64 * tick).min(1.0), size: self.mean_change() * tick, sigma: self.sigma }
    }

    fn mean_change(&self) -> f64 {
        let n = self.design.changepoints.len();
        self.coefficients[..n].iter().map(|x| x.abs()).sum::<f64>() / n as f64 + LEAST_CHANGE
    }

    /// Deviations at each step and quantile, in the metric's unit, by formula.
    fn deviations(&self, shape: &[(f64, f64, f64)], quantiles: &[f64]) -> Vec<f64> {
        let changes = self.changes();
        let lead = self.first_lead();
        if self.design.features.parts.iter().all(|part| part.mode == Mode::Additive) {
            let mut values = changes.quantiles(lead, shape.len(), quantiles);
            values.iter_mut().for_each(|v| *v *= self.scale);
            return values;
        }
        // A factor stretches the trend's part of the uncertainty, step by step.
        let of = |(h, &(_, _, factor)): (usize, &(f64, f64, f64))| {
            let stretched = Changes { size: changes.size * factor.abs(), ..changes };
            stretched.quantiles(lead + h, 1, quantiles)
        };
        shape.iter().enumerate().flat_map(of).map(|v| v * self.scale).collect()
    }

    /// Quantiles of saturating growth, from drawn futures as Prophet's.
    fn drawn(&self, shape: &[(f64, f64, f64)], quantiles: &[f64]) -> Vec<f64> {
        let times: Vec<f64> = (self.length..self.length + shape.len()).map(|step| self.design.clock.at(step)).collect();
        let mut columns = vec![Vec::with_capacity(DRAWN_FUTURES); shape.len()];
        for number in 0..DRAWN_FUTURES {
            let stream = self.stream.child_number(number as u64);
            let levels = self.drawn_trend(&times, stream);
            for (h, level) in levels.into_iter().enumerate() {
                let (_, added, factor) = shape[h];
                let noise = self.sigma * stream.child("noise").normal(h as u64);
                columns[h].push(self.value(level, added + noise, factor));
            }
        }
        let mut values = Vec::with_capacity(shape.len() * quantiles.len());
        for column in &mut columns {
            column.sort_unstable_by(f64::total_cmp);
            values.extend(quantiles.iter().map(|&q| quantile_of_sorted(column, q)));
        }
        values
    }

    /// The trend with new changes of slope: exponential waits between them, Laplace sizes.
    fn drawn_trend(&self, times: &[f64], stream: Stream) -> Vec<f64> {
        let n = self.design.changepoints.len();
        let last = times[times.len() - 1];
        let (waits, sizes) = (stream.child("waits"), stream.child("sizes"));
        let (mut changepoints, mut changes) = (self.design.changepoints.clone(), self.coefficients[..n].to_vec());
        let (mut t, size) = (1.0, self.mean_change());
        for i in 0_u64.. {
            t += waits.exponential(i) / n as f64;
            if t >= last {
                break;
            }
            let sign = if sizes.uniform(2 * i) < 0.5 { -1.0 } else { 1.0 };
            changepoints.push(t);
            changes.push(-sign * size * math::ln(sizes.uniform(2 * i + 1)));
        }
        changes.extend_from_slice(&self.coefficients[n..n + 2]);
        let trend = Trend { growth: self.growth, cap: self.cap, changepoints: &changepoints, parameters: &changes };
        times.iter().map(|&t| trend.at(t)).collect()
    }
}

/// Coefficients and noise of scaled values.
fn most_probable(design: &Design, options: &ProphetOptions, cap: f64, y: &[f64]) -> Map {
    let growth = options.growth;
    let is_additive = design.features.parts.iter().all(|part| part.mode == Mode::Additive);
    if matches!(growth, Growth::Logistic { .. }) || !is_additive {
        return curve::fit(design, growth, cap, y);
    }
    let right = design::products(&design.matrix, design.width(), y);
    let square = y.iter().map(|v| v * v).sum();
    let normal = Normal { gram: &design.gram, right, square, n_rows: y.len() };
    let searched = (options.search == Search::AsProphet && y.len() >= FEWEST_SEARCHED)
        .then(|| search::solve(&normal, &design.priors, &design.start(&curve::start(growth, cap, y))))
        .flatten();
    searched.unwrap_or_else(|| map::solve(&normal, &design.priors))
}

impl Fitted for ProphetFit {
    fn predict(&self, future: &Future, quantiles: &[f64]) -> Result<Forecast> {
        let horizon = horizon_of(future)?;
        check_quantiles(quantiles)?;
        let shape = self.shape(self.length..self.length + horizon)?;
        let point: Vec<f64> = shape.iter().map(|&(level, added, factor)| self.value(level, added, factor)).collect();
        let values = if matches!(self.growth, Growth::Logistic { .. }) {
            self.drawn(&shape, quantiles)
        } else {
            let deviations = self.deviations(&shape, quantiles);
            let n = quantiles.len().max(1);
            deviations.iter().enumerate().map(|(i, deviation)| point[i / n] + deviation).collect()
        };
        Ok(Forecast::new(quantiles, point, values)?.clamped(self.frame.bounds))
    }

    fn paths(&self, future: &Future, n: usize, seed: u64) -> Result<Paths> {
        let marginals = self.predict(future, &QUANTILE_GRID)?;
        // An error of the trend stays and grows; noise is new at each step.
        let share = self.changes().trend_share(self.first_lead() + future.horizon / 2);
        let dependence = Dependence { level: 0.7 * share, memory_share: 0.3 * share, memory: 0.98 };
        self.frame.paths(&marginals, dependence, n, seed)
    }
}
