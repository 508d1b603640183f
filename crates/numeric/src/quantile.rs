//! Quantiles with linear interpolation between order statistics (Hyndman & Fan type 7).
//!
//! Hyndman & Fan (1996), "Sample quantiles in statistical packages", The American Statistician 50(4).

/// Quantile of values in ascending order; the same as `numpy.quantile(values, probability)`.
///
/// `probability` is clamped to \[0, 1\].
///
/// # Panics
/// When `sorted` is empty: an empty day has no P95, and the caller must say so.
pub fn quantile_of_sorted(sorted: &[f64], probability: f64) -> f64 {
    assert!(!sorted.is_empty(), "a quantile needs at least one value");
    let position = probability.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = position as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let share = position - below as f64;
    between(sorted[below], sorted[above], share)
}

/// Interpolating from the nearer end is numpy's rule: it never leaves \[low, high\].
fn between(low: f64, high: f64, share: f64) -> f64 {
    if share < 0.5 { low + (high - low) * share } else { high - (high - low) * (1.0 - share) }
}

/// Quantile of values in any order; NaN values are gaps and left out. `None` when nothing is left.
pub fn quantile(values: &[f64], probability: f64) -> Option<f64> {
    let mut present: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    if present.is_empty() {
        return None;
    }
    // Two neighbours in order are all that is looked at.
    let below = (probability.clamp(0.0, 1.0) * (present.len() - 1) as f64) as usize;
    let (_, low, above) = present.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    let share = probability.clamp(0.0, 1.0) * (present.len() - 1) as f64 - below as f64;
    Some(between(low, high, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy 2.4.6, `np.quantile([3.1, 0.2, 7.7, 5.5, 1.3], [0, .05, .5, .95, 1])`
    #[test]
    fn equals_numpy() {
        let values = [3.1, 0.2, 7.7, f64::NAN, 5.5, 1.3];
        for (p, expected) in [(0.0, 0.2), (0.05, 0.42), (0.5, 3.1), (0.95, 7.26), (1.0, 7.7)] {
            let got = quantile(&values, p).unwrap();
            assert!((got - expected).abs() < 1e-12, "{p}: {got} against {expected}");
        }
        assert_eq!(quantile(&[f64::NAN], 0.5), None);
    }
}
