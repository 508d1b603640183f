//! The futures of one server.

use super::Oracle;
use super::continuation::Expected;
use crate::daily::{self, Scope};
use crate::driver::State;
use crate::fleet::{Subject, THRESHOLDS};
use crate::noise::{Columns, Marginal};
use crate::{Fleet, Workspace};
use fleetcast_numeric::{Stream, math};

/// What is known of a server at the cutoff.
pub(super) struct Known {
    pub(super) subject: Subject,
    is_log: bool,
    laws: [Marginal; 4],
    state: State,
    /// Per metric, the demand of each day before noise and events.
    expected: [Vec<f64>; 4],
    /// Per metric, the factor on each day of what is under way at the cutoff.
    events: [Vec<f64>; 4],
    /// Per metric and threshold, the demand that reaches it; `None` without a capacity.
    limits: [[Option<f64>; 2]; 4],
}

impl Known {
    pub(super) fn new(oracle: &Oracle<'_>, index: usize) -> Self {
        let fleet = oracle.fleet;
        let after = oracle.cutoff_day + 1;
        let subject = fleet.subject(index, after);
        let (member, effects) = (&subject.member, &subject.effects);
        let layers = daily::expected(
            &fleet.scenario,
            &oracle.tables,
            after,
            (member.archetype, member.region),
            effects,
            &mut Workspace::default(),
        );
        let expected = layers.map(|layer| {
            let days = layer.growth.iter().zip(&layer.week).zip(&layer.season);
            days.map(|((growth, week), season)| layer.base * growth * week * season).collect()
        });
        let last = after + oracle.dates.len();
        let events = std::array::from_fn(|m| subject.course.daily(m, last).split_off(after));
        let limits = std::array::from_fn(|m| {
            let capacity = subject.server.capacity(&fleet.metrics[m]);
            let demand = |percent: f64, capacity| fleet.saturation.reaches(percent / 100.0 * capacity, fleet.bound(m));
            THRESHOLDS.map(|percent| capacity.map(|capacity| demand(percent, capacity)))
        });
        let laws = fleet.noise.laws(effects);
        let state = oracle.state(Scope::Server, subject.server.server_id());
        let is_log = matches!(laws[0], Marginal::LogNormal { .. });
        Self { is_log, laws, state, expected, events, limits, subject }
    }

    /// The observed P95 of a score on a day.
    pub(super) fn observed(&self, fleet: &Fleet, metric: usize, day: usize, score: f64) -> f64 {
        let factor = if self.is_log { math::exp(score) } else { score };
        fleet.saturation.serve(self.expected[metric][day] * factor, fleet.bound(metric)).0
    }

    /// What a factor on the demand is as a score.
    fn score(&self, factor: f64) -> f64 {
        if self.is_log { math::ln(factor) } else { factor }
    }
}

/// All draws of one server as scores: the factor of noise and events on the expected demand, or its
/// logarithm where the noise is log-normal. A score rises with the observed value, so ranks can be taken
/// before the one is worked out from the other.
pub(super) struct Draws {
    n_draws: usize,
    horizon: usize,
    /// Metric by metric, day by day, draw by draw.
    scores: Vec<f64>,
    /// Per metric and threshold, how many draws reach it first on each day.
    first: [[Option<Vec<u32>>; 2]; 4],
}

impl Draws {
    pub(super) fn new(oracle: &Oracle<'_>, known: &Known, shared: &Futures) -> Self {
        let (n_draws, horizon) = (oracle.spec.n_draws, oracle.dates.len());
        let mut draws = Self {
            n_draws,
            horizon,
            scores: vec![0.0; 4 * horizon * n_draws],
            first: known.limits.map(|limits| limits.map(|limit| limit.map(|_| vec![0; horizon]))),
        };
        draws.lay_noise(oracle, known, shared);
        draws.lay_events(oracle, known);
        draws.count_crossings(known);
        draws
    }

    /// The noise of each day, and what is under way on it.
    fn lay_noise(&mut self, oracle: &Oracle<'_>, known: &Known, shared: &Futures) {
        let noise = &oracle.fleet.noise;
        let (server_id, archetype) = (known.subject.server.server_id(), known.subject.member.archetype);
        let mut own = Walk::new(oracle, (Scope::Server, server_id), &known.state);
        let wild = noise.wild_days(oracle.seed, server_id);
        let (mut uniforms, mut columns) = (vec![0.0; self.n_draws], empty(self.n_draws));
        for day in 0..self.horizon {
            columns.iter_mut().zip(shared.day(day)).for_each(|(column, shared)| column.copy_from_slice(shared));
            own.add(oracle, day, &mut columns);
            wild.child_number(day as u64).fill_uniforms(0, &mut uniforms);
            noise.correlate_columns(archetype, &uniforms, &mut columns);
            for (m, column) in columns.iter().enumerate() {
                let start = (m * self.horizon + day) * self.n_draws;
                let scores = &mut self.scores[start..start + self.n_draws];
                let underway = known.events[m][day];
                match known.laws[m] {
                    Marginal::Normal(_) => {
                        scores.copy_from_slice(column);
                        known.laws[m].apply(scores);
                        scores.iter_mut().for_each(|score| *score *= underway);
                    }
                    Marginal::LogNormal { sigma, log_mean } => {
                        let level = math::ln(underway) - log_mean;
                        scores.iter_mut().zip(column).for_each(|(score, z)| *score = sigma * z + level);
                    }
                }
            }
        }
    }

