//! How the noise of the four metrics moves together.

use crate::settings::Source;
use crate::{Error, METRICS, Result};
use fleetcast_numeric::linear::{cholesky, symmetric_eigen};

/// A 4 x 4 correlation matrix in the order of [`METRICS`], row by row.
pub(crate) type Matrix = [[f64; 4]; 4];

/// The correlation matrix that knows only three pairs.
///
/// They form a chain network - cpu - memory - disk; of all completions the product along the chain has
/// the greatest entropy, and it is positive definite for every correlation inside (-1, 1).
pub(crate) fn chain(cpu_memory: f64, cpu_network: f64, memory_disk: f64) -> Matrix {
    let cpu_disk = cpu_memory * memory_disk;
    let memory_network = cpu_memory * cpu_network;
    let disk_network = cpu_network * cpu_memory * memory_disk;
    [
        [1.0, cpu_memory, cpu_disk, cpu_network],
        [cpu_memory, 1.0, memory_disk, memory_network],
        [cpu_disk, memory_disk, 1.0, disk_network],
        [cpu_network, memory_network, disk_network, 1.0],
    ]
}

/// The lower triangular L with L L' = matrix, row by row; `None` when there is none.
pub(crate) fn factor(matrix: &Matrix) -> Option<[f64; 16]> {
    let flat: Vec<f64> = matrix.iter().flatten().copied().collect();
    cholesky(&flat, 4)?.try_into().ok()
}

/// Refuses what is no correlation matrix, naming the cell or the eigenvalue at fault.
pub(crate) fn check(matrix: &Matrix, source: &Source) -> Result<()> {
    let fault = |fault| Err(Error::NotCorrelation { place: source.place("correlation.matrix"), fault });
    for row in 0..4 {
        for column in 0..4 {
            let (cell, mirrored) = (matrix[row][column], matrix[column][row]);
            let names = format!("the cell of {} and {}", METRICS[row], METRICS[column]);
            if row == column && cell != 1.0 {
                return fault(format!("{names} is {cell}, it must be 1"));
            }
            if !(-1.0..=1.0).contains(&cell) {
                return fault(format!("{names} is {cell}, it must be between -1 and 1"));
            }
            if cell != mirrored {
                return fault(format!("{names} is {cell} in one half and {mirrored} in the other"));
            }
        }
    }
    if factor(matrix).is_some() {
        return Ok(());
    }
    let flat: Vec<f64> = matrix.iter().flatten().copied().collect();
    let (values, vectors) = symmetric_eigen(&flat, 4);
    let mut tied: Vec<usize> = (0..4).collect();
    tied.sort_by(|&i, &j| vectors[j].abs().total_cmp(&vectors[i].abs()));
    fault(format!(
        "its smallest eigenvalue is {:.4}, it must be above 0; {} and {} weigh most in it",
        values[0], METRICS[tied[0]], METRICS[tied[1]]
    ))
}

/// The nearest correlation matrix in the Frobenius norm, kept a little inside the positive definite
/// cone so that it has a Cholesky factor.
///
/// Higham (2002), "Computing the nearest correlation matrix: a problem from finance", IMA Journal of
/// Numerical Analysis 22(3), 329-343: alternating projections with Dykstra's correction.
pub(crate) fn nearest(matrix: &Matrix) -> Matrix {
    const SMALLEST_EIGENVALUE: f64 = 1e-6;
    let mut y = *matrix;
    for row in 0..4 {
        for column in 0..row {
            let mean = 0.5 * (matrix[row][column] + matrix[column][row]);
            (y[row][column], y[column][row]) = (mean, mean);
        }
    }
    let mut correction = [[0.0; 4]; 4];
    for _ in 0..2_000 {
        let before = y;
        let shifted: Vec<f64> = (0..16).map(|k| y[k / 4][k % 4] - correction[k / 4][k % 4]).collect();
        let (values, vectors) = symmetric_eigen(&shifted, 4);
        for row in 0..4 {
            for column in 0..4 {
                let projected: f64 = (0..4)
                    .map(|k| values[k].max(SMALLEST_EIGENVALUE) * vectors[k * 4 + row] * vectors[k * 4 + column])
                    .sum();
                correction[row][column] = projected - shifted[row * 4 + column];
                y[row][column] = if row == column { 1.0 } else { projected };
            }
        }
        let moved = (0..16).map(|k| (y[k / 4][k % 4] - before[k / 4][k % 4]).abs()).fold(0.0, f64::max);
        if moved < 1e-12 {
            break;
        }
    }
    inside(y, SMALLEST_EIGENVALUE)
}

