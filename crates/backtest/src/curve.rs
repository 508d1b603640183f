//! A distribution of scaled errors as a curve over probabilities.

use fleetcast_core::QUANTILE_GRID;
use fleetcast_numeric::{math, normal};

/// Errors this independent count half against the normal shape they are blended with.
const HALF_TRUSTED: f64 = 12.0;

/// Quantiles of scaled errors at [`QUANTILE_GRID`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    values: Vec<f64>,
}

impl Curve {
    /// The curve of a normal distribution with few degrees of freedom: for errors nobody has measured.
    pub(crate) fn unmeasured(deviation: f64) -> Self {
        let values = QUANTILE_GRID.iter().map(|&p| deviation * normal::quantile(p) * small_sample(p, 4.0)).collect();
        Self { values }
    }

    /// The curve of `errors`, which are worth `n_independent` independent ones; `None` when there are none.
    ///
    /// Each tail is counted on its own, at the level that holds for a new error (p (n + 1) of n:
    /// Vovk, Gammerman & Shafer 2005, "Algorithmic learning in a random world", section 2.2); levels
    /// that the independent errors cannot reach follow a generalised Pareto tail fitted to the largest.
    /// The fewer errors there are, the more of the curve is a normal one of the same width, and the
    /// wider all of it, as Student's distribution is.
    pub(crate) fn of(mut errors: Vec<f64>, n_independent: f64) -> Option<Self> {
        errors.retain(|e| e.is_finite());
        if errors.is_empty() {
            return None;
        }
        errors.sort_unstable_by(f64::total_cmp);
        let n = n_independent.clamp(1.0, errors.len() as f64);
        let trust = n / (n + HALF_TRUSTED);
        let deviation = robust_deviation(&errors);
        // A bias that few independent errors agree on may be chance.
        let centre = trust * at(&errors, 0.5);
        let reach = (10.0 / n).clamp(0.002, 0.2);
        let upper = Tail::of(errors.iter().copied(), reach);
        let lower = Tail::of(errors.iter().rev().map(|e| -e), reach);
        let values = QUANTILE_GRID.iter().map(|&p| {
            let measured = if p > 1.0 - reach {
                upper.value(1.0 - p)
            } else if p < reach {
                -lower.value(p)
            } else {
                at(&errors, p)
            };
            let shaped = trust * (measured - at(&errors, 0.5)) + (1.0 - trust) * deviation * normal::quantile(p);
            centre + shaped * small_sample(p, (n - 1.0).max(4.0))
        });
        let mut values: Vec<f64> = values.collect();
        // Where a fitted tail begins it may stand a little inside the counted levels next to it.
        values.sort_unstable_by(f64::total_cmp);
        Some(Self { values })
    }

    /// Value at a probability: between the levels, linear in the normal score, which is nearly straight.
    #[cfg(test)]
    pub(crate) fn value(&self, probability: f64) -> f64 {
        self.at(position(probability))
    }

    /// Value at a [`position`] of the grid.
    pub(crate) fn at(&self, (below, share): (usize, f64)) -> f64 {
        self.values[below] + share * (self.values[below + 1] - self.values[below])
    }

    /// Normal score of an error: where it stands in the distribution, as a standard normal number.
    pub(crate) fn score(&self, error: f64) -> f64 {
        let last = self.values.len() - 1;
        let above = self.values.partition_point(|v| *v <= error).clamp(1, last);
        let (low, high) = (self.values[above - 1], self.values[above]);
        let share = if high > low { ((error - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
        let (from, to) = (normal::quantile(QUANTILE_GRID[above - 1]), normal::quantile(QUANTILE_GRID[above]));
        from + share * (to - from)
    }

    /// `share` of this curve and the rest of `other`, level by level.
    pub(crate) fn blend(&self, other: &Self, share: f64) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(own, other)| share * own + (1.0 - share) * other);
        Self { values: values.collect() }
    }

    /// The curve with the same values times `factor`.
    pub(crate) fn scaled(&self, factor: f64) -> Self {
        Self { values: self.values.iter().map(|v| v * factor).collect() }
    }
}

/// The level of the grid below a probability and how far it is to the next, in normal scores; outside
/// the grid the outermost line goes on.
pub(crate) fn position(probability: f64) -> (usize, f64) {
    let last = QUANTILE_GRID.len() - 1;
    let below = QUANTILE_GRID.partition_point(|&q| q <= probability).clamp(1, last) - 1;
    let (low, high) = (QUANTILE_GRID[below], QUANTILE_GRID[below + 1]);
    if probability == low {
        return (below, 0.0);
    }
    let (low, high) = (normal::quantile(low), normal::quantile(high));
    (below, (normal::quantile(probability) - low) / (high - low))
}

/// Order statistic at p (n + 1), between neighbours linearly.
fn at(sorted: &[f64], probability: f64) -> f64 {
    let rank = (probability * (sorted.len() + 1) as f64 - 1.0).clamp(0.0, (sorted.len() - 1) as f64);
    let below = rank as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (rank - below as f64) * (sorted[above] - sorted[below])
}

/// Width of the middle 80 % as a normal standard deviation; of all when that has none.
fn robust_deviation(sorted: &[f64]) -> f64 {
    let width = (at(sorted, 0.9) - at(sorted, 0.1)) / (2.0 * normal::quantile(0.9));
    let square = sorted.iter().map(|e| e * e).sum::<f64>() / sorted.len() as f64;
    if width > 0.0 { width } else { math::sqrt(square) }
}

/// How much wider Student's distribution is than the normal at a probability (Fisher & Cornish 1960,
/// "The percentile points of distributions having known cumulants", Technometrics 2(2), 209-225).
fn small_sample(probability: f64, freedom: f64) -> f64 {
    let square = normal::quantile(probability) * normal::quantile(probability);
    let second = (5.0 * square * square + 16.0 * square + 3.0) / (96.0 * freedom * freedom);
    1.0 + (square + 1.0) / (4.0 * freedom) + second
}

/// The largest errors: a generalised Pareto tail above a high quantile.
struct Tail {
    from: f64,
    reach: f64,
    spread: f64,
    shape: f64,
}

impl Tail {
    /// Fitted to the `reach` largest share of errors that come in ascending order, by probability-weighted
    /// moments (Hosking & Wallis 1987, "Parameter and quantile estimation for the generalized Pareto
    /// distribution", Technometrics 29(3), 339-349). The shape stays between a bounded and a heavy tail.
    fn of(ascending: impl ExactSizeIterator<Item = f64>, reach: f64) -> Self {
        let n = ascending.len();
        let errors: Vec<f64> = ascending.collect();
        let from = at(&errors, 1.0 - reach);
        let excess: Vec<f64> =
            errors[errors.partition_point(|e| *e <= from).min(n)..].iter().map(|e| e - from).collect();
        let count = excess.len() as f64;
        if excess.is_empty() {
            return Self { from, reach, spread: 0.0, shape: 0.0 };
        }
        let mean = excess.iter().sum::<f64>() / count;
        let ranked = excess.iter().enumerate().map(|(rank, e)| e * (count - rank as f64 - 0.65) / count);
        let weighted = ranked.sum::<f64>() / count;
        let gap = mean - 2.0 * weighted;
        // k of the paper is minus the shape.
        let shape = if gap > 0.0 { (2.0 - mean / gap).clamp(-0.25, 0.25) } else { 0.0 };
        Self { from, reach, spread: mean * (1.0 - shape), shape }
    }

