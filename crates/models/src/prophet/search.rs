//! The way that Prophet looks for the most probable coefficients, step by step: it ends before the top, and where it ends
//! is what users know as Prophet's answer.
//!
//! Limited-memory BFGS with five remembered steps and the strong Wolfe conditions: Nocedal & Wright (2006),
//! "Numerical optimization", 2nd ed., algorithms 7.4, 7.5, 3.5 and 3.6, with the first step, guess of a step and rules
//! to end of the Stan library. A step costs one product with the matrix of inner products, whatever the length
//! of the series; the tries of its line search cost next to nothing.

use super::map::{Map, Normal, Priors};
use fleetcast_numeric::math;
use std::collections::VecDeque;

const REMEMBERED: usize = 5;
const MOST_STEPS: usize = 10_000;
/// Tries of one line search to bracket a step, and to narrow the bracket.
const MOST_TRIES: usize = 20;
const MOST_NARROWINGS: usize = 100;
const FIRST_LENGTH: f64 = 1e-3;
const LEAST_LENGTH: f64 = 1e-12;
const LEAST_BRACKET: f64 = 1e-16;
/// Wolfe's constants: least decrease, and most of the slope that may be left.
const DECREASE: f64 = 1e-4;
const CURVATURE: f64 = 0.9;
/// Steps after which the products are worked out anew, because rounding adds up.
const REFRESHED: usize = 64;
/// When the search ends: on a gradient, a step or a gain this small, or this small beside the value.
const GRADIENT: f64 = 1e-8;
const STEP: f64 = 1e-8;
const GAIN: f64 = 1e-12;
const RELATIVE_GAIN: f64 = 1e4 * f64::EPSILON;
const RELATIVE_GRADIENT: f64 = 1e7 * f64::EPSILON;

/// Where the search from `start` ends; `None` when it finds no way on, as without noise.
pub(super) fn solve(normal: &Normal, priors: &Priors, start: &[f64]) -> Option<Map> {
    let posterior = Posterior { normal, priors };
    // The last coordinate is the logarithm of the noise, which begins at 1.
    let mut x = start.to_vec();
    x.push(0.0);
    let end = search(&posterior, x)?;
    let (sigma, coefficients) = end.x.split_last().expect("the noise is always there");
    Some(Map { coefficients: coefficients.to_vec(), sigma: math::exp(*sigma) })
}

/// A point with its value and gradient.
#[derive(Clone, Debug)]
struct Point {
    x: Vec<f64>,
    /// The matrix of inner products times the coefficients.
    product: Vec<f64>,
    /// Sum of squared residuals.
    squares: f64,
    value: f64,
    gradient: Vec<f64>,
}

/// Minus the logarithm of the posterior.
struct Posterior<'a> {
    normal: &'a Normal<'a>,
    priors: &'a Priors,
}

impl Posterior<'_> {
    fn product(&self, z: &[f64]) -> Vec<f64> {
        self.normal.gram.chunks_exact(z.len()).map(|row| dot(row, z)).collect()
    }

    fn at(&self, x: Vec<f64>, product: Vec<f64>) -> Point {
        let (log_sigma, z) = x.split_last().expect("the noise is always there");
        let (n, n_laplace) = (self.normal.n_rows as f64, self.priors.n_laplace);
        let squares = self.normal.square + dot(z, &product) - 2.0 * dot(z, &self.normal.right);
        let precision = math::exp(-2.0 * log_sigma);
        let mut gradient: Vec<f64> = Vec::with_capacity(x.len());
        gradient.extend(product.iter().zip(&self.normal.right).map(|(product, right)| (product - right) * precision));
        for (slope, z) in gradient[..n_laplace].iter_mut().zip(z) {
            *slope += if *z == 0.0 { 0.0 } else { self.priors.laplace.copysign(*z) };
        }
        let gaussian = gradient[n_laplace..].iter_mut().zip(&z[n_laplace..]).zip(&self.priors.gaussian);
        gaussian.for_each(|((slope, z), prior)| *slope += prior * z);
        let sigma = math::exp(*log_sigma);
        gradient.push(n - squares * precision + 4.0 * sigma * sigma);
        let value = n * log_sigma + 0.5 * squares * precision + self.priors.penalty(z, sigma);
        Point { x, product, squares, value, gradient }
    }
}

/// Four sums at once: the order is fixed, so that the same input gives the same bits.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (left, right) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

fn along(x: &[f64], direction: &[f64], length: f64) -> Vec<f64> {
    x.iter().zip(direction).map(|(x, d)| x + length * d).collect()
}

/// The last steps, from which the curvature is guessed.
#[derive(Default)]
struct Memory {
    /// Step, change of the gradient, and one over their product.
    steps: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    scale: f64,
}

