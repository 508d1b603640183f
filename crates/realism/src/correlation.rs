//! How series move together: metrics of one server, and servers of one metric.

use crate::judge::shuffled;
use crate::sample::Track;
use crate::track;
use fleetcast_numeric::{Stream, math};
use rayon::prelude::*;

/// Servers whose pairs are looked at; more would say the same more slowly.
const MOST_SERVERS: usize = 48;
/// Steps two series must have in common.
const FEWEST_COMMON: usize = 24;

/// Correlation of two series over the steps they have in common; NaN without enough of them, or when one
/// is constant there.
fn correlation(a: (i64, &[f64]), b: (i64, &[f64])) -> f64 {
    let from = a.0.max(b.0);
    let to = (a.0 + a.1.len() as i64).min(b.0 + b.1.len() as i64);
    if to - from < FEWEST_COMMON as i64 {
        return f64::NAN;
    }
    let part = |first: i64| (from - first) as usize..(to - first) as usize;
    let (x, y) = (&a.1[part(a.0)], &b.1[part(b.0)]);
    let ((mean_x, var_x), (mean_y, var_y)) = (track::moments(x), track::moments(y));
    if var_x <= 1e-12 || var_y <= 1e-12 {
        return f64::NAN;
    }
    let sum: f64 = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    sum / x.len() as f64 / math::sqrt(var_x * var_y)
}

/// Rank correlation of the residuals of two metrics of one server.
pub(crate) fn of_metrics(a: &Track, b: &Track, per_day: usize) -> f64 {
    let ranks = |track: &Track| track::residual_ranks(track, per_day);
    correlation((a.first, &ranks(a)), (b.first, &ranks(b)))
}

/// Rank correlations of the residuals of pairs of servers.
pub(crate) struct Between {
    /// Place of each server among those looked at.
    place: Vec<Option<usize>>,
    n: usize,
    cells: Vec<f64>,
}

impl Between {
    /// Hourly means where the step is finer, so that a delay of minutes does not hide what is common.
    pub(crate) fn new(tracks: &[Track], step_seconds: i64, seed: u64) -> Self {
        let every = (3_600 / step_seconds).max(1);
        let per_day = (86_400 / (step_seconds * every)).max(1) as usize;
        let mut chosen = shuffled(tracks.len(), Stream::new(seed, &["realism", "pairs of servers"]));
        chosen.truncate(MOST_SERVERS);
        let residuals: Vec<(i64, Vec<f64>)> = chosen
            .par_iter()
            .map(|&server| {
                let track = coarse(&tracks[server], every as usize);
                (track.first, track::residual_ranks(&track, per_day))
            })
            .collect();
        let n = chosen.len();
        let cell = |k: usize| {
            let (a, b) = (&residuals[k / n], &residuals[k % n]);
            if k / n < k % n { correlation((a.0, &a.1), (b.0, &b.1)) } else { f64::NAN }
        };
        let cells = (0..n * n).into_par_iter().map(cell).collect();
        let mut place = vec![None; tracks.len()];
        chosen.iter().enumerate().for_each(|(at, server)| place[*server] = Some(at));
        Self { place, n, cells }
    }

    /// The correlations of all pairs of some servers.
    pub(crate) fn among(&self, members: &[usize]) -> Vec<f64> {
        let mut places: Vec<usize> = members.iter().filter_map(|server| self.place[*server]).collect();
        places.sort_unstable();
        let pairs = places.iter().enumerate().flat_map(|(at, a)| places[at + 1..].iter().map(move |b| (a, b)));
        pairs.map(|(a, b)| self.cells[a * self.n + b]).filter(|r| !r.is_nan()).collect()
    }
}

/// A series of means over runs of `every` steps that begin at whole multiples of it.
pub(crate) fn coarse(track: &Track, every: usize) -> Track {
    let skip = (-track.first).rem_euclid(every as i64) as usize;
    let values = track::means(track.values.get(skip..).unwrap_or(&[]), every);
    Track { server: track.server.clone(), first: (track.first + skip as i64) / every as i64, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_found_where_times_overlap() {
        let (common, own) = (Stream::new(1, &["common"]), Stream::new(1, &["own"]));
        let track = |server: u64, first: i64| Track {
            server: format!("s{server}").into(),
            first,
            values: (0..2_000)
                .map(|at| common.normal((first + at) as u64) + own.child_number(server).normal(at as u64))
                .collect(),
        };
        let tracks = [track(0, 1_000), track(1, 1_500), track(2, 50_000), track(3, 1_000)];
        let between = Between::new(&tracks, 3_600, 1);
        let found = between.among(&[0, 1, 2]);
        assert_eq!(found.len(), 1, "the third does not overlap: {found:?}");
        assert!((found[0] - 0.48).abs() < 0.08, "{found:?}");
        assert!((of_metrics(&tracks[0], &tracks[3], 24) - 0.48).abs() < 0.08);
    }

    #[test]
    fn coarse_series_begin_at_whole_hours() {
        let track = Track { server: "a".into(), first: 10, values: (0..26).map(f64::from).collect() };
        let hourly = coarse(&track, 12);
        assert_eq!((hourly.first, hourly.values), (1, vec![7.5, 19.5]));
    }
}
