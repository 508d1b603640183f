//! The length of a step downhill that meets the strong conditions of Wolfe.
//!
//! First the search of MINPACK-2 (`dcsrch`), and where rounding stops it the one of Nocedal & Wright, as in scipy.
//!
//! Moré & Thuente (1994), "Line search algorithms with guaranteed sufficient decrease", ACM TOMS 20(3), 286-307;
//! Nocedal & Wright (2006), "Numerical optimization", 2nd ed., algorithms 3.5 and 3.6.

use super::bracket::Bracket;
use super::descent::{Loss, Probe, dot};

/// Share of the first slope's promise that a step keeps, and to which share of it the slope falls.
pub(super) const DECREASE: f64 = 1e-4;
pub(super) const CURVATURE: f64 = 0.9;
/// Most trials of the first search, and of each half of the second.
const MOST_TRIALS: usize = 100;
const MOST_DOUBLINGS: usize = 10;

/// An accepted step.
pub(super) struct Step {
    pub(super) length: f64,
    pub(super) value: f64,
    pub(super) slopes: Vec<f64>,
}

/// The line through a point in some direction.
struct Line<'a, 'b, L: Loss> {
    probe: &'a mut Probe<'b, L>,
    point: &'a [f64],
    direction: &'a [f64],
    trial: Vec<f64>,
    slopes: Vec<f64>,
    /// Loss and slope at the point.
    value: f64,
    slope: f64,
}

impl<L: Loss> Line<'_, '_, L> {
    fn go(&mut self, length: f64) {
        for (trial, (x, d)) in self.trial.iter_mut().zip(self.point.iter().zip(self.direction)) {
            *trial = x + length * d;
        }
    }

    fn value_at(&mut self, length: f64) -> f64 {
        self.go(length);
        self.probe.value(&self.trial)
    }

    /// Loss and slope along the line.
    fn both_at(&mut self, length: f64) -> (f64, f64) {
        self.go(length);
        let value = self.probe.slopes(&self.trial, &mut self.slopes);
        (value, dot(&self.slopes, self.direction))
    }

    fn is_high(&self, length: f64, value: f64) -> bool {
        value > self.value + DECREASE * length * self.slope
    }

    fn accepted(&self, length: f64, value: f64) -> Step {
        Step { length, value, slopes: self.slopes.clone() }
    }
}

/// A step from `point` along `direction`, where the loss is `value`, and was `before` one step earlier.
pub(super) fn search<L: Loss>(
    probe: &mut Probe<'_, L>,
    point: &[f64],
    direction: &[f64],
    slopes: &[f64],
    value: f64,
    before: f64,
) -> Option<Step> {
    let slope = dot(slopes, direction);
    let guess = if slope == 0.0 { 1.0 } else { least(1.0, 1.01 * 2.0 * (value - before) / slope) };
    let first = if guess < 0.0 { 1.0 } else { guess };
    let (trial, slopes) = (point.to_vec(), slopes.to_vec());
    let mut line = Line { probe, point, direction, trial, slopes, value, slope };
    bracketed(&mut line, first).or_else(|| doubled(&mut line, first))
}

/// The smaller of two; the first where they cannot be compared.
fn least(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// The search of MINPACK-2.
fn bracketed<L: Loss>(line: &mut Line<'_, '_, L>, first: f64) -> Option<Step> {
    let mut bracket = Bracket::new(first, line.value, line.slope)?;
    let mut length = first;
    for _ in 1..MOST_TRIALS {
        let (value, slope) = line.both_at(length);
        if bracket.accepts(length, value, slope) {
            return Some(line.accepted(length, value));
        }
        length = bracket.next(length, value, slope)?;
    }
    None
}

/// An end of an interval.
#[derive(Clone, Copy)]
struct Place {
    length: f64,
    value: f64,
    slope: f64,
}

/// The search that doubles the step until a minimum is between two of them.
fn doubled<L: Loss>(line: &mut Line<'_, '_, L>, first: f64) -> Option<Step> {
    let mut last = Place { length: 0.0, value: line.value, slope: line.slope };
    let mut length = first;
    for round in 0..MOST_DOUBLINGS {
        if length == 0.0 {
            return None;
        }
        let value = line.value_at(length);
        if line.is_high(length, value) || (value >= last.value && round > 0) {
            return narrowed(line, last, Place { length, value, slope: f64::NAN });
        }
        let (value, slope) = line.both_at(length);
        if slope.abs() <= -CURVATURE * line.slope {
            return Some(line.accepted(length, value));
        }
        let here = Place { length, value, slope };
        if slope >= 0.0 {
            return narrowed(line, here, last);
        }
        last = here;
        length *= 2.0;
    }
    let (value, _) = line.both_at(length);
    Some(line.accepted(length, value))
}

/// The search within an interval whose lower end is `low`.
fn narrowed<L: Loss>(line: &mut Line<'_, '_, L>, mut low: Place, mut high: Place) -> Option<Step> {
    let mut last = Place { length: 0.0, value: line.value, slope: f64::NAN };
    for round in 0..=MOST_DOUBLINGS {
        let width = high.length - low.length;
        let (left, right) = if width < 0.0 { (high.length, low.length) } else { (low.length, high.length) };
        let is_inside = |x: f64, margin: f64| x.is_finite() && x <= right - margin && x >= left + margin;
        let cubic = if round > 0 { cubic_minimum(low, high, last) } else { f64::NAN };
        let quadratic = quadratic_minimum(low, high);
        let length = if is_inside(cubic, 0.2 * width) {
            cubic
        } else if is_inside(quadratic, 0.1 * width) {
            quadratic
        } else {
            low.length + 0.5 * width
        };
        let value = line.value_at(length);
        if line.is_high(length, value) || value >= low.value {
            last = high;
            high = Place { length, value, slope: f64::NAN };
            continue;
        }
        let (value, slope) = line.both_at(length);
        if slope.abs() <= -CURVATURE * line.slope {
            return Some(line.accepted(length, value));
        }
        if slope * width >= 0.0 {
            last = high;
            high = low;
        } else {
            last = low;
        }
        low = Place { length, value, slope };
    }
    None
}

/// Where the cubic through three places with the slope of the first is least.
fn cubic_minimum(a: Place, b: Place, c: Place) -> f64 {
    let (db, dc) = (b.length - a.length, c.length - a.length);
    let scale = (db * dc) * (db * dc) * (db - dc);
    let (rise_b, rise_c) = (b.value - a.value - a.slope * db, c.value - a.value - a.slope * dc);
    let third = (dc * dc * rise_b - db * db * rise_c) / scale;
    let second = (-dc * dc * dc * rise_b + db * db * db * rise_c) / scale;
    a.length + (-second + (second * second - 3.0 * third * a.slope).sqrt()) / (3.0 * third)
}

/// Where the parabola through two places with the slope of the first is least.
fn quadratic_minimum(a: Place, b: Place) -> f64 {
    let width = b.length - a.length;
    let bend = (b.value - a.value - a.slope * width) / (width * width);
    a.length - a.slope / (2.0 * bend)
}
