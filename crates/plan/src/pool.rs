//! Servers that serve together: will what they carry in sum be too much, and how many are over at once?

use crate::passage::{highest, passages};
use crate::risk::{RISK_HORIZONS, crossing_dates};
use crate::{Error, Result};
use fleetcast_core::{History, Metric, Paths, PoolRisk, Server};
use fleetcast_numeric::quantile_of_sorted;

/// Joint futures of the servers of one pool in one metric, added up: futures are summed, never quantiles.
///
/// Path `i` of every server must be the same future. Loads are shares of each server's own capacity; in the sum they
/// count by what a server can do (processors, memory, network, disk), or all alike where that is not known of every
/// one. What is summed is the P95 of each server's day, which servers of a pool have at nearly the same hours.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolPaths {
    horizon: usize,
    /// Sums in per cent, times weights, path after path.
    sums: Vec<f64>,
    weight: f64,
    n_servers: usize,
    thresholds: Vec<f64>,
    /// For each threshold, servers over it on each day of each path.
    over: Vec<Vec<u32>>,
}

/// What a server counts in the sum of its pool, for a metric: its processors, memory in GiB, network in Mbit/s or disk
/// in MB/s; `None` where nobody said, or for a metric of nothing that a machine has.
pub fn pool_weight(server: &Server, metric: &Metric) -> Option<f64> {
    let shape = &server.shape;
    let known = match metric.name() {
        "cpu" => shape.vcpu,
        "memory" => shape.memory_gib,
        "network" => shape.network_mbit_per_s,
        "disk_io" => shape.disk_mb_per_s,
        _ => None,
    };
    known.filter(|weight| *weight > 0.0 && weight.is_finite())
}

impl PoolPaths {
    /// No server yet; those to come have `n_paths` paths of `horizon` days.
    pub fn new(n_paths: usize, horizon: usize, thresholds: &[f64]) -> Self {
        Self {
            horizon,
            sums: vec![0.0; n_paths * horizon],
            weight: 0.0,
            n_servers: 0,
            thresholds: thresholds.to_vec(),
            over: vec![vec![0; n_paths * horizon]; thresholds.len()],
        }
    }

    /// Adds a server, its `paths` in the unit of `capacity`.
    ///
    /// # Errors
    /// [`Error::Setting`] when it has other paths than the pool, or no capacity or weight above 0.
    pub fn add(&mut self, paths: &Paths, capacity: f64, weight: f64) -> Result<()> {
        let size = |n: usize, horizon: usize| format!("{n} paths of {horizon} days");
        if (paths.horizon(), paths.len() * paths.horizon()) != (self.horizon, self.sums.len()) {
            let wanted = size(self.sums.len() / self.horizon.max(1), self.horizon);
            return Err(refused("paths", size(paths.len(), paths.horizon()), &wanted));
        }
        for (key, value) in [("capacity", capacity), ("weight", weight)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(refused(key, value.to_string(), "above 0"));
            }
        }
        let factor = 100.0 / capacity * weight;
        // Path by path, so that each is a plain slice and processors add many days at once.
        let horizon = self.horizon;
        for (path, sums) in paths.iter().zip(self.sums.chunks_exact_mut(horizon)) {
            sums.iter_mut().zip(path).for_each(|(sum, value)| *sum += factor * value);
        }
        for (over, threshold) in self.over.iter_mut().zip(&self.thresholds) {
            let limit = threshold / 100.0 * capacity;
            for (path, over) in paths.iter().zip(over.chunks_exact_mut(horizon)) {
                over.iter_mut().zip(path).for_each(|(over, value)| *over += u32::from(*value >= limit));
            }
        }
        self.weight += weight;
        self.n_servers += 1;
        Ok(())
    }

    /// Servers added.
    pub fn n_servers(&self) -> usize {
        self.n_servers
    }

    /// The total in per cent of what the servers can do together; `None` before a server was added.
    pub fn total(&self) -> Option<Paths> {
        let values = self.sums.iter().map(|sum| sum / self.weight).collect();
        (self.n_servers > 0).then(|| Paths::new(self.horizon, values).ok()).flatten()
    }

    /// The risks of the pool, one per threshold; none with fewer than two servers.
    ///
    /// `history` is that of one of its servers, for the dates; `n_left_out` are servers that could not be judged.
    pub fn risks(&self, pool: &str, history: &History, n_left_out: usize, by_size: bool) -> Vec<PoolRisk> {
        let Some(total) = self.total().filter(|_| self.n_servers > 1) else { return Vec::new() };
        let peak = peaks(&total);
        let row = |(threshold, over): (&f64, &Vec<u32>)| {
            let passage = passages(&total, *threshold, &[1]).pop()?;
            Some(PoolRisk {
                pool: pool.to_owned(),
                metric: history.metric().clone(),
                cutoff: history.cutoff().date(),
                threshold: *threshold,
                n_servers: self.n_servers,
                n_left_out,
                by_size,
                p_crossed: RISK_HORIZONS.map(|days| passage.probability(days)),
                dates: crossing_dates(&passage, history),
                peak,
                p_together: [2, self.n_servers.div_ceil(2).max(2), self.n_servers].map(|k| self.share_with(over, k)),
            })
        };
        self.thresholds.iter().zip(&self.over).filter_map(row).collect()
    }

    /// P(some day has at least two servers over a threshold), by its place among the thresholds.
    pub fn p_two_over(&self, threshold: usize) -> Option<f64> {
        self.over.get(threshold).map(|over| self.share_with(over, 2))
    }

    /// Share of the paths that have a day with at least `k` servers over.
    fn share_with(&self, over: &[u32], k: usize) -> f64 {
        let paths = over.chunks_exact(self.horizon.max(1));
        let n = paths.len().max(1) as f64;
        paths.filter(|path| path.iter().any(|&count| count as usize >= k)).count() as f64 / n
    }
}

