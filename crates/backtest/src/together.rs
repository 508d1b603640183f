//! How the errors of servers that serve together hang together, estimated from past ones.

use crate::calibrate::Calibration;
use crate::plan::Plan;
use crate::spread::Judged;
use fleetcast_core::{Dependence, Shared};
use fleetcast_numeric::math;
use std::collections::BTreeMap;

/// Errors this independent of one pool count half against those of all pools of the metric.
const HALF_TRUSTED: f64 = 40.0;
/// Steps of a trajectory that are looked at; more change a correlation by less than it matters.
const STEPS: usize = 45;
/// Distance of two far days, as a share of the horizon: little but the lasting error is common to them.
const FAR: f64 = 0.4;
/// Most that is shared: what a few windows show is never all.
const MOST: f64 = 0.95;

/// Sums of products of normal scores of two servers of one pool.
#[derive(Clone, Copy, Debug, Default)]
struct Products {
    /// On one day.
    near: f64,
    n_near: f64,
    /// On days far apart.
    far: f64,
    n_far: f64,
    /// Squares.
    square: f64,
    n: f64,
    /// Windows in which two servers or more were judged.
    windows: f64,
}

/// What each pool of servers shares, in one metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Together {
    by_pool: BTreeMap<String, Shared>,
}

impl Together {
    /// Measures the pools of `series`, each with its past forecasts, from what is left of their errors once they are
    /// told as normal scores of `calibration`.
    ///
    /// As in the dependence over steps, correlations are means of products, not covariances: an error that all servers
    /// share is part of what calibrated quantiles promise. Products of two servers on far days are those of the lasting
    /// error, and those on one day hold the passing errors besides. A pool's own few windows count less against the
    /// other pools of the metric the fewer they are.
    pub(crate) fn measure(series: &[(&str, &Judged)], calibration: &Calibration, plan: &Plan) -> Self {
        let mut pools: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
        series.iter().for_each(|(pool, judged)| pools.entry(pool).or_default().push(judged));
        pools.retain(|_, members| members.len() > 1);
        let products: BTreeMap<&str, Products> =
            pools.iter().map(|(pool, members)| (*pool, Products::of(members, calibration, plan))).collect();
        let all = products.values().fold(Products::default(), |sum, own| sum.plus(own));
        let (Some(fleet), dependence) = (all.correlations(), calibration.dependence()) else { return Self::default() };
        let memory = dependence.memory;
        // Days of an error that fades count as fewer.
        let pieces = (plan.horizon as f64 * (1.0 - memory * memory) / (1.0 + memory * memory)).max(1.0);
        let shared = |own: &Products| {
            let own_says = own.correlations().unwrap_or(fleet);
            let blend = |at: usize, n: f64| fleet[at] + n / (n + HALF_TRUSTED) * (own_says[at] - fleet[at]);
            shared([blend(0, pieces * own.windows), blend(1, own.windows)], &dependence, plan.horizon)
        };
        Self { by_pool: products.iter().map(|(pool, own)| ((*pool).to_owned(), shared(own))).collect() }
    }

    /// What a pool shares; nothing where it was not measured.
    pub(crate) fn of(&self, pool: Option<&str>) -> Shared {
        pool.and_then(|pool| self.by_pool.get(pool)).copied().unwrap_or(Shared::NONE)
    }
}

/// The shares that give these correlations on one day and on far days, when servers have this dependence.
fn shared([near, far]: [f64; 2], dependence: &Dependence, horizon: usize) -> Shared {
    let level = dependence.level;
    let distance = (far_steps(horizon.div_ceil(stride(horizon))) * stride(horizon)) as f64;
    let left = dependence.memory_share * math::pow(dependence.memory, distance);
    let share = |part: f64, of: f64| if of > 0.0 { (part / of).clamp(0.0, MOST) } else { 0.0 };
    let lasting = share(far - left * share(near - far, 1.0 - level - left), level);
    Shared { level: lasting, days: share(near - lasting * level, 1.0 - level) }
}

/// Steps between those of a trajectory that are looked at.
fn stride(horizon: usize) -> usize {
    horizon.div_ceil(STEPS).max(1)
}

/// Distance of two far days among so many steps that are looked at.
fn far_steps(steps: usize) -> usize {
    ((FAR * steps as f64) as usize).max(1)
}

impl Products {
    fn of(members: &[&Judged], calibration: &Calibration, plan: &Plan) -> Self {
        let mut products = Self::default();
        for origin in 0..plan.offsets.len() {
            let scores: Vec<Vec<f64>> =
                members.iter().filter_map(|judged| scores(judged, origin, calibration, plan)).collect();
            if scores.len() > 1 {
                products.count(&scores);
            }
        }
        products
    }