/// A cell of a matrix that was no correlation matrix, before and after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RepairedCell {
    /// The metrics whose correlation it is; the same twice on the diagonal.
    pub metrics: [&'static str; 2],
    /// What the file says; where its two halves differ, in the half that was changed.
    pub from: f64,
    /// The cell of the nearest correlation matrix.
    pub to: f64,
}

/// The cells that differ, each pair once, row by row. Where the halves of `asked` differ, the cell that
/// changed is told.
pub(crate) fn changes(asked: &Matrix, got: &Matrix) -> Vec<RepairedCell> {
    let mut cells = Vec::new();
    for row in 0..4 {
        for column in row..4 {
            let to = got[row][column];
            let changed = [asked[row][column], asked[column][row]].into_iter().find(|from| *from != to);
            cells.extend(changed.map(|from| RepairedCell { metrics: [METRICS[row], METRICS[column]], from, to }));
        }
    }
    cells
}

/// Shrinks a matrix of unit diagonal towards the identity until it has a Cholesky factor, and makes it
/// exactly symmetric.
fn inside(matrix: Matrix, by: f64) -> Matrix {
    let mut matrix: Matrix =
        std::array::from_fn(|row| std::array::from_fn(|column| matrix[row.max(column)][row.min(column)]));
    let mut shrink = by;
    while factor(&matrix).is_none() && shrink < 1.0 {
        for (row, cells) in matrix.iter_mut().enumerate() {
            for (column, cell) in cells.iter_mut().enumerate() {
                if row != column {
                    *cell *= 1.0 - shrink;
                }
            }
        }
        shrink *= 2.0;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_pairs_the_profile_names_are_kept() {
        let matrix = chain(0.85, 0.80, 0.35);
        assert_eq!((matrix[0][1], matrix[0][3], matrix[1][2]), (0.85, 0.80, 0.35));
        assert!((matrix[0][2] - 0.85 * 0.35).abs() < 1e-15);
        check(&matrix, &Source::default()).unwrap();
    }

    #[test]
    fn an_impossible_matrix_names_its_fault() {
        let mut matrix = chain(0.5, 0.5, 0.5);
        (matrix[0][1], matrix[1][0]) = (1.7, 1.7);
        let error = check(&matrix, &Source::default()).unwrap_err().to_string();
        assert!(error.contains("the cell of cpu and memory is 1.7"), "{error}");
        (matrix[0][1], matrix[1][0]) = (0.4, 0.3);
        assert!(check(&matrix, &Source::default()).unwrap_err().to_string().contains("in one half"));
        let mut matrix = chain(0.9, 0.9, 0.0);
        (matrix[1][3], matrix[3][1]) = (-0.9, -0.9);
        let error = check(&matrix, &Source::default()).unwrap_err().to_string();
        assert!(error.contains("smallest eigenvalue is -0.8") && error.contains("repair = \"nearest\""), "{error}");
    }

    /// NAG Library, example of routine g02aa (nearest correlation matrix of the tridiagonal matrix with 2
    /// on and -1 beside the diagonal, the matrix of Higham (2002), section 5), to four digits.
    #[test]
    fn the_nearest_matrix_equals_the_published_one() {
        let matrix = [[2.0, -1.0, 0.0, 0.0], [-1.0, 2.0, -1.0, 0.0], [0.0, -1.0, 2.0, -1.0], [0.0, 0.0, -1.0, 2.0]];
        let near = nearest(&matrix);
        for (row, column, expected) in
            [(0, 1, -0.8084), (0, 2, 0.1916), (0, 3, 0.1068), (1, 2, -0.6562), (1, 3, 0.1916), (2, 3, -0.8084)]
        {
            assert!((near[row][column] - expected).abs() < 1e-4, "{row}{column}: {}", near[row][column]);
            assert_eq!(near[row][column], near[column][row]);
        }
    }

    #[test]
    fn the_nearest_of_a_correlation_matrix_is_itself() {
        let matrix = chain(0.7, 0.4, 0.65);
        let same = nearest(&matrix);
        for k in 0..16 {
            assert!((same[k / 4][k % 4] - matrix[k / 4][k % 4]).abs() < 1e-9);
        }
    }

    proptest! {
        #[test]
        fn every_chain_is_positive_definite(a in -0.999f64..0.999, b in -0.999f64..0.999, c in -0.999f64..0.999) {
            prop_assert!(factor(&chain(a, b, c)).is_some());
        }

        #[test]
        fn a_repaired_matrix_is_a_correlation_matrix(cells in prop::collection::vec(-1.0f64..1.0, 6)) {
            let [a, b, c, d, e, f] = cells.try_into().expect("six cells");
            let matrix = [[1.0, a, b, c], [a, 1.0, d, e], [b, d, 1.0, f], [c, e, f, 1.0]];
            prop_assert!(check(&nearest(&matrix), &Source::default()).is_ok());
        }
    }
}