/// The 10, 50 and 90 % quantiles of the highest day.
fn peaks(total: &Paths) -> [f64; 3] {
    let mut highest: Vec<f64> = total.iter().map(highest).collect();
    highest.sort_unstable_by(f64::total_cmp);
    [0.1, 0.5, 0.9].map(|p| quantile_of_sorted(&highest, p))
}

fn refused(key: &str, found: String, allowed: &str) -> Error {
    Error::Setting { key: format!("pool.{key}"), found, allowed: allowed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_core::{SeriesId, Timeline};
    use std::sync::Arc;

    fn history() -> History {
        let timeline = Timeline::daily(jiff::civil::date(2024, 1, 1));
        History::new(SeriesId::new("a", "cpu"), Arc::new(Metric::named("cpu")), timeline, vec![1.0; 30]).unwrap()
    }

    /// Two futures of three days.
    fn paths(values: [f64; 6]) -> Paths {
        Paths::new(3, values.to_vec()).unwrap()
    }

    #[test]
    fn futures_are_summed_by_size_and_not_quantiles() {
        let mut pool = PoolPaths::new(2, 3, &[80.0, 90.0]);
        assert!(pool.risks("web", &history(), 0, true).is_empty());
        // Each server is at 100 per cent in one future on one day, and never both in one.
        pool.add(&paths([10.0, 100.0, 10.0, 10.0, 10.0, 10.0]), 100.0, 2.0).unwrap();
        assert!(pool.risks("web", &history(), 0, true).is_empty(), "one server is no pool");
        pool.add(&paths([2.0, 2.0, 2.0, 2.0, 18.0, 16.0]), 20.0, 6.0).unwrap();
        let expected = [10.0, 32.5, 10.0, 10.0, 70.0, 62.5];
        for (found, expected) in pool.total().unwrap().iter().flatten().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        let risks = pool.risks("web", &history(), 1, true);
        assert_eq!(risks.iter().map(|risk| risk.threshold).collect::<Vec<_>>(), [80.0, 90.0]);
        assert_eq!((risks[0].p_crossed[0], risks[0].dates.q10), (None, None));
        assert_eq!((risks[0].p_together, pool.p_two_over(0)), ([0.0; 3], Some(0.0)));
        assert_eq!((risks[0].n_servers, risks[0].n_left_out), (2, 1));
        assert!((risks[0].peak[1] - 51.25).abs() < 1e-9, "{:?}", risks[0].peak);
    }

    #[test]
    fn servers_that_are_over_on_one_day_of_one_future_are_over_together() {
        let mut pool = PoolPaths::new(2, 3, &[80.0]);
        for _ in 0..3 {
            pool.add(&paths([80.0, 0.0, 0.0, 0.0, 0.0, 79.9]), 100.0, 1.0).unwrap();
        }
        pool.add(&paths([0.0; 6]), 100.0, 1.0).unwrap();
        let risks = pool.risks("web", &history(), 0, false);
        assert_eq!(risks[0].p_together, [0.5, 0.5, 0.0]);
        assert_eq!(risks[0].dates.q50, None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut pool = PoolPaths::new(2, 3, &[80.0]);
        let message = |result: Result<()>| result.unwrap_err().to_string();
        let longer = Paths::new(6, vec![0.0; 6]).unwrap();
        assert_eq!(
            message(pool.add(&longer, 100.0, 1.0)),
            "`pool.paths` is 1 paths of 6 days, it must be 2 paths of 3 days"
        );
        assert_eq!(message(pool.add(&paths([0.0; 6]), 0.0, 1.0)), "`pool.capacity` is 0, it must be above 0");
        assert!(pool.add(&paths([0.0; 6]), 100.0, f64::NAN).is_err() && pool.total().is_none());
    }
}
