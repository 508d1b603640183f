//! The members of the family: which error, trend and season, and where the search for each begins.

use crate::season::moving_average;
use fleetcast_numeric::{linear, math};

/// How a component joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    None,
    Added,
    Multiplied,
}

/// Error, trend and season of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) error_multiplies: bool,
    pub(super) has_trend: bool,
    pub(super) is_damped: bool,
    pub(super) season: Join,
}

impl Form {
    /// The forms to compare, in the order in which the first of equals wins: multiplicative ones only for positive
    /// series, and never an additive error with a multiplicative season, which is unstable.
    pub(super) fn admissible(is_positive: bool, is_seasonal: bool) -> Vec<Self> {
        let mut forms = Vec::new();
        for error_multiplies in [false, true] {
            for has_trend in [false, true] {
                for season in [Join::None, Join::Added, Join::Multiplied] {
                    for is_damped in [true, false] {
                        let form = Self { error_multiplies, has_trend, is_damped, season };
                        let needs_positive = error_multiplies || season == Join::Multiplied;
                        let is_stable = error_multiplies || season != Join::Multiplied;
                        let fits = (is_seasonal || season == Join::None) && (is_positive || !needs_positive);
                        if fits && is_stable && (has_trend || !is_damped) {
                            forms.push(form);
                        }
                    }
                }
            }
        }
        forms
    }

    /// Its name as in the literature, for example `MAdM`.
    pub(super) fn name(self) -> String {
        let trend = match (self.has_trend, self.is_damped) {
            (false, _) => "N",
            (true, false) => "A",
            (true, true) => "Ad",
        };
        let season = match self.season {
            Join::None => "N",
            Join::Added => "A",
            Join::Multiplied => "M",
        };
        format!("{}{trend}{season}", if self.error_multiplies { "M" } else { "A" })
    }
}

/// Bounds of the smoothing parameters.
pub(super) const LEAST: f64 = 0.0001;
pub(super) const MOST: f64 = 0.9999;
const LEAST_DAMPING: f64 = 0.8;
const MOST_DAMPING: f64 = 0.98;

/// Where a search begins, and the bounds it keeps.
pub(super) struct Start {
    pub(super) point: Vec<f64>,
    pub(super) low: Vec<f64>,
    pub(super) high: Vec<f64>,
}

/// The start of a form. `most_beta` is the bound of the slope's smoothing: the smallest first alpha of the forms with a
/// trend so far, this one included.
pub(super) fn start(form: Form, y: &[f64], season_length: usize, most_beta: &mut f64) -> Start {
    let m = if form.season == Join::None { 1 } else { season_length };
    let alpha = first_alpha(m);
    let (mut point, mut low, mut high) = (vec![alpha], vec![LEAST], vec![MOST]);
    if form.has_trend {
        *most_beta = most_beta.min(alpha);
        point.push(LEAST + 0.1 * (*most_beta - LEAST));
        low.push(LEAST);
        high.push(*most_beta);
    }
    if form.season != Join::None {
        let most_gamma = MOST.min(1.0 - alpha);
        point.push(LEAST + 0.05 * (most_gamma - LEAST));
        low.push(LEAST);
        high.push(most_gamma);
    }
    if form.is_damped {
        point.push(LEAST_DAMPING + 0.99 * (MOST_DAMPING - LEAST_DAMPING));
        low.push(LEAST_DAMPING);
        high.push(MOST_DAMPING);
    }
    point.extend(first_state(form, y, m));
    low.resize(point.len(), f64::NEG_INFINITY);
    high.resize(point.len(), f64::INFINITY);
    Start { point, low, high }
}

fn first_alpha(m: usize) -> f64 {
    LEAST + 0.2 * (MOST - LEAST) / m as f64
}

