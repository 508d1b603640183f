//! Small dense symmetric systems: Cholesky factors for regressions, Jacobi eigenvalues for
//! correlation matrices.

use crate::math;

/// The lower triangular L with L L' = A, row by row, or `None` when A is not positive definite.
///
/// `matrix` is square, symmetric and row-major, with `size` rows; only its lower triangle is read.
pub fn cholesky(matrix: &[f64], size: usize) -> Option<Vec<f64>> {
    let mut factor = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..=row {
            let mut sum = matrix[row * size + column];
            for k in 0..column {
                sum -= factor[row * size + k] * factor[column * size + k];
            }
            if row == column {
                if sum.is_nan() || sum <= 0.0 {
                    return None;
                }
                factor[row * size + row] = math::sqrt(sum);
            } else {
                factor[row * size + column] = sum / factor[column * size + column];
            }
        }
    }
    Some(factor)
}

/// Solves L L' x = b in place, `factor` being what [`cholesky`] returned.
pub fn solve_cholesky(factor: &[f64], right: &mut [f64]) {
    let size = right.len();
    for row in 0..size {
        let cells = &factor[row * size..=row * size + row];
        let known = dot(&cells[..row], &right[..row]);
        right[row] = (right[row] - known) / cells[row];
    }
    // From the last row back, each solved value is taken out of all above it: rows are read as they lie.
    for row in (0..size).rev() {
        let cells = &factor[row * size..=row * size + row];
        let (above, solved) = right.split_at_mut(row);
        solved[0] /= cells[row];
        above.iter_mut().zip(cells).for_each(|(value, cell)| *value -= cell * solved[0]);
    }
}

/// Sum of products, in four sums that a processor works on at once; the order is the same on every machine.
fn dot(one: &[f64], other: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (fours, rest) = (one.chunks_exact(4).zip(other.chunks_exact(4)), one.len() / 4 * 4);
    for (one, other) in fours {
        sums.iter_mut().zip(one).zip(other).for_each(|((sum, a), b)| *sum += a * b);
    }
    let tail: f64 = one[rest..].iter().zip(&other[rest..]).map(|(a, b)| a * b).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + tail
}

/// Eigenvalues in ascending order and their eigenvectors (rows of the second matrix) of a symmetric
/// matrix, by cyclic Jacobi rotations.
///
/// Golub & Van Loan (2013), "Matrix Computations", 4th ed., section 8.5.
pub fn symmetric_eigen(matrix: &[f64], size: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    let mut vectors = vec![0.0; size * size];
    for i in 0..size {
        vectors[i * size + i] = 1.0;
    }
    // Convergence is quadratic: a matrix of ten rows needs about six sweeps.
    for _ in 0..64 {
        let off: f64 = (0..size).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i * size + j].abs()).sum();
        if off < 1e-15 {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut a, &mut vectors, size, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&i, &j| a[i * size + i].total_cmp(&a[j * size + j]));
    let values = order.iter().map(|&i| a[i * size + i]).collect();
    let rows = order.iter().flat_map(|&i| vectors[i * size..(i + 1) * size].to_vec()).collect();
    (values, rows)
}

/// One Jacobi rotation that makes a\[p\]\[q\] zero.
fn rotate(a: &mut [f64], vectors: &mut [f64], size: usize, p: usize, q: usize) {
    let off = a[p * size + q];
    if off == 0.0 {
        return;
    }
    let theta = (a[q * size + q] - a[p * size + p]) / (2.0 * off);
    let t = theta.signum() / (theta.abs() + math::sqrt(theta * theta + 1.0));
    let cosine = 1.0 / math::sqrt(t * t + 1.0);
    let sine = t * cosine;
    for k in 0..size {
        let (left, right) = (a[k * size + p], a[k * size + q]);
        a[k * size + p] = cosine * left - sine * right;
        a[k * size + q] = sine * left + cosine * right;
    }
    for k in 0..size {
        let (left, right) = (a[p * size + k], a[q * size + k]);
        a[p * size + k] = cosine * left - sine * right;
        a[q * size + k] = sine * left + cosine * right;
        let (left, right) = (vectors[p * size + k], vectors[q * size + k]);
        vectors[p * size + k] = cosine * left - sine * right;
        vectors[q * size + k] = sine * left + cosine * right;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_indefinite_matrix_has_no_factor_and_a_negative_eigenvalue() {
        let matrix = [1.0, 0.9, -0.9, 0.9, 1.0, 0.9, -0.9, 0.9, 1.0];
        assert_eq!(cholesky(&matrix, 3), None);
        let (values, _) = symmetric_eigen(&matrix, 3);
        assert!((values[0] + 0.8).abs() < 1e-12, "{values:?}");
    }

    proptest! {
        #[test]
        fn a_solved_system_gives_back_its_right_side(cells in prop::collection::vec(-1.0f64..1.0, 16), b in prop::collection::vec(-5.0f64..5.0, 4)) {
            let n = 4;
            let mut matrix = vec![0.0; n * n];
            for i in 0..n { for j in 0..n {
                matrix[i * n + j] = (0..n).map(|k| cells[i * n + k] * cells[j * n + k]).sum::<f64>();
                if i == j { matrix[i * n + j] += 0.5; }
            }}
            let mut x = b.clone();
            solve_cholesky(&cholesky(&matrix, n).unwrap(), &mut x);
            for i in 0..n {
                let back: f64 = (0..n).map(|j| matrix[i * n + j] * x[j]).sum();
                prop_assert!((back - b[i]).abs() < 1e-9);
            }
            let (values, vectors) = symmetric_eigen(&matrix, n);
            for i in 0..n { for j in 0..n {
                let back: f64 = (0..n).map(|k| values[k] * vectors[k * n + i] * vectors[k * n + j]).sum();
                prop_assert!((back - matrix[i * n + j]).abs() < 1e-9);
            }}
        }
    }
}
