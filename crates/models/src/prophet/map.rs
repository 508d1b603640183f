//! The most probable coefficients of a linear model with Gaussian and Laplace priors and unknown noise.

use fleetcast_numeric::{linear, math};

/// Least standard deviation of the noise, in units of the largest value: a series without noise has none.
const LEAST_SIGMA: f64 = 1e-9;
/// Precision of the half-normal prior of the noise, 1 / 0.5^2.
const NOISE_PRECISION: f64 = 4.0;
const MOST_ROUNDS: usize = 60;

/// Inner products of the columns and the target; columns with a Laplace prior come first.
#[derive(Clone, Debug)]
pub(super) struct Normal<'a> {
    /// Column by column, row-major; all of it is filled.
    pub(super) gram: &'a [f64],
    /// Column by target.
    pub(super) right: Vec<f64>,
    /// Target by target.
    pub(super) square: f64,
    /// Observations.
    pub(super) n_rows: usize,
}

/// What is believed of the coefficients before the data.
#[derive(Clone, Debug)]
pub(super) struct Priors {
    /// How many leading columns have a Laplace prior.
    pub(super) n_laplace: usize,
    /// One over its scale.
    pub(super) laplace: f64,
    /// One over the variance of each other coefficient.
    pub(super) gaussian: Vec<f64>,
}

impl Priors {
    fn size(&self) -> usize {
        self.n_laplace + self.gaussian.len()
    }

    /// Minus the logarithm of the prior of coefficients and noise, constants left out.
    pub(super) fn penalty(&self, coefficients: &[f64], sigma: f64) -> f64 {
        let (changes, others) = coefficients.split_at(self.n_laplace);
        let laplace: f64 = changes.iter().map(|x| x.abs()).sum();
        let gaussian: f64 = others.iter().zip(&self.gaussian).map(|(x, precision)| precision * x * x).sum();
        self.laplace * laplace + 0.5 * gaussian + 0.5 * NOISE_PRECISION * sigma * sigma
    }
}

/// Coefficients and noise that are most probable together.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) coefficients: Vec<f64>,
    pub(super) sigma: f64,
}

/// The noise that is most probable beside residuals whose squares add up to `squares`.
pub(super) fn sigma_of(squares: f64, n_rows: usize) -> f64 {
    // The root of 4 s^4 + n s^2 = squares, in the form that does not cancel.
    let n = n_rows as f64;
    let variance = 2.0 * squares.max(0.0) / (n + math::sqrt(n * n + 4.0 * NOISE_PRECISION * squares.max(0.0)));
    math::sqrt(variance).max(LEAST_SIGMA)
}

/// Coefficients and noise in turn until neither moves. For given noise the problem is convex, and its answer exact: Gaussian
/// coefficients are eliminated by a Cholesky factor, the others found by [`lasso`].
pub(super) fn solve(normal: &Normal, priors: &Priors) -> Map {
    let p = priors.size();
    let mut map = Map { coefficients: vec![0.0; p], sigma: 0.0 };
    // From the noise that is left without any change of slope.
    let start = sigma_of(normal.square, normal.n_rows);
    let Some(first) = Eliminated::new(normal, priors, start * start) else { return Map { sigma: start, ..map } };
    first.restore(&vec![0.0; priors.n_laplace], &mut map.coefficients);
    map.sigma = sigma_of(normal.residual(&map.coefficients), normal.n_rows);
    let mut changes = vec![0.0; priors.n_laplace];
    for _ in 0..MOST_ROUNDS {
        let Some(eliminated) = Eliminated::new(normal, priors, map.sigma * map.sigma) else { break };
        let before = map.sigma;
        // The noise enters the elimination through weak priors only: it is renewed when the rest has settled.
        for _ in 0..MOST_ROUNDS {
            let weight = priors.laplace * map.sigma * map.sigma;
            lasso(&eliminated.matrix, &eliminated.right, weight, &mut changes);
            eliminated.restore(&changes, &mut map.coefficients);
            let sigma = sigma_of(normal.residual(&map.coefficients), normal.n_rows);
            let moved = (sigma - map.sigma).abs();
            map.sigma = sigma;
            if moved <= 1e-9 * sigma {
                break;
            }
        }
        // A model that explains everything has no noise to settle on.
        let is_exact = map.sigma * map.sigma * normal.n_rows as f64 <= 1e-12 * normal.square;
        if is_exact || (map.sigma - before).abs() <= 1e-8 * map.sigma {
            break;
        }
    }
    map
}

