//! How near each server is to the nearest real one: a generator must not copy what it was fitted to.

use crate::correlation::coarse;
use crate::judge::{Set, Side};
use crate::sample::Track;
use crate::track;
use fleetcast_numeric::{math, quantile};
use rayon::prelude::*;

/// A synthetic series this near to a real one, as a share of the real one's standard deviation, is a copy.
const COPY: f64 = 0.02;

/// Distances between series: root mean square of the differences, hour by hour from their beginnings.
pub(crate) struct Distances {
    to_real: [Vec<Vec<f64>>; 2],
    std: Vec<f64>,
}

impl Distances {
    pub(crate) fn new(real: &[Track], synthetic: &[Track], step_seconds: i64) -> Self {
        let every = (3_600 / step_seconds).max(1) as usize;
        let series = |tracks: &[Track]| -> Vec<Vec<f64>> { tracks.iter().map(|t| coarse(t, every).values).collect() };
        let (real, synthetic) = (series(real), series(synthetic));
        let from = |tracks: &[Vec<f64>]| {
            tracks.par_iter().map(|a| real.iter().map(|b| distance(a, b)).collect()).collect::<Vec<Vec<f64>>>()
        };
        let std = real.iter().map(|values| math::sqrt(track::moments(values).1)).collect();
        Self { to_real: [from(&real), from(&synthetic)], std }
    }

    /// Median, over the servers of `of`, of the distance to the nearest of `real`.
    pub(crate) fn median(&self, real: &[usize], of: Set<'_>) -> f64 {
        let rows = &self.to_real[usize::from(of.side == Side::Synthetic)];
        let nearest = |server: &usize| real.iter().map(|r| rows[*server][*r]).fold(f64::INFINITY, f64::min);
        quantile(&of.members.iter().map(nearest).collect::<Vec<f64>>(), 0.5).unwrap_or(f64::NAN)
    }

    /// Synthetic servers that copy a real one that is not constant.
    pub(crate) fn copies(&self) -> usize {
        let copies = |row: &&Vec<f64>| row.iter().zip(&self.std).any(|(far, std)| *std > 1e-6 && *far < COPY * std);
        self.to_real[1].iter().filter(copies).count()
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    if n == 0 { f64::NAN } else { math::sqrt(sum / n as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;

    #[test]
    fn copies_are_counted() {
        let track = |seed: u64, level: f64| {
            let stream = Stream::new(seed, &["copy"]);
            Track { server: "a".into(), first: 0, values: (0..200).map(|at| level + stream.normal(at)).collect() }
        };
        let real: Vec<Track> = (0..5).map(|n| track(n, n as f64 * 3.0)).collect();
        let fresh: Vec<Track> = (10..15).map(|n| track(n, 6.0)).collect();
        assert_eq!(Distances::new(&real, &fresh, 3_600).copies(), 0);
        let both = [&fresh[..], &real[1..3]].concat();
        let distances = Distances::new(&real, &both, 3_600);
        assert_eq!(distances.copies(), 2);
        let copy = Set { side: Side::Synthetic, members: &[5] };
        assert_eq!(distances.median(&[0, 1, 2], copy), 0.0);
    }
}
