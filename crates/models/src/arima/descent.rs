//! Minimisation by BFGS with forward differences, as scipy's `minimize(method="BFGS")` does it, so that it ends where that ends.
//!
//! Nocedal & Wright (2006), "Numerical optimization", 2nd ed., algorithm 6.1.

use super::wolfe;

/// Step of the forward differences.
const DIFFERENCE: f64 = 1.490_116_119_384_765_6e-8;
/// Largest entry of the gradient at which the search ends.
const TOLERANCE: f64 = 1e-8;
const MOST_ROUNDS: usize = 100;

/// What is minimised: several points at once, because gradients need them.
pub(super) trait Loss {
    /// The loss at each of the points.
    fn losses(&mut self, points: &[Vec<f64>], losses: &mut [f64]);
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The gradient vanished, rounding hides what could be gained, or there is no finite loss.
    Settled,
    TooManyRounds,
}

/// Where a search ended.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) point: Vec<f64>,
    pub(super) loss: f64,
    pub(super) end: End,
    /// Whether every diagonal entry of the estimated inverse curvature is a number above or at zero.
    pub(super) has_variances: bool,
}

/// A loss with the room to evaluate it.
pub(super) struct Probe<'a, L: Loss> {
    loss: &'a mut L,
    points: Vec<Vec<f64>>,
    losses: Vec<f64>,
}

impl<'a, L: Loss> Probe<'a, L> {
    fn new(loss: &'a mut L, size: usize) -> Self {
        Self { loss, points: vec![vec![0.0; size]; size + 1], losses: vec![0.0; size + 1] }
    }

    /// The loss at `point`.
    pub(super) fn value(&mut self, point: &[f64]) -> f64 {
        self.points[0].copy_from_slice(point);
        self.loss.losses(&self.points[..1], &mut self.losses[..1]);
        self.losses[0]
    }

    /// The loss at `point` and its slopes there.
    pub(super) fn slopes(&mut self, point: &[f64], slopes: &mut [f64]) -> f64 {
        for (i, corner) in self.points.iter_mut().enumerate() {
            corner.copy_from_slice(point);
            if i > 0 {
                corner[i - 1] += DIFFERENCE;
            }
        }
        self.loss.losses(&self.points, &mut self.losses);
        for (i, slope) in slopes.iter_mut().enumerate() {
            *slope = (self.losses[i + 1] - self.losses[0]) / (self.points[i + 1][i] - point[i]);
        }
        self.losses[0]
    }
}

/// Walks from `start` downhill.
pub(super) fn minimum<L: Loss>(loss: &mut L, start: &[f64]) -> Found {
    let n = start.len();
    let mut probe = Probe::new(loss, n);
    let mut point = start.to_vec();
    let mut slopes = vec![0.0; n];
    let mut value = probe.slopes(&point, &mut slopes);
    // The first step is about as long as 1.
    let mut before = value + dot(&slopes, &slopes).sqrt() / 2.0;
    let mut inverse = identity(n);
    let (mut rounds, mut end) = (0, End::Settled);
    while largest(&slopes) > TOLERANCE {
        if rounds == MOST_ROUNDS {
            end = End::TooManyRounds;
            break;
        }
        let direction: Vec<f64> = (0..n).map(|i| -dot(&inverse[i * n..(i + 1) * n], &slopes)).collect();
        let Some(step) = wolfe::search(&mut probe, &point, &direction, &slopes, value, before) else {
            break;
        };
        let moved: Vec<f64> = direction.iter().map(|d| step.length * d).collect();
        point.iter_mut().zip(&moved).for_each(|(x, s)| *x += s);
        let turned: Vec<f64> = step.slopes.iter().zip(&slopes).map(|(new, old)| new - old).collect();
        (before, value, slopes) = (value, step.value, step.slopes);
        rounds += 1;
        let is_small = step.length * dot(&direction, &direction).sqrt() <= 0.0;
        if largest(&slopes) <= TOLERANCE || is_small || !value.is_finite() {
            break;
        }
        renew(&mut inverse, &moved, &turned);
    }
    let has_variances = (0..n).all(|i| inverse[i * n + i] >= 0.0) && point.iter().all(|x| x.is_finite());
    Found { point, loss: value, end, has_variances }
}

/// The update of Broyden, Fletcher, Goldfarb and Shanno for an inverse curvature.
fn renew(inverse: &mut [f64], moved: &[f64], turned: &[f64]) {
    let n = moved.len();
    let product = dot(turned, moved);
    let rho = if product == 0.0 { 1000.0 } else { 1.0 / product };
    let across: Vec<f64> = (0..n).map(|i| dot(&inverse[i * n..(i + 1) * n], turned)).collect();
    let along: Vec<f64> = (0..n).map(|j| (0..n).map(|i| turned[i] * inverse[i * n + j]).sum()).collect();
    let both = dot(turned, &across);
    for i in 0..n {
        for j in 0..n {
            inverse[i * n + j] +=
                rho * ((1.0 + rho * both) * moved[i] * moved[j] - across[i] * moved[j] - moved[i] * along[j]);
        }
    }
}

fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| if i / n == i % n { 1.0 } else { 0.0 }).collect()
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The largest size among the entries; not a number where one is not.
fn largest(entries: &[f64]) -> f64 {
    entries.iter().fold(0.0, |largest: f64, x| if x.is_nan() || x.abs() > largest { x.abs() } else { largest })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley.
    struct Valley;

    impl Loss for Valley {
        fn losses(&mut self, points: &[Vec<f64>], losses: &mut [f64]) {
            for (point, loss) in points.iter().zip(losses) {
                let (x, y) = (point[0], point[1]);
                *loss = (1.0 - x) * (1.0 - x) + 100.0 * (y - x * x) * (y - x * x);
            }
        }
    }

    #[test]
    fn a_bent_valley_is_walked_to_its_end() {
        let found = minimum(&mut Valley, &[-1.2, 1.0]);
        assert!(found.point.iter().all(|x| (x - 1.0).abs() < 1e-4), "{found:?}");
        assert!(found.loss < 1e-9 && found.end == End::Settled && found.has_variances, "{found:?}");
    }

    struct Nothing;

    impl Loss for Nothing {
        fn losses(&mut self, _: &[Vec<f64>], losses: &mut [f64]) {
            losses.fill(f64::NAN);
        }
    }

    #[test]
    fn a_loss_that_is_no_number_ends_where_it_began() {
        let found = minimum(&mut Nothing, &[0.5]);
        assert_eq!(found.point, [0.5]);
        assert!(found.loss.is_nan());
    }
}