/// Level, slope and all indices of the season but the oldest, newest first.
fn first_state(form: Form, y: &[f64], m: usize) -> Vec<f64> {
    let (adjusted, mut indices) = match form.season {
        Join::None => (y.to_vec(), Vec::new()),
        season => {
            let pattern = pattern(y, m, season);
            let mut indices: Vec<f64> = pattern[1..m].iter().rev().copied().collect();
            let adjusted: Vec<f64> = match season {
                Join::Multiplied => {
                    indices.iter_mut().for_each(|index| *index = index.max(0.01));
                    if indices.iter().sum::<f64>() > m as f64 {
                        let sum: f64 = indices.iter().map(|index| index + 0.01).sum();
                        indices.iter_mut().for_each(|index| *index /= sum);
                    }
                    y.iter().zip(&pattern).map(|(y, index)| y / index.max(0.01)).collect()
                }
                _ => y.iter().zip(&pattern).map(|(y, index)| y - index).collect(),
            };
            (adjusted, indices)
        }
    };
    let n = (2 * m).max(10).min(adjusted.len());
    let mut state = if form.has_trend {
        let (level, slope) = line(&adjusted[..n]);
        // A first forecast of nothing cannot be divided by.
        if (level + slope).abs() < 1e-8 { vec![level * 1.001, slope * 0.999] } else { vec![level, slope] }
    } else {
        vec![adjusted[..n].iter().sum::<f64>() / n as f64]
    };
    state.append(&mut indices);
    state
}

/// Level at step 0 and slope of the least squares line through steps 1, 2, ...
fn line(y: &[f64]) -> (f64, f64) {
    let n = y.len() as f64;
    let (mean_t, mean) = ((n + 1.0) / 2.0, y.iter().sum::<f64>() / n);
    let (mut cross, mut square) = (0.0, 0.0);
    for (t, v) in y.iter().enumerate() {
        let t = t as f64 + 1.0 - mean_t;
        cross += t * (v - mean);
        square += t * t;
    }
    let slope = if square > 0.0 { cross / square } else { 0.0 };
    (mean - slope * mean_t, slope)
}

/// The season at every step: by classical decomposition from three seasons on, else what a line leaves.
fn pattern(y: &[f64], m: usize, season: Join) -> Vec<f64> {
    if y.len() < 3 * m {
        let (level, slope) = line_beside_a_wave(y, m);
        let trend = |t: usize| level + slope * (t as f64 + 1.0);
        let each = y.iter().enumerate();
        return match season {
            Join::Multiplied => each.map(|(t, y)| y / trend(t)).collect(),
            _ => each.map(|(t, y)| y - trend(t)).collect(),
        };
    }
    let trend = moving_average(y, m);
    let apart: Vec<f64> = match season {
        Join::Multiplied => y.iter().zip(&trend).map(|(y, trend)| y / trend).collect(),
        _ => y.iter().zip(&trend).map(|(y, trend)| y - trend).collect(),
    };
    let means: Vec<f64> = (0..m)
        .map(|step| {
            let at_step: Vec<f64> = apart.iter().skip(step).step_by(m).copied().collect();
            math::mean(&at_step).expect("three seasons leave centred values at each step")
        })
        .collect();
    let mean = means.iter().sum::<f64>() / m as f64;
    let index = |t: usize| if season == Join::Multiplied { means[t % m] / mean } else { means[t % m] - mean };
    (0..y.len()).map(index).collect()
}

/// Level and slope of the least squares fit of a line and one wave per season.
fn line_beside_a_wave(y: &[f64], m: usize) -> (f64, f64) {
    let columns = if m == 2 { 3 } else { 4 };
    let mut matrix = vec![0.0; columns * columns];
    let mut right = vec![0.0; columns];
    for (t, &v) in y.iter().enumerate() {
        let time = t as f64 + 1.0;
        let angle = std::f64::consts::TAU * time / m as f64;
        let row = [1.0, time, math::cos(angle), math::sin(angle)];
        for (i, (x, sum)) in row.iter().zip(&mut right).enumerate() {
            *sum += x * v;
            matrix[i * columns..(i + 1) * columns].iter_mut().zip(&row).for_each(|(sum, other)| *sum += x * other);
        }
    }
    match linear::cholesky(&matrix, columns) {
        Some(factor) => {
            linear::solve_cholesky(&factor, &mut right);
            (right[0], right[1])
        }
        None => line(y),
    }
}