    /// Adds the servers of one window, each with its scores step after step, NaN at gaps.
    fn count(&mut self, servers: &[Vec<f64>]) {
        self.windows += 1.0;
        let steps = servers.iter().map(Vec::len).min().unwrap_or(0);
        let far = far_steps(steps);
        for step in 0..steps {
            // All pairs at once: what the sum's square has beyond the servers' own squares.
            let (mut sum, mut own, mut n) = (0.0, 0.0, 0.0);
            let (mut later, mut own_later, mut n_later, mut n_both) = (0.0, 0.0, 0.0, 0.0);
            for scores in servers {
                let now = scores[step];
                if !now.is_nan() {
                    sum += now;
                    own += now * now;
                    n += 1.0;
                }
                let Some(then) = scores.get(step + far).filter(|then| !then.is_nan()) else { continue };
                later += then;
                n_later += 1.0;
                if !now.is_nan() {
                    own_later += now * then;
                    n_both += 1.0;
                }
            }
            self.square += own;
            self.n += n;
            self.near += sum * sum - own;
            self.n_near += n * (n - 1.0);
            self.far += sum * later - own_later;
            self.n_far += n * n_later - n_both;
        }
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            near: self.near + other.near,
            n_near: self.n_near + other.n_near,
            far: self.far + other.far,
            n_far: self.n_far + other.n_far,
            square: self.square + other.square,
            n: self.n + other.n,
            windows: self.windows + other.windows,
        }
    }

    /// Correlations of two servers on one day and on far days; `None` when nothing varies.
    fn correlations(&self) -> Option<[f64; 2]> {
        let variance = if self.n > 0.0 { self.square / self.n } else { 0.0 };
        let correlation = |sum: f64, n: f64| if n > 0.0 { sum / n / variance } else { 0.0 };
        (variance > 0.0).then(|| [correlation(self.near, self.n_near), correlation(self.far, self.n_far)])
    }
}

/// Normal scores of the errors of one window at some of its steps.
fn scores(judged: &Judged, origin: usize, calibration: &Calibration, plan: &Plan) -> Option<Vec<f64>> {
    let trajectory = judged.trajectories.iter().find(|trajectory| trajectory.origin == origin)?;
    let scaled = calibration.spread().scaled_one(judged, trajectory, plan)?;
    let score = |(step, error): (usize, &f64)| if error.is_nan() { f64::NAN } else { calibration.score(step, *error) };
    Some(scaled.iter().enumerate().step_by(stride(plan.horizon)).map(score).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetcast_numeric::Stream;

    /// Windows of servers whose errors have a lasting part, a fading part and a part of the day, each shared as planted.
    fn planted(shared: Shared, dependence: Dependence, pools: u64) -> Products {
        let Dependence { level, memory_share: fading, memory } = dependence;
        let mut products = Products::default();
        let root = |share: f64| math::sqrt(share);
        for pool in 0..pools {
            let common = Stream::new(7, &["common"]).child_number(pool);
            let servers: Vec<Vec<f64>> = (0..6)
                .map(|server| {
                    let own = Stream::new(7, &["own"]).child_number(pool).child_number(server);
                    let mix =
                        |share: f64, at: u64| root(share) * common.normal(at) + root(1.0 - share) * own.normal(at);
                    let mut state = mix(shared.days, 1);
                    let lasting = mix(shared.level, 0);
                    let step = |step: u64| {
                        state = memory * state + root(1.0 - memory * memory) * mix(shared.days, 2 + 2 * step);
                        let day = mix(shared.days, 3 + 2 * step);
                        root(level) * lasting + root(fading) * state + root(1.0 - level - fading) * day
                    };
                    (0..45).map(step).collect()
                })
                .collect();
            products.count(&servers);
        }
        products
    }

    #[test]
    fn planted_shares_are_found() {
        let dependence = Dependence::new(0.4, 0.3, 0.9).unwrap();
        for planted_shares in [Shared::NONE, Shared { level: 0.6, days: 0.2 }, Shared { level: 0.1, days: 0.7 }] {
            let found = shared(planted(planted_shares, dependence, 3000).correlations().unwrap(), &dependence, 45);
            let is_near = |a: f64, b: f64| (a - b).abs() < 0.06;
            assert!(is_near(found.level, planted_shares.level), "{found:?} {planted_shares:?}");
            assert!(is_near(found.days, planted_shares.days), "{found:?} {planted_shares:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_not_said() {
        let lasting = |level: f64| Dependence::new(level, 0.0, 0.0).unwrap();
        assert_eq!(shared([-0.3, -0.2], &lasting(0.4), 90), Shared::NONE);
        assert_eq!(shared([0.9, 0.9], &lasting(0.4), 90).level, MOST);
        assert_eq!(shared([0.5, 0.5], &lasting(0.0), 90), Shared { level: 0.0, days: 0.5 });
        assert_eq!(Products::default().correlations(), None);
        let mut products = Products::default();
        products.count(&[vec![f64::NAN; 10], vec![1.0; 10]]);
        assert_eq!((products.n_near, products.n_far, products.n), (0.0, 0.0, 10.0));
    }
}