impl Memory {
    fn remember(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let product = dot(&step, &change);
        self.scale = product / dot(&change, &change);
        if self.steps.len() == REMEMBERED {
            self.steps.pop_front();
        }
        self.steps.push_back((step, change, 1.0 / product));
    }

    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut shares = [0.0; REMEMBERED];
        for (share, (step, change, inverse)) in shares.iter_mut().zip(self.steps.iter().rev()) {
            *share = inverse * dot(step, &direction);
            direction.iter_mut().zip(change).for_each(|(d, c)| *d -= *share * c);
        }
        direction.iter_mut().for_each(|d| *d *= self.scale);
        for (share, (step, change, inverse)) in shares[..self.steps.len()].iter().rev().zip(&self.steps) {
            let correction = share - inverse * dot(change, &direction);
            direction.iter_mut().zip(step).for_each(|(d, s)| *d += correction * s);
        }
        direction
    }
}

/// What is known of the last step when the length of the next is guessed.
struct Last {
    length: f64,
    slope_before: f64,
    slope_after: f64,
    gain: f64,
}

fn search(posterior: &Posterior, start: Vec<f64>) -> Option<Point> {
    let product = posterior.product(&start[..start.len() - 1]);
    let mut point = posterior.at(start, product);
    let mut memory = Memory::default();
    let mut last: Option<Last> = None;
    for number in 1..=MOST_STEPS {
        let guessed = last.as_ref().and_then(|last| {
            let direction = memory.direction(&point.gradient);
            let length = (1.01 * lowest_of_cubic(last)).min(1.0);
            Some((line_search(posterior, &point, &direction, length)?, direction, false))
        });
        let (found, direction, is_steepest) = match guessed {
            Some(found) => found,
            None => {
                let direction: Vec<f64> = point.gradient.iter().map(|g| -g).collect();
                let found = line_search(posterior, &point, &direction, FIRST_LENGTH)?;
                memory = Memory::default();
                (found, direction, true)
            }
        };
        let (length, next) = found;
        let step: Vec<f64> = next.x.iter().zip(&point.x).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = next.gradient.iter().zip(&point.gradient).map(|(a, b)| a - b).collect();
        // After a step down the gradient the curvature along it is the only one known.
        let stretch = if is_steepest { dot(&change, &change) / dot(&step, &change) } else { 1.0 };
        last = Some(Last {
            length: length * stretch,
            slope_before: dot(&point.gradient, &direction) / stretch,
            slope_after: dot(&next.gradient, &direction) / stretch,
            gain: next.value - point.value,
        });
        let step_size = math::sqrt(dot(&step, &step));
        memory.remember(step, change);
        let gain = (point.value - next.value).abs();
        let size = point.value.abs().max(next.value.abs()).max(1.0);
        point = next;
        if number % REFRESHED == 0 {
            point.product = posterior.product(&point.x[..point.x.len() - 1]);
        }
        let expected = dot(&point.gradient, &memory.direction(&point.gradient)).abs();
        if math::sqrt(dot(&point.gradient, &point.gradient)) < GRADIENT
            || step_size < STEP
            || gain < GAIN
            || gain / size < RELATIVE_GAIN
            || expected / point.value.abs().max(1.0) < RELATIVE_GRADIENT
        {
            return Some(point);
        }
    }
    Some(point)
}

/// Where the cubic through both ends of the last step is lowest, from almost nothing to 1.
fn lowest_of_cubic(last: &Last) -> f64 {
    let &Last { length, slope_before, slope_after, gain } = last;
    let third = (6.0 * length * (slope_before + slope_after) - 12.0 * gain) / (length * length * length);
    let second = 6.0 * gain / (length * length) - (4.0 * slope_before + 2.0 * slope_after) / length;
    let value = |x: f64| x * (x * (x * third / 3.0 + second) / 2.0 + slope_before);
    let root = math::sqrt(second * second - 2.0 * slope_before * third);
    let mut lowest = LEAST_LENGTH;
    // Comparisons with NaN are false: where there is no root there is no candidate.
    for x in [1.0, -(second + root) / third, -(second - root) / third] {
        if x > LEAST_LENGTH && x <= 1.0 && value(x) < value(lowest) {
            lowest = x;
        }
    }
    lowest
}

/// One end of a bracket: how far along, the value there and its slope.
#[derive(Clone, Copy)]
struct End {
    length: f64,
    value: f64,
    slope: f64,
}

/// A line search: where it starts, where it looks, and how the parts of the posterior change on the way.
struct Line<'a> {
    posterior: &'a Posterior<'a>,
    from: &'a Point,
    direction: &'a [f64],
    /// The matrix of inner products times the direction.
    product: Vec<f64>,
    slope: f64,
    /// Squared residuals: half of the slope at the start, and curvature.
    squares: (f64, f64),
    /// Squares in the Gaussian priors: at the start, half of the slope there, and curvature.
    gaussian: (f64, f64, f64),
}

