//! How errors hang together over the steps ahead, estimated from past ones.

use fleetcast_core::Dependence;
use fleetcast_numeric::math;

/// Distances at which correlations are measured, as shares of the horizon besides the first fourteen.
const FAR: [f64; 8] = [0.2, 0.27, 0.35, 0.43, 0.52, 0.62, 0.73, 0.85];

/// Memories that are tried.
const MEMORIES: [f64; 9] = [0.2, 0.4, 0.55, 0.7, 0.8, 0.88, 0.93, 0.96, 0.98];

/// What is assumed where nothing was measured: half of an error is a wrong level, the rest fades in days.
pub(crate) const UNMEASURED: Dependence = Dependence { level: 0.5, memory_share: 0.3, memory: 0.8 };

/// The dependence of error trajectories given as normal scores (NaN at gaps); `None` when they have
/// fewer than three steps or do not vary.
///
/// The correlation at each distance is the mean product of scores over their mean square, not their
/// covariance: an error shared by all steps is part of what calibrated quantiles promise.
pub(crate) fn estimate<'a>(trajectories: impl Iterator<Item = &'a [f64]>, horizon: usize) -> Option<Dependence> {
    if horizon < 3 {
        return None;
    }
    let far = FAR.iter().map(|share| (share * horizon as f64) as usize).filter(|&d| d > 14);
    let distances: Vec<usize> = (1..=14.min(horizon - 1)).chain(far).collect();
    let (mut products, mut counts) = (vec![0.0; distances.len()], vec![0.0; distances.len()]);
    let (mut square, mut n) = (0.0, 0.0);
    for scores in trajectories {
        for score in scores.iter().filter(|s| !s.is_nan()) {
            square += score * score;
            n += 1.0;
        }
        for (k, &distance) in distances.iter().enumerate() {
            for (a, b) in scores.iter().zip(scores.iter().skip(distance)) {
                let product = a * b;
                if !product.is_nan() {
                    products[k] += product;
                    counts[k] += 1.0;
                }
            }
        }
    }
    let variance = if n > 0.0 { square / n } else { 0.0 };
    if variance <= 0.0 {
        return None;
    }
    let measured: Vec<(f64, f64, f64)> = (0..distances.len())
        .filter(|&k| counts[k] > 0.0)
        .map(|k| (distances[k] as f64, products[k] / counts[k] / variance, math::sqrt(counts[k])))
        .collect();
    MEMORIES
        .into_iter()
        .map(|memory| fit(&measured, memory))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, dependence)| dependence)
}

/// Least squares for the two shares at one memory: squared error, and the dependence.
fn fit(measured: &[(f64, f64, f64)], memory: f64) -> (f64, Dependence) {
    let (mut w, mut wx, mut wxx, mut wy, mut wxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for &(distance, correlation, weight) in measured {
        let x = math::pow(memory, distance);
        w += weight;
        wx += weight * x;
        wxx += weight * x * x;
        wy += weight * correlation;
        wxy += weight * x * correlation;
    }
    let determinant = w * wxx - wx * wx;
    let slope = if determinant > 0.0 { ((w * wxy - wx * wy) / determinant).clamp(0.0, 1.0) } else { 0.0 };
    let level = if w > 0.0 { ((wy - slope * wx) / w).clamp(0.0, 0.98) } else { 0.0 };
    let memory_share = slope.min(0.99 - level);
    let error = (measured.iter())
        .map(|&(d, c, weight)| {
            let off = c - level - memory_share * math::pow(memory, d);
            weight * off * off
        })
        .sum();
    (error, Dependence { level, memory_share, memory })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;

    #[test]
    fn planted_shares_are_found() {
        let planted = Dependence::new(0.3, 0.5, 0.8).unwrap();
        let (horizon, n) = (90, 3000);
        let stream = Stream::new(11, &["dependence"]);
        let trajectories: Vec<Vec<f64>> = (0..n)
            .map(|path| {
                let stream = stream.child_number(path);
                let level = stream.normal(0);
                let mut memory = stream.normal(1);
                let step = |step: u64| {
                    let [fresh, own] = stream.normal_pair(2 + step);
                    memory = planted.memory * memory + (1.0 - planted.memory * planted.memory).sqrt() * fresh;
                    0.3_f64.sqrt() * level + 0.5_f64.sqrt() * memory + 0.2_f64.sqrt() * own
                };
                (0..horizon).map(step).collect()
            })
            .collect();
        let found = estimate(trajectories.iter().map(Vec::as_slice), horizon as usize).unwrap();
        assert!((found.level - 0.3).abs() < 0.05, "{found:?}");
        assert!((found.memory_share - 0.5).abs() < 0.05 && (found.memory - 0.8).abs() < 0.05, "{found:?}");
    }

    #[test]
    fn nothing_measured_is_none() {
        assert_eq!(estimate([].into_iter(), 90), None);
        assert_eq!(estimate([[0.0; 9].as_slice()].into_iter(), 9), None);
        assert_eq!(estimate([[1.0, 1.0].as_slice()].into_iter(), 2), None);
    }
}
