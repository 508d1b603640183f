//! Sums from which scores follow, one set per model and series.

use crate::{Backtest, ModelForecasts, Slice, scores::from_values};
use fleetcast_core::{Forecast, History, Panel, SCORED_QUANTILES, Scores};
use fleetcast_numeric::{math, quantile};
use rayon::prelude::*;

/// Number of scores, in the order of [`Scores::named`].
pub(crate) const N_SCORES: usize = 17;

const RMSE: usize = 1;

/// Below this a scale or a sum of sizes counts as zero, as in the reference program.
const EPSILON: f64 = 1e-9;

/// Numerators and denominators: every score is the ratio of a sum over series to another, so whole
/// tables, slices and bootstrap samples are sums of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    n_series: usize,
    n_points: usize,
    above: [f64; N_SCORES],
    below: [f64; N_SCORES],
}

impl Tally {
    pub(crate) fn sum<'a>(parts: impl Iterator<Item = &'a Tally>) -> Self {
        let mut sum = Self::default();
        parts.for_each(|part| sum.add(part, 1));
        sum
    }

    pub(crate) fn add(&mut self, other: &Self, times: u32) {
        self.n_series += other.n_series * times as usize;
        self.n_points += other.n_points * times as usize;
        for k in 0..N_SCORES {
            self.above[k] += other.above[k] * f64::from(times);
            self.below[k] += other.below[k] * f64::from(times);
        }
    }

    /// The scores; one without a denominator is `None`, and so is one that met a missing quantile.
    pub(crate) fn scores(&self) -> Scores {
        let mut values = [None; N_SCORES];
        for (k, value) in values.iter_mut().enumerate() {
            *value = (self.below[k] > 0.0).then(|| self.above[k] / self.below[k]).filter(|v| v.is_finite());
        }
        values[RMSE] = values[RMSE].map(math::sqrt);
        from_values(values, self.n_series, self.n_points)
    }

    fn put(&mut self, score: usize, above: f64, below: f64) {
        self.above[score] += above;
        self.below[score] += below;
    }
}

/// Mean and mean square of the change over a season up to a cutoff; NaN when there is none.
#[derive(Clone, Copy)]
struct Scale {
    s1: f64,
    s2: f64,
}

impl Scale {
    fn of(values: &[f64], season_length: usize) -> Self {
        let (mut absolute, mut square, mut n) = (0.0, 0.0, 0usize);
        for (earlier, later) in values.iter().zip(values.iter().skip(season_length)) {
            let change = later - earlier;
            if !change.is_nan() {
                absolute += change.abs();
                square += change * change;
                n += 1;
            }
        }
        // Without changes both are 0 / 0, which no comparison accepts.
        Self { s1: absolute / n as f64, s2: square / n as f64 }
    }
}

/// Tallies by model and series of a slice; series without a point that every model forecast are left out.
pub(crate) fn tallies(backtest: &Backtest, panel: &Panel, slice: &Slice, season_length: usize) -> Vec<Vec<Tally>> {
    let series: Vec<usize> = (0..panel.histories().len()).filter(|&at| slice.has(panel.histories()[at].id())).collect();
    let by_series: Vec<Option<Vec<Tally>>> =
        series.par_iter().map(|&at| tally_series(backtest, &panel.histories()[at], at, slice, season_length)).collect();
    let by_series: Vec<Vec<Tally>> = by_series.into_iter().flatten().collect();
    let n_models = backtest.models().len();
    (0..n_models).map(|model| by_series.iter().map(|tallies| tallies[model].clone()).collect()).collect()
}

/// The points of one window that are judged.
struct Judged<'a> {
    window: usize,
    scale: Scale,
    /// Step ahead (from 0) and actual.
    points: Vec<(usize, f64)>,
    forecasts: Vec<&'a Forecast>,
}

fn tally_series(
    backtest: &Backtest,
    history: &History,
    at: usize,
    slice: &Slice,
    season_length: usize,
) -> Option<Vec<Tally>> {
    let mut judged = Vec::new();
    for window in backtest.windows().iter() {
        let forecast = |model: &'_ ModelForecasts| model.window(window.index)[at].is_ok();
        let Some(first) = history.len().checked_sub(window.held_out).filter(|&n| n > 0) else { continue };
        if !backtest.models().iter().all(forecast) {
            continue;
        }
        let forecasts: Vec<&Forecast> =
            backtest.models().iter().filter_map(|m| m.window(window.index)[at].as_ref().ok()).collect();
        let steps = slice.steps(backtest.windows().horizon);
        let points: Vec<(usize, f64)> =
            steps.map(|step| (step, history.values()[first + step])).filter(|(_, y)| !y.is_nan()).collect();
        if !points.is_empty() {
            let scale = Scale::of(&history.values()[..first], season_length);
            judged.push(Judged { window: window.index, scale, points, forecasts });
        }
    }
    let actuals: Vec<f64> = judged.iter().flat_map(|j| j.points.iter().map(|p| p.1)).collect();
    let peak = quantile(&actuals, 0.9)?;
    debug_assert!(judged.is_sorted_by_key(|j| j.window));
    Some((0..backtest.models().len()).map(|model| tally_model(&judged, model, peak)).collect())
}

