//! Distances between two sets of numbers.

/// Numbers in ascending order without NaN.
pub(crate) fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|v| !v.is_nan()).collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// Steps through two sorted lists: at each point, its value, the next one, and the two distribution
/// functions between them.
fn walk(a: &[f64], b: &[f64], mut take: impl FnMut(f64, f64, f64)) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let here = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.min(*y),
            (Some(x), None) | (None, Some(x)) => *x,
            (None, None) => break,
        };
        while a.get(i).is_some_and(|x| *x <= here) {
            i += 1;
        }
        while b.get(j).is_some_and(|x| *x <= here) {
            j += 1;
        }
        let next = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.min(*y),
            (Some(x), None) | (None, Some(x)) => *x,
            (None, None) => here,
        };
        take(next - here, i as f64 / a.len() as f64, j as f64 / b.len() as f64);
    }
}

/// The Wasserstein-1 distance of two sorted samples, in their unit: the mean distance each value has to
/// be moved to turn one into the other. NaN when one is empty.
pub(crate) fn wasserstein(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return f64::NAN;
    }
    let mut sum = 0.0;
    walk(a, b, |width, below_a, below_b| sum += width * (below_a - below_b).abs());
    sum
}

/// The Kolmogorov-Smirnov distance of two sorted samples: the largest difference of their distribution
/// functions, 0 to 1. NaN when one is empty.
pub(crate) fn kolmogorov(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return f64::NAN;
    }
    let mut most = 0.0_f64;
    walk(a, b, |_, below_a, below_b| most = most.max((below_a - below_b).abs()));
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17.1, `wasserstein_distance([0, 1, 3], [5, 6, 8])` and `([0, 1, 3, 3], [1, 1, 2])`,
    /// `ks_2samp([0, 1, 3, 3], [1, 1, 2]).statistic`
    #[test]
    fn equals_scipy() {
        assert_eq!(wasserstein(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0]), 5.0);
        let (a, b) = (sorted([3.0, 0.0, 1.0, 3.0, f64::NAN]), sorted([1.0, 2.0, 1.0]));
        assert!((wasserstein(&a, &b) - 0.916_666_666_666_666_6).abs() < 1e-12);
        assert!((kolmogorov(&a, &b) - 0.5).abs() < 1e-12);
        assert_eq!((wasserstein(&a, &a), kolmogorov(&b, &b)), (0.0, 0.0));
        assert!(wasserstein(&a, &[]).is_nan() && kolmogorov(&[], &b).is_nan());
    }
}
