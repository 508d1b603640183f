//! k-means with k chosen by silhouette, the same for the same points and seed.
//!
//! Arthur & Vassilvitskii (2007), "k-means++: the advantages of careful seeding", SODA '07;
//! Rousseeuw (1987), "Silhouettes: a graphical aid to the interpretation and validation of cluster
//! analysis", Journal of Computational and Applied Mathematics 20, 53-65.

use fleetcast_numeric::Stream;

/// A point of the feature space.
pub(crate) type Point<const D: usize> = [f64; D];

/// Starts of each k-means, of which the best counts.
const RESTARTS: u64 = 10;
/// Rounds after which a start that still moves is taken as it is.
const ROUNDS: usize = 60;
/// Points that a silhouette looks at, because it compares each with every other.
const SILHOUETTE_POINTS: usize = 800;
/// Silhouette below which points show no structure worth naming (Kaufman & Rousseeuw 1990, table 4).
const NO_STRUCTURE: f64 = 0.1;

/// The cluster of each point, 0 for the largest (of equally large ones the one met first).
///
/// `most` bounds the number of clusters; one cluster when the points show no structure.
pub(crate) fn clusters<const D: usize>(points: &[Point<D>], most: usize, seed: u64) -> Vec<usize> {
    let stream = Stream::new(seed, &["groups"]);
    let mut best = (NO_STRUCTURE, vec![0; points.len()]);
    for k in 2..=most.min(distinct(points)) {
        let assigned = k_means(points, k, stream.child_number(k as u64));
        let silhouette = silhouette(points, &assigned, k);
        if silhouette > best.0 {
            best = (silhouette, assigned);
        }
    }
    by_size(&best.1)
}

fn distinct<const D: usize>(points: &[Point<D>]) -> usize {
    let mut sorted: Vec<&Point<D>> = points.iter().collect();
    sorted.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted.dedup();
    sorted.len()
}

/// Numbers clusters by their size.
fn by_size(assigned: &[usize]) -> Vec<usize> {
    let clusters = assigned.iter().max().map_or(0, |last| last + 1);
    let mut order: Vec<(std::cmp::Reverse<usize>, usize, usize)> = (0..clusters)
        .map(|cluster| {
            let size = assigned.iter().filter(|&&other| other == cluster).count();
            let first = assigned.iter().position(|&other| other == cluster).unwrap_or(usize::MAX);
            (std::cmp::Reverse(size), first, cluster)
        })
        .collect();
    order.sort_unstable();
    let mut number = vec![0; clusters];
    for (at, (_, _, cluster)) in order.into_iter().enumerate() {
        number[cluster] = at;
    }
    assigned.iter().map(|&cluster| number[cluster]).collect()
}

fn k_means<const D: usize>(points: &[Point<D>], k: usize, stream: Stream) -> Vec<usize> {
    let starts = (0..RESTARTS).map(|start| lloyd(points, first_centres(points, k, stream.child_number(start))));
    let better = |best: (f64, Vec<usize>), next: (f64, Vec<usize>)| if next.0 < best.0 { next } else { best };
    starts.reduce(better).map_or_else(Vec::new, |best| best.1)
}

/// Centres drawn from the points, each with a chance that grows with its distance from those before.
fn first_centres<const D: usize>(points: &[Point<D>], k: usize, stream: Stream) -> Vec<Point<D>> {
    let mut centres = vec![points[stream.below(0, points.len() as u64) as usize]];
    let mut nearest: Vec<f64> = points.iter().map(|point| distance(point, &centres[0])).collect();
    for draw in 1..k as u64 {
        let total: f64 = nearest.iter().sum();
        let mut rest = total * stream.uniform(2 * draw);
        let drawn = nearest.iter().position(|near| {
            rest -= near;
            rest < 0.0
        });
        let centre = points[drawn.unwrap_or(points.len() - 1)];
        for (near, point) in nearest.iter_mut().zip(points) {
            *near = near.min(distance(point, &centre));
        }
        centres.push(centre);
    }
    centres
}

/// Lloyd's rounds from these centres: the sum of squared distances, and the cluster of each point.
fn lloyd<const D: usize>(points: &[Point<D>], mut centres: Vec<Point<D>>) -> (f64, Vec<usize>) {
    let mut assigned = vec![usize::MAX; points.len()];
    let mut spread = 0.0;
    for _ in 0..ROUNDS {
        let mut moved = false;
        spread = 0.0;
        for (point, cluster) in points.iter().zip(&mut assigned) {
            let (nearest, far) = nearest_centre(point, &centres);
            moved |= *cluster != nearest;
            *cluster = nearest;
            spread += far;
        }
        if !moved {
            break;
        }
        for (cluster, centre) in centres.iter_mut().enumerate() {
            // A centre that lost all its points stays where it is.
            if let Some(mean) = mean(points, &assigned, cluster) {
                *centre = mean;
            }
        }
    }
    (spread, assigned)
}