impl Normal<'_> {
    /// Sum of squared residuals.
    fn residual(&self, coefficients: &[f64]) -> f64 {
        let p = coefficients.len();
        let mut sum = self.square;
        for (row, &x) in coefficients.iter().enumerate() {
            if x != 0.0 {
                let product: f64 = self.gram[row * p..(row + 1) * p].iter().zip(coefficients).map(|(g, c)| g * c).sum();
                sum += x * (product - 2.0 * self.right[row]);
            }
        }
        sum.max(0.0)
    }
}

/// The problem in the Laplace coefficients alone: half x'Ax - c'x.
struct Eliminated {
    matrix: Vec<f64>,
    right: Vec<f64>,
    /// The Gaussian coefficients without the others, and what each of the others takes from them.
    base: Vec<f64>,
    slopes: Vec<Vec<f64>>,
}

impl Eliminated {
    /// `None` when the columns depend on each other more than the prior can tell apart.
    fn new(normal: &Normal, priors: &Priors, variance: f64) -> Option<Self> {
        let (p, s) = (priors.size(), priors.n_laplace);
        let r = p - s;
        let mut block = vec![0.0; r * r];
        for i in 0..r {
            block[i * r..(i + 1) * r].copy_from_slice(&normal.gram[(s + i) * p + s..(s + i + 1) * p]);
            block[i * r + i] += variance * priors.gaussian[i];
        }
        let factor = linear::cholesky(&block, r)?;
        let mut base = normal.right[s..].to_vec();
        linear::solve_cholesky(&factor, &mut base);
        let slopes: Vec<Vec<f64>> = (0..s)
            .map(|i| {
                let mut slope = normal.gram[i * p + s..(i + 1) * p].to_vec();
                linear::solve_cholesky(&factor, &mut slope);
                slope
            })
            .collect();
        let cross = |i: usize, v: &[f64]| dot(&normal.gram[i * p + s..(i + 1) * p], v);
        let right = (0..s).map(|i| normal.right[i] - cross(i, &base)).collect();
        let mut matrix = vec![0.0; s * s];
        for i in 0..s {
            for (j, slope) in slopes.iter().enumerate().take(i + 1) {
                matrix[i * s + j] = normal.gram[i * p + j] - cross(i, slope);
                matrix[j * s + i] = matrix[i * s + j];
            }
        }
        Some(Self { matrix, right, base, slopes })
    }

