//! The interval that MINPACK-2's line search keeps around a minimum (`dcsrch` and `dcstep`).
//!
//! Moré & Thuente (1994), "Line search algorithms with guaranteed sufficient decrease", ACM TOMS 20(3), 286-307.

use super::wolfe::{CURVATURE, DECREASE};

/// Least and largest step, and the relative width at which an interval is a point.
const SHORTEST: f64 = 1e-100;
const LONGEST: f64 = 1e100;
const NARROW: f64 = 1e-14;

/// Step, loss and slope.
#[derive(Clone, Copy, Debug)]
struct End {
    step: f64,
    value: f64,
    slope: f64,
}

impl End {
    /// The same after the line of the first condition, with slope `test`, is taken off; put back with its negative.
    fn less(self, test: f64) -> Self {
        Self { value: self.value - self.step * test, slope: self.slope - test, ..self }
    }
}

/// The search so far.
pub(super) struct Bracket {
    first: End,
    best: End,
    other: End,
    is_bracketed: bool,
    has_second_stage: bool,
    low: f64,
    high: f64,
    width: f64,
    width_before: f64,
}

impl Bracket {
    /// A search that tries `step` first; `None` where there is no way down.
    pub(super) fn new(step: f64, value: f64, slope: f64) -> Option<Self> {
        let first = End { step: 0.0, value, slope };
        let width = LONGEST - SHORTEST;
        ((SHORTEST..=LONGEST).contains(&step) && slope < 0.0).then_some(Self {
            first,
            best: first,
            other: first,
            is_bracketed: false,
            has_second_stage: false,
            low: 0.0,
            high: step + 4.0 * step,
            width,
            width_before: 2.0 * width,
        })
    }

    /// Slope of the line below which the loss must fall.
    fn test(&self) -> f64 {
        DECREASE * self.first.slope
    }

    /// Whether a step meets both conditions.
    pub(super) fn accepts(&self, step: f64, value: f64, slope: f64) -> bool {
        value <= self.first.value + step * self.test() && slope.abs() <= CURVATURE * -self.first.slope
    }

    /// The step to try after the one just tried, which was not accepted; `None` when there is no progress.
    pub(super) fn next(&mut self, step: f64, value: f64, slope: f64) -> Option<f64> {
        let (test, here) = (self.test(), End { step, value, slope });
        let line = self.first.value + step * test;
        if value <= line && slope >= 0.0 {
            self.has_second_stage = true;
        }
        let is_outside = step <= self.low || step >= self.high;
        let is_narrow = self.high - self.low <= NARROW * self.high;
        let is_longest = step == LONGEST && value <= line && slope <= test;
        let is_shortest = step == SHORTEST && (value > line || slope >= test);
        if (self.is_bracketed && (is_outside || is_narrow)) || is_longest || is_shortest {
            return None;
        }
        let mut next = if !self.has_second_stage && value <= self.best.value && value > line {
            (self.best, self.other) = (self.best.less(test), self.other.less(test));
            let next = self.narrow(here.less(test));
            (self.best, self.other) = (self.best.less(-test), self.other.less(-test));
            next
        } else {
            self.narrow(here)
        };
        if self.is_bracketed {
            let width = (self.other.step - self.best.step).abs();
            if width >= 0.66 * self.width_before {
                next = self.best.step + 0.5 * (self.other.step - self.best.step);
            }
            (self.width_before, self.width) = (self.width, width);
            self.low = self.best.step.min(self.other.step);
            self.high = self.best.step.max(self.other.step);
        } else {
            self.low = next + 1.1 * (next - self.best.step);
            self.high = next + 4.0 * (next - self.best.step);
        }
        next = next.clamp(SHORTEST, LONGEST);
        let is_stuck = next <= self.low || next >= self.high || self.high - self.low <= NARROW * self.high;
        if self.is_bracketed && is_stuck {
            next = self.best.step;
        }
        next.is_finite().then_some(next)
    }

    /// Takes a trial in and gives the next step (`dcstep`).
    fn narrow(&mut self, here: End) -> f64 {
        let (best, step) = (self.best, here.step);
        let are_opposed = (here.slope < 0.0 && best.slope > 0.0) || (here.slope > 0.0 && best.slope < 0.0);
        let secant = step + (here.slope / (here.slope - best.slope)) * (best.step - step);
        let next = if here.value > best.value {
            self.is_bracketed = true;
            higher(best, here)
        } else if are_opposed {
            self.is_bracketed = true;
            let cubic = cubic(here, best, false);
            if (cubic - step).abs() > (secant - step).abs() { cubic } else { secant }
        } else if here.slope.abs() < best.slope.abs() {
            self.flatter(here, secant)
        } else if self.is_bracketed {
            cubic(here, self.other, false)
        } else if step > best.step {
            self.high
        } else {
            self.low
        };
        if here.value > best.value {
            self.other = here;
        } else {
            if are_opposed {
                self.other = best;
            }
            self.best = here;
        }
        next
    }

    /// The next step where the loss fell and the slope became flatter.
    fn flatter(&self, here: End, secant: f64) -> f64 {
        let (best, step) = (self.best, here.step);
        let cubic = cubic(here, best, true);
        let cubic = match (cubic.is_nan(), step > best.step) {
            (false, _) => cubic,
            (true, true) => self.high,
            (true, false) => self.low,
        };
        let is_nearer = (cubic - step).abs() < (secant - step).abs();
        if !self.is_bracketed {
            let next = if (cubic - step).abs() > (secant - step).abs() { cubic } else { secant };
            return next.max(self.low).min(self.high);
        }
        let next = if is_nearer { cubic } else { secant };
        let limit = step + 0.66 * (self.other.step - step);
        if step > best.step { next.min(limit) } else { next.max(limit) }
    }
}

/// The step between `best` and a higher `here`: that of the cubic, or half way to that of the parabola.
fn higher(best: End, here: End) -> f64 {
    let reach = here.step - best.step;
    let cubic = cubic(best, here, false);
    let parabola = best.step + best.slope / ((best.value - here.value) / reach + best.slope) / 2.0 * reach;
    if (cubic - best.step).abs() <= (parabola - best.step).abs() { cubic } else { cubic + (parabola - cubic) / 2.0 }
}

/// The minimum of the cubic through `a` and `b`, seen from `a`; where `only_beyond`, not a number unless it lies beyond `a`.
fn cubic(a: End, b: End, only_beyond: bool) -> f64 {
    let theta = 3.0 * (b.value - a.value) / (a.step - b.step) + b.slope + a.slope;
    let size = theta.abs().max(b.slope.abs()).max(a.slope.abs());
    let under = (theta / size) * (theta / size) - (a.slope / size) * (b.slope / size);
    let root = size * if only_beyond { under.max(0.0) } else { under }.sqrt();
    let gamma = if a.step > b.step { -root } else { root };
    let up = (gamma - a.slope) + theta;
    let down = if only_beyond { (gamma + (b.slope - a.slope)) + gamma } else { ((gamma - a.slope) + gamma) + b.slope };
    let ratio = up / down;
    if only_beyond && !(ratio < 0.0 && gamma != 0.0) { f64::NAN } else { a.step + ratio * (b.step - a.step) }
}