fn nearest_centre<const D: usize>(point: &Point<D>, centres: &[Point<D>]) -> (usize, f64) {
    let mut nearest = (0, f64::INFINITY);
    for (cluster, centre) in centres.iter().enumerate() {
        let far = distance(point, centre);
        if far < nearest.1 {
            nearest = (cluster, far);
        }
    }
    nearest
}

fn mean<const D: usize>(points: &[Point<D>], assigned: &[usize], cluster: usize) -> Option<Point<D>> {
    let (mut sum, mut n) = ([0.0; D], 0usize);
    for (point, _) in points.iter().zip(assigned).filter(|(_, other)| **other == cluster) {
        sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += value);
        n += 1;
    }
    (n > 0).then(|| sum.map(|sum| sum / n as f64))
}

fn distance<const D: usize>(a: &Point<D>, b: &Point<D>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Mean silhouette: how much nearer points are to their own cluster than to the next one, -1 to 1.
fn silhouette<const D: usize>(points: &[Point<D>], assigned: &[usize], k: usize) -> f64 {
    let stride = points.len().div_ceil(SILHOUETTE_POINTS).max(1);
    let sample: Vec<usize> = (0..points.len()).step_by(stride).collect();
    let mut total = 0.0;
    for &at in &sample {
        let mut sums = vec![(0.0, 0usize); k];
        for &other in sample.iter().filter(|&&other| other != at) {
            let sum = &mut sums[assigned[other]];
            sum.0 += fleetcast_numeric::math::sqrt(distance(&points[at], &points[other]));
            sum.1 += 1;
        }
        let mean = |sum: (f64, usize)| if sum.1 == 0 { None } else { Some(sum.0 / sum.1 as f64) };
        // A point alone in its cluster counts as 0.
        let Some(own) = mean(sums[assigned[at]]) else { continue };
        let others = (0..k).filter(|&cluster| cluster != assigned[at]).filter_map(|cluster| mean(sums[cluster]));
        let next = others.fold(f64::INFINITY, f64::min);
        if next.is_finite() && own.max(next) > 0.0 {
            total += (next - own) / own.max(next);
        }
    }
    total / sample.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points around `k` corners of a plane, in turn.
    fn planted(k: usize, n: usize, spread: f64) -> Vec<Point<2>> {
        let noise = Stream::new(3, &["planted"]);
        let corner = |i: usize| [(i % k % 3) as f64 * 10.0, (i % k / 3) as f64 * 10.0];
        let point = |i: usize| {
            let [dx, dy] = noise.normal_pair(i as u64);
            [corner(i)[0] + spread * dx, corner(i)[1] + spread * dy]
        };
        (0..n).map(point).collect()
    }

    #[test]
    fn planted_clusters_are_found_with_their_number() {
        for k in 2..=6 {
            let points = planted(k, 40 * k + 1, 1.0);
            let found = clusters(&points, 8, 42);
            assert_eq!(found.iter().max(), Some(&(k - 1)));
            // The largest cluster has the one point more; all points of a corner are together.
            assert_eq!(found[0], 0);
            assert!((0..points.len()).all(|i| found[i] == found[i % k]), "{k}: {found:?}");
            assert_eq!(found, clusters(&points, 8, 42));
        }
    }

    #[test]
    fn points_without_structure_are_one_cluster() {
        assert_eq!(clusters(&[[1.0, 2.0]; 20], 8, 1), [0; 20]);
        assert_eq!(clusters::<2>(&[], 8, 1), [0; 0]);
        assert_eq!(clusters(&[[1.0]], 8, 1), [0]);
    }

    #[test]
    fn a_silhouette_equals_its_definition() {
        let points = [[0.0, 0.0], [0.0, 2.0], [3.0, 1.0], [8.0, 8.0], [9.0, 9.0]];
        let by_hand = {
            let d = |a: usize, b: usize| distance(&points[a], &points[b]).sqrt();
            let s = |own: f64, next: f64| (next - own) / own.max(next);
            let first = |i: usize, j: usize, k: usize| s((d(i, j) + d(i, k)) / 2.0, (d(i, 3) + d(i, 4)) / 2.0);
            let last = |i: usize, j: usize| s(d(i, j), (d(i, 0) + d(i, 1) + d(i, 2)) / 3.0);
            (first(0, 1, 2) + first(1, 0, 2) + first(2, 0, 1) + last(3, 4) + last(4, 3)) / 5.0
        };
        assert!((silhouette(&points, &[0, 0, 0, 1, 1], 2) - by_hand).abs() < 1e-12);
    }
}