    /// What begins after the cutoff: events come without memory, so those of another seed do.
    fn lay_events(&mut self, oracle: &Oracle<'_>, known: &Known) {
        let after = oracle.cutoff_day + 1;
        let last = after + self.horizon;
        for (draw, &seed) in oracle.seeds.iter().enumerate() {
            let course = oracle.fleet.course(seed, &known.subject, after..last);
            if course.is_empty() {
                continue;
            }
            for m in (0..4).filter(|&m| course.touches(m)) {
                let factors = course.daily(m, last);
                let start = m * self.horizon * self.n_draws + draw;
                let scores = self.scores[start..].iter_mut().step_by(self.n_draws);
                for (score, factor) in scores.zip(&factors[after..]).filter(|(_, factor)| **factor != 1.0) {
                    *score = if known.is_log { *score + math::ln(*factor) } else { *score * factor };
                }
            }
        }
    }

    fn count_crossings(&mut self, known: &Known) {
        let mut waiting = Vec::with_capacity(self.n_draws);
        for m in 0..4 {
            for (limit, first) in known.limits[m].iter().zip(&mut self.first[m]) {
                let (Some(limit), Some(first)) = (limit, first) else { continue };
                waiting.clear();
                waiting.extend(0..self.n_draws);
                for (day, reached) in first.iter_mut().enumerate() {
                    let start = (m * self.horizon + day) * self.n_draws;
                    let scores = &self.scores[start..start + self.n_draws];
                    let limit = known.score(limit / known.expected[m][day]);
                    let before = waiting.len();
                    waiting.retain(|&draw| scores[draw] < limit);
                    *reached = (before - waiting.len()) as u32;
                }
            }
        }
    }

    /// The scores of one metric on one day.
    pub(super) fn day(&self, metric: usize, day: usize) -> &[f64] {
        let start = (metric * self.horizon + day) * self.n_draws;
        &self.scores[start..start + self.n_draws]
    }

    /// Share of the draws that reached each threshold up to each day.
    pub(super) fn p_crossed(&self, metric: usize) -> [Option<Vec<f64>>; 2] {
        self.first[metric].each_ref().map(|first| {
            let mut reached = 0;
            let mut share = |n: &u32| {
                reached += n;
                f64::from(reached) / self.n_draws as f64
            };
            first.as_ref().map(|first| first.iter().map(&mut share).collect())
        })
    }
}

/// The noise that the servers of a pool have in common: one value per day, metric and draw.
#[derive(Debug)]
pub(super) struct Futures {
    n_draws: usize,
    values: Vec<f64>,
}

impl Futures {
    /// The noise of several scopes, added up; each with its state at the cutoff.
    pub(super) fn new(oracle: &Oracle<'_>, scopes: &[(Scope, &str)]) -> Self {
        let n_draws = oracle.spec.n_draws;
        let mut values = Vec::with_capacity(4 * n_draws * oracle.dates.len());
        let mut walks: Vec<Walk> =
            scopes.iter().map(|&(scope, name)| Walk::new(oracle, (scope, name), &oracle.state(scope, name))).collect();
        let mut columns = empty(n_draws);
        for day in 0..oracle.dates.len() {
            columns.iter_mut().for_each(|column| column.fill(0.0));
            walks.iter_mut().for_each(|walk| walk.add(oracle, day, &mut columns));
            columns.iter().for_each(|column| values.extend_from_slice(column));
        }
        Self { n_draws, values }
    }

    /// Four columns, one per metric.
    fn day(&self, day: usize) -> impl Iterator<Item = &[f64]> {
        self.values[4 * day * self.n_draws..].chunks_exact(self.n_draws).take(4)
    }
}

fn empty(n_draws: usize) -> Columns {
    std::array::from_fn(|_| vec![0.0; n_draws])
}

/// The noise of one scope on its way from the cutoff on.
struct Walk {
    stream: Stream,
    scale: f64,
    expected: Expected,
    fresh: Columns,
}

impl Walk {
    fn new(oracle: &Oracle<'_>, (scope, name): (Scope, &str), state: &State) -> Self {
        let (stream, scale) = oracle.fleet.noise.part(oracle.seed, scope, name);
        let n_draws = oracle.spec.n_draws;
        Self {
            stream,
            scale,
            expected: Expected::new(&oracle.fleet.noise.driver, state, n_draws),
            fresh: empty(n_draws),
        }
    }

    /// Adds the values of a day; days come one after the other.
    fn add(&mut self, oracle: &Oracle<'_>, day: usize, columns: &mut Columns) {
        if self.scale > 0.0 {
            let stream = self.stream.child_number(day as u64);
            stream.fill_normal_quads(0, self.fresh.each_mut().map(|column| &mut column[..]));
            let number = oracle.cutoff_day + 1 + day;
            self.expected.add(&oracle.fleet.noise.driver, number, &self.fresh, self.scale, columns);
        }
    }
}