    /// All coefficients, from the Laplace ones.
    fn restore(&self, changes: &[f64], out: &mut [f64]) {
        let (left, others) = out.split_at_mut(changes.len());
        left.copy_from_slice(changes);
        others.copy_from_slice(&self.base);
        for (change, slope) in changes.iter().zip(&self.slopes) {
            if *change != 0.0 {
                others.iter_mut().zip(slope).for_each(|(x, v)| *x -= change * v);
            }
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The `x` that minimises half x'Ax - c'x + weight |x|, from the `x` given. Signs are guessed, the system they
/// leave is solved, and they are corrected along the way to its answer: exact after finitely many steps.
///
/// Lee, Battle, Raina & Ng (2007), "Efficient sparse coding algorithms", NIPS 19: feature-sign search.
pub(super) fn lasso(matrix: &[f64], right: &[f64], weight: f64, x: &mut [f64]) {
    let size = x.len();
    let mut active: Vec<usize> = (0..size).filter(|&i| x[i] != 0.0).collect();
    let mut signs: Vec<f64> = x.iter().map(|v| if *v == 0.0 { 0.0 } else { v.signum() }).collect();
    for _ in 0..20 * size + 20 {
        if !active.is_empty() && !step(matrix, right, weight, x, &mut signs, &mut active) {
            // The signs changed on the way: the smaller system first.
            continue;
        }
        let slope = |i: usize| dot(&matrix[i * size..(i + 1) * size], x) - right[i];
        let steepest =
            (0..size).filter(|&i| signs[i] == 0.0).map(|i| (i, slope(i))).fold(None, |best, next| match best {
                Some((_, most)) if f64::abs(most) >= next.1.abs() => best,
                _ => Some(next),
            });
        match steepest {
            Some((i, slope)) if slope.abs() > weight * (1.0 + 1e-9) => {
                signs[i] = -slope.signum();
                active.push(i);
            }
            _ => return,
        }
    }
}

/// Solves for the active coefficients under their signs; when one of them would change its sign, goes to
/// the best point on the way there instead and answers `false`.
fn step(matrix: &[f64], right: &[f64], weight: f64, x: &mut [f64], signs: &mut [f64], active: &mut Vec<usize>) -> bool {
    let (size, n) = (x.len(), active.len());
    let mut block = vec![0.0; n * n];
    for (row, &i) in active.iter().enumerate() {
        for (column, &j) in active.iter().enumerate() {
            block[row * n + column] = matrix[i * size + j];
        }
    }
    let mut target: Vec<f64> = active.iter().map(|&i| right[i] - weight * signs[i]).collect();
    let Some(factor) = linear::cholesky(&block, n) else {
        // The newest column repeats older ones; it can add nothing.
        let last = active.pop().expect("the caller has seen an active one");
        signs[last] = 0.0;
        x[last] = 0.0;
        return true;
    };
    linear::solve_cholesky(&factor, &mut target);
    if active.iter().zip(&target).all(|(&i, v)| v * signs[i] > 0.0) {
        active.iter().zip(&target).for_each(|(&i, v)| x[i] = *v);
        return true;
    }
    let loss = |share: f64| {
        let at: Vec<f64> = active.iter().zip(&target).map(|(&i, v)| x[i] + share * (v - x[i])).collect();
        let mut sum = 0.0;
        for (row, &i) in active.iter().enumerate() {
            sum += at[row] * (0.5 * dot(&block[row * n..(row + 1) * n], &at) - right[i]) + weight * at[row].abs();
        }
        sum
    };
    let crossings = active.iter().zip(&target).filter(|&(&i, v)| x[i] != 0.0 && v * x[i] < 0.0);
    let mut shares: Vec<f64> = crossings.map(|(&i, v)| x[i] / (x[i] - v)).collect();
    shares.push(1.0);
    let best = shares.iter().map(|&share| (loss(share), share)).min_by(|a, b| a.0.total_cmp(&b.0));
    let share = best.map_or(1.0, |best| best.1);
    let moved: Vec<f64> = active.iter().zip(&target).map(|(&i, v)| x[i] + share * (v - x[i])).collect();
    for (&i, &value) in active.iter().zip(&moved) {
        // The one that stopped the way is zero but for rounding.
        let is_zero = value.abs() <= 1e-14 * moved.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        x[i] = if is_zero { 0.0 } else { value };
        signs[i] = if is_zero { 0.0 } else { value.signum() };
    }
    active.retain(|&i| signs[i] != 0.0);
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_neighbour_is_better(cells in prop::collection::vec(-1.0f64..1.0, 64), right in prop::collection::vec(-2.0f64..2.0, 8), weight in 0.01f64..1.0) {
            let n = 8;
            let mut matrix = vec![0.0; n * n];
            for i in 0..n { for j in 0..n {
                matrix[i * n + j] = (0..n).map(|k| cells[i * n + k] * cells[j * n + k]).sum::<f64>() + if i == j { 0.05 } else { 0.0 };
            }}
            let mut x = vec![0.0; n];
            lasso(&matrix, &right, weight, &mut x);
            for i in 0..n {
                let slope = dot(&matrix[i * n..(i + 1) * n], &x) - right[i];
                if x[i] == 0.0 {
                    prop_assert!(slope.abs() <= weight * (1.0 + 1e-6), "{i}: {slope} at zero");
                } else {
                    prop_assert!((slope + weight * x[i].signum()).abs() < 1e-6, "{i}: {slope} at {}", x[i]);
                }
            }
        }
    }

    #[test]
    fn the_noise_is_the_root_of_its_equation() {
        for (squares, n) in [(0.5, 100), (1e-8, 10), (30.0, 12)] {
            let s = sigma_of(squares, n);
            let slope = n as f64 / s - squares / (s * s * s) + NOISE_PRECISION * s;
            assert!(slope.abs() < 1e-9 * n as f64 / s, "{slope}");
        }
        assert_eq!(sigma_of(0.0, 10), LEAST_SIGMA);
    }
}
