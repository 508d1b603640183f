//! Ridge regression averaged over its penalties by how each would have forecast the rows left out.

use fleetcast_numeric::{linear, math};

/// Penalties that are tried: evenly spaced in their logarithm, in the units of the columns.
const PENALTIES: usize = 25;
const SMALLEST: f64 = 1e-4;
const LARGEST: f64 = 1e4;

/// Coefficients, and what each row left out would have been missed by.
#[derive(Clone, Debug)]
pub(super) struct Ridge {
    pub(super) coefficients: Vec<f64>,
    pub(super) left_out: Vec<f64>,
}

impl Ridge {
    /// Regresses `target` on `rows`, which have `n_columns` each.
    ///
    /// Leaving one out costs nothing with a ridge (Golub, Heath & Wahba 1979, "Generalized cross-validation as a method
    /// for choosing a good ridge parameter", Technometrics 21(2), 215-223). Penalties are weighted by the exponential of
    /// their squared errors over the least one, which is steadier than the best of them alone.
    pub(super) fn new(rows: &[f64], n_columns: usize, target: &[f64]) -> Self {
        let (squares, directions) = linear::symmetric_eigen(&gram(rows, n_columns), n_columns);
        let largest = squares.last().copied().unwrap_or(0.0);
        // A direction that no row has is not looked at.
        let kept: Vec<usize> = (0..n_columns).filter(|&k| squares[k] > 1e-12 * largest).collect();
        let direction = |k: usize| &directions[k * n_columns..(k + 1) * n_columns];
        let along: Vec<Vec<f64>> = (rows.chunks_exact(n_columns))
            .map(|row| kept.iter().map(|&k| dot(row, direction(k)) / math::sqrt(squares[k])).collect())
            .collect();
        let moments: Vec<f64> =
            (0..kept.len()).map(|k| along.iter().zip(target).map(|(row, y)| row[k] * y).sum()).collect();
        let penalties: Vec<f64> = (0..PENALTIES)
            .map(|i| SMALLEST * math::pow(LARGEST / SMALLEST, i as f64 / (PENALTIES - 1) as f64))
            .collect();
        let filter = |penalty: f64| -> Vec<f64> { kept.iter().map(|&k| squares[k] / (squares[k] + penalty)).collect() };
        let losses: Vec<f64> =
            penalties.iter().map(|&p| mean_square(&left_out(&along, &moments, &filter(p), target))).collect();
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let weights: Vec<f64> = losses
            .iter()
            .map(|loss| if least > 0.0 { math::exp((1.0 - loss / least).max(-700.0)) } else { 1.0 })
            .collect();
        let total: f64 = weights.iter().sum();
        let mut mean = vec![0.0; kept.len()];
        for (&penalty, weight) in penalties.iter().zip(&weights) {
            mean.iter_mut().zip(filter(penalty)).for_each(|(mean, share)| *mean += weight / total * share);
        }
        let mut coefficients = vec![0.0; n_columns];
        for (at, &k) in kept.iter().enumerate() {
            let length = mean[at] * moments[at] / math::sqrt(squares[k]);
            coefficients.iter_mut().zip(direction(k)).for_each(|(sum, part)| *sum += length * part);
        }
        Self { coefficients, left_out: left_out(&along, &moments, &mean, target) }
    }
}

fn gram(rows: &[f64], n_columns: usize) -> Vec<f64> {
    let mut gram = vec![0.0; n_columns * n_columns];
    for row in rows.chunks_exact(n_columns) {
        for (i, left) in row.iter().enumerate() {
            for (j, right) in row.iter().enumerate() {
                gram[i * n_columns + j] += left * right;
            }
        }
    }
    gram
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Residual of each row by the regression on the others, `shares` being what the penalty leaves of each direction.
fn left_out(along: &[Vec<f64>], moments: &[f64], shares: &[f64], target: &[f64]) -> Vec<f64> {
    let residual = |(row, y): (&Vec<f64>, &f64)| {
        let (mut fitted, mut leverage) = (0.0, 0.0);
        for ((u, moment), share) in row.iter().zip(moments).zip(shares) {
            fitted += u * share * moment;
            leverage += u * u * share;
        }
        (y - fitted) / (1.0 - leverage).max(1e-3)
    };
    along.iter().zip(target).map(residual).collect()
}

fn mean_square(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy 2.4.6, X = [1, i] and y as below: `np.linalg.solve(X.T @ X, X.T @ y)` is `[1.01428571, 1.99849624]`; penalties
    /// that fit best are small, and the average is near it.
    #[test]
    fn a_clear_line_is_found_and_the_rows_left_out_are_missed_by_more_than_the_others() {
        let rows: Vec<f64> = (0..20).flat_map(|i| [1.0, f64::from(i)]).collect();
        let target: Vec<f64> =
            (0..20).map(|i| 1.0 + 2.0 * f64::from(i) + if i % 2 == 0 { 0.1 } else { -0.1 }).collect();
        let ridge = Ridge::new(&rows, 2, &target);
        assert!((ridge.coefficients[1] - 2.0).abs() < 0.02 && (ridge.coefficients[0] - 1.0).abs() < 0.2, "{ridge:?}");
        for (i, left_out) in ridge.left_out.iter().enumerate() {
            let fitted = ridge.coefficients[0] + ridge.coefficients[1] * i as f64;
            assert!(left_out.abs() >= (target[i] - fitted).abs() - 1e-12, "{i}");
        }
    }

    #[test]
    fn columns_of_nothing_have_no_coefficient() {
        let ridge = Ridge::new(&[0.0; 30], 3, &[1.0; 10]);
        assert_eq!(ridge.coefficients, [0.0; 3]);
        assert_eq!(ridge.left_out, [1.0; 10]);
    }
}