fn tally_model(judged: &[Judged], model: usize, peak_from: f64) -> Tally {
    let mut tally = Tally { n_series: 1, ..Tally::default() };
    let mut peak = Peak::default();
    for window in judged {
        let forecast = window.forecasts[model];
        let quantiles = forecast.quantiles().starts_with(&SCORED_QUANTILES).then_some(());
        let mut sums = WindowSums::default();
        for &(step, actual) in &window.points {
            let losses = quantiles.map_or(Losses::MISSING, |()| Losses::of(actual, forecast.step(step)));
            sums.add(actual, forecast.point()[step], &losses);
            if actual >= peak_from {
                peak.add(actual, forecast.point()[step], &losses, window.scale.s1);
            }
        }
        sums.put_into(&mut tally, window.scale);
    }
    peak.put_into(&mut tally);
    tally
}

/// Quantile losses of one point.
struct Losses {
    all: f64,
    at_95: f64,
    in_90: f64,
    in_80: f64,
    under_95: f64,
    width_90: f64,
}

impl Losses {
    const MISSING: Self = Self {
        all: f64::NAN,
        at_95: f64::NAN,
        in_90: f64::NAN,
        in_80: f64::NAN,
        under_95: f64::NAN,
        width_90: f64::NAN,
    };

    /// `values` begin with those at [`SCORED_QUANTILES`]: .05 .1 .25 .5 .75 .9 .95.
    fn of(actual: f64, values: &[f64]) -> Self {
        let pinball = |(&q, &value): (&f64, &f64)| {
            if actual >= value { q * (actual - value) } else { (1.0 - q) * (value - actual) }
        };
        let losses: [f64; 7] = std::array::from_fn(|k| pinball((&SCORED_QUANTILES[k], &values[k])));
        let inside = |low: usize, high: usize| f64::from(u8::from(actual >= values[low] && actual <= values[high]));
        Self {
            all: 2.0 * (losses.iter().sum::<f64>() / 7.0),
            at_95: 2.0 * losses[6],
            in_90: inside(0, 6),
            in_80: inside(1, 5),
            under_95: f64::from(u8::from(actual <= values[6])),
            width_90: values[6] - values[0],
        }
    }
}

/// Sums over the points of one series in one window.
#[derive(Default)]
struct WindowSums {
    n: f64,
    absolute: f64,
    square: f64,
    symmetric: f64,
    loss: f64,
    at_95: f64,
    in_90: f64,
    in_80: f64,
    under_95: f64,
    width_90: f64,
    size: f64,
}

impl WindowSums {
    fn add(&mut self, actual: f64, point: f64, losses: &Losses) {
        let error = (actual - point).abs();
        let sizes = actual.abs() + point.abs();
        self.n += 1.0;
        self.absolute += error;
        self.square += error * error;
        self.symmetric += if sizes > EPSILON { 200.0 * error / sizes } else { 0.0 };
        self.loss += losses.all;
        self.at_95 += losses.at_95;
        self.in_90 += losses.in_90;
        self.in_80 += losses.in_80;
        self.under_95 += losses.under_95;
        self.width_90 += losses.width_90;
        self.size += actual.abs();
    }

    /// In the order of [`Scores::named`].
    fn put_into(&self, tally: &mut Tally, scale: Scale) {
        let scaled = scale.s1 > EPSILON;
        tally.n_points += self.n as usize;
        tally.put(0, self.absolute / self.n, 1.0);
        tally.put(RMSE, self.square, self.n);
        tally.put(2, self.symmetric / self.n, 1.0);
        if scaled {
            tally.put(3, self.absolute / self.n / scale.s1, 1.0);
            tally.put(4, math::sqrt(self.square / self.n / scale.s2), 1.0);
            tally.put(7, self.loss / self.n / scale.s1, 1.0);
        }
        tally.put(5, self.absolute, self.size);
        tally.put(6, self.loss, self.size);
        tally.put(8, self.in_90, self.n);
        tally.put(9, self.in_80, self.n);
        tally.put(10, self.under_95, self.n);
        tally.put(11, self.width_90, self.size);
        tally.put(12, self.at_95, self.size);
    }
}

/// Sums over the peak points of one series, all windows together.
#[derive(Default)]
struct Peak {
    n: f64,
    absolute: f64,
    scale: f64,
    bias: f64,
    under_95: f64,
}

impl Peak {
    fn add(&mut self, actual: f64, point: f64, losses: &Losses, s1: f64) {
        self.n += 1.0;
        self.absolute += (actual - point).abs();
        self.bias += point - actual;
        self.under_95 += losses.under_95;
        self.scale += s1;
    }

    /// In the order of [`Scores::named`].
    fn put_into(&self, tally: &mut Tally) {
        tally.put(13, self.absolute, self.n);
        let scale = self.scale / self.n;
        if scale > EPSILON {
            tally.put(14, self.absolute / self.n / scale, 1.0);
            tally.put(15, self.bias / self.n / scale, 1.0);
        }
        tally.put(16, self.under_95, self.n);
    }
}