    /// The error exceeded with this probability, which is at most `reach`.
    fn value(&self, exceeded: f64) -> f64 {
        let ratio = math::ln(self.reach / exceeded);
        let grown = if self.shape.abs() < 1e-6 { ratio } else { (math::exp(self.shape * ratio) - 1.0) / self.shape };
        self.from + self.spread * grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantiles_are_finite_and_ascend(
            errors in prop::collection::vec(prop_oneof![Just(0.0), Just(f64::NAN), -1e6..1e6f64, -1e-9..1e-9f64], 1..80),
            n_independent in 0.0..200.0f64,
        ) {
            let Some(curve) = Curve::of(errors, n_independent) else { return Ok(()) };
            let values: Vec<f64> = [0.0001].iter().chain(&QUANTILE_GRID).chain(&[0.9999]).map(|&p| curve.value(p)).collect();
            prop_assert!(values.iter().all(|v| v.is_finite()) && values.is_sorted(), "{values:?}");
            prop_assert!(values.iter().all(|v| curve.score(*v).is_finite()));
        }
    }

    #[test]
    fn many_errors_give_their_own_quantiles_and_tails() {
        let stream = Stream::new(5, &["errors"]);
        let errors: Vec<f64> = (0..200_000).map(|i| stream.exponential(i)).collect();
        let curve = Curve::of(errors, 200_000.0).unwrap();
        for p in [0.001, 0.05, 0.37, 0.5, 0.9, 0.99, 0.999] {
            let expected = -math::ln(1.0 - p);
            assert!((curve.value(p) - expected).abs() < 0.03 * expected + 0.002, "{p}: {}", curve.value(p));
        }
        // Beyond the grid the line in normal scores goes on, above the last level.
        assert!(curve.value(0.9999) > curve.value(0.999) + 0.5);
        assert!((curve.score(curve.value(0.3)) - normal::quantile(0.3)).abs() < 1e-9);
    }

    #[test]
    fn tails_beyond_the_errors_are_those_of_the_distribution() {
        // With 2000 independent normals the level .999 is fitted, not counted.
        let stream = Stream::new(6, &["errors"]);
        let errors: Vec<f64> = (0..2000).map(|i| stream.normal(i)).collect();
        let curve = Curve::of(errors, 2000.0).unwrap();
        assert!((curve.value(0.999) - 3.09).abs() < 0.35, "{}", curve.value(0.999));
        assert!((curve.value(0.001) + 3.09).abs() < 0.35, "{}", curve.value(0.001));
    }

    #[test]
    fn few_errors_give_wider_curves() {
        let errors: Vec<f64> = (1..40).map(|i| normal::quantile(f64::from(i) / 40.0)).collect();
        let few = Curve::of(errors.clone(), 5.0).unwrap();
        let many = Curve::of(errors, 39.0).unwrap();
        assert!(few.value(0.95) > 1.15 * many.value(0.95) && many.value(0.95) > 1.6);
        // Scipy 1.17.1: scipy.stats.t.ppf(.95, 5) / scipy.stats.norm.ppf(.95) = 1.22506
        assert!((small_sample(0.95, 5.0) - 1.22506).abs() < 0.01);
    }

    #[test]
    fn errors_that_are_all_alike_give_a_flat_curve() {
        let curve = Curve::of(vec![0.0; 50], 50.0).unwrap();
        assert_eq!((curve.value(0.001), curve.value(0.999)), (0.0, 0.0));
        assert!(Curve::of(vec![f64::NAN], 3.0).is_none());
        assert!(curve.score(0.0).is_finite());
    }
}
