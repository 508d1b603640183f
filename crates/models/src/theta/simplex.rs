//! Minimisation without derivatives, within bounds.

/// Most rounds, and the standard deviation of the losses at which the corners are one.
const MOST_ROUNDS: usize = 1000;
const TOLERANCE: f64 = 1e-4;
/// First steps away from the start: relative, and absolute from zero.
const RELATIVE_STEP: f64 = 0.05;
const ZERO_STEP: f64 = 1e-4;

/// The point with the least `loss` that a simplex finds from `start`, each coordinate in its bounds.
///
/// Nelder & Mead (1965), "A simplex method for function minimization", The Computer Journal 7(4); steps
/// adapted to the dimension: Gao & Han (2012), Computational Optimization and Applications 51(1).
pub(super) fn minimum<const N: usize>(
    loss: impl Fn([f64; N]) -> f64,
    start: [f64; N],
    low: [f64; N],
    high: [f64; N],
) -> [f64; N] {
    let n = N as f64;
    let (expansion, contraction, shrinkage) = (1.0 + 2.0 / n, 0.75 - 1.0 / (2.0 * n), 1.0 - 1.0 / n);
    let inside = |x: [f64; N]| std::array::from_fn(|i| x[i].clamp(low[i], high[i]));
    let at = |x: [f64; N]| {
        let x: [f64; N] = inside(x);
        (loss(x), x)
    };
    let mut corners = vec![at(start)];
    for i in 0..N {
        let mut corner: [f64; N] = inside(start);
        corner[i] = if corner[i] == 0.0 { ZERO_STEP } else { corner[i] * (1.0 + RELATIVE_STEP) };
        corners.push(at(corner));
    }
    for _ in 0..MOST_ROUNDS {
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        if spread(&corners) < TOLERANCE {
            break;
        }
        let (best, second_worst, worst) = (corners[0].0, corners[N - 1].0, corners[N]);
        let centre: [f64; N] = std::array::from_fn(|i| corners[..N].iter().map(|c| c.1[i]).sum::<f64>() / n);
        let beyond =
            |factor: f64, from: &[f64; N]| at(std::array::from_fn(|i| centre[i] + factor * (from[i] - centre[i])));
        let reflected = beyond(-1.0, &worst.1);
        let better = if reflected.0 < best {
            let expanded = beyond(expansion, &reflected.1);
            Some(if expanded.0 < reflected.0 { expanded } else { reflected })
        } else if reflected.0 < second_worst {
            Some(reflected)
        } else if reflected.0 < worst.0 {
            let outside = beyond(contraction, &reflected.1);
            (outside.0 <= reflected.0).then_some(outside)
        } else {
            let within = beyond(-contraction, &reflected.1);
            (within.0 < worst.0).then_some(within)
        };
        match better {
            Some(corner) => corners[N] = corner,
            None => {
                let best = corners[0].1;
                for corner in &mut corners[1..] {
                    *corner = at(std::array::from_fn(|i| best[i] + shrinkage * (corner.1[i] - best[i])));
                }
            }
        }
    }
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    corners[0].1
}

/// Standard deviation of the losses of the corners.
fn spread<const N: usize>(corners: &[(f64, [f64; N])]) -> f64 {
    let n = corners.len() as f64;
    let mean = corners.iter().map(|c| c.0).sum::<f64>() / n;
    (corners.iter().map(|c| (c.0 - mean) * (c.0 - mean)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bowl_is_walked_to_its_bottom_or_to_the_bound_before_it() {
        let bowl = |x: [f64; 2]| 100.0 * ((x[0] - 3.0) * (x[0] - 3.0) + 2.0 * (x[1] + 1.0) * (x[1] + 1.0));
        let free = minimum(bowl, [1.0, 1.0], [-10.0; 2], [10.0; 2]);
        assert!((free[0] - 3.0).abs() < 0.01 && (free[1] + 1.0).abs() < 0.01, "{free:?}");
        let bound = minimum(bowl, [1.0, 1.0], [-10.0, 0.0], [2.0, 10.0]);
        assert!((bound[0] - 2.0).abs() < 0.01 && bound[1].abs() < 0.01, "{bound:?}");
    }
}
