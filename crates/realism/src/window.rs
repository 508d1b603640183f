//! What a classifier sees of a stretch of one series.

use crate::sample::Track;
use crate::track;
use fleetcast_numeric::{math, quantile_of_sorted};
use std::f64::consts::TAU;

/// Figures per stretch and metric.
pub(crate) const FIGURES: usize = 22;

/// Length of a stretch: a day; a week of hours; four weeks of days.
pub(crate) fn length(per_day: usize) -> usize {
    match per_day {
        0..3 => 28 * per_day.max(1),
        3..48 => 7 * per_day,
        _ => per_day,
    }
}

/// Level, spread, tail, memory, jumps, roundness and daily wave of a stretch.
pub(crate) fn figures(values: &[f64], per_day: usize) -> [f64; FIGURES] {
    let n = values.len();
    let (mean, variance) = track::moments(values);
    let std = math::sqrt(variance);
    let safe = std.max(1e-9);
    let mut order = values.to_vec();
    order.sort_unstable_by(f64::total_cmp);
    let at = |q: f64| quantile_of_sorted(&order, q);
    let mut changes: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    changes.sort_unstable_by(f64::total_cmp);
    let still = changes.iter().filter(|change| **change < 1e-9).count() as f64 / changes.len() as f64;
    let memory = |lag: usize| {
        let r = track::autocorrelation(values, lag.max(1));
        if r.is_nan() { 0.0 } else { r }
    };
    let power = |k: i32| values.iter().map(|v| ((v - mean) / safe).powi(k)).sum::<f64>() / n as f64;
    let (once, twice) = (wave(values, per_day as f64), wave(values, per_day as f64 / 2.0));
    let above = values.windows(2).filter(|pair| pair[0] <= mean && pair[1] > mean).count() as f64;
    [
        mean,
        std,
        at(0.0),
        at(0.05),
        at(0.25),
        at(0.5),
        at(0.75),
        at(0.95),
        at(1.0),
        std / mean.max(1e-6),
        at(0.95) / mean.max(1e-6),
        power(3),
        power(4),
        memory(1),
        memory(3),
        memory(n / 24),
        memory(n / 6),
        quantile_of_sorted(&changes, 0.5) / safe,
        quantile_of_sorted(&changes, 0.99) / safe,
        still,
        above / n as f64,
        (once + twice) / safe,
    ]
}

/// Amplitude of the wave of `period` steps; 0 where the period is no longer than two steps.
fn wave(values: &[f64], period: f64) -> f64 {
    if period <= 2.0 {
        return 0.0;
    }
    let (mut re, mut im) = (0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        let angle = TAU * at as f64 / period;
        re += value * math::cos(angle);
        im += value * math::sin(angle);
    }
    2.0 * math::sqrt(re * re + im * im) / values.len() as f64
}

/// The figures of up to `most` stretches of a server, evenly spread over its series: those of each metric
/// one after another. `tracks` are the server's series.
pub(crate) fn of_server(tracks: &[&Track], per_day: usize, most: usize) -> Vec<Vec<f64>> {
    let length = length(per_day);
    let longest = tracks.iter().map(|t| t.values.len()).min().unwrap_or(0);
    // A series shorter than a stretch is one stretch.
    let length = length.min(longest);
    if length < 8 {
        return Vec::new();
    }
    let n = longest / length;
    let taken = n.min(most);
    let stretch = |number: usize| {
        let from = number * n / taken * length;
        tracks.iter().flat_map(|track| figures(&track.values[from..from + length], per_day)).collect()
    };
    (0..taken).map(stretch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_spread_and_their_figures_finite() {
        let values: Vec<f64> = (0..288 * 10).map(|at| f64::from(at / 288)).collect();
        let track = Track { server: "a".into(), first: 0, values };
        let rows = of_server(&[&track, &track], 288, 4);
        assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<f64>>(), [0.0, 2.0, 5.0, 7.0]);
        assert!(rows.iter().flatten().all(|figure| figure.is_finite()) && rows[0].len() == 2 * FIGURES);
        assert_eq!((length(288), length(24), length(1)), (288, 168, 28));
        let sine: Vec<f64> = (0..288).map(|at| 5.0 + 2.0 * math::cos(TAU * f64::from(at) / 288.0)).collect();
        assert!((wave(&sine, 288.0) - 2.0).abs() < 1e-9 && wave(&sine, 144.0) < 1e-9);
    }
}
