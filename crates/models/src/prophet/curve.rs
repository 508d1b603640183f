//! The trend at any time, its slopes in its parameters, and the fit of models that are not linear in them.

use super::design::{self, Design};
use super::map::{self, Map, Normal};
use super::options::{Growth, Mode};
use fleetcast_numeric::math;

const MOST_ROUNDS: usize = 200;
/// Halvings of a step that does not help before the search ends.
const MOST_HALVINGS: usize = 30;
/// Share of the capacity that the first and the last value may come near to when the search begins.
const MARGIN: f64 = 0.01;

/// A trend in scaled units of value and time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trend<'a> {
    pub(super) growth: Growth,
    /// Capacity above the floor in scaled units; what it is matters to logistic growth only.
    pub(super) cap: f64,
    pub(super) changepoints: &'a [f64],
    /// Changes of slope, then the slope (unless the trend is flat) and the offset.
    pub(super) parameters: &'a [f64],
}

impl Trend<'_> {
    fn slope_and_offset(&self) -> (f64, f64) {
        let n = self.changepoints.len();
        match self.growth {
            Growth::Flat => (0.0, self.parameters[n]),
            _ => (self.parameters[n], self.parameters[n + 1]),
        }
    }

    /// Its value at scaled time `t`.
    pub(super) fn at(&self, t: f64) -> f64 {
        let (mut slope, mut offset) = self.slope_and_offset();
        let passed = self.changepoints.iter().zip(self.parameters).take_while(|(change, _)| **change <= t);
        match self.growth {
            Growth::Flat => offset,
            Growth::Linear => {
                for (change, delta) in passed {
                    slope += delta;
                    offset -= change * delta;
                }
                slope * t + offset
            }
            Growth::Logistic { .. } => {
                for (change, delta) in passed {
                    offset += (change - offset) * (1.0 - ratio(slope, slope + delta));
                    slope += delta;
                }
                self.cap * logistic(slope * (t - offset))
            }
        }
    }

    /// Its derivatives at each of `times` (ascending) in each parameter, row by row.
    fn slopes(&self, times: &[f64]) -> Vec<f64> {
        let (n, width) = (self.changepoints.len(), self.parameters.len());
        let mut rows = Vec::with_capacity(times.len() * width);
        if !matches!(self.growth, Growth::Logistic { .. }) {
            for &t in times {
                rows.extend(self.changepoints.iter().map(|change| (t - change).max(0.0)));
                if self.growth == Growth::Linear {
                    rows.push(t);
                }
                rows.push(1.0);
            }
            return rows;
        }
        let (mut slope, mut offset) = self.slope_and_offset();
        let (mut of_slope, mut of_offset) = (vec![0.0; width], vec![0.0; width]);
        (of_slope[n], of_offset[n + 1]) = (1.0, 1.0);
        let mut next = 0;
        for &t in times {
            while next < n && self.changepoints[next] <= t {
                let (change, after) = (self.changepoints[next], slope + self.parameters[next]);
                let share = ratio(slope, after);
                let lever = (change - offset) / nonzero(after);
                for j in 0..width {
                    let of_after = of_slope[j] + if j == next { 1.0 } else { 0.0 };
                    of_offset[j] += -of_offset[j] * (1.0 - share) + lever * (share * of_after - of_slope[j]);
                    of_slope[j] = of_after;
                }
                offset += (change - offset) * (1.0 - share);
                slope = after;
                next += 1;
            }
            let s = logistic(slope * (t - offset));
            let factor = self.cap * s * (1.0 - s);
            rows.extend((0..width).map(|j| factor * (of_slope[j] * (t - offset) - slope * of_offset[j])));
        }
        rows
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + math::exp(-x))
}

fn nonzero(x: f64) -> f64 {
    if x.abs() < 1e-12 { 1e-12_f64.copysign(x) } else { x }
}

fn ratio(above: f64, below: f64) -> f64 {
    above / nonzero(below)
}

/// Slope and offset with which the search begins: through the first and the last value.
pub(super) fn start(growth: Growth, cap: f64, y: &[f64]) -> Vec<f64> {
    let (first, last) = (y[0], y[y.len() - 1]);
    match growth {
        Growth::Flat => vec![math::mean(y).unwrap_or(0.0)],
        Growth::Linear => vec![last - first, first],
        Growth::Logistic { .. } => {
            let odds = |value: f64| cap / value.clamp(MARGIN * cap, (1.0 - MARGIN) * cap);
            let (mut before, after) = (odds(first), odds(last));
            if (before - after).abs() <= 0.01 {
                before *= 1.05;
            }
            let (before, after) = (math::ln(before - 1.0), math::ln(after - 1.0));
            vec![before - after, before / (before - after)]
        }
    }
}