impl<'a> Line<'a> {
    fn new(posterior: &'a Posterior, from: &'a Point, direction: &'a [f64]) -> Self {
        let n = direction.len() - 1;
        let product = posterior.product(&direction[..n]);
        let (z, d) = (&from.x[..n], &direction[..n]);
        let squares = (dot(d, &from.product) - dot(d, &posterior.normal.right), dot(d, &product));
        let n_laplace = posterior.priors.n_laplace;
        let mut gaussian = (0.0, 0.0, 0.0);
        for ((z, d), prior) in z.iter().zip(d).skip(n_laplace).zip(&posterior.priors.gaussian) {
            gaussian.0 += prior * z * z;
            gaussian.1 += prior * z * d;
            gaussian.2 += prior * d * d;
        }
        let slope = dot(&from.gradient, direction);
        Self { posterior, from, direction, product, slope, squares, gaussian }
    }

    /// Value and slope some way along: sums over the Laplace coefficients only.
    fn at(&self, length: f64) -> End {
        let (n, last) = (self.posterior.normal.n_rows as f64, self.direction.len() - 1);
        let log_sigma = self.from.x[last] + length * self.direction[last];
        let sigma = math::exp(log_sigma);
        let precision = math::exp(-2.0 * log_sigma);
        let squares = self.from.squares + length * (2.0 * self.squares.0 + length * self.squares.1);
        let (mut sizes, mut turns) = (0.0, 0.0);
        let n_laplace = self.posterior.priors.n_laplace;
        for (z, d) in self.from.x[..n_laplace].iter().zip(self.direction) {
            let z = z + length * d;
            sizes += z.abs();
            turns += if z == 0.0 { 0.0 } else { d * 1.0_f64.copysign(z) };
        }
        let (at_start, half_slope, curvature) = self.gaussian;
        let gaussian = at_start + length * (2.0 * half_slope + length * curvature);
        let laplace = self.posterior.priors.laplace;
        let value = n * log_sigma + 0.5 * squares * precision + laplace * sizes + 0.5 * gaussian + 2.0 * sigma * sigma;
        let noise_slope = n - squares * precision + 4.0 * sigma * sigma;
        let slope = (self.squares.0 + length * self.squares.1) * precision
            + laplace * turns
            + (half_slope + length * curvature)
            + self.direction[last] * noise_slope;
        End { length, value, slope }
    }

    /// The length and the point it leads to.
    fn point(&self, length: f64) -> (f64, Point) {
        let x = along(&self.from.x, self.direction, length);
        (length, self.posterior.at(x, along(&self.from.product, &self.product, length)))
    }

    fn is_flat(&self, end: End) -> bool {
        end.slope.abs() <= -CURVATURE * self.slope
    }
}

/// A step of about `length` that keeps Wolfe's conditions, and the point it leads to.
fn line_search(posterior: &Posterior, from: &Point, direction: &[f64], length: f64) -> Option<(f64, Point)> {
    let line = Line::new(posterior, from, direction);
    let enough = from.value + length * DECREASE * line.slope;
    let mut low = End { length: LEAST_LENGTH, value: from.value, slope: line.slope };
    let mut length = length;
    for tries in 0..MOST_TRIES {
        let end = line.at(length);
        if !end.value.is_finite() {
            length = 0.5 * (low.length + length);
            continue;
        }
        if end.value > enough || (end.value >= low.value && tries > 0) {
            return narrow(&line, low, end);
        }
        if line.is_flat(end) {
            return Some(line.point(length));
        }
        if end.slope >= 0.0 {
            return narrow(&line, end, low);
        }
        low = end;
        length *= 10.0;
    }
    None
}

/// Narrows a bracket, of whose ends `low` has the lower value, until a point in it keeps Wolfe's conditions.
fn narrow(line: &Line, mut low: End, mut high: End) -> Option<(f64, Point)> {
    for tries in 1..=MOST_NARROWINGS {
        let width = (low.length - high.length).abs();
        if width < LEAST_BRACKET {
            return None;
        }
        let middle = 0.5 * (low.length + high.length);
        let (left, right) = (low.length.min(high.length), low.length.max(high.length));
        let guess = if tries % 5 == 0 { middle } else { interpolated(low, high) };
        let is_inside = guess >= left + 0.01 * width && guess <= right - 0.01 * width;
        let length = if is_inside { guess } else { middle };
        let end = line.at(length);
        if !end.value.is_finite() {
            return None;
        }
        if end.value > line.from.value + length * DECREASE * line.slope || end.value >= low.value {
            high = end;
            continue;
        }
        if line.is_flat(end) {
            return Some(line.point(length));
        }
        if end.slope * (high.length - low.length) >= 0.0 {
            high = low;
        }
        low = end;
    }
    None
}

/// Where the cubic through both ends and their slopes is lowest.
fn interpolated(low: End, high: End) -> f64 {
    let first = low.slope + high.slope - 3.0 * (low.value - high.value) / (low.length - high.length);
    let root = math::sqrt(first * first - low.slope * high.slope);
    let second = if high.length < low.length { -root } else { root };
    let share = (high.slope + second - first) / (high.slope - low.slope + 2.0 * second);
    high.length - (high.length - low.length) * share
}