/// The most probable coefficients when effects multiply or growth saturates: the model is replaced by its
/// tangent, whose answer is exact, and the step to it is halved until it helps (Gauss and Newton).
pub(super) fn fit(design: &Design, growth: Growth, cap: f64, y: &[f64]) -> Map {
    let width = design.width();
    let coefficients = design.start(&start(growth, cap, y));
    let model = Model { design, growth, cap, times: design.rows.iter().map(|&row| design.clock.at(row)).collect() };
    let mut best = model.judged(coefficients, y);
    for _ in 0..MOST_ROUNDS {
        let (tangent, target) = model.tangent(&best.1.coefficients, y);
        let normal = Normal {
            gram: &design::gram(&tangent, width),
            right: design::products(&tangent, width, &target),
            square: target.iter().map(|v| v * v).sum(),
            n_rows: y.len(),
        };
        let goal = map::solve(&normal, &design.priors).coefficients;
        let better = (0..MOST_HALVINGS).find_map(|halvings| {
            let share = 0.5_f64.powi(halvings as i32);
            let way = best.1.coefficients.iter().zip(&goal).map(|(from, to)| from + share * (to - from));
            Some(model.judged(way.collect(), y)).filter(|next| next.0 < best.0)
        });
        let Some(better) = better else { break };
        let gained = best.0 - better.0;
        best = better;
        if gained <= 1e-9 * (1.0 + best.0.abs()) {
            break;
        }
    }
    best.1
}

struct Model<'a> {
    design: &'a Design,
    growth: Growth,
    cap: f64,
    times: Vec<f64>,
}

impl Model<'_> {
    fn trend<'b>(&'b self, coefficients: &'b [f64]) -> Trend<'b> {
        let parameters = &coefficients[..coefficients.len() - self.design.features.n_columns];
        Trend { growth: self.growth, cap: self.cap, changepoints: &self.design.changepoints, parameters }
    }

    /// Minus the logarithm of the posterior with the noise that is best, and both.
    fn judged(&self, coefficients: Vec<f64>, y: &[f64]) -> (f64, Map) {
        let trend = self.trend(&coefficients);
        let rows = self.design.matrix.chunks_exact(self.design.width()).zip(&self.times);
        let squares: f64 = rows
            .zip(y)
            .map(|((row, &t), y)| {
                let (added, factor) = self.effects(row, &coefficients);
                let miss = y - (trend.at(t) * factor + added);
                miss * miss
            })
            .sum();
        let sigma = map::sigma_of(squares, y.len());
        let loss = y.len() as f64 * math::ln(sigma) + squares / (2.0 * sigma * sigma);
        let loss = loss + self.design.priors.penalty(&coefficients, sigma);
        // A step into nonsense must lose every comparison.
        (if loss.is_nan() { f64::INFINITY } else { loss }, Map { coefficients, sigma })
    }

    /// What is added to the trend and what it is multiplied by, at one row.
    fn effects(&self, row: &[f64], coefficients: &[f64]) -> (f64, f64) {
        let features = &self.design.features;
        let first = row.len() - features.n_columns;
        effects(&self.design.features.parts, &row[first..], &coefficients[first..])
    }

    /// The linear model that touches this one at `coefficients`, and what it is to explain.
    fn tangent(&self, coefficients: &[f64], y: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (width, trend) = (self.design.width(), self.trend(coefficients));
        let first = width - self.design.features.n_columns;
        let mut matrix = self.design.matrix.clone();
        let mut target = Vec::with_capacity(y.len());
        let slopes = trend.slopes(&self.times);
        let rows = matrix.chunks_exact_mut(width).zip(slopes.chunks_exact(first)).zip(&self.times);
        for (((row, slopes), &t), y) in rows.zip(y) {
            let ((added, factor), level) = (self.effects(row, coefficients), trend.at(t));
            row[..first].iter_mut().zip(slopes).for_each(|(place, slope)| *place = factor * slope);
            for part in self.design.features.parts.iter().filter(|part| part.mode == Mode::Multiplicative) {
                row[first..][part.columns.clone()].iter_mut().for_each(|place| *place *= level);
            }
            let known: f64 = row.iter().zip(coefficients).map(|(v, c)| v * c).sum();
            target.push(y - (level * factor + added) + known);
        }
        (matrix, target)
    }
}

/// What the parts add to the trend and what they multiply it by.
pub(super) fn effects(parts: &[super::features::Part], row: &[f64], coefficients: &[f64]) -> (f64, f64) {
    let (mut added, mut factor) = (0.0, 1.0);
    for part in parts {
        let columns = part.columns.clone();
        let sum: f64 = row[columns.clone()].iter().zip(&coefficients[columns]).map(|(v, c)| v * c).sum();
        match part.mode {
            Mode::Additive => added += sum,
            Mode::Multiplicative => factor += sum,
        }
    }
    (added, factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_small_differences() {
        let changepoints = [0.2, 0.5];
        for growth in [Growth::Linear, Growth::Logistic { cap: 3.0, floor: 0.0 }] {
            let parameters = [0.7, -1.1, 2.0, 0.4];
            let trend = Trend { growth, cap: 3.0, changepoints: &changepoints, parameters: &parameters };
            let times = [0.0, 0.3, 0.5, 0.9, 1.4];
            let slopes = trend.slopes(&times);
            for (i, &t) in times.iter().enumerate() {
                for j in 0..4 {
                    let moved = |by: f64| {
                        let mut parameters = parameters;
                        parameters[j] += by;
                        Trend { parameters: &parameters, ..trend }.at(t)
                    };
                    let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                    assert!((slopes[i * 4 + j] - difference).abs() < 1e-6, "{growth:?} {t} {j}: {difference}");
                }
            }
        }
    }
}
